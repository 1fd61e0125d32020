//! `range`: over all published versions of a package, where does a proof fire?
//!
//! Runs them all where that is quick, else line by line and by bisection; runs both sides of every border several
//! times; and says how many versions were run and how many inferred. Versions are ordered by semver, never by date.

pub mod compare;
pub mod intervals;
pub mod search;

use std::collections::BTreeMap;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use domain::proof::Verdict;

use crate::bundle::Bundle;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Means, Watch};
use crate::parallel;
use crate::receipt;
use crate::report::{RangeReport, RunReport, UnknownVersion};
use crate::run::Plan;
use crate::runtime::PublishedVersion;
use crate::source::client::DOWNLOADS_COUNT_MAX;
use search::{Board, Known};

/// Runs on each side of a border.
pub const BORDER_REPEATS: u32 = 3;
/// Up to this time for one warm version, all versions are run, in milliseconds.
pub const EXHAUSTIVE_RUN_MS_MAX: u128 = 1_000;
/// Up to so many commits of a history, all are built and run.
pub const EXHAUSTIVE_COMMITS_COUNT_MAX: usize = 16;
/// Most versions run at once.
pub const WORKERS_MAX: usize = 4;
/// Where the next item is once a batch is to stop: beyond any item, and far from overflowing.
const STOPPED: usize = usize::MAX / 2;
/// Rounds after which verdicts at borders that keep changing are left as they are.
const ROUNDS_MAX: usize = 64;

/// How `range` searches.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// All versions where one takes less than [`EXHAUSTIVE_RUN_MS_MAX`], else bisection.
    #[default]
    Measured,
    /// All versions.
    Exhaustive,
    /// Bisection.
    Bisect,
}

/// How `range` is called.
#[derive(Debug, Clone, Copy, Default)]
pub struct RangeOptions {
    /// How to search.
    pub method: Method,
    /// Run everything again, whatever receipts are kept.
    pub fresh: bool,
}

impl Engine {
    /// Searches all published versions.
    ///
    /// # Errors
    /// Where the machine or the registry fails, or the package does not exist.
    pub fn range(&self, bundle: &Bundle, options: RangeOptions, watch: Watch<'_>) -> Result<RangeReport, EngineError> {
        let beginning = self.store.step()?;
        let toolchain = self.toolchain(bundle, watch.progress)?;
        let means = self.means(bundle, &toolchain);
        let published = means.runtime.published(bundle)?.versions;
        self.bundle_keep(bundle)?;
        // Only the toolchain is needed throughout: versions that were run may go again where the store is bounded.
        let _call = self.store.call_holding(toolchain.places())?;
        drop(beginning);
        let total = published.len();
        let released: Vec<PublishedVersion> = published.into_iter().filter(|version| !version.prerelease).collect();
        let mut search = Search {
            engine: self,
            bundle,
            means,
            prereleases: total - released.len(),
            board: Board::new(released),
            reports: BTreeMap::new(),
            options,
            watch,
        };
        let exhaustive = search.method()?;
        search.run_out(exhaustive)?;
        Ok(search.report(exhaustive))
    }
}

struct Search<'a> {
    engine: &'a Engine,
    bundle: &'a Bundle,
    means: Means<'a>,
    prereleases: usize,
    board: Board,
    reports: BTreeMap<usize, RunReport>,
    options: RangeOptions,
    watch: Watch<'a>,
}

