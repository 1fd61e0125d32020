//! The machine's own Java Development Kit, named by the digest of everything that compiles and runs. Must not run it:
//! that is done in boxes only.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::Sha256Hex;
use crate::file;
use crate::runtime::Toolchain;
use crate::sandbox::Mount;

/// Where it is in the box.
pub const JDK_FOLDER: &str = "/runtime/jdk";
/// The least Java version that will do.
pub const JAVA_MAJOR_LEAST: u32 = 11;
/// Most files of one that are looked at.
const FILES_COUNT_MAX: usize = 20_000;
/// Bytes read at once.
const CHUNK_BYTES: usize = 1 << 20;
/// What has to be there.
const NEEDED: [&str; 4] = ["bin/java", "bin/javac", "lib/modules", "lib/server/libjvm.so"];
/// Where systems keep them.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/lib/jvm", "/usr/java", "/opt/java"];

/// What was found out about a folder, kept so that its digest is computed once.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Known {
    root: PathBuf,
    modules_bytes: u64,
    modules_ms: u64,
    sha256: Sha256Hex,
}

/// One that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Jdk {
    /// Its folder, without links.
    pub root: PathBuf,
    /// Its version, such as `17.0.15`.
    pub version: String,
}

/// The one of this version, or the first of all that will do: `JAVA_HOME` goes before the path, the path before where
/// systems keep them.
#[must_use]
pub fn find(version: Option<&str>) -> Option<Jdk> {
    let mut roots: Vec<PathBuf> = env::var_os("JAVA_HOME").map(PathBuf::from).into_iter().collect();
    let paths = env::var_os("PATH").unwrap_or_default();
    let compilers = env::split_paths(&paths).filter_map(|folder| folder.join("javac").canonicalize().ok());
    roots.extend(compilers.filter_map(|javac| Some(javac.parent()?.parent()?.to_owned())));
    for folder in SYSTEM_FOLDERS {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        let mut below: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        below.sort();
        roots.extend(below);
    }
    roots.into_iter().filter_map(|root| jdk_read(&root)).find(|jdk| match version {
        Some(version) => jdk.version == version,
        None => major(&jdk.version) >= JAVA_MAJOR_LEAST,
    })
}

fn jdk_read(root: &Path) -> Option<Jdk> {
    let root = root.canonicalize().ok()?;
    if !NEEDED.iter().all(|part| root.join(part).is_file()) {
        return None;
    }
    let release = fs::read_to_string(root.join("release")).ok()?;
    let version = release.lines().find_map(|line| line.strip_prefix("JAVA_VERSION="))?.trim().trim_matches('"');
    Some(Jdk { version: version.to_owned(), root })
}

fn major(version: &str) -> u32 {
    version.split(['.', '-', '+']).next().and_then(|word| word.parse().ok()).unwrap_or(0)
}

/// It as a toolchain, with its digest, which is kept below `kept`.
///
/// # Errors
/// Whatever the disk says.
pub fn toolchain(jdk: Jdk, kept: &Path) -> io::Result<Toolchain> {
    let Jdk { root, version } = jdk;
    let modules = fs::metadata(root.join("lib/modules"))?;
    let changed = modules.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let (modules_bytes, modules_ms) = (modules.len(), u64::try_from(changed.as_millis()).unwrap_or(0));
    let note = kept.join(format!("jdk-{}.json", Sha256Hex::of(root.as_os_str().as_encoded_bytes())));
    let known: Option<Known> = fs::read(&note).ok().and_then(|raw| serde_json::from_slice(&raw).ok());
    let fits =
        |known: &Known| known.root == root && known.modules_bytes == modules_bytes && known.modules_ms == modules_ms;
    let sha256 = match known.filter(fits) {
        Some(known) => known.sha256,
        None => {
            let sha256 = digest(&root)?;
            let known = Known { root: root.clone(), modules_bytes, modules_ms, sha256: sha256.clone() };
            file::write_whole(&note, &serde_json::to_vec(&known)?)?;
            sha256
        }
    };
    let mut mounts = vec![Mount { host: root.clone(), at: JDK_FOLDER.into() }];
    // Debian keeps what may be configured elsewhere and links to it: a link is of use where it leads somewhere.
    for folder in linked_folders(&root)? {
        let at = folder.to_string_lossy().into_owned();
        mounts.push(Mount { host: folder, at });
    }
    Ok(Toolchain { name: "java".into(), version, sha256, mounts, root })
}

/// Everything that compiles and runs, by content: programs, libraries, classes and what configures them.
fn digest(root: &Path) -> io::Result<Sha256Hex> {
    let mut listing = String::new();
    for path in files_of(root)? {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        if path.is_file() {
            listing.push_str(&format!("{name} {}\n", file_digest(&path)?));
        }
    }
    Ok(Sha256Hex::of(listing.as_bytes()))
}

fn file_digest(path: &Path) -> io::Result<Sha256Hex> {
    use std::io::Read as _;
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut chunk = vec![0u8; CHUNK_BYTES];
    loop {
        let count = file.read(&mut chunk)?;
        if count == 0 {
            return Ok(Sha256Hex::from_hash(hash));
        }
        hash.update(&chunk[..count]);
    }
}

/// Files and links below `bin`, `conf` and `lib`, in order. Sources say nothing about what runs, nor do the certificates of a
/// machine where there is no network.
fn files_of(root: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting: Vec<PathBuf> = ["bin", "conf", "lib"].iter().map(|part| root.join(part)).collect();
    while let Some(folder) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                waiting.push(entry.path());
            } else if !["src.zip", "cacerts"].iter().any(|name| entry.file_name() == *name) {
                found.push(entry.path());
            }
            if found.len() + waiting.len() > FILES_COUNT_MAX {
                return Err(io::Error::other("a development kit with too many files"));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Folders of `/etc` that links lead into and that are its own by their names.
fn linked_folders(root: &Path) -> io::Result<BTreeSet<PathBuf>> {
    let etc = Path::new("/etc");
    let targets = files_of(root)?.into_iter().filter_map(|path| fs::read_link(path).ok());
    let folder = |target: PathBuf| Some(etc.join(target.strip_prefix(etc).ok()?.components().next()?));
    let is_own = |folder: &PathBuf| folder.to_string_lossy().starts_with("/etc/java-") && folder.is_dir();
    Ok(targets.filter_map(folder).filter(is_own).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors_are_read() {
        for (version, wanted) in [("17.0.15", 17), ("25", 25), ("11-ea", 11), ("1.8.0", 1), ("x", 0)] {
            assert_eq!(major(version), wanted, "{version}");
        }
    }
}
