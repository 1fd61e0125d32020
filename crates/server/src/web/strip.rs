//! The version strip: one cell for each published version, grouped by release line, drawn by what
//! the proof showed. Height and form carry the verdict as well as colour does.
//!
//! Must not decide what is affected: it draws the three measured sets as they are.

use std::collections::HashMap;
use std::fmt::Write;

use domain::proof::Verdict;
use service::range::MeasuredRange;
use versions::{Scheme, Version};

/// Width of a cell with the gap behind it, in drawing units.
const STEP: usize = 11;
const CELL_WIDTH: usize = 9;
const CELL_HEIGHT: usize = 26;
/// Height of a silent cell's block.
const SILENT_HEIGHT: usize = 7;
/// Gap before the next minor version, in drawing units.
const MINOR_GAP: usize = 3;
/// Cells in one drawing; a longer release line goes on in the next one.
const LINE_CELLS_MAX: usize = 60;

/// The strip of one case.
pub struct Strip {
    /// Its release lines, oldest first.
    pub lines: Vec<Line>,
    /// Versions on which the proof fired.
    pub fired: usize,
    /// Versions on which it was silent with a live control.
    pub silent: usize,
    /// Versions of which nothing is known.
    pub unknown: usize,
    /// All of it in one sentence.
    pub sentence: String,
}

/// One release line.
pub struct Line {
    /// `4.x`.
    pub name: String,
    /// The drawing: SVG made here from numbers and escaped texts.
    pub svg: String,
    /// `fired: 4.17.0 to 4.17.15; silent: 4.17.20`.
    pub words: String,
}

struct Cell {
    version: String,
    parsed: Option<Version>,
    verdict: Verdict,
    reason: Option<String>,
}

impl Cell {
    fn label(&self) -> String {
        let word = match self.verdict {
            Verdict::Fired => "fired",
            Verdict::Silent => "silent, control passed",
            Verdict::Inconclusive => "unknown",
        };
        match &self.reason {
            Some(reason) => format!("{}: {word} ({reason})", self.version),
            None => format!("{}: {word}", self.version),
        }
    }
}

impl Strip {
    /// Draws a measured range of versions of this ecosystem.
    #[must_use]
    pub fn draw(range: &MeasuredRange, ecosystem: &str) -> Self {
        let cells = cells(range, Scheme::of_ecosystem(ecosystem));
        let mut lines: Vec<(String, Vec<Cell>)> = Vec::new();
        for cell in cells {
            let name = cell.parsed.as_ref().map_or_else(|| "other".to_owned(), |v| format!("{}.x", v.line()));
            match lines.last_mut() {
                Some((last, members)) if *last == name => members.push(cell),
                _ => lines.push((name, vec![cell])),
            }
        }
        let (fired, silent, unknown) = (range.fired.len(), range.silent.len(), range.inconclusive.len());
        Self {
            lines: lines.iter().flat_map(|(name, cells)| drawn(name, cells)).collect(),
            fired,
            silent,
            unknown,
            sentence: format!(
                "{} published versions: the proof fired on {fired}, stayed silent with a passing control on {silent}, and gave no verdict on {unknown}.",
                fired + silent + unknown
            ),
        }
    }
}

fn cells(range: &MeasuredRange, scheme: Option<Scheme>) -> Vec<Cell> {
    let reasons: HashMap<&str, Option<String>> = range
        .inconclusive
        .iter()
        .map(|u| match u {
            service::range::Undecided::Reasoned { version, reason } => (version.as_str(), reason.clone()),
            service::range::Undecided::Plain(version) => (version.as_str(), None),
        })
        .collect();
    let cell = |version: &str, verdict| Cell {
        parsed: scheme.and_then(|s| Version::read(s, version).ok()),
        reason: reasons.get(version).cloned().flatten(),
        version: version.to_owned(),
        verdict,
    };
    let fired = range.fired.iter().map(|v| cell(v, Verdict::Fired));
    let silent = range.silent.iter().map(|v| cell(v, Verdict::Silent));
    let unknown = range.inconclusive.iter().map(|v| cell(v.version(), Verdict::Inconclusive));
    let mut all: Vec<Cell> = fired.chain(silent).chain(unknown).collect();
    // A version that cannot be read stands at the end, by its text.
    all.sort_by(|a, b| match (&a.parsed, &b.parsed) {
        (Some(x), Some(y)) => x.cmp(y),
        (Some(_), None) => std::cmp::Ordering::Less,
        (None, Some(_)) => std::cmp::Ordering::Greater,
        (None, None) => a.version.cmp(&b.version),
    });
    all
}

fn drawn(name: &str, cells: &[Cell]) -> Vec<Line> {
    let line = |(part, cells): (usize, &[Cell])| Line {
        name: if part == 0 { name.to_owned() } else { format!("{name} …") },
        svg: svg(name, cells),
        words: words(cells),
    };
    cells.chunks(LINE_CELLS_MAX).enumerate().map(line).collect()
}

