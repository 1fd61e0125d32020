//! The report of the TAP intake (as JSON, or as `multipart/mixed` with files as parts), read strictly and written back. Every violation is listed, under codes that
//! are never renamed; every limit is a constant of [`limits`]. Must not store, log or quote what a report says: reasons
//! never repeat a value that was sent.
//!
//! Where the published text leaves a choice, this reader: takes `null` for an absent field; takes a field of the wrong
//! JSON type for "not one JSON report" ([`Refusal::Malformed`]); lists unknown fields as `field_not_allowed`; reads an
//! attachment without `content_type` as text/plain; and warns about, instead of refusing, enrichment it has no use for.

mod attachment;
mod checklist;
mod enrichment;
mod fields;
pub mod limits;
mod multipart;
mod package;
mod parts;
mod reading;
mod report;
mod violation;
mod write;

pub use fields::{is_http_url, upstream_id_canonical};
pub use multipart::multipart_boundary;
pub use report::{Attachment, AttachmentType, ContentType, Enrichment, Notify, Report, Symbol, Verified};
pub use violation::{Code, Violation};
pub use write::write_report;

use crate::Warning;
use crate::json::Node;
use limits::{DOCUMENT_LEVELS_READ, KEPT_BODY_BYTES_MAX, REPORT_BODY_BYTES_MAX};
use parts::FileParts;
use reading::Reading;

/// Why a report was not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The body is larger than [`REPORT_BODY_BYTES_MAX`]; answer 413.
    #[error("read a report: {bytes} bytes, at most {REPORT_BODY_BYTES_MAX} are read")]
    BodyTooLarge {
        /// How many came.
        bytes: usize,
    },
    /// Not UTF-8, or not one JSON report: problem type `malformed-json`; answer 400.
    #[error("read a report: {reason}")]
    Malformed {
        /// In words, with line and column where the parser knows them.
        reason: String,
    },
    /// One JSON report that breaks rules, all of them listed: problem type `validation`; answer 413 when
    /// [`Refusal::is_size`], else 400.
    #[error("read a report: {} violations of its rules", violations.len())]
    Invalid {
        /// At least one; in the order of the fields' table, attachments in the order sent.
        violations: Vec<Violation>,
    },
}

impl Refusal {
    /// Whether the door answers 413 (a size code among the violations, or the body itself).
    #[must_use]
    pub fn is_size(&self) -> bool {
        match self {
            Refusal::BodyTooLarge { .. } => true,
            Refusal::Malformed { .. } => false,
            Refusal::Invalid { violations } => violations.iter().any(|v| v.code.is_size()),
        }
    }
}

/// Reads one report.
///
/// # Errors
/// [`Refusal`]: too large, malformed, or every violation of the rules.
pub fn read_report(bytes: &[u8]) -> Result<(Report, Vec<Warning>), Refusal> {
    if bytes.len() > REPORT_BODY_BYTES_MAX {
        return Err(Refusal::BodyTooLarge { bytes: bytes.len() });
    }
    document_read(Reading::default(), bytes)
}

/// Reads a report that was accepted before and written by [`write_report`]: what came as bytes of a part is longer there.
///
/// # Errors
/// [`Refusal`], where it is none.
pub fn read_kept(bytes: &[u8]) -> Result<Report, Refusal> {
    if bytes.len() > KEPT_BODY_BYTES_MAX {
        return Err(Refusal::BodyTooLarge { bytes: bytes.len() });
    }
    document_read(Reading { kept: true, ..Reading::default() }, bytes).map(|(report, _)| report)
}

fn document_read(reading: Reading, bytes: &[u8]) -> Result<(Report, Vec<Warning>), Refusal> {
    let malformed = |reason: String| Refusal::Malformed { reason };
    let text =
        std::str::from_utf8(bytes).map_err(|e| malformed(format!("not UTF-8 from byte {} on", e.valid_up_to())))?;
    let node = Node::read(text, DOCUMENT_LEVELS_READ).map_err(|e| malformed(format!("not one JSON document: {e}")))?;
    settle(reading, node, None)
}

/// Reads one report that came as `multipart/mixed`, whose boundary [`multipart_boundary`] read.
///
/// # Errors
/// As [`read_report`].
pub fn read_multipart(bytes: &[u8], boundary: &str) -> Result<(Report, Vec<Warning>), Refusal> {
    if bytes.len() > REPORT_BODY_BYTES_MAX {
        return Err(Refusal::BodyTooLarge { bytes: bytes.len() });
    }
    let mut reading = Reading::default();
    let (node, files) = parts::sorted(&mut reading, multipart::parts(bytes, boundary)?)?;
    settle(reading, node, Some(files))
}

fn settle(mut reading: Reading, node: Node, files: Option<FileParts>) -> Result<(Report, Vec<Warning>), Refusal> {
    let report = fields::report_read(&mut reading, node, files);
    match (reading.malformed, reading.violations.is_empty()) {
        (Some(reason), _) => Err(Refusal::Malformed { reason }),
        (None, false) => Err(Refusal::Invalid { violations: reading.violations }),
        (None, true) => Ok((report, reading.warnings)),
    }
}
