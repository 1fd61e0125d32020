//! The trusted end of an unpacking: takes the worker's stream, checks every name and number again, and writes plain
//! files into a new folder that appears whole or not at all.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, RenameFlags, ResolveFlag, openat2, renameat2};
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat, mkdirat};
use nix::unistd::{UnlinkatFlags, symlinkat, unlinkat};

use super::name;
use super::stream::{self, Head, Kind, Record};
use super::{Duplicates, UnpackError, UnpackLimits, UnpackReport};

/// What a stream may hold.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    pub limits: UnpackLimits,
    pub duplicates: Duplicates,
    /// Symbolic links that stay below the root are made, once everything else is there.
    pub links: bool,
}

/// What a name stands for so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Known {
    File,
    Folder,
    Link,
}

/// Writes what the worker sends.
pub struct Receiver {
    folder: NewFolder,
    rules: Rules,
    known: HashMap<String, Known>,
    record: Vec<u8>,
    open: Option<Open>,
    links: Vec<Link>,
    report: UnpackReport,
    finished: bool,
}

struct Open {
    into: Into,
    left: u64,
    path: String,
}

/// Where an entry's content goes.
enum Into {
    File(File),
    Target(Vec<u8>),
}

struct Link {
    path: String,
    target: String,
}

impl Receiver {
    /// Makes the folder, under another name, beside where it will appear.
    pub fn new(rules: Rules, dest: &Path) -> Result<Self, UnpackError> {
        Ok(Self {
            folder: NewFolder::make(dest)?,
            rules,
            known: HashMap::new(),
            record: Vec::new(),
            open: None,
            links: Vec::new(),
            report: UnpackReport::default(),
            finished: false,
        })
    }

    /// Takes the next bytes of the stream.
    pub fn take(&mut self, mut bytes: &[u8]) -> Result<(), UnpackError> {
        while !bytes.is_empty() {
            bytes = match self.open.take() {
                Some(open) => self.content_take(open, bytes)?,
                None => self.record_take(bytes)?,
            };
        }
        Ok(())
    }

    /// Lets the folder appear, if the stream was whole.
    pub fn finish(self) -> Result<Option<UnpackReport>, UnpackError> {
        if !self.finished || self.open.is_some() || !self.record.is_empty() {
            return Ok(None);
        }
        // Last of all, so that no name was ever made through one.
        for link in &self.links {
            symlinkat(link.target.as_str(), self.folder.root.as_fd(), link.path.as_str())
                .map_err(|errno| self.folder.unwritten(&link.path, errno.into()))?;
        }
        self.folder.appear()?;
        Ok(Some(self.report))
    }

