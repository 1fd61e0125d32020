//! `verify-fix`: does a candidate patch mend what the proofs show, on every affected release line?
//!
//! The patch is applied to a private copy of each vulnerable version, built, and has to silence every proof while its
//! control passes, leave the target's tests as good as they were, and silence variants of the proof that it was not
//! written for. Must not patch the store, and must not take silence for a fix where the control fails.

pub mod apply;
pub mod matrix;
pub mod patch;
mod receipt_of_fix;
pub(crate) mod replay;
pub mod stated;
pub(crate) mod tree;
pub mod variants;

use std::path::Path;

use domain::proof::{Reason, Verdict};
use tempfile::TempDir;
use versions::{Scheme, Version};

use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Means, Watch};
use crate::harness::Attempt;
use crate::range::RangeOptions;
use crate::receipt;
use crate::report::{AttemptReport, RunReport};
use crate::run::{self, Plan, Shown};
use crate::runtime::{Held, PublishedVersion, Ready};
use matrix::{Answer, Cell, FixReport, FixRow, VariantRun};
use patch::Patch;
use stated::Asked;
use variants::{VARIANTS_COUNT_DEFAULT, VARIANTS_COUNT_MAX, Variant, VariantSearch};

/// Release lines that one proof is run on: the newest of them.
pub const LINES_COUNT_MAX: usize = 64;

/// How `verify-fix` is called.
#[derive(Debug, Clone, Default)]
pub struct FixOptions {
    /// The versions to patch; the last affected one of each release line and the declared one where empty.
    pub versions: Vec<String>,
    /// Repeats, where not as the bundle says.
    pub repeat: Option<u32>,
    /// Variants of each proof; [`VARIANTS_COUNT_DEFAULT`] where nothing is said, none for 0.
    pub variants: Option<usize>,
    /// What the variants follow from; drawn anew where nothing is said.
    pub seed: Option<u64>,
}

/// One of the patches that are verified.
struct Candidate {
    patch: Patch,
    sha256: Sha256Hex,
}

/// What all rows of one proof share.
#[derive(Clone, Copy)]
struct About<'a> {
    bundle: &'a Bundle,
    means: Means<'a>,
    candidates: &'a [Candidate],
    variants: &'a [Variant],
    search: &'a VariantSearch,
    options: &'a FixOptions,
    watch: Watch<'a>,
}

/// A version with a patch in it, ready to be run.
struct Patched<'a> {
    tree: &'a Path,
    version: &'a str,
    ready: &'a Ready,
}

impl Engine {
    /// Verifies patches against proofs. On each version the first patch that applies is used, so that one fix may bring a
    /// patch for each release line.
    ///
    /// # Errors
    /// [`EngineError::Patch`] where one is no patch; where a runtime cannot patch; where the machine or the registry
    /// fails. A patch that does not apply or mend is an answer.
    pub fn verify_fix(
        &self,
        bundles: &[Bundle],
        patches: &[Vec<u8>],
        options: &FixOptions,
        watch: Watch<'_>,
    ) -> Result<FixReport, EngineError> {
        let report = self.fix_measure(bundles, patches, options, watch)?;
        for (bytes, sha256) in patches.iter().zip(&report.patches_sha256) {
            self.patch_keep(bytes, sha256)?;
        }
        self.fix_receipt_keep(report, &Asked { repeat: options.repeat, variants: variants_wanted(options) })
    }

