//! The outside of a run: starts the init, feeds and drains the streams, guards the clock, and makes the outcome.
//! One thread, one poll loop. Believes nothing that comes out of the box.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use super::cgroup::BoxCgroup;
use super::error::SandboxError;
use super::folder::Incoming;
use super::limits::{
    CHANNEL_OUT_BYTES_MAX, FOLDER_OUT_MS_MAX, REST_MS_MAX, SET_UP_MS_MAX, WALL_GRACE_MS, WATCH_PERIOD_MS,
};
use super::outcome::{BoxFile, Captured, Limit};
use super::wire::{self, MARKER, News, Order, Report};

/// Bytes read at once from a stream.
const READ_BYTES: usize = 64 << 10;
/// Bytes a pipe may hold, asked of the kernel for the one that carries an unpacked archive.
const STREAM_PIPE_BYTES: i32 = 1 << 20;

/// What the program reads on descriptor 3.
pub enum Input {
    /// These bytes, then end of file.
    Bytes(Vec<u8>),
    /// This file, opened for reading only.
    File(OwnedFd),
}

/// Where standard output goes.
pub enum Output<'a> {
    /// Kept and counted, within the run's limits.
    Capture,
    /// Handed on as it comes; false ends the run.
    Stream(&'a mut dyn FnMut(&[u8]) -> bool),
}

/// What came out of the box.
pub struct Collected {
    pub report: Report,
    pub stdout: Captured,
    pub stderr: Captured,
    pub channel_out: Vec<u8>,
    pub files: Vec<BoxFile>,
    pub limit_hit: Option<Limit>,
    pub memory_peak_bytes: Option<u64>,
    pub cpu_us: Option<(u64, u64)>,
}

impl Collected {
    /// CPU time, user and system, microseconds: what pid 1 counted, or the cgroup's larger account. A process whose
    /// parent ignores its end is counted by nobody but the cgroup.
    pub fn cpu_us_best(&self) -> (u64, u64) {
        let counted = (self.report.cpu_user_us, self.report.cpu_sys_us);
        let before = self.report.cpu_before_us;
        let Some((user, system)) = self.cpu_us else { return counted };
        let grouped = (user.saturating_sub(before.0), system.saturating_sub(before.1));
        if grouped.0.saturating_add(grouped.1) > counted.0.saturating_add(counted.1) { grouped } else { counted }
    }
}

/// Runs one order to its end.
pub fn run<'a>(
    init_exe: &Path,
    order: &Order,
    cgroup: Option<&BoxCgroup>,
    input: Input,
    output: Output<'a>,
    folder: Option<&'a mut Incoming>,
) -> Result<Collected, SandboxError> {
    let (mut init, talk) = Init::start(init_exe)?;
    let mut streams = Streams::make(input, matches!(output, Output::Stream(_)))?;
    let sent = {
        let mut descriptors: Vec<_> = streams.theirs.iter().map(AsRawFd::as_raw_fd).collect();
        descriptors.extend(cgroup.into_iter().flat_map(|group| group.join_descriptors()).map(|fd| fd.as_raw_fd()));
        wire::order_send(&talk, order, &descriptors)
    };
    // Also where sending failed: the init may have said why it ended.
    streams.theirs.clear();
    let mut drain = Drain::new(order, output, folder);
    let ended = drain.until_end(&talk, &mut streams, cgroup);
    drop(talk);
    init.end();
    ended?;
    drain.outcome(order, cgroup, sent)
}

/// The re-executed program; killed if it is dropped alive.
struct Init {
    child: Child,
}

impl Init {
    fn start(exe: &Path) -> Result<(Self, UnixStream), SandboxError> {
        let (ours, theirs) = UnixStream::pair().map_err(SandboxError::io("make a socket for the sandbox's init"))?;
        let child = Command::new(exe)
            .arg0("proofhouse-box")
            .arg(MARKER)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| SandboxError::Spawn { path: exe.to_path_buf(), source })?;
        Ok((Self { child }, ours))
    }

    /// Waits for the end, which by now is near; after the grace it is killed, and the kernel kills the box with it.
    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        self.end();
    }
}

/// The parent's and, until they are sent, the program's ends of the streams.
struct Streams {
    stdout: Option<File>,
    stderr: Option<File>,
    channel_out: Option<File>,
    channel_in: Option<File>,
    to_write: Vec<u8>,
    written: usize,
    /// stdout, stderr, channel in, channel out.
    theirs: Vec<OwnedFd>,
}

