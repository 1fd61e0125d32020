//! What the engine answers, in the shapes that `prove` and `range` print as JSON. Values only.

use domain::proof::Verdict;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::digest::Sha256Hex;
use crate::runtime::Unready;
use crate::sandbox::{BoxOutcome, Exit};
use crate::trace::TraceFrame;
use domain::proof::Reason;

/// One run of one file.
#[derive(Debug, Clone, Default, Serialize)]
pub struct AttemptReport {
    /// `fired`, `silent`, `inconclusive`; `passed` for a control.
    pub verdict: &'static str,
    /// Why it is inconclusive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// One line on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How it ended: `status 0`, `signal 9`.
    pub ended: String,
    /// Wall time, milliseconds.
    pub wall_ms: u64,
    /// CPU time of the whole tree, milliseconds.
    pub cpu_ms: u64,
    /// Most memory of the whole tree, bytes.
    pub memory_peak_bytes: u64,
}

impl AttemptReport {
    /// The measured part.
    #[must_use]
    pub fn of(outcome: &BoxOutcome) -> Self {
        let mut report = Self::default();
        report.add(outcome);
        report
    }

    /// Adds one more box of the same attempt: times add up, memory is the highest, the end is the last.
    pub fn add(&mut self, outcome: &BoxOutcome) {
        self.ended = match outcome.exit {
            Exit::Code(code) => format!("status {code}"),
            Exit::Signal(signal) => format!("signal {signal}"),
        };
        self.wall_ms += outcome.wall_us / 1_000;
        self.cpu_ms += outcome.cpu_us() / 1_000;
        self.memory_peak_bytes = self.memory_peak_bytes.max(outcome.memory_peak_bytes);
    }

    /// Says that it shows nothing, and why.
    pub fn inconclusive(&mut self, reason: Reason, detail: String) {
        self.verdict = Verdict::Inconclusive.as_str();
        self.reason = Some(reason.as_str());
        self.detail = Some(detail);
    }
}

/// The proof that was tried.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct ProofIdentity {
    /// Its title.
    pub title: String,
    /// The package.
    pub purl: String,
    /// Digest of the bundle.
    pub digest: Sha256Hex,
    /// What is measured.
    pub oracle: String,
}

/// One version's verdict.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct RunReport {
    /// The version.
    pub version: String,
    /// `fired`, `silent` or `inconclusive`.
    pub verdict: String,
    /// Why it is inconclusive, else null.
    pub reason: Option<String>,
    /// One line on the reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The control's run, where there was one.
    pub control: Value,
    /// Each run of the program.
    pub repeats: Value,
    /// What the oracle saw, else null.
    pub observation: Value,
    /// Frames of packages at the moment it fired, innermost first, as `package/file:function`.
    pub trace: Vec<TraceFrame>,
    /// In whose hands: the package's name, `program` or `unseen`; null where the oracle cannot see it.
    pub hands: Option<String>,
    /// Things worth telling that decide nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// SHA-256 of the package's tarball; null where it could not be had.
    pub target_sha256: Option<Sha256Hex>,
    /// The receipt's file; null where there was no run.
    pub receipt: Option<String>,
    /// Whether the verdict comes from a kept receipt.
    pub from_receipt: bool,
}

impl RunReport {
    /// The verdict as a word of the domain.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.verdict.parse().unwrap_or(Verdict::Inconclusive)
    }

    /// A version that could not be had: no run, no receipt.
    #[must_use]
    pub fn unready(version: &str, why: &Unready) -> Self {
        Self {
            version: version.to_owned(),
            verdict: Verdict::Inconclusive.as_str().into(),
            reason: Some(why.reason.as_str().into()),
            detail: Some(why.detail.clone()),
            control: Value::Null,
            repeats: Value::Array(Vec::new()),
            observation: Value::Null,
            trace: Vec::new(),
            hands: None,
            warnings: Vec::new(),
            target_sha256: None,
            receipt: None,
            from_receipt: false,
        }
    }
}

