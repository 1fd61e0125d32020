//! The tree of files that a tool looked at. The paths come from a stranger's document: the kernel resolves them beneath the tree, so
//! neither `..` nor a link leads out, whoever changes the tree meanwhile.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{OFlag, OpenHow, ResolveFlag, openat2};
use triage::place::{FILE_BYTES_MAX, NoSymbol};

/// An open folder.
#[derive(Debug)]
pub struct SourceTree {
    folder: OwnedFd,
    /// As it was named, and without links.
    names: [PathBuf; 2],
}

impl SourceTree {
    /// Opens a folder.
    ///
    /// # Errors
    /// One line where it is none, or the kernel cannot keep paths within it.
    pub fn open(folder: &Path) -> Result<Self, String> {
        let failed = |e: std::io::Error| format!("open the source {}: {e}", folder.display());
        if !folder.metadata().map_err(failed)?.is_dir() {
            return Err(format!("the source {} is no folder", folder.display()));
        }
        let names = [std::path::absolute(folder).map_err(failed)?, folder.canonicalize().map_err(failed)?];
        let tree = SourceTree { folder: File::open(folder).map_err(failed)?.into(), names };
        match tree.opened(Path::new(".")) {
            Err(Errno::ENOSYS) => Err("the kernel has no openat2, without which a path could lead out".to_owned()),
            Err(e) => Err(failed(e.into())),
            Ok(_) => Ok(tree),
        }
    }

    /// Reads a file of the tree.
    ///
    /// # Errors
    /// [`NoSymbol`]
    pub fn read(&self, path: &str) -> Result<Vec<u8>, NoSymbol> {
        let within = self.names.iter().find_map(|name| Path::new(path).strip_prefix(name).ok());
        let file = self.opened(within.unwrap_or(Path::new(path))).map_err(|errno| match errno {
            Errno::ENOENT | Errno::ENOTDIR | Errno::ENAMETOOLONG | Errno::EINVAL => NoSymbol::NotThere,
            Errno::EXDEV | Errno::ELOOP => NoSymbol::Outside,
            _ => NoSymbol::Unreadable,
        })?;
        let about = file.metadata().map_err(|_| NoSymbol::Unreadable)?;
        if !about.is_file() {
            return Err(NoSymbol::NotThere);
        }
        let mut bytes = Vec::new();
        file.take(FILE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|_| NoSymbol::Unreadable)?;
        if bytes.len() > FILE_BYTES_MAX { Err(NoSymbol::TooLarge) } else { Ok(bytes) }
    }

    fn opened(&self, path: &Path) -> Result<File, Errno> {
        // Without blocking: a pipe in the tree must not hold us up.
        let flags = OFlag::O_RDONLY | OFlag::O_CLOEXEC | OFlag::O_NONBLOCK | OFlag::O_NOCTTY;
        let resolve = ResolveFlag::RESOLVE_BENEATH | ResolveFlag::RESOLVE_NO_MAGICLINKS;
        openat2(&self.folder, path, OpenHow::new().flags(flags).resolve(resolve)).map(File::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_leads_out() {
        let room = tempfile::tempdir().unwrap();
        let (top, at) = (room.path().join("tree"), |name: &str| room.path().join(name));
        std::fs::create_dir_all(top.join("src")).unwrap();
        std::fs::write(at("secret.c"), "secret").unwrap();
        std::fs::write(top.join("src/a.c"), "a").unwrap();
        std::os::unix::fs::symlink("../../secret.c", top.join("src/out.c")).unwrap();
        std::os::unix::fs::symlink(at("secret.c"), top.join("far.c")).unwrap();
        std::os::unix::fs::symlink("a.c", top.join("src/in.c")).unwrap();
        std::os::unix::fs::symlink("..", top.join("up")).unwrap();
        std::os::unix::fs::symlink("loop.c", top.join("loop.c")).unwrap();
        let tree = SourceTree::open(&top).unwrap();
        let inside = top.join("src/a.c");
        for path in ["src/a.c", "src/../src/a.c", "src/in.c", "./src//a.c", inside.to_str().unwrap()] {
            assert_eq!(tree.read(path), Ok(b"a".to_vec()), "{path}");
        }
        let out = at("secret.c");
        for path in ["../secret.c", "src/../../secret.c", "src/out.c", "far.c", "up/secret.c", "loop.c", "/etc/passwd"]
            .into_iter()
            .chain([out.to_str().unwrap()])
        {
            assert_eq!(tree.read(path), Err(NoSymbol::Outside), "{path}");
        }
        for path in ["src", "none.c", "src/a.c/b", "", "a\0b"] {
            assert_eq!(tree.read(path), Err(NoSymbol::NotThere), "{path:?}");
        }
        std::fs::write(top.join("big.c"), vec![b'x'; FILE_BYTES_MAX + 1]).unwrap();
        assert_eq!(tree.read("big.c"), Err(NoSymbol::TooLarge));
        assert!(SourceTree::open(&inside).is_err() && SourceTree::open(&at("none")).is_err());
    }
}
