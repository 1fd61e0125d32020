//! A private copy of a version's files, to be patched. The store's own are never touched.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::digest::Sha256Hex;
use crate::engine::EngineError;

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

/// SHA-256 over the sorted names, kinds and contents of all files below: what a patched tree is named by.
///
/// # Errors
/// Whatever the disk says.
pub fn tree_digest(root: &Path) -> Result<Sha256Hex, EngineError> {
    let mut hash = Sha256::new();
    hash.update(b"proofhouse tree 1\n");
    let hashed = hash_below(root, &mut hash, COPY_DEPTH_MAX);
    hashed.map_err(|source| EngineError::Home { step: "read patched tree", path: root.to_owned(), source })?;
    Ok(Sha256Hex::from_hash(hash))
}

fn hash_below(folder: &Path, hash: &mut Sha256, depth_left: usize) -> io::Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    hash.update((entries.len() as u64).to_le_bytes());
    for entry in entries {
        let kind = entry.file_type()?;
        let mut add = |kind: &[u8], bytes: &[u8]| {
            for part in [kind, entry.file_name().as_encoded_bytes(), bytes] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        };
        if kind.is_dir() {
            add(b"folder", b"");
            hash_below(&entry.path(), hash, depth_left.checked_sub(1).ok_or_else(|| io::Error::other("too deep"))?)?;
        } else if kind.is_symlink() {
            add(b"link", fs::read_link(entry.path())?.as_os_str().as_encoded_bytes());
        } else if kind.is_file() {
            add(b"file", &fs::read(entry.path())?);
        }
    }
    Ok(())
}
