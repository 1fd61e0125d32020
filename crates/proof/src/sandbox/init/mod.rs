//! The inside of a box: what the re-executed program does between its start and the hostile program's.
//!
//! Two processes. The outer one makes the namespaces, writes the user map where that needs rights, and waits. The
//! inner one is pid 1 of the box: it builds the root, starts the program, watches it, kills everything, copies out.
//! Nothing here may start a thread (both fork) or read the hostile program's data for any other end than to pass it on.

mod copy_out;
mod folder_out;
mod listen;
mod privileges;
mod program;
mod root;
mod tree;
mod watch;

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;

use nix::sched::{CloneFlags, unshare};
use nix::sys::signal::Signal;
use nix::sys::wait::waitpid;
use nix::unistd::Pid;

use super::spec::CopyOut;
use super::sys;
use super::wire::{self, Caller, MARKER, News, Order, OrderDescriptors};

/// The user and the group that the hostile program runs as, as every box sees it. Where the caller is root the host
/// sees one of the [`PROGRAM_IDS`] from here on. In the range that systemd's list of users leaves unused.
pub const PROGRAM_ID: u32 = 61_000;
/// Users and groups on the host that boxes take in turn, so that two at once do not share the kernel's bounds for one
/// user: descriptors in flight, pipe pages, watches.
pub const PROGRAM_IDS: u32 = 128;

/// A step that failed, with the words for it.
#[derive(Debug)]
pub(super) struct Failed {
    step: String,
    errno: i32,
}

/// Names the step that an error came from.
pub(super) trait Step<T> {
    fn step(self, step: impl Into<String>) -> Result<T, Failed>;
}

impl<T, E: Into<io::Error>> Step<T> for Result<T, E> {
    fn step(self, step: impl Into<String>) -> Result<T, Failed> {
        self.map_err(|error| {
            let error: io::Error = error.into();
            match error.raw_os_error() {
                Some(errno) => Failed { step: step.into(), errno },
                None => Failed { step: format!("{} ({error})", step.into()), errno: libc::EIO },
            }
        })
    }
}

/// Becomes the init of a box, and never returns, when this process was started as one by [`super::Sandbox`]; otherwise
/// does nothing. Must be the first thing `main` does, before any thread is started.
pub fn init_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == MARKER) {
        let code = outer().unwrap_or(120);
        sys::exit_now(code);
    }
}

/// The outer process: order in, namespaces, pid 1, and its end.
fn outer() -> io::Result<i32> {
    sys::close_from(3)?;
    let mut socket = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let (order, descriptors) = wire::order_receive(&mut socket)?;
    let socket = UnixStream::from(wire::raise(&OwnedFd::from(socket))?);
    match outer_with(order, descriptors, &socket) {
        Ok(code) => Ok(code),
        Err(failed) => {
            let _ = wire::news_send(&socket, &News::SetUpFailed { step: failed.step, errno: failed.errno });
            Ok(121)
        }
    }
}

fn outer_with(order: Order, descriptors: OrderDescriptors, socket: &UnixStream) -> Result<i32, Failed> {
    nix::sys::stat::umask(nix::sys::stat::Mode::empty());
    let _ = nix::unistd::setsid();
    // The mount namespace is pid 1's own affair: this process keeps the host's root, for the user map.
    let inner =
        CloneFlags::CLONE_NEWPID | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWIPC | CloneFlags::CLONE_NEWUTS;
    match order.caller {
        Caller::Root { .. } => unshare(inner).step("make the namespaces")?,
        Caller::User { uid, gid } => {
            unshare(CloneFlags::CLONE_NEWUSER | inner).step("make the namespaces as an ordinary user")?;
            std::fs::write("/proc/self/setgroups", "deny").step("deny setgroups")?;
            std::fs::write("/proc/self/uid_map", format!("{PROGRAM_ID} {uid} 1")).step("map the user")?;
            std::fs::write("/proc/self/gid_map", format!("{PROGRAM_ID} {gid} 1")).step("map the group")?;
        }
    }
    let (ask_read, ask_write) = nix::unistd::pipe().step("make a pipe")?;
    let (answer_read, answer_write) = nix::unistd::pipe().step("make a pipe")?;
    let Some(first) = sys::fork().step("start pid 1 of the box")? else {
        drop((ask_read, answer_write));
        let code = match first_process(&order, descriptors, socket, ask_write, answer_read) {
            Ok(()) => 0,
            Err(failed) => {
                let _ = wire::news_send(socket, &News::SetUpFailed { step: failed.step, errno: failed.errno });
                122
            }
        };
        sys::exit_now(code);
    };
    drop((ask_write, answer_read, descriptors));
    let Caller::Root { program } = order.caller else {
        let _ = waitpid(first, None);
        return Ok(0);
    };
    let asked = nix::unistd::read(&ask_read, &mut [0u8; 1]).unwrap_or(0) == 1;
    if asked {
        users_map(first, program).step("map the users of the box")?;
        nix::unistd::write(&answer_write, b"k").step("answer pid 1 of the box")?;
    }
    let _ = waitpid(first, None);
    Ok(0)
}

/// Maps root (for pid 1 only) and the program's user into the namespace that pid 1 has just made.
fn users_map(first: Pid, program: u32) -> io::Result<()> {
    let map = format!("0 0 1\n{PROGRAM_ID} {program} 1\n");
    std::fs::write(format!("/proc/{first}/uid_map"), &map)?;
    std::fs::write(format!("/proc/{first}/gid_map"), &map)
}

/// Pid 1 of the box.
fn first_process(
    order: &Order,
    descriptors: OrderDescriptors,
    socket: &UnixStream,
    ask: OwnedFd,
    answer: OwnedFd,
) -> Result<(), Failed> {
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).step("tie pid 1 to its parent")?;
    root::detach()?;
    let watching = order.uncounted && order.proc;
    let processes = watching.then(sys::detached_proc).transpose().step("open the box's own /proc to watch it")?;
    root::build(order)?;
    if order.loopback {
        sys::loopback_up().step("bring up the loopback interface")?;
    }
    let listening = order.listener.as_ref().map(listen::Listening::start).transpose()?;
    if matches!(order.caller, Caller::Root { .. }) {
        unshare(CloneFlags::CLONE_NEWUSER).step("make the user namespace")?;
        nix::unistd::write(&ask, b"m").step("ask for the user map")?;
        let answered = nix::unistd::read(&answer, &mut [0u8; 1]).step("wait for the user map")?;
        if answered != 1 {
            return Err(io::Error::from_raw_os_error(libc::EPERM)).step("wait for the user map");
        }
    }
    drop((ask, answer));
    let watched = watch::Watched::prepare(processes, listening)?;
    let program = program::start(order, descriptors)?;
    privileges::first_process_drop(order)?;
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).step("tie pid 1 to its parent")?;
    let Some(started) = program.started(socket)? else { return Ok(()) };
    let ended = watched.until_end(&started, order, socket)?;
    let mut report = ended.report;
    report.files_left_out = match &order.copy_out {
        CopyOut::Folder(folder) if report.ok() => folder_out::send(order, folder, socket)?,
        CopyOut::Folder(_) => 0,
        _ => copy_out::send(order, socket)?,
    };
    wire::news_send(socket, &News::Done(report)).step("send the report")
}
