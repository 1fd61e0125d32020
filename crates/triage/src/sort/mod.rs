//! Sorts reports of any format by the defect they are about, before anything was run: crash outputs, static results, TAP reports and
//! prose. Where proofs were measured, `same_defect` decides instead, and splits what text had joined.
//!
//! Strong evidence joins by itself, weak evidence is proposed. Every edge carries its reasons. Pure: bytes in, values out, the same
//! whatever the order.

mod gather;
mod item;
mod locate;
mod prose;
mod sarif;
mod sarif_path;
mod sketch;
mod tap;
mod turn;
mod weakness;
mod weigh;

pub use gather::{Edge, Gathered, Gathering, Group, PROPOSALS_MAX};
pub use item::{Item, Kind};
pub use locate::{WantedFile, locate_end, located, wanted};
pub use sarif::{SARIF_RESULTS_MAX, first as sarif_first};
pub use weigh::{Because, POINTS_JOIN_COUNT_MIN, POINTS_PROPOSE_COUNT_MIN};

use thiserror::Error;

use crate::crash;
pub(crate) use sketch::hash as hash_of;

/// The largest report that is read, in bytes: a static analysis of a large program.
pub const REPORT_BYTES_MAX: usize = 256 * 1024 * 1024;
/// The largest text or TAP report, in bytes.
pub const TEXT_BYTES_MAX: usize = crash::CRASH_BYTES_MAX;

/// Why a file gives no report.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Unreadable {
    /// More bytes than are read.
    #[error("read report: it has {bytes} bytes, at most {most} are read")]
    TooLarge {
        /// How many there are.
        bytes: usize,
        /// The limit for its format.
        most: usize,
    },
    /// JSON, but no format that is known.
    #[error("read report: it is JSON, but neither SARIF 2.1.0, nor a TAP report, nor a CASR report")]
    UnknownJson,
    /// Not a text.
    #[error("read report: it is no text in UTF-8")]
    NoText,
    /// Nothing in it.
    #[error("read report: there is nothing in it")]
    Empty,
}

/// Reads what one file holds. The format is seen from the content. `id` names the file; results within it get ids of their own.
///
/// # Errors
/// When it is too large or of no format that is known.
pub fn read(id: &str, bytes: &[u8]) -> Result<Vec<Item>, Unreadable> {
    let too_large = |most| Err(Unreadable::TooLarge { bytes: bytes.len(), most });
    if bytes.len() > REPORT_BYTES_MAX {
        return too_large(REPORT_BYTES_MAX);
    }
    let text = std::str::from_utf8(bytes);
    if let Ok(text) = text
        && text.trim_start().starts_with('{')
    {
        if let Some(items) = sarif::read(id, text) {
            return Ok(items);
        }
        if bytes.len() > TEXT_BYTES_MAX {
            return too_large(TEXT_BYTES_MAX);
        }
        // A TAP report that quotes a crash is no crash's output, though a reader of outputs would find one in it.
        if !text.contains("\"CrashSeverity\"")
            && let Some(item) = tap::read(id, text)
        {
            return Ok(vec![item]);
        }
        let crash = crash::read(bytes).map_err(|_| Unreadable::UnknownJson)?;
        return Ok(vec![of_crash(id, bytes, &crash)]);
    }
    if bytes.len() > TEXT_BYTES_MAX {
        return too_large(TEXT_BYTES_MAX);
    }
    if let Ok(crash) = crash::read(bytes)
        && !is_prose(bytes)
    {
        return Ok(vec![of_crash(id, bytes, &crash)]);
    }
    let text = text.map_err(|_| Unreadable::NoText)?;
    if text.trim().is_empty() {
        return Err(Unreadable::Empty);
    }
    Ok(vec![prose::read(id, text)])
}

/// Whether this is what a crashing program printed, and no text that quotes it.
#[must_use]
pub fn is_crash(bytes: &[u8]) -> bool {
    bytes.len() <= TEXT_BYTES_MAX && !is_prose(bytes) && crash::read(bytes).is_ok()
}

/// A text for people that quotes a crash begins with a heading, a mail's header or a title.
fn is_prose(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes.get(..4096.min(bytes.len())).unwrap_or_default());
    let begin = text.trim_start();
    let mail = ["From: ", "Subject: ", "Date: ", "To: ", "Received: ", "Return-Path: ", "Message-ID: "];
    begin.starts_with("# ") && !begin.starts_with("# Fatal") && !begin.starts_with("# A fatal")
        || begin.starts_with("## ")
        || mail.iter().any(|header| begin.starts_with(header))
        || text.contains("```")
        || begin
            .to_lowercase()
            .lines()
            .take(20)
            .any(|line| line.starts_with("package:") || line.starts_with("**package"))
}

fn of_crash(id: &str, bytes: &[u8], crash: &crash::Crash) -> Item {
    let mut item = Item { id: id.to_owned(), kind: Kind::Crash, content: sketch::hash(bytes), ..Item::default() };
    item.crash_put(crash);
    item.tidied()
}
