//! Starts the hostile program as the second process of the box, or the unpacking worker in its place.

use std::ffi::CString;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{Gid, Pid, Uid};

use super::super::sys;
use super::super::unpack::worker;
use super::super::wire::{Caller, News, Order, OrderDescriptors, Work, news_send, raise};
use super::{Failed, PROGRAM_ID, Step};

/// Where programs are looked for when neither the name nor the environment says.
const PATH_DEFAULT: &str = "/usr/bin:/bin";
/// Exit code of a worker or a program that could not be started; never seen outside.
const NOT_STARTED_CODE: i32 = 123;

/// Last words of the process that is about to become the program.
const STATUS_READY: u8 = 1;
const STATUS_SET_UP_FAILED: u8 = 2;
const STATUS_EXEC_FAILED: u8 = 3;

/// The program's process, before it is known whether it runs.
pub struct Starting {
    main: Pid,
    status: std::fs::File,
}

/// The running program.
pub struct Started {
    /// Its process.
    pub main: Pid,
    /// When.
    pub at: Instant,
    /// CPU time, user and system, microseconds, that its process had used before it became the program.
    pub cpu_before_us: (u64, u64),
}

/// Forks the program's process. The streams are closed in pid 1 by the time this returns.
pub fn start(order: &Order, descriptors: OrderDescriptors) -> Result<Starting, Failed> {
    let (status_read, status_write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC).step("make a pipe")?;
    let status_write = raise(&status_write).step("make a pipe")?;
    let Some(main) = sys::fork().step("start the program's process")? else {
        become_program(order, descriptors, status_write);
    };
    drop((descriptors, status_write));
    Ok(Starting { main, status: std::fs::File::from(status_read) })
}

impl Starting {
    /// Waits until the program runs. None: it does not, and the parent has been told why.
    pub fn started(mut self, socket: &UnixStream) -> Result<Option<Started>, Failed> {
        let mut ready = [0u8; 17];
        let mut words = Vec::new();
        let got = self.status.read_exact(&mut ready);
        let at = Instant::now();
        if got.is_ok() && ready.first() == Some(&STATUS_READY) {
            self.status.read_to_end(&mut words).step("wait for the program")?;
        } else {
            // Shorter than the ready word: a failure. What `read_exact` took of it is lost to it, so failures are
            // padded to its length.
            words = ready.to_vec();
            self.status.read_to_end(&mut words).step("wait for the program")?;
        }
        let number = |range: std::ops::Range<usize>| {
            ready.get(range).and_then(|bytes| bytes.try_into().ok()).map(u64::from_le_bytes).unwrap_or(0)
        };
        let news = match words.first() {
            None if ready.first() == Some(&STATUS_READY) => {
                news_send(socket, &News::Started).step("report the start")?;
                return Ok(Some(Started { main: self.main, at, cpu_before_us: (number(1..9), number(9..17)) }));
            }
            Some(&STATUS_EXEC_FAILED) => News::ExecFailed { errno: errno_of(&words) },
            Some(&STATUS_SET_UP_FAILED) => {
                let text = words.get(5..).unwrap_or_default();
                let step = String::from_utf8_lossy(text).trim_end_matches('\0').to_owned();
                News::SetUpFailed { step, errno: errno_of(&words) }
            }
            _ => News::SetUpFailed { step: "start the program: its process vanished".into(), errno: libc::ECHILD },
        };
        news_send(socket, &news).step("report the failure")?;
        Ok(None)
    }
}

fn errno_of(words: &[u8]) -> i32 {
    words.get(1..5).and_then(|bytes| bytes.try_into().ok()).map(i32::from_le_bytes).unwrap_or(libc::EIO)
}

fn failure(kind: u8, errno: i32, step: &str) -> Vec<u8> {
    let mut words = vec![kind];
    words.extend_from_slice(&errno.to_le_bytes());
    words.extend_from_slice(step.as_bytes());
    words.resize(words.len().max(17), 0);
    words
}

/// The rest of the forked process's life.
fn become_program(order: &Order, descriptors: OrderDescriptors, status: OwnedFd) -> ! {
    let mut status = std::fs::File::from(status);
    let words = match prepared(order, descriptors, &mut status) {
        Ok(errno) => failure(STATUS_EXEC_FAILED, errno as i32, ""),
        Err(failed) => failure(STATUS_SET_UP_FAILED, failed.errno, &failed.step),
    };
    let _ = status.write_all(&words);
    sys::exit_now(NOT_STARTED_CODE)
}

