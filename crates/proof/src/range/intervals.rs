//! From verdicts per version to intervals, borders and disagreements. Pure.
//!
//! An unknown version never counts as fixed: an interval stays open over it, and a border beside it is stated as
//! uncertain.

use domain::proof::Verdict;

use super::search::{Board, Known};
use crate::report::{AffectedInterval, Border, Disagreement};

/// Intervals in which it fires, as OSV's `introduced`, `fixed` and `last_affected` write them.
#[must_use]
pub fn affected(board: &Board) -> Vec<AffectedInterval> {
    let mut intervals = Vec::new();
    let mut open: Option<(String, String)> = None;
    let mut seen_before = false;
    for (version, known) in board.versions.iter().zip(board.closed()) {
        match known.map(|known| known.verdict) {
            Some(Verdict::Fired) => match &mut open {
                Some((_, last)) => *last = version.text.clone(),
                None => {
                    let introduced = if seen_before { version.text.clone() } else { "0".into() };
                    open = Some((introduced, version.text.clone()));
                }
            },
            Some(Verdict::Silent) => {
                if let Some((introduced, _)) = open.take() {
                    let fixed = Some(version.text.clone());
                    intervals.push(AffectedInterval { introduced, fixed, last_affected: None });
                }
            }
            Some(Verdict::Inconclusive) | None => {}
        }
        seen_before = true;
    }
    if let Some((introduced, last)) = open {
        intervals.push(AffectedInterval { introduced, fixed: None, last_affected: Some(last) });
    }
    intervals
}

/// Where the verdict changes, and how sure that is.
#[must_use]
pub fn borders(board: &Board, repeats: u32) -> Vec<Border> {
    let closed = board.closed();
    let name = |i: usize| board.versions[i].text.clone();
    let sure = |i: usize| board.known[i].as_ref().is_some_and(|known| known.repeats >= repeats);
    let mut borders = Vec::new();
    let conclusive = |known: &Option<Known>| known.as_ref().is_some_and(|k| k.verdict != Verdict::Inconclusive);
    if let Some(first) = closed.iter().position(conclusive)
        && first > 0
        && closed[first].as_ref().is_some_and(|k| k.verdict == Verdict::Fired)
    {
        let unknown_between = (0..first).map(name).collect();
        borders.push(Border {
            before: None,
            after: Some(name(first)),
            kind: "introduced".into(),
            certain: false,
            unknown_between,
        });
    }
    for (a, b) in board.borders() {
        let fixed = closed[a].as_ref().is_some_and(|known| known.verdict == Verdict::Fired);
        borders.push(Border {
            before: Some(name(a)),
            after: Some(name(b)),
            kind: if fixed { "fixed" } else { "introduced" }.into(),
            certain: b == a + 1 && sure(a) && sure(b),
            unknown_between: (a + 1..b).map(name).collect(),
        });
    }
    if let Some(last) = closed.iter().rposition(conclusive)
        && last + 1 < closed.len()
        && closed[last].as_ref().is_some_and(|k| k.verdict == Verdict::Fired)
    {
        let unknown_between = (last + 1..closed.len()).map(name).collect();
        borders.push(Border {
            before: Some(name(last)),
            after: None,
            kind: "fixed".into(),
            certain: false,
            unknown_between,
        });
    }
    borders
}

/// Where what was measured is not what the bundle declares.
#[must_use]
pub fn disagreement(board: &Board, vulnerable: &str, fixed: Option<&str>) -> Vec<Disagreement> {
    let mut list = Vec::new();
    let place = |text: &str| board.versions.iter().position(|version| version.text == text);
    // A version that is not listed has no place: nothing is said about those after it.
    let (vulnerable_at, fixed_at) = (place(vulnerable), fixed.and_then(place));
    for (at, known) in board.closed().into_iter().enumerate() {
        let Some(known) = known else { continue };
        let declared = if Some(at) == vulnerable_at {
            "vulnerable"
        } else if fixed_at.is_some_and(|fixed| at >= fixed) {
            "fixed"
        } else if fixed.is_some() && vulnerable_at.is_some_and(|vulnerable| at > vulnerable) {
            "affected"
        } else {
            continue;
        };
        let agrees = match known.verdict {
            Verdict::Fired => declared != "fixed",
            Verdict::Silent => declared == "fixed",
            // Saying nothing contradicts only the finder's own claim to have seen it fire.
            Verdict::Inconclusive => declared != "vulnerable",
        };
        if !agrees {
            list.push(Disagreement {
                version: board.versions[at].text.clone(),
                declared: declared.into(),
                measured: known.verdict.as_str().into(),
            });
        }
    }
    list
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::PublishedVersion;

    fn published(text: &str) -> PublishedVersion {
        PublishedVersion { text: text.into(), line: "1.0".into(), prerelease: false, published: None, yanked: false }
    }

    /// One letter a version, 1.0.0, 1.0.1, …: f fired, s silent, ? inconclusive.
    fn board(verdicts: &str) -> Board {
        let versions = (0..verdicts.len()).map(|patch| published(&format!("1.0.{patch}"))).collect();
        let mut board = Board::new(versions);
        board.known = verdicts
            .chars()
            .map(|c| {
                let verdict = match c {
                    'f' => Verdict::Fired,
                    's' => Verdict::Silent,
                    _ => Verdict::Inconclusive,
                };
                Some(Known { verdict, reason: None, repeats: 3 })
            })
            .collect();
        board
    }

    fn check(verdicts: &str, wanted: &str) {
        let found: Vec<String> = affected(&board(verdicts))
            .into_iter()
            .map(|i| match (i.fixed, i.last_affected) {
                (Some(fixed), _) => format!("{}..{fixed}", i.introduced),
                (_, last) => format!("{}..={}", i.introduced, last.unwrap_or_default()),
            })
            .collect();
        assert_eq!(found.join(" "), wanted, "{verdicts}");
    }

    #[test]
    fn intervals() {
        check("fffs", "0..1.0.3");
        check("ssff", "1.0.2..=1.0.3");
        check("sffsfs", "1.0.1..1.0.3 1.0.4..1.0.5");
        check("f?s", "0..1.0.2");
        check("f?f?", "0..=1.0.2");
        check("?fs", "1.0.1..1.0.2");
        check("ssss", "");
        check("????", "");
    }

    #[test]
    fn a_border_beside_the_unknown_is_uncertain() {
        let found = borders(&board("?ff?s"), 3);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].before.as_deref(), found[0].certain), (None, false));
        assert_eq!(found[1].unknown_between, ["1.0.3"]);
        assert!(!found[1].certain);
        assert!(borders(&board("ffss"), 3)[0].certain);
        assert!(!borders(&board("ffss"), 4)[0].certain);
        assert_eq!(borders(&board("ff?"), 3)[0].after, None);
    }

    #[test]
    fn declared_and_measured() {
        let found = disagreement(&board("fsfsf"), "1.0.0", Some("1.0.3"));
        let told: Vec<String> = found.iter().map(|d| format!("{} {} {}", d.version, d.declared, d.measured)).collect();
        assert_eq!(told, ["1.0.1 affected silent", "1.0.4 fixed fired"]);
        assert_eq!(disagreement(&board("s"), "1.0.0", None)[0].declared, "vulnerable");
    }
}
