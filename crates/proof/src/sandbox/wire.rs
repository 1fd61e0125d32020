//! The talk between the parent and the init of a box over one socket: the sealed order down, framed news up.
//! Both ends are the same program, but the parent believes no length and no name it is sent.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;

use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use serde::{Deserialize, Serialize};

use super::limits::{COPY_OUT_BYTES_MAX, Limits, PLACED_BYTES_MAX};
use super::outcome::{Exit, Limit};
use super::spec::{CopyOut, Listener, Mount, PlacedFile};
use super::sys;
use super::unpack::order::UnpackOrder;

/// The one argument that makes a program the init of a box.
pub const MARKER: &str = "--proofhouse-sandbox-init";
/// The most bytes of an order beyond its placed files.
const ORDER_BYTES_MAX: u64 = PLACED_BYTES_MAX + (16 << 20);
/// The most descriptors that travel with an order: four streams and one per cgroup hierarchy.
const ORDER_DESCRIPTORS_MAX: usize = 16;
/// The most bytes of one frame from the init: one copied-out file with its name.
const FRAME_BYTES_MAX: u64 = COPY_OUT_BYTES_MAX + (64 << 10);
/// Bytes before a frame's payload: its kind and its length.
const FRAME_HEAD_BYTES: usize = 5;

/// Whose rights build the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Caller {
    /// Full capabilities: namespaces are made first, the user namespace last, so that nothing inside owns any of them.
    /// The number is the program's user and group as the host sees it.
    Root { program: u32 },
    /// None: the user namespace is made first and maps this one user and group.
    User { uid: u32, gid: u32 },
}

/// What runs once the box stands.
#[derive(Debug, Serialize, Deserialize)]
pub enum Work {
    /// Nothing: the set-up alone is tried.
    Nothing,
    Program {
        argv: Vec<String>,
        env: Vec<(String, String)>,
        cwd: String,
    },
    Unpack(UnpackOrder),
}

/// Everything the init is told.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub caller: Caller,
    pub work: Work,
    pub box_dir: String,
    pub mounts: Vec<Mount>,
    pub files: Vec<PlacedFile>,
    pub limits: Limits,
    pub loopback: bool,
    pub listener: Option<Listener>,
    pub copy_out: CopyOut,
    /// The filter's instructions, as the kernel reads them.
    pub seccomp: Vec<Instruction>,
    /// No cgroup counts: data segments are bounded and, where there is a /proc, the init adds up the tree itself.
    pub uncounted: bool,
    /// A cgroup refuses a process too many.
    pub processes_counted: bool,
    /// The program may execute what it wrote.
    pub exec: bool,
    /// Each process's data has no limit of its own.
    pub vast_address_space: bool,
    /// The kernel lets us have a fresh /proc, for the program and for the init.
    pub proc: bool,
    /// The Landlock version to apply.
    pub landlock: Option<u32>,
}

/// One BPF instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instruction {
    pub code: u16,
    pub jt: u8,
    pub jf: u8,
    pub k: u32,
}

/// The streams of the program and the cgroups to join, as descriptors.
#[derive(Debug)]
pub struct OrderDescriptors {
    pub stdout: OwnedFd,
    pub stderr: OwnedFd,
    pub channel_in: OwnedFd,
    pub channel_out: OwnedFd,
    pub cgroups: Vec<OwnedFd>,
}

/// How a run ended, as pid 1 saw it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Report {
    pub exit: Exit,
    pub limit_hit: Option<Limit>,
    pub cpu_user_us: u64,
    pub cpu_sys_us: u64,
    /// What the program's process had used before it became the program; not in the two above.
    pub cpu_before_us: (u64, u64),
    pub wall_us: u64,
    pub memory_peak_bytes: u64,
    pub files_left_out: u64,
    /// The token came to the listener.
    pub listener_reached: bool,
}

impl Report {
    /// The program ended by itself with code 0 and hit no limit.
    pub fn ok(&self) -> bool {
        self.exit == Exit::Code(0) && self.limit_hit.is_none()
    }
}

