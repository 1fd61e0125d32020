//! The system calls of the sandbox that no safe wrapper has. Nothing here decides anything: one call, one function.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use nix::unistd::{ForkResult, Pid};

/// Every capability the kernel may know: version 3 of the header holds 64.
const CAPABILITY_HEADER_V3: u32 = 0x2008_0522;
/// The highest number tried when dropping the bounding set; the kernel answers EINVAL past its own last.
const CAPABILITY_LAST_TRIED: libc::c_ulong = 63;

/// Mount attributes, as `mount_setattr` names them.
pub const ATTR_RDONLY: u64 = 0x1;
pub const ATTR_NOSUID: u64 = 0x2;
pub const ATTR_NODEV: u64 = 0x4;
pub const ATTR_NOEXEC: u64 = 0x8;

#[repr(C)]
struct MountAttr {
    set: u64,
    clear: u64,
    propagation: u64,
    userns_fd: u64,
}

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    let fd = RawFd::try_from(check(result)?).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else knows its number.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Forks. Only ever called in the re-executed init, which has one thread.
pub fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: the init never starts a thread, so the child may do whatever the parent could.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Parent { child } => Ok(Some(child)),
        ForkResult::Child => Ok(None),
    }
}

/// A detached copy of the mount tree at `path`, with everything mounted below it.
pub fn open_tree(path: &CStr) -> io::Result<OwnedFd> {
    let flags = libc::OPEN_TREE_CLONE | libc::OPEN_TREE_CLOEXEC | libc::AT_RECURSIVE as libc::c_uint;
    // SAFETY: `path` is a NUL-terminated string that outlives the call.
    owned(unsafe { libc::syscall(libc::SYS_open_tree, libc::AT_FDCWD, path.as_ptr(), flags) })
}

/// Adds attributes to the mount `fd`, and to all below it where asked.
pub fn mount_attributes(fd: BorrowedFd<'_>, set: u64, recursive: bool) -> io::Result<()> {
    let attr = MountAttr { set, clear: 0, propagation: 0, userns_fd: 0 };
    let flags = libc::AT_EMPTY_PATH | if recursive { libc::AT_RECURSIVE } else { 0 };
    // SAFETY: the empty path is NUL-terminated, `attr` has the layout and the size that are passed, both outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            fd.as_raw_fd(),
            c"".as_ptr(),
            flags,
            &raw const attr,
            size_of::<MountAttr>(),
        )
    })?;
    Ok(())
}

/// Attaches the detached mount `tree` at `target`, relative to the working folder.
pub fn move_mount(tree: BorrowedFd<'_>, target: &CStr) -> io::Result<()> {
    // SAFETY: both paths are NUL-terminated and outlive the call.
    check(unsafe {
        libc::syscall(
            libc::SYS_move_mount,
            tree.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_FDCWD,
            target.as_ptr(),
            libc::MOVE_MOUNT_F_EMPTY_PATH,
        )
    })?;
    Ok(())
}

/// A process file system that is mounted nowhere: only who holds the descriptor sees it.
pub fn detached_proc() -> io::Result<OwnedFd> {
    const FSCONFIG_CMD_CREATE: libc::c_uint = 6;
    // SAFETY: the name is NUL-terminated; 1 is FSOPEN_CLOEXEC.
    let context = owned(unsafe { libc::syscall(libc::SYS_fsopen, c"proc".as_ptr(), 1) })?;
    let none = std::ptr::null::<libc::c_char>();
    // SAFETY: the create command takes no key, no value and 0.
    check(unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_CMD_CREATE, none, none, 0) })?;
    let attributes = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC;
    // SAFETY: plain numbers; 1 is FSMOUNT_CLOEXEC.
    owned(unsafe { libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), 1, attributes) })
}

/// Leaves this process exactly the capabilities of `mask` (bit N is capability N), none of them inheritable.
pub fn capabilities_keep(mask: u64) -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    let half = |bits: u64| Data { effective: bits as u32, permitted: bits as u32, inheritable: 0 };
    let header = Header { version: CAPABILITY_HEADER_V3, pid: 0 };
    let data = [half(mask & 0xffff_ffff), half(mask >> 32)];
    // SAFETY: version 3 reads one header and two data blocks; both have the kernel's layout and outlive the call.
    check(unsafe { libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) })?;
    Ok(())
}