impl Streams {
    fn make(input: Input, streaming: bool) -> Result<Self, SandboxError> {
        let pipe =
            || nix::unistd::pipe2(OFlag::O_CLOEXEC).map_err(|errno| failed("make a pipe for the sandbox", errno));
        let quiet = |fd: &OwnedFd| {
            fcntl(fd, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))
                .map_err(|errno| failed("prepare a pipe for the sandbox", errno))
        };
        let ((stdout, stdout_box), (stderr, stderr_box), (channel_out, channel_out_box)) = (pipe()?, pipe()?, pipe()?);
        for ours in [&stdout, &stderr, &channel_out] {
            quiet(ours)?;
        }
        if streaming {
            // Only faster: a refusal costs nothing but time.
            let _ = fcntl(&stdout, FcntlArg::F_SETPIPE_SZ(STREAM_PIPE_BYTES));
        }
        let (channel_in, channel_in_box, to_write) = match input {
            Input::File(file) => (None, file, Vec::new()),
            Input::Bytes(bytes) => {
                let (read, write) = pipe()?;
                quiet(&write)?;
                (Some(File::from(write)).filter(|_| !bytes.is_empty()), read, bytes)
            }
        };
        Ok(Self {
            stdout: Some(File::from(stdout)),
            stderr: Some(File::from(stderr)),
            channel_out: Some(File::from(channel_out)),
            channel_in,
            to_write,
            written: 0,
            theirs: vec![stdout_box, stderr_box, channel_in_box, channel_out_box],
        })
    }

    fn any_open(&self) -> bool {
        self.stdout.is_some() || self.stderr.is_some() || self.channel_out.is_some()
    }

    /// Writes what fits of the input; closes it at the end, or when the program no longer listens.
    fn feed(&mut self) {
        let Some(pipe) = &mut self.channel_in else { return };
        match pipe.write(self.to_write.get(self.written..).unwrap_or_default()) {
            Ok(count) => {
                self.written += count;
                if self.written >= self.to_write.len() {
                    self.channel_in = None;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => self.channel_in = None,
        }
    }
}

fn failed(step: &'static str, errno: Errno) -> SandboxError {
    SandboxError::Io { step, source: errno.into() }
}

/// What has been drained so far, and what was said.
struct Drain<'a> {
    output: Output<'a>,
    folder: Option<&'a mut Incoming>,
    folder_begun: bool,
    output_bytes: u64,
    drain_bytes: u64,
    wall: Duration,
    stdout: Captured,
    stderr: Captured,
    channel_out: Vec<u8>,
    talk: Vec<u8>,
    files: Vec<BoxFile>,
    files_bytes_left: u64,
    report: Option<Report>,
    refused: Option<SandboxError>,
    limit: Option<Limit>,
    /// The init has been told of the limit.
    told: bool,
    started: Option<Instant>,
}

impl<'a> Drain<'a> {
    fn new(order: &Order, output: Output<'a>, folder: Option<&'a mut Incoming>) -> Self {
        Self {
            output,
            folder,
            folder_begun: false,
            output_bytes: order.limits.output_bytes,
            drain_bytes: order.limits.drain_bytes,
            wall: Duration::from_millis(order.limits.wall_ms.saturating_add(WALL_GRACE_MS)),
            stdout: Captured::default(),
            stderr: Captured::default(),
            channel_out: Vec::new(),
            talk: Vec::new(),
            files: Vec::new(),
            files_bytes_left: super::limits::COPY_OUT_BYTES_MAX,
            report: None,
            refused: None,
            limit: None,
            told: false,
            started: None,
        }
    }

