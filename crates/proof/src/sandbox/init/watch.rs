//! Watches a running program from pid 1: reaps, holds it to its wall time and, where no cgroup counts, to its CPU time,
//! memory and processes; then kills whatever is left. Reads numbers of the kernel's only, never the program's words.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::statvfs::statvfs;
use nix::sys::time::TimeVal;
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::super::limits::WATCH_PERIOD_MS;
use super::super::outcome::{Exit, Limit};
use super::super::sys;
use super::super::wire::{Order, Report, kill_limit};
use super::listen::Listening;
use super::program::Started;
use super::tree::{Ticks, TreeUse};
use super::{Failed, Step};

/// Exit code of pid 1 whose parent has gone: there is nobody to report to.
const ORPHANED_CODE: i32 = 124;

/// What pid 1 needs to watch, made before the program exists so that no child's end can be missed.
pub struct Watched {
    children: SignalFd,
    watching: bool,
    ticks: Ticks,
    listening: Option<Listening>,
}

/// The end of a run.
pub struct Ended {
    /// What happened; the copy-out's count is filled in later.
    pub report: Report,
}

struct Run<'a> {
    started: &'a Started,
    exit: Option<Exit>,
    limit: Option<Limit>,
    memory_peak_bytes: u64,
}

impl Watched {
    /// Blocks SIGCHLD and takes the box's processes, if they are to be watched, as the working folder: the program
    /// has no way to that mount.
    pub fn prepare(processes: Option<OwnedFd>, listening: Option<Listening>) -> Result<Self, Failed> {
        let mut children = SigSet::empty();
        children.add(Signal::SIGCHLD);
        children.thread_block().step("block SIGCHLD")?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        let children = SignalFd::with_flags(&children, flags).step("wait for children")?;
        if let Some(processes) = &processes {
            nix::unistd::fchdir(processes).step("enter the box's own /proc")?;
        }
        Ok(Self { children, watching: processes.is_some(), ticks: Ticks::read(), listening })
    }

    /// Watches until the program ends or a limit ends it; when this returns nothing of it is alive.
    pub fn until_end(mut self, started: &Started, order: &Order, parent: &UnixStream) -> Result<Ended, Failed> {
        let mut run = Run { started, exit: None, limit: None, memory_peak_bytes: 0 };
        while run.exit.is_none() && run.limit.is_none() {
            self.step(&mut run, order, parent)?;
        }
        // What was sent just before the end lies with the kernel still.
        let reached = self.listening.as_mut().is_some_and(|listening| {
            listening.serve();
            listening.reached
        });
        let wall_us = started.at.elapsed().as_micros() as u64;
        let disk_full = disk_full(&order.box_dir);
        kill_everything(&mut run)?;
        let usage = getrusage(UsageWho::RUSAGE_CHILDREN).step("read the CPU time")?;
        let largest_bytes = (usage.max_rss() as u64).saturating_mul(1_024);
        let cpu_user_us = microseconds(usage.user_time()).saturating_sub(started.cpu_before_us.0);
        let cpu_sys_us = microseconds(usage.system_time()).saturating_sub(started.cpu_before_us.1);
        let cpu_over = cpu_user_us.saturating_add(cpu_sys_us) > order.limits.cpu_ms.saturating_mul(1_000);
        let seen_after = match run.exit {
            _ if cpu_over => Some(Limit::Cpu),
            _ if disk_full => Some(Limit::Disk),
            // The kernel's own word where a file grew to the size of the whole disk.
            Some(Exit::Signal(libc::SIGXFSZ)) => Some(Limit::Disk),
            _ => None,
        };
        Ok(Ended {
            report: Report {
                exit: run.exit.unwrap_or(Exit::Signal(libc::SIGKILL)),
                limit_hit: run.limit.or(seen_after),
                cpu_user_us,
                cpu_sys_us,
                cpu_before_us: started.cpu_before_us,
                wall_us,
                memory_peak_bytes: run.memory_peak_bytes.max(largest_bytes),
                files_left_out: 0,
                listener_reached: reached,
            },
        })
    }

