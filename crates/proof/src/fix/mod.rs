//! `verify-fix`: does a candidate patch mend what the proofs show, on every affected release line?
//!
//! The patch is applied to a private copy of each vulnerable version, built, and has to silence every proof while its
//! control passes, leave the target's tests as good as they were, and silence variants of the proof that it was not
//! written for. Must not patch the store, and must not take silence for a fix where the control fails.

pub mod apply;
pub mod matrix;
pub mod patch;
mod tree;

use std::path::Path;

use domain::proof::{Reason, Verdict};
use tempfile::TempDir;

use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Means, Watch};
use crate::range::RangeOptions;
use crate::receipt;
use crate::report::{AttemptReport, RunReport};
use crate::run::{self, Plan, Shown};
use crate::runtime::{Held, PublishedVersion, Ready};
use matrix::{Answer, Cell, FixReport, FixRow};
use patch::Patch;

/// Release lines that one proof is run on: the newest of them.
pub const LINES_COUNT_MAX: usize = 64;

/// How `verify-fix` is called.
#[derive(Debug, Clone, Default)]
pub struct FixOptions {
    /// The versions to patch; the last affected one of each release line and the declared one where empty.
    pub versions: Vec<String>,
    /// Repeats, where not as the bundle says.
    pub repeat: Option<u32>,
}

/// What is verified.
struct Candidate<'a> {
    patch: &'a Patch,
    sha256: Sha256Hex,
}

impl Engine {
    /// Verifies a patch against proofs.
    ///
    /// # Errors
    /// [`EngineError::Patch`] where it is no patch; where a runtime cannot patch; where the machine or the registry
    /// fails. A patch that does not apply or mend is an answer.
    pub fn verify_fix(
        &self,
        bundles: &[Bundle],
        patch: &[u8],
        options: &FixOptions,
        watch: Watch<'_>,
    ) -> Result<FixReport, EngineError> {
        let read = patch::patch_read(patch)?;
        let candidate = Candidate { patch: &read, sha256: Sha256Hex::of(patch) };
        let mut rows = Vec::new();
        let mut warnings = Vec::new();
        for bundle in bundles {
            let toolchain = self.toolchain(bundle, watch.progress)?;
            let means = self.means(bundle, &toolchain);
            self.bundle_keep(bundle)?;
            let versions = self.lines(bundle, means, options, watch, &mut warnings)?;
            let count = versions.len();
            for (n, (line, version)) in versions.into_iter().enumerate() {
                watch.progress.note(&format!("patching {version} ({} of {count})", n + 1));
                let about = Row { bundle, means, candidate: &candidate, options, watch };
                rows.push(self.row(&about, line, version)?);
            }
        }
        let mut grade_reasons: Vec<String> = rows.iter().filter(|row| !row.holds).map(row_reason).collect();
        if rows.is_empty() {
            grade_reasons.push("no version on which a proof fires was found".into());
        }
        let grade = if grade_reasons.is_empty() { "verified" } else { "not-verified" };
        let engine = ENGINE_VERSION.into();
        let patch_sha256 = candidate.sha256;
        Ok(FixReport { grade, grade_reasons, patch_sha256, seed: 0, rows, engine, receipt: None, warnings })
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
        let published = means.runtime.published(bundle)?.versions;
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

    fn row(&self, about: &Row<'_>, line: String, version: String) -> Result<FixRow, EngineError> {
        let Row { bundle, means, candidate, options, watch } = *about;
        let mut row = FixRow::new(receipt::identity(bundle), line, version);
        let repeats = options.repeat.unwrap_or(bundle.manifest().run.repeat);
        let plan = Plan { repeats, control_always: true, trace: true };
        let before = self.version(bundle, means, &row.version, plan, false, watch.cancel)?;
        if let Some(why) = unfit_to_patch(&before) {
            row.applies = Cell::told(Answer::NotReached, why);
            return Ok(row);
        }
        let Some((room, applied)) = self.patched_tree(about, &mut row)? else { return Ok(row) };
        row.applied = Some(applied);
        let tree = room.path().join("tree");
        let ready = match self.ready_patched(about, bundle, &row.version, &tree) {
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
        row.tests = Cell::told(Answer::Nothing, "the bundle says of no tests");
        row.variants = Cell::told(Answer::Nothing, "not asked for");
        Ok(row.settle())
    }

    /// A private copy of the version with the patch in it; `None` where it does not apply.
    fn patched_tree(
        &self,
        about: &Row<'_>,
        row: &mut FixRow,
    ) -> Result<Option<(TempDir, apply::Applied)>, EngineError> {
        let Row { bundle, means, candidate, .. } = *about;
        let step = |source| EngineError::Home { step: "copy package", path: self.home.clone(), source };
        let room = tempfile::tempdir().map_err(step)?;
        let dest = room.path().join("tree");
        let source = means.runtime.tree(bundle, means.toolchain, &row.version)?;
        tree::tree_copy(&source, &dest).map_err(step)?;
        match apply::apply(candidate.patch, &dest) {
            Ok(applied) => {
                row.applies = applies_cell(&applied);
                Ok(Some((room, applied)))
            }
            Err(e) => {
                row.applies = Cell::no(e.to_string());
                Ok(None)
            }
        }
    }

    fn ready_patched(
        &self,
        about: &Row<'_>,
        bundle: &Bundle,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        let means = about.means;
        let mut held = means.runtime.ready_patched(bundle, means.toolchain, version, tree)?;
        // What runs is not what was published: it has a name of its own.
        let text = format!("patched\n{}\n{}", held.value.sha256, about.candidate.sha256);
        held.value.sha256 = Sha256Hex::of(text.as_bytes());
        Ok(held)
    }
}

/// What a row is made of.
#[derive(Clone, Copy)]
struct Row<'a> {
    bundle: &'a Bundle,
    means: Means<'a>,
    candidate: &'a Candidate<'a>,
    options: &'a FixOptions,
    watch: Watch<'a>,
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
