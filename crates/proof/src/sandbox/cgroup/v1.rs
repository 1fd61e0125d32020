//! Cgroups of the first version: one folder in each of the hierarchies of memory, processes and CPU time.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use super::super::limits::Limits;
use super::{BoxCgroup, Counted, Counters, Cpu, open_join, open_read, write};

/// This process's own folder in each hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hierarchies {
    pub memory: PathBuf,
    pub pids: Option<PathBuf>,
    pub cpuacct: Option<PathBuf>,
}

impl Hierarchies {
    fn folders(&self) -> Vec<&Path> {
        let mut folders: Vec<&Path> = Vec::new();
        for folder in [Some(&self.memory), self.pids.as_ref(), self.cpuacct.as_ref()].into_iter().flatten() {
            // Hierarchies may be mounted together.
            if !folders.contains(&folder.as_path()) {
                folders.push(folder);
            }
        }
        folders
    }

    /// The controllers there are.
    pub fn names(&self) -> Vec<&'static str> {
        let optional = [("pids", self.pids.is_some()), ("cpuacct", self.cpuacct.is_some())];
        ["memory"].into_iter().chain(optional.into_iter().filter(|(_, there)| *there).map(|(name, _)| name)).collect()
    }

    /// What the missing ones mean.
    pub fn weaker(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.pids.is_none() {
            lines.push("no pids cgroup: processes are bounded by a resource limit".to_owned());
        }
        if self.cpuacct.is_none() {
            lines.push(
                "no cpuacct cgroup: CPU time of the tree is known at its end only, and bounded for each process"
                    .to_owned(),
            );
        }
        lines
    }
}

/// Makes a group of this name.
pub fn make(hierarchies: &Hierarchies, name: &str) -> io::Result<BoxCgroup> {
    let mut folders: Vec<std::path::PathBuf> = Vec::new();
    for parent in hierarchies.folders() {
        let folder = parent.join(name);
        if let Err(error) = std::fs::create_dir(&folder) {
            for made in &folders {
                // Empty, and a left one only counts nothing.
                let _ = std::fs::remove_dir(made);
            }
            return Err(io::Error::new(error.kind(), format!("make {}: {error}", folder.display())));
        }
        folders.push(folder);
    }
    let memory = hierarchies.memory.join(name);
    let cpu = match &hierarchies.cpuacct {
        Some(parent) => {
            let folder = parent.join(name);
            let user = open_read(&folder.join("cpuacct.usage_user"))?;
            Some(Cpu::V1 { user, system: open_read(&folder.join("cpuacct.usage_sys"))? })
        }
        None => None,
    };
    let pids_events = hierarchies.pids.as_ref().map(|parent| open_read(&parent.join(name).join("pids.events")));
    let counters = Counters {
        memory_events: open_read(&memory.join("memory.oom_control"))?,
        memory_peak: open_read(&memory.join("memory.max_usage_in_bytes")).ok(),
        memory_peak_anew: true,
        memory_now: None,
        pids_events: pids_events.transpose()?,
        cpu,
    };
    let join = folders.iter().map(|folder| open_join(folder)).collect::<io::Result<_>>()?;
    Ok(BoxCgroup {
        folders,
        join,
        counters,
        base: Counted::default(),
        cpu_us_max: u64::MAX,
        used_before: false,
        memory_seen_bytes: AtomicU64::new(0),
    })
}

/// Sets the limits of a run and starts its peak anew.
pub fn prepare(hierarchies: &Hierarchies, group: &BoxCgroup, limits: &Limits) -> io::Result<()> {
    let folder = |parent: &Path| group.folders.iter().find(|folder| folder.parent() == Some(parent));
    if let Some(memory) = folder(&hierarchies.memory) {
        if group.used_before {
            // What the last run left is charged to nobody by this.
            write(&memory.join("memory.force_empty"), 0)?;
        }
        let swap = memory.join("memory.memsw.limit_in_bytes");
        let with_swap = swap.exists();
        if with_swap {
            write(&swap, -1)?;
        }
        write(&memory.join("memory.limit_in_bytes"), limits.memory_bytes)?;
        if with_swap {
            write(&swap, limits.memory_bytes)?;
        }
        write(&memory.join("memory.max_usage_in_bytes"), 0)?;
    }
    if let Some(pids) = hierarchies.pids.as_deref().and_then(folder) {
        write(&pids.join("pids.max"), limits.processes)?;
    }
    Ok(())
}
