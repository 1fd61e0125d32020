//! Receipts: one signed statement for each run of a version, in the in-toto Statement v1 form in a DSSE envelope, with
//! everything a replay needs. Must not run anything.

use std::fs;
use std::path::PathBuf;

use domain::proof::{OracleKind, Verdict};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use signing::{Envelope, PublicKey};

use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Means};
use crate::file;
use crate::npm::layer::ClosureEntry;
use crate::oracle::Hands;
use crate::report::{ProofIdentity, RunReport};
use crate::run::{Plan, Shown};
use crate::runtime::Ready;
use crate::sandbox::Walls;
use crate::trace::TraceFrame;

/// Media type of the payload.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";
/// Type of the statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// Type of the predicate, ours.
pub const PREDICATE_TYPE: &str = "tag:proofhouse.dev,2026:proof-receipt/v1";
/// Largest receipt read, in bytes.
pub const RECEIPT_BYTES_MAX: u64 = 4 << 20;

/// An in-toto statement about one run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Always [`STATEMENT_TYPE`].
    #[serde(rename = "_type")]
    pub statement_type: String,
    /// The package, the bundle and the runtime, by content.
    pub subject: Vec<Subject>,
    /// Always [`PREDICATE_TYPE`].
    #[serde(rename = "predicateType")]
    pub predicate_type: String,
    /// What was run and what it showed.
    pub predicate: Predicate,
}

/// Something named by its content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Subject {
    /// Its name.
    pub name: String,
    /// Its digest.
    pub digest: SubjectDigest,
}

/// A digest as in-toto writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SubjectDigest {
    /// SHA-256.
    pub sha256: Sha256Hex,
}

/// What was run and what it showed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Predicate {
    /// The proof.
    pub proof: ProofIdentity,
    /// The version of the target.
    pub version: String,
    /// SHA-256 of the target's tarball.
    pub target_sha256: Sha256Hex,
    /// Everything beside the target, by content.
    pub closure: Vec<ClosureEntry>,
    /// What ran it.
    pub runtime: RuntimeIdentity,
    /// What judged it.
    pub engine: EngineIdentity,
    /// The oracle and its parameters.
    pub oracle: Value,
    /// How it was run.
    pub plan: PlanRecord,
    /// What bounded it.
    pub limits: Value,
    /// What held it.
    pub walls: Walls,
    /// `fired`, `silent` or `inconclusive`.
    pub verdict: String,
    /// Why it is inconclusive.
    pub reason: Option<String>,
    /// One line on the reason.
    pub detail: Option<String>,
    /// The control's run.
    pub control: Value,
    /// Each run of the program.
    pub repeats: Value,
    /// What the oracle saw.
    pub observation: Value,
    /// In whose hands.
    pub hands: Option<String>,
    /// Frames of packages at that moment.
    pub trace: Vec<TraceFrame>,
    /// Things worth telling that decide nothing.
    pub warnings: Vec<String>,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it ended, RFC 3339.
    pub finished: String,
}

/// A runtime by content.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RuntimeIdentity {
    /// Such as `node`.
    pub kind: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its package.
    pub sha256: Sha256Hex,
}

/// An engine by version and harness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineIdentity {
    /// Its version.
    pub version: String,
    /// SHA-256 of its preload.
    pub harness_sha256: Sha256Hex,
}

/// How a version was run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanRecord {
    /// Repeats of the program.
    pub repeats: u32,
    /// Whether the control was run whatever the program did.
    pub control_always: bool,
    /// Whether a trace was taken of what fired.
    pub trace: bool,
}

impl From<Plan> for PlanRecord {
    fn from(plan: Plan) -> Self {
        Self { repeats: plan.repeats, control_always: plan.control_always, trace: plan.trace }
    }
}

impl PlanRecord {
    /// Whether a run by this plan answers what another asks.
    fn covers(&self, wanted: &PlanRecord, verdict: &str) -> bool {
        let traced = self.trace || !wanted.trace || verdict != "fired";
        self.repeats >= wanted.repeats && (self.control_always || !wanted.control_always) && traced
    }
}

/// Everything that a verdict depends on; receipts are kept under its digest.
pub(crate) fn receipt_key(bundle: &Bundle, ready: &Ready, means: Means<'_>) -> Sha256Hex {
    // The oracle's parameters and all limits are part of the bundle, and so of its digest.
    let text = format!(
        "receipt 1\n{}\n{}\n{}\n{}\n{ENGINE_VERSION}\n{}\n",
        bundle.digest(),
        ready.sha256,
        ready.closure_digest,
        means.toolchain.sha256,
        means.runtime.harness_digest(),
    );
    Sha256Hex::of(text.as_bytes())
}

/// The proof's identity as reports carry it.
#[must_use]
pub fn identity(bundle: &Bundle) -> ProofIdentity {
    let manifest = bundle.manifest();
    ProofIdentity {
        title: manifest.title.clone(),
        purl: manifest.target.package.purl().to_owned(),
        digest: bundle.digest().clone(),
        oracle: manifest.oracle.kind.as_str().to_owned(),
    }
}

pub(crate) fn hands_word(hands: &Hands) -> Option<String> {
    match hands {
        Hands::Package(frame) => Some(frame.package.clone()),
        Hands::Program => Some("program".into()),
        Hands::Unseen => Some("unseen".into()),
        Hands::NotApplicable => None,
    }
}

/// What a receipt is made of besides what was shown.
pub(crate) struct Circumstances<'a> {
    pub(crate) bundle: &'a Bundle,
    pub(crate) means: Means<'a>,
    pub(crate) ready: &'a Ready,
    pub(crate) plan: Plan,
    pub(crate) started: String,
    pub(crate) finished: String,
}

