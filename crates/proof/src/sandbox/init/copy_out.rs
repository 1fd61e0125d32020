//! Sends what was asked for of the writable folder to the parent, once nothing of the program is alive. Regular files
//! only; no link is followed, no other mount entered, and every bound is checked before a byte is read.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};

use super::super::limits::{COPY_OUT_BYTES_MAX, TREE_DEPTH_MAX};
use super::super::spec::CopyOut;
use super::super::wire::{News, Order, news_send};
use super::{Failed, Step};

struct Out<'a> {
    root: File,
    socket: &'a UnixStream,
    bytes_left: u64,
    files_left: u32,
    left_out: u64,
}

/// Sends the files and says how many things were left out.
pub fn send(order: &Order, socket: &UnixStream) -> Result<u64, Failed> {
    if order.copy_out == CopyOut::Nothing {
        return Ok(0);
    }
    let root = File::open(&order.box_dir).step("open the writable folder")?;
    let files_left = order.limits.files;
    let mut out = Out { root, socket, bytes_left: COPY_OUT_BYTES_MAX, files_left, left_out: 0 };
    match &order.copy_out {
        CopyOut::Nothing | CopyOut::Folder(_) => {}
        CopyOut::Files(paths) => {
            for path in paths {
                out.file_send(Path::new(path))?;
            }
        }
        CopyOut::Tree => out.tree_send(order)?,
    }
    Ok(out.left_out)
}

impl Out<'_> {
    fn tree_send(&mut self, order: &Order) -> Result<(), Failed> {
        let root = Path::new(&order.box_dir);
        let device = root.metadata().step("look at the writable folder")?.dev();
        let mut folders = vec![(PathBuf::new(), 0)];
        while let Some((folder, depth)) = folders.pop() {
            let Ok(entries) = std::fs::read_dir(root.join(&folder)) else {
                self.left_out += 1;
                continue;
            };
            for entry in entries.flatten() {
                let path = folder.join(entry.file_name());
                // The entry itself, not what a link points to.
                let Ok(meta) = entry.path().symlink_metadata() else {
                    self.left_out += 1;
                    continue;
                };
                if meta.dev() != device {
                    continue;
                }
                if meta.is_dir() && depth < TREE_DEPTH_MAX {
                    folders.push((path, depth + 1));
                } else if meta.is_file() {
                    self.file_send(&path)?;
                } else {
                    self.left_out += 1;
                }
            }
        }
        Ok(())
    }

    fn file_send(&mut self, path: &Path) -> Result<(), Failed> {
        match self.file_read(path) {
            Ok(Some(news)) => news_send(self.socket, &news).step("send a file out"),
            Ok(None) | Err(_) => {
                self.left_out += 1;
                Ok(())
            }
        }
    }

    fn file_read(&mut self, path: &Path) -> io::Result<Option<News>> {
        let beneath = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
        let how = OpenHow::new().flags(OFlag::O_RDONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC).resolve(beneath);
        let file = File::from(openat2(self.root.as_fd(), path, how)?);
        let meta = file.metadata()?;
        let Some(name) = path.to_str() else { return Ok(None) };
        if !meta.is_file() || meta.len() > self.bytes_left || self.files_left == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(self.bytes_left).read_to_end(&mut bytes)?;
        self.bytes_left = self.bytes_left.saturating_sub(bytes.len() as u64);
        self.files_left -= 1;
        let executable = meta.permissions().mode() & 0o100 != 0;
        Ok(Some(News::File { path: name.to_owned(), executable, bytes }))
    }
}