/// News from the init.
#[derive(Debug)]
pub enum News {
    /// The program runs.
    Started,
    /// A step failed before it could.
    SetUpFailed { step: String, errno: i32 },
    /// The program could not be executed.
    ExecFailed { errno: i32 },
    /// One file of the writable folder.
    File { path: String, executable: bool, bytes: Vec<u8> },
    /// The next bytes of the folder that is to be written to the host, as `unpack::stream` writes them.
    FolderBytes(Vec<u8>),
    /// The folder cannot come out, in words for a person.
    FolderRefused { why: String },
    /// The end.
    Done(Report),
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Sends the order with its descriptors.
pub fn order_send(mut socket: &UnixStream, order: &Order, descriptors: &[RawFd]) -> io::Result<()> {
    let body = postcard::to_stdvec(order).map_err(|_| invalid("order cannot be encoded"))?;
    let length = (body.len() as u64).to_le_bytes();
    let message = [ControlMessage::ScmRights(descriptors)];
    let sent = sendmsg::<()>(socket.as_raw_fd(), &[IoSlice::new(&length)], &message, MsgFlags::MSG_NOSIGNAL, None)?;
    if sent != length.len() {
        return Err(invalid("order's head was cut"));
    }
    socket.write_all(&body)
}

/// Receives the order, in the init. Each descriptor is moved above the numbers that the program's own will take.
pub fn order_receive(socket: &mut UnixStream) -> io::Result<(Order, OrderDescriptors)> {
    let mut length = [0u8; 8];
    let mut space = nix::cmsg_space!([RawFd; ORDER_DESCRIPTORS_MAX]);
    let mut parts = [IoSliceMut::new(&mut length)];
    let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_WAITALL;
    let message = recvmsg::<()>(socket.as_raw_fd(), &mut parts, Some(&mut space), flags)?;
    let received = message.bytes;
    let mut descriptors = Vec::new();
    for control in message.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = control {
            descriptors.extend(sys::descriptors_received(&numbers));
        }
    }
    if received != length.len() || u64::from_le_bytes(length) > ORDER_BYTES_MAX {
        return Err(invalid("order's head is not one"));
    }
    let mut body = vec![0; u64::from_le_bytes(length) as usize];
    socket.read_exact(&mut body)?;
    let order = postcard::from_bytes(&body).map_err(|_| invalid("order cannot be decoded"))?;
    let mut raised = descriptors.into_iter().map(|fd| raise(&fd));
    let mut next = || raised.next().unwrap_or_else(|| Err(invalid("order lacks a descriptor")));
    let (stdout, stderr, channel_in, channel_out) = (next()?, next()?, next()?, next()?);
    let cgroups = raised.collect::<io::Result<Vec<_>>>()?;
    Ok((order, OrderDescriptors { stdout, stderr, channel_in, channel_out, cgroups }))
}

/// A copy of a descriptor with a number that no stream of the program takes.
pub fn raise(fd: &OwnedFd) -> io::Result<OwnedFd> {
    const FIRST_FREE: RawFd = 16;
    let number = nix::fcntl::fcntl(fd, nix::fcntl::FcntlArg::F_DUPFD_CLOEXEC(FIRST_FREE))?;
    sys::descriptors_received(&[number]).pop().ok_or_else(|| invalid("no descriptor"))
}

/// Sends one piece of news, in the init.
pub fn news_send(socket: &UnixStream, news: &News) -> io::Result<()> {
    let encode_failed = |_| invalid("news cannot be encoded");
    let (kind, payload) = match news {
        News::Started => (1, Vec::new()),
        News::SetUpFailed { step, errno } => (2, postcard::to_stdvec(&(step, errno)).map_err(encode_failed)?),
        News::ExecFailed { errno } => (3, postcard::to_stdvec(errno).map_err(encode_failed)?),
        News::File { path, executable, bytes } => {
            let mut payload = postcard::to_stdvec(&(path, executable)).map_err(encode_failed)?;
            payload.extend_from_slice(bytes);
            (4, payload)
        }
        News::FolderRefused { why } => (7, postcard::to_stdvec(why).map_err(encode_failed)?),
        News::FolderBytes(bytes) => {
            // Many and large: not copied once more.
            return frame_send(socket, 6, bytes);
        }
        News::Done(report) => (5, postcard::to_stdvec(report).map_err(encode_failed)?),
    };
    frame_send(socket, kind, &payload)
}