/// The two controls that do not depend on a version.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct ControlsReport {
    /// Against the inert stub the oracle stayed quiet.
    pub vacuous_quiet: bool,
    /// Against the inert stub the control passed as well, so it says little.
    pub control_passes_on_stub: bool,
    /// The oracle fires on what must fire and stays quiet on what must not, in this very runtime.
    pub self_test_passed: bool,
}

/// The answer of `prove`.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct ProveReport {
    /// The proof.
    pub proof: ProofIdentity,
    /// Each version's run, in the order asked.
    pub runs: Vec<RunReport>,
    /// `confirmed` or `unconfirmed`.
    pub grade: String,
    /// Why it is unconfirmed; empty where it is confirmed.
    pub grade_reasons: Vec<String>,
    /// A fixed version is declared and could not be had here.
    pub fixed_unavailable: bool,
    /// The controls.
    pub controls: ControlsReport,
    /// What ran it, such as `node 22.23.3`.
    pub runtime: String,
    /// The engine's version.
    pub engine: String,
    /// Things worth telling that decide nothing.
    pub warnings: Vec<String>,
}

/// One interval of affected versions, as OSV writes its events.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct AffectedInterval {
    /// First version that fires; `0` where no earlier one is silent or unknown.
    pub introduced: String,
    /// The next version, which is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// The last version that fires, where no silent one follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_affected: Option<String>,
}

/// A place where the verdict changes between neighbours.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Border {
    /// The last conclusive version before it; null at the start.
    pub before: Option<String>,
    /// The first conclusive version after it; null at the end.
    pub after: Option<String>,
    /// `introduced` or `fixed`.
    pub kind: String,
    /// The two are neighbours and both were run repeatedly.
    pub certain: bool,
    /// Versions between the two that say nothing.
    pub unknown_between: Vec<String>,
}

/// A version that says nothing, and why.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct UnknownVersion {
    /// The version.
    pub version: String,
    /// The reason's word.
    pub reason: String,
    /// One line on it.
    pub detail: String,
}

/// Where measured and declared do not agree.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Disagreement {
    /// The version.
    pub version: String,
    /// What the bundle declares about it.
    pub declared: String,
    /// What was measured.
    pub measured: String,
}

/// The answer of `range`.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct RangeReport {
    /// The package.
    pub purl: String,
    /// The proof.
    pub proof: ProofIdentity,
    /// Published versions without pre-releases.
    pub versions_total: usize,
    /// Versions with a verdict of their own, receipts included.
    pub versions_run: usize,
    /// Of these, how many come from kept receipts.
    pub versions_from_receipts: usize,
    /// Versions whose verdict was taken from their neighbours.
    pub versions_inferred: usize,
    /// Pre-releases, which are not looked at.
    pub prereleases_left_out: usize,
    /// How it was searched: `exhaustive` or `bisect`.
    pub method: String,
    /// Intervals in which it fires.
    pub affected: Vec<AffectedInterval>,
    /// Versions that fire, in order.
    pub fired: Vec<String>,
    /// Versions that are silent with a live control, in order.
    pub silent: Vec<String>,
    /// Versions that say nothing, in order; never counted as fixed.
    pub inconclusive: Vec<String>,
    /// The same versions, each with its reason.
    pub unknown: Vec<UnknownVersion>,
    /// Versions, of those above, that were inferred and not run.
    pub inferred: Vec<String>,
    /// Where the verdict changes.
    pub borders: Vec<Border>,
    /// Where measured and declared do not agree.
    pub disagreement: Vec<Disagreement>,
    /// The package frames seen at the last version that fires.
    pub trace: Vec<TraceFrame>,
    /// What ran it.
    pub runtime: String,
    /// The engine's version.
    pub engine: String,
    /// Receipts of the versions that were run, by version.
    pub receipts: std::collections::BTreeMap<String, String>,
    /// Things worth telling that decide nothing.
    pub warnings: Vec<String>,
}
