//! The system calls that a program in a box may make, as a BPF filter. What is on no list does not exist (ENOSYS), what
//! has no business there is refused (EPERM): programs understand both; only a foreign instruction set kills. The other
//! walls hold without it: it keeps the kernel's rarely used, young and often broken parts out of reach.

mod permitted;
mod tree;

use std::collections::BTreeMap;

use libc::c_long;
use seccompiler::{
    SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch,
};

use permitted::{PERMITTED, PERMITTED_HERE, SETRLIMIT};
use tree::{ABSENT, ALLOW, AT_LEAST, JUMP, RETURN, Verdict};

use super::error::SandboxError;
use super::wire::Instruction;

/// Calls that are refused whatever their arguments.
const DENIED: &[c_long] = &[
    // Mounts and roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_mount_setattr,
    // Namespaces.
    libc::SYS_unshare,
    libc::SYS_setns,
    // Other processes' memory and descriptors.
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_pidfd_getfd,
    libc::SYS_kcmp,
    // Large and young parts of the kernel.
    libc::SYS_bpf,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_fanotify_init,
    libc::SYS_fanotify_mark,
    // Keys.
    libc::SYS_add_key,
    libc::SYS_keyctl,
    libc::SYS_request_key,
    // Files by number.
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    // The machine.
    libc::SYS_reboot,
    libc::SYS_kexec_load,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_syslog,
    libc::SYS_vhangup,
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_adjtimex,
    libc::SYS_clock_adjtime,
    libc::SYS_sethostname,
    libc::SYS_setdomainname,
    libc::SYS_nfsservctl,
    // Memory placement.
    libc::SYS_mbind,
    libc::SYS_set_mempolicy,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    // Memory that no resource limit counts and that outlives a process.
    libc::SYS_shmget,
    libc::SYS_msgget,
    libc::SYS_semget,
    libc::SYS_mq_open,
];

/// Calls of one architecture only, refused too.
#[cfg(target_arch = "x86_64")]
const DENIED_HERE: &[c_long] = &[
    libc::SYS_kexec_file_load,
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_modify_ldt,
    libc::SYS_uselib,
    libc::SYS_ustat,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_lookup_dcookie,
    libc::SYS_quotactl_fd,
    libc::SYS_memfd_secret,
    libc::SYS_set_mempolicy_home_node,
];
#[cfg(not(target_arch = "x86_64"))]
const DENIED_HERE: &[c_long] = &[libc::SYS_kexec_file_load, libc::SYS_lookup_dcookie, libc::SYS_quotactl_fd];

/// `clone` with any of these makes a namespace.
const CLONE_NAMESPACE_FLAGS: [libc::c_int; 7] = [
    libc::CLONE_NEWNS,
    libc::CLONE_NEWCGROUP,
    libc::CLONE_NEWUTS,
    libc::CLONE_NEWIPC,
    libc::CLONE_NEWUSER,
    libc::CLONE_NEWPID,
    libc::CLONE_NEWNET,
];
/// Requests that put characters into a terminal's input.
const TERMINAL_REQUESTS: [u64; 2] = [0x5412, 0x541C];
/// Asking, the ordinary one, and the one without address randomisation, which sanitizers take.
const PERSONALITIES: [u64; 3] = [0xffff_ffff, 0, 0x4_0000];
/// Stream and datagram, with every choice of the two flags.
const SOCKET_KINDS: [libc::c_int; 8] = {
    const BLOCK: libc::c_int = libc::SOCK_NONBLOCK;
    const EXEC: libc::c_int = libc::SOCK_CLOEXEC;
    [
        libc::SOCK_STREAM,
        libc::SOCK_STREAM | BLOCK,
        libc::SOCK_STREAM | EXEC,
        libc::SOCK_STREAM | BLOCK | EXEC,
        libc::SOCK_DGRAM,
        libc::SOCK_DGRAM | BLOCK,
        libc::SOCK_DGRAM | EXEC,
        libc::SOCK_DGRAM | BLOCK | EXEC,
    ]
};

/// What the filter depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Variant {
    /// The box has a loopback interface, so a program may list it (NETLINK_ROUTE).
    pub loopback: bool,
    /// No cgroup counts: memory that belongs to no process is refused.
    pub uncounted_memory: bool,
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// The filter's instructions.
///
/// # Errors
/// [`SandboxError::Unfit`] on an architecture that has none.
pub fn filter(variant: Variant) -> Result<Vec<Instruction>, SandboxError> {
    let unfit = |error: seccompiler::BackendError| SandboxError::Unfit {
        what: format!("the system call filter cannot be built: {error}"),
        remedy: "x86_64 and aarch64 are supported".into(),
    };
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(unfit)?;
    let (ignored, refused) = (ignored_rules().map_err(unfit)?, refused_rules(variant).map_err(unfit)?);
    let verdicts = verdicts(variant, ignored.keys().chain(refused.keys()));
    let ignored = filter_of(ignored, 0, arch).map_err(unfit)?;
    let refused = filter_of(refused, libc::EPERM, arch).map_err(unfit)?;
    let mut program = prelude();
    program.extend(tree::decision(&verdicts));
    program.extend(joined(ignored, refused));
    Ok(program)
}

