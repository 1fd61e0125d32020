//! Cgroups that count and bound a box, kept in a pool: making a fresh one costs more than a whole run. Must not be
//! told what runs in them; must not touch a group that it has not made.

mod place;
mod v1;
mod v2;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::error::SandboxError;
use super::limits::{CGROUPS_READY_COUNT_MAX, Limits};
use super::outcome::Limit;

/// How groups of ours are named, before the process and a number.
const NAME_PREFIX: &str = "proofhouse-box-";
/// How many names that are taken are passed over before making a group fails.
const NAMES_TAKEN_COUNT_MAX: u32 = 1_000;
/// The most bytes of a control file that is read.
const CONTROL_BYTES_MAX: usize = 4_096;

/// Where groups can be made.
#[derive(Debug)]
enum Place {
    V1(v1::Hierarchies),
    V2(PathBuf),
    Nowhere(String),
}

/// One group for one box, in every hierarchy that counts.
#[derive(Debug)]
pub struct BoxCgroup {
    folders: Vec<PathBuf>,
    join: Vec<OwnedFd>,
    counters: Counters,
    base: Counted,
    cpu_us_max: u64,
    used_before: bool,
    /// The most memory that a look at `limit_hit` has found.
    memory_seen_bytes: AtomicU64,
}

/// Open files that the kernel's counts are read from.
#[derive(Debug)]
struct Counters {
    /// Holds a line `oom_kill N`.
    memory_events: File,
    memory_peak: Option<File>,
    /// Whether the peak could be started anew for this run. Otherwise only a first run's is its own.
    memory_peak_anew: bool,
    memory_now: Option<File>,
    /// Holds a line `max N`.
    pids_events: Option<File>,
    cpu: Option<Cpu>,
}

#[derive(Debug)]
enum Cpu {
    /// Two files of nanoseconds.
    V1 { user: File, system: File },
    /// Lines `user_usec N` and `system_usec N`.
    V2(File),
}

/// What the counters said when a run began.
#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    out_of_memory: u64,
    over_processes: u64,
    cpu_us: (u64, u64),
}

impl BoxCgroup {
    /// What a process writes `0` to in order to join.
    pub fn join_descriptors(&self) -> impl Iterator<Item = &OwnedFd> {
        self.join.iter()
    }

    /// The limit that its members have hit since the run began.
    pub fn limit_hit(&self) -> Option<Limit> {
        let now = self.counters.read();
        let held_bytes = self.counters.memory_now.as_ref().and_then(|file| read(file).trim().parse().ok()).unwrap_or(0);
        self.memory_seen_bytes.fetch_max(held_bytes, Ordering::Relaxed);
        let (user, system) = self.cpu_us().unwrap_or_default();
        // Forks that are refused are charged until the kernel has tidied up: a fork bomb may run out of memory, too, before
        // anybody looks, and what it met first is the limit of processes.
        if now.over_processes > self.base.over_processes {
            Some(Limit::Processes)
        } else if now.out_of_memory > self.base.out_of_memory {
            Some(Limit::Memory)
        } else if user.saturating_add(system) > self.cpu_us_max {
            Some(Limit::Cpu)
        } else {
            None
        }
    }

    /// Most memory held at once: the kernel's mark where it is of this run alone, or else the most that was seen.
    pub fn memory_peak_bytes(&self) -> Option<u64> {
        let own = self.counters.memory_peak_anew || !self.used_before;
        let mark = self.counters.memory_peak.as_ref().filter(|_| own).and_then(|file| read(file).trim().parse().ok());
        mark.or_else(|| Some(self.memory_seen_bytes.load(Ordering::Relaxed)).filter(|&bytes| bytes > 0))
    }

    /// CPU time since the run began, user and system, microseconds.
    pub fn cpu_us(&self) -> Option<(u64, u64)> {
        let (user, system) = self.counters.cpu.as_ref()?.read_us();
        Some((user.saturating_sub(self.base.cpu_us.0), system.saturating_sub(self.base.cpu_us.1)))
    }

    fn is_empty(&self) -> bool {
        self.folders
            .iter()
            .all(|folder| fs::read_to_string(folder.join("cgroup.procs")).is_ok_and(|text| text.is_empty()))
    }

    fn remove(self) {
        let Self { folders, join, counters, .. } = self;
        drop((join, counters));
        for folder in folders {
            // A group with a member left stays, and is found by the next process that starts here.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Counters {
    fn read(&self) -> Counted {
        Counted {
            out_of_memory: line_value(&read(&self.memory_events), "oom_kill"),
            over_processes: self.pids_events.as_ref().map_or(0, |file| line_value(&read(file), "max")),
            cpu_us: self.cpu.as_ref().map_or((0, 0), Cpu::read_us),
        }
    }
}

impl Cpu {
    fn read_us(&self) -> (u64, u64) {
        match self {
            Cpu::V1 { user, system } => {
                let us = |file| read(file).trim().parse::<u64>().unwrap_or(0) / 1_000;
                (us(user), us(system))
            }
            Cpu::V2(stat) => {
                let text = read(stat);
                (line_value(&text, "user_usec"), line_value(&text, "system_usec"))
            }
        }
    }
}

/// Reads a control file from its beginning.
fn read(file: &File) -> String {
    let mut buffer = [0; CONTROL_BYTES_MAX];
    let count = file.read_at(&mut buffer, 0).unwrap_or(0);
    String::from_utf8_lossy(buffer.get(..count).unwrap_or_default()).into_owned()
}

/// The number on the line that begins with this word.
fn line_value(text: &str, name: &str) -> u64 {
    text.lines()
        .find_map(|line| line.split_once(' ').filter(|(key, _)| *key == name))
        .and_then(|(_, value)| value.trim().parse().ok())
        .unwrap_or(0)
}

fn write(path: &Path, value: impl ToString) -> io::Result<()> {
    let failed = |error: io::Error| io::Error::new(error.kind(), format!("write {}: {error}", path.display()));
    fs::write(path, value.to_string()).map_err(failed)
}

fn open_read(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|error| io::Error::new(error.kind(), format!("open {}: {error}", path.display())))
}

fn open_join(file: &Path) -> io::Result<OwnedFd> {
    Ok(OpenOptions::new().write(true).open(file)?.into())
}

/// Groups kept ready between runs.
#[derive(Debug)]
pub struct Pool {
    place: Place,
    free: Mutex<Vec<BoxCgroup>>,
    next: AtomicU64,
}

/// What one run is lent: a group, or none where there are none. It goes back to the pool by itself.
#[derive(Debug)]
pub struct Lease<'a> {
    pool: &'a Pool,
    group: Option<BoxCgroup>,
}

