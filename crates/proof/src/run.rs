//! One verdict: control and program on one exact version, as often as asked.
//!
//! Only `fired` proves anything; `silent` counts only when the control passed on that very version; all else is
//! inconclusive, with its reason. Must not know about other versions.

use std::sync::atomic::{AtomicBool, Ordering};

use domain::proof::{OracleKind, Reason, Verdict};
use serde_json::Value;

use crate::engine::EngineError;
use crate::failure::Shortfall;
use crate::harness::{Attempt, Observed, Stage};
use crate::oracle::{self, Baseline, Hands, Sighting, cpu_blow_up, infinite_loop, prototype_pollution};
use crate::report::AttemptReport;
use crate::sandbox::{Limit, Walls};
use crate::trace::TraceFrame;

/// How many times as many repeats there are at most where the first ones disagree.
pub const REPEAT_RAISE_FACTOR: usize = 3;

/// How a version is to be run.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How often the program is run.
    pub repeats: u32,
    /// Run the control even where the program fired.
    pub control_always: bool,
    /// Where it fired and the oracle needs one, run once more to see in whose hands.
    pub trace: bool,
}

/// What running one version showed.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The verdict.
    pub verdict: Verdict,
    /// Why it is inconclusive.
    pub reason: Option<Reason>,
    /// One line on the reason.
    pub detail: Option<String>,
    /// The control, where it was run.
    pub control: Option<AttemptReport>,
    /// Each repeat of the program.
    pub repeats: Vec<AttemptReport>,
    /// What the oracle saw, of the first repeat that fired.
    pub observation: Value,
    /// In whose hands.
    pub hands: Hands,
    /// Frames of packages at that moment.
    pub trace: Vec<TraceFrame>,
    /// Things worth telling that decide nothing.
    pub warnings: Vec<String>,
    /// What held the boxes.
    pub walls: Walls,
}

/// One attempt, judged.
struct Judged {
    report: AttemptReport,
    sighting: Sighting,
    baseline_needed: bool,
    observed: Option<Observed>,
}

/// Runs one version.
///
/// # Errors
/// Only where the machine could not run it, or the caller asked to stop.
pub fn version_run(stage: &Stage<'_>, plan: Plan, cancel: &AtomicBool) -> Result<Shown, EngineError> {
    let mut room = Room {
        stage,
        cancel,
        baseline: Baseline::default(),
        control: None,
        walls: Walls::default(),
        costs: cpu_blow_up::Pool::default(),
    };
    let mut repeats: Vec<Judged> = Vec::new();
    if plan.control_always {
        room.control()?;
    } else {
        // Where nothing depends on the control, a fired program needs none, and that halves the work.
        let first = room.program()?;
        // Nor does one that found nothing to run: no control can make a verdict of that.
        let absent =
            [Reason::ApiAbsent, Reason::LoadFailed, Reason::BuildFailed, Reason::RuntimeUnfit].map(Reason::as_str);
        let nothing_there = first.report.reason.is_some_and(|reason| absent.contains(&reason));
        if (first.sighting.fired && !first.baseline_needed) || nothing_there {
            repeats.push(first);
        } else {
            room.control()?;
            let again = if first.baseline_needed { room.program()? } else { first };
            repeats.push(again);
        }
    }
    let hopeless = [Reason::LoadFailed, Reason::BuildFailed, Reason::RuntimeUnfit].map(Reason::as_str);
    let hopeless = room.control.as_ref().and_then(|c| c.reason).is_some_and(|reason| hopeless.contains(&reason));
    let wanted = if hopeless { 1 } else { plan.repeats as usize };
    while repeats.len() < wanted {
        repeats.push(room.program()?);
    }
    // Where they disagree, more of them tell a rare effect from a rare disturbance, and give the counts.
    while repeats.len() < wanted.saturating_mul(REPEAT_RAISE_FACTOR) && disagree(&repeats) {
        repeats.push(room.program()?);
    }
    // What disagrees may yet be called silent, and silence means nothing without a control.
    if disagree(&repeats) && room.control.is_none() {
        room.control()?;
    }
    let mut shown = conclude(&room, &repeats);
    if plan.trace && stage.sees_hands && shown.verdict == Verdict::Fired {
        room.trace(&repeats, &mut shown)?;
    }
    shown.walls = room.walls;
    Ok(shown)
}

struct Room<'s, 'a> {
    stage: &'s Stage<'a>,
    cancel: &'s AtomicBool,
    baseline: Baseline,
    control: Option<AttemptReport>,
    walls: Walls,
    /// What the sizes of a `cpu-blow-up` cost so far.
    costs: cpu_blow_up::Pool,
}