fn frame_send(mut socket: &UnixStream, kind: u8, payload: &[u8]) -> io::Result<()> {
    let mut head = [kind, 0, 0, 0, 0];
    let length = u32::try_from(payload.len()).map_err(|_| invalid("news is too long"))?;
    head[1..].copy_from_slice(&length.to_le_bytes());
    socket.write_all(&head)?;
    socket.write_all(payload)
}

/// Takes the first whole frame out of `buffer`, if it holds one.
pub fn news_take(buffer: &mut Vec<u8>) -> io::Result<Option<News>> {
    let Some((head, rest)) = buffer.split_at_checked(FRAME_HEAD_BYTES) else { return Ok(None) };
    let length = head.get(1..).and_then(|bytes| bytes.try_into().ok()).map(u32::from_le_bytes).unwrap_or(u32::MAX);
    if u64::from(length) > FRAME_BYTES_MAX {
        return Err(invalid("frame is too long"));
    }
    let Some(payload) = rest.get(..length as usize) else { return Ok(None) };
    let decode_failed = |_| invalid("frame cannot be decoded");
    let news = match head.first() {
        Some(1) => News::Started,
        Some(2) => {
            let (step, errno) = postcard::from_bytes(payload).map_err(decode_failed)?;
            News::SetUpFailed { step, errno }
        }
        Some(3) => News::ExecFailed { errno: postcard::from_bytes(payload).map_err(decode_failed)? },
        Some(4) => {
            let ((path, executable), bytes) = postcard::take_from_bytes(payload).map_err(decode_failed)?;
            News::File { path, executable, bytes: bytes.to_vec() }
        }
        Some(5) => News::Done(postcard::from_bytes(payload).map_err(decode_failed)?),
        Some(6) => News::FolderBytes(payload.to_vec()),
        Some(7) => News::FolderRefused { why: postcard::from_bytes(payload).map_err(decode_failed)? },
        _ => return Err(invalid("frame of no known kind")),
    };
    buffer.drain(..FRAME_HEAD_BYTES + length as usize);
    Ok(Some(news))
}

/// The byte that tells the init to end the run for a limit.
pub fn kill_byte(limit: Limit) -> u8 {
    Limit::ALL.iter().position(|&other| other == limit).unwrap_or(0) as u8
}

/// The limit that such a byte names.
pub fn kill_limit(byte: u8) -> Option<Limit> {
    Limit::ALL.get(usize::from(byte)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, length: u32, payload: &[u8]) -> Vec<u8> {
        [[kind].as_slice(), &length.to_le_bytes(), payload].concat()
    }

    #[test]
    fn news_arrive_in_any_pieces() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let file = News::File { path: "a/b".into(), executable: true, bytes: vec![7; 1_000] };
        news_send(&ours, &file).unwrap();
        news_send(&ours, &News::ExecFailed { errno: 2 }).unwrap();
        drop(ours);
        let mut sent = Vec::new();
        theirs.read_to_end(&mut sent).unwrap();
        let (mut buffer, mut seen) = (Vec::new(), Vec::new());
        for byte in sent {
            buffer.push(byte);
            seen.extend(news_take(&mut buffer).unwrap());
        }
        assert!(buffer.is_empty());
        let [News::File { path, executable: true, bytes }, News::ExecFailed { errno: 2 }] = seen.as_slice() else {
            panic!("{seen:?}");
        };
        assert_eq!((path.as_str(), bytes.len()), ("a/b", 1_000));
    }

    #[test]
    fn frames_that_are_none_are_refused() {
        for bad in [frame(9, 0, b""), frame(5, 2, b"\xff\xff"), frame(4, u32::MAX, b""), frame(2, 1, b"\xff")] {
            assert!(news_take(&mut bad.clone()).is_err(), "{bad:?}");
        }
        assert!(news_take(&mut frame(4, 100, b"short")).unwrap().is_none());
    }

    #[test]
    fn each_limit_has_a_byte_of_its_own() {
        for limit in Limit::ALL {
            assert_eq!(kill_limit(kill_byte(limit)), Some(limit));
        }
        assert_eq!(kill_limit(200), None);
    }
}
