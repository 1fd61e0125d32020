//! The SSVC points CISA gives to CVEs (its Vulnrichment data), as a table: one line a CVE. The letter case of the words
//! varies in real data and is made one; a word that is not known is a warning and no point, never a guess.

use crate::kev::is_date;
use crate::refusal::text_read;
use crate::{Unreadable, Warning};

const WHAT: &str = "a table of CVE points";

/// The largest table that is read, in bytes. (44,130 lines have 4 MB.)
pub const POINTS_BYTES_MAX: usize = 256 * 1024 * 1024;
/// Warnings that are kept; a broken column would otherwise give one a line.
pub const POINTS_WARNINGS_COUNT_MAX: usize = 1_000;

const COLUMNS: [&str; 10] = [
    "cve",
    "published",
    "exploitation",
    "automatable",
    "technical_impact",
    "kev",
    "cvss_version",
    "cvss_vector",
    "cvss_score",
    "cwe",
];

/// One CVE's points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Points {
    /// `CVE-1999-0006`.
    pub cve: String,
    /// `YYYY-MM-DD`.
    pub published: Option<String>,
    /// SSVC `Exploitation`.
    pub exploitation: Option<Exploitation>,
    /// SSVC `Automatable` (`ssvc:A:2.0.0`).
    pub automatable: Option<bool>,
    /// SSVC `Technical Impact` (`ssvc:TI:1.0.0`).
    pub technical_impact: Option<TechnicalImpact>,
    /// Listed in KEV, as the table says.
    pub kev: bool,
    /// The CVSS vector, with its version as prefix where it has one.
    pub cvss_vector: Option<String>,
    /// As stated; it may differ from what the vector gives.
    pub cvss_score: Option<f64>,
    /// `CWE-121`.
    pub cwe: Option<String>,
}

/// SSVC `Exploitation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exploitation {
    /// No evidence.
    None,
    /// A public proof of concept.
    PublicPoc,
    /// Active exploitation.
    Active,
}

/// SSVC `Technical Impact`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TechnicalImpact {
    /// Limited control.
    Partial,
    /// Total control.
    Total,
}

/// Reads the table. The columns are found by their names, in any order.
///
/// # Errors
/// [`Unreadable`] when it is too large, not UTF-8, or without a `cve` column.
pub fn read(bytes: &[u8]) -> Result<(Vec<Points>, Vec<Warning>), Unreadable> {
    let text = text_read(WHAT, bytes, POINTS_BYTES_MAX)?;
    let malformed = |e: csv::Error| Unreadable::Malformed { what: WHAT, syntax: "CSV", reason: e.to_string() };
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_bytes());
    let header = reader.headers().map_err(malformed)?.clone();
    let at = COLUMNS.map(|column| header.iter().position(|h| h.trim().eq_ignore_ascii_case(column)));
    if at[0].is_none() {
        let field = "the header".to_owned();
        return Err(Unreadable::WrongShape { what: WHAT, field, expected: "column names with cve among them" });
    }
    let mut table = Vec::new();
    let mut warnings = Vec::new();
    let mut row = csv::StringRecord::new();
    while reader.read_record(&mut row).map_err(malformed)? {
        let line = row.position().map_or(0, csv::Position::line);
        let cell = |column: usize| at.get(column).copied().flatten().and_then(|i| row.get(i)).map_or("", str::trim);
        let mut odd = |column: &str, text: &str| {
            if warnings.len() < POINTS_WARNINGS_COUNT_MAX {
                warnings.push(Warning::new("unknown_word", format!("line {line}, {column}"), text));
            }
        };
        let cve = cell(0).to_ascii_uppercase();
        if cve.starts_with("CVE-") {
            table.push(points(cve, cell, &mut odd));
        } else {
            odd("cve", "not a CVE id: the line is left out");
        }
    }
    Ok((table, warnings))
}

fn points<'a>(cve: String, cell: impl Fn(usize) -> &'a str, odd: &mut impl FnMut(&str, &str)) -> Points {
    let word = |column: usize| {
        let text = cell(column).to_ascii_lowercase();
        (!text.is_empty()).then_some(text)
    };
    let (exploitation, automatable, impact, kev) = (word(2), word(3), word(4), word(5));
    let exploitation = known("exploitation", exploitation, odd, |w| match w {
        "none" => Some(Exploitation::None),
        "poc" | "public poc" => Some(Exploitation::PublicPoc),
        "active" => Some(Exploitation::Active),
        _ => None,
    });
    let automatable = known("automatable", automatable, odd, yes_or_no);
    let technical_impact = known("technical_impact", impact, odd, |w| match w {
        "partial" => Some(TechnicalImpact::Partial),
        "total" => Some(TechnicalImpact::Total),
        _ => None,
    });
    let text = |column: usize| Some(cell(column)).filter(|t| !t.is_empty()).map(str::to_owned);
    Points {
        cve,
        published: text(1).filter(|d| is_date(d)),
        exploitation,
        automatable,
        technical_impact,
        kev: known("kev", kev, odd, yes_or_no).unwrap_or(false),
        cvss_vector: text(7),
        cvss_score: cell(8).parse().ok().filter(|s| (0.0..=10.0).contains(s)),
        cwe: text(9).filter(|c| c.starts_with("CWE-")),
    }
}

fn yes_or_no(word: &str) -> Option<bool> {
    match word {
        "yes" | "true" | "1" => Some(true),
        "no" | "false" | "0" => Some(false),
        _ => None,
    }
}

fn known<T>(
    column: &str,
    word: Option<String>,
    odd: &mut impl FnMut(&str, &str),
    of: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let word = word?;
    let value = of(&word);
    if value.is_none() {
        odd(column, "not a word of SSVC: no point is taken from it");
    }
    value
}
