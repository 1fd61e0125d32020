//! `minimise`: a smaller program or input that shows the same: same verdict, in the same hands, with the same stack.
//!
//! Lines, then words (of an input file: bytes) are taken away in halves, quarters and so on as long as the effect stays (delta
//! debugging). Must not accept what shows something else, fires on the fix or fires by itself.

use std::collections::BTreeMap;
use std::time::Instant;

use domain::proof::Verdict;
use serde::Serialize;

use crate::bundle::Bundle;
use crate::digest::Sha256Hex;
use crate::engine::{Engine, EngineError, Means, Watch};
use crate::oracle::Hands;
use crate::receipt;
use crate::report::ProofIdentity;
use crate::run::Shown;
use crate::runtime::Ready;
use crate::trace::TraceFrame;
use crate::vary::Syntax;

/// Smaller programs that are run when nothing is said.
pub const RUNS_COUNT_DEFAULT: usize = 300;
/// Most of them.
pub const RUNS_COUNT_MAX: usize = 10_000;
/// Time after which the smallest so far is the answer, in milliseconds.
const MINIMISE_MS_MAX: u128 = 900_000;

/// The answer of `minimise`.
#[derive(Debug, Clone, Serialize)]
pub struct MinimiseReport {
    /// The proof as it was.
    pub proof: ProofIdentity,
    /// The file that was made smaller.
    pub file: String,
    /// Its bytes before.
    pub bytes_before: usize,
    /// Its bytes after.
    pub bytes_after: usize,
    /// Smaller files that were run.
    pub runs: usize,
    /// Whether it ended because nothing more can be taken away, and not at a bound.
    pub complete: bool,
    /// In whose hands it fires, before and after: the package's name; null where nobody sees it.
    pub hands: Option<String>,
    /// The package's frames at that moment, before and after.
    pub trace: Vec<TraceFrame>,
    /// Digest of the smaller bundle.
    pub digest: Sha256Hex,
    /// The smaller bundle.
    #[serde(skip)]
    pub bundle: Bundle,
}

/// Where smaller programs are tried.
struct Ground<'a> {
    bundle: &'a Bundle,
    means: Means<'a>,
    vulnerable: Ready,
    fixed: Option<Ready>,
    shown: Shown,
    watch: Watch<'a>,
    began: Instant,
    runs: usize,
    runs_max: usize,
    known: BTreeMap<Sha256Hex, bool>,
    cut_short: bool,
}

impl Engine {
    /// Makes the program of a bundle smaller, in at most so many runs.
    ///
    /// # Errors
    /// [`EngineError::Unready`] where the proof does not fire at its vulnerable version; where the machine or the registry
    /// fails.
    pub fn minimise(&self, bundle: &Bundle, runs_max: usize, watch: Watch<'_>) -> Result<MinimiseReport, EngineError> {
        let _call = self.store.call()?;
        let toolchain = self.toolchain(bundle, watch.progress)?;
        let means = self.means(bundle, &toolchain);
        let target = &bundle.manifest().target;
        let vulnerable = means.runtime.ready(bundle, means.toolchain, &target.vulnerable)?;
        let fixed = target.fixed.as_ref().map(|fixed| means.runtime.ready(bundle, means.toolchain, fixed));
        let fixed = match fixed.transpose() {
            Err(e) if e.verdict().is_none() => return Err(e),
            other => other.ok().flatten(),
        };
        let shown = self.variant_shown(bundle, means, &vulnerable, true, watch)?;
        let runs_max = runs_max.min(RUNS_COUNT_MAX);
        let mut ground = Ground {
            bundle,
            means,
            vulnerable,
            fixed,
            shown,
            watch,
            began: Instant::now(),
            runs: 0,
            runs_max,
            known: BTreeMap::new(),
            cut_short: false,
        };
        let file = bundle.manifest().run.program.clone();
        let before = bundle.files().get(&file).cloned().unwrap_or_default();
        if !self.shows_the_same(&mut ground, &before)? {
            return Err(does_not_fire(bundle, &ground.shown));
        }
        let mut smallest = before.clone();
        for split in passes(&file) {
            let pieces = split(&smallest);
            let kept = shrunk(pieces.len(), |kept| {
                let made: Vec<u8> = kept.iter().filter_map(|n| pieces.get(*n)).flatten().copied().collect();
                self.shows_the_same(&mut ground, &made)
            })?;
            smallest = kept.iter().filter_map(|n| pieces.get(*n)).flatten().copied().collect();
            watch.progress.note(&format!("{} of {} bytes after {} runs", smallest.len(), before.len(), ground.runs));
        }
        let small = bundle.with_file(&file, smallest.clone())?;
        Ok(MinimiseReport {
            proof: receipt::identity(bundle),
            file,
            bytes_before: before.len(),
            bytes_after: smallest.len(),
            runs: ground.runs,
            complete: !ground.cut_short,
            hands: receipt::hands_word(&ground.shown.hands),
            trace: ground.shown.trace,
            digest: small.digest().clone(),
            bundle: small,
        })
    }

