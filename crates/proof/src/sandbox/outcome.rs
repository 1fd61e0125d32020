//! What came of a run. Values only.

use serde::{Deserialize, Serialize};

use super::unpack::UnpackReport;

/// What came of one run.
#[derive(Debug, Clone)]
pub struct BoxOutcome {
    /// How the program itself ended. Everything it left running was killed then.
    pub exit: Exit,
    /// The limit that ended the run, or that it ran into.
    pub limit_hit: Option<Limit>,
    /// User CPU time of the whole tree, microseconds, from the program's start.
    pub cpu_user_us: u64,
    /// System CPU time of the whole tree, microseconds, from the program's start.
    pub cpu_sys_us: u64,
    /// Wall time from the program's start to its end, microseconds.
    pub wall_us: u64,
    /// Most memory the tree held at once, bytes: by the cgroup's account, or else as polled. A run too short to be
    /// polled gives the largest single process.
    pub memory_peak_bytes: u64,
    /// Standard output.
    pub stdout: Captured,
    /// Standard error.
    pub stderr: Captured,
    /// What the program wrote to descriptor 4, at most [`super::limits::CHANNEL_OUT_BYTES_MAX`] bytes.
    pub channel_out: Vec<u8>,
    /// The regular files asked for by `copy_out`, by path.
    pub files: Vec<BoxFile>,
    /// Links, devices, sockets, unsafe names and what was over a bound, left out of `files`.
    pub files_left_out: u64,
    /// Whether somebody sent the listener its token.
    pub listener_reached: bool,
    /// What came of a [`super::CopyOut::Folder`]. None where none was asked for.
    pub folder: Option<FolderOutcome>,
    /// What held this run.
    pub walls: Walls,
}

/// What came of a folder that was to be written to the host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FolderOutcome {
    /// It is there, with this in it.
    Written(UnpackReport),
    /// Nothing is there, and why, in words for a person.
    NotWritten(String),
}

impl BoxOutcome {
    /// The program ended by itself with code 0 and no limit was hit.
    pub fn ok(&self) -> bool {
        self.exit == Exit::Code(0) && self.limit_hit.is_none()
    }

    /// CPU time of the whole tree, user and system, microseconds.
    pub fn cpu_us(&self) -> u64 {
        self.cpu_user_us.saturating_add(self.cpu_sys_us)
    }

    /// The copied-out file with this path relative to the writable folder.
    pub fn file(&self, path: &str) -> Option<&BoxFile> {
        self.files.iter().find(|file| file.path == path)
    }
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Exit {
    /// By exiting with this code.
    Code(i32),
    /// By this signal (9 also where a limit ended it).
    Signal(i32),
}

/// A limit of [`super::Limits`] that a run hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Limit {
    /// `wall_ms`.
    Wall,
    /// `cpu_ms`.
    Cpu,
    /// `memory_bytes`.
    Memory,
    /// `processes`.
    Processes,
    /// `files` or `disk_bytes`: the program may have ended by itself after being told that the disk is full.
    Disk,
    /// `drain_bytes`.
    Output,
    /// The report channel's bound.
    Channel,
}

impl Limit {
    /// Every limit, in the order of its wire byte.
    pub const ALL: [Limit; 7] =
        [Limit::Wall, Limit::Cpu, Limit::Memory, Limit::Processes, Limit::Disk, Limit::Output, Limit::Channel];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Limit::Wall => "wall",
            Limit::Cpu => "cpu",
            Limit::Memory => "memory",
            Limit::Processes => "processes",
            Limit::Disk => "disk",
            Limit::Output => "output",
            Limit::Channel => "channel",
        }
    }
}

/// The first bytes of a stream, and how many there were in all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Captured {
    /// At most `output_bytes` of it.
    pub head: Vec<u8>,
    /// All bytes that were read.
    pub total_bytes: u64,
}

impl Captured {
    /// The kept bytes as text, whatever is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.head).into_owned()
    }

    /// Whether something was thrown away.
    pub fn cut(&self) -> bool {
        self.total_bytes > self.head.len() as u64
    }
}

/// A regular file that came out of a box. Its content is hostile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoxFile {
    /// Path relative to the writable folder: UTF-8 components joined by `/`, none of them empty, `.` or `..`.
    pub path: String,
    /// Whether the owner could execute it.
    pub executable: bool,
    /// Content.
    pub bytes: Vec<u8>,
}

/// What holds a box on this machine, each in words for a person and stable enough to store in a receipt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walls {
    /// `root` or `user`: whose rights built the box. In both cases the program runs without any.
    pub caller: String,
    /// The namespaces, comma-separated.
    pub namespaces: String,
    /// What counts and bounds memory, processes and CPU: `cgroup-v1 (…)`, `cgroup-v2 (…)`, `watch`, or `each process
    /// alone` where there is neither a cgroup nor a `/proc`.
    pub accounting: String,
    /// `filter`, with the number of instructions.
    pub seccomp: String,
    /// `abi N`, the version that is applied, or `absent`.
    pub landlock: String,
    /// `masked`, or `absent` where the kernel refuses a fresh one.
    pub proc: String,
    /// Everything that is weaker here than it could be, one plain line each. Empty means nothing is.
    pub weaker: Vec<String>,
}