    /// The same without keeping anything of it.
    fn fix_measure(
        &self,
        bundles: &[Bundle],
        patches: &[Vec<u8>],
        options: &FixOptions,
        watch: Watch<'_>,
    ) -> Result<FixReport, EngineError> {
        let read = |bytes: &Vec<u8>| Ok(Candidate { patch: patch::patch_read(bytes)?, sha256: Sha256Hex::of(bytes) });
        let candidates = patches.iter().map(read).collect::<Result<Vec<_>, EngineError>>()?;
        let seed = match options.seed {
            Some(seed) => seed,
            None => seed_fresh()?,
        };
        let call = self.store.call()?;
        let (mut rows, mut warnings, mut searches) = (Vec::new(), Vec::new(), Vec::new());
        for bundle in bundles {
            let toolchain = self.toolchain(bundle, watch.progress)?;
            let means = self.means(bundle, &toolchain);
            self.bundle_keep(bundle)?;
            let versions = self.lines(bundle, means, options, watch, &mut warnings)?;
            let (variants, search) = match variants_wanted(options) {
                0 => (Vec::new(), VariantSearch::default()),
                wanted => {
                    watch.progress.note("looking for variants of the proof");
                    self.variants(bundle, means, seed, wanted, watch)?
                }
            };
            let (variants, search_of) = (variants.as_slice(), &search);
            let about = About { bundle, means, candidates: &candidates, variants, search: search_of, options, watch };
            for (n, (line, version)) in versions.iter().enumerate() {
                watch.progress.note(&format!("patching {version} ({} of {})", n + 1, versions.len()));
                rows.push(self.row(&about, line.clone(), version.clone())?.settle());
            }
            searches.push(search);
        }
        drop(call);
        let mut grade_reasons: Vec<String> = rows.iter().filter(|row| !row.holds).map(row_reason).collect();
        if rows.is_empty() {
            grade_reasons.push("no version on which a proof fires was found".into());
        }
        Ok(FixReport {
            grade: if grade_reasons.is_empty() { "verified" } else { "not-verified" },
            grade_reasons,
            patches_sha256: candidates.into_iter().map(|candidate| candidate.sha256).collect(),
            seed,
            variants: searches,
            rows,
            engine: ENGINE_VERSION.into(),
            receipt: None,
            warnings,
        })
    }

    /// The versions to patch with their release lines.
    fn lines(
        &self,
        bundle: &Bundle,
        means: Means<'_>,
        options: &FixOptions,
        watch: Watch<'_>,
        warnings: &mut Vec<String>,
    ) -> Result<Vec<(String, String)>, EngineError> {
        let mut published = means.runtime.published(bundle)?.versions;
        lines_named(bundle, &mut published);
        let line_of = |version: &String| {
            let found = published.iter().find(|listed| listed.text == *version);
            found.map(|listed| listed.line.clone()).unwrap_or_default()
        };
        if !options.versions.is_empty() {
            return Ok(options.versions.iter().map(|version| (line_of(version), version.clone())).collect());
        }
        let range = self.range(bundle, RangeOptions::default(), watch)?;
        let declared = &bundle.manifest().target.vulnerable;
        let mut lines = lines_affected(&published, &range.fired, declared);
        if lines.len() > LINES_COUNT_MAX {
            let left_out = lines.len() - LINES_COUNT_MAX;
            warnings.push(format!("{left_out} older release lines were left out; name them with --version"));
            lines.drain(..left_out);
        }
        Ok(lines)
    }

    fn row(&self, about: &About<'_>, line: String, version: String) -> Result<FixRow, EngineError> {
        let About { bundle, means, options, watch, .. } = *about;
        let mut row = FixRow::new(receipt::identity(bundle), line, version);
        let repeats = options.repeat.unwrap_or(bundle.manifest().run.repeat);
        let plan = Plan { repeats, control_always: true, trace: true };
        let before = self.version(bundle, means, &row.version, plan, false, watch.cancel)?;
        if let Some(why) = unfit_to_patch(&before) {
            row.applies = Cell::told(Answer::NotReached, why);
            return Ok(row);
        }
        let Some(room) = self.patched_tree(about, &mut row)? else { return Ok(row) };
        let tree = room.path().join("tree");
        let ready = match means.runtime.ready_patched(bundle, means.toolchain, &row.version, &tree) {
            Ok(ready) => ready,
            Err(e) => {
                let unready = e.verdict().ok_or(e)?;
                row.builds = Cell::no(unready.detail);
                return Ok(row);
            }
        };
        if let Some((file, why)) = ready.value.unbuilt.first() {
            row.builds = Cell::no(format!("{file}: {}", why.detail));
            return Ok(row);
        }
        row.builds = Cell::yes();
        let plan = Plan { trace: false, ..plan };
        let shown = run::version_run(&self.stage(bundle, means, &ready.value), plan, watch.cancel)?;
        (row.silent, row.control) = judged(&shown);
        watch.progress.ran(&row.version, shown.verdict, 1, 1);
        if row.silent.is != Answer::Yes {
            return Ok(row);
        }
        let version = row.version.clone();
        let patched = Patched { tree: &tree, version: &version, ready: &ready.value };
        row.tests = self.tests(about, &patched)?;
        self.variants_cell(about, &patched, &mut row)?;
        Ok(row)
    }

