//! The Go toolchain: the host's where it is the very version wanted, else a module of the proxy. Known by a digest over what compiles and links, which is the
//! same for the same release wherever it came from.
//!
//! Must not run it: that is done in boxes only.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::digest::Sha256Hex;
use crate::file;
use crate::runtime::Toolchain;
use crate::sandbox::{Archive, Duplicates, Format, UnpackLimits, UnpackSpec};
use crate::store::PackageStore;

/// The Go version that builds proofs when a bundle names none.
pub const GO_VERSION_DEFAULT: &str = "1.26.8";
/// The module in which toolchains come.
pub const MODULE: &str = "golang.org/toolchain";
/// Most files of a toolchain that are looked at.
pub const FILES_COUNT_MAX: usize = 40_000;
/// Folders below each other of a toolchain that are entered.
const DEPTH_MAX: usize = 24;

/// What was found out about a toolchain's folder, kept so that its digest is computed once.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
struct Known {
    root: PathBuf,
    compiler_bytes: u64,
    compiler_ms: u64,
    sha256: Sha256Hex,
}

/// The version of [`MODULE`] with this Go version for this processor.
#[must_use]
pub fn module_version(version: &str) -> String {
    format!("v0.0.1-go{version}.linux-{}", processor())
}

/// How its archive is unpacked: it has one folder `golang.org`, and everything two folders further down.
#[must_use]
pub fn unpacking(archive: &Path) -> UnpackSpec<'_> {
    UnpackSpec {
        archive: Archive::File(archive),
        format: Format::Zip,
        strip: false,
        duplicates: Duplicates::Refuse,
        refuse_specials: true,
        limits: UnpackLimits::default(),
    }
}

/// Compares what was unpacked with the sum database's word, and moves it into place with what an archive cannot hold: files
/// that can be run, and files named `go.mod`.
///
/// # Errors
/// Whatever the disk says, and where it is not what the sum database knows.
pub fn settle(
    store: &PackageStore,
    draft: &Path,
    (version, sums): (&str, Option<&str>),
    place: &Path,
) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    let inside = format!("{MODULE}@{version}");
    let root = draft.join(&inside);
    let files = files_below(&root, &|_, _| true)?;
    let mut listing: Vec<(String, Sha256Hex)> = Vec::with_capacity(files.len());
    for path in &files {
        let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy().into_owned();
        listing.push((format!("{inside}/{name}"), Sha256Hex::of(&fs::read(path)?)));
    }
    listing.sort();
    let text: String = listing.iter().map(|(name, sha256)| format!("{sha256}  {name}\n")).collect();
    let found = format!("h1:{}", STANDARD.encode(Sha256::digest(text.as_bytes())));
    let wanted = sums.and_then(|sums| sums.lines().find(|line| !line.contains("/go.mod "))?.rsplit(' ').next());
    if wanted.is_some_and(|wanted| wanted != found) {
        return Err(io::Error::other(format!("the archive's hash is {found}, the sum database says otherwise")));
    }
    for path in files {
        let name = path.file_name().unwrap_or_default();
        if name == "_go.mod" {
            fs::rename(&path, path.with_file_name("go.mod"))?;
        } else if path.starts_with(root.join("bin")) || path.starts_with(root.join("pkg/tool")) {
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755))?;
        }
    }
    store.place(&root, place)?;
    fs::remove_dir_all(draft)
}

fn processor() -> &'static str {
    match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

/// The folder of the host's own `go` of exactly this version, whole in one place.
#[must_use]
pub fn host_root(version: &str) -> Option<PathBuf> {
    let paths = env::var_os("PATH")?;
    let standard = [PathBuf::from("/usr/local/go/bin")];
    env::split_paths(&paths).chain(standard).find_map(|folder| {
        let program = folder.join("go").canonicalize().ok()?;
        let root = program.parent()?.parent()?.to_owned();
        // Some systems spread it over several folders with links; a box would not find them.
        let whole =
            ["src", "pkg"].iter().all(|part| fs::symlink_metadata(root.join(part)).is_ok_and(|about| about.is_dir()));
        (whole && version_of(&root).as_deref() == Some(version)).then_some(root)
    })
}

/// The version that a toolchain's folder says it is.
#[must_use]
pub fn version_of(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join("VERSION")).ok()?;
    Some(text.lines().next()?.strip_prefix("go")?.trim().to_owned())
}

/// A toolchain in a folder, with its digest, which is kept below `kept`.
///
/// # Errors
/// Whatever the disk says.
pub fn toolchain_read(root: &Path, version: &str, kept: &Path) -> io::Result<Toolchain> {
    let compiler = fs::metadata(tools(root).join("compile"))?;
    let changed = compiler.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let (compiler_bytes, compiler_ms) = (compiler.len(), u64::try_from(changed.as_millis()).unwrap_or(0));
    let note = kept.join(format!("go-{}.json", Sha256Hex::of(root.as_os_str().as_encoded_bytes())));
    let known: Option<Known> = fs::read(&note).ok().and_then(|raw| serde_json::from_slice(&raw).ok());
    let fits = |known: &Known| {
        known.root == root && known.compiler_bytes == compiler_bytes && known.compiler_ms == compiler_ms
    };
    let sha256 = match known.filter(fits) {
        Some(known) => known.sha256,
        None => {
            let sha256 = digest(root)?;
            let known = Known { root: root.to_owned(), compiler_bytes, compiler_ms, sha256: sha256.clone() };
            file::write_whole(&note, &serde_json::to_vec(&known)?)?;
            sha256
        }
    };
    // A program that was built needs nothing of it.
    Ok(Toolchain { name: "go".into(), version: version.into(), sha256, mounts: Vec::new(), root: root.to_owned() })
}

/// Where the compiler and the linker are.
#[must_use]
pub fn tools(root: &Path) -> PathBuf {
    root.join(format!("pkg/tool/linux_{}", processor()))
}

/// Over `go`, compiler, linker, assembler and the standard library's files, by path.
fn digest(root: &Path) -> io::Result<Sha256Hex> {
    let mut files = vec![root.join("bin/go"), root.join("VERSION")];
    files.extend(["compile", "link", "asm"].map(|tool| tools(root).join(tool)));
    // What no program is made of; a module's archive cannot hold a `go.mod`, and names it otherwise.
    let wanted = |name: &str, depth: usize| {
        let skipped = name == "testdata" || name.ends_with("_test.go") || name.ends_with("go.mod");
        !(skipped || depth == 0 && name == "cmd")
    };
    files.extend(files_below(&root.join("src"), &wanted)?);
    files.extend(files_below(&root.join("pkg/include"), &wanted)?);
    files.sort();
    let mut hash = Sha256::new();
    hash.update(b"proofhouse go toolchain 1\n");
    for path in files {
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update(Sha256Hex::of(&fs::read(&path)?).as_str().as_bytes());
    }
    Ok(Sha256Hex::from_hash(hash))
}

/// Every regular file below a folder that is wanted by name and depth.
fn files_below(root: &Path, wanted: &dyn Fn(&str, usize) -> bool) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if !wanted(&entry.file_name().to_string_lossy(), depth) {
                continue;
            }
            if kind.is_dir() && depth < DEPTH_MAX {
                folders.push((entry.path(), depth + 1));
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
        if files.len() > FILES_COUNT_MAX {
            return Err(io::Error::other("more files than any toolchain has"));
        }
    }
    Ok(files)
}
