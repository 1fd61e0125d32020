//! Cgroups of the second version: one folder below one that was delegated to this process.

use std::fs;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;

use super::super::limits::Limits;
use super::{BoxCgroup, Counted, Counters, Cpu, open_join, open_read, write};

/// Where this process itself goes when the folder it was delegated is to hold groups: one with members of its own may not.
const OWN_NAME: &str = "proofhouse-own";

/// Makes sure that groups below `parent` count memory and processes.
pub fn enable(parent: &Path, delegated: bool) -> Result<(), String> {
    let words = |name: &str| fs::read_to_string(parent.join(name)).unwrap_or_default();
    let has = |text: &str, word: &str| text.split_ascii_whitespace().any(|one| one == word);
    let offered = words("cgroup.controllers");
    if let Some(missing) = ["memory", "pids"].into_iter().find(|name| !has(&offered, name)) {
        return Err(format!("the {missing} controller is not delegated to {}", parent.display()));
    }
    let enabled = words("cgroup.subtree_control");
    if has(&enabled, "memory") && has(&enabled, "pids") {
        return Ok(());
    }
    let switch = || write(&parent.join("cgroup.subtree_control"), "+memory +pids").map_err(|error| error.to_string());
    // Refused where the folder has members, unless it is the root of all.
    if delegated || switch().is_err() {
        if !delegated {
            own_move(parent)?;
        }
        return switch();
    }
    Ok(())
}

/// The folder that was delegated, also where this process has moved into one of its own below it.
pub fn delegated_folder(own: PathBuf) -> PathBuf {
    match own.parent() {
        Some(parent) if own.file_name().is_some_and(|name| name == OWN_NAME) => parent.to_path_buf(),
        _ => own,
    }
}

/// Moves this process into a folder of its own, if it is alone in `parent`.
fn own_move(parent: &Path) -> Result<(), String> {
    let own = std::process::id();
    let members = fs::read_to_string(parent.join("cgroup.procs")).unwrap_or_default();
    if members.lines().any(|line| line.trim() != own.to_string()) {
        return Err(format!(
            "{} has other members; start the program in a unit with Delegate=yes, or name a delegated folder",
            parent.display()
        ));
    }
    let folder = parent.join(OWN_NAME);
    match fs::create_dir(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(format!("make {}: {error}", folder.display()));
        }
        _ => {}
    }
    write(&folder.join("cgroup.procs"), own).map_err(|error| error.to_string())
}

/// Makes a group of this name.
pub fn make(parent: &Path, name: &str) -> io::Result<BoxCgroup> {
    let folder = parent.join(name);
    fs::create_dir(&folder)
        .map_err(|error| io::Error::new(error.kind(), format!("make {}: {error}", folder.display())))?;
    // Nothing of a box outlives a member that was killed for memory.
    write(&folder.join("memory.oom.group"), 1)?;
    let peak = folder.join("memory.peak");
    let counters = Counters {
        memory_events: open_read(&folder.join("memory.events"))?,
        memory_peak: OpenOptions::new().read(true).write(true).open(&peak).or_else(|_| open_read(&peak)).ok(),
        memory_peak_anew: false,
        memory_now: Some(open_read(&folder.join("memory.current"))?),
        pids_events: Some(open_read(&folder.join("pids.events"))?),
        cpu: Some(Cpu::V2(open_read(&folder.join("cpu.stat"))?)),
    };
    let join = vec![open_join(&folder.join("cgroup.procs"))?];
    Ok(BoxCgroup {
        folders: vec![folder],
        join,
        counters,
        base: Counted::default(),
        cpu_us_max: u64::MAX,
        used_before: false,
        memory_seen_bytes: AtomicU64::new(0),
    })
}

/// Sets the limits of a run.
pub fn prepare(group: &mut BoxCgroup, limits: &Limits) -> io::Result<()> {
    // Since Linux 6.12 whatever is written starts the mark anew for this open file; before, it cannot be written.
    group.counters.memory_peak_anew =
        group.counters.memory_peak.as_ref().is_some_and(|mut peak| peak.write_all(b"0").is_ok());
    for folder in &group.folders {
        write(&folder.join("memory.max"), limits.memory_bytes)?;
        let swap = folder.join("memory.swap.max");
        if swap.exists() {
            write(&swap, 0)?;
        }
        write(&folder.join("pids.max"), limits.processes)?;
    }
    Ok(())
}
