//! The store of unpacked packages, named by the SHA-256 of their tarballs and shared read-only by all runs.
//!
//! Safe with several processes at once and after a kill at any instant: everything is made under another name and
//! renamed. Must not change what is in place.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::NpmError;
use super::packument::VersionDoc;
use super::registry::Registry;
use crate::digest::Sha256Hex;
use crate::file;
use crate::sandbox::{Archive, Duplicates, Format, Sandbox, UnpackLimits, UnpackSpec};

/// Age after which an unfinished folder is taken as left by a killed process, in seconds.
pub const DRAFT_AGE_S_MAX: u64 = 86_400;

/// The store.
#[derive(Debug)]
pub struct PackageStore {
    root: PathBuf,
    /// One lock for each package being obtained, so that no two threads fetch the same one.
    busy: Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>,
}

/// A package in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// SHA-256 of the tarball.
    pub sha256: Sha256Hex,
    /// Bytes of the tarball.
    pub bytes: u64,
}

impl PackageStore {
    /// The store below `root`; what killed processes left unfinished long ago is removed.
    #[must_use]
    pub fn new(root: PathBuf) -> Self {
        let store = Self { root, busy: Mutex::default() };
        store.drafts_sweep();
        store
    }

    /// A new name for something unfinished, on the same file system as its later place.
    ///
    /// # Errors
    /// [`NpmError::Store`].
    pub fn draft(&self) -> Result<PathBuf, NpmError> {
        let parent = self.root.join("drafts");
        file::fresh_path(&parent).map_err(|source| NpmError::Store { step: "make a draft in", path: parent, source })
    }

    /// Where layers of dependencies are.
    #[must_use]
    pub fn layers(&self) -> PathBuf {
        self.root.join("layers")
    }

    /// Where runtimes are.
    #[must_use]
    pub fn runtimes(&self) -> PathBuf {
        self.root.join("runtimes")
    }

    /// The unpacked files of a package.
    #[must_use]
    pub fn folder(&self, sha256: &Sha256Hex) -> PathBuf {
        self.root.join("npm").join(sha256.as_str())
    }

    /// The package, if it is here.
    #[must_use]
    pub fn find(&self, doc: &VersionDoc) -> Option<Stored> {
        let entry = self.index_path(doc)?;
        let stored: Stored = serde_json::from_slice(&fs::read(entry).ok()?).ok()?;
        self.folder(&stored.sha256).is_dir().then_some(stored)
    }

    /// The package, fetched, checked and unpacked in the sandbox if it is not here yet.
    ///
    /// # Errors
    /// [`NpmError`].
    pub fn obtain(
        &self,
        name: &str,
        doc: &VersionDoc,
        registry: &Registry,
        sandbox: &Sandbox,
    ) -> Result<Stored, NpmError> {
        if let Some(stored) = self.find(doc) {
            return Ok(stored);
        }
        let key = self.index_path(doc).unwrap_or_default();
        let lock = self.busy.lock().unwrap_or_else(PoisonError::into_inner).entry(key.clone()).or_default().clone();
        let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = match self.find(doc) {
            Some(stored) => Ok(stored),
            None => self.fetch(name, doc, registry, sandbox),
        };
        drop(held);
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        stored
    }

    fn fetch(&self, name: &str, doc: &VersionDoc, registry: &Registry, sandbox: &Sandbox) -> Result<Stored, NpmError> {
        let bytes = registry.tarball(name, doc)?;
        let stored = Stored { sha256: Sha256Hex::of(&bytes), bytes: bytes.len() as u64 };
        let place = self.folder(&stored.sha256);
        if !place.is_dir() {
            let draft = self.draft()?;
            let version = doc.version.to_string();
            unpack(sandbox, &bytes, &draft).map_err(|source| NpmError::Unpack {
                name: name.to_owned(),
                version,
                source,
            })?;
            file::folder_place(&draft, &place).map_err(|source| NpmError::Store {
                step: "place package",
                path: place,
                source,
            })?;
        }
        if let Some(entry) = self.index_path(doc) {
            let json = serde_json::to_vec(&stored).unwrap_or_default();
            file::write_whole(&entry, &json).map_err(|source| NpmError::Store {
                step: "write index entry",
                path: entry,
                source,
            })?;
        }
        Ok(stored)
    }

    /// What the registry's digest of a tarball is here: immutable, so it is kept for ever.
    fn index_path(&self, doc: &VersionDoc) -> Option<PathBuf> {
        Some(self.root.join("by-integrity").join(doc.integrity.file_name()?))
    }

    fn drafts_sweep(&self) {
        let Ok(drafts) = fs::read_dir(self.root.join("drafts")) else { return };
        let old = |path: &Path| {
            let changed = fs::symlink_metadata(path).and_then(|about| about.modified()).ok();
            changed.and_then(|at| SystemTime::now().duration_since(at).ok())
                > Some(Duration::from_secs(DRAFT_AGE_S_MAX))
        };
        for draft in drafts.flatten().map(|entry| entry.path()).filter(|path| old(path)) {
            let _ = fs::remove_dir_all(draft);
        }
    }
}

fn unpack(sandbox: &Sandbox, tarball: &[u8], dest: &Path) -> Result<(), crate::sandbox::UnpackError> {
    let spec = UnpackSpec {
        archive: Archive::Bytes(tarball),
        format: Format::TarGz,
        strip: true,
        duplicates: Duplicates::LastWins,
        refuse_specials: false,
        limits: UnpackLimits::default(),
    };
    sandbox.unpack(&spec, dest).map(|_| ())
}
