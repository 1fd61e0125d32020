//! The work of a proof job, the same wherever it is done: what it needs, how far it is, and what running it
//! showed. A worker of this process and one behind HTTP both come through here.
//!
//! Must not know the store, nor decide: grades and verdicts are the engine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering};

use domain::proof::{Grade, Reason, Verdict};
use proof::range::RangeOptions;
use proof::sandbox::Format;
use proof::{
    Bundle, BundleError, Engine, EngineError, ErrorClass, FixOptions, Progress, ProveOptions, ProveReport, Watch,
};
use serde::{Deserialize, Serialize};

use crate::error::{Result, ServiceError, internal};
use crate::range::MeasuredRange;

domain::words! {
    /// What a worker is about.
    pub enum WorkKind {
        /// Prove a bundle at its declared versions, and measure its range.
        Prove = "prove",
        /// Run bundles on one version.
        Verify = "verify",
        /// Run bundles against a patch, on every affected release line.
        Patch = "patch",
    }
}

domain::words! {
    /// Which step of a job is going on.
    pub enum Stage {
        /// Nothing has been run yet.
        Preparing = "preparing",
        /// The declared versions are run.
        Proving = "proving",
        /// Every published version is looked at.
        Ranging = "ranging",
        /// The proofs of a case are run on a fix.
        Verifying = "verifying",
    }
}

/// What a proof job needs.
#[derive(Debug, Clone)]
pub struct Material {
    /// What is to be done.
    pub kind: WorkKind,
    /// On which version, for [`WorkKind::Verify`].
    pub version: Option<String>,
    /// The bundles by digest, as they were sent.
    pub bundles: Vec<(String, Arc<Vec<u8>>)>,
    /// The patch, for [`WorkKind::Patch`].
    pub patch: Option<Arc<Vec<u8>>>,
}

/// A receipt to be kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptDraft {
    /// The version that was run.
    pub version: String,
    /// What it showed.
    #[serde(with = "crate::word")]
    pub verdict: Verdict,
    /// Why it shows nothing.
    #[serde(with = "crate::word::optional")]
    pub reason: Option<Reason>,
    /// The DSSE envelope: JSON.
    pub envelope: String,
}

/// What proving a bundle showed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// How much it has shown.
    #[serde(with = "crate::word")]
    pub grade: Grade,
    /// Why no more.
    pub grade_reasons: Vec<String>,
    /// The declared fix, where the proof fires there too and everything else holds.
    pub fix_refuted: Option<String>,
    /// The engine's report: JSON.
    pub outcome: String,
    /// What the run passed through.
    pub trace: Vec<String>,
    /// One for each version that was run.
    pub receipts: Vec<ReceiptDraft>,
}

/// What the range search showed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredBundleRange {
    /// The engine's report: JSON.
    pub json: String,
    /// One for each version that was run.
    pub receipts: Vec<ReceiptDraft>,
}

/// One proof on the version of a fix.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VersionRun {
    /// The digest of the bundle.
    pub proof: String,
    /// What it showed.
    #[serde(with = "crate::word")]
    pub verdict: Verdict,
    /// Why it shows nothing.
    #[serde(with = "crate::word::optional")]
    pub reason: Option<Reason>,
    /// The DSSE envelope, where there was a run: JSON.
    pub envelope: Option<String>,
}

/// What a proof job showed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub enum Outcome {
    /// Of [`WorkKind::Prove`].
    Prove {
        /// At the declared versions.
        measured: Measured,
        /// Over all published ones, where the proof is confirmed.
        range: Option<MeasuredBundleRange>,
    },
    /// Of [`WorkKind::Verify`]: one for each bundle, in the order in which they were given.
    Verify {
        /// Them.
        runs: Vec<VersionRun>,
    },
    /// Of [`WorkKind::Patch`]: all of it is in the signed statement.
    Patch {
        /// The digests of the bundles, in the order in which they were given.
        proofs: Vec<String>,
        /// The DSSE envelope of a statement about a fix: JSON.
        envelope: String,
    },
}

/// How far a job is: a stage and two numbers, which tell nobody what is run.
#[derive(Debug, Default)]
pub struct Progressing {
    stage: AtomicU8,
    done: AtomicU32,
    total: AtomicU32,
}

