//! `prove`: runs a proof on the versions asked for, with its controls, and grades it.
//!
//! A grade of `confirmed` needs all of it: fired on every repeat at `vulnerable` in a package's hands, the control
//! passed, the vacuous run quiet, the oracle's self-test passed, and silence at `fixed` where that is to be had.

use std::fs;
use std::sync::atomic::AtomicBool;
use std::time::SystemTime;

use domain::proof::{Grade, OracleKind, Reason, Verdict};
use nodejs_semver::Version;

use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Ready, Watch};
use crate::file;
use crate::harness::{NodeRuntime, Stage};
use crate::npm::packument::{Packument, VersionDoc};
use crate::oracle::{Hands, self_test};
use crate::receipt::{self, Circumstances};
use crate::report::{ControlsReport, ProveReport, RunReport};
use crate::run::{self, Plan};

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
        let packument = self.packument(bundle)?;
        let runtime = self.runtime(bundle, watch.progress)?;
        self.bundle_keep(bundle)?;
        let plan = Plan { repeats: options.repeat.unwrap_or(manifest.run.repeat), control_always: true, trace: true };
        let mut runs = Vec::with_capacity(versions.len());
        for version in &versions {
            let run = self.version(bundle, &packument, &runtime, version, plan, !options.receipts, watch)?;
            watch.progress.ran(&run.version, run.verdict(), runs.len() + 1, versions.len());
            runs.push(run);
        }
        let controls = self.controls(bundle, &packument, &runtime, watch)?;
        let grading = grade(bundle, &runs, &controls);
        Ok(ProveReport {
            proof: receipt::identity(bundle),
            runs,
            grade: grading.grade.as_str().into(),
            grade_reasons: grading.reasons,
            fixed_unavailable: grading.fixed_unavailable,
            controls,
            runtime: format!("node {}", runtime.version),
            engine: ENGINE_VERSION.into(),
            warnings: grading.warnings,
        })
    }

    /// One version: from its kept receipt, or run.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn version(
        &self,
        bundle: &Bundle,
        packument: &Packument,
        runtime: &NodeRuntime,
        version: &Version,
        plan: Plan,
        fresh: bool,
        watch: Watch<'_>,
    ) -> Result<RunReport, EngineError> {
        let name = &packument.name;
        let Some(doc) = packument.version(version) else {
            let detail = format!("not available here: the registry does not list {name}@{version}");
            return Ok(RunReport::not_installed(&version.to_string(), detail));
        };
        match self.ready(bundle, doc) {
            Ok(ready) => self.version_ready(bundle, runtime, &ready, plan, fresh, watch.cancel),
            Err(EngineError::Npm(e)) if e.is_about_the_package() => {
                Ok(RunReport::not_installed(&version.to_string(), e.to_string()))
            }
            Err(e) => Err(e),
        }
    }

    pub(crate) fn version_ready(
        &self,
        bundle: &Bundle,
        runtime: &NodeRuntime,
        ready: &Ready,
        plan: Plan,
        fresh: bool,
        cancel: &AtomicBool,
    ) -> Result<RunReport, EngineError> {
        let key = receipt::receipt_key(bundle, ready, runtime);
        if !fresh && let Some(known) = self.receipt_find(&key, plan) {
            return Ok(known);
        }
        let stage = self.stage(bundle, runtime, ready)?;
        let started = now_text();
        let shown = run::version_run(&stage, plan, cancel)?;
        let about = Circumstances { bundle, ready, runtime, plan, started, finished: now_text() };
        self.receipt_keep(&key, receipt::statement(&about, &shown))
    }

    /// The vacuous run and the self-test.
    fn controls(
        &self,
        bundle: &Bundle,
        packument: &Packument,
        runtime: &NodeRuntime,
        watch: Watch<'_>,
    ) -> Result<ControlsReport, EngineError> {
        let kind = bundle.manifest().oracle.kind;
        let self_test_passed = self.self_test(kind, runtime, watch)?;
        let vulnerable = &bundle.manifest().target.vulnerable;
        let ready = packument.version(vulnerable).map(|doc| self.ready_for_stub(bundle, doc));
        let Some(Ok(ready)) = ready else {
            return Ok(ControlsReport { vacuous_quiet: false, control_passes_on_stub: false, self_test_passed });
        };
        let (stage, guard) = self.stub_stage(bundle, runtime, &ready)?;
        let plan = Plan { repeats: 1, control_always: true, trace: false };
        let shown = run::version_run(&stage, plan, watch.cancel)?;
        drop(guard);
        let fired = shown.repeats.iter().any(|repeat| repeat.verdict == Verdict::Fired.as_str());
        let passes = shown.control.is_some_and(|control| control.reason.is_none());
        Ok(ControlsReport { vacuous_quiet: !fired, control_passes_on_stub: passes, self_test_passed })
    }

    fn ready_for_stub(&self, bundle: &Bundle, doc: &VersionDoc) -> Result<Ready, EngineError> {
        self.ready(bundle, doc)
    }

    /// The oracle's self-test in this runtime; kept once it has passed.
    fn self_test(&self, kind: OracleKind, runtime: &NodeRuntime, watch: Watch<'_>) -> Result<bool, EngineError> {
        let key = format!("{kind}\n{}\n{ENGINE_VERSION}\n{}", runtime.sha256, Self::harness_digest());
        let kept = self.home.join("self-tests").join(Sha256Hex::of(key.as_bytes()).as_str());
        if kept.is_file() {
            return Ok(true);
        }
        watch.progress.note(&format!("testing oracle {kind} on itself in node {}", runtime.version));
        let step = |source| EngineError::Home { step: "write self-test", path: kept.clone(), source };
        let room = tempfile::tempdir().map_err(step)?;
        let target = room.path().join("package");
        self_test::package_write(&target).map_err(step)?;
        let (fires, quiet) = self_test::bundles(kind)?;
        let plan = Plan { repeats: 1, control_always: true, trace: true };
        let run = |bundle: &Bundle| {
            let stage = Stage { sandbox: &self.sandbox, runtime, bundle, target: target.clone(), layer: None };
            run::version_run(&stage, plan, watch.cancel)
        };
        let fired = run(&fires)?;
        let silent = run(&quiet)?;
        let in_hands = matches!(&fired.hands, Hands::Package(frame) if frame.package == self_test::PACKAGE)
            || fired.hands == Hands::NotApplicable;
        let passed = fired.verdict == Verdict::Fired && in_hands && silent.verdict == Verdict::Silent;
        if passed {
            file::write_whole(&kept, key.as_bytes()).map_err(step)?;
        } else {
            tracing::warn!(oracle = kind.as_str(), fired = ?fired, silent = ?silent, "an oracle's self-test failed");
            let _ = fs::remove_file(&kept);
        }
        Ok(passed)
    }
}

fn versions_asked(bundle: &Bundle, options: &ProveOptions) -> Result<Vec<Version>, EngineError> {
    let target = &bundle.manifest().target;
    if options.versions.is_empty() {
        let mut declared = vec![target.vulnerable.clone()];
        declared.extend(target.fixed.clone());
        return Ok(declared);
    }
    let exact = |text: &String| {
        let shown = || EngineError::MalformedVersion(text.chars().take(64).collect());
        Version::parse(text).ok().filter(|v| v.to_string() == *text).ok_or_else(shown)
    };
    options.versions.iter().map(exact).collect()
}

struct Grading {
    grade: Grade,
    reasons: Vec<String>,
    warnings: Vec<String>,
    fixed_unavailable: bool,
}

fn grade(bundle: &Bundle, runs: &[RunReport], controls: &ControlsReport) -> Grading {
    let manifest = bundle.manifest();
    let (mut reasons, mut warnings) = (Vec::new(), Vec::new());
    let run_at = |version: &Version| runs.iter().find(|run| run.version == version.to_string());
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
