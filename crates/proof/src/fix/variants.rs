//! Variants of a proof: programs with other literals, or inputs with other bytes, that show the same defect.
//!
//! Nobody says what keeps an oracle's precondition: a variant counts only if it was seen to fire on the vulnerable version,
//! and not on the declared fix or with the package replaced by a stub. Must not count what fires by itself.

use std::collections::BTreeSet;
use std::time::Instant;

use domain::proof::{Reason, Verdict};
use serde::Serialize;

use crate::bundle::Bundle;
use crate::engine::{Engine, EngineError, Means, Watch};
use crate::oracle::Hands;
use crate::run::{self, Plan, Shown};
use crate::runtime::Ready;
use crate::vary::{self, Dice};

/// Variants of one proof when nothing is said.
pub const VARIANTS_COUNT_DEFAULT: usize = 12;
/// Most variants of one proof.
pub const VARIANTS_COUNT_MAX: usize = 100;
/// Rewritten programs that are tried for one that is wanted.
const TRIES_PER_VARIANT_MAX: usize = 8;
/// Time after which no other is tried, in milliseconds: a program that has to be built takes seconds.
const SEARCH_MS_MAX: u128 = 90_000;

/// A rewritten proof that fires on the vulnerable version.
pub(crate) struct Variant {
    pub(crate) change: String,
    pub(crate) bundle: Bundle,
}

/// What looking for variants came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct VariantSearch {
    /// Rewritten programs that were run.
    pub tried: usize,
    /// Of those, how many count.
    pub kept: usize,
    /// How many did not fire on the vulnerable version.
    pub without_effect: usize,
    /// How many fired with the package replaced by a stub, or by the program's own hands.
    pub by_themselves: usize,
    /// How many fired on the declared fix too: what that fix does not mend either, or no variant of this defect.
    pub firing_at_fixed: Vec<String>,
    /// Why there are none, where nothing could tell a variant from a program that fires by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impossible: Option<String>,
}

/// Where variants are tried.
struct Ground<'a> {
    means: Means<'a>,
    vulnerable: Ready,
    fixed: Option<Ready>,
    watch: Watch<'a>,
}

impl Engine {
    /// Looks for variants of a proof, by a seed.
    pub(crate) fn variants(
        &self,
        bundle: &Bundle,
        means: Means<'_>,
        seed: u64,
        wanted: usize,
        watch: Watch<'_>,
    ) -> Result<(Vec<Variant>, VariantSearch), EngineError> {
        let target = &bundle.manifest().target;
        let vulnerable = means.runtime.ready(bundle, means.toolchain, &target.vulnerable)?;
        let fixed = match &target.fixed {
            Some(fixed) => match means.runtime.ready(bundle, means.toolchain, fixed) {
                Ok(ready) => Some(ready),
                Err(e) if e.verdict().is_some() => None,
                Err(e) => return Err(e),
            },
            None => None,
        };
        let mut found = VariantSearch::default();
        let seen = means.row.sees_hands && !bundle.manifest().oracle.kind.is_without_hands();
        if fixed.is_none() && !seen {
            let why = "no version is declared to be fixed, and nobody sees in whose hands the effect is: a rewritten \
                       program could fire by itself";
            found.impossible = Some(why.into());
            return Ok((Vec::new(), found));
        }
        let ground = Ground { means, vulnerable, fixed, watch };
        let mut dice = Dice::new(seed);
        let (mut kept, mut known) = (Vec::new(), BTreeSet::new());
        let began = Instant::now();
        for _ in 0..wanted * TRIES_PER_VARIANT_MAX {
            if kept.len() >= wanted || began.elapsed().as_millis() > SEARCH_MS_MAX {
                break;
            }
            let Some(variant) = rewritten(bundle, &mut dice) else { continue };
            if known.insert(variant.bundle.digest().clone()) {
                found.tried += 1;
                if self.variant_counts(&ground, &variant, &mut found)? {
                    kept.push(variant);
                }
            }
        }
        found.kept = kept.len();
        Ok((kept, found))
    }

