//! Takes away: resource limits, groups, users, capabilities, the file system beyond the box, system calls.
//! Gives nothing; the order of the calls matters and is explained at each.

use std::io;
use std::os::fd::OwnedFd;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use nix::sched::{CloneFlags, unshare};
use nix::sys::resource::{Resource, rlim_t, setrlimit};
use nix::unistd::{Gid, Uid};

use super::super::limits::{DATA_SLACK_BYTES, LOCKED_BYTES_MAX, MESSAGE_QUEUE_BYTES_MAX, STACK_BYTES_MAX};
use super::super::sys;
use super::super::wire::{Caller, Instruction, Order};
use super::{Failed, PROGRAM_ID, Step};

/// Capability numbers that pid 1 keeps in the box's own user namespace, all without force outside it.
const CAP_DAC_READ_SEARCH: u64 = 2;
const CAP_KILL: u64 = 5;
const CAP_SYS_PTRACE: u64 = 19;
/// The size of a core file that the kernel takes as "write none", also where cores are piped to a program on the
/// host: 0 would still start that program on a hostile core.
const CORE_BYTES_NONE: rlim_t = 1;
/// Processes of the box that run as the program's user where the caller is an ordinary user: the outer one and pid 1.
const OWN_PROCESSES: u32 = 2;

/// What the program's process loses before it becomes the program.
pub fn program_drop(order: &Order, cgroups: &[OwnedFd]) -> Result<(), Failed> {
    for cgroup in cgroups {
        nix::unistd::write(cgroup, b"0").step("join the cgroup")?;
    }
    // After joining, so that the program sees its own group as the root of all.
    unshare(CloneFlags::CLONE_NEWCGROUP).step("make the cgroup namespace")?;
    resource_limits(order)?;
    // The bounding set needs a capability to be emptied, so it goes first; the capabilities themselves go last.
    sys::capabilities_bound().step("empty the capability bounding set")?;
    if matches!(order.caller, Caller::Root { .. }) {
        nix::unistd::setgroups(&[]).step("drop the supplementary groups")?;
        let (uid, gid) = (Uid::from_raw(PROGRAM_ID), Gid::from_raw(PROGRAM_ID));
        nix::unistd::setresgid(gid, gid, gid).step("become the program's group")?;
        nix::unistd::setresuid(uid, uid, uid).step("become the program's user")?;
    }
    nix::sys::prctl::set_no_new_privs().step("forbid new privileges")?;
    if let Some(abi) = order.landlock {
        landlock_restrict(order, abi)?;
    }
    sys::capabilities_keep(0).step("drop the capabilities")?;
    seccomp_install(&order.seccomp)
}

/// What pid 1 loses once the program's process exists.
pub fn first_process_drop(order: &Order) -> Result<(), Failed> {
    let _ = nix::sys::prctl::set_dumpable(false);
    let keep = (1 << CAP_DAC_READ_SEARCH) | (1 << CAP_KILL) | (1 << CAP_SYS_PTRACE);
    sys::capabilities_keep(keep).step("drop pid 1's capabilities")?;
    nix::sys::prctl::set_no_new_privs().step("forbid pid 1 new privileges")?;
    seccomp_install(&order.seccomp)
}

fn resource_limits(order: &Order) -> Result<(), Failed> {
    let limits = order.limits;
    let own = if matches!(order.caller, Caller::Root { .. }) { 0 } else { OWN_PROCESSES };
    // The kernel holds a process that is about to be against this limit before it asks the cgroup, which alone tells us what
    // it refused. Each process can have one such on the way.
    let on_the_way = if order.processes_counted { limits.processes } else { 0 };
    let processes = limits.processes.saturating_add(on_the_way).saturating_add(own).saturating_add(1);
    let seconds = limits.cpu_ms.div_ceil(1_000).saturating_add(1);
    let mut table = vec![
        // One more than allowed, so that whoever counts can tell who went over from who stayed just within.
        (Resource::RLIMIT_NPROC, rlim_t::from(processes), "processes"),
        (Resource::RLIMIT_NOFILE, rlim_t::from(limits.open_files), "open files"),
        (Resource::RLIMIT_FSIZE, limits.disk_bytes, "file size"),
        (Resource::RLIMIT_CORE, CORE_BYTES_NONE, "core size"),
        (Resource::RLIMIT_CPU, seconds, "CPU seconds"),
        (Resource::RLIMIT_MEMLOCK, LOCKED_BYTES_MAX, "locked memory"),
        (Resource::RLIMIT_MSGQUEUE, MESSAGE_QUEUE_BYTES_MAX, "message queues"),
        (Resource::RLIMIT_STACK, STACK_BYTES_MAX, "stack"),
        (Resource::RLIMIT_NICE, 0, "priority"),
        (Resource::RLIMIT_RTPRIO, 0, "real-time priority"),
        (Resource::RLIMIT_SIGPENDING, rlim_t::from(limits.processes.saturating_mul(4)), "pending signals"),
    ];
    if order.uncounted && !order.vast_address_space {
        table.push((
            Resource::RLIMIT_DATA,
            limits.memory_bytes.saturating_mul(2).saturating_add(DATA_SLACK_BYTES),
            "data",
        ));
    }
    for (resource, most, name) in table {
        // A caller that is bounded lower already keeps its own bound: raising it would need a right.
        let (_, hard) = nix::sys::resource::getrlimit(resource).step(format!("read the limit of {name}"))?;
        let most = most.min(hard);
        setrlimit(resource, most, most).step(format!("limit {name}"))?;
    }
    Ok(())
}

fn landlock_restrict(order: &Order, abi: u32) -> Result<(), Failed> {
    let abi = match abi {
        1 => ABI::V1,
        2 => ABI::V2,
        3 => ABI::V3,
        4 => ABI::V4,
        5 => ABI::V5,
        _ => ABI::V6,
    };
    let rules = || -> Result<(), Box<dyn std::error::Error>> {
        let mut ruleset =
            Ruleset::default().set_compatibility(CompatLevel::BestEffort).handle_access(AccessFs::from_all(abi))?;
        // The crate refuses to be asked for nothing, which is what older versions know of these.
        if abi >= ABI::V6 {
            ruleset = ruleset.scope(Scope::from_all(abi))?;
        }
        if abi >= ABI::V4 && !order.loopback {
            ruleset = ruleset.handle_access(AccessNet::from_all(abi))?;
        }
        let mut ruleset = ruleset.create()?.add_rule(PathBeneath::new(PathFd::new("/")?, AccessFs::from_read(abi)))?;
        for writable in [order.box_dir.as_str(), "/tmp"] {
            ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new(writable)?, AccessFs::from_all(abi)))?;
        }
        let write = AccessFs::WriteFile | AccessFs::ReadFile;
        ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new("/dev/null")?, write))?;
        for device in ["/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"] {
            ruleset = ruleset.add_rule(PathBeneath::new(PathFd::new(device)?, write))?;
        }
        ruleset.restrict_self()?;
        Ok(())
    };
    rules().map_err(|error| io::Error::other(error.to_string())).step("apply Landlock")
}

fn seccomp_install(filter: &[Instruction]) -> Result<(), Failed> {
    let program: seccompiler::BpfProgram = filter
        .iter()
        .map(|one| seccompiler::sock_filter { code: one.code, jt: one.jt, jf: one.jf, k: one.k })
        .collect();
    seccompiler::apply_filter(&program).map_err(|error| io::Error::other(error.to_string())).step("install the filter")
}
