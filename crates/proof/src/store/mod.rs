//! The store of unpacked packages, named by the SHA-256 of their archives and shared read-only by all runs.
//!
//! Safe with several processes at once and after a kill at any instant: everything is made under another name and
//! renamed. Must not change what is in place; what is not in use may be evicted as a whole.

mod evict;
mod share;
mod uses;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::digest::Sha256Hex;
use crate::file;
use crate::sandbox::{Archive, Sandbox, UnpackSpec};
use crate::source::SourceError;

pub use evict::{WEIGH_EVERY_MS, Weight};
pub use uses::Use;

/// The store.
#[derive(Debug)]
pub struct PackageStore {
    root: PathBuf,
    /// One lock for each package being obtained, so that no two threads fetch the same one.
    busy: Mutex<HashMap<PathBuf, Arc<Mutex<()>>>>,
    /// What it may take on disk, in bytes.
    bytes_max: Option<u64>,
    /// When it was last weighed, and what it took then, in bytes.
    weighed: Mutex<Option<(Instant, u64)>>,
}

/// The store in use by a call. When that ends, the store is brought below its bound, where it has one.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    store: &'a PackageStore,
    used: Option<Use>,
    in_passing: bool,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        drop(self.used.take());
        self.store.bound_keep(self.in_passing);
    }
}

/// A package in the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// SHA-256 of the archive.
    pub sha256: Sha256Hex,
    /// Bytes of the archive.
    pub bytes: u64,
}

/// A package that is to be in the store.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Which part of the store: `npm`, `pypi`, ….
    pub ecosystem: &'a str,
    /// Its digest as the registry records it, as a file name: what it is found by.
    pub key: &'a str,
    /// Its name, for messages.
    pub name: &'a str,
    /// Its version, for messages.
    pub version: &'a str,
    /// How it is unpacked; the archive in it does not count.
    pub unpack: UnpackSpec<'a>,
}

impl PackageStore {
    /// The store below `root`, which may take so many bytes on disk beside what is in use; what killed processes left
    /// unfinished is removed.
    #[must_use]
    pub fn new(root: PathBuf, bytes_max: Option<u64>) -> Self {
        let store = Self { root, busy: Mutex::default(), bytes_max, weighed: Mutex::default() };
        if store.root.join("drafts").is_dir()
            && let Err(error) = store.drafts_sweep()
        {
            tracing::warn!(%error, "what killed processes left unfinished in the store stays there for now");
        }
        store
    }

