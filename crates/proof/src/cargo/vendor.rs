//! A folder of crates from which cargo builds without a registry: hard links into the store, made once for each closure.
//!
//! Holds everything a target needs but the target itself. Crates that only other platforms build are there by name and
//! features, empty: cargo wants to know of them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::feature_is_valid;
use super::index::VersionDoc;
use crate::digest::Sha256Hex;
use crate::npm::layer::{ClosureEntry, closure_digest, tree_link};
use crate::source::SourceError;
use crate::store::PackageStore;

/// Where in a closure crates are that are built.
pub const BUILT_FOLDER: &str = "vendor";
/// Where in a closure crates are that stand there by name only.
pub const ELSEWHERE_FOLDER: &str = "elsewhere";
/// The file from which cargo knows that a folder of crates is complete.
const CHECKSUM_FILE: &str = ".cargo-checksum.json";

/// An entry of a closure.
#[must_use]
pub fn entry(folder: &str, doc: &VersionDoc) -> ClosureEntry {
    ClosureEntry {
        path: format!("{folder}/{}-{}", doc.name, doc.version),
        name: doc.name.clone(),
        version: doc.version.to_string(),
        sha256: doc.sha256.clone(),
    }
}

/// The folder of a closure, made if it is not here yet. `elsewhere` are the records of its entries of that kind.
///
/// # Errors
/// [`SourceError::Store`].
pub fn vendor_obtain(
    store: &PackageStore,
    part: &str,
    closure: &[ClosureEntry],
    elsewhere: &[Arc<VersionDoc>],
) -> Result<PathBuf, SourceError> {
    let key = Sha256Hex::of(format!("cargo vendor 1\n{}", closure_digest(closure)).as_bytes());
    let place = store.layers().join(key.as_str());
    if store.is_here(&place) {
        return Ok(place);
    }
    let draft = store.draft()?;
    let made = (|| {
        fs::create_dir_all(&draft)?;
        for entry in closure.iter().filter(|entry| entry.path.starts_with(BUILT_FOLDER)) {
            let folder = draft.join(format!("{}-{}", entry.name, entry.version));
            tree_link(&store.folder(part, &entry.sha256), &folder)?;
            checksum_write(&folder, &entry.sha256)?;
        }
        for doc in elsewhere {
            let folder = draft.join(format!("{}-{}", doc.name, doc.version));
            empty_write(&folder, &doc.name, &doc.version.to_string(), &feature_names(doc))?;
            checksum_write(&folder, &doc.sha256)?;
        }
        store.place(&draft, &place)
    })();
    made.map_err(|source| SourceError::Store { step: "lay out crates", path: place.clone(), source })?;
    Ok(place)
}

/// Every feature a version has, those of optional dependencies included.
#[must_use]
pub fn feature_names(doc: &VersionDoc) -> BTreeSet<String> {
    let optional = doc.dependencies.iter().filter(|dependency| dependency.optional);
    let names = doc.features.keys().cloned().chain(optional.map(|dependency| dependency.alias.clone()));
    names.filter(|name| feature_is_valid(name)).collect()
}

/// Writes a crate with nothing in it: an inert stub.
///
/// # Errors
/// Whatever the disk says.
pub fn empty_write(folder: &Path, name: &str, version: &str, features: &BTreeSet<String>) -> io::Result<()> {
    fs::create_dir_all(folder.join("src"))?;
    let features: String = features.iter().map(|feature| format!("\"{feature}\" = []\n")).collect();
    let manifest = format!(
        "[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n[lib]\npath = \"src/lib.rs\"\n[features]\n{features}"
    );
    fs::write(folder.join("Cargo.toml"), manifest)?;
    fs::write(folder.join("src/lib.rs"), "")
}

/// A file of that name that came with the crate is another name of the store's own: it is taken away, never written to.
fn checksum_write(folder: &Path, sha256: &Sha256Hex) -> io::Result<()> {
    let path = folder.join(CHECKSUM_FILE);
    match fs::remove_file(&path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    fs::write(path, format!(r#"{{"files":{{}},"package":"{sha256}"}}"#))
}
