//! Unpacks hostile archives: what is asked, what comes of it, and why one is refused.

pub(super) mod name;
pub(super) mod order;
pub(super) mod receive;
pub(super) mod stream;
pub(super) mod worker;
pub(super) mod zip;

use std::io;
use std::path::{Path, PathBuf};

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::OwnedFd;

use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};

use super::launch::{Collected, Input, Output};
use super::limits::{UNPACK_CPU_MS, UNPACK_MEMORY_BYTES, UNPACK_WALL_MS};
use super::wire::Work;
use super::{Exit, Limits, SandboxError};
use order::{Refusal, UnpackOrder};
use receive::{Receiver, Rules};

/// How an archive is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// A bare tar.
    Tar,
    /// A gzip-compressed tar, as npm packs it.
    TarGz,
    /// A zstd-compressed tar.
    TarZst,
    /// A zip, as wheels, Go modules and jars are packed: plain or deflated entries, not encrypted, in one part.
    Zip,
}

/// Where the archive's bytes are.
#[derive(Debug, Clone, Copy)]
pub enum Archive<'a> {
    /// In memory.
    Bytes(&'a [u8]),
    /// In a file that the caller can read.
    File(&'a Path),
}

/// What to do with two entries of one name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Duplicates {
    /// The later one counts, as in npm.
    #[default]
    LastWins,
    /// Refuse the archive.
    Refuse,
}

/// One unpacking.
#[derive(Debug, Clone, Copy)]
pub struct UnpackSpec<'a> {
    /// Where the bytes are.
    pub archive: Archive<'a>,
    /// How they are packed.
    pub format: Format,
    /// Drop the first component of every name, as npm does with its `package/`. Entries with no second one vanish.
    pub strip: bool,
    /// What to do with two entries of one name.
    pub duplicates: Duplicates,
    /// Links and devices: refused where true, left out and counted where false (as npm does).
    pub refuse_specials: bool,
    /// Bounds.
    pub limits: UnpackLimits,
}

/// Bounds of one unpacking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackLimits {
    /// Files and folders.
    pub files: u32,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of one name, its folders included.
    pub path_bytes: u32,
    /// Folders below each other.
    pub depth: u32,
}

impl Default for UnpackLimits {
    fn default() -> Self {
        Self { files: 50_000, total_bytes: 512 << 20, file_bytes: 256 << 20, path_bytes: 1_024, depth: 64 }
    }
}

/// What was unpacked.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnpackReport {
    /// Regular files written.
    pub files: u32,
    /// Folders made.
    pub folders: u32,
    /// Bytes of all files.
    pub bytes: u64,
    /// Symbolic links made. None comes out of an archive.
    pub links: u32,
    /// Links and devices left out.
    pub specials_left_out: u32,
    /// Earlier entries replaced by later ones of the same name.
    pub duplicates: u32,
}

/// Why an archive was not unpacked. Nothing is left behind.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// An entry that no well-meant archive has, or that the options refuse.
    #[error("unpack: entry {entry:?}: {why}")]
    Entry {
        /// The entry's name, cut and with whatever is not UTF-8 replaced.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// The bytes are not an archive of the stated format, or end early.
    #[error("unpack: not a readable {format:?} archive: {why}")]
    Unreadable {
        /// The stated format.
        format: Format,
        /// What the reader said.
        why: String,
    },
    /// A bound was exceeded.
    #[error("unpack: over the bound of {bound} {unit} at entry {entry:?}")]
    TooMuch {
        /// The entry being read.
        entry: String,
        /// The bound's number.
        bound: u64,
        /// The bound's unit.
        unit: String,
    },
    /// The box ended the unpacking: time, CPU or memory.
    #[error("unpack: ended by the sandbox: {0}")]
    Ended(String),
    /// The destination could not be written.
    #[error("unpack: write {path}: {source}")]
    Write {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// No box could be had.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
}

/// The order for one unpacking, laid over the order for an empty box.
pub(super) fn work(spec: &UnpackSpec<'_>) -> (Work, Limits) {
    let work = Work::Unpack(UnpackOrder {
        format: spec.format,
        strip: spec.strip,
        duplicates: spec.duplicates,
        refuse_specials: spec.refuse_specials,
        limits: spec.limits,
    });
    let limits = Limits {
        wall_ms: UNPACK_WALL_MS,
        cpu_ms: UNPACK_CPU_MS,
        memory_bytes: UNPACK_MEMORY_BYTES,
        processes: 2,
        ..Limits::default()
    };
    (work, limits)
}

/// Opens the archive, runs the order and writes what comes of it.
pub(super) fn unpack(
    spec: &UnpackSpec<'_>,
    dest: &Path,
    run: impl FnOnce(Input, Output<'_>) -> Result<Collected, SandboxError>,
) -> Result<UnpackReport, UnpackError> {
    let input = Input::File(archive_open(&spec.archive)?);
    let rules = Rules { limits: spec.limits, duplicates: spec.duplicates, links: false };
    let mut receiver = Receiver::new(rules, dest)?;
    let mut refusal = None;
    let mut take = |bytes: &[u8]| match receiver.take(bytes) {
        Ok(()) => true,
        Err(error) => {
            refusal = Some(error);
            false
        }
    };
    let collected = run(input, Output::Stream(&mut take))?;
    if let Some(refusal) = refusal {
        return Err(refusal);
    }
    if let Ok(said) = postcard::from_bytes::<Refusal>(&collected.channel_out) {
        return Err(said.named(spec.format));
    }
    if let Some(limit) = collected.limit_hit {
        return Err(UnpackError::Ended(format!("its {} limit was hit", limit.as_str())));
    }
    if collected.report.exit != Exit::Code(0) {
        return Err(UnpackError::Ended(format!("the unpacker ended with {:?}", collected.report.exit)));
    }
    let early = || UnpackError::Unreadable { format: spec.format, why: "the unpacked stream ends early".into() };
    receiver.finish()?.ok_or_else(early)
}

impl Refusal {
    fn named(self, format: Format) -> UnpackError {
        match self {
            Refusal::Entry { entry, why } => UnpackError::Entry { entry, why },
            Refusal::Unreadable { why } => UnpackError::Unreadable { format, why },
            Refusal::TooMuch { entry, bound, unit } => UnpackError::TooMuch { entry, bound, unit },
        }
    }
}

/// The archive as a descriptor that the worker can read from its beginning.
fn archive_open(archive: &Archive<'_>) -> Result<OwnedFd, UnpackError> {
    match archive {
        Archive::File(path) => {
            let failed = |source| SandboxError::Mount { path: path.to_path_buf(), source };
            let file = File::open(path).map_err(failed)?;
            if !file.metadata().map_err(failed)?.is_file() {
                return Err(failed(io::Error::other("not a regular file")).into());
            }
            Ok(file.into())
        }
        Archive::Bytes(bytes) => {
            let failed = SandboxError::io("hold the archive in memory");
            let file = || -> io::Result<File> {
                let mut file = File::from(memfd_create("archive", MFdFlags::MFD_CLOEXEC)?);
                file.write_all(bytes)?;
                file.rewind()?;
                Ok(file)
            };
            Ok(file().map_err(failed)?.into())
        }
    }
}