    /// A call that uses the store: what it takes stays until it ends.
    ///
    /// # Errors
    /// [`SourceError::Store`].
    pub(crate) fn call(&self) -> Result<Call<'_>, SourceError> {
        self.use_begin().map(|used| Call { store: self, used: Some(used), in_passing: false })
    }

    /// One step of a call that holds by name what it needs throughout.
    ///
    /// # Errors
    /// [`SourceError::Store`].
    pub(crate) fn step(&self) -> Result<Call<'_>, SourceError> {
        self.use_begin().map(|used| Call { store: self, used: Some(used), in_passing: true })
    }

    /// The rest of a call that takes nothing any more but holds these by name.
    ///
    /// # Errors
    /// [`SourceError::Store`].
    pub(crate) fn call_holding<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<Call<'_>, SourceError> {
        self.hold(paths).map(|used| Call { store: self, used: Some(used), in_passing: false })
    }

    /// A new name for something unfinished, on the same file system as its later place. To be asked for during a use.
    ///
    /// # Errors
    /// [`SourceError::Store`].
    pub fn draft(&self) -> Result<PathBuf, SourceError> {
        let parent = self.root.join("drafts");
        let made = (|| {
            fs::create_dir_all(&parent)?;
            let number = self.number_now()?;
            Ok(parent.join(format!("{number:016x}-{}", file::random_name()?)))
        })();
        made.map_err(|source| SourceError::Store { step: "make a draft in", path: parent, source })
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

    /// Where what was built for runs is.
    #[must_use]
    pub fn builds(&self) -> PathBuf {
        self.root.join("builds")
    }

    /// The unpacked files of a package of this ecosystem's store (`npm`, `pypi`, …).
    #[must_use]
    pub fn folder(&self, ecosystem: &str, sha256: &Sha256Hex) -> PathBuf {
        self.root.join(ecosystem).join(sha256.as_str())
    }

    /// The package that a registry names by this key, if it is here.
    #[must_use]
    pub fn find(&self, ecosystem: &str, key: &str) -> Option<Stored> {
        let stored: Stored = serde_json::from_slice(&fs::read(self.index_path(key)).ok()?).ok()?;
        self.is_here(&self.folder(ecosystem, &stored.sha256)).then_some(stored)
    }

    /// The package, fetched and unpacked in the sandbox if it is not here yet.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn obtain(
        &self,
        wanted: &Wanted<'_>,
        sandbox: &Sandbox,
        fetch: impl FnOnce() -> Result<Vec<u8>, SourceError>,
    ) -> Result<Stored, SourceError> {
        self.obtain_with(wanted.ecosystem, wanted.key, || fetch().and_then(|bytes| self.keep(wanted, &bytes, sandbox)))
    }

    /// The archive as it came, for what unpacks or reads it itself in a box: fetched if it is not here yet.
    ///
    /// # Errors
    /// [`SourceError`].
    pub fn archive_obtain(
        &self,
        ecosystem: &str,
        key: &str,
        fetch: impl FnOnce() -> Result<Vec<u8>, SourceError>,
    ) -> Result<Stored, SourceError> {
        self.obtain_with(ecosystem, key, || fetch().and_then(|bytes| self.archive_keep(ecosystem, key, &bytes)))
    }

    /// Where an archive kept as it came is.
    #[must_use]
    pub fn archive(&self, ecosystem: &str, sha256: &Sha256Hex) -> PathBuf {
        self.folder(ecosystem, sha256).join("archive")
    }

    fn archive_keep(&self, ecosystem: &str, key: &str, bytes: &[u8]) -> Result<Stored, SourceError> {
        let stored = Stored { sha256: Sha256Hex::of(bytes), bytes: bytes.len() as u64 };
        let place = self.folder(ecosystem, &stored.sha256);
        if !self.is_here(&place) {
            let draft = self.draft()?;
            let kept = file::write_whole(&draft.join("archive"), bytes);
            kept.and_then(|()| self.place(&draft, &place)).map_err(|source| SourceError::Store {
                step: "place archive",
                path: place,
                source,
            })?;
        }
        self.index_write(key, &stored)?;
        Ok(stored)
    }

    /// What is here, or what `make` brings; one thread at a time for one key.
    fn obtain_with(
        &self,
        ecosystem: &str,
        key: &str,
        make: impl FnOnce() -> Result<Stored, SourceError>,
    ) -> Result<Stored, SourceError> {
        if let Some(stored) = self.find(ecosystem, key) {
            return Ok(stored);
        }
        let path = self.index_path(key);
        let lock = self.busy.lock().unwrap_or_else(PoisonError::into_inner).entry(path.clone()).or_default().clone();
        let held = lock.lock().unwrap_or_else(PoisonError::into_inner);
        let stored = match self.find(ecosystem, key) {
            Some(stored) => Ok(stored),
            None => make(),
        };
        drop(held);
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).remove(&path);
        stored
    }

    fn keep(&self, wanted: &Wanted<'_>, bytes: &[u8], sandbox: &Sandbox) -> Result<Stored, SourceError> {
        let stored = Stored { sha256: Sha256Hex::of(bytes), bytes: bytes.len() as u64 };
        let place = self.folder(wanted.ecosystem, &stored.sha256);
        if !self.is_here(&place) {
            let draft = self.draft()?;
            let spec = UnpackSpec { archive: Archive::Bytes(bytes), ..wanted.unpack };
            sandbox.unpack(&spec, &draft).map_err(|source| SourceError::Unpack {
                name: wanted.name.to_owned(),
                version: wanted.version.to_owned(),
                source,
            })?;
            self.share(&draft);
            self.place(&draft, &place).map_err(|source| SourceError::Store {
                step: "place package",
                path: place,
                source,
            })?;
        }
        self.index_write(wanted.key, &stored)?;
        Ok(stored)
    }

    fn index_write(&self, key: &str, stored: &Stored) -> Result<(), SourceError> {
        let entry = self.index_path(key);
        let json = serde_json::to_vec(stored).unwrap_or_default();
        file::write_whole(&entry, &json).map_err(|source| SourceError::Store {
            step: "write index entry",
            path: entry,
            source,
        })
    }

    /// What the registry's digest of a package is here: immutable, so it is kept for ever.
    fn index_path(&self, key: &str) -> PathBuf {
        self.root.join("by-integrity").join(key)
    }
}