fn svg(name: &str, cells: &[Cell]) -> String {
    let places = places(cells);
    let width = places.last().map_or(0, |x| x + STEP);
    let mut out = String::new();
    // Writing into a string cannot fail.
    let _ = write!(
        out,
        "<svg class=\"strip-line\" role=\"img\" width=\"{width}\" height=\"{CELL_HEIGHT}\" viewBox=\"0 0 {width} {CELL_HEIGHT}\" aria-label=\"{}\">",
        escaped(&format!("Release line {name}. {}", words(cells)))
    );
    for (x, cell) in places.into_iter().zip(cells) {
        let _ = write!(out, "<g><title>{}</title>", escaped(&cell.label()));
        let _ = match cell.verdict {
            Verdict::Fired => write!(
                out,
                "<rect class=\"fired\" x=\"{x}\" y=\"0\" width=\"{CELL_WIDTH}\" height=\"{CELL_HEIGHT}\" rx=\"1\"/>"
            ),
            Verdict::Silent => write!(
                out,
                "<rect class=\"ground\" x=\"{x}\" y=\"0\" width=\"{CELL_WIDTH}\" height=\"{CELL_HEIGHT}\" rx=\"1\"/><rect class=\"silent\" x=\"{x}\" y=\"{}\" width=\"{CELL_WIDTH}\" height=\"{SILENT_HEIGHT}\" rx=\"1\"/>",
                CELL_HEIGHT - SILENT_HEIGHT
            ),
            Verdict::Inconclusive => write!(
                out,
                "<rect class=\"unknown\" x=\"{x}.5\" y=\"0.5\" width=\"{}\" height=\"{}\" rx=\"1\"/><text class=\"unknown-mark\" x=\"{}.5\" y=\"17\" text-anchor=\"middle\">?</text>",
                CELL_WIDTH - 1,
                CELL_HEIGHT - 1,
                x + CELL_WIDTH / 2
            ),
        };
        out.push_str("</g>");
    }
    out.push_str("</svg>");
    out
}

/// Where each cell stands: a little apart where a minor version begins.
fn places(cells: &[Cell]) -> Vec<usize> {
    let minor = |cell: &Cell| cell.parsed.as_ref().map(|v| (v.numbers().0, v.numbers().1));
    let mut places = vec![0; cells.len().min(1)];
    for pair in cells.windows(2) {
        if let [a, b] = pair {
            let step = if minor(a) == minor(b) { STEP } else { STEP + MINOR_GAP };
            places.push(places.last().copied().unwrap_or_default() + step);
        }
    }
    places
}

/// `fired: 4.17.0 to 4.17.15; silent: 4.17.20`: runs of one verdict, in order.
fn words(cells: &[Cell]) -> String {
    let word = |v: Verdict| match v {
        Verdict::Fired => "fired",
        Verdict::Silent => "silent",
        Verdict::Inconclusive => "unknown",
    };
    let runs = cells.chunk_by(|a, b| a.verdict == b.verdict).filter_map(|run| {
        let (first, last) = (run.first()?, run.last()?);
        let span =
            if run.len() == 1 { first.version.clone() } else { format!("{} to {}", first.version, last.version) };
        Some(format!("{}: {span}", word(first.verdict)))
    });
    runs.collect::<Vec<_>>().join("; ")
}

/// The same five replacements the templates make.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stand_in_order_and_say_what_they_show() {
        let json = r#"{"fired":["4.17.15","3.10.1","4.2.0"],"silent":["4.17.20","10.0.0"],
            "inconclusive":[{"version":"2.0.0","reason":"api-absent"},"<b>"]}"#;
        let strip = Strip::draw(&MeasuredRange::parse(json).unwrap(), "npm");
        let names: Vec<_> = strip.lines.iter().map(|l| l.name.as_str()).collect();
        assert_eq!(names, ["2.x", "3.x", "4.x", "10.x", "other"]);
        assert_eq!(strip.lines[2].words, "fired: 4.2.0 to 4.17.15; silent: 4.17.20");
        assert!(strip.lines[0].svg.contains("2.0.0: unknown (api-absent)"));
        assert!(strip.lines[4].svg.contains("&lt;b&gt;") && !strip.lines[4].svg.contains("<b>"));
        assert_eq!((strip.fired, strip.silent, strip.unknown), (3, 2, 2));
    }

    #[test]
    fn a_long_line_goes_on_in_the_next_drawing() {
        let silent: Vec<String> = (0..150).map(|n| format!("1.0.{n}")).collect();
        let range = MeasuredRange { silent, ..MeasuredRange::default() };
        assert_eq!(Strip::draw(&range, "npm").lines.len(), 3);
    }
}