impl Progressing {
    fn begin(&self, stage: Stage) {
        self.stage.store(stage as u8, Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        self.total.store(0, Ordering::Relaxed);
    }

    /// Stage, steps done, and steps in this part of it.
    #[must_use]
    pub fn now(&self) -> (Stage, u32, u32) {
        let stage = Stage::ALL.get(usize::from(self.stage.load(Ordering::Relaxed))).copied();
        let (done, total) = (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed));
        (stage.unwrap_or(Stage::Preparing), done.min(total), total)
    }
}

impl Progress for Progressing {
    fn ran(&self, _version: &str, _verdict: Verdict, done: usize, total: usize) {
        self.done.store(u32::try_from(done).unwrap_or(u32::MAX), Ordering::Relaxed);
        self.total.store(u32::try_from(total).unwrap_or(u32::MAX), Ordering::Relaxed);
    }
}

/// Does the work of a job. Doing it again gives the same: kept receipts answer.
///
/// # Errors
/// `Invalid` where the bundle itself is refused, `Unavailable` where this machine or its network fails.
pub fn work(engine: &Engine, material: &Material, progress: &Progressing, cancel: &AtomicBool) -> Result<Outcome> {
    let watch = Watch { progress, cancel };
    match (material.kind, &material.version, material.bundles.as_slice()) {
        (WorkKind::Prove, _, [(_, bundle)]) => {
            progress.begin(Stage::Proving);
            let measured = prove(engine, bundle, watch)?;
            progress.begin(Stage::Ranging);
            let confirmed = measured.grade == Grade::Confirmed;
            let range = confirmed.then(|| range(engine, bundle, watch)).transpose()?;
            Ok(Outcome::Prove { measured, range })
        }
        (WorkKind::Verify, Some(version), bundles) => {
            progress.begin(Stage::Verifying);
            let mut runs = Vec::with_capacity(bundles.len());
            for (digest, bundle) in bundles {
                runs.push(verify(engine, digest, bundle, version, watch)?);
                progress.ran(version, Verdict::Inconclusive, runs.len(), bundles.len());
            }
            Ok(Outcome::Verify { runs })
        }
        (WorkKind::Patch, _, bundles) => {
            progress.begin(Stage::Verifying);
            let patch = material.patch.as_ref().ok_or_else(|| internal("begin a job", "no patch"))?;
            let proofs = bundles.iter().map(|(digest, _)| digest.clone()).collect();
            Ok(Outcome::Patch { proofs, envelope: patch_verify(engine, bundles, patch, watch)? })
        }
        (kind, ..) => Err(internal("begin a job", format!("{kind} with other material"))),
    }
}

fn prove(engine: &Engine, bytes: &[u8], watch: Watch<'_>) -> Result<Measured> {
    let bundle = bundle_read(engine, bytes).map_err(|e| engine_error(&e.into()))?;
    let options = ProveOptions { receipts: true, ..ProveOptions::default() };
    match engine.prove(&bundle, &options, watch) {
        Ok(report) => measured(&bundle, report),
        Err(error) if error.class() == ErrorClass::BadInput => Ok(unmeasurable(&error)),
        Err(error) => Err(engine_error(&error)),
    }
}

/// Runs a bundle over every published version.
fn range(engine: &Engine, bytes: &[u8], watch: Watch<'_>) -> Result<MeasuredBundleRange> {
    let bundle = bundle_read(engine, bytes).map_err(|e| engine_error(&e.into()))?;
    let mut report = engine.range(&bundle, RangeOptions::default(), watch).map_err(|e| engine_error(&e))?;
    let mut receipts = Vec::new();
    // The files are this machine's: what is kept and shown holds their content, not their place.
    for (version, path) in std::mem::take(&mut report.receipts) {
        let (verdict, reason) = verdict_in(&report, &version);
        receipts.push(ReceiptDraft { version, verdict, reason, envelope: envelope(&path)? });
    }
    let json = serde_json::to_string(&report).map_err(|e| internal("write a range", e))?;
    MeasuredRange::parse(&json)?;
    Ok(MeasuredBundleRange { json, receipts })
}

/// Runs a bundle on one version.
fn verify(engine: &Engine, digest: &str, bytes: &[u8], version: &str, watch: Watch<'_>) -> Result<VersionRun> {
    let bundle = bundle_read(engine, bytes).map_err(|e| engine_error(&e.into()))?;
    let options = ProveOptions { versions: vec![version.to_owned()], receipts: true, ..ProveOptions::default() };
    let report = engine.prove(&bundle, &options, watch).map_err(|e| engine_error(&e))?;
    let run = report.runs.first().ok_or_else(|| internal("prove one version", "no run came back"))?;
    Ok(VersionRun {
        proof: digest.to_owned(),
        verdict: run.verdict(),
        reason: run.reason.as_deref().and_then(|r| r.parse().ok()),
        envelope: run.receipt.as_deref().map(envelope).transpose()?,
    })
}

