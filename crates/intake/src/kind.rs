//! The one table of formats: how each is told from the content, how much of it is read, and by what. Must not read more than the top
//! of a document to decide.

use std::fmt;

use formats::json::Node;

use crate::given::Given;
use crate::{
    DOCUMENT_BYTES_MAX, Document, Left, Refused, TEXT_BYTES_MAX, archive, crash, csaf, cve, cyclonedx, ghsa, list,
    mail, openvex, osv, prose, sarif,
};

/// A format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Results of a static analysis.
    Sarif,
    /// CASR's report of a crash.
    Casr,
    /// A record of the CVE list.
    Cve,
    /// CSAF.
    Csaf,
    /// CycloneDX with vulnerabilities.
    CycloneDx,
    /// OpenVEX.
    OpenVex,
    /// An advisory as GitHub's API gives it.
    Ghsa,
    /// OSV.
    Osv,
    /// A TAP report: sent byte for byte.
    Tap,
    /// A JSON array of records, each of a format of its own.
    List,
    /// An archive of any of these.
    Zip,
    /// What a crashing program printed.
    Crash,
    /// An e-mail.
    Mail,
    /// Text for people.
    Prose,
}

type Reader = fn(&[u8], &Given, &mut Left) -> Result<Document, Refused>;

/// One row: the format, its word, its name, the largest that is read, how a JSON document of it is told, what reads it.
struct Row {
    kind: Kind,
    word: &'static str,
    name: &'static str,
    bytes_max: usize,
    is_it: fn(&Top<'_>) -> bool,
    read: Reader,
}

/// In this order: the first that says yes is it.
const TABLE: [Row; 14] = [
    row(Kind::Zip, "zip", "a zip archive of these", DOCUMENT_BYTES_MAX, |t| t.is_zip, archive::read),
    row(Kind::Sarif, "sarif", "SARIF 2.1.0", DOCUMENT_BYTES_MAX, |t| t.has("runs"), sarif::read),
    row(Kind::Casr, "casr", "CASR", TEXT_BYTES_MAX, |t| t.has("CrashSeverity"), crash::read_casr),
    row(Kind::Cve, "cve", "CVE 5.x", DOCUMENT_BYTES_MAX, |t| t.says("dataType", "CVE_RECORD"), cve::read),
    row(Kind::Csaf, "csaf", "CSAF 2.0 and 2.1", DOCUMENT_BYTES_MAX, |t| t.has("document"), csaf::read),
    row(
        Kind::CycloneDx,
        "cyclonedx",
        "CycloneDX 1.4 to 1.7 (JSON) with vulnerabilities",
        DOCUMENT_BYTES_MAX,
        |t| t.says("bomFormat", "CycloneDX"),
        cyclonedx::read,
    ),
    row(
        Kind::OpenVex,
        "openvex",
        "OpenVEX 0.2.0",
        formats::openvex::VEX_BYTES_MAX,
        |t| t.text("@context").is_some_and(|context| context.contains("openvex")),
        openvex::read,
    ),
    row(Kind::Ghsa, "ghsa", "GitHub advisories", DOCUMENT_BYTES_MAX, |t| t.has("ghsa_id"), ghsa::read),
    row(Kind::Osv, "osv", "OSV 1.x", formats::osv::RECORD_BYTES_MAX, |t| t.has("id") && t.has("modified"), osv::read),
    row(
        Kind::Tap,
        "tap",
        "TAP reports",
        formats::tap::limits::REPORT_BODY_BYTES_MAX,
        |t| ["purl", "software", "affected_symbol", "package_repo_url"].iter().any(|field| t.has(field)),
        crate::draft::read_tap,
    ),
    row(Kind::List, "list", "a JSON array of these", DOCUMENT_BYTES_MAX, |t| t.is_list, list::read),
    row(
        Kind::Crash,
        "crash",
        "output of sanitizers, fuzzers and crashing programs",
        TEXT_BYTES_MAX,
        |t| t.is_crash(),
        crash::read,
    ),
    row(Kind::Mail, "email", "e-mail (RFC 5322)", mail::MAIL_BYTES_MAX, |t| t.is_mail(), mail::read),
    row(Kind::Prose, "text", "text and Markdown", TEXT_BYTES_MAX, |t| t.is_text(), prose::read),
];

const fn row(
    kind: Kind,
    word: &'static str,
    name: &'static str,
    bytes_max: usize,
    is_it: fn(&Top<'_>) -> bool,
    read: Reader,
) -> Row {
    Row { kind, word, name, bytes_max, is_it, read }
}

/// The top of a document: all that is looked at to tell its format.
struct Top<'a> {
    bytes: &'a [u8],
    text: Option<&'a str>,
    /// A JSON document, its first level only.
    node: Option<Node>,
    is_zip: bool,
    is_list: bool,
}

impl<'a> Top<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self, Refused> {
        let text = std::str::from_utf8(bytes).ok().map(|text| text.trim_start_matches('\u{feff}').trim_start());
        let is_zip = bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"PK\x05\x06");
        let mut top = Top { bytes, text, node: None, is_zip, is_list: false };
        if let Some(text) = text
            && (text.starts_with('{') || text.starts_with("[{"))
        {
            match Node::read(text, 1) {
                Ok(node) => top.node = Some(node),
                // Some crash outputs begin so; whatever is neither is told as broken JSON.
                Err(error) if !top.is_crash() => {
                    return Err(Refused::Unknown { what: format!("not one JSON document ({error})") });
                }
                Err(_) => {}
            }
        }
        top.is_list = matches!(top.node, Some(Node::Array(_)));
        Ok(top)
    }

    fn has(&self, field: &str) -> bool {
        self.node.as_ref().is_some_and(|node| node.get(field).is_some())
    }

    fn text(&self, field: &str) -> Option<&str> {
        self.node.as_ref()?.text(field)
    }

    fn says(&self, field: &str, word: &str) -> bool {
        self.text(field) == Some(word)
    }

    fn is_crash(&self) -> bool {
        self.node.is_none() && !self.is_mail() && triage::sort::is_crash(self.bytes)
    }

    /// Fields of a header, one of which only mail has, and an empty line after them.
    fn is_mail(&self) -> bool {
        self.node.is_none() && !self.is_zip && mail::is_it(self.bytes)
    }

    fn is_text(&self) -> bool {
        let plain = |text: &str| !text.is_empty() && !text.contains('\0');
        self.node.is_none() && !self.is_zip && self.text.is_some_and(plain)
    }
}

