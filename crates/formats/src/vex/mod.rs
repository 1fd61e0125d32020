//! VEX in any of the three forms that are read, told from the content: OpenVEX, CycloneDX (JSON or XML) and CSAF. All become OpenVEX
//! statements, which is what matching knows. Must not widen: a statement on a range of versions never becomes one on all.

mod csaf;
mod cyclonedx;

use crate::inventory::{INVENTORY_BYTES_MAX, document_of_xml};
use crate::openvex::{self, Document, Statement};
use crate::refusal::{node_read, text_read};
use crate::{Unreadable, Warning};

const WHAT: &str = "a VEX document";

/// The largest document of any form that is read, in bytes; OpenVEX has a limit of its own.
pub const VEX_DOCUMENT_BYTES_MAX: usize = INVENTORY_BYTES_MAX;
/// Statements that are read from one document, one for each product.
pub const VEX_STATEMENTS_COUNT_MAX: usize = 200_000;

/// As much of a text as is kept in each of the statements that share it, in characters.
const TEXT_CHARS_MAX: usize = 2_000;
/// Other ids of one vulnerability that are kept.
const ALIASES_COUNT_MAX: usize = 50;

fn short(text: &str) -> String {
    text.chars().take(TEXT_CHARS_MAX).collect()
}

/// Reads a document.
///
/// # Errors
/// [`Unreadable`] when it is of none of the three forms, or as the reader of its form says.
pub fn read(bytes: &[u8]) -> Result<(Document, Vec<Warning>), Unreadable> {
    let text = text_read(WHAT, bytes, VEX_DOCUMENT_BYTES_MAX)?;
    if text.trim_start().starts_with('<') {
        return cyclonedx::read(&document_of_xml(WHAT, text.trim_start())?);
    }
    let document = node_read(WHAT, text.as_bytes(), VEX_DOCUMENT_BYTES_MAX)?;
    if document.get("bomFormat").is_some() {
        cyclonedx::read(&document)
    } else if document.get("document").is_some_and(|d| d.get("csaf_version").is_some()) {
        csaf::read(&document)
    } else {
        drop(document);
        openvex::read(bytes)
    }
}

/// Statements while they are read.
#[derive(Default)]
struct Statements {
    all: Vec<Statement>,
    warnings: Vec<Warning>,
}

impl Statements {
    fn push(&mut self, statement: Statement) -> Result<(), Unreadable> {
        if self.all.len() >= VEX_STATEMENTS_COUNT_MAX {
            return Err(Unreadable::TooMany { what: WHAT, entries: "statements", count_max: VEX_STATEMENTS_COUNT_MAX });
        }
        self.all.push(statement);
        Ok(())
    }

    fn warn(&mut self, code: &'static str, at: impl Into<String>, text: impl Into<String>) {
        if self.warnings.len() < crate::inventory::WARNINGS_COUNT_MAX {
            self.warnings.push(Warning::new(code, at, text));
        }
    }
}