/// What each number says by itself: those in `judged` go on to the rules. `clone3` is on no list: the C library takes
/// another way around when it does not exist.
fn verdicts<'a>(variant: Variant, judged: impl Iterator<Item = &'a i64>) -> BTreeMap<u32, Verdict> {
    let permitted = PERMITTED.iter().chain(PERMITTED_HERE).map(|call| (call, Verdict::Allowed));
    let uncounted: &[c_long] = if variant.uncounted_memory { &[libc::SYS_memfd_create] } else { &[] };
    let denied = DENIED.iter().chain(DENIED_HERE).chain(uncounted).map(|call| (call, Verdict::Refused));
    let judged = judged.map(|call| (call, Verdict::Judged));
    let all = permitted.chain(denied).chain(judged);
    all.filter_map(|(&call, verdict)| Some((u32::try_from(call).ok()?, verdict))).collect()
}

fn filter_of(rules: Rules, errno: i32, arch: TargetArch) -> Result<Vec<Instruction>, seccompiler::BackendError> {
    let action = SeccompAction::Errno(errno as u32);
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, action, arch)?;
    let program: seccompiler::BpfProgram = filter.try_into()?;
    Ok(program.iter().map(|one| Instruction { code: one.code, jt: one.jt, jf: one.jf, k: one.k }).collect())
}

/// Runs `first`, and `second` where `first` allows: its only return of ALLOW becomes a jump there.
fn joined(mut first: Vec<Instruction>, second: Vec<Instruction>) -> Vec<Instruction> {
    let length = first.len();
    for (at, one) in first.iter_mut().enumerate() {
        if *one == ALLOW {
            *one = Instruction { code: JUMP, jt: 0, jf: 0, k: (length - at - 1) as u32 };
        }
    }
    first.extend(second);
    first
}

/// Ends a process that calls by another architecture's numbers, and loads the number. On x86_64 the same architecture word
/// also stands for the x32 calls, whose numbers no list knows: none exist here.
fn prelude() -> Vec<Instruction> {
    const LOAD: u16 = 0x20;
    const EQUAL: u16 = 0x15;
    const X32_BIT: u32 = 0x4000_0000;
    const ARCH_WORD: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };
    let load = |offset| Instruction { code: LOAD, jt: 0, jf: 0, k: offset };
    let mut program = vec![
        load(4),
        Instruction { code: EQUAL, jt: 1, jf: 0, k: ARCH_WORD },
        Instruction { code: RETURN, jt: 0, jf: 0, k: 0x8000_0000 },
        load(0),
    ];
    if cfg!(target_arch = "x86_64") {
        program.extend([Instruction { code: AT_LEAST, jt: 0, jf: 1, k: X32_BIT }, ABSENT]);
    }
    program
}

/// Calls that are refused for some of their arguments.
fn refused_rules(variant: Variant) -> Result<Rules, seccompiler::BackendError> {
    let mut rules = Rules::new();
    let mut clone = Vec::new();
    for flag in CLONE_NAMESPACE_FLAGS {
        let flag = u64::from(flag as u32);
        clone.push(SeccompRule::new(vec![SeccompCondition::new(0, Len::Qword, Op::MaskedEq(flag), flag)?])?);
    }
    rules.insert(libc::SYS_clone, clone);
    let mut ioctl = Vec::new();
    for request in TERMINAL_REQUESTS {
        ioctl.push(SeccompRule::new(vec![SeccompCondition::new(1, Len::Dword, Op::Eq, request)?])?);
    }
    rules.insert(libc::SYS_ioctl, ioctl);
    rules.insert(libc::SYS_prlimit64, limit_rules()?);
    let core = SeccompCondition::new(0, Len::Dword, Op::Eq, u64::from(libc::RLIMIT_CORE))?;
    rules.insert(SETRLIMIT, vec![SeccompRule::new(vec![core])?]);
    scheduling_rules(&mut rules)?;
    let personas = PERSONALITIES.iter().map(|&persona| not(0, persona)).collect::<Result<Vec<_>, _>>()?;
    rules.insert(libc::SYS_personality, vec![SeccompRule::new(personas)?]);
    rules.insert(libc::SYS_socket, socket_rules(variant)?);
    rules.insert(libc::SYS_socketpair, vec![SeccompRule::new(vec![not(0, libc::AF_UNIX as u64)?])?]);
    Ok(rules)
}

/// Calls that are answered as done and are not: sanitizers end themselves if they cannot forbid cores, which the limit
/// of the box forbids already, and better than theirs would.
fn ignored_rules() -> Result<Rules, seccompiler::BackendError> {
    let is = |argument, value| SeccompCondition::new(argument, Len::Qword, Op::Eq, value);
    let core = u64::from(libc::RLIMIT_CORE);
    let setting = SeccompCondition::new(2, Len::Qword, Op::Ne, 0)?;
    // Who asks for the old value at once is refused instead: it would have to be written.
    let by_number = SeccompRule::new(vec![is(0, 0)?, is(1, core)?, setting, is(3, 0)?])?;
    let mut rules = Rules::from([(libc::SYS_prlimit64, vec![by_number])]);
    rules.insert(SETRLIMIT, vec![SeccompRule::new(vec![is(0, core)?])?]);
    Ok(rules)
}

