//! Proof bundles: a folder or an archive of it, read strictly, named by the digest of its content.
//!
//! Must not run anything. An archive is unpacked inside the sandbox; here its files are bytes that are only hashed and
//! passed on. How to write a bundle is in `docs/proof-bundle.md`.

mod build;
pub mod manifest;
mod own_tests;
pub mod quantity;
mod reader;
mod repo;
mod violation;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thiserror::Error;

pub use build::INPUT_WORD;
pub use manifest::Manifest;
pub use violation::{Violation, Violations};

use crate::digest::Sha256Hex;
use crate::sandbox::{Archive, Duplicates, Format, Sandbox, UnpackError, UnpackLimits, UnpackSpec};

/// Most files in a bundle.
pub const BUNDLE_FILES_MAX: usize = 64;
/// Most bytes of all files of a bundle together.
pub const BUNDLE_BYTES_MAX: u64 = 8 << 20;
/// Most bytes of a packed bundle.
pub const BUNDLE_ARCHIVE_BYTES_MAX: u64 = 8 << 20;
/// Most bytes of `proof.toml`.
pub const MANIFEST_BYTES_MAX: u64 = 64 << 10;
/// Longest name of a file in a bundle, its folders included, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// Folders below each other in a bundle.
pub const DEPTH_MAX: usize = 6;
/// The file that describes a bundle.
pub const MANIFEST_NAME: &str = "proof.toml";

/// Why a bundle was not accepted.
#[derive(Debug, Error)]
pub enum BundleError {
    /// It cannot be read from the disk.
    #[error("read proof bundle {path}: {source}")]
    Read {
        /// What was read.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// It is read, and wrong; every point is listed.
    #[error("proof bundle {path} is not valid:\n{violations}")]
    Invalid {
        /// Which bundle.
        path: PathBuf,
        /// Every point.
        violations: Violations,
    },
    /// Its archive was refused.
    #[error("unpack proof bundle {path}: {source}")]
    Unpack {
        /// Which archive.
        path: PathBuf,
        /// Why.
        source: UnpackError,
    },
}

/// A valid bundle, held whole in memory.
#[derive(Debug, Clone)]
pub struct Bundle {
    manifest: Manifest,
    files: BTreeMap<String, Vec<u8>>,
    digest: Sha256Hex,
}

impl Bundle {
    /// Reads a bundle from a folder, or from a `.tar.zst`, `.tar.gz` or `.tgz` of one.
    ///
    /// # Errors
    /// [`BundleError`]; all violations are collected.
    pub fn read(path: &Path, sandbox: &Sandbox) -> Result<Self, BundleError> {
        let about = fs::metadata(path).map_err(|source| BundleError::Read { path: path.to_owned(), source })?;
        if about.is_dir() {
            return Self::read_folder(path, path);
        }
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let format = archive_format(&name).ok_or_else(|| {
            let message = "a bundle is a folder, a .tar.zst or a .tar.gz of one".to_owned();
            invalid(path, vec![Violation { code: "wrong-file-type", at: name.clone(), line: None, message }])
        })?;
        if about.len() > BUNDLE_ARCHIVE_BYTES_MAX {
            let message =
                format!("the archive has {} bytes; at most {BUNDLE_ARCHIVE_BYTES_MAX} are allowed", about.len());
            let violation = Violation { code: "too-large", at: name, line: None, message };
            return Err(invalid(path, vec![violation]));
        }
        Self::read_archive(Archive::File(path), format, path, sandbox)
    }

    /// Reads a packed bundle from memory; `label` names it in errors.
    ///
    /// # Errors
    /// As [`Bundle::read`].
    pub fn read_bytes(bytes: &[u8], format: Format, label: &str, sandbox: &Sandbox) -> Result<Self, BundleError> {
        Self::read_archive(Archive::Bytes(bytes), format, Path::new(label), sandbox)
    }