    fn content_take<'a>(&mut self, mut open: Open, bytes: &'a [u8]) -> Result<&'a [u8], UnpackError> {
        let count = usize::try_from(open.left).unwrap_or(usize::MAX).min(bytes.len());
        let (now, rest) = bytes.split_at(count);
        match &mut open.into {
            Into::File(file) => file.write_all(now).map_err(|source| self.folder.unwritten(&open.path, source))?,
            Into::Target(target) => target.extend_from_slice(now),
        }
        open.left -= count as u64;
        match open {
            Open { left: 0, into: Into::Target(target), path } => self.link_keep(path, target)?,
            Open { left: 0, .. } => {}
            open => self.open = Some(open),
        }
        Ok(rest)
    }

    fn record_take<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], UnpackError> {
        if self.finished {
            return Err(refused("", "something follows the end"));
        }
        let missing = stream::bytes_needed(&self.record).saturating_sub(self.record.len());
        let (now, rest) = bytes.split_at(missing.min(bytes.len()));
        self.record.extend_from_slice(now);
        if self.record.len() < stream::bytes_needed(&self.record) {
            return Ok(rest);
        }
        let record = stream::record_read(&self.record).map_err(|why| refused("", why))?;
        self.record.clear();
        match record {
            Record::End(end) => {
                self.report.specials_left_out = end.specials_left_out;
                self.finished = true;
            }
            Record::Head(Head { kind: Kind::Link, .. }) if !self.rules.links => {
                return Err(refused("", "a record is of no known kind"));
            }
            Record::Head(head) => self.entry_begin(head)?,
        }
        Ok(rest)
    }

    fn entry_begin(&mut self, head: Head) -> Result<(), UnpackError> {
        self.bounds_check(&head)?;
        if let Some((parent, _)) = head.path.rsplit_once('/') {
            self.folders_make(parent)?;
        }
        match head.kind {
            Kind::Folder => return self.folders_make(&head.path),
            Kind::Link => return self.link_begin(head),
            Kind::File | Kind::Executable => {}
        }
        match (self.known.get(&head.path), self.rules.duplicates) {
            (None, _) => {}
            (Some(Known::Link), _) => return Err(refused(&head.path, "it is both a file and a link")),
            (Some(Known::Folder), _) => return Err(refused(&head.path, "it is both a file and a folder")),
            (Some(Known::File), Duplicates::Refuse) => return Err(refused(&head.path, "it is there twice")),
            (Some(Known::File), Duplicates::LastWins) => {
                unlinkat(self.folder.root.as_fd(), head.path.as_str(), UnlinkatFlags::NoRemoveDir)
                    .map_err(|errno| self.folder.unwritten(&head.path, errno.into()))?;
                self.report.duplicates += 1;
                self.report.files -= 1;
            }
        }
        let file = self.folder.file_make(&head)?;
        self.known.insert(head.path.clone(), Known::File);
        self.report.files += 1;
        self.report.bytes += head.size;
        self.entries_check(&head.path)?;
        self.open = (head.size > 0).then_some(Open { into: Into::File(file), left: head.size, path: head.path });
        Ok(())
    }

    fn link_begin(&mut self, head: Head) -> Result<(), UnpackError> {
        if self.known.contains_key(&head.path) {
            return Err(refused(&head.path, "it is there twice"));
        }
        if head.size == 0 || head.size > name::LINK_BYTES_MAX as u64 {
            return Err(refused(&head.path, "it is a link without a plain target"));
        }
        self.known.insert(head.path.clone(), Known::Link);
        self.report.links += 1;
        self.entries_check(&head.path)?;
        self.open = Some(Open { into: Into::Target(Vec::new()), left: head.size, path: head.path });
        Ok(())
    }

    fn link_keep(&mut self, path: String, target: Vec<u8>) -> Result<(), UnpackError> {
        match String::from_utf8(target) {
            Ok(target) if name::is_safe_link(&path, &target) => {
                self.links.push(Link { path, target });
                Ok(())
            }
            _ => Err(refused(&path, "it is a link that may lead out of the folder")),
        }
    }

    fn bounds_check(&self, head: &Head) -> Result<(), UnpackError> {
        let limits = &self.rules.limits;
        let depth = head.path.split('/').count() as u64;
        let bounds = [
            (head.path.len() as u64, u64::from(limits.path_bytes), "bytes of name"),
            (depth, u64::from(limits.depth), "folders below each other"),
            (head.size, limits.file_bytes, "bytes in one file"),
            (self.report.bytes.saturating_add(head.size), limits.total_bytes, "bytes in all"),
        ];
        for (is, bound, unit) in bounds {
            if is > bound {
                return Err(UnpackError::TooMuch { entry: head.path.clone(), bound, unit: unit.to_owned() });
            }
        }
        if name::is_safe(&head.path) {
            Ok(())
        } else {
            Err(refused(&head.path, "its name is not a plain relative one"))
        }
    }

    /// Makes a folder and its parents where they are missing.
    fn folders_make(&mut self, path: &str) -> Result<(), UnpackError> {
        match self.known.get(path) {
            Some(Known::Folder) => return Ok(()),
            Some(Known::File) => return Err(refused(path, "it is both a file and a folder")),
            Some(Known::Link) => return Err(refused(path, "it is both a link and a folder")),
            None => {}
        }
        if let Some((parent, _)) = path.rsplit_once('/') {
            self.folders_make(parent)?;
        }
        self.folder.folder_make(path)?;
        self.known.insert(path.to_owned(), Known::Folder);
        self.report.folders += 1;
        self.entries_check(path)
    }

    /// Replaced entries count too: each was written.
    fn entries_check(&self, path: &str) -> Result<(), UnpackError> {
        let report = &self.report;
        let counts = [report.files, report.folders, report.links, report.duplicates];
        let entries: u64 = counts.map(u64::from).iter().sum();
        let bound = u64::from(self.rules.limits.files);
        if entries > bound {
            return Err(UnpackError::TooMuch { entry: path.to_owned(), bound, unit: "files and folders".to_owned() });
        }
        Ok(())
    }
}

