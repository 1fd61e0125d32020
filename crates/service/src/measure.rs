//! The proof engine behind the use cases: bundles in, measured values out, off the async threads.
//!
//! Opened at first use, so that a clearinghouse whose machine has no sandbox still takes reports in
//! and says why it cannot prove. Must not decide: grades and verdicts are the engine's.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use domain::package::Package;
use domain::proof::{Grade, OracleKind, Reason, Verdict};
use proof::range::RangeOptions;
use proof::sandbox::{Format, SandboxConfig};
use proof::{Bundle, BundleError, Engine, EngineConfig, EngineError, ErrorClass, ProveOptions, ProveReport, Watch};
use tokio::sync::Semaphore;

use crate::Service;
use crate::error::{Result, ServiceError, Violation, internal};
use crate::range::MeasuredRange;

/// Bundles that are measured at once in one process.
const MEASUREMENTS_AT_ONCE_MAX: usize = 2;
/// Bundles that are unpacked at once in one process.
const UNPACKINGS_AT_ONCE_MAX: usize = 4;

/// The engine, shared.
#[derive(Clone)]
pub(crate) struct Measurer(Arc<Inner>);

struct Inner {
    home: PathBuf,
    init_exe: Option<PathBuf>,
    engine: OnceLock<Engine>,
    opening: std::sync::Mutex<()>,
    measuring: Semaphore,
    unpacking: Semaphore,
}

/// A bundle that was read.
#[derive(Debug, Clone)]
pub(crate) struct OpenedBundle {
    pub digest: String,
    pub title: String,
    pub package: Package,
    pub oracle: OracleKind,
    pub vulnerable: String,
    pub fixed: Option<String>,
}

/// A receipt to be kept.
#[derive(Debug, Clone)]
pub(crate) struct ReceiptDraft {
    pub version: String,
    pub verdict: Verdict,
    pub reason: Option<Reason>,
    pub envelope: String,
}

/// What proving a bundle showed.
#[derive(Debug, Clone)]
pub(crate) struct Measured {
    pub grade: Grade,
    pub grade_reasons: Vec<String>,
    /// The declared fix, where the proof fires there too and everything else holds.
    pub fix_refuted: Option<String>,
    pub outcome: String,
    pub trace: Vec<String>,
    pub receipts: Vec<ReceiptDraft>,
}

/// What the range search showed.
#[derive(Debug, Clone)]
pub(crate) struct MeasuredBundleRange {
    pub json: String,
    pub receipts: Vec<ReceiptDraft>,
}

/// One proof on one version.
#[derive(Debug, Clone)]
pub(crate) struct VersionRun {
    pub verdict: Verdict,
    pub reason: Option<Reason>,
}

/// Whether anybody still waits for a measurement: when a job is cut off, its boxes are too.
#[derive(Default)]
struct Wanted {
    cancel: Arc<AtomicBool>,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl Measurer {
    pub(crate) fn open(home: PathBuf, init_exe: Option<PathBuf>) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            home,
            init_exe,
            engine: OnceLock::new(),
            opening: std::sync::Mutex::new(()),
            measuring: Semaphore::new(MEASUREMENTS_AT_ONCE_MAX),
            unpacking: Semaphore::new(UNPACKINGS_AT_ONCE_MAX),
        })))
    }

    fn engine(&self) -> Result<&Engine> {
        let _one = self.0.opening.lock().map_err(|e| internal("open the proof engine", e))?;
        if let Some(engine) = self.0.engine.get() {
            return Ok(engine);
        }
        let sandbox = SandboxConfig { init_exe: self.0.init_exe.clone(), ..SandboxConfig::default() };
        // Bundles are kept sealed in the store; the engine's own folder must not hold them in the clear.
        let home = self.0.home.clone();
        let config = EngineConfig { home, sandbox, without_bundles: true, ..EngineConfig::default() };
        let engine = Engine::open(config).map_err(|e| ServiceError::Unavailable(e.to_string()))?;
        Ok(self.0.engine.get_or_init(|| engine))
    }

    async fn work<T: Send + 'static>(
        &self,
        slots: &Semaphore,
        work: impl FnOnce(&Engine, Watch<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _slot = slots.acquire().await.map_err(|e| internal("wait for the proof engine", e))?;
        let measurer = self.clone();
        let wanted = Wanted::default();
        let cancel = Arc::clone(&wanted.cancel);
        let done = tokio::task::spawn_blocking(move || {
            let watch = Watch { progress: &proof::progress::Silent, cancel: &cancel };
            work(measurer.engine()?, watch)
        });
        done.await.map_err(|e| internal("run the proof engine", e))?
    }
}