    /// A private copy of the version with the first patch in it that applies; `None` where none does.
    fn patched_tree(&self, about: &About<'_>, row: &mut FixRow) -> Result<Option<TempDir>, EngineError> {
        let step = |source| EngineError::Home { step: "copy package", path: self.home.clone(), source };
        let source = match about.means.runtime.own_files(about.bundle, about.means.toolchain, &row.version) {
            Ok(source) => source,
            Err(e) => {
                row.applies = Cell::no(e.verdict().ok_or(e)?.detail);
                return Ok(None);
            }
        };
        let room = tempfile::tempdir().map_err(step)?;
        let dest = room.path().join("tree");
        tree::tree_copy(&source, &dest).map_err(step)?;
        let mut refusals = Vec::new();
        for candidate in about.candidates {
            // One that does not apply as a whole has changed nothing.
            match apply::apply(&candidate.patch, &dest) {
                Ok(applied) => {
                    row.applies = applies_cell(&applied);
                    row.applied = Some(applied);
                    row.patch_sha256 = Some(candidate.sha256.clone());
                    return Ok(Some(room));
                }
                Err(e) => refusals.push(e.to_string()),
            }
        }
        row.applies = Cell::no(refusals.join("; "));
        Ok(None)
    }

    /// The target's own tests: one that passes without the patch has to pass with it.
    fn tests(&self, about: &About<'_>, patched: &Patched<'_>) -> Result<Cell, EngineError> {
        let tests = &about.bundle.manifest().tests;
        if tests.is_empty() {
            return Ok(Cell::told(Answer::Nothing, "the bundle names no tests"));
        }
        let (mut failing_before, mut broken) = (0, Vec::new());
        for test in tests {
            let bundle = about.bundle.with_control(test);
            let published = about.means.runtime.ready(&bundle, about.means.toolchain, patched.version)?;
            if self.test_failure(about, &bundle, test, &published)?.is_some() {
                failing_before += 1;
                continue;
            }
            let made = self.patched_for(about, &bundle, patched)?;
            let ready = made.as_ref().map_or(patched.ready, |held| &held.value);
            broken.extend(self.test_failure(about, &bundle, test, ready)?.map(|why| format!("{test}: {why}")));
        }
        let passing = tests.len() - failing_before - broken.len();
        let told = format!("{passing} of {} pass, {failing_before} fail with and without the patch", tests.len());
        Ok(match broken.as_slice() {
            [] => Cell::told(Answer::Yes, told),
            _ => Cell::no(format!("the patch breaks {}", broken.join("; "))),
        })
    }

    /// Why a test fails; `None` where it passes.
    fn test_failure(
        &self,
        about: &About<'_>,
        bundle: &Bundle,
        test: &str,
        ready: &Ready,
    ) -> Result<Option<String>, EngineError> {
        if let Some((_, why)) = ready.unbuilt.iter().find(|(name, _)| name == test) {
            return Ok(Some(why.detail.clone()));
        }
        let attempt = Attempt { entry: test.to_owned(), ..Attempt::default() };
        let observed = self.stage(bundle, about.means, ready).attempt(&attempt)?;
        Ok(about.means.runtime.shortfall(&observed, bundle).map(|short| short.detail))
    }