fn not(argument: u8, value: u64) -> Result<SeccompCondition, seccompiler::BackendError> {
    SeccompCondition::new(argument, Len::Dword, Op::Ne, value)
}

/// Pid 1 may have the program's user, who could otherwise take the processor from it.
fn scheduling_rules(rules: &mut Rules) -> Result<(), seccompiler::BackendError> {
    const INIT: u64 = 1;
    let is = |argument, value| SeccompCondition::new(argument, Len::Dword, Op::Eq, value);
    let by_process =
        [libc::SYS_sched_setscheduler, libc::SYS_sched_setparam, libc::SYS_sched_setattr, libc::SYS_sched_setaffinity];
    for call in by_process {
        rules.insert(call, vec![SeccompRule::new(vec![is(0, INIT)?])?]);
    }
    // PRIO_USER and IOPRIO_WHO_USER: everyone of this user.
    for (call, everyone) in [(libc::SYS_setpriority, 2), (libc::SYS_ioprio_set, 3)] {
        rules.insert(call, vec![SeccompRule::new(vec![is(1, INIT)?])?, SeccompRule::new(vec![is(0, everyone)?])?]);
    }
    Ok(())
}

/// Limits of other processes (pid 1 may have the program's user), and the one on cores, stay as they are.
fn limit_rules() -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let core = SeccompCondition::new(1, Len::Dword, Op::Eq, u64::from(libc::RLIMIT_CORE))?;
    let setting = SeccompCondition::new(2, Len::Qword, Op::Ne, 0)?;
    Ok(vec![SeccompRule::new(vec![not(0, 0)?])?, SeccompRule::new(vec![core, setting])?])
}

/// UNIX, INET and INET6 stream and datagram sockets of the ordinary protocols, and listing interfaces where there is
/// one. Everything else would load or reach rarely used kernel code.
fn socket_rules(variant: Variant) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let (unix, inet, inet6, netlink) =
        (libc::AF_UNIX as u64, libc::AF_INET as u64, libc::AF_INET6 as u64, libc::AF_NETLINK as u64);
    let mut families = vec![unix, inet, inet6];
    families.extend(variant.loopback.then_some(netlink));
    let mut rules = vec![SeccompRule::new(families.iter().map(|&family| not(0, family)).collect::<Result<_, _>>()?)?];
    for family in [inet, inet6] {
        let is = || SeccompCondition::new(0, Len::Dword, Op::Eq, family);
        let kinds = SOCKET_KINDS.iter().map(|&kind| not(1, kind as u64)).collect::<Result<Vec<_>, _>>()?;
        rules.push(SeccompRule::new(std::iter::once(is()?).chain(kinds).collect())?);
        let protocols = [0, libc::IPPROTO_TCP as u64, libc::IPPROTO_UDP as u64];
        let others = protocols.iter().map(|&protocol| not(2, protocol)).collect::<Result<Vec<_>, _>>()?;
        rules.push(SeccompRule::new(std::iter::once(is()?).chain(others).collect())?);
    }
    if variant.loopback {
        let is = SeccompCondition::new(0, Len::Dword, Op::Eq, netlink)?;
        rules.push(SeccompRule::new(vec![is, not(2, libc::NETLINK_ROUTE as u64)?])?);
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_on_the_list_it_belongs_to() {
        for uncounted_memory in [false, true] {
            let variant = Variant { loopback: false, uncounted_memory };
            let (ignored, refused) = (ignored_rules().unwrap(), refused_rules(variant).unwrap());
            let verdicts = verdicts(variant, ignored.keys().chain(refused.keys()));
            let verdict = |call: c_long| verdicts.get(&(call as u32)).copied().unwrap_or(Verdict::Absent);
            assert_eq!([libc::SYS_read, libc::SYS_openat].map(verdict), [Verdict::Allowed; 2]);
            assert_eq!([libc::SYS_mount, libc::SYS_bpf].map(verdict), [Verdict::Refused; 2]);
            assert_eq!([libc::SYS_clone, libc::SYS_socket, SETRLIMIT].map(verdict), [Verdict::Judged; 3]);
            assert_eq!(
                [libc::SYS_clone3, libc::SYS_io_submit, libc::SYS_sync, 4_000].map(verdict),
                [Verdict::Absent; 4]
            );
            let memory = if uncounted_memory { Verdict::Refused } else { Verdict::Allowed };
            assert_eq!(verdict(libc::SYS_memfd_create), memory);
        }
    }

    #[test]
    fn every_variant_fits_the_kernels_bound() {
        const INSTRUCTIONS_MAX: usize = 4_096;
        for loopback in [false, true] {
            for uncounted_memory in [false, true] {
                let program = filter(Variant { loopback, uncounted_memory }).unwrap();
                assert!(program.len() < INSTRUCTIONS_MAX, "{}", program.len());
            }
        }
    }
}