pub(crate) fn statement(about: &Circumstances<'_>, shown: &Shown) -> Statement {
    let manifest = about.bundle.manifest();
    let toolchain = about.means.toolchain;
    let version = about.ready.version.clone();
    let subject = |name: String, sha256: &Sha256Hex| Subject { name, digest: SubjectDigest { sha256: sha256.clone() } };
    let predicate = Predicate {
        proof: identity(about.bundle),
        version: version.clone(),
        target_sha256: about.ready.sha256.clone(),
        closure: about.ready.closure.clone(),
        runtime: RuntimeIdentity {
            kind: manifest.runtime.kind.as_str().into(),
            version: toolchain.version.clone(),
            sha256: toolchain.sha256.clone(),
        },
        engine: EngineIdentity { version: ENGINE_VERSION.into(), harness_sha256: about.means.runtime.harness_digest() },
        oracle: json!({ "kind": manifest.oracle.kind.as_str(), "sizes": manifest.oracle.sizes }),
        plan: about.plan.into(),
        limits: json!({
            "wall_ms": manifest.run.wall_ms,
            "memory_bytes": manifest.run.memory_bytes,
            "loopback": manifest.run.loopback,
        }),
        walls: shown.walls.clone(),
        verdict: shown.verdict.as_str().into(),
        reason: shown.reason.map(|reason| reason.as_str().into()),
        detail: shown.detail.clone(),
        control: json!(shown.control),
        repeats: json!(shown.repeats),
        observation: shown.observation.clone(),
        hands: looked_for_hands(about, shown).then(|| hands_word(&shown.hands)).flatten(),
        trace: shown.trace.clone(),
        warnings: shown.warnings.clone(),
        started: about.started.clone(),
        finished: about.finished.clone(),
    };
    Statement {
        statement_type: STATEMENT_TYPE.into(),
        subject: vec![
            subject(manifest.target.package.purl_at(&version), &about.ready.sha256),
            subject("bundle".into(), about.bundle.digest()),
            subject(format!("runtime {}", toolchain.label()), &toolchain.sha256),
        ],
        predicate_type: PREDICATE_TYPE.into(),
        predicate,
    }
}

/// Whether anybody looked in whose hands it was: some oracles need a run of its own for that.
fn looked_for_hands(about: &Circumstances<'_>, shown: &Shown) -> bool {
    let kind = about.bundle.manifest().oracle.kind;
    let own_run = matches!(kind, OracleKind::PrototypePollution | OracleKind::CpuBlowUp);
    shown.verdict == Verdict::Fired && (about.plan.trace || !own_run)
}

/// Opens an envelope: the signature must be `key`'s, the statement ours.
///
/// # Errors
/// What does not hold.
pub fn receipt_open(json: &[u8], key: &PublicKey) -> Result<Statement, EngineError> {
    statement_read(&Envelope::from_json(json)?.open(PAYLOAD_TYPE, key)?)
}

/// The statement in the payload of an envelope that was opened.
///
/// # Errors
/// [`EngineError::MalformedReceipt`].
pub fn statement_read(payload: &[u8]) -> Result<Statement, EngineError> {
    let statement: Statement =
        serde_json::from_slice(payload).map_err(|e| EngineError::MalformedReceipt(e.to_string()))?;
    if statement.statement_type != STATEMENT_TYPE || statement.predicate_type != PREDICATE_TYPE {
        return Err(EngineError::MalformedReceipt("a statement of another type".into()));
    }
    Ok(statement)
}

impl Engine {
    fn receipt_path(&self, key: &Sha256Hex) -> PathBuf {
        self.home.join("receipts").join(format!("{key}.json"))
    }

    /// The run a kept receipt tells of, where it answers the plan.
    pub(crate) fn receipt_find(&self, key: &Sha256Hex, plan: Plan) -> Option<RunReport> {
        let path = self.receipt_path(key);
        let about = fs::metadata(&path).ok()?;
        let small = about.len() <= RECEIPT_BYTES_MAX;
        let statement = receipt_open(&fs::read(&path).ok().filter(|_| small)?, &self.signer.public()).ok()?;
        let predicate = statement.predicate;
        // A time-out says something about this hour's machine: it is tried again.
        let lasting = predicate.reason.as_deref() != Some("timeout");
        (lasting && predicate.plan.covers(&plan.into(), &predicate.verdict))
            .then(|| run_report(predicate, Some(path.display().to_string()), true))
    }

    /// Signs and keeps a statement; the report of its run, with the receipt's file in it.
    pub(crate) fn receipt_keep(&self, key: &Sha256Hex, statement: Statement) -> Result<RunReport, EngineError> {
        let payload = serde_json::to_vec(&statement).map_err(|e| EngineError::MalformedReceipt(e.to_string()))?;
        let envelope = Envelope::seal(PAYLOAD_TYPE, &payload, &self.signer).to_json()?;
        let path = self.receipt_path(key);
        file::write_whole(&path, &envelope).map_err(|source| EngineError::Home {
            step: "keep receipt",
            path: path.clone(),
            source,
        })?;
        Ok(run_report(statement.predicate, Some(path.display().to_string()), false))
    }
}

pub(crate) fn run_report(predicate: Predicate, receipt: Option<String>, from_receipt: bool) -> RunReport {
    RunReport {
        version: predicate.version,
        verdict: predicate.verdict,
        reason: predicate.reason,
        detail: predicate.detail,
        control: predicate.control,
        repeats: predicate.repeats,
        observation: predicate.observation,
        trace: predicate.trace,
        hands: predicate.hands,
        warnings: predicate.warnings,
        target_sha256: Some(predicate.target_sha256),
        receipt,
        from_receipt,
    }
}