    fn read_archive(
        archive: Archive<'_>,
        format: Format,
        label: &Path,
        sandbox: &Sandbox,
    ) -> Result<Self, BundleError> {
        let read = |source| BundleError::Read { path: label.to_owned(), source };
        let room = tempfile::tempdir().map_err(read)?;
        let dest = room.path().join("bundle");
        let limits = UnpackLimits {
            files: u32::try_from(BUNDLE_FILES_MAX * (DEPTH_MAX + 1)).unwrap_or(u32::MAX),
            total_bytes: BUNDLE_BYTES_MAX,
            file_bytes: BUNDLE_BYTES_MAX,
            path_bytes: 512,
            depth: u32::try_from(DEPTH_MAX + 2).unwrap_or(u32::MAX),
        };
        let spec =
            UnpackSpec { archive, format, strip: false, duplicates: Duplicates::Refuse, refuse_specials: true, limits };
        sandbox.unpack(&spec, &dest).map_err(|source| BundleError::Unpack { path: label.to_owned(), source })?;
        Self::read_folder(&single_folder(&dest).map_err(read)?, label)
    }

    fn read_folder(folder: &Path, label: &Path) -> Result<Self, BundleError> {
        let mut listing = Listing::default();
        listing.enter(folder, "", 0).map_err(|source| BundleError::Read { path: label.to_owned(), source })?;
        if !listing.violations.is_empty() {
            return Err(invalid(label, listing.violations));
        }
        Self::from_files(listing.files, label)
    }

    /// Makes a bundle of files by name; `label` names it in errors.
    ///
    /// # Errors
    /// [`BundleError::Invalid`].
    pub fn from_files(files: BTreeMap<String, Vec<u8>>, label: &Path) -> Result<Self, BundleError> {
        let mut violations = names_check(&files);
        let missing = || Violation {
            code: "file-missing",
            at: MANIFEST_NAME.into(),
            line: None,
            message: "the bundle has no proof.toml at its top".into(),
        };
        let Some(raw) = files.get(MANIFEST_NAME) else {
            violations.push(missing());
            return Err(invalid(label, violations));
        };
        let text = match std::str::from_utf8(raw) {
            Ok(text) if raw.len() as u64 <= MANIFEST_BYTES_MAX => text,
            Ok(_) => {
                let message = format!("at most {MANIFEST_BYTES_MAX} bytes are allowed");
                violations.push(Violation { code: "too-large", at: MANIFEST_NAME.into(), line: None, message });
                return Err(invalid(label, violations));
            }
            Err(e) => {
                let message = format!("not UTF-8 at byte {}", e.valid_up_to());
                violations.push(Violation { code: "invalid-utf8", at: MANIFEST_NAME.into(), line: None, message });
                return Err(invalid(label, violations));
            }
        };
        let names: Vec<&str> = files.keys().map(String::as_str).collect();
        match reader::manifest_read(text, &names) {
            Ok(manifest) if violations.is_empty() => {
                let digest = digest_of(&files);
                Ok(Self { manifest, files, digest })
            }
            Ok(_) => Err(invalid(label, violations)),
            Err(Violations(more)) => {
                violations.extend(more);
                Err(invalid(label, violations))
            }
        }
    }

    /// The same bundle with one file's content replaced.
    pub(crate) fn with_file(&self, name: &str, bytes: Vec<u8>) -> Result<Self, BundleError> {
        let mut files = self.files.clone();
        files.insert(name.to_owned(), bytes);
        Self::from_files(files, Path::new("a rewritten bundle"))
    }

    /// The same bundle with another of its files in the place of the control.
    pub(crate) fn with_control(&self, name: &str) -> Self {
        let mut other = self.clone();
        other.manifest.run.control = name.to_owned();
        other.digest = Sha256Hex::of(format!("{}\ncontrol {name}\n", self.digest).as_bytes());
        other
    }

    /// What `proof.toml` says.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 over the sorted (path, length, bytes) of every file.
    #[must_use]
    pub fn digest(&self) -> &Sha256Hex {
        &self.digest
    }

    /// Every file, by name.
    #[must_use]
    pub fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.files
    }
}

fn archive_format(name: &str) -> Option<Format> {
    if name.ends_with(".tar.zst") || name.ends_with(".tzst") {
        Some(Format::TarZst)
    } else if name.ends_with(".tar.gz") || name.ends_with(".tgz") {
        Some(Format::TarGz)
    } else if name.ends_with(".tar") {
        Some(Format::Tar)
    } else {
        None
    }
}

fn invalid(path: &Path, violations: Vec<Violation>) -> BundleError {
    BundleError::Invalid { path: path.to_owned(), violations: Violations(violations) }
}

/// An archive made of the folder rather than of its content has one folder at its top.
fn single_folder(dest: &Path) -> io::Result<PathBuf> {
    let mut entries = fs::read_dir(dest)?;
    if let (Some(only), None) = (entries.next().transpose()?, entries.next())
        && only.file_type()?.is_dir()
    {
        return Ok(only.path());
    }
    Ok(dest.to_owned())
}

