//! CPython itself: taken from this machine's `/usr`, whole and by content, into the store, so that proofs run on what
//! the receipt names even after the machine's own is upgraded. Must not run it outside a box.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pep440_rs::Version;
use sha2::{Digest as _, Sha256};

use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::file;
use crate::runtime::Toolchain;
use crate::sandbox::Mount;
use crate::store::PackageStore;

/// Where interpreters are looked for.
const FOLDERS: [(&str, &str); 2] = [("/usr/bin", "/usr/lib"), ("/usr/local/bin", "/usr/local/lib")];
/// The minor versions of Python 3 looked for, newest first; what a bundle names comes before them.
const MINORS: [u64; 7] = [11, 12, 13, 10, 9, 8, 14];
/// Largest file of an interpreter read, in bytes.
const FILE_BYTES_MAX: u64 = 64 << 20;
/// Most files of its library.
const FILES_COUNT_MAX: usize = 20_000;
/// Folders of the library that no proof needs.
const LEFT_OUT: [&str; 6] = ["dist-packages", "site-packages", "test", "idlelib", "tkinter", "ensurepip"];

/// What an interpreter takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tags {
    /// Its version.
    pub version: Version,
    /// The machine, as wheels name it.
    pub machine: String,
}

impl Tags {
    /// Of a toolchain of this runtime.
    #[must_use]
    pub fn of(toolchain: &Toolchain) -> Self {
        let version = toolchain.version.parse().unwrap_or_else(|_| Version::new([3]));
        Self { version, machine: std::env::consts::ARCH.to_owned() }
    }

    /// How well a wheel with these tags fits: pure ones first, for the harness sees what they do.
    #[must_use]
    pub fn wheel_rank(&self, python: &str, abi: &str, platform: &str) -> Option<u8> {
        let minor = self.version.release().get(1).copied().unwrap_or_default();
        let own = format!("cp3{minor}");
        let no_newer = |tag: &str, start: &str| {
            tag.strip_prefix(start).and_then(|number| number.parse::<u64>().ok()).is_some_and(|number| number <= minor)
        };
        let for_machine = platform.split('.').any(|platform| {
            let known = ["manylinux", "linux_"].iter().any(|start| platform.starts_with(start));
            known && platform.ends_with(&format!("_{}", self.machine))
        });
        let any = platform == "any";
        let pythons = || python.split('.');
        match abi {
            "none" if any || for_machine => {
                let fits = |tag: &str| tag == "py3" || tag == own || no_newer(tag, "py3");
                pythons().any(fits).then_some(if any { 0 } else { 3 })
            }
            "abi3" if for_machine => pythons().any(|tag| no_newer(tag, "cp3")).then_some(2),
            _ if for_machine && abi.split('.').any(|tag| tag == own) => pythons().any(|tag| tag == own).then_some(1),
            _ => None,
        }
    }
}

/// The interpreter a bundle asks for, or the best one here.
///
/// # Errors
/// [`EngineError::Unfit`] where there is none, and where it cannot be kept.
pub fn interpreter_obtain(store: &PackageStore, wanted: Option<&str>) -> Result<Toolchain, EngineError> {
    let mut found = Vec::new();
    for minor in MINORS {
        for (programs, libraries) in FOLDERS {
            let program = Path::new(programs).join(format!("python3.{minor}"));
            let library = Path::new(libraries).join(format!("python3.{minor}"));
            if !program.is_file() || !library.join("os.py").is_file() {
                continue;
            }
            let toolchain = taken(store, &program, &library, minor)?;
            if wanted.is_none_or(|wanted| wanted == toolchain.version) {
                return Ok(toolchain);
            }
            found.push(toolchain.version);
        }
    }
    let runtime = wanted.map_or("python".to_owned(), |wanted| format!("python {wanted}"));
    let why = match found.as_slice() {
        [] => "no CPython 3 is installed below /usr; install the package python3".to_owned(),
        found => format!("installed below /usr are: {}", found.join(", ")),
    };
    Err(EngineError::Unfit { runtime, why })
}

/// An interpreter in the store with exactly these bytes.
#[must_use]
pub fn interpreter_kept(store: &PackageStore, sha256: &Sha256Hex) -> Option<Toolchain> {
    let place = store.runtimes().join(format!("python-{sha256}"));
    store.is_here(&place).then(|| toolchain_read(&place)).flatten()
}

