//! Keeps one copy of files that packages have in common, most of all versions of one package: hard links to one file.
//!
//! Nothing here is needed: a file that cannot be shared stays a file of its own. No content is believed by its digest:
//! it is compared. What is shared must never be written to, as nothing in the store is.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::PackageStore;
use crate::digest::Sha256Hex;
use crate::file;

/// The part of the store with a name for each file that may be shared.
pub(super) const SHARED: &str = "shared";
/// Longest file that is shared, in bytes: it is held in memory, twice, while it is compared.
const SHARED_BYTES_MAX: u64 = 16 << 20;
/// Leading digits of a digest that are a folder's name, so that none has too many entries.
const FOLDER_DIGITS: usize = 2;

impl PackageStore {
    /// Makes the files of a finished draft hard links to those of the store that are alike, and offers the others to those
    /// who come later.
    pub(super) fn share(&self, draft: &Path) {
        if let Err(error) = self.share_below(draft) {
            tracing::debug!(%error, "a package's files are not shared with others");
        }
    }

    fn share_below(&self, folder: &Path) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let (path, about) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
            if about.is_dir() {
                self.share_below(&path)?;
            } else if about.is_file() && (1..=SHARED_BYTES_MAX).contains(&about.len()) && about.nlink() == 1 {
                self.share_file(&path, &about)?;
            }
        }
        Ok(())
    }

    fn share_file(&self, path: &Path, about: &Metadata) -> io::Result<()> {
        let bytes = fs::read(path)?;
        let digest = Sha256Hex::of(&bytes);
        let folder = self.root.join(SHARED).join(digest.as_str().get(..FOLDER_DIGITS).unwrap_or_default());
        let place = folder.join(format!("{}-{:o}", digest.as_str(), about.mode() & 0o777));
        let linked = match fs::hard_link(path, &place) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&folder)?;
                fs::hard_link(path, &place)
            }
            linked => linked,
        };
        match linked {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            linked => return linked,
        }
        // One that a lost power spoiled, or of another user, is left alone.
        let there = fs::symlink_metadata(&place)?;
        let alike = there.is_file() && there.uid() == about.uid() && there.len() == about.len();
        if !alike || fs::read(&place)? != bytes {
            return Ok(());
        }
        // Not beside it: a package may have any name there. What a kill leaves goes with the drafts of the dead.
        let named = file::fresh_path(&self.root.join("drafts"))?;
        match fs::hard_link(&place, &named).and_then(|()| fs::rename(&named, path)) {
            // It has as many names as a file can have, or was swept away just now.
            Err(e) if matches!(e.kind(), io::ErrorKind::TooManyLinks | io::ErrorKind::NotFound) => Ok(()),
            Err(e) => {
                let _ = fs::remove_file(&named);
                Err(e)
            }
            Ok(()) => Ok(()),
        }
    }

    /// Takes away the names of files that nothing in the store has any more.
    pub(super) fn shared_sweep(&self) -> io::Result<()> {
        let folders = match fs::read_dir(self.root.join(SHARED)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            folders => folders?,
        };
        for folder in folders {
            for entry in fs::read_dir(folder?.path())? {
                let entry = entry?;
                // One that is being linked at this moment only loses its name here.
                if entry.metadata().is_ok_and(|about| about.nlink() == 1) {
                    let _ = fs::remove_file(entry.path());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn inode(path: &Path) -> u64 {
        fs::metadata(path).unwrap().ino()
    }

    #[test]
    fn what_is_alike_is_one_file_and_goes_with_the_last_that_has_it() {
        let root = tempfile::tempdir().unwrap();
        let store = PackageStore::new(root.path().to_owned(), None);
        let folders: Vec<_> = (0..3).map(|number| root.path().join(format!("npm/{number}"))).collect();
        for (number, folder) in folders.iter().enumerate() {
            fs::create_dir_all(folder.join("lib")).unwrap();
            for (name, text) in [("same.js", "alike".to_owned()), ("lib/own.js", number.to_string())] {
                fs::write(folder.join(name), text).unwrap();
            }
            fs::write(folder.join("empty"), "").unwrap();
        }
        fs::set_permissions(folders[2].join("same.js"), fs::Permissions::from_mode(0o755)).unwrap();
        for folder in &folders {
            store.share(folder);
        }
        assert_eq!(inode(&folders[0].join("same.js")), inode(&folders[1].join("same.js")));
        // A program is another file than a text.
        assert_ne!(inode(&folders[0].join("same.js")), inode(&folders[2].join("same.js")));
        for (number, folder) in folders.iter().enumerate() {
            assert_eq!(fs::read_to_string(folder.join("same.js")).unwrap(), "alike");
            assert_eq!(fs::read_to_string(folder.join("lib/own.js")).unwrap(), number.to_string());
            assert_eq!(fs::read_dir(folder).unwrap().count(), 3);
        }
        let names = || {
            let folders = fs::read_dir(root.path().join(SHARED)).unwrap().flatten();
            folders.map(|folder| fs::read_dir(folder.path()).unwrap().count()).sum::<usize>()
        };
        assert_eq!(names(), 5);
        fs::remove_dir_all(&folders[0]).unwrap();
        store.shared_sweep().unwrap();
        assert_eq!(names(), 4);
        fs::remove_dir_all(&folders[1]).unwrap();
        store.shared_sweep().unwrap();
        assert_eq!(names(), 2);
    }

    #[test]
    fn a_name_with_another_content_behind_it_is_not_believed() {
        let root = tempfile::tempdir().unwrap();
        let store = PackageStore::new(root.path().to_owned(), None);
        let digest = Sha256Hex::of(b"right");
        let folder = root.path().join(SHARED).join(&digest.as_str()[..FOLDER_DIGITS]);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{}-644", digest.as_str())), "wrong").unwrap();
        let package = root.path().join("npm/1");
        fs::create_dir_all(&package).unwrap();
        fs::write(package.join("a"), "right").unwrap();
        fs::set_permissions(package.join("a"), fs::Permissions::from_mode(0o644)).unwrap();
        store.share(&package);
        assert_eq!(fs::read_to_string(package.join("a")).unwrap(), "right");
    }
}
