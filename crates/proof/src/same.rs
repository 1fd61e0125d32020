//! `same`: do two proofs show one defect?
//!
//! The evidence is measured: where both fall silent on published versions, whether one patch silences both, and the package's
//! frames at the moment each fires. The rule is crate `triage`'s, the same by which findings join a case. Must not answer no
//! where nothing speaks against it.

use std::collections::BTreeMap;

use domain::package::Package;
use serde::Serialize;
use triage::{Border, Evidence, Fact, Frame, Line, Measured, Verdict, same_defect};
use versions::{Scheme, Version};

use crate::bundle::Bundle;
use crate::engine::{Engine, EngineError, Watch};
use crate::fix::FixOptions;
use crate::fix::matrix::{Answer, FixRow};
use crate::range::RangeOptions;
use crate::receipt;
use crate::report::{ProofIdentity, RangeReport};

/// Whether two proofs show one defect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sameness {
    /// They do.
    Yes,
    /// They do not.
    No,
    /// The evidence does not say.
    Unsure,
}

impl Sameness {
    /// The word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Unsure => "unsure",
        }
    }
}

/// One thing the answer rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SameEvidence {
    /// A stable word, such as `same-border`.
    pub fact: &'static str,
    /// A sentence.
    pub text: String,
}

/// The answer of `same`.
#[derive(Debug, Clone, Serialize)]
pub struct SameReport {
    /// The answer.
    pub same: Sameness,
    /// What it rests on, strongest first; never empty.
    pub evidence: Vec<SameEvidence>,
    /// The two proofs.
    pub proofs: [ProofIdentity; 2],
    /// The package's frames at the moment each fires, innermost first.
    pub frames: [Vec<String>; 2],
    /// What each patch did to each proof, such as `silences`, `fires despite it`, `does not apply`.
    pub patches: Vec<[String; 2]>,
}

impl Engine {
    /// Compares two proofs.
    ///
    /// # Errors
    /// As [`Engine::range`] and [`Engine::verify_fix`].
    pub fn same(
        &self,
        bundles: &[Bundle; 2],
        patches: &[Vec<u8>],
        watch: Watch<'_>,
    ) -> Result<SameReport, EngineError> {
        let _call = self.store.call()?;
        let mut evidence = [Evidence::default(), Evidence::default()];
        for (bundle, evidence) in bundles.iter().zip(&mut evidence) {
            // Proofs of different packages are two without any run.
            if bundles[0].manifest().target.package == bundles[1].manifest().target.package {
                let range = self.range(bundle, RangeOptions::default(), watch)?;
                *evidence = evidence_of(bundle, &range);
            } else {
                evidence.package = bundle.manifest().target.package.purl().to_owned();
            }
        }
        let mut tried = Vec::new();
        if evidence[0].package == evidence[1].package {
            for (n, patch) in patches.iter().enumerate() {
                let name = format!("patch {}", n + 1);
                let effects = self.patch_tried(bundles, patch, watch)?;
                for (effect, evidence) in effects.iter().zip(&mut evidence) {
                    match effect {
                        Effect::Silences => evidence.silenced_by.push(name.clone()),
                        Effect::FiresDespite => evidence.fires_despite.push(name.clone()),
                        Effect::Nothing(_) => {}
                    }
                }
                tried.push(effects.map(|effect| effect.told()));
            }
        }
        let decision = same_defect(&evidence[0], &evidence[1]);
        let against = |fact: Fact| {
            matches!(
                fact,
                Fact::OtherPackage | Fact::OtherBorder | Fact::OneFires | Fact::FixSplits | Fact::OtherFrames
            )
        };
        let same = match decision.verdict {
            Verdict::Join => Sameness::Yes,
            Verdict::Separate if decision.reasons.iter().any(|reason| against(reason.fact)) => Sameness::No,
            Verdict::Separate | Verdict::Propose => Sameness::Unsure,
        };
        let told = decision.reasons.into_iter();
        let frames = evidence
            .map(|one| one.frames.iter().map(|frame| format!("{}:{}", frame.file, frame.function)).collect::<Vec<_>>());
        Ok(SameReport {
            same,
            evidence: told.map(|reason| SameEvidence { fact: reason.fact.as_str(), text: reason.text }).collect(),
            proofs: [receipt::identity(&bundles[0]), receipt::identity(&bundles[1])],
            frames,
            patches: tried,
        })
    }

