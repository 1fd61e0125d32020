//! Dependency layers: a real `node_modules` of hard links into the store, named by what was resolved, built once.
//!
//! Holds everything a target needs but the target itself, whose place is left as an empty folder to mount it on.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::Sha256Hex;
use crate::source::SourceError;
use crate::store::PackageStore;

/// One package of a closure: what lies where, by content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClosureEntry {
    /// Where, such as `node_modules/a/node_modules/b`.
    pub path: String,
    /// The package.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its tarball.
    pub sha256: Sha256Hex,
}

/// The digest that names a closure: over its sorted entries.
#[must_use]
pub fn closure_digest(entries: &[ClosureEntry]) -> Sha256Hex {
    let mut hash = Sha256::new();
    hash.update(b"proofhouse closure 1\n");
    for entry in entries {
        for text in [&entry.path, &entry.name, &entry.version, &entry.sha256.as_str().to_owned()] {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
    }
    Sha256Hex::from_hash(hash)
}

/// The folder of a layer, built if it is not here yet. Its `node_modules` holds the entries and an empty folder for
/// `target`.
///
/// # Errors
/// [`SourceError::Store`].
pub fn layer_obtain(store: &PackageStore, target: &str, entries: &[ClosureEntry]) -> Result<PathBuf, SourceError> {
    let key = Sha256Hex::of(format!("{}\n{target}", closure_digest(entries)).as_bytes());
    let place = store.layers().join(key.as_str());
    if store.is_here(&place) {
        return Ok(place);
    }
    let draft = store.draft()?;
    let built = (|| {
        fs::create_dir_all(draft.join("node_modules").join(target))?;
        for entry in entries {
            tree_link(&store.folder("npm", &entry.sha256), &draft.join(&entry.path))?;
        }
        store.place(&draft, &place)
    })();
    built.map_err(|source| SourceError::Store { step: "build dependency layer", path: place.clone(), source })?;
    Ok(place)
}

/// Makes a folder whose files are hard links to those of another.
pub(crate) fn tree_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, dest) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            tree_link(&source, &dest)?;
        } else if kind.is_file() {
            // A file may have as many names as the file system allows; past that, or across devices, it is copied.
            if fs::hard_link(&source, &dest).is_err() {
                fs::copy(&source, &dest)?;
            }
        }
    }
    Ok(())
}
