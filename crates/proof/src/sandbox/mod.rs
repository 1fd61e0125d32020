//! Runs one hostile program in a box of the kernel's making and says what it did and what it used.
//!
//! The box has no network, nothing of the host but read-only programs, one writable folder of bounded size, bounded
//! time, memory, processes and output, and it dies whole. What it promises and what not is in `SECURITY.md`; why it is
//! built so, in `docs/adr/0002-sandbox.md`. This module must not know what a proof, an oracle or a package is.

mod error;
pub mod limits;
mod outcome;
mod spec;
mod unpack;

use std::path::{Path, PathBuf};

pub use error::SandboxError;
pub use limits::Limits;
pub use outcome::{BoxFile, BoxOutcome, Captured, Exit, Limit, Walls};
pub use spec::{BoxSpec, CopyOut, Mount, PlacedFile};
pub use unpack::{Archive, Duplicates, Format, UnpackError, UnpackLimits, UnpackReport, UnpackSpec};

/// How boxes are made in this process.
#[derive(Debug, Clone, Default)]
pub struct SandboxConfig {
    /// The program re-executed as the box's init; its `main` must begin with [`init_if_asked`]. Default: the running
    /// program itself.
    pub init_exe: Option<PathBuf>,
    /// Make no cgroups even where that is possible: the weaker watch counts instead, and `walls` says so.
    pub without_cgroups: bool,
    /// A cgroup v2 folder delegated to this process, under which boxes may be made. Default: found by itself.
    pub cgroup_v2_parent: Option<PathBuf>,
}

/// Makes boxes. Cheap to share behind an `Arc`; any number of runs may go on at once.
#[derive(Debug)]
pub struct Sandbox {
    walls: Walls,
}

impl Sandbox {
    /// Probes the kernel for what boxes are made of.
    ///
    /// # Errors
    /// [`SandboxError::Unfit`] in one line that says what is missing and what to do.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        let _ = config;
        Err(SandboxError::Unfit { what: "not built yet".into(), remedy: String::new() })
    }

    /// What holds boxes here; the same as in every outcome.
    pub fn walls(&self) -> &Walls {
        &self.walls
    }

    /// Runs one program and waits for its end. Blocking: call it from a thread that may block.
    ///
    /// # Errors
    /// Only where there was no run to speak of; whatever the program did is in the outcome.
    pub fn run(&self, spec: &BoxSpec) -> Result<BoxOutcome, SandboxError> {
        let _ = spec;
        Err(SandboxError::BadSpec("not built yet".into()))
    }

    /// Unpacks a hostile archive into the new folder `dest`; its bytes are parsed inside a box. `dest` appears whole
    /// or not at all, and must not exist before.
    ///
    /// # Errors
    /// [`UnpackError`] names the entry that was refused. Nothing is left at `dest` then.
    pub fn unpack(&self, spec: &UnpackSpec<'_>, dest: &Path) -> Result<UnpackReport, UnpackError> {
        let _ = (spec, dest);
        Err(SandboxError::BadSpec("not built yet".into()).into())
    }
}

/// Becomes the init of a box, and never returns, when this process was started as one by [`Sandbox`]; otherwise does
/// nothing. Must be the first thing `main` does, before any thread is started.
pub fn init_if_asked() {}