/// Copies an interpreter into the store, once for each state in which it is found.
fn taken(store: &PackageStore, program: &Path, library: &Path, minor: u64) -> Result<Toolchain, EngineError> {
    let at = |source| EngineError::Home { step: "take in interpreter", path: program.to_owned(), source };
    let state = [program.to_owned(), library.to_owned(), library.join("os.py"), library.join("lib-dynload")]
        .iter()
        .filter_map(|path| fs::metadata(path).ok())
        .map(|about| format!("{} {} {}.{}", about.ino(), about.len(), about.mtime(), about.mtime_nsec()))
        .collect::<Vec<_>>();
    let state = Sha256Hex::of(format!("python 1\n{}\n{}", program.display(), state.join("\n")).as_bytes());
    let note = store.runtimes().join(format!("python-state-{state}"));
    let known = fs::read_to_string(&note).ok().and_then(|text| text.parse::<Sha256Hex>().ok());
    if let Some(found) = known.and_then(|sha256| interpreter_kept(store, &sha256)) {
        return Ok(found);
    }
    let draft = store.draft()?;
    let lib = format!("python3.{minor}");
    let version = version_in(program, minor).map_err(at)?;
    let copied = (|| {
        fs::create_dir_all(draft.join("bin"))?;
        fs::create_dir_all(draft.join("lib"))?;
        let mut hash = Sha256::new();
        hash.update(b"proofhouse python 1\n");
        // It can be run and not read: a process of it then cannot look into its own memory through the file system.
        file_copy(program, &draft.join("bin/python3"), 0o111, &mut hash)?;
        let mut count = 0;
        tree_copy(library, &draft.join("lib").join(&lib), &mut hash, &mut count)?;
        Ok(Sha256Hex::from_hash(hash))
    })();
    let sha256 = copied.map_err(at)?;
    let about = format!("{version}\n{lib}\n{sha256}\n");
    fs::write(draft.join("about"), about).map_err(at)?;
    let place = store.runtimes().join(format!("python-{sha256}"));
    if store.is_here(&place) {
        let _ = fs::remove_dir_all(&draft);
    } else {
        store.place(&draft, &place).map_err(at)?;
    }
    file::write_whole(&note, sha256.as_str().as_bytes()).map_err(at)?;
    toolchain_read(&place).ok_or_else(|| at(std::io::Error::other("incomplete")))
}

fn toolchain_read(place: &Path) -> Option<Toolchain> {
    let about = fs::read_to_string(place.join("about")).ok()?;
    let [version, lib, sha256] = about.lines().collect::<Vec<_>>().try_into().ok()?;
    let mount = |below: String| Mount { host: place.join(&below), at: format!("/runtime/{below}") };
    Some(Toolchain {
        name: "python".into(),
        version: version.to_owned(),
        sha256: sha256.parse().ok()?,
        mounts: vec![mount("bin/python3".into()), mount(format!("lib/{lib}"))],
        root: place.to_owned(),
    })
}

/// The exact version, which the program carries as text: `3.11.2`.
fn version_in(program: &Path, minor: u64) -> std::io::Result<String> {
    let mut bytes = Vec::new();
    File::open(program)?.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    let start = format!("3.{minor}.").into_bytes();
    let ends = bytes.windows(start.len()).enumerate().filter(|(_, window)| *window == start.as_slice());
    for (at, _) in ends {
        let before = at.checked_sub(1).and_then(|before| bytes.get(before)).copied().unwrap_or_default();
        let rest = bytes.get(at + start.len()..).unwrap_or_default();
        let digits = rest.iter().take(3).take_while(|byte| byte.is_ascii_digit()).count();
        let after = rest.get(digits).copied().unwrap_or_default();
        if before == 0 && digits > 0 && after == 0 {
            let text = bytes.get(at..at + start.len() + digits).unwrap_or_default();
            return Ok(String::from_utf8_lossy(text).into_owned());
        }
    }
    Err(std::io::Error::other("it does not carry its version as text"))
}

fn file_copy(from: &Path, to: &Path, mode: u32, hash: &mut Sha256) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let source = File::open(from)?;
    let changed = source.metadata()?.modified()?;
    source.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(std::io::Error::other("a file of it is too large"));
    }
    hash.update(Sha256::digest(&bytes));
    fs::write(to, &bytes)?;
    // Compiled files name the time of their source.
    File::options().write(true).open(to)?.set_modified(changed)?;
    fs::set_permissions(to, fs::Permissions::from_mode(mode))
}

fn tree_copy(from: &Path, to: &Path, hash: &mut Sha256, count: &mut usize) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    let mut entries: Vec<PathBuf> = fs::read_dir(from)?.flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else { continue };
        *count += 1;
        if LEFT_OUT.contains(&name) || *count > FILES_COUNT_MAX {
            continue;
        }
        let about = fs::metadata(&path);
        let Ok(about) = about else { continue };
        if about.is_dir() && !path.is_symlink() {
            tree_copy(&path, &to.join(name), hash, count)?;
        } else if about.is_file() {
            // Compiled files say nothing that their sources do not, and differ from machine to machine.
            let compiled = path.extension().is_some_and(|ending| ending == "pyc");
            let mut aside = Sha256::new();
            let into = if compiled { &mut aside } else { &mut *hash };
            into.update(name.as_bytes());
            file_copy(&path, &to.join(name), 0o644, into)?;
        }
    }
    Ok(())
}
