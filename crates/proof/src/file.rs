//! Files that appear whole or not at all, also when the process is killed in the middle.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Writes a file under another name beside `path`, makes it durable, and renames it into place.
///
/// # Errors
/// Whatever the disk says; `path` is then as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or_else(|| io::Error::other("a file without a folder"))?;
    fs::create_dir_all(folder)?;
    let draft = folder.join(format!(".new-{}", random_name()?));
    let written = fs::File::create_new(&draft)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        let _ = fs::remove_file(&draft);
    }
    written
}

/// Moves a finished folder into place. Where another process was first, its folder stays and ours goes.
///
/// # Errors
/// Whatever the disk says.
pub fn folder_place(draft: &Path, place: &Path) -> io::Result<()> {
    if let Some(parent) = place.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::rename(draft, place) {
        Ok(()) => Ok(()),
        Err(_) if place.is_dir() => fs::remove_dir_all(draft),
        Err(e) => Err(e),
    }
}

/// A fresh name below `parent`, whose folder is made; the name itself is not.
///
/// # Errors
/// Whatever the disk says.
pub fn fresh_path(parent: &Path) -> io::Result<PathBuf> {
    fs::create_dir_all(parent)?;
    Ok(parent.join(random_name()?))
}

/// 32 random hexadecimal digits.
///
/// # Errors
/// Where the system has no random bytes.
pub fn random_name() -> io::Result<String> {
    let mut raw = [0u8; 16];
    getrandom::fill(&mut raw).map_err(|e| io::Error::other(e.to_string()))?;
    Ok(hex::encode(raw))
}
