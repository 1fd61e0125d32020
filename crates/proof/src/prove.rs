//! `prove`: runs a proof on the versions asked for, with its controls, and grades it.
//!
//! A grade of `confirmed` needs all of it: fired on every repeat at `vulnerable` in a package's hands, the control
//! passed, the vacuous run quiet, the oracle's self-test passed, and silence at `fixed` where that is to be had.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use domain::proof::{Grade, OracleKind, Reason, Verdict};

use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Means, Watch};
use crate::file;
use crate::oracle::Hands;
use crate::receipt::{self, Circumstances};
use crate::report::{ControlsReport, ProveReport, RunReport};
use crate::run::{self, Plan};
use crate::runtime::{Row, Unready, row};

/// How `prove` is called.
#[derive(Debug, Clone, Default)]
pub struct ProveOptions {
    /// The versions to run; the declared two where empty.
    pub versions: Vec<String>,
    /// Repeats, where not as the bundle says.
    pub repeat: Option<u32>,
    /// Answer from kept receipts where they cover what is asked.
    pub receipts: bool,
}

impl Engine {
    /// Runs a proof and grades it.
    ///
    /// # Errors
    /// Where the machine or the registry fails, or the package does not exist. A version that is not to be had is a
    /// verdict (`inconclusive`, `install-failed`).
    pub fn prove(&self, bundle: &Bundle, options: &ProveOptions, watch: Watch<'_>) -> Result<ProveReport, EngineError> {
        let manifest = bundle.manifest();
        let versions = versions_asked(bundle, options)?;
        let _call = self.store.call()?;
        let toolchain = self.toolchain(bundle, watch.progress)?;
        let means = self.means(bundle, &toolchain);
        let published = means.runtime.published(bundle)?;
        self.bundle_keep(bundle)?;
        let plan = Plan { repeats: options.repeat.unwrap_or(manifest.run.repeat), control_always: true, trace: true };
        let mut runs = Vec::with_capacity(versions.len());
        for version in &versions {
            let run = match published.position(version) {
                Some(_) => self.version(bundle, means, version, plan, !options.receipts, watch.cancel)?,
                None => RunReport::unready(version, &not_listed(bundle, version)),
            };
            watch.progress.ran(&run.version, run.verdict(), runs.len() + 1, versions.len());
            runs.push(run);
        }
        let controls = self.controls(bundle, means, watch)?;
        let grading = grade(bundle, means.row, &runs, &controls);
        Ok(ProveReport {
            proof: receipt::identity(bundle),
            runs,
            grade: grading.grade.as_str().into(),
            grade_reasons: grading.reasons,
            fixed_unavailable: grading.fixed_unavailable,
            controls,
            runtime: toolchain.label(),
            engine: ENGINE_VERSION.into(),
            warnings: grading.warnings,
        })
    }

    /// One version: from its kept receipt, or run.
    pub(crate) fn version(
        &self,
        bundle: &Bundle,
        means: Means<'_>,
        version: &str,
        plan: Plan,
        fresh: bool,
        cancel: &AtomicBool,
    ) -> Result<RunReport, EngineError> {
        let ready = match means.runtime.ready(bundle, means.toolchain, version) {
            Ok(ready) => ready,
            Err(e) => return e.verdict().map(|unready| RunReport::unready(version, &unready)).ok_or(e),
        };
        let key = receipt::receipt_key(bundle, &ready, means);
        if !fresh && let Some(known) = self.receipt_find(&key, plan) {
            return Ok(known);
        }
        let stage = self.stage(bundle, means, &ready);
        let started = now_text();
        let shown = run::version_run(&stage, plan, cancel)?;
        let about = Circumstances { bundle, means, ready: &ready, plan, started, finished: now_text() };
        self.receipt_keep(&key, receipt::statement(&about, &shown))
    }