impl Room<'_, '_> {
    fn kind(&self) -> OracleKind {
        self.stage.bundle.manifest().oracle.kind
    }

    /// Why an attempt shows nothing; `None` where it ended well.
    fn shortfall(&self, observed: &Observed) -> Option<Shortfall> {
        self.stage.runtime.shortfall(observed, self.stage.bundle)
    }

    /// Why a file of the bundle could not even be built for this version.
    fn unbuilt(&self, entry: &str) -> Option<&Shortfall> {
        self.stage.ready.unbuilt.iter().find(|(name, _)| name == entry).map(|(_, why)| why)
    }

    fn attempt(&mut self, attempt: &Attempt) -> Result<Observed, EngineError> {
        if self.cancel.load(Ordering::Relaxed) {
            return Err(EngineError::Cancelled);
        }
        let observed = self.stage.attempt(attempt)?;
        self.walls = observed.outcome.walls.clone();
        Ok(observed)
    }

    fn control(&mut self) -> Result<(), EngineError> {
        let entry = self.stage.bundle.manifest().run.control.clone();
        if let Some(why) = self.unbuilt(&entry) {
            let mut report = AttemptReport::default();
            report.inconclusive(why.reason, why.detail.clone());
            self.control = Some(report);
            return Ok(());
        }
        let observed = self.attempt(&Attempt { entry, ..Attempt::default() })?;
        self.baseline = Baseline::of(&observed);
        let sighting = oracle::sight(self.kind(), &observed, &self.baseline, self.stage.bundle.manifest());
        let short = self.shortfall(&observed);
        let mut report = AttemptReport::of(&observed.outcome);
        if sighting.fired {
            report.inconclusive(Reason::ControlFailed, "the benign control fires too".into());
        } else if let Some(short) = short {
            let reason = match short.reason {
                kept @ (Reason::ApiAbsent | Reason::LoadFailed | Reason::RuntimeUnfit) => kept,
                _ => Reason::ControlFailed,
            };
            report.inconclusive(reason, short.detail);
        } else {
            report.verdict = "passed";
        }
        self.control = Some(report);
        Ok(())
    }

    fn program(&mut self) -> Result<Judged, EngineError> {
        if let Some(why) = self.unbuilt(&self.stage.bundle.manifest().run.program) {
            let mut report = AttemptReport::default();
            report.inconclusive(why.reason, why.detail.clone());
            return Ok(Judged { report, sighting: Sighting::quiet(), baseline_needed: false, observed: None });
        }
        match self.kind() {
            OracleKind::CpuBlowUp => return self.series(),
            OracleKind::InfiniteLoop => return self.endless(),
            _ => {}
        }
        let entry = self.stage.bundle.manifest().run.program.clone();
        let observed = self.attempt(&Attempt { entry, ..Attempt::default() })?;
        let sighting = oracle::sight(self.kind(), &observed, &self.baseline, self.stage.bundle.manifest());
        let mut report = AttemptReport::of(&observed.outcome);
        if sighting.fired {
            report.verdict = Verdict::Fired.as_str();
        } else if let Some(short) = self.shortfall(&observed) {
            report.inconclusive(short.reason, short.detail);
        } else {
            report.verdict = Verdict::Silent.as_str();
        }
        let rests_on_control = match self.kind() {
            OracleKind::PrototypePollution => !prototype_pollution::stands_without_control(&observed),
            OracleKind::UncontrolledAllocation => true,
            _ => false,
        };
        let baseline_needed = self.control.is_none() && sighting.fired && rests_on_control;
        Ok(Judged { report, sighting, baseline_needed, observed: Some(observed) })
    }

    /// An `infinite-loop` repeat: the program once, and where that was cut off once more with more time.
    fn endless(&mut self) -> Result<Judged, EngineError> {
        let entry = self.stage.bundle.manifest().run.program.clone();
        let given = |cpu_ms| Attempt { entry: entry.clone(), cpu_ms: Some(cpu_ms), ..Attempt::default() };
        let first = self.attempt(&given(infinite_loop::FIRST_CPU_MS))?;
        let mut report = AttemptReport::of(&first.outcome);
        if !infinite_loop::is_cut_off(&first, infinite_loop::FIRST_CPU_MS) {
            match self.shortfall(&first) {
                Some(short) => report.inconclusive(short.reason, short.detail),
                None => report.verdict = Verdict::Silent.as_str(),
            }
            return Ok(Judged { report, sighting: Sighting::quiet(), baseline_needed: false, observed: Some(first) });
        }
        let second = self.attempt(&given(infinite_loop::SECOND_CPU_MS))?;
        report.add(&second.outcome);
        let cut_off = infinite_loop::is_cut_off(&second, infinite_loop::SECOND_CPU_MS);
        let sighting = infinite_loop::sight(cut_off, &self.baseline);
        if sighting.fired {
            report.verdict = Verdict::Fired.as_str();
        } else {
            let detail = "it is slow, or the control is: neither ended in time nor was shown to have no end";
            report.inconclusive(Reason::Timeout, detail.into());
        }
        let baseline_needed = sighting.fired && self.control.is_none();
        Ok(Judged { report, sighting, baseline_needed, observed: Some(second) })
    }