    /// The patched version for another program of the bundle, where programs are built.
    fn patched_for(
        &self,
        about: &About<'_>,
        bundle: &Bundle,
        patched: &Patched<'_>,
    ) -> Result<Option<Held<Ready>>, EngineError> {
        let Means { runtime, toolchain, .. } = about.means;
        let made = || runtime.ready_patched(bundle, toolchain, patched.version, patched.tree);
        runtime.builds_programs().then(made).transpose()
    }

    fn variants_cell(&self, about: &About<'_>, patched: &Patched<'_>, row: &mut FixRow) -> Result<(), EngineError> {
        if about.variants.is_empty() {
            let why = about.search.impossible.clone();
            let why = why.unwrap_or_else(|| format!("none: {} were tried and none counts", about.search.tried));
            row.variants = Cell::told(Answer::Nothing, why);
            return Ok(());
        }
        row.variants_run = self.variants_run(about.variants, |bundle| {
            let made = self.patched_for(about, bundle, patched)?;
            let ready = made.as_ref().map_or(patched.ready, |held| &held.value);
            self.variant_shown(bundle, about.means, ready, false, about.watch)
        })?;
        row.variants = variants_judged(&row.variants_run);
        Ok(())
    }
}

fn variants_wanted(options: &FixOptions) -> usize {
    options.variants.unwrap_or(VARIANTS_COUNT_DEFAULT).min(VARIANTS_COUNT_MAX)
}

/// What variants say of a patched version. Those that show nothing there, such as an input that is refused with a status, say
/// nothing: silence of none is no evidence.
fn variants_judged(runs: &[VariantRun]) -> Cell {
    let with = |verdict: Verdict| runs.iter().filter(move |run| run.verdict == verdict.as_str());
    let (fired, silent) = (with(Verdict::Fired).count(), with(Verdict::Silent).count());
    if let Some(first) = with(Verdict::Fired).next() {
        return Cell::no(format!("{fired} of {} variants still fire, such as: {}", runs.len(), first.change));
    }
    let answer = if silent > 0 { Answer::Yes } else { Answer::Nothing };
    let nothing = runs.len() - silent;
    let rest = if nothing > 0 { format!(", {nothing} show nothing") } else { String::new() };
    Cell::told(answer, format!("{silent} of {} variants silent{rest}", runs.len()))
}

fn seed_fresh() -> Result<u64, EngineError> {
    let mut raw = [0u8; 4];
    let step = |e: getrandom::Error| std::io::Error::other(e.to_string());
    let home = |source| EngineError::Home { step: "draw a seed", path: "random".into(), source };
    getrandom::fill(&mut raw).map_err(step).map_err(home)?;
    // Short enough to be written into a command line, and exact in JSON everywhere.
    Ok(u64::from(u32::from_le_bytes(raw)))
}

/// Gives each version the release line in which its maintainers would bring a fix: `4` of 4.17.20. Narrower lines, in which a
/// range search looks for one border each, get no releases any more once there is a newer one.
fn lines_named(bundle: &Bundle, published: &mut [PublishedVersion]) {
    // A native version is a tree of patches; its line is the source package's version.
    let ecosystem = bundle.manifest().target.package.ecosystem();
    let scheme = Scheme::of_ecosystem(ecosystem.as_str()).filter(|_| bundle.manifest().build.is_none());
    for version in published {
        if let Some(read) = scheme.and_then(|scheme| Version::read(scheme, &version.text).ok()) {
            version.line = read.line();
        }
    }
}