impl Search<'_> {
    /// Whether all versions are to be run: as asked, or by the time one warm version takes.
    fn method(&mut self) -> Result<bool, EngineError> {
        match self.options.method {
            Method::Exhaustive => return Ok(true),
            Method::Bisect => return Ok(false),
            Method::Measured => {}
        }
        // Each commit is a build of its own, however short its run.
        if self.bundle.manifest().target.repo.is_some() {
            return Ok(self.board.versions.len() <= EXHAUSTIVE_COMMITS_COUNT_MAX);
        }
        let declared = &self.bundle.manifest().target.vulnerable;
        let versions = &self.board.versions;
        let probe = versions.iter().position(|version| version.text == *declared).unwrap_or(0);
        let Some(version) = versions.get(probe) else { return Ok(true) };
        // What it takes to fetch and build is no part of it.
        let step = self.engine.store.step()?;
        let _ = self.means.runtime.ready(self.bundle, self.means.toolchain, &version.text);
        drop(step);
        let began = Instant::now();
        self.batch(&[probe], 1)?;
        let from_receipt = self.reports.get(&probe).is_some_and(|report| report.from_receipt);
        let told_ms = self.reports.get(&probe).map(run_ms).unwrap_or_default();
        let took_ms = if from_receipt { u128::from(told_ms) } else { began.elapsed().as_millis() };
        Ok(took_ms < EXHAUSTIVE_RUN_MS_MAX)
    }

    fn run_out(&mut self, exhaustive: bool) -> Result<(), EngineError> {
        for _ in 0..ROUNDS_MAX {
            let next = if exhaustive { self.board.unknown() } else { self.board.bisect_next() };
            if !next.is_empty() {
                self.batch(&next, 1)?;
                continue;
            }
            let borders = self.board.borders_next(BORDER_REPEATS);
            if borders.is_empty() {
                return Ok(());
            }
            self.batch(&borders, BORDER_REPEATS)?;
        }
        Ok(())
    }

    /// Runs these versions, several at once, while their packages are fetched ahead.
    fn batch(&mut self, wanted: &[usize], repeats: u32) -> Result<(), EngineError> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let workers = cores.min(WORKERS_MAX).min(wanted.len());
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let found: Mutex<Vec<(usize, RunReport)>> = Mutex::default();
        let failed: Mutex<Option<EngineError>> = Mutex::default();
        let this = &*self;
        let stop = || next.store(STOPPED, Ordering::Relaxed);
        thread::scope(|scope| {
            scope.spawn(|| this.fetch_ahead(wanted, &next));
            for _ in 0..workers {
                scope.spawn(|| {
                    while let Some(index) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match this.version_at(*index, repeats) {
                            Ok(report) => {
                                let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                                this.watch.progress.ran(&report.version, report.verdict(), done, wanted.len());
                                found.lock().unwrap_or_else(PoisonError::into_inner).push((*index, report));
                            }
                            Err(e) => {
                                failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(e);
                                stop();
                            }
                        }
                    }
                });
            }
        });
        if let Some(e) = failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(e);
        }
        for (index, report) in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
            let known = Known {
                verdict: report.verdict(),
                reason: report.reason.clone(),
                // A version that is not to be had stays so however often it is asked for.
                repeats: repeats.max(self.board.known[index].as_ref().map_or(0, |known| known.repeats)),
            };
            self.board.known[index] = Some(known);
            self.reports.insert(index, report);
        }
        Ok(())
    }

    fn version_at(&self, index: usize, repeats: u32) -> Result<RunReport, EngineError> {
        let _step = self.engine.store.step()?;
        let version = &self.board.versions[index].text;
        let at_border = repeats >= BORDER_REPEATS;
        let plan = Plan { repeats, control_always: at_border, trace: at_border };
        self.engine.version(self.bundle, self.means, version, plan, self.options.fresh, self.watch.cancel)
    }

    /// Has packages in the store before a worker comes to them. Errors are left for the worker to meet.
    fn fetch_ahead(&self, wanted: &[usize], reached: &AtomicUsize) {
        let runtime = self.means.runtime;
        let text = |index: usize| self.board.versions[index].text.as_str();
        let missing: Vec<usize> =
            wanted.iter().copied().filter(|index| !runtime.is_here(self.bundle, text(*index))).collect();
        if missing.len() < 2 {
            return;
        }
        let done = AtomicUsize::new(0);
        parallel::each(&missing, DOWNLOADS_COUNT_MAX, |index| {
            let stopped = self.watch.cancel.load(Ordering::Relaxed) || reached.load(Ordering::Relaxed) >= STOPPED;
            if stopped || self.engine.store.is_full() {
                return;
            }
            let Ok(_step) = self.engine.store.step() else { return };
            let _ = runtime.fetch(self.bundle, text(*index));
            self.watch.progress.fetched(done.fetch_add(1, Ordering::Relaxed) + 1, missing.len());
        });
    }

    fn report(self, exhaustive: bool) -> RangeReport {
        let closed = self.board.closed();
        let name = |i: usize| self.board.versions[i].text.clone();
        let with = |verdict: Verdict| -> Vec<String> {
            (0..closed.len()).filter(|i| closed[*i].as_ref().is_some_and(|k| k.verdict == verdict)).map(name).collect()
        };
        let unknown: Vec<UnknownVersion> = (0..closed.len())
            .filter_map(|i| {
                let known = closed[i].as_ref().filter(|k| k.verdict == Verdict::Inconclusive)?;
                let detail = self.reports.get(&i).and_then(|r| r.detail.clone()).unwrap_or_default();
                Some(UnknownVersion { version: name(i), reason: known.reason.clone().unwrap_or_default(), detail })
            })
            .collect();
        let fired = with(Verdict::Fired);
        let target = &self.bundle.manifest().target;
        let traced = self.reports.values().rev().find(|r| r.verdict() == Verdict::Fired && !r.trace.is_empty());
        let mut warnings = Vec::new();
        if fired.is_empty() {
            warnings.push("it fires on no published version".to_owned());
        }
        RangeReport {
            purl: target.package.purl().to_owned(),
            proof: receipt::identity(self.bundle),
            versions_total: self.board.versions.len(),
            versions_run: self.reports.len(),
            versions_from_receipts: self.reports.values().filter(|r| r.from_receipt).count(),
            versions_inferred: closed.iter().flatten().count() - self.reports.len(),
            prereleases_left_out: self.prereleases,
            method: if exhaustive { "exhaustive" } else { "bisect" }.into(),
            affected: intervals::affected(&self.board),
            silent: with(Verdict::Silent),
            inconclusive: unknown.iter().map(|u| u.version.clone()).collect(),
            unknown,
            inferred: (0..closed.len()).filter(|i| self.board.known[*i].is_none()).map(name).collect(),
            borders: intervals::borders(&self.board, BORDER_REPEATS),
            disagreement: intervals::disagreement(&self.board, &target.vulnerable, target.fixed.as_deref()),
            trace: traced.map(|report| report.trace.clone()).unwrap_or_default(),
            fired,
            runtime: self.means.toolchain.label(),
            engine: ENGINE_VERSION.into(),
            receipts: self
                .reports
                .values()
                .filter_map(|report| Some((report.version.clone(), report.receipt.clone()?)))
                .collect(),
            warnings,
        }
    }
}

/// Wall time of all attempts that a run report tells of, in milliseconds.
fn run_ms(report: &RunReport) -> u64 {
    let wall = |attempt: &serde_json::Value| attempt.get("wall_ms").and_then(serde_json::Value::as_u64).unwrap_or(0);
    let repeats: u64 = report.repeats.as_array().map_or(0, |list| list.iter().map(wall).sum());
    repeats + wall(&report.control)
}
