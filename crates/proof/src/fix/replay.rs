//! `verify` of a statement about a fix: the same patches, versions, repeats and seed once more, and is every cell the same? Must
//! not take other patches or bundles than the statement names.

use std::fs::{self, File};
use std::io::Read as _;

use super::patch::PATCH_BYTES_MAX;
use super::stated::{Predicate, StatedFix};
use super::{FixOptions, FixReport};
use crate::digest::Sha256Hex;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Watch};
use crate::file;
use crate::replay::{VerifyOptions, VerifyReport};

impl Engine {
    /// Keeps a patch by its digest, for a replay.
    pub(super) fn patch_keep(&self, bytes: &[u8], sha256: &Sha256Hex) -> Result<(), EngineError> {
        let path = self.home.join("patches").join(sha256.as_str());
        if self.without_bundles || path.is_file() {
            return Ok(());
        }
        file::write_whole(&path, bytes).map_err(|source| EngineError::Home { step: "keep patch", path, source })
    }

    fn patch_kept(&self, sha256: &Sha256Hex, given: &[Vec<u8>]) -> Result<Vec<u8>, EngineError> {
        if let Some(found) = given.iter().find(|bytes| Sha256Hex::of(bytes) == *sha256) {
            return Ok(found.clone());
        }
        let path = self.home.join("patches").join(sha256.as_str());
        let mut bytes = Vec::new();
        let read = File::open(&path).and_then(|file| file.take(PATCH_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
        match read {
            Ok(_) if Sha256Hex::of(&bytes) == *sha256 => Ok(bytes),
            // What does not have its digest is of no use to anybody.
            Ok(_) => {
                let _ = fs::remove_file(&path);
                Err(EngineError::PatchUnknown(sha256.clone()))
            }
            Err(_) => Err(EngineError::PatchUnknown(sha256.clone())),
        }
    }

    /// Measures a fix again and compares every cell.
    pub(crate) fn fix_replay(
        &self,
        statement: &Predicate,
        options: &VerifyOptions,
        report: &mut VerifyReport,
        watch: Watch<'_>,
    ) -> Result<(), EngineError> {
        let Predicate { asked, fix } = statement;
        report.signature_valid = true;
        report.purl = fix.rows.first().map(|row| row.proof.purl.clone());
        report.version = fix.rows.first().map(|row| row.version.clone());
        report.stated = Some(fix.grade.clone());
        if options.no_replay {
            report.verified = true;
            return Ok(());
        }
        if fix.engine != ENGINE_VERSION {
            report.warnings.push(format!("made by engine {}, replayed by another ({ENGINE_VERSION})", fix.engine));
        }
        let patches: Vec<Vec<u8>> = fix
            .patches_sha256
            .iter()
            .map(|sha256| self.patch_kept(sha256, &options.patches))
            .collect::<Result<_, _>>()?;
        let mut versions: Vec<(Sha256Hex, Vec<String>)> = Vec::new();
        for row in &fix.rows {
            match versions.iter_mut().find(|(digest, _)| *digest == row.proof.digest) {
                Some((_, versions)) => versions.push(row.version.clone()),
                None => versions.push((row.proof.digest.clone(), vec![row.version.clone()])),
            }
        }
        let mut differs = Vec::new();
        let mut grades = Vec::new();
        for (digest, versions) in versions {
            let given = options.bundles.iter().find(|bundle| *bundle.digest() == digest);
            let bundle = given.cloned().map_or_else(|| self.bundle_kept(&digest), Ok)?;
            let how =
                FixOptions { versions, repeat: asked.repeat, variants: Some(asked.variants), seed: Some(fix.seed) };
            let again = self.fix_measure(&[bundle], &patches, &how, watch)?;
            grades.push(again.grade);
            compare(fix, &digest, &again, &mut differs);
        }
        let verified = grades.iter().all(|grade| *grade == "verified") && !grades.is_empty();
        report.replayed = Some(if verified { "verified" } else { "not-verified" }.to_owned());
        report.same_observation = Some(differs.is_empty());
        report.verified = differs.is_empty() && report.replayed == report.stated;
        report.warnings.extend(differs);
        Ok(())
    }
}

/// Says which cells are others now.
fn compare(fix: &StatedFix, digest: &Sha256Hex, again: &FixReport, differs: &mut Vec<String>) {
    for row in &again.rows {
        let stated = fix.rows.iter().find(|stated| stated.proof.digest == *digest && stated.version == row.version);
        let Some(stated) = stated else { continue };
        for ((name, cell), (_, before)) in row.cells().into_iter().zip(stated.cells()) {
            let before = before.is.as_str();
            if before != cell.is.as_str() {
                let why = cell.detail.as_deref().map(|why| format!(": {why}")).unwrap_or_default();
                differs.push(format!("{}: {name} was {before} and is {} now{why}", row.version, cell.is.as_str()));
            }
        }
    }
}