    /// What one patch does to both proofs, at the versions that they are declared to fire on.
    fn patch_tried(&self, bundles: &[Bundle; 2], patch: &[u8], watch: Watch<'_>) -> Result<[Effect; 2], EngineError> {
        let mut versions: Vec<String> = bundles.iter().map(|b| b.manifest().target.vulnerable.clone()).collect();
        versions.dedup();
        let options = FixOptions { versions, repeat: None, variants: Some(0), seed: Some(0) };
        let report = self.verify_fix(bundles, &[patch.to_vec()], &options, watch)?;
        Ok(bundles.each_ref().map(|bundle| {
            let rows: Vec<&FixRow> = report.rows.iter().filter(|row| row.proof.digest == *bundle.digest()).collect();
            effect(&rows)
        }))
    }
}

/// What a patch does to a proof.
enum Effect {
    Silences,
    FiresDespite,
    Nothing(String),
}

impl Effect {
    fn told(&self) -> String {
        match self {
            Self::Silences => "silences".into(),
            Self::FiresDespite => "fires despite it".into(),
            Self::Nothing(why) => why.clone(),
        }
    }
}

fn effect(rows: &[&FixRow]) -> Effect {
    let ran = |row: &&&FixRow| row.applies.is == Answer::Yes && row.control.is == Answer::Yes;
    if rows.iter().filter(ran).any(|row| row.silent.is == Answer::No) {
        return Effect::FiresDespite;
    }
    if rows.iter().filter(ran).any(|row| row.silent.is == Answer::Yes) {
        return Effect::Silences;
    }
    let cells = rows.iter().flat_map(|row| row.cells());
    let why = cells.filter(|(_, cell)| cell.is != Answer::Yes).find_map(|(_, cell)| cell.detail.clone());
    Effect::Nothing(why.unwrap_or_else(|| "it could not be tried".into()))
}

fn evidence_of(bundle: &Bundle, range: &RangeReport) -> Evidence {
    let package = &bundle.manifest().target.package;
    // Frames of dependencies say where the package calls, not where its defect is.
    let own = range.trace.iter().filter(|frame| frame.package == package.name());
    let inconclusive: Vec<&str> = range.inconclusive.iter().map(String::as_str).collect();
    Evidence {
        report: bundle.digest().to_string(),
        package: package.purl().to_owned(),
        oracle: bundle.manifest().oracle.kind.as_str().to_owned(),
        lines: release_lines(package, &range.fired, &range.silent, &inconclusive),
        declared_fix: bundle.manifest().target.fixed.clone(),
        frames: own.map(|frame| Frame { file: frame.file.clone(), function: frame.function.clone() }).collect(),
        ..Evidence::default()
    }
}

/// Each release line of a package with the place where a proof falls silent in it; versions in any order.
#[must_use]
pub fn release_lines(package: &Package, fired: &[String], silent: &[String], inconclusive: &[&str]) -> Vec<Line> {
    let Some(scheme) = Scheme::of_ecosystem(package.ecosystem().as_str()) else { return Vec::new() };
    let fired = fired.iter().map(|version| (version.as_str(), Measured::Fired));
    let silent = silent.iter().map(|version| (version.as_str(), Measured::Silent));
    let unknown = inconclusive.iter().map(|version| (*version, Measured::Unknown));
    let mut lines: BTreeMap<String, Vec<(Version, String, Measured)>> = BTreeMap::new();
    for (text, measured) in fired.chain(silent).chain(unknown) {
        // The engine only runs versions it can read.
        if let Ok(version) = Version::read(scheme, text) {
            lines.entry(version.line()).or_default().push((version, text.to_owned(), measured));
        }
    }
    let border = |mut verdicts: Vec<(Version, String, Measured)>| {
        verdicts.sort_by(|a, b| a.0.cmp(&b.0));
        let named: Vec<(String, Measured)> = verdicts.into_iter().map(|(_, version, m)| (version, m)).collect();
        Border::of_verdicts(&named)
    };
    lines.into_iter().filter_map(|(name, verdicts)| Some(Line { name, border: border(verdicts)? })).collect()
}