    /// Whether it fires on the vulnerable version, and neither on the fix nor by itself.
    fn variant_counts(
        &self,
        ground: &Ground<'_>,
        variant: &Variant,
        found: &mut VariantSearch,
    ) -> Result<bool, EngineError> {
        let (bundle, means) = (&variant.bundle, ground.means);
        let vulnerable = match self.built_for(means, bundle, &ground.vulnerable)? {
            Some(ready) => ready,
            None => {
                found.without_effect += 1;
                return Ok(false);
            }
        };
        let shown = self.variant_shown(bundle, means, &vulnerable, true, ground.watch)?;
        if shown.verdict != Verdict::Fired {
            found.without_effect += 1;
            return Ok(false);
        }
        if shown.hands == Hands::Program {
            found.by_themselves += 1;
            return Ok(false);
        }
        if let Some(fixed) = &ground.fixed
            && let Some(fixed) = self.built_for(means, bundle, fixed)?
            && self.variant_shown(bundle, means, &fixed, false, ground.watch)?.verdict == Verdict::Fired
        {
            found.firing_at_fixed.push(variant.change.clone());
            return Ok(false);
        }
        let stub = means.runtime.stub(bundle, means.toolchain, &vulnerable)?;
        if self.variant_shown(bundle, means, &stub.value, false, ground.watch)?.verdict == Verdict::Fired {
            found.by_themselves += 1;
            return Ok(false);
        }
        Ok(true)
    }

    /// The version for another program; `None` where that program does not build.
    pub(crate) fn built_for(
        &self,
        means: Means<'_>,
        bundle: &Bundle,
        ready: &Ready,
    ) -> Result<Option<Ready>, EngineError> {
        if !means.runtime.builds_programs() {
            return Ok(Some(ready.clone()));
        }
        match means.runtime.ready(bundle, means.toolchain, &ready.version) {
            Ok(ready) => Ok(ready.unbuilt.is_empty().then_some(ready)),
            Err(e) if e.verdict().is_some() => Ok(None),
            Err(e) => Err(e),
        }
    }

    /// One run of a variant.
    pub(crate) fn variant_shown(
        &self,
        bundle: &Bundle,
        means: Means<'_>,
        ready: &Ready,
        trace: bool,
        watch: Watch<'_>,
    ) -> Result<Shown, EngineError> {
        let plan = Plan { repeats: 1, control_always: false, trace };
        run::version_run(&self.stage(bundle, means, ready), plan, watch.cancel)
    }

    /// Runs variants on a patched version; the ones that fire there are what the patch does not mend.
    pub(super) fn variants_run(
        &self,
        variants: &[Variant],
        mut run: impl FnMut(&Bundle) -> Result<Shown, EngineError>,
    ) -> Result<Vec<super::matrix::VariantRun>, EngineError> {
        let mut runs = Vec::with_capacity(variants.len());
        for variant in variants {
            let shown = match run(&variant.bundle) {
                Ok(shown) => shown,
                Err(e) if e.verdict().is_some_and(|unready| unready.reason == Reason::BuildFailed) => continue,
                Err(e) => return Err(e),
            };
            let (change, verdict) = (variant.change.clone(), shown.verdict.as_str().to_owned());
            runs.push(super::matrix::VariantRun { change, verdict });
        }
        Ok(runs)
    }
}

/// The bundle with its program, or one input file that only the program can have, rewritten.
fn rewritten(bundle: &Bundle, dice: &mut Dice) -> Option<Variant> {
    let program = &bundle.manifest().run.program;
    let made = vary::rewrite(program, bundle.files().get(program)?, dice)?;
    let bundle = bundle.with_file(program, made.bytes).ok()?;
    Some(Variant { change: made.change, bundle })
}