    /// Whether the program with this content fires as the proof does, is silent on the fix and does not fire by itself.
    fn shows_the_same(&self, ground: &mut Ground<'_>, content: &[u8]) -> Result<bool, EngineError> {
        let file = &ground.bundle.manifest().run.program;
        // What no bundle can be made of shows nothing.
        let Ok(bundle) = ground.bundle.with_file(file, content.to_vec()) else { return Ok(false) };
        if let Some(known) = ground.known.get(bundle.digest()) {
            return Ok(*known);
        }
        if ground.runs >= ground.runs_max || ground.began.elapsed().as_millis() > MINIMISE_MS_MAX {
            ground.cut_short = true;
            return Ok(false);
        }
        ground.runs += 1;
        let same = self.tried(ground, &bundle)?;
        ground.known.insert(bundle.digest().clone(), same);
        Ok(same)
    }

    fn tried(&self, ground: &Ground<'_>, bundle: &Bundle) -> Result<bool, EngineError> {
        let means = ground.means;
        let Some(vulnerable) = self.built_for(means, bundle, &ground.vulnerable)? else { return Ok(false) };
        let shown = self.variant_shown(bundle, means, &vulnerable, true, ground.watch)?;
        let alike = shown.verdict == Verdict::Fired
            && package_of(&shown.hands) == package_of(&ground.shown.hands)
            && shown.trace == ground.shown.trace;
        if !alike {
            return Ok(false);
        }
        if let Some(fixed) = &ground.fixed {
            let Some(fixed) = self.built_for(means, bundle, fixed)? else { return Ok(false) };
            return Ok(self.variant_shown(bundle, means, &fixed, false, ground.watch)?.verdict == Verdict::Silent);
        }
        let stub = means.runtime.stub(bundle, means.toolchain, &vulnerable)?;
        Ok(self.variant_shown(bundle, means, &stub.value, false, ground.watch)?.verdict != Verdict::Fired)
    }
}

/// In whose hands: the package, where one was seen.
fn package_of(hands: &Hands) -> Option<&TraceFrame> {
    match hands {
        Hands::Package(frame) => Some(frame),
        Hands::Program | Hands::Unseen | Hands::NotApplicable => None,
    }
}

fn does_not_fire(bundle: &Bundle, shown: &Shown) -> EngineError {
    let target = &bundle.manifest().target;
    let detail = format!(
        "the proof is to fire at {} and, where a fixed version is declared, be silent there: it is {} at the former{}",
        target.vulnerable,
        shown.verdict,
        shown.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default()
    );
    let reason = domain::proof::Reason::HarnessError;
    EngineError::Unready(crate::runtime::Unready { reason, detail })
}

type Split = fn(&[u8]) -> Vec<Vec<u8>>;

/// What is taken away, coarse before fine; twice where words make lines superfluous.
fn passes(file: &str) -> Vec<Split> {
    match Syntax::of(file) {
        Some(_) => vec![lines_split, words_split, lines_split],
        None => vec![blocks_split, bytes_split],
    }
}

fn lines_split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn words_split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_' || !byte.is_ascii();
    bytes.chunk_by(|a, b| word(a) && word(b)).map(<[u8]>::to_vec).collect()
}

/// So many pieces that halves of halves soon are single bytes.
fn blocks_split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunks((bytes.len() / 64).max(1)).map(<[u8]>::to_vec).collect()
}

fn bytes_split(bytes: &[u8]) -> Vec<Vec<u8>> {
    bytes.chunks((bytes.len() / 4_096).max(1)).map(<[u8]>::to_vec).collect()
}

/// The fewest of `count` pieces for which `keeps` holds: it holds for all of them, and stops holding if any one more goes.
fn shrunk<E>(count: usize, mut keeps: impl FnMut(&[usize]) -> Result<bool, E>) -> Result<Vec<usize>, E> {
    let mut kept: Vec<usize> = (0..count).collect();
    let mut wide = kept.len().div_ceil(2);
    while wide > 0 && !kept.is_empty() {
        let mut at = 0;
        let mut smaller = false;
        while at < kept.len() {
            let end = (at + wide).min(kept.len());
            let without: Vec<usize> = kept[..at].iter().chain(&kept[end..]).copied().collect();
            if !without.is_empty() && keeps(&without)? {
                kept = without;
                smaller = true;
            } else {
                at = end;
            }
        }
        wide = match (wide, smaller) {
            (1, false) => 0,
            (1, true) => 1,
            (wide, _) => wide.div_ceil(2),
        };
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(count: usize, needed: &[usize]) {
        let mut runs = 0;
        let kept = shrunk(count, |kept| {
            runs += 1;
            Ok::<_, ()>(needed.iter().all(|n| kept.contains(n)))
        });
        assert_eq!(kept.unwrap(), needed);
        assert!(runs < 40 + 20 * needed.len(), "{runs}");
    }

    #[test]
    fn what_is_not_needed_goes_and_what_is_stays() {
        check(100, &[17]);
        check(100, &[0, 50, 99]);
        check(1_000, &[3, 4, 5]);
        check(2, &[0, 1]);
        check(1, &[0]);
    }

    #[test]
    fn pieces_put_together_are_the_whole() {
        let text = "const é = require('x');\n\nx.set('a_b.c', 12);".as_bytes();
        for split in [lines_split, words_split, blocks_split, bytes_split] {
            assert_eq!(split(text).concat(), text);
        }
        assert_eq!(words_split(b"a_b.c(12)").len(), 6);
    }
}