impl Lease<'_> {
    /// The group.
    pub fn group(&self) -> Option<&BoxCgroup> {
        self.group.as_ref()
    }
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if let Some(group) = self.group.take() {
            self.pool.give_back(group);
        }
    }
}

impl Pool {
    /// Finds where groups can be made, and makes the first.
    pub fn find(config: &super::SandboxConfig) -> Self {
        let place = if config.without_cgroups {
            Place::Nowhere("they were not wanted".to_owned())
        } else {
            place::find(config.cgroup_v2_parent.as_deref())
        };
        let mut pool = Self { place, free: Mutex::new(Vec::new()), next: AtomicU64::new(0) };
        match pool.make() {
            Ok(Some(group)) => pool.give_back(group),
            Ok(None) => {}
            Err(error) => pool.place = Place::Nowhere(format!("none can be made: {error}")),
        }
        pool
    }

    /// Whether groups count and bound the boxes.
    pub fn counts(&self) -> bool {
        !matches!(self.place, Place::Nowhere(_))
    }

    /// Whether the kernel refuses a process too many by the groups, and counts that.
    pub fn counts_processes(&self) -> bool {
        match &self.place {
            Place::V1(hierarchies) => hierarchies.pids.is_some(),
            Place::V2(_) => true,
            Place::Nowhere(_) => false,
        }
    }

    /// Lends a group with these limits to one run; none where there are no cgroups, which `walls` says.
    pub fn take(&self, limits: &Limits) -> Result<Lease<'_>, SandboxError> {
        let failed = SandboxError::io("prepare a cgroup for the sandbox");
        let ready = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let group = match ready {
            Some(group) => Some(group),
            None => self.make().map_err(SandboxError::io("make a cgroup for the sandbox"))?,
        };
        let Some(mut group) = group else { return Ok(Lease { pool: self, group: None }) };
        let prepared = match &self.place {
            Place::V1(hierarchies) => v1::prepare(hierarchies, &group, limits),
            Place::V2(_) => v2::prepare(&mut group, limits),
            Place::Nowhere(_) => Ok(()),
        };
        if let Err(error) = prepared {
            group.remove();
            return Err(failed(error));
        }
        group.base = group.counters.read();
        group.memory_seen_bytes = AtomicU64::new(0);
        group.cpu_us_max = limits.cpu_ms.saturating_mul(1_000);
        Ok(Lease { pool: self, group: Some(group) })
    }

    /// Makes one of a name of its own. A process of the same number that was killed may have left some.
    fn make(&self) -> io::Result<Option<BoxCgroup>> {
        let mut tries = NAMES_TAKEN_COUNT_MAX;
        loop {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            let name = format!("{NAME_PREFIX}{}-{number}", std::process::id());
            let made = match &self.place {
                Place::V1(hierarchies) => v1::make(hierarchies, &name),
                Place::V2(parent) => v2::make(parent, &name),
                Place::Nowhere(_) => return Ok(None),
            };
            match made {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries > 0 => tries -= 1,
                made => return made.map(Some),
            }
        }
    }

    fn give_back(&self, mut group: BoxCgroup) {
        group.used_before = true;
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        if group.is_empty() && free.len() < CGROUPS_READY_COUNT_MAX {
            free.push(group);
        } else {
            drop(free);
            group.remove();
        }
    }

    /// What counts, in words.
    pub fn describe(&self) -> String {
        match &self.place {
            Place::V1(hierarchies) => format!("cgroup-v1 ({})", hierarchies.names().join(", ")),
            Place::V2(_) => "cgroup-v2 (memory, pids, cpu)".to_owned(),
            Place::Nowhere(_) => "watch".to_owned(),
        }
    }

    /// What is weaker without.
    pub fn weaker(&self) -> Vec<String> {
        match &self.place {
            Place::V1(hierarchies) => hierarchies.weaker(),
            Place::V2(_) => Vec::new(),
            Place::Nowhere(why) => vec![format!(
                "no cgroups ({why}): memory, CPU and processes are added up by polling and held by resource limits, \
                 so a program may exceed them for some milliseconds, and kernel memory is bounded only by the number \
                 of open files and processes"
            )],
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for group in self.free.get_mut().unwrap_or_else(PoisonError::into_inner).drain(..) {
            group.remove();
        }
    }
}
