//! Cgroups of the second version: one folder below one that was delegated to this process.

use std::fs;
use std::io;
use std::path::Path;

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
    if !delegated {
        own_move(parent)?;
    }
    write(&parent.join("cgroup.subtree_control"), "+memory +pids").map_err(|error| error.to_string())
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
        memory_peak: open_read(&peak).ok(),
        memory_peak_resets: false,
        pids_events: Some(open_read(&folder.join("pids.events"))?),
        cpu: Some(Cpu::V2(open_read(&folder.join("cpu.stat"))?)),
    };
    let join = vec![open_join(&folder)?];
    Ok(BoxCgroup {
        folders: vec![folder],
        join,
        counters,
        base: Counted::default(),
        cpu_us_max: u64::MAX,
        used_before: false,
    })
}

/// Sets the limits of a run.
pub fn prepare(group: &BoxCgroup, limits: &Limits) -> io::Result<()> {
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
