//! Why a box could not be had. A program that misbehaves inside one is an outcome, never an error.

use std::io;
use std::path::PathBuf;

/// Why a box could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The machine lacks something no box can do without.
    #[error("no sandbox on this machine: {what}; {remedy}")]
    Unfit {
        /// What is missing.
        what: String,
        /// What to do about it.
        remedy: String,
    },
    /// The run was described wrongly.
    #[error("run in the sandbox: {0}")]
    BadSpec(String),
    /// A mount source cannot be reached by the caller.
    #[error("mount {path} into the sandbox: {source}")]
    Mount {
        /// The host path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The host would not take the folder that comes out of a box.
    #[error("write the folder {path} out of the sandbox: {source}")]
    FolderOut {
        /// Where on the host.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The re-executed init did not start.
    #[error("start the sandbox's init {path}: {source}")]
    Spawn {
        /// The program that should have been the init.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A step of the set-up failed inside.
    #[error("set up the sandbox: {step}: {source}")]
    SetUp {
        /// What was attempted, on what.
        step: String,
        /// Why.
        source: io::Error,
    },
    /// The box was ready and the program could not be executed.
    #[error("execute {program} in the sandbox: {source}")]
    Exec {
        /// `argv[0]`.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The init ended without a report, or said something that is no report.
    #[error("the sandbox's init ended without a report ({detail}); the run says nothing")]
    InitLost {
        /// What was seen.
        detail: String,
    },
    /// The parent's own end of the talk failed.
    #[error("{step}: {source}")]
    Io {
        /// What was attempted, on what.
        step: &'static str,
        /// Why.
        source: io::Error,
    },
}

impl SandboxError {
    pub(super) fn io(step: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { step, source }
    }
}