    /// A `cpu-blow-up` repeat: the program over growing sizes.
    fn series(&mut self) -> Result<Judged, EngineError> {
        let manifest = self.stage.bundle.manifest();
        let (entry, wall_ms) = (manifest.run.program.clone(), manifest.run.wall_ms);
        let sizes = manifest.oracle.sizes.clone().unwrap_or_else(cpu_blow_up::sizes_default);
        let cpu_ms = series_cpu_ms(wall_ms);
        let mut report: Option<AttemptReport> = None;
        let mut last_short: Option<Shortfall> = None;
        let growth = cpu_blow_up::growth(&sizes, cpu_ms.saturating_mul(1_000), |size| {
            let attempt =
                Attempt { entry: entry.clone(), size: Some(size), cpu_ms: Some(cpu_ms), ..Attempt::default() };
            let observed = self.attempt(&attempt)?;
            let cost = match (observed.outcome.limit_hit, self.shortfall(&observed)) {
                (Some(Limit::Cpu), _) => cpu_blow_up::Cost::CutOff,
                // A run that waited for others more than it worked says nothing about its work.
                (Some(Limit::Wall), _) if observed.outcome.cpu_us() >= cpu_ms.saturating_mul(500) => {
                    cpu_blow_up::Cost::CutOff
                }
                (_, None) => cpu_blow_up::Cost::Finished(observed.outcome.cpu_us()),
                (_, Some(short)) => {
                    last_short = Some(short);
                    cpu_blow_up::Cost::Failed
                }
            };
            report.get_or_insert_with(AttemptReport::default).add(&observed.outcome);
            self.costs.add(size, cost);
            Ok::<_, EngineError>(cost)
        })?;
        let mut report = report.unwrap_or_default();
        let mut sighting = Sighting::quiet();
        match growth {
            cpu_blow_up::Growth::BlowUp(observation) => {
                report.verdict = Verdict::Fired.as_str();
                sighting = Sighting { fired: true, observation, hands: Hands::Unseen, trace: Vec::new() };
            }
            cpu_blow_up::Growth::Tame(_) => report.verdict = Verdict::Silent.as_str(),
            cpu_blow_up::Growth::LimitAt(size) => {
                let detail =
                    format!("size {size} ran into the CPU limit of {cpu_ms} ms without showing super-linear growth");
                report.inconclusive(Reason::Timeout, detail);
            }
            cpu_blow_up::Growth::FailedAt(size) => {
                let (reason, detail) =
                    last_short.map_or((Reason::HarnessError, String::new()), |short| (short.reason, short.detail));
                report.inconclusive(reason, format!("at size {size}: {detail}"));
            }
        }
        Ok(Judged { report, sighting, baseline_needed: false, observed: None })
    }

    /// Sees in whose hands it was, where that takes a run of its own.
    fn trace(&mut self, repeats: &[Judged], shown: &mut Shown) -> Result<(), EngineError> {
        let entry = self.stage.bundle.manifest().run.program.clone();
        match self.kind() {
            OracleKind::PrototypePollution => {
                let Some(fired) = repeats.iter().find_map(|judged| judged.observed.as_ref()) else { return Ok(()) };
                let traps = prototype_pollution::traps(fired, &self.baseline);
                let observed = self.attempt(&Attempt { entry, traps, ..Attempt::default() })?;
                (shown.hands, shown.trace) = prototype_pollution::traced(&observed);
            }
            OracleKind::CpuBlowUp => {
                let cpu_ms = Some(cpu_blow_up::SERIES_CPU_MS_MAX);
                for size in cpu_blow_up::profile_sizes(&shown.observation) {
                    let attempt =
                        Attempt { entry: entry.clone(), size: Some(size), cpu_ms, profile: true, ..Attempt::default() };
                    // A run that is cut off leaves no profile.
                    if let Some(profile) = self.attempt(&attempt)?.profile {
                        shown.trace = self.stage.runtime.hottest(&profile);
                        break;
                    }
                }
                shown.hands = shown.trace.first().cloned().map_or(Hands::Unseen, Hands::Package);
            }
            _ => {}
        }
        Ok(())
    }
}