impl Service {
    /// Reads a bundle in the sandbox. The inner error lists every violation.
    pub(crate) async fn bundle_open(
        &self,
        bytes: Vec<u8>,
    ) -> Result<std::result::Result<OpenedBundle, Vec<Violation>>> {
        let slots = &self.measurer.0.unpacking;
        self.measurer
            .work(slots, move |engine, _| match bundle_read(engine, &bytes) {
                Ok(bundle) => Ok(Ok(opened(&bundle))),
                Err(BundleError::Invalid { violations, .. }) => {
                    let listed = violations.0.into_iter();
                    Ok(Err(listed.map(|v| Violation::new(v.code, format!("bundle {}", v.at), v.message)).collect()))
                }
                Err(error) => match EngineError::from(error) {
                    e if e.class() == ErrorClass::BadInput => {
                        Ok(Err(vec![Violation::new(e.code(), "bundle", e.to_string())]))
                    }
                    e => Err(ServiceError::Unavailable(e.to_string())),
                },
            })
            .await
    }

    /// Proves a bundle at its declared versions.
    pub(crate) async fn measure_proof(&self, bytes: Arc<Vec<u8>>) -> Result<Measured> {
        let slots = &self.measurer.0.measuring;
        self.measurer
            .work(slots, move |engine, watch| {
                let bundle = bundle_read(engine, &bytes).map_err(|e| engine_error(&e.into()))?;
                let options = ProveOptions { receipts: true, ..ProveOptions::default() };
                match engine.prove(&bundle, &options, watch) {
                    Ok(report) => measured(&bundle, report),
                    Err(error) if error.class() == ErrorClass::BadInput => Ok(unmeasurable(&error)),
                    Err(error) => Err(engine_error(&error)),
                }
            })
            .await
    }

    /// Runs a bundle over every published version.
    pub(crate) async fn measure_range(&self, bytes: Arc<Vec<u8>>) -> Result<MeasuredBundleRange> {
        let slots = &self.measurer.0.measuring;
        self.measurer
            .work(slots, move |engine, watch| {
                let bundle = bundle_read(engine, &bytes).map_err(|e| engine_error(&e.into()))?;
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
            })
            .await
    }

    /// Runs a bundle on one version.
    pub(crate) async fn measure_version(&self, bytes: Vec<u8>, version: String) -> Result<VersionRun> {
        let slots = &self.measurer.0.measuring;
        self.measurer
            .work(slots, move |engine, watch| {
                let bundle = bundle_read(engine, &bytes).map_err(|e| engine_error(&e.into()))?;
                let options = ProveOptions { versions: vec![version], receipts: true, ..ProveOptions::default() };
                let report = engine.prove(&bundle, &options, watch).map_err(|e| engine_error(&e))?;
                let run = report.runs.first().ok_or_else(|| internal("prove one version", "no run came back"))?;
                let reason = run.reason.as_deref().and_then(|r| r.parse().ok());
                Ok(VersionRun { verdict: run.verdict(), reason })
            })
            .await
    }
}

fn bundle_read(engine: &Engine, bytes: &[u8]) -> std::result::Result<Bundle, BundleError> {
    let format = if bytes.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) { Format::TarZst } else { Format::TarGz };
    Bundle::read_bytes(bytes, format, "as sent", engine.sandbox())
}

fn opened(bundle: &Bundle) -> OpenedBundle {
    let manifest = bundle.manifest();
    OpenedBundle {
        digest: bundle.digest().to_string(),
        title: manifest.title.clone(),
        package: manifest.target.package.clone(),
        oracle: manifest.oracle.kind,
        vulnerable: manifest.target.vulnerable.to_string(),
        fixed: manifest.target.fixed.as_ref().map(ToString::to_string),
    }
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
