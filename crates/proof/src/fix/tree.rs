//! A private copy of a version's files, to be patched. The store's own are never touched.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Folders below each other that are copied.
const COPY_DEPTH_MAX: usize = 64;

/// Copies files, folders and links as they are; modes of files go along.
///
/// # Errors
/// Whatever the disk says.
pub fn tree_copy(from: &Path, to: &Path) -> io::Result<()> {
    copy_below(from, to, COPY_DEPTH_MAX)
}

fn copy_below(from: &Path, to: &Path, depth_left: usize) -> io::Result<()> {
    let Some(depth_left) = depth_left.checked_sub(1) else {
        return Err(io::Error::other(format!("more than {COPY_DEPTH_MAX} folders below each other")));
    };
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, dest) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type()?;
        if kind.is_dir() {
            copy_below(&source, &dest, depth_left)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &dest)?;
        } else if kind.is_file() {
            fs::copy(&source, &dest)?;
        }
    }
    Ok(())
}