    /// The vacuous run and the self-test.
    fn controls(&self, bundle: &Bundle, means: Means<'_>, watch: Watch<'_>) -> Result<ControlsReport, EngineError> {
        let kind = bundle.manifest().oracle.kind;
        let self_test_passed = self.self_test(kind, means, watch)?;
        let vulnerable = &bundle.manifest().target.vulnerable;
        let stubbed = means
            .runtime
            .ready(bundle, means.toolchain, vulnerable)
            .and_then(|ready| means.runtime.stub(bundle, means.toolchain, &ready));
        let stubbed = match stubbed {
            Ok(stubbed) => stubbed,
            Err(e) if e.verdict().is_some() => {
                return Ok(ControlsReport { vacuous_quiet: false, control_passes_on_stub: false, self_test_passed });
            }
            Err(e) => return Err(e),
        };
        let plan = Plan { repeats: 1, control_always: true, trace: false };
        let shown = run::version_run(&self.stage(bundle, means, &stubbed.value), plan, watch.cancel)?;
        drop(stubbed.guard);
        let fired = shown.repeats.iter().any(|repeat| repeat.verdict == Verdict::Fired.as_str());
        let passes = shown.control.is_some_and(|control| control.reason.is_none());
        Ok(ControlsReport { vacuous_quiet: !fired, control_passes_on_stub: passes, self_test_passed })
    }

    /// The oracle's self-test in this runtime; kept once it has passed.
    fn self_test(&self, kind: OracleKind, means: Means<'_>, watch: Watch<'_>) -> Result<bool, EngineError> {
        let toolchain = means.toolchain;
        let harness = means.runtime.harness_digest();
        let key = format!("{kind}\n{}\n{}\n{ENGINE_VERSION}\n{harness}", toolchain.name, toolchain.sha256);
        let kept = self.home.join("self-tests").join(Sha256Hex::of(key.as_bytes()).as_str());
        if kept.is_file() {
            return Ok(true);
        }
        watch.progress.note(&format!("testing oracle {kind} on itself in {}", toolchain.label()));
        let test = means.runtime.self_test(kind, toolchain)?;
        let plan = Plan { repeats: 1, control_always: true, trace: true };
        let fired = run::version_run(&self.stage(&test.fires, means, &test.ready), plan, watch.cancel)?;
        let silent = run::version_run(&self.stage(&test.quiet, means, &test.ready_quiet), plan, watch.cancel)?;
        let in_hands = matches!(&fired.hands, Hands::Package(frame) if frame.package == test.package)
            || fired.hands == Hands::NotApplicable;
        drop(test.guard);
        let passed = fired.verdict == Verdict::Fired && in_hands && silent.verdict == Verdict::Silent;
        if passed {
            let step = |source| EngineError::Home { step: "write self-test", path: kept.clone(), source };
            file::write_whole(&kept, key.as_bytes()).map_err(step)?;
        } else {
            tracing::warn!(oracle = kind.as_str(), fired = ?fired, silent = ?silent, "an oracle's self-test failed");
            let _ = fs::remove_file(&kept);
        }
        Ok(passed)
    }
}

fn not_listed(bundle: &Bundle, version: &str) -> Unready {
    let name = bundle.manifest().target.package.name();
    let detail = format!("not available here: the registry does not list {name}@{version}");
    Unready { reason: Reason::InstallFailed, detail }
}

fn versions_asked(bundle: &Bundle, options: &ProveOptions) -> Result<Vec<String>, EngineError> {
    let target = &bundle.manifest().target;
    if options.versions.is_empty() {
        let mut declared = vec![target.vulnerable.clone()];
        declared.extend(target.fixed.clone());
        return Ok(declared);
    }
    let row = row(bundle.manifest().runtime.kind);
    let exact = |text: &String| match (row.version_is_exact)(text) {
        true => Ok(text.clone()),
        false => Err(EngineError::malformed_version(text, row.version_example)),
    };
    options.versions.iter().map(exact).collect()
}

struct Grading {
    grade: Grade,
    reasons: Vec<String>,
    warnings: Vec<String>,
    fixed_unavailable: bool,
}

