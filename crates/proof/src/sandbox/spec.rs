//! What is to run in a box, as the caller says it. Values only: nothing here touches the system.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::error::SandboxError;
use super::limits::{CHANNEL_IN_BYTES_MAX, Limits, PLACED_BYTES_MAX};

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
    /// A server of pid 1's own on that loopback interface, and what it looks for in what it is sent.
    pub listener: Option<Listener>,
    /// Bytes that the program can read from descriptor 3, then end of file.
    pub channel_in: Vec<u8>,
    /// What of the writable folder is wanted after the run.
    pub copy_out: CopyOut,
    /// Let the program execute what it wrote to the writable folder or `/tmp`, as compilers and build tools do. Off by
    /// default, because written code can reach into a harness beside it; what was built runs without it when its
    /// folder is given to another box as a [`Mount`]. The outcome's walls say when it was on.
    pub exec: bool,
    /// The program reserves far more address space than it uses, as sanitizers do. Where no cgroup counts, a limit on
    /// each process's data would stop it; this takes that limit off and leaves memory to the watch alone, and the walls
    /// say so. Refused where nothing would be left.
    pub vast_address_space: bool,
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
            listener: None,
            channel_in: Vec::new(),
            copy_out: CopyOut::Nothing,
            exec: false,
            vast_address_space: false,
        }
    }

    /// Refuses what no box could be made of, before anything is started.
    pub(super) fn check(&self) -> Result<(), SandboxError> {
        let bad = |text: String| Err(SandboxError::BadSpec(text));
        if self.argv.first().is_none_or(String::is_empty) {
            return bad("argv is empty: name a program".into());
        }
        let texts = self.argv.iter().chain(self.env.iter().flat_map(|(key, value)| [key, value]));
        if let Some(text) = texts.into_iter().find(|text| text.contains('\0')) {
            return bad(format!("argv or env has a NUL byte in {text:?}"));
        }
        if let Some((key, _)) = self.env.iter().find(|(key, _)| key.is_empty() || key.contains('=')) {
            return bad(format!("env has no variable name in {key:?}"));
        }
        let paths = self.mounts.iter().map(|mount| &mount.at).chain(self.files.iter().map(|file| &file.at));
        if let Some(path) = paths.chain([&self.box_dir]).find(|path| !is_plain_absolute(path)) {
            return bad(format!("path in the box is not absolute and plain: {path:?}"));
        }
        if RESERVED.contains(&self.box_dir.as_str()) {
            return bad(format!("box_dir {:?} belongs to the system of the box", self.box_dir));
        }
        let placed: u64 = self.files.iter().map(|file| file.bytes.len() as u64).sum();
        if placed > PLACED_BYTES_MAX {
            return bad(format!("placed files are {placed} bytes, at most {PLACED_BYTES_MAX} are allowed"));
        }
        let given = self.channel_in.len() as u64;
        if given > CHANNEL_IN_BYTES_MAX {
            return bad(format!("channel_in is {given} bytes, at most {CHANNEL_IN_BYTES_MAX} are allowed"));
        }
        if self.listener.is_some() && !self.loopback {
            return bad("a listener needs the loopback interface".into());
        }
        if let CopyOut::Folder(folder) = &self.copy_out
            && !folder.path.is_empty()
            && !super::unpack::name::is_safe(&folder.path)
        {
            return bad(format!("folder to copy out is not a plain path below box_dir: {:?}", folder.path));
        }
        Ok(())
    }
}

/// A server that pid 1 of the box keeps: whoever asks it for something with the token in it has reached it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    /// Where it listens, on 127.0.0.1.
    pub port: u16,
    /// What a request must hold to count, such as a random path.
    pub token: String,
    /// The body it answers with, with status 200.
    pub answer: Vec<u8>,
}

/// Folders of the box that are made by the sandbox itself.
const RESERVED: [&str; 11] =
    ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/dev", "/etc", "/proc", "/tmp"];

fn is_plain_absolute(path: &str) -> bool {
    path.strip_prefix('/').is_some_and(super::unpack::name::is_safe)
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

/// What of the writable folder is wanted after the run. Links are never followed. `Files` and `Tree` give regular files
/// only, in memory, bounded by the limits of the run and [`super::limits::COPY_OUT_BYTES_MAX`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum CopyOut {
    /// Nothing.
    #[default]
    Nothing,
    /// These files, by path relative to `box_dir`. One that is missing or not a regular file is left out.
    Files(Vec<String>),
    /// Every regular file.
    Tree,
    /// A folder with all below it, written to the host as it comes: what a build made.
    Folder(FolderOut),
}

/// One folder of the box that becomes a new folder of the host.
///
/// `dest` appears whole, by one rename, when the program ended with code 0, hit no limit and left no more than the two
/// bounds allow; otherwise there is nothing. Executable files get mode 0755, others 0644, folders 0755; owners and times
/// are not kept, a hard link becomes a file of its own. A symbolic link is kept where its target is relative, goes up
/// only at its beginning and never above the folder, so that no chain of links leads out; every other link, sockets,
/// pipes and names that are not UTF-8 are left out and counted. Content is as hostile as the program that wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderOut {
    /// The folder, relative to `box_dir`. Empty: all of it.
    pub path: String,
    /// Where on the host. Must not exist; its parent must.
    pub dest: PathBuf,
    /// Bytes of all files together.
    pub bytes_max: u64,
    /// Files, folders and links together.
    pub files_max: u32,
}
