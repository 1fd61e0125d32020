//! Any document that tells of a vulnerability, read into TAP reports: static results, crash outputs, advisories, e-mails, archives of
//! these. One table (`kind`) decides the format from the content before anything is stored. TAP's report is the one model: what it
//! has no field for travels as its attachment `provenance.json`, and the document itself, or its part, as another.
//!
//! Bytes in, values out: no I/O, no clock. Whatever the bytes, the answer is a value with warnings or one typed refusal; what is
//! left out is listed with its reason. Must not judge what a document says.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod archive;
mod case;
mod crash;
mod csaf;
mod cve;
mod cyclonedx;
mod draft;
mod ghsa;
mod given;
mod kind;
mod list;
mod mail;
mod mime;
mod openvex;
mod osv;
mod prose;
mod sarif;
mod text;

pub use archive::{ZIP_ENTRIES_COUNT_MAX, ZIP_LEVELS_MAX, ZIP_RATIO_COUNT_MAX, ZIP_UNPACKED_BYTES_MAX};
pub use case::of_case;
pub use draft::{Understood, digest_hex};
pub use given::{FoundSymbol, Given};
pub use kind::{Kind, kind_of};
pub use mail::MAIL_BYTES_MAX;
pub use mime::{MAIL_LEVELS_MAX, MAIL_PARTS_COUNT_MAX};

use draft::Draft;
use formats::json::{self, Node};
use formats::{Unreadable, Warning};
use thiserror::Error;
use triage::sort;

/// The largest document that is read, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// The largest text or crash output, in bytes.
pub const TEXT_BYTES_MAX: usize = sort::TEXT_BYTES_MAX;
/// Reports that are drawn from one document.
pub const REPORTS_COUNT_MAX: usize = 10_000;
/// Members of one JSON object: each report looks through those of what it shares with others.
const MEMBERS_COUNT_MAX: usize = 4_096;
/// What the reports of one document come to, as they are sent, in bytes: a short document can say one long thing of many packages.
pub const REPORTS_BYTES_MAX: usize = 128 * 1024 * 1024;

/// What was understood of one document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its format.
    pub kind: Kind,
    /// In the document's order.
    pub reports: Vec<Understood>,
    /// What makes no report, and why.
    pub left_out: Vec<LeftOut>,
    /// What was odd about it.
    pub warnings: Vec<Warning>,
}

impl Document {
    pub(crate) fn new(kind: Kind) -> Self {
        Document { kind, reports: Vec::new(), left_out: Vec::new(), warnings: Vec::new() }
    }

    /// Reads a JSON document of this format. One key that stands twice in an object is told.
    pub(crate) fn of_json(kind: Kind, what: &'static str, bytes: &[u8]) -> Result<(Self, Node), Refused> {
        let node = json::document(what, bytes, kind.bytes_max()).map_err(Refused::unreadable(kind))?;
        if members_most(&node) > MEMBERS_COUNT_MAX {
            let reason = format!("an object in it has more than {MEMBERS_COUNT_MAX} members");
            return Err(Refused::Unreadable { kind, reason });
        }
        let mut document = Document::new(kind);
        if let Some(key) = node.repeated_key_within() {
            let text = "a key stands twice; the last one counts";
            document.warnings.push(Warning::new("repeated_key", text::line(key, 64), text));
        }
        Ok((document, node))
    }

    pub(crate) fn leave_out(&mut self, at: impl Into<String>, reason: impl Into<String>) {
        self.left_out.push(LeftOut { at: at.into(), reason: reason.into() });
    }
}

/// Members of the object that has the most.
fn members_most(node: &Node) -> usize {
    match node {
        Node::Array(items) => items.iter().map(members_most).max().unwrap_or_default(),
        Node::Object(members) => members.iter().map(|(_, node)| members_most(node)).fold(members.len(), usize::max),
        _ => 0,
    }
}

/// A part of a document that makes no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it is: `#/runs/0/results/3`, `!more/odd.bin`.
    pub at: String,
    /// In a sentence.
    pub reason: String,
}