fn grade(bundle: &Bundle, row: &Row, runs: &[RunReport], controls: &ControlsReport) -> Grading {
    let manifest = bundle.manifest();
    let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
    let run_at = |version: &str| runs.iter().find(|run| run.version == version);
    let vulnerable = &manifest.target.vulnerable;
    match run_at(vulnerable) {
        Some(run) => vulnerable_check(run, manifest.oracle.kind, &mut reasons),
        None => reasons.push(format!("{vulnerable}, where it is declared to fire, was not among the versions run")),
    }
    if !controls.vacuous_quiet {
        reasons.push(
            "fires by itself: it fires with the package replaced by an inert stub, or that run was not to be had"
                .into(),
        );
    }
    if !controls.self_test_passed {
        reasons.push("the oracle's own self-test did not pass in this runtime".into());
    }
    if controls.control_passes_on_stub {
        warnings.push("the control passes with the package replaced by an inert stub too, so it says little".into());
    }
    let mut fixed_unavailable = false;
    if let Some(fixed) = &manifest.target.fixed {
        match run_at(fixed) {
            Some(run) if run.reason.as_deref() == Some(Reason::InstallFailed.as_str()) => {
                fixed_unavailable = true;
                warnings.push(format!("{fixed}, the declared fix, is not available here; the grade rests without it"));
            }
            Some(run) => fixed_check(run, &mut reasons),
            None => reasons.push(format!("{fixed}, the declared fix, was not among the versions run")),
        }
    }
    // Nobody saw in whose hands it was: only a version on which the same program is silent tells a package's defect
    // from a program that brings the effect about all by itself.
    let silent_somewhere = runs.iter().any(|run| run.verdict() == Verdict::Silent);
    if (!row.sees_hands || manifest.oracle.kind.is_without_hands()) && !silent_somewhere {
        let (runtime, kind) = (manifest.runtime.kind, manifest.oracle.kind);
        reasons.push(format!(
            "nobody sees in whose hands {kind} was in runtime {runtime}: declare a fixed version on which the program \
             is silent"
        ));
    }
    for run in runs {
        warnings.extend(run.warnings.iter().map(|warning| format!("{}: {warning}", run.version)));
    }
    let grade = if reasons.is_empty() { Grade::Confirmed } else { Grade::Unconfirmed };
    Grading { grade, reasons, warnings, fixed_unavailable }
}

fn vulnerable_check(run: &RunReport, kind: OracleKind, reasons: &mut Vec<String>) {
    let version = &run.version;
    if run.verdict() != Verdict::Fired {
        let why = run.detail.as_deref().or(run.reason.as_deref()).map(|d| format!(" ({d})")).unwrap_or_default();
        reasons.push(format!("it does not fire at {version}, where it is declared to: {}{why}", run.verdict));
        return;
    }
    if let Some(reason) = run.control.get("reason").and_then(|r| r.as_str()) {
        reasons.push(format!("the control did not pass at {version}: {reason}"));
    }
    match run.hands.as_deref() {
        Some("program") => {
            reasons
                .push(format!("fires by itself: at {version} the program brought the effect about with its own hands"));
        }
        // Where the CPU time went is told by a profile, which a run that must be cut off does not leave.
        Some("unseen") if kind != OracleKind::CpuBlowUp => {
            reasons.push(format!("at {version} no code of a package was seen to bring the effect about"));
        }
        _ => {}
    }
}

fn fixed_check(run: &RunReport, reasons: &mut Vec<String>) {
    let version = &run.version;
    match run.verdict() {
        Verdict::Silent => {}
        Verdict::Fired => reasons.push(format!("it fires at {version} too, which is declared to be fixed")),
        Verdict::Inconclusive => {
            let why = run.detail.as_deref().or(run.reason.as_deref()).unwrap_or("no reason");
            reasons.push(format!("{version}, the declared fix, shows nothing: {why}"));
        }
    }
}

/// The time now, RFC 3339.
pub(crate) fn now_text() -> String {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    domain::time::Timestamp::from_micros(micros).to_string()
}
