//! Source trees in the store: brought by the registry's client, unpacked in a box, named by the digest that names all their
//! files. Must not run anything of them.

use std::fs;
use std::path::PathBuf;

use super::apt::{Apt, SourceRecord};
use super::build::{self, Job};
use super::version::Cut;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::npm::layer::ClosureEntry;
use crate::runtime::Ground;
use crate::sandbox::Mount;
use crate::source::SourceError;

/// The part of the store with Debian's source trees.
const STORE_PART: &str = "deb";
/// Most patches of a series that are read.
pub const PATCHES_COUNT_MAX: usize = 512;
/// Bytes of the list of patches.
const SERIES_BYTES_MAX: u64 = 64 << 10;

/// Upstream's tree with Debian's folder in it, no patch applied.
const SCRIPT: &str = r#"set -eu
cd /in
orig=$(ls *.orig.tar.* | grep -v '\.asc$')
debian=$(ls *.debian.tar.*)
[ "$(echo "$orig" | wc -l)" = 1 ] || { echo "a package of several upstream archives is not read here" >&2; exit 1; }
mkdir /box/in /box/made
tar --no-same-owner -xf "$orig" -C /box/in
set -- /box/in/*
if [ $# = 1 ] && [ -d "$1" ]; then mv "$1" /box/made/source; else mv /box/in /box/made/source; fi
rm -rf /box/made/source/debian
tar --no-same-owner -xf "$debian" -C /box/made/source
"#;

/// A source tree in the store.
#[derive(Debug, Clone)]
pub struct SourceTree {
    /// Where.
    pub folder: PathBuf,
    /// SHA-256 of the control file, which names all others by digest.
    pub sha256: Sha256Hex,
    /// Its patches, in order.
    pub series: Vec<String>,
}

impl SourceTree {
    /// The one with this digest, where it is here.
    #[must_use]
    pub fn find(ground: &Ground, sha256: &Sha256Hex) -> Option<Self> {
        let folder = ground.store.folder(STORE_PART, sha256).join("source");
        ground.store.is_here(&folder).then(|| Self { series: series(&folder), folder, sha256: sha256.clone() })
    }

    /// The patches that are in a tree, as entries of a receipt, each with its digest.
    #[must_use]
    pub fn patches(&self, version: &str, cut: &Cut) -> Vec<ClosureEntry> {
        let is_in = |index: usize| match cut {
            Cut::Whole => true,
            Cut::First(count) => index < *count,
            Cut::Without(number) => index + 1 != *number,
        };
        let entry = |name: &String| {
            let path = format!("debian/patches/{name}");
            let sha256 = Sha256Hex::of(&fs::read(self.folder.join(&path)).unwrap_or_default());
            ClosureEntry { path, name: name.clone(), version: version.to_owned(), sha256 }
        };
        self.series.iter().enumerate().filter(|(index, _)| is_in(*index)).map(|(_, name)| entry(name)).collect()
    }
}

/// Has a version of a Debian source package in the store.
///
/// # Errors
/// Where it is not served, or its archives cannot be unpacked.
pub fn obtain(ground: &Ground, apt: &Apt, name: &str, record: &SourceRecord) -> Result<SourceTree, EngineError> {
    let absent = || SourceError::NoSuchVersion { name: name.to_owned(), version: record.version.clone() };
    let (_, _, sha256) = record.control().ok_or_else(absent)?;
    if let Some(found) = SourceTree::find(ground, sha256) {
        return Ok(found);
    }
    let room = tempfile::tempdir().map_err(|source| EngineError::Home {
        step: "make a folder for",
        path: PathBuf::from(name),
        source,
    })?;
    let archives = room.path().join("in");
    apt.download(name, record, &archives)?;
    let draft = ground.store.draft()?;
    let mounts = vec![Mount { host: archives, at: "/in".into() }];
    let job = Job { script: SCRIPT, files: Vec::new(), mounts, env: Vec::new(), made: "made" };
    let outcome = build::run(&ground.sandbox, &job, &draft)?;
    if !outcome.ok() {
        let why = format!("unpack {name} {}: {}", record.version, build::told(&outcome));
        return Err(SourceError::BadAnswer { url: name.to_owned(), why }.into());
    }
    let place = ground.store.folder(STORE_PART, sha256);
    ground.store.place(&draft, &place).map_err(|source| EngineError::Home {
        step: "keep source",
        path: place,
        source,
    })?;
    SourceTree::find(ground, sha256).ok_or_else(|| EngineError::Source(absent()))
}

/// The patches of a tree, in their order.
fn series(folder: &std::path::Path) -> Vec<String> {
    let path = folder.join("debian/patches/series");
    // A hostile tree may have a link there that leads nowhere or to something else.
    let plain = fs::symlink_metadata(&path).is_ok_and(|about| about.is_file() && about.len() <= SERIES_BYTES_MAX);
    let text = if plain { fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
    let names = text.lines().filter_map(|line| line.split('#').next()?.split_whitespace().next());
    let safe = |name: &&str| !name.starts_with(['/', '-', '.']) && !name.contains("..");
    names.filter(safe).take(PATCHES_COUNT_MAX).map(ToOwned::to_owned).collect()
}