/// Runs bundles against a patch, on every affected release line; gives the signed statement.
fn patch_verify(engine: &Engine, bundles: &[(String, Arc<Vec<u8>>)], patch: &[u8], watch: Watch<'_>) -> Result<String> {
    let read = |(_, bytes): &(String, Arc<Vec<u8>>)| bundle_read(engine, bytes);
    let bundles: Vec<Bundle> =
        bundles.iter().map(read).collect::<std::result::Result<_, _>>().map_err(|e| engine_error(&e.into()))?;
    let report = engine.verify_fix(&bundles, &[patch.to_vec()], &FixOptions::default(), watch);
    let report = report.map_err(|e| engine_error(&e))?;
    envelope(report.receipt.as_deref().unwrap_or_default())
}

pub(crate) fn bundle_read(engine: &Engine, bytes: &[u8]) -> std::result::Result<Bundle, BundleError> {
    let format = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { Format::TarZst } else { Format::TarGz };
    Bundle::read_bytes(bytes, format, "as sent", engine.sandbox())
}

fn measured(bundle: &Bundle, mut report: ProveReport) -> Result<Measured> {
    let declared = bundle.manifest().target.fixed.as_ref().map(ToString::to_string);
    let fires_at = |v: &String| report.runs.iter().any(|r| r.version == *v && r.verdict() == Verdict::Fired);
    // The proof holds and only the declaration is wrong: the defect is real, the fix is not where it
    // was said to be. The finding goes on, and says so.
    let fix_refuted = declared.filter(|v| fires_at(v) && report.grade_reasons.len() == 1);
    let graded = report.grade == Grade::Confirmed.as_str() || fix_refuted.is_some();
    let mut receipts = Vec::new();
    let mut trace = Vec::new();
    for run in &mut report.runs {
        if trace.is_empty() {
            trace = run.trace.iter().map(ToString::to_string).collect();
        }
        // The file is this machine's: what is kept and shown holds its content, not its place.
        if let Some(path) = run.receipt.take() {
            let reason = run.reason.as_deref().and_then(|r| r.parse().ok());
            receipts.push(ReceiptDraft {
                version: run.version.clone(),
                verdict: run.verdict(),
                reason,
                envelope: envelope(&path)?,
            });
        }
    }
    Ok(Measured {
        grade: if graded { Grade::Confirmed } else { Grade::Unconfirmed },
        grade_reasons: report.grade_reasons.clone(),
        fix_refuted,
        outcome: serde_json::to_string(&report).map_err(|e| internal("write a proof's outcome", e))?,
        trace,
        receipts,
    })
}

/// A bundle about something that cannot be had, such as a package that does not exist: not proved,
/// with the reason.
fn unmeasurable(error: &EngineError) -> Measured {
    Measured {
        grade: Grade::Unconfirmed,
        grade_reasons: vec![error.to_string()],
        fix_refuted: None,
        outcome: serde_json::json!({"grade": "unconfirmed", "error": error.code()}).to_string(),
        trace: Vec::new(),
        receipts: Vec::new(),
    }
}

fn verdict_in(report: &proof::RangeReport, version: &str) -> (Verdict, Option<Reason>) {
    if report.fired.iter().any(|v| v == version) {
        return (Verdict::Fired, None);
    }
    if report.silent.iter().any(|v| v == version) {
        return (Verdict::Silent, None);
    }
    let unknown = report.unknown.iter().find(|u| u.version == version);
    (Verdict::Inconclusive, unknown.and_then(|u| u.reason.parse().ok()))
}

fn envelope(path: &str) -> Result<String> {
    std::fs::read_to_string(path).map_err(|e| internal("read a proof receipt", e))
}

fn engine_error(error: &EngineError) -> ServiceError {
    match error.class() {
        ErrorClass::BadInput => ServiceError::invalid(error.code(), "bundle", error.to_string()),
        ErrorClass::Environment | ErrorClass::Cancelled => ServiceError::Unavailable(error.to_string()),
    }
}
