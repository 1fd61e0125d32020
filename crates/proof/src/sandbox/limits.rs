//! Every number that bounds a box: what a run gets when nothing is said, and what no run may exceed.
//! Holds numbers and their clamping only; enforcing them is the work of `init` and `launch`.

use serde::{Deserialize, Serialize};

/// Wall time of a run when nothing is said, in milliseconds.
pub const WALL_MS_DEFAULT: u64 = 20_000;
/// The longest wall time a run may ask for, in milliseconds.
pub const WALL_MS_MAX: u64 = 1_800_000;
/// CPU time of the whole process tree when nothing is said, in milliseconds.
pub const CPU_MS_DEFAULT: u64 = 20_000;
/// The most CPU time a run may ask for, in milliseconds.
pub const CPU_MS_MAX: u64 = 3_600_000;
/// Memory of the whole process tree when nothing is said, in bytes.
pub const MEMORY_BYTES_DEFAULT: u64 = 512 << 20;
/// The least memory a run may ask for, in bytes: below it the dynamic loader itself dies.
pub const MEMORY_BYTES_MIN: u64 = 8 << 20;
/// The most memory a run may ask for, in bytes. What is written to the box is part of it.
pub const MEMORY_BYTES_MAX: u64 = 16 << 30;
/// Processes and threads, counted together, when nothing is said. A Node.js process alone has about a dozen threads.
pub const PROCESSES_DEFAULT: u32 = 64;
/// The most processes and threads a run may ask for.
pub const PROCESSES_MAX: u32 = 1_024;
/// Files and folders in the box when nothing is said.
pub const FILES_DEFAULT: u32 = 4_096;
/// The most files and folders a box may be given.
pub const FILES_MAX: u32 = 262_144;
/// Open files of one process when nothing is said.
pub const OPEN_FILES_DEFAULT: u32 = 256;
/// The most open files a process may be given.
pub const OPEN_FILES_MAX: u32 = 4_096;
/// Bytes in the box and its `/tmp` together when nothing is said.
pub const DISK_BYTES_DEFAULT: u64 = 64 << 20;
/// The most bytes a box and its `/tmp` may be given. They live in memory.
pub const DISK_BYTES_MAX: u64 = 8 << 30;
/// Bytes kept of standard output, and as many of standard error, when nothing is said.
pub const OUTPUT_BYTES_DEFAULT: u64 = 256 << 10;
/// The most bytes that may be kept of each of the two.
pub const OUTPUT_BYTES_MAX: u64 = 16 << 20;
/// Bytes of standard output and standard error together that are read, counted and thrown away before the run is
/// ended for [`super::Limit::Output`], when nothing is said.
pub const DRAIN_BYTES_DEFAULT: u64 = 16 << 20;
/// The most bytes that may be drained.
pub const DRAIN_BYTES_MAX: u64 = 1 << 30;
/// Bytes that a program may write to its report channel (descriptor 4). More ends the run for [`super::Limit::Channel`].
pub const CHANNEL_OUT_BYTES_MAX: u64 = 256 << 10;
/// Bytes that may be given to a program on descriptor 3.
pub const CHANNEL_IN_BYTES_MAX: u64 = 64 << 20;
/// Bytes of all placed files of one run together.
pub const PLACED_BYTES_MAX: u64 = 64 << 20;
/// Bytes that are copied out of a box into memory after the run.
pub const COPY_OUT_BYTES_MAX: u64 = 256 << 20;
/// How long a folder may take to be written to the host after the run, in milliseconds.
pub const FOLDER_OUT_MS_MAX: u64 = 300_000;
/// Bytes of one name, its folders included, in a folder that is written to the host.
pub const FOLDER_OUT_PATH_BYTES_MAX: u32 = 2_048;
/// Folders below each other that a copy-out or an unpacking enters.
pub const TREE_DEPTH_MAX: u32 = 64;
/// Wall time of one unpacking, milliseconds.
pub const UNPACK_WALL_MS: u64 = 60_000;
/// CPU time of one unpacking, milliseconds.
pub const UNPACK_CPU_MS: u64 = 60_000;
/// Memory of the unpacking worker, bytes: a zstd window and its tables.
pub const UNPACK_MEMORY_BYTES: u64 = 512 << 20;
/// How often the watch looks at the tree's CPU time and memory, in milliseconds.
pub const WATCH_PERIOD_MS: u64 = 15;
/// How long after its wall time a run may take to be wound up before the parent kills the init itself, in milliseconds.
pub const WALL_GRACE_MS: u64 = 3_000;
/// Time to take in what is left in the pipes of a box that has ended, milliseconds.
pub const REST_MS_MAX: u64 = 60_000;
/// How long building a box may take before it is given up, in milliseconds.
pub const SET_UP_MS_MAX: u64 = 10_000;
/// Cgroups kept ready between runs; more runs at once than this make their own and remove them.
pub const CGROUPS_READY_COUNT_MAX: usize = 8;
/// Bytes of message queues a user of the box may hold (RLIMIT_MSGQUEUE).
pub const MESSAGE_QUEUE_BYTES_MAX: u64 = 64 << 10;
/// Bytes of locked memory of one process (RLIMIT_MEMLOCK).
pub const LOCKED_BYTES_MAX: u64 = 1 << 20;
/// Bytes of the main thread's stack (RLIMIT_STACK).
pub const STACK_BYTES_MAX: u64 = 8 << 20;
/// Bytes of private writable address space allowed beyond twice the memory limit where no memory cgroup exists
/// (RLIMIT_DATA): run-times reserve more than they touch.
pub const DATA_SLACK_BYTES: u64 = 256 << 20;

