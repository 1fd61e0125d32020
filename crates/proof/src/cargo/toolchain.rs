//! The machine's own Rust: found as a user's shell finds it, used read-only in boxes, and known by what it says of
//! itself and the bytes of compiler, code generator and standard library.
//!
//! Only rustc itself is run outside a box, and only to be asked who it is. Must not install anything.

use std::env;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

use semver::Version;
use sha2::{Digest as _, Sha256};

use super::cfg::Platform;
use super::config::cargo_home;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::file;
use crate::parallel;

/// Bytes read at once while a file is hashed.
const READ_BYTES: usize = 1 << 20;
/// Files hashed at once.
const HASHED_COUNT_MAX: usize = 4;
/// The linker's driver, in boxes as on the machine.
const LINKER: &str = "/usr/bin/cc";

/// A Rust toolchain of this machine.
#[derive(Debug, Clone)]
pub struct RustHome {
    /// Its folder, with `bin` and `lib`.
    pub root: PathBuf,
    /// Such as `1.95.0`.
    pub version: Version,
    /// Such as `x86_64-unknown-linux-gnu`.
    pub triple: String,
    /// What it builds for.
    pub platform: Platform,
    /// Over what `rustc -vV` says and the files that make and are linked into programs.
    pub sha256: Sha256Hex,
}

impl RustHome {
    /// Finds it.
    ///
    /// # Errors
    /// [`EngineError::Unfit`], saying what to install.
    pub fn find(home: &Path) -> Result<Self, EngineError> {
        let root = PathBuf::from(ask(&rustc_on_path()?, &["--print", "sysroot"], home)?.trim());
        let rustc = root.join("bin/rustc");
        let told = ask(&rustc, &["-vV"], home)?;
        let field = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let version = field("release:").and_then(|text| Version::parse(text).ok());
        let (Some(version), Some(triple)) = (version, field("host:")) else {
            return Err(unfit(format!("{} does not say its release and host", rustc.display())));
        };
        if !root.join("bin/cargo").is_file() {
            return Err(unfit(format!("there is no cargo beside {}: install one with rustup", rustc.display())));
        }
        if !Path::new(LINKER).exists() {
            return Err(unfit(format!("there is no {LINKER} to link with: install a C compiler (gcc)")));
        }
        let platform = Platform::new(triple, &ask(&rustc, &["--print", "cfg"], home)?);
        let triple = triple.to_owned();
        let sha256 = identity(&root, &triple, &told, &home.join("cache/toolchains"))?;
        Ok(Self { root, version, triple, platform, sha256 })
    }

    /// Whether it brings the run-time of AddressSanitizer.
    #[must_use]
    pub fn has_address_sanitizer(&self) -> bool {
        let listing = fs::read_dir(self.libraries()).into_iter().flatten().flatten();
        listing.map(|entry| entry.file_name()).any(|name| name.to_string_lossy().ends_with("_rt.asan.a"))
    }

    fn libraries(&self) -> PathBuf {
        self.root.join("lib/rustlib").join(&self.triple).join("lib")
    }
}

fn unfit(why: String) -> EngineError {
    EngineError::Unfit { runtime: "rust".into(), why }
}

fn rustc_on_path() -> Result<PathBuf, EngineError> {
    let path = env::var_os("PATH").unwrap_or_default();
    let homes = cargo_home().map(|home| home.join("bin"));
    let places = env::split_paths(&path).chain(homes);
    let named = env::var_os("RUSTC").map(PathBuf::from).filter(|path| path.is_file());
    let found = named.or_else(|| places.map(|folder| folder.join("rustc")).find(|path| path.is_file()));
    found.ok_or_else(|| unfit("there is no rustc on the PATH: install Rust with rustup".into()))
}

/// What rustc says of itself, asked in a folder that has no toolchain file of somebody's project.
fn ask(rustc: &Path, args: &[&str], folder: &Path) -> Result<String, EngineError> {
    let named = || format!("{} {}", rustc.display(), args.join(" "));
    let out = Command::new(rustc).args(args).current_dir(folder).output();
    let out = out.map_err(|e| unfit(format!("{}: {e}", named())))?;
    if !out.status.success() {
        let why = String::from_utf8_lossy(&out.stderr).lines().next().unwrap_or_default().to_owned();
        return Err(unfit(format!("{}: {why}", named())));
    }
    String::from_utf8(out.stdout).map_err(|_| unfit(format!("{}: not text", named())))
}

/// The digest that names a toolchain. Half a gigabyte is hashed once and the answer kept for as long as no file changes
/// in size or time.
fn identity(root: &Path, triple: &str, told: &str, cache: &Path) -> Result<Sha256Hex, EngineError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| EngineError::Home { step: "read toolchain", path, source }
    };
    let mut files = files_of(root, triple).map_err(at(root))?;
    files.sort();
    let mut listing = format!("{told}\n");
    for path in &files {
        let about = fs::metadata(path).map_err(at(path))?;
        let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
        listing.push_str(&format!("{} {} {}\n", path.display(), about.len(), changed.as_nanos()));
    }
    let kept = cache.join(Sha256Hex::of(listing.as_bytes()).as_str());
    if let Some(known) = fs::read_to_string(&kept).ok().and_then(|text| text.parse().ok()) {
        return Ok(known);
    }
    let digests = parallel::each(&files, HASHED_COUNT_MAX, |path| file_digest(path).map_err(at(path)));
    let mut hash = Sha256::new();
    hash.update(format!("proofhouse rust toolchain 1\n{told}\n"));
    for (path, digest) in files.iter().zip(digests) {
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
        hash.update(format!("{name} {}\n", digest?));
    }
    let found = Sha256Hex::from_hash(hash);
    file::write_whole(&kept, found.as_str().as_bytes()).map_err(at(&kept))?;
    Ok(found)
}

/// Compiler, cargo, code generator and everything a program is linked with.
fn files_of(root: &Path, triple: &str) -> io::Result<Vec<PathBuf>> {
    let mut files = vec![root.join("bin/rustc"), root.join("bin/cargo")];
    let is_library = |path: &Path| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        name.ends_with(".so") || name.contains(".so.") || [".rlib", ".a", ".o"].iter().any(|end| name.ends_with(end))
    };
    for folder in [root.join("lib"), root.join("lib/rustlib").join(triple).join("lib")] {
        // A toolchain of the system shares `lib` with everything else: there the compiler's own names count.
        let of_rust = |path: &Path| {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            folder.ends_with(format!("{triple}/lib")) || name.starts_with("librustc") || name.starts_with("libLLVM")
        };
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_file() && is_library(&path) && of_rust(&path) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

fn file_digest(path: &Path) -> io::Result<Sha256Hex> {
    let mut file = fs::File::open(path)?;
    let mut hash = Sha256::new();
    let mut block = vec![0; READ_BYTES];
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            return Ok(Sha256Hex::from_hash(hash));
        }
        hash.update(&block[..read]);
    }
}