fn digest_of(files: &BTreeMap<String, Vec<u8>>) -> Sha256Hex {
    let mut hash = Sha256::new();
    hash.update(b"proofhouse bundle 1\n");
    for (name, bytes) in files {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    Sha256Hex::from_hash(hash)
}

#[derive(Default)]
struct Listing {
    files: BTreeMap<String, Vec<u8>>,
    bytes: u64,
    violations: Vec<Violation>,
}

impl Listing {
    fn wrong(&mut self, code: &'static str, at: &str, message: String) {
        // One violation of a kind is enough for a bundle of a million files.
        if self.violations.len() < BUNDLE_FILES_MAX {
            self.violations.push(Violation { code, at: at.chars().take(256).collect(), line: None, message });
        }
    }

    fn enter(&mut self, folder: &Path, prefix: &str, depth: usize) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let raw = entry.file_name();
            let name = format!("{prefix}{}", raw.to_string_lossy());
            let kind = entry.file_type()?;
            if kind.is_dir() && depth < DEPTH_MAX {
                self.enter(&entry.path(), &format!("{name}/"), depth + 1)?;
            } else if kind.is_dir() {
                self.wrong("too-deep", &name, format!("at most {DEPTH_MAX} folders below each other are allowed"));
            } else if kind.is_file() {
                self.take(&entry.path(), name)?;
            } else {
                self.wrong("special-file", &name, "only plain files may be in a bundle, no links or devices".into());
            }
            if self.files.len() > BUNDLE_FILES_MAX {
                return Ok(());
            }
        }
        Ok(())
    }

    fn take(&mut self, path: &Path, name: String) -> io::Result<()> {
        let length = fs::metadata(path)?.len();
        self.bytes = self.bytes.saturating_add(length);
        if self.files.len() >= BUNDLE_FILES_MAX {
            self.wrong("too-many-files", &name, format!("at most {BUNDLE_FILES_MAX} files are allowed"));
        } else if self.bytes > BUNDLE_BYTES_MAX {
            self.wrong("too-large", &name, format!("at most {BUNDLE_BYTES_MAX} bytes are allowed in a bundle"));
        } else {
            self.files.insert(name, fs::read(path)?);
        }
        Ok(())
    }
}

/// Names that could mean another file to the runtime than the one that was hashed are refused.
fn names_check(files: &BTreeMap<String, Vec<u8>>) -> Vec<Violation> {
    let mut violations = Vec::new();
    let mut wrong = |code, name: &str, message: String| {
        violations.push(Violation { code, at: name.chars().take(256).collect(), line: None, message });
    };
    if files.len() > BUNDLE_FILES_MAX {
        wrong("too-many-files", "", format!("at most {BUNDLE_FILES_MAX} files are allowed"));
    }
    if files.values().map(|bytes| bytes.len() as u64).sum::<u64>() > BUNDLE_BYTES_MAX {
        wrong("too-large", "", format!("at most {BUNDLE_BYTES_MAX} bytes are allowed in a bundle"));
    }
    for (name, bytes) in files {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '@');
        let parts: Vec<&str> = name.split('/').collect();
        let fine = |part: &&str| !part.is_empty() && !part.starts_with(['.', '-']) && part.chars().all(plain);
        if name.len() > NAME_BYTES_MAX || parts.len() > DEPTH_MAX + 1 || !parts.iter().all(fine) {
            let message = format!(
                "file names have ASCII letters, digits and . _ - + @ only, do not begin with . or -, and have at most {NAME_BYTES_MAX} bytes"
            );
            wrong("malformed-name", name, message);
        }
        if parts.iter().any(|part| part.eq_ignore_ascii_case("node_modules")) {
            let message = "a bundle brings no node_modules: it could stand in for the target; the target and its \
                           dependencies come from the registry, [dependencies] pins their versions";
            wrong("shadows-target", name, message.into());
        }
        if parts.last().is_some_and(|last| last.eq_ignore_ascii_case("package.json")) {
            let message = "a bundle brings no package.json: it could redirect the target's name; use .mjs or .cjs";
            wrong("shadows-target", name, message.into());
        }
        if name.ends_with(".node") || bytes.starts_with(b"\x7fELF") {
            wrong("native-code", name, "a bundle brings no native add-on: it could forge what is measured".into());
        }
    }
    violations
}