/// The last version of each release line that fires, and the declared one, in the registry's order.
fn lines_affected(published: &[PublishedVersion], fired: &[String], declared: &String) -> Vec<(String, String)> {
    let mut lines: Vec<(String, String)> = Vec::new();
    let affected: Vec<&PublishedVersion> = published.iter().filter(|version| fired.contains(&version.text)).collect();
    for (n, version) in affected.iter().enumerate() {
        let last = !affected[n + 1..].iter().any(|later| later.line == version.line);
        if last || version.text == *declared {
            lines.push((version.line.clone(), version.text.clone()));
        }
    }
    lines
}

/// Why there is nothing to mend at a version; `None` where the proof fires there and its control passes.
fn unfit_to_patch(before: &RunReport) -> Option<String> {
    let version = &before.version;
    if before.verdict() != Verdict::Fired {
        let why = before.detail.as_deref().or(before.reason.as_deref());
        let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
        return Some(format!("without the patch the proof is {} at {version}{why}", before.verdict));
    }
    let control = before.control.get("reason").and_then(|reason| reason.as_str());
    control.map(|reason| format!("the control does not pass at {version} without the patch either: {reason}"))
}

fn applies_cell(applied: &apply::Applied) -> Cell {
    let hunks = || applied.files.iter().flat_map(|file| &file.hunks);
    let (moved, fuzzy) = (hunks().filter(|h| h.offset != 0).count(), hunks().filter(|h| h.fuzz > 0).count());
    let mut told = Vec::new();
    if moved > 0 {
        let most = hunks().map(|hunk| hunk.offset).max_by_key(|offset| offset.abs()).unwrap_or_default();
        told.push(format!("{moved} of {} hunks with an offset of up to {most} lines", hunks().count()));
    }
    if fuzzy > 0 {
        let most = hunks().map(|hunk| hunk.fuzz).max().unwrap_or_default();
        told.push(format!("{fuzzy} of {} hunks with a fuzz of up to {most}", hunks().count()));
    }
    if !applied.left_out.is_empty() {
        told.push(format!("not in the package and left out: {}", applied.left_out.join(", ")));
    }
    if told.is_empty() { Cell::yes() } else { Cell::told(Answer::Yes, told.join("; ")) }
}

/// Whether the proof is silent and the control passes, on a patched version on which both were right before.
fn judged(shown: &Shown) -> (Cell, Cell) {
    let control = match shown.control.as_ref().and_then(|control| control.reason.map(|reason| (reason, control))) {
        Some((reason, control)) => Cell::no(control_broken(reason, control)),
        None => Cell::yes(),
    };
    let fired = shown.repeats.iter().filter(|repeat| repeat.verdict == Verdict::Fired.as_str()).count();
    let silent = match shown.verdict {
        Verdict::Silent => Cell::yes(),
        _ if fired > 0 => Cell::no(format!("it still fires, on {fired} of {} repeats", shown.repeats.len())),
        _ if control.is == Answer::No => Cell::no("it does not fire, and that means nothing: the control fails"),
        _ => {
            let reason = shown.reason.map(Reason::as_str).unwrap_or_default();
            Cell::no(format!("it shows nothing: {reason}: {}", shown.detail.as_deref().unwrap_or_default()))
        }
    };
    (silent, control)
}

fn control_broken(reason: &str, control: &AttemptReport) -> String {
    let detail = control.detail.as_deref().unwrap_or(reason);
    format!("the patch breaks the entry point: the control passes without it and not with it: {detail}")
}

fn row_reason(row: &FixRow) -> String {
    let failed = row.cells().into_iter().find(|(_, cell)| matches!(cell.is, Answer::No | Answer::NotReached));
    let (name, cell) = failed.unwrap_or(("applies", &row.applies));
    let broken = row.control.is == Answer::No;
    // A control that fails says more than the silence that it makes worthless.
    let (name, cell) = if broken { ("control", &row.control) } else { (name, cell) };
    let detail = cell.detail.as_deref().map(|detail| format!(": {detail}")).unwrap_or_default();
    format!("{} at {}: {name} {}{detail}", row.proof.title, row.version, cell.is.as_str())
}