fn refused(entry: &str, why: &str) -> UnpackError {
    UnpackError::Entry { entry: entry.to_owned(), why: why.to_owned() }
}

/// A folder under a temporary name; removed if it never appears.
struct NewFolder {
    root: OwnedFd,
    temporary: tempfile::TempDir,
    dest: PathBuf,
}

impl NewFolder {
    fn make(dest: &Path) -> Result<Self, UnpackError> {
        let failed = |source| UnpackError::Write { path: dest.to_path_buf(), source };
        if fs::symlink_metadata(dest).is_ok() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let name = dest.file_name().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let parent = dest.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut prefix = OsString::from(".");
        prefix.push(name);
        prefix.push(".unpacking-");
        let temporary = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent).map_err(failed)?;
        let root = File::open(temporary.path()).map_err(failed)?.into();
        Ok(Self { root, temporary, dest: dest.to_path_buf() })
    }

    fn unwritten(&self, path: &str, source: io::Error) -> UnpackError {
        UnpackError::Write { path: self.dest.join(path), source }
    }

    /// The mode is set again after making: the caller's umask must not decide who can read a shared store.
    fn file_make(&self, head: &Head) -> Result<File, UnpackError> {
        let mode = if head.kind == Kind::Executable { 0o755 } else { 0o644 };
        let beneath = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_SYMLINKS | ResolveFlag::RESOLVE_NO_XDEV;
        let flags = OFlag::O_WRONLY | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_CLOEXEC;
        let how = OpenHow::new().flags(flags).mode(Mode::from_bits_truncate(0o600)).resolve(beneath);
        let file = openat2(self.root.as_fd(), head.path.as_str(), how).map(File::from);
        let file = file.map_err(|errno| self.unwritten(&head.path, errno.into()))?;
        file.set_permissions(Permissions::from_mode(mode)).map_err(|source| self.unwritten(&head.path, source))?;
        Ok(file)
    }

    /// No link is made below the root before everything else is there, so a name that is safe stays below it.
    fn folder_make(&self, path: &str) -> Result<(), UnpackError> {
        let mode = Mode::from_bits_truncate(0o755);
        mkdirat(self.root.as_fd(), path, mode)
            .and_then(|()| fchmodat(self.root.as_fd(), path, mode, FchmodatFlags::FollowSymlink))
            .map_err(|errno| self.unwritten(path, errno.into()))
    }

    fn appear(self) -> Result<(), UnpackError> {
        let failed = |source| UnpackError::Write { path: self.dest.clone(), source };
        fs::set_permissions(self.temporary.path(), Permissions::from_mode(0o755)).map_err(failed)?;
        renameat2(AT_FDCWD, self.temporary.path(), AT_FDCWD, &self.dest, RenameFlags::RENAME_NOREPLACE)
            .map_err(|errno| failed(errno.into()))?;
        let _ = self.temporary.keep();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: UnpackLimits = UnpackLimits { files: 4, total_bytes: 50, file_bytes: 40, path_bytes: 30, depth: 3 };

    fn record(mark: u8, path: &[u8], size: u64, content: &[u8]) -> Vec<u8> {
        let mut bytes = vec![mark];
        bytes.extend_from_slice(&(path.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&size.to_le_bytes());
        bytes.extend_from_slice(path);
        bytes.extend_from_slice(content);
        bytes
    }

    /// The record that ends a stream in which nothing was left out.
    fn stream_end() -> Vec<u8> {
        let mut bytes = Vec::new();
        stream::End { specials_left_out: 0 }.write(&mut bytes).unwrap();
        bytes
    }

    /// What a worker that has been taken over may send, a few bytes at a time; none: it is not whole.
    fn receive(stream: &[u8], chunk_bytes: usize, links: bool) -> Result<Option<UnpackReport>, String> {
        let folder = tempfile::tempdir().unwrap();
        let rules = Rules { limits: LIMITS, duplicates: Duplicates::LastWins, links };
        let mut receiver = Receiver::new(rules, &folder.path().join("dest")).unwrap();
        let taken = stream.chunks(chunk_bytes).try_for_each(|chunk| receiver.take(chunk));
        let result = taken.and_then(|()| receiver.finish()).map_err(|error| error.to_string());
        let there = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(there, usize::from(matches!(result, Ok(Some(_)))));
        result
    }

    fn check_refused(record: Vec<u8>, expected: &str) {
        check_refused_where(record, false, expected);
    }

    fn check_refused_where(record: Vec<u8>, links: bool, expected: &str) {
        let stream = [record, stream_end()].concat();
        for chunk_bytes in [1, 7, stream.len()] {
            assert_eq!(receive(&stream, chunk_bytes, links).unwrap_err(), expected);
        }
    }

    #[test]
    fn a_worker_that_lies_is_refused() {
        let plain = "its name is not a plain relative one";
        for name in ["../x", "/x", "a/../x", "a//x", ".", "a/.", "x\0"] {
            let shown = format!("unpack: entry {name:?}: {plain}");
            check_refused(record(b'F', name.as_bytes(), 0, b""), &shown);
            check_refused(record(b'D', name.as_bytes(), 0, b""), &shown);
        }
        check_refused(record(b'F', b"a\xff", 0, b""), "unpack: entry \"\": a name is not UTF-8");
        check_refused(record(b'L', b"link", 0, b""), "unpack: entry \"\": a record is of no known kind");
        check_refused(record(b'D', b"folder", 1, b"x"), "unpack: entry \"\": a folder has content");
        check_refused(record(b'F', b"a", 41, b""), "unpack: over the bound of 40 bytes in one file at entry \"a\"");
        check_refused(
            record(b'F', b"a", u64::MAX, b""),
            "unpack: over the bound of 40 bytes in one file at entry \"a\"",
        );
        check_refused(
            record(b'F', b"a/b/c/d", 0, b""),
            "unpack: over the bound of 3 folders below each other at entry \"a/b/c/d\"",
        );
        let twice = [record(b'F', b"a", 30, &[0; 30]), record(b'F', b"b", 30, &[0; 30])].concat();
        check_refused(twice, "unpack: over the bound of 50 bytes in all at entry \"b\"");
        let more = [stream_end(), record(b'F', b"a", 0, b"")].concat();
        check_refused(more, "unpack: entry \"\": something follows the end");
    }

    #[test]
    fn the_same_name_again_and_again_ends_at_the_bound() {
        let again = record(b'F', b"a", 0, b"").repeat(10);
        check_refused(again, "unpack: over the bound of 4 files and folders at entry \"a\"");
        let folders = record(b'D', b"a/b/c", 0, b"");
        let more = [folders, record(b'F', b"d/e", 0, b"")].concat();
        check_refused(more, "unpack: over the bound of 4 files and folders at entry \"d/e\"");
    }

    #[test]
    fn a_stream_that_ends_early_gives_nothing() {
        let whole = [record(b'X', b"a/b", 5, b"hello"), stream_end()].concat();
        assert!(receive(&whole, 3, false).unwrap().is_some());
        for length in 0..whole.len() {
            assert_eq!(receive(&whole[..length], 1 << 10, false), Ok(None), "{length}");
        }
    }

    #[test]
    fn links_are_made_only_where_wanted_and_never_lead_out() {
        let link = |path: &[u8], target: &[u8]| record(b'L', path, target.len() as u64, target);
        check_refused(link(b"a", b"b"), "unpack: entry \"\": a record is of no known kind");
        let stream = [link(b"d/a", b"../b"), record(b'F', b"b", 1, b"x"), stream_end()].concat();
        assert_eq!(receive(&stream, 5, true).unwrap().unwrap().links, 1);
        let out = "unpack: entry \"a\": it is a link that may lead out of the folder";
        check_refused_where(link(b"a", b"/etc/passwd"), true, out);
        check_refused_where(link(b"a", b"../x"), true, out);
        check_refused_where(link(b"a", b"b/../.."), true, out);
        check_refused_where(link(b"a", b"\xff"), true, out);
        check_refused_where(link(b"a", b""), true, "unpack: entry \"a\": it is a link without a plain target");
        let through = [link(b"a", b"b"), record(b'F', b"a/x", 0, b"")].concat();
        check_refused_where(through, true, "unpack: entry \"a\": it is both a link and a folder");
        let over = [link(b"a", b"b"), record(b'F', b"a", 0, b"")].concat();
        check_refused_where(over, true, "unpack: entry \"a\": it is both a file and a link");
        let twice = [record(b'F', b"a", 0, b""), link(b"a", b"b")].concat();
        check_refused_where(twice, true, "unpack: entry \"a\": it is there twice");
    }
}
