//! Sends one folder of the box out as a stream of entries, once nothing of the program is alive. Follows no link, enters
//! no other mount, and stops at the run's bounds; the parent checks every name and number again.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::super::limits::TREE_DEPTH_MAX;
use super::super::spec::FolderOut;
use super::super::unpack::name;
use super::super::unpack::stream::{End, Head, Kind};
use super::super::wire::{News, Order, news_send};
use super::{Failed, Step};

/// Bytes gathered before they are sent.
const CHUNK_BYTES: usize = 128 << 10;

/// Why the sending stopped early.
enum Stop {
    /// The folder is not one that may come out.
    Refused(String),
    /// The parent no longer listens.
    Lost(Failed),
}

impl From<Failed> for Stop {
    fn from(failed: Failed) -> Self {
        Self::Lost(failed)
    }
}

struct Out<'a> {
    root: File,
    device: u64,
    socket: &'a UnixStream,
    gathered: Vec<u8>,
    asked: &'a FolderOut,
    bytes_left: u64,
    entries_left: u32,
    left_out: u32,
}

/// Sends the folder, or why it cannot come out, and says how many things were left out of it.
pub fn send(order: &Order, asked: &FolderOut, socket: &UnixStream) -> Result<u64, Failed> {
    // The parent's guard waits longer from here on.
    news_send(socket, &News::FolderBytes(Vec::new())).step("begin to send the folder")?;
    let sent = Out::open(order, asked, socket).and_then(|mut out| out.tree_send(order).map(|()| out.left_out));
    match sent {
        Ok(left_out) => Ok(left_out.into()),
        Err(Stop::Refused(why)) => {
            news_send(socket, &News::FolderRefused { why }).step("refuse the folder")?;
            Ok(0)
        }
        Err(Stop::Lost(failed)) => Err(failed),
    }
}

impl<'a> Out<'a> {
    fn open(order: &Order, asked: &'a FolderOut, socket: &'a UnixStream) -> Result<Self, Stop> {
        let unread = |error: io::Error| Stop::Refused(format!("the box has no folder {:?}: {error}", asked.path));
        let mut root = File::open(&order.box_dir).map_err(unread)?;
        let device = root.metadata().map_err(unread)?.dev();
        if !asked.path.is_empty() {
            let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY;
            root = beneath(&root, Path::new(&asked.path), flags).map_err(unread)?;
        }
        Ok(Self {
            root,
            device,
            socket,
            gathered: Vec::with_capacity(CHUNK_BYTES),
            asked,
            bytes_left: asked.bytes_max,
            entries_left: asked.files_max,
            left_out: 0,
        })
    }

    fn tree_send(&mut self, order: &Order) -> Result<(), Stop> {
        let top = Path::new(&order.box_dir).join(&self.asked.path);
        let mut folders = vec![(PathBuf::new(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            for path in names_sorted(&top, &folder).map_err(|error| unreadable(&folder, &error))? {
                let meta = top.join(&path).symlink_metadata().map_err(|error| unreadable(&path, &error))?;
                if meta.dev() != self.device {
                    continue;
                }
                if meta.is_dir() && depth >= TREE_DEPTH_MAX {
                    return Err(Stop::Refused(format!("more than {TREE_DEPTH_MAX} folders below each other")));
                }
                let kept = self.entry_send(&top, &path, &meta)?;
                if kept && meta.is_dir() {
                    folders.push((path, depth + 1));
                }
            }
        }
        End { specials_left_out: self.left_out }.write(&mut self.gathered).step("send the folder's end")?;
        self.flush()
    }

    /// False: it is nothing that comes out, and was counted.
    fn entry_send(&mut self, top: &Path, path: &Path, meta: &Metadata) -> Result<bool, Stop> {
        let Some(shown) = path.to_str().filter(|name| name::is_safe(name)) else {
            self.left_out = self.left_out.saturating_add(1);
            return Ok(false);
        };
        let name = shown.to_owned();
        if meta.is_dir() {
            self.head_send(Kind::Folder, name, 0)?;
        } else if meta.is_file() {
            self.file_send(path, name)?;
        } else if let Some(target) = link_target(&top.join(path), shown) {
            self.head_send(Kind::Link, name, target.len() as u64)?;
            self.gathered.extend_from_slice(target.as_bytes());
        } else {
            self.left_out = self.left_out.saturating_add(1);
            return Ok(false);
        }
        Ok(true)
    }

    fn head_send(&mut self, kind: Kind, path: String, size: u64) -> Result<(), Stop> {
        let files_max = self.asked.files_max;
        self.entries_left = self
            .entries_left
            .checked_sub(1)
            .ok_or_else(|| Stop::Refused(format!("more than {files_max} files, folders and links")))?;
        Head { kind, path, size }.write(&mut self.gathered).step("send an entry of the folder")?;
        if self.gathered.len() >= CHUNK_BYTES { self.flush() } else { Ok(()) }
    }

    fn file_send(&mut self, path: &Path, name: String) -> Result<(), Stop> {
        let flags = OFlag::O_RDONLY | OFlag::O_NONBLOCK;
        let mut file = beneath(&self.root, path, flags).map_err(|error| unreadable(path, &error))?;
        let meta = file.metadata().map_err(|error| unreadable(path, &error))?;
        let bytes_max = self.asked.bytes_max;
        self.bytes_left = self
            .bytes_left
            .checked_sub(meta.len())
            .ok_or_else(|| Stop::Refused(format!("more than {bytes_max} bytes in all files")))?;
        let kind = if meta.permissions().mode() & 0o100 == 0 { Kind::File } else { Kind::Executable };
        self.head_send(kind, name, meta.len())?;
        let mut left = meta.len();
        while left > 0 {
            let room = CHUNK_BYTES.saturating_sub(self.gathered.len()).max(1) as u64;
            let read = (&mut file).take(left.min(room)).read_to_end(&mut self.gathered);
            let count = read.map_err(|error| unreadable(path, &error))? as u64;
            if count == 0 {
                return Err(Stop::Refused(format!("{} became shorter", path.display())));
            }
            left = left.saturating_sub(count);
            if self.gathered.len() >= CHUNK_BYTES {
                self.flush()?;
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), Stop> {
        let mut news = News::FolderBytes(std::mem::take(&mut self.gathered));
        news_send(self.socket, &news).step("send the folder")?;
        if let News::FolderBytes(sent) = &mut news {
            sent.clear();
            self.gathered = std::mem::take(sent);
        }
        Ok(())
    }
}

/// The target of a link that may be kept; none for other links and for what is no link.
fn link_target(at: &Path, name: &str) -> Option<String> {
    let target = std::fs::read_link(at).ok()?;
    target.to_str().filter(|target| name::is_safe_link(name, target)).map(str::to_owned)
}

fn names_sorted(top: &Path, folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(top.join(folder))?;
    let mut names = entries.map(|entry| Ok(folder.join(entry?.file_name()))).collect::<io::Result<Vec<_>>>()?;
    names.sort_unstable();
    Ok(names)
}

fn beneath(root: &File, path: &Path, flags: OFlag) -> io::Result<File> {
    let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
    let how = OpenHow::new().flags(flags | OFlag::O_CLOEXEC).resolve(resolve);
    Ok(File::from(openat2(root.as_fd(), path, how)?))
}

fn unreadable(path: &Path, error: &io::Error) -> Stop {
    Stop::Refused(format!("{:?} cannot be read: {error}", path.display().to_string()))
}
