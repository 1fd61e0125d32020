//! What a signed statement about a fix says, for whoever keeps or shows it. Values only: whether it is true is for a replay to
//! show.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use signing::{Envelope, PublicKey};

use super::receipt_of_fix::FIX_PREDICATE_TYPE;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::receipt::{PAYLOAD_TYPE, STATEMENT_TYPE};

/// What was measured of a fix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedFix {
    /// `verified` or `not-verified`.
    pub grade: String,
    /// SHA-256 of each patch.
    pub patches_sha256: Vec<Sha256Hex>,
    /// The seed that the variants were made with.
    pub seed: u64,
    /// The engine's version.
    pub engine: String,
    /// The matrix.
    pub rows: Vec<StatedRow>,
}

/// One proof on one release line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedRow {
    /// The proof.
    pub proof: StatedProof,
    /// The release line.
    pub line: String,
    /// The version of it that was patched.
    pub version: String,
    /// Every cell that was asked holds.
    pub holds: bool,
    /// The patch applies.
    pub applies: StatedCell,
    /// What it makes can be built.
    pub builds: StatedCell,
    /// The proof does not fire any more.
    pub silent: StatedCell,
    /// The control passes.
    pub control: StatedCell,
    /// The target's own tests are no worse than without the patch.
    pub tests: StatedCell,
    /// No variant of the proof fires.
    pub variants: StatedCell,
}

/// Which proof.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedProof {
    /// The digest of its bundle.
    pub digest: Sha256Hex,
    /// The package it is about.
    pub purl: String,
}

/// One answer of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatedCell {
    /// `yes`, `no`, `nothing` or `not-reached`.
    pub is: String,
    /// One line on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

#[derive(Deserialize)]
struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
}

/// What was measured, and how it was asked for: what a replay needs.
#[derive(Debug, Deserialize)]
pub(crate) struct Predicate {
    pub(crate) asked: Asked,
    pub(crate) fix: StatedFix,
}

/// How `verify-fix` was called.
#[derive(Debug, Clone, Deserialize, Serialize)]
pub(crate) struct Asked {
    /// Repeats, where not as the bundles say.
    pub(crate) repeat: Option<u32>,
    /// Variants wanted of each proof.
    pub(crate) variants: usize,
}

impl Predicate {
    /// What is in a payload, if it is a statement about a fix.
    pub(crate) fn of_payload(payload: &[u8]) -> Option<Self> {
        let statement: Statement = serde_json::from_slice(payload).ok()?;
        let ours = statement.statement_type == STATEMENT_TYPE && statement.predicate_type == FIX_PREDICATE_TYPE;
        ours.then_some(statement.predicate)
    }
}

impl StatedFix {
    /// Opens an envelope: the signature must be `key`'s, the statement one about a fix.
    ///
    /// # Errors
    /// What does not hold.
    pub fn open(envelope: &[u8], key: &PublicKey) -> Result<Self, EngineError> {
        Self::of_payload(&Envelope::from_json(envelope)?.open(PAYLOAD_TYPE, key)?)
    }

    /// Reads an envelope whose signature was checked before.
    ///
    /// # Errors
    /// [`EngineError::MalformedReceipt`].
    pub fn read(envelope: &[u8]) -> Result<Self, EngineError> {
        let payload = STANDARD.decode(Envelope::from_json(envelope)?.payload);
        Self::of_payload(&payload.map_err(|e| EngineError::MalformedReceipt(e.to_string()))?)
    }

    fn of_payload(payload: &[u8]) -> Result<Self, EngineError> {
        let found = Predicate::of_payload(payload);
        let none = || EngineError::MalformedReceipt("no statement about a fix".into());
        found.map(|predicate| predicate.fix).ok_or_else(none)
    }
}

impl StatedRow {
    /// The cells by their names, in the order in which they are reached.
    #[must_use]
    pub fn cells(&self) -> [(&'static str, &StatedCell); 6] {
        [
            ("applies", &self.applies),
            ("builds", &self.builds),
            ("silent", &self.silent),
            ("control", &self.control),
            ("tests", &self.tests),
            ("variants", &self.variants),
        ]
    }
}