/// Ends only where exec failed, with why.
fn prepared(order: &Order, streams: OrderDescriptors, status: &mut std::fs::File) -> Result<Errno, Failed> {
    let _ = nix::unistd::setsid();
    let null = OpenOptions::new().read(true).open("/dev/null").step("open /dev/null")?;
    let null = raise(&OwnedFd::from(null)).step("open /dev/null")?;
    let placed = [null.as_fd(), streams.stdout.as_fd(), streams.stderr.as_fd(), streams.channel_in.as_fd()];
    for (target, from) in (0..).zip(placed) {
        sys::descriptor_place(from, target, false).step("place the streams")?;
    }
    sys::descriptor_place(streams.channel_out.as_fd(), 4, false).step("place the streams")?;
    if let (Caller::Root { .. }, Work::Program { .. }) = (order.caller, &order.work) {
        streams_give(&streams)?;
    }
    super::privileges::program_drop(order, &streams.cgroups)?;
    sys::signals_reset();
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    // Everything above 5 goes, and 5 with exec: the program has 0 to 4 and nothing else.
    sys::descriptor_place(status.as_fd(), 5, true).step("place the streams")?;
    let ready = ready_words()?;
    match &order.work {
        Work::Nothing => {
            status.write_all(&ready).step("report the start")?;
            sys::exit_now(0)
        }
        Work::Unpack(unpack) => {
            status.write_all(&ready).step("report the start")?;
            sys::close_from(5).step("close descriptors")?;
            sys::exit_now(worker::run(unpack))
        }
        Work::Program { argv, env, cwd } => {
            let cwd = if cwd.is_empty() { &order.box_dir } else { cwd };
            nix::unistd::chdir(cwd.as_str()).step(format!("enter the working folder {cwd}"))?;
            let program = Execution::new(argv, env)?;
            status.write_all(&ready).step("report the start")?;
            Ok(program.exec())
        }
    }
}

/// Gives the pipes to the program's user, so that it can open them again by name, as `/dev/stderr` does.
fn streams_give(streams: &OrderDescriptors) -> Result<(), Failed> {
    let (uid, gid) = (Uid::from_raw(PROGRAM_ID), Gid::from_raw(PROGRAM_ID));
    for stream in [&streams.stdout, &streams.stderr, &streams.channel_in, &streams.channel_out] {
        nix::unistd::fchown(stream, Some(uid), Some(gid)).step("give the streams to the program")?;
    }
    Ok(())
}

fn ready_words() -> Result<Vec<u8>, Failed> {
    let usage = getrusage(UsageWho::RUSAGE_SELF).step("read the CPU time so far")?;
    let mut words = vec![STATUS_READY];
    for time in [usage.user_time(), usage.system_time()] {
        let microseconds = (time.tv_sec() as u64).saturating_mul(1_000_000).saturating_add(time.tv_usec() as u64);
        words.extend_from_slice(&microseconds.to_le_bytes());
    }
    Ok(words)
}

/// All strings made before the point of no return.
struct Execution {
    candidates: Vec<CString>,
    argv: Vec<CString>,
    env: Vec<CString>,
}

impl Execution {
    fn new(argv: &[String], env: &[(String, String)]) -> Result<Self, Failed> {
        let c = |text: String| {
            CString::new(text).map_err(|_| io::Error::from_raw_os_error(libc::EINVAL)).step("read argv or env: a NUL")
        };
        let name = argv.first().cloned().unwrap_or_default();
        let candidates = if name.contains('/') {
            vec![c(name)?]
        } else {
            let path = env.iter().find(|(key, _)| key == "PATH").map_or(PATH_DEFAULT, |(_, value)| value.as_str());
            path.split(':').map(|folder| c(format!("{folder}/{name}"))).collect::<Result<_, _>>()?
        };
        Ok(Self {
            candidates,
            argv: argv.iter().map(|argument| c(argument.clone())).collect::<Result<_, _>>()?,
            env: env.iter().map(|(key, value)| c(format!("{key}={value}"))).collect::<Result<_, _>>()?,
        })
    }

    fn exec(&self) -> Errno {
        let mut why = Errno::ENOENT;
        for candidate in &self.candidates {
            let Err(errno) = nix::unistd::execve(candidate, &self.argv, &self.env);
            if errno != Errno::ENOENT && errno != Errno::ENOTDIR {
                why = errno;
            }
        }
        why
    }
}
