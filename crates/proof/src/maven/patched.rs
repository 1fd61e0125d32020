//! A patch of an artefact: its published sources, and the changed ones compiled, in a box without network, against the artefact
//! itself. What comes out goes before the artefact on a class path, so that only what changed is another. Must not run what
//! was compiled, nor change what is in the store.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use domain::proof::Reason;

use super::build::{CompilerBox, LIBRARY_FOLDER};
use super::outcome::log_read;
use super::registry::{ArtifactFile, Registry, STORE_PART};
use super::{Coordinates, WORD_BYTES_MAX};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::line;
use crate::runtime::{Ground, Toolchain, Unready};
use crate::sandbox::{
    Archive, BoxOutcome, BoxSpec, Duplicates, FolderOutcome, Format, Mount, UnpackLimits, UnpackSpec,
};
use crate::source::SourceError;

/// The script of a patch's build box.
pub const PATCH_SCRIPT: &str = include_str!("patch.sh");
/// Folders below each other that are looked into.
const DEPTH_MAX: usize = 64;
/// Files that a patch may change.
const CHANGED_FILES_COUNT_MAX: usize = 1_000;

/// The published sources of an artefact, unpacked once and kept.
///
/// # Errors
/// [`EngineError::Unready`] where the repository serves none.
pub fn sources(ground: &Ground, registry: &Registry, of: &Coordinates) -> Result<PathBuf, EngineError> {
    let file = ArtifactFile { classifier: "sources".into(), ..ArtifactFile::jar(of) };
    let stored = registry.obtain(&ground.store, &file).map_err(|e| match e {
        SourceError::NoTarball { status: 404, .. } => {
            let detail = format!("the repository serves no sources of it ({}), so nothing can be patched", file.name());
            EngineError::Unready(Unready { reason: Reason::InstallFailed, detail })
        }
        other => EngineError::from(other),
    })?;
    let place = ground.store.builds().join(format!("jvm-sources-{}", stored.sha256));
    if ground.store.is_here(&place) {
        return Ok(place);
    }
    let draft = ground.store.draft()?;
    let archive = ground.store.archive(STORE_PART, &stored.sha256);
    let named = |source| SourceError::Unpack { name: of.name(), version: of.version.clone(), source };
    let spec = UnpackSpec {
        archive: Archive::File(&archive),
        format: Format::Zip,
        strip: false,
        // Notices of licences are often there twice.
        duplicates: Duplicates::LastWins,
        refuse_specials: true,
        limits: UnpackLimits::default(),
    };
    ground.sandbox.unpack(&spec, &draft).map_err(named)?;
    let home = |source| EngineError::Home { step: "keep sources", path: place.clone(), source };
    ground.store.place(&draft, &place).map_err(home)?;
    Ok(place)
}

/// What is compiled, and against what.
pub struct Changed<'a> {
    /// The sources as they were published.
    pub published: &'a Path,
    /// A changed copy of them.
    pub tree: &'a Path,
    /// The artefact and what it needs, as the box sees them.
    pub class_path: &'a [Mount],
    /// Names the class path.
    pub class_path_digest: Sha256Hex,
}

/// What was compiled.
pub struct Overlay {
    /// Goes before the artefact.
    pub mount: Mount,
    /// Names what is in it.
    pub sha256: Sha256Hex,
}

