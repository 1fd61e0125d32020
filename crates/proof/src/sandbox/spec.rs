//! What is to run in a box, as the caller says it. Values only: nothing here touches the system.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::limits::Limits;

/// One run: a program, what it may see, what it may use, and what is wanted back.
#[derive(Debug, Clone)]
pub struct BoxSpec {
    /// The program and its arguments. A first element with a `/` is a path in the box; one without is looked up in
    /// the `PATH` of `env`, or in `/usr/bin:/bin` where that is not set.
    pub argv: Vec<String>,
    /// The whole environment: nothing is inherited.
    pub env: Vec<(String, String)>,
    /// Working folder in the box, absolute. Empty means `box_dir`.
    pub cwd: String,
    /// Where the one writable folder (with the private `/tmp`) is, absolute. Default `/box`.
    pub box_dir: String,
    /// What of the host is seen, always read-only, beside `/usr` and the synthetic `/etc`, `/dev` and `/proc`.
    pub mounts: Vec<Mount>,
    /// Files written before the program starts.
    pub files: Vec<PlacedFile>,
    /// What it may use.
    pub limits: Limits,
    /// Bring up a loopback interface of the box's own. There is no other network in either case.
    pub loopback: bool,
    /// Bytes that the program can read from descriptor 3, then end of file.
    pub channel_in: Vec<u8>,
    /// What of the writable folder is wanted after the run.
    pub copy_out: CopyOut,
}

impl BoxSpec {
    /// A run of `argv` with nothing but the defaults.
    pub fn new<I, S>(argv: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        Self {
            argv: argv.into_iter().map(Into::into).collect(),
            env: vec![("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into())],
            cwd: String::new(),
            box_dir: "/box".into(),
            mounts: Vec::new(),
            files: Vec::new(),
            limits: Limits::default(),
            loopback: false,
            channel_in: Vec::new(),
            copy_out: CopyOut::Nothing,
        }
    }
}

/// A file or folder of the host that the box sees read-only, with everything mounted below it, and in which no
/// set-user-id bit or device counts. The caller must be able to reach `host`; other users need not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// Path on the host. Relative paths and symbolic links are resolved by the caller's own rights, before the run.
    pub host: PathBuf,
    /// Absolute path in the box. Missing parents are made.
    pub at: String,
}

/// A file that is written into the box before the program starts.
///
/// Below `box_dir` (or `/tmp`) it belongs to the program, which may change it. Anywhere else it lies on a file system
/// that is read-only by the time the program runs: not even its mode can be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedFile {
    /// Absolute path in the box.
    pub at: String,
    /// Content.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
    /// Permission bits. Outside the writable folder the bits for others count for everyone and write bits are
    /// dropped, so `0o111` is a program that can be run and not read, also where the program's user owns it.
    pub mode: u32,
}

/// What of the writable folder is wanted after the run. Only regular files come out, links are never followed, and
/// the limits of the run and [`super::limits::COPY_OUT_BYTES_MAX`] bound the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyOut {
    /// Nothing.
    #[default]
    Nothing,
    /// These files, by path relative to `box_dir`. One that is missing or not a regular file is left out.
    Files(Vec<String>),
    /// Every regular file.
    Tree,
}