/// Tells the format of a document.
///
/// # Errors
/// [`Refused::Unknown`], or [`Refused::TooLarge`] for what is larger than anything that is read.
pub fn kind_of(bytes: &[u8]) -> Result<Kind, Refused> {
    if bytes.len() > triage::sort::REPORT_BYTES_MAX {
        return Err(Refused::TooLarge { bytes: bytes.len(), most: triage::sort::REPORT_BYTES_MAX });
    }
    let top = Top::of(bytes)?;
    let unknown = |what: &str| Refused::Unknown { what: what.to_owned() };
    TABLE.iter().find(|row| (row.is_it)(&top)).map(|row| row.kind).ok_or_else(|| match (top.text, &top.node) {
        (_, Some(_)) => unknown("JSON, but of no format that is known"),
        (Some(""), _) => unknown("empty"),
        (Some(_), _) => unknown("text with NUL bytes"),
        (None, _) => unknown("neither text in UTF-8 nor a zip archive"),
    })
}

impl Kind {
    fn row(self) -> &'static Row {
        // Every kind has its row; a test sees to it.
        TABLE.iter().find(|row| row.kind == self).unwrap_or(&TABLE[TABLE.len() - 1])
    }

    /// Its word: `sarif`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.row().word
    }

    pub(crate) fn bytes_max(self) -> usize {
        self.row().bytes_max
    }

    pub(crate) fn read(self, bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
        (self.row().read)(bytes, given, left)
    }

    /// The formats that `triage::sort` reads by itself.
    pub(crate) fn is_sorted_as_it_is(self) -> bool {
        matches!(self, Kind::Sarif | Kind::Casr | Kind::Tap | Kind::Crash | Kind::Prose)
    }

    /// All that is taken, in words.
    pub(crate) fn taken() -> String {
        let names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
        names.join(", ")
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.row().name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_row() {
        for row in &TABLE {
            assert_eq!(row.kind.row().word, row.word);
        }
        assert_eq!(TABLE.len(), 14);
    }
}