impl Changed<'_> {
    /// Compiles what changed, or finds what was compiled from the same before.
    ///
    /// # Errors
    /// [`EngineError::Unready`] with `build-failed` where it does not compile or cannot be laid over the artefact.
    pub fn build(&self, ground: &Ground, toolchain: &Toolchain) -> Result<Overlay, EngineError> {
        let files = self.files()?;
        let sha256 = self.key(toolchain, &files);
        let place = ground.store.builds().join(format!("jvm-patched-{sha256}"));
        if !ground.store.is_here(&place) {
            let draft = ground.store.draft()?;
            let outcome = ground.sandbox.run(&self.spec(toolchain, &files, &draft))?;
            judge(&draft, &outcome)?;
            let home = |source| EngineError::Home { step: "keep patched classes", path: place.clone(), source };
            ground.store.place(&draft, &place).map_err(home)?;
        }
        let mount = Mount { host: place.join("classes"), at: format!("{LIBRARY_FOLDER}/000-patched") };
        Ok(Overlay { mount, sha256 })
    }

    /// The files of the tree that are new or other than those published, by their path in it.
    fn files(&self) -> Result<BTreeMap<String, Vec<u8>>, EngineError> {
        let read = |root: &Path| {
            let mut files = BTreeMap::new();
            walk(root, "", DEPTH_MAX, &mut files).map(|()| files).map_err(|source| EngineError::Home {
                step: "read sources",
                path: root.to_owned(),
                source,
            })
        };
        let (published, tree) = (read(self.published)?, read(self.tree)?);
        if let Some(gone) = published.keys().find(|path| !tree.contains_key(*path)) {
            return Err(unbuilt(format!(
                "the patch takes {gone} away; no class can be taken out of a published artefact"
            )));
        }
        let mut changed = BTreeMap::new();
        for (path, at) in tree {
            let home = |source| EngineError::Home { step: "read sources", path: at.clone(), source };
            let bytes = fs::read(&at).map_err(home)?;
            let before = published.get(&path).map(fs::read).transpose().map_err(home)?;
            if before.as_ref() != Some(&bytes) {
                changed.insert(path, bytes);
            }
        }
        match changed.len() {
            0 => Err(unbuilt("the patch changes nothing that is in the artefact's sources".into())),
            count if count > CHANGED_FILES_COUNT_MAX => {
                Err(unbuilt(format!("the patch changes {count} files; at most {CHANGED_FILES_COUNT_MAX} are compiled")))
            }
            _ => Ok(changed),
        }
    }

    fn key(&self, toolchain: &Toolchain, files: &BTreeMap<String, Vec<u8>>) -> Sha256Hex {
        let mut text = format!("jvm patch 1\n{}\n{}\n{PATCH_SCRIPT}\n", toolchain.sha256, self.class_path_digest);
        for (path, bytes) in files {
            text.push_str(&format!("{} {path:?}\n", Sha256Hex::of(bytes)));
        }
        Sha256Hex::of(text.as_bytes())
    }

    fn spec(&self, toolchain: &Toolchain, files: &BTreeMap<String, Vec<u8>>, draft: &Path) -> BoxSpec {
        let is_source = |path: &str| path.ends_with(".java");
        let is_utf8 = files.iter().all(|(path, bytes)| !is_source(path) || std::str::from_utf8(bytes).is_ok());
        let mut placed: Vec<(String, &[u8])> = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            let folder = if is_source(path) { "src" } else { "plain" };
            placed.push((format!("/box/{folder}/{path}"), bytes));
        }
        // Older sources are often in this one; every byte is a letter in it.
        let words = [("ENCODING", if is_utf8 { "UTF-8" } else { "ISO-8859-1" })];
        CompilerBox { script: PATCH_SCRIPT, class_path: self.class_path, words: &words }.spec(toolchain, &placed, draft)
    }
}

fn unbuilt(detail: String) -> EngineError {
    EngineError::Unready(Unready { reason: Reason::BuildFailed, detail })
}

fn judge(draft: &Path, outcome: &BoxOutcome) -> Result<(), EngineError> {
    if let Some(limit) = outcome.limit_hit {
        return Err(unbuilt(format!("compiling the patched sources ended at its {} limit", limit.as_str())));
    }
    if !matches!(outcome.folder, Some(FolderOutcome::Written(_))) {
        return Err(unbuilt(format!("compiling the patched sources ended badly: {}", line(&outcome.stderr.text()))));
    }
    let is_file = |name: &str| fs::symlink_metadata(draft.join(name)).is_ok_and(|about| about.is_file());
    if is_file("compiled") {
        return Ok(());
    }
    let log = log_read(&draft.join("log"));
    let said = log.lines().find(|said| said.contains("compiler.err.")).unwrap_or(log.trim());
    Err(unbuilt(format!("the patched sources do not compile: {}", line(said.trim()))))
}

/// Plain files below a folder, by their path with `/`. Links are not followed, and names that are no text are left out:
/// no source has one.
fn walk(folder: &Path, prefix: &str, depth_left: usize, into: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    let depth_left =
        depth_left.checked_sub(1).ok_or_else(|| io::Error::other(format!("more than {DEPTH_MAX} folders deep")))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| name.len() <= 2 * WORD_BYTES_MAX) else { continue };
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            walk(&entry.path(), &format!("{path}/"), depth_left, into)?;
        } else if kind.is_file() {
            into.insert(path, entry.path());
        }
    }
    Ok(())
}