/// CPU limit of one size of a series, in milliseconds.
fn series_cpu_ms(wall_ms: u64) -> u64 {
    wall_ms.min(cpu_blow_up::SERIES_CPU_MS_MAX)
}

/// What a majority of repeats and all of them together agree on, where single ones differ: the cost of the same work
/// differs from run to run on a busy machine, which nothing else that is measured here does. `None` leaves it flaky.
fn weighed(room: &Room<'_, '_>, repeats: &[Judged]) -> Option<Verdict> {
    if room.kind() != OracleKind::CpuBlowUp {
        return None;
    }
    let fired = repeats.iter().filter(|judged| judged.sighting.fired).count();
    let limit_us = series_cpu_ms(room.stage.bundle.manifest().run.wall_ms).saturating_mul(1_000);
    let together = room.costs.blow_up(limit_us).is_some();
    let silent = repeats.iter().filter(|judged| judged.report.verdict == Verdict::Silent.as_str()).count();
    let enough = |n: usize| n * 3 >= repeats.len() * 2;
    match together {
        true if enough(fired) => Some(Verdict::Fired),
        false if enough(silent) => Some(Verdict::Silent),
        _ => None,
    }
}

fn disagree(repeats: &[Judged]) -> bool {
    let fired = repeats.iter().filter(|judged| judged.sighting.fired).count();
    fired > 0 && fired < repeats.len()
}

fn conclude(room: &Room<'_, '_>, repeats: &[Judged]) -> Shown {
    let fired = repeats.iter().filter(|judged| judged.sighting.fired).count();
    let first_fired = repeats.iter().find(|judged| judged.sighting.fired);
    let first_short = repeats.iter().find(|judged| judged.report.reason.is_some());
    let control_short = room.control.as_ref().filter(|control| control.reason.is_some());
    let weighed = if disagree(repeats) { weighed(room, repeats) } else { None };
    let control_passed = room.control.is_some() && control_short.is_none();
    let (verdict, reason, detail) = if fired > 0 && (fired == repeats.len() || weighed == Some(Verdict::Fired)) {
        (Verdict::Fired, None, None)
    } else if weighed == Some(Verdict::Silent) && control_passed {
        (Verdict::Silent, None, None)
    } else if fired > 0 {
        let detail = format!("fired on {fired} of {} repeats", repeats.len());
        (Verdict::Inconclusive, Some(Reason::Flaky.as_str()), Some(detail))
    } else if let Some(control) = control_short {
        let detail = control.detail.clone().map(|detail| format!("the control: {detail}"));
        (Verdict::Inconclusive, control.reason, detail)
    } else if let Some(short) = first_short {
        (Verdict::Inconclusive, short.report.reason, short.report.detail.clone())
    } else {
        (Verdict::Silent, None, None)
    };
    let shown_fired = first_fired.filter(|_| verdict != Verdict::Silent);
    let sighting = shown_fired.map_or_else(Sighting::quiet, |judged| judged.sighting.clone());
    let mut warnings = Vec::new();
    if weighed == Some(verdict) {
        let count = repeats.len();
        warnings.push(format!(
            "fired on {fired} of {count} repeats: decided on the least that each size cost over all of them"
        ));
    }
    let forged: u32 = repeats.iter().filter_map(|j| j.observed.as_ref()).map(|o| o.forged).sum();
    if forged > 0 {
        warnings.push(format!("{forged} lines on the report channel were not the harness's: the program wrote there"));
    }
    let native = repeats.iter().filter_map(|j| j.observed.as_ref()?.report.as_ref()).any(|report| report.native > 0);
    if native {
        warnings.push("native code of a package was loaded; it could forge what is seen inside the process".to_owned());
    }
    Shown {
        verdict,
        reason: reason.and_then(|word| word.parse().ok()),
        detail,
        control: room.control.clone(),
        repeats: repeats.iter().map(|judged| judged.report.clone()).collect(),
        observation: sighting.observation,
        hands: match sighting.hands {
            Hands::Unseen if !room.stage.sees_hands => Hands::NotApplicable,
            seen => seen,
        },
        trace: sighting.trace,
        warnings,
        walls: Walls::default(),
    }
}
