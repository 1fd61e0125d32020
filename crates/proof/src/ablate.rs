//! `ablate`: which patch of a series is the fix? The whole tree is silent; with one patch taken back it fires again.
//!
//! Ties a proof to a change more tightly than a border between two trees does. Must not guess: a patch that cannot be
//! taken back alone is told as such.

use domain::proof::Verdict;
use serde::Serialize;

use crate::bundle::Bundle;
use crate::engine::{Engine, EngineError, Watch};
use crate::receipt;
use crate::report::{ProofIdentity, RunReport};
use crate::run::Plan;

/// A tree with one patch taken back.
#[derive(Debug, Clone, Serialize)]
pub struct AblatedPatch {
    /// The patch.
    pub patch: String,
    /// What the tree without it showed.
    pub run: RunReport,
}

/// The answer of `ablate`.
#[derive(Debug, Clone, Serialize)]
pub struct AblateReport {
    /// The proof.
    pub proof: ProofIdentity,
    /// The whole tree's run.
    pub whole: RunReport,
    /// One tree for each patch, in the order of the series.
    pub patches: Vec<AblatedPatch>,
    /// The patches without which the proof fires, where the whole tree is silent.
    pub needed: Vec<String>,
}

impl Engine {
    /// Takes each patch of a version back alone and runs the proof; `version` is the declared fix where not given.
    ///
    /// # Errors
    /// Where the runtime has no patches, the bundle declares no fix, or the machine or the archive fails.
    pub fn ablate(
        &self,
        bundle: &Bundle,
        version: Option<&str>,
        watch: Watch<'_>,
    ) -> Result<AblateReport, EngineError> {
        let manifest = bundle.manifest();
        let version =
            version.unwrap_or_else(|| manifest.target.fixed.as_deref().unwrap_or(&manifest.target.vulnerable));
        let _call = self.store.call()?;
        let toolchain = self.toolchain(bundle, watch.progress)?;
        let means = self.means(bundle, &toolchain);
        let trees = means.runtime.ablations(bundle, version)?;
        self.bundle_keep(bundle)?;
        let plan = Plan { repeats: manifest.run.repeat, control_always: true, trace: true };
        let whole = self.version(bundle, means, version, plan, false, watch.cancel)?;
        let mut patches = Vec::with_capacity(trees.len());
        for (patch, tree) in &trees {
            let run = self.version(bundle, means, tree, plan, false, watch.cancel)?;
            watch.progress.ran(&run.version, run.verdict(), patches.len() + 1, trees.len());
            patches.push(AblatedPatch { patch: patch.clone(), run });
        }
        let silent = whole.verdict() == Verdict::Silent;
        let fired = patches.iter().filter(|tree| silent && tree.run.verdict() == Verdict::Fired);
        let needed = fired.map(|tree| tree.patch.clone()).collect();
        Ok(AblateReport { proof: receipt::identity(bundle), whole, patches, needed })
    }
}