/// Why a document gives no reports.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refused {
    /// More bytes than are read.
    #[error("it has {bytes} bytes, at most {most} are read")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// The limit for its format.
        most: usize,
    },
    /// Of no format that is taken.
    #[error("it is {what}; taken are {}", Kind::taken())]
    Unknown {
        /// What it is, as far as that is seen.
        what: String,
    },
    /// Of a format that is taken, but not to be read.
    #[error("it is {kind}, but cannot be read: {reason}")]
    Unreadable {
        /// The format.
        kind: Kind,
        /// The reader's words.
        reason: String,
    },
}

impl Refused {
    pub(crate) fn unreadable(kind: Kind) -> impl Fn(Unreadable) -> Refused {
        move |error| Refused::Unreadable { kind, reason: error.to_string() }
    }
}

/// What may still be read of a document and all it holds.
pub(crate) struct Left {
    pub reports: usize,
    pub report_bytes: usize,
    pub levels: usize,
    pub entries: usize,
    pub bytes: u64,
}

impl Left {
    fn all() -> Self {
        Left {
            reports: REPORTS_COUNT_MAX,
            report_bytes: REPORTS_BYTES_MAX,
            levels: ZIP_LEVELS_MAX,
            entries: ZIP_ENTRIES_COUNT_MAX,
            bytes: ZIP_UNPACKED_BYTES_MAX,
        }
    }

    /// Puts a report into a document. False where there is no room for it: then it and what follows are told as left out.
    pub(crate) fn draw(&mut self, document: &mut Document, draft: Draft, given: &Given) -> bool {
        if self.reports == 0 || self.report_bytes == 0 {
            let reason = format!(
                "this and what follows: at most {REPORTS_COUNT_MAX} reports of {REPORTS_BYTES_MAX} bytes together are drawn \
                 from one file"
            );
            document.leave_out(draft.at, reason);
            return false;
        }
        let drawn = draft.understood(document.kind, given);
        self.reports -= 1;
        self.report_bytes = self.report_bytes.saturating_sub(drawn.body.len());
        document.reports.push(drawn);
        true
    }
}

/// Reads a document into reports. The format is seen from its content.
///
/// # Errors
/// [`Refused`]
pub fn read(bytes: &[u8], given: &Given) -> Result<Document, Refused> {
    read_within(bytes, given, &mut Left::all())
}

pub(crate) fn read_within(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let kind = kind_of(bytes)?;
    let most = kind.bytes_max();
    if bytes.len() > most {
        return Err(Refused::TooLarge { bytes: bytes.len(), most });
    }
    kind.read(bytes, given, left)
}

/// Reads a document into the facts that tell whether reports are about one defect. `id` names the file. What makes no report is
/// told in the second list.
///
/// # Errors
/// [`Refused`]
pub fn facts(id: &str, bytes: &[u8]) -> Result<(Vec<sort::Item>, Vec<LeftOut>), Refused> {
    facts_within(id, bytes, &mut Left::all())
}

fn facts_within(id: &str, bytes: &[u8], left: &mut Left) -> Result<(Vec<sort::Item>, Vec<LeftOut>), Refused> {
    let kind = kind_of(bytes)?;
    if kind.is_sorted_as_it_is() {
        let items = sort::read(id, bytes).map_err(|e| Refused::Unreadable { kind, reason: e.to_string() })?;
        return Ok((items, Vec::new()));
    }
    let (mut items, mut left_out) = (Vec::new(), Vec::new());
    if kind == Kind::Zip {
        archive::each(bytes, left, &mut |at, content, left| {
            let read = content.and_then(|content| {
                facts_within(&format!("{id}{at}"), &content, left).map_err(|refused| refused.to_string())
            });
            match read {
                Ok((mut inner, mut inner_left)) => {
                    items.append(&mut inner);
                    inner_left.iter_mut().for_each(|one| one.at = format!("{at}{}", one.at));
                    left_out.append(&mut inner_left);
                }
                Err(reason) => left_out.push(LeftOut { at: at.to_owned(), reason }),
            }
        })?;
        return Ok((items, left_out));
    }
    let document = read_within(bytes, &Given::default(), left)?;
    for report in &document.reports {
        items.extend(report.item(&format!("{id}{}", report.at)));
    }
    left_out.extend(document.left_out);
    Ok((items, left_out))
}