    /// Until the init has hung up and every stream is empty, or the guard's time is over.
    fn until_end(
        &mut self,
        mut talk: &UnixStream,
        streams: &mut Streams,
        cgroup: Option<&BoxCgroup>,
    ) -> Result<(), SandboxError> {
        let begun = Instant::now();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let left = match self.started {
                Some(started) => self.wall.saturating_sub(started.elapsed()),
                None => Duration::from_millis(SET_UP_MS_MAX).saturating_sub(begun.elapsed()),
            };
            if left.is_zero() {
                return Ok(());
            }
            let ready = self.wait(talk, streams, left, cgroup.is_some())?;
            if ready.channel_in {
                streams.feed();
            }
            if ready.stdout {
                self.stdout_drain(&mut streams.stdout, &mut buffer);
            }
            if ready.stderr {
                drain_one(&mut streams.stderr, &mut buffer, |bytes| keep(&mut self.stderr, bytes, self.output_bytes));
            }
            if ready.channel_out {
                self.channel_drain(&mut streams.channel_out, &mut buffer);
            }
            if ready.talk && !self.listen(talk, &mut buffer)? {
                return self.rest_drain(talk, streams, &mut buffer);
            }
            self.judge(cgroup);
            if let (false, Some(limit)) = (self.told, self.limit) {
                // An init that is gone already has nothing left to kill.
                let _ = talk.write_all(&[wire::kill_byte(limit)]);
                self.told = true;
            }
        }
    }

    fn wait(
        &self,
        talk: &UnixStream,
        streams: &Streams,
        left: Duration,
        watching: bool,
    ) -> Result<Ready, SandboxError> {
        let period = if watching { Duration::from_millis(WATCH_PERIOD_MS).min(left) } else { left };
        let timeout = PollTimeout::try_from(period.as_millis().min(60_000) as i32 + 1).unwrap_or(PollTimeout::ZERO);
        let mut polled = vec![PollFd::new(talk.as_fd(), PollFlags::POLLIN)];
        let files = [&streams.stdout, &streams.stderr, &streams.channel_out, &streams.channel_in];
        for (file, flags) in
            files.into_iter().zip([PollFlags::POLLIN, PollFlags::POLLIN, PollFlags::POLLIN, PollFlags::POLLOUT])
        {
            if let Some(file) = file {
                polled.push(PollFd::new(file.as_fd(), flags));
            }
        }
        match poll(&mut polled, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(errno) => return Err(failed("wait for the sandbox", errno)),
        }
        let mut answers = polled.iter().map(|one| one.any().unwrap_or(false));
        let mut next = |present: bool| present && answers.next().unwrap_or(false);
        Ok(Ready {
            talk: next(true),
            stdout: next(streams.stdout.is_some()),
            stderr: next(streams.stderr.is_some()),
            channel_out: next(streams.channel_out.is_some()),
            channel_in: next(streams.channel_in.is_some()),
        })
    }

    fn stdout_drain(&mut self, from: &mut Option<File>, buffer: &mut [u8]) {
        let (captured, most) = (&mut self.stdout, self.output_bytes);
        let mut stopped = false;
        match &mut self.output {
            Output::Capture => drain_one(from, buffer, |bytes| keep(captured, bytes, most)),
            Output::Stream(take) => drain_one(from, buffer, |bytes| stopped |= !take(bytes)),
        }
        if stopped {
            *from = None;
            self.limit = self.limit.or(Some(Limit::Output));
        }
    }

    fn channel_drain(&mut self, from: &mut Option<File>, buffer: &mut [u8]) {
        let channel = &mut self.channel_out;
        let mut over = false;
        drain_one(from, buffer, |bytes| {
            let room = (CHANNEL_OUT_BYTES_MAX as usize).saturating_sub(channel.len());
            over |= bytes.len() > room;
            channel.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
        });
        if over {
            self.limit = self.limit.or(Some(Limit::Channel));
        }
    }

    /// After the end nothing writes any more, so what is in the pipes is the rest, however long a busy machine takes to put
    /// it where it goes. Where the init was lost its children may be dying still: they get the grace.
    fn rest_drain(&mut self, talk: &UnixStream, streams: &mut Streams, buffer: &mut [u8]) -> Result<(), SandboxError> {
        let whole = self.report.is_some();
        let until = Instant::now() + Duration::from_millis(if whole { REST_MS_MAX } else { WALL_GRACE_MS });
        streams.channel_in = None;
        while streams.any_open() && Instant::now() < until {
            self.stdout_drain(&mut streams.stdout, buffer);
            drain_one(&mut streams.stderr, buffer, |bytes| keep(&mut self.stderr, bytes, self.output_bytes));
            self.channel_drain(&mut streams.channel_out, buffer);
            if streams.any_open() {
                self.wait(talk, streams, Duration::from_millis(1), false)?;
            }
        }
        // A part of what was said must never pass for all of it.
        if whole && streams.any_open() {
            return Err(failed("take in the rest of what a box wrote", Errno::ETIMEDOUT));
        }
        Ok(())
    }

    /// Takes in news. False: the init is done or gone.
    fn listen(&mut self, mut talk: &UnixStream, buffer: &mut [u8]) -> Result<bool, SandboxError> {
        let count = match talk.read(buffer) {
            Ok(0) => return Ok(false),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(false),
            Err(error) => return Err(SandboxError::io("listen to the sandbox's init")(error)),
        };
        self.talk.extend_from_slice(buffer.get(..count).unwrap_or_default());
        while let Some(news) =
            wire::news_take(&mut self.talk).map_err(SandboxError::io("understand the sandbox's init"))?
        {
            match news {
                News::Started => self.started = Some(Instant::now()),
                News::SetUpFailed { step, errno } => {
                    self.refused = Some(SandboxError::SetUp { step, source: io::Error::from_raw_os_error(errno) });
                }
                News::ExecFailed { errno } => {
                    let source = io::Error::from_raw_os_error(errno);
                    self.refused = Some(SandboxError::Exec { program: String::new(), source });
                }
                News::File { path, executable, bytes } => self.file_take(path, executable, bytes),
                News::FolderBytes(bytes) => self.folder_take(&bytes),
                News::FolderRefused { why } => {
                    if let Some(folder) = &mut self.folder {
                        folder.excuse_take(why);
                    }
                }
                News::Done(report) => {
                    self.report = Some(report);
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn file_take(&mut self, path: String, executable: bool, bytes: Vec<u8>) {
        let size = bytes.len() as u64;
        let room = self.files.len() < super::limits::FILES_MAX as usize && size <= self.files_bytes_left;
        if room && super::unpack::name::is_safe(&path) {
            self.files_bytes_left -= size;
            self.files.push(BoxFile { path, executable, bytes });
        }
    }

    /// From the first bytes on the program is dead, and the guard gives the writing its own time.
    fn folder_take(&mut self, bytes: &[u8]) {
        let Some(folder) = &mut self.folder else { return };
        if !self.folder_begun {
            self.folder_begun = true;
            self.wall = self.wall.saturating_add(Duration::from_millis(FOLDER_OUT_MS_MAX));
        }
        folder.take(bytes);
    }

    fn judge(&mut self, cgroup: Option<&BoxCgroup>) {
        let drained = self.stdout.total_bytes.saturating_add(self.stderr.total_bytes);
        if self.limit.is_none() && drained > self.drain_bytes {
            self.limit = Some(Limit::Output);
        }
        if self.limit.is_none() && self.started.is_some() && self.report.is_none() {
            self.limit = cgroup.and_then(BoxCgroup::limit_hit);
        }
    }

    fn outcome(
        mut self,
        order: &Order,
        cgroup: Option<&BoxCgroup>,
        sent: io::Result<()>,
    ) -> Result<Collected, SandboxError> {
        match self.refused.take() {
            Some(SandboxError::Exec { source, .. }) => {
                let program = match &order.work {
                    wire::Work::Program { argv, .. } => argv.first().cloned().unwrap_or_default(),
                    wire::Work::Unpack(_) | wire::Work::Nothing => "nothing".to_owned(),
                };
                return Err(SandboxError::Exec { program, source });
            }
            Some(error) => return Err(error),
            None => {}
        }
        let Some(report) = self.report else {
            sent.map_err(SandboxError::io("send the order to the sandbox's init"))?;
            let detail = if self.started.is_some() { "while the program ran" } else { "before the program ran" };
            return Err(SandboxError::InitLost { detail: detail.to_owned() });
        };
        let limit_hit = report.limit_hit.or(self.limit).or_else(|| cgroup.and_then(BoxCgroup::limit_hit));
        Ok(Collected {
            report,
            stdout: self.stdout,
            stderr: self.stderr,
            channel_out: self.channel_out,
            files: self.files,
            limit_hit,
            memory_peak_bytes: cgroup.and_then(BoxCgroup::memory_peak_bytes),
            cpu_us: cgroup.and_then(BoxCgroup::cpu_us),
        })
    }
}

struct Ready {
    talk: bool,
    stdout: bool,
    stderr: bool,
    channel_out: bool,
    channel_in: bool,
}

fn keep(captured: &mut Captured, bytes: &[u8], most: u64) {
    captured.total_bytes = captured.total_bytes.saturating_add(bytes.len() as u64);
    let room = (most as usize).saturating_sub(captured.head.len()).min(bytes.len());
    captured.head.extend_from_slice(bytes.get(..room).unwrap_or_default());
}

/// One read; the stream is closed at its end.
fn drain_one(from: &mut Option<File>, buffer: &mut [u8], mut take: impl FnMut(&[u8])) {
    let Some(file) = from else { return };
    match file.read(buffer) {
        Ok(0) => *from = None,
        Ok(count) => take(buffer.get(..count).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(_) => *from = None,
    }
}