    fn step(&mut self, run: &mut Run<'_>, order: &Order, parent: &UnixStream) -> Result<(), Failed> {
        let wall = Duration::from_millis(order.limits.wall_ms);
        let left = wall.saturating_sub(run.started.at.elapsed());
        let period = if self.watching { Duration::from_millis(WATCH_PERIOD_MS).min(left) } else { left };
        let mut waited =
            vec![PollFd::new(self.children.as_fd(), PollFlags::POLLIN), PollFd::new(parent.as_fd(), PollFlags::POLLIN)];
        let others = self.listening.iter().flat_map(Listening::descriptors);
        waited.extend(others.map(|descriptor| PollFd::new(descriptor, PollFlags::POLLIN)));
        let timeout = PollTimeout::try_from(period.as_millis() as i32 + 1).unwrap_or(PollTimeout::ZERO);
        match poll(&mut waited, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).step("wait for the program"),
        }
        let parent_spoke = waited.get(1).and_then(PollFd::any).unwrap_or(false);
        drop(waited);
        if let Some(listening) = &mut self.listening {
            listening.serve();
        }
        while let Ok(Some(_)) = self.children.read_signal() {}
        reap(run, WaitPidFlag::WNOHANG)?;
        if run.exit.is_some() {
            return Ok(());
        }
        if parent_spoke {
            run.limit = Some(parent_word(parent));
        } else if run.started.at.elapsed() >= wall {
            run.limit = Some(Limit::Wall);
        } else if self.watching {
            self.count(run, order)?;
        }
        Ok(())
    }

    /// Adds up the tree and compares it with the limits.
    fn count(&self, run: &mut Run<'_>, order: &Order) -> Result<(), Failed> {
        let mut used = TreeUse::read(&self.ticks).step("read the box's own /proc")?;
        let reaped = getrusage(UsageWho::RUSAGE_CHILDREN).step("read the CPU time")?;
        used.cpu_us = used
            .cpu_us
            .saturating_add(microseconds(reaped.user_time()))
            .saturating_add(microseconds(reaped.system_time()))
            .saturating_sub(run.started.cpu_before_us.0)
            .saturating_sub(run.started.cpu_before_us.1);
        used.memory_bytes = used.memory_bytes.saturating_add(disk_used_bytes(&order.box_dir));
        run.memory_peak_bytes = run.memory_peak_bytes.max(used.memory_bytes);
        let limits = order.limits;
        run.limit = if used.memory_bytes > limits.memory_bytes {
            Some(Limit::Memory)
        } else if used.cpu_us > limits.cpu_ms.saturating_mul(1_000) {
            Some(Limit::Cpu)
        } else if used.tasks > u64::from(limits.processes) {
            Some(Limit::Processes)
        } else {
            None
        };
        Ok(())
    }
}

/// The limit for which the parent wants the run ended. A parent that has gone ends it all.
fn parent_word(mut parent: &UnixStream) -> Limit {
    let mut byte = [0u8];
    match io::Read::read(&mut parent, &mut byte) {
        Ok(1) => kill_limit(byte[0]).unwrap_or(Limit::Wall),
        _ => {
            let _ = kill(Pid::from_raw(-1), Signal::SIGKILL);
            sys::exit_now(ORPHANED_CODE)
        }
    }
}

fn reap(run: &mut Run<'_>, flags: WaitPidFlag) -> Result<(), Failed> {
    loop {
        match waitpid(Pid::from_raw(-1), Some(flags | WaitPidFlag::__WALL)) {
            Ok(WaitStatus::Exited(pid, code)) if pid == run.started.main => run.exit = Some(Exit::Code(code)),
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == run.started.main => {
                run.exit = Some(Exit::Signal(signal as i32));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(()),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(error).step("reap the box's processes"),
        }
    }
}

/// Kills everything but pid 1 and waits until the kernel says that there is nothing left.
fn kill_everything(run: &mut Run<'_>) -> Result<(), Failed> {
    match kill(Pid::from_raw(-1), Signal::SIGKILL) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => return Err(error).step("kill the box's processes"),
    }
    reap(run, WaitPidFlag::empty())
}

fn disk_full(box_dir: &str) -> bool {
    statvfs(box_dir).is_ok_and(|disk| disk.blocks_free() == 0 || disk.files_free() == 0)
}

fn disk_used_bytes(box_dir: &str) -> u64 {
    statvfs(box_dir)
        .map_or(0, |disk| (disk.blocks().saturating_sub(disk.blocks_free())).saturating_mul(disk.fragment_size()))
}

fn microseconds(time: TimeVal) -> u64 {
    (time.tv_sec() as u64).saturating_mul(1_000_000).saturating_add(time.tv_usec() as u64)
}