/// What one run may use. Every field is clamped to its maximum by [`Limits::clamped`] before it is applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Wall time from the program's start to its end, milliseconds.
    pub wall_ms: u64,
    /// CPU time, user and system, of the whole process tree, milliseconds.
    pub cpu_ms: u64,
    /// Memory of the whole process tree, bytes, what it writes to the box included.
    pub memory_bytes: u64,
    /// Processes and threads alive at once.
    pub processes: u32,
    /// Files and folders in the box and its `/tmp`.
    pub files: u32,
    /// Open files of one process.
    pub open_files: u32,
    /// Bytes in the box and its `/tmp`.
    pub disk_bytes: u64,
    /// Bytes kept of standard output, and as many of standard error; the rest is counted.
    pub output_bytes: u64,
    /// Bytes of output, kept or not, after which the run is ended.
    pub drain_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            wall_ms: WALL_MS_DEFAULT,
            cpu_ms: CPU_MS_DEFAULT,
            memory_bytes: MEMORY_BYTES_DEFAULT,
            processes: PROCESSES_DEFAULT,
            files: FILES_DEFAULT,
            open_files: OPEN_FILES_DEFAULT,
            disk_bytes: DISK_BYTES_DEFAULT,
            output_bytes: OUTPUT_BYTES_DEFAULT,
            drain_bytes: DRAIN_BYTES_DEFAULT,
        }
    }
}

impl Limits {
    /// The same limits, none above its maximum and none below what a program needs to start at all.
    pub fn clamped(self) -> Self {
        Self {
            wall_ms: self.wall_ms.clamp(1, WALL_MS_MAX),
            cpu_ms: self.cpu_ms.clamp(1, CPU_MS_MAX),
            memory_bytes: self.memory_bytes.clamp(MEMORY_BYTES_MIN, MEMORY_BYTES_MAX),
            processes: self.processes.clamp(1, PROCESSES_MAX),
            files: self.files.clamp(16, FILES_MAX),
            open_files: self.open_files.clamp(16, OPEN_FILES_MAX),
            disk_bytes: self.disk_bytes.clamp(64 << 10, DISK_BYTES_MAX),
            output_bytes: self.output_bytes.min(OUTPUT_BYTES_MAX),
            drain_bytes: self.drain_bytes.clamp(1, DRAIN_BYTES_MAX).max(self.output_bytes.min(OUTPUT_BYTES_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asking_for_more_than_the_maximum_gives_the_maximum() {
        let greedy = Limits {
            wall_ms: u64::MAX,
            cpu_ms: u64::MAX,
            memory_bytes: u64::MAX,
            processes: u32::MAX,
            files: u32::MAX,
            open_files: u32::MAX,
            disk_bytes: u64::MAX,
            output_bytes: u64::MAX,
            drain_bytes: u64::MAX,
        };
        let clamped = greedy.clamped();
        assert_eq!(clamped.wall_ms, WALL_MS_MAX);
        assert_eq!(clamped.memory_bytes, MEMORY_BYTES_MAX);
        assert_eq!(clamped.drain_bytes, DRAIN_BYTES_MAX);
        assert_eq!(clamped.clamped(), clamped);
        assert_eq!(Limits::default().clamped(), Limits::default());
    }
}
