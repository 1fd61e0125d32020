//! What verifying a fix answers: a matrix of release line × proof, each cell with its reason. Values only.

use serde::Serialize;

use super::apply::Applied;
use super::variants::VariantSearch;
use crate::digest::Sha256Hex;
use crate::report::ProofIdentity;

/// One answer of the matrix.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cell {
    /// The answer.
    pub is: Answer,
    /// One line on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The answers there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not.
    No,
    /// There was nothing to ask, such as tests that nobody declared. Stands in the way of nothing.
    Nothing,
    /// Something before it did not hold.
    #[default]
    NotReached,
}

impl Answer {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Nothing => "nothing",
            Self::NotReached => "not-reached",
        }
    }
}

impl Cell {
    pub(super) fn yes() -> Self {
        Self { is: Answer::Yes, detail: None }
    }

    pub(super) fn told(is: Answer, detail: impl Into<String>) -> Self {
        Self { is, detail: Some(detail.into()) }
    }

    pub(super) fn no(detail: impl Into<String>) -> Self {
        Self::told(Answer::No, detail)
    }

    pub(super) fn not_reached() -> Self {
        Self { is: Answer::NotReached, detail: None }
    }
}

/// One proof on one release line.
#[derive(Debug, Clone, Serialize)]
pub struct FixRow {
    /// The proof.
    pub proof: ProofIdentity,
    /// The release line, such as `4`.
    pub line: String,
    /// The version of it that was patched.
    pub version: String,
    /// Every cell that was asked holds.
    pub holds: bool,
    /// The patch applies.
    pub applies: Cell,
    /// What it makes can be built; `yes` at once where nothing is built.
    pub builds: Cell,
    /// The proof does not fire any more.
    pub silent: Cell,
    /// The control passes.
    pub control: Cell,
    /// The target's own tests are no worse than without the patch.
    pub tests: Cell,
    /// No variant of the proof fires.
    pub variants: Cell,
    /// Which of the patches was used: its SHA-256.
    pub patch_sha256: Option<Sha256Hex>,
    /// How the patch was applied, with every hunk's offset and fuzz.
    pub applied: Option<Applied>,
    /// How the variants that were run differ from the proof, each with its verdict.
    pub variants_run: Vec<VariantRun>,
}

impl FixRow {
    /// The cells by their names, in the order in which they are reached.
    #[must_use]
    pub fn cells(&self) -> [(&'static str, &Cell); 6] {
        [
            ("applies", &self.applies),
            ("builds", &self.builds),
            ("silent", &self.silent),
            ("control", &self.control),
            ("tests", &self.tests),
            ("variants", &self.variants),
        ]
    }

    pub(super) fn new(proof: ProofIdentity, line: String, version: String) -> Self {
        let cell = Cell::not_reached;
        let (applies, builds, silent) = (cell(), cell(), cell());
        let (control, tests, variants) = (cell(), cell(), cell());
        let (patch_sha256, applied, variants_run) = (None, None, Vec::new());
        Self {
            proof,
            line,
            version,
            holds: false,
            applies,
            builds,
            silent,
            control,
            tests,
            variants,
            patch_sha256,
            applied,
            variants_run,
        }
    }

    pub(super) fn settle(mut self) -> Self {
        self.holds = self.cells().iter().all(|(_, cell)| matches!(cell.is, Answer::Yes | Answer::Nothing));
        self
    }
}

/// One variant on the patched version.
#[derive(Debug, Clone, Serialize)]
pub struct VariantRun {
    /// What was changed, such as `line 8: 'a.b' -> ['a','b']`.
    pub change: String,
    /// `fired`, `silent` or `inconclusive`.
    pub verdict: String,
}

/// The answer of `verify-fix`.
#[derive(Debug, Clone, Serialize)]
pub struct FixReport {
    /// `verified` or `not-verified`.
    pub grade: &'static str,
    /// Why it is not verified; empty where it is.
    pub grade_reasons: Vec<String>,
    /// SHA-256 of each patch.
    pub patches_sha256: Vec<Sha256Hex>,
    /// The seed that the variants were made with.
    pub seed: u64,
    /// For each proof, what looking for variants came to.
    pub variants: Vec<VariantSearch>,
    /// The matrix.
    pub rows: Vec<FixRow>,
    /// The engine's version.
    pub engine: String,
    /// The signed statement of all this; a file in the data folder.
    pub receipt: Option<String>,
    /// Things worth telling that decide nothing.
    pub warnings: Vec<String>,
}