/// Empties the capability bounding set and locks the security bits, so that no later program gains any capability.
pub fn capabilities_bound() -> io::Result<()> {
    // NOROOT, NO_SETUID_FIXUP, KEEP_CAPS (only its lock), NO_CAP_AMBIENT_RAISE, each with its lock.
    const SECURE_BITS: libc::c_ulong = 0b1110_1111;
    for capability in 0..=CAPABILITY_LAST_TRIED {
        // SAFETY: plain numbers.
        if unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } < 0 {
            break;
        }
    }
    // SAFETY: plain numbers.
    check(unsafe { libc::prctl(libc::PR_SET_SECUREBITS, SECURE_BITS, 0, 0, 0) }.into())?;
    // SAFETY: plain numbers. Reads whether CAP_CHOWN (0) is still in the set: it must not be.
    if unsafe { libc::prctl(libc::PR_CAPBSET_READ, 0, 0, 0, 0) } != 0 {
        return Err(io::Error::from(io::ErrorKind::PermissionDenied));
    }
    Ok(())
}

/// Gives every signal its default action again and unblocks all, as a program expects to find them.
pub fn signals_reset() {
    for signal in 1..=64 {
        // SAFETY: setting the default action has no memory effect; the two that cannot be set answer an error.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    let _ = nix::sys::signal::SigSet::empty().thread_set_mask();
}

/// Closes every descriptor from `first` on.
pub fn close_from(first: libc::c_uint) -> io::Result<()> {
    // SAFETY: the callers own no descriptor above `first` that they use afterwards.
    check(unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) })?;
    Ok(())
}

/// Makes `target` a copy of `from` that survives exec, or not where `cloexec`.
pub fn descriptor_place(from: BorrowedFd<'_>, target: RawFd, cloexec: bool) -> io::Result<()> {
    let flags = if cloexec { libc::O_CLOEXEC } else { 0 };
    // SAFETY: the callers place only 0 to 5, which they hold nothing else at.
    check(unsafe { libc::dup3(from.as_raw_fd(), target, flags) }.into())?;
    Ok(())
}

/// Takes ownership of descriptors that the kernel has just delivered in a message.
pub fn descriptors_received(numbers: &[RawFd]) -> Vec<OwnedFd> {
    // SAFETY: the numbers come straight out of a received control message, which makes each exactly once.
    numbers.iter().map(|&fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect()
}

/// Takes ownership of a numbered descriptor that this process was started with.
pub fn descriptor_take(number: RawFd) -> OwnedFd {
    // SAFETY: only the unpacking worker takes its 1, 3 and 4, each once, and nothing else in it uses them.
    unsafe { OwnedFd::from_raw_fd(number) }
}

/// Brings up the interface `lo` of the current network namespace.
pub fn loopback_up() -> io::Result<()> {
    // SAFETY: plain numbers.
    let socket = owned(unsafe { libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0) }.into())?;
    // SAFETY: all-zero bytes are a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    request.ifr_name[0] = b'l' as libc::c_char;
    request.ifr_name[1] = b'o' as libc::c_char;
    request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as libc::c_short;
    // SAFETY: the request reads an ifreq with a terminated name, which outlives the call.
    check(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) }.into())?;
    Ok(())
}

/// Ends this process at once, running nothing.
pub fn exit_now(code: i32) -> ! {
    // SAFETY: _exit has no precondition.
    unsafe { libc::_exit(code) }
}

/// The newest Landlock the kernel has, if any.
pub fn landlock_abi() -> Option<u32> {
    const CREATE_RULESET_VERSION: libc::c_uint = 1;
    let none = std::ptr::null::<libc::c_void>();
    // SAFETY: asking for the version takes a null pointer and size 0.
    let abi = unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, none, 0usize, CREATE_RULESET_VERSION) };
    u32::try_from(abi).ok().filter(|&abi| abi > 0)
}
