//! Who uses the store now: what a use took since it began, or what is held by name, is not evicted.
//!
//! Nothing here asks a clock. Uses are numbered in the order in which they begin; each entry remembers the number of the
//! newest use at the moment when it was last taken. An entry with a number below that of every living use is in nobody's
//! hands. A use lives as long as its file is locked, which the kernel ends with its process, however that dies.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use super::PackageStore;
use crate::file;
use crate::source::SourceError;

/// Length of a number in a file: so many hexadecimal digits.
const NUMBER_DIGITS: usize = 16;
/// Longest list of what is held by name, in bytes.
const HELD_BYTES_MAX: u64 = 1 << 20;
/// First word of a file that holds entries by name; that of a use is its number.
const HELD_WORD: &str = "held";

/// Something in use until this is dropped.
#[derive(Debug)]
pub struct Use {
    path: PathBuf,
    /// Locked as long as it is open.
    _file: File,
}

impl Drop for Use {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// What is in use at one moment.
#[derive(Debug)]
pub(super) struct InUse {
    /// Number of the oldest living use; none where there is none.
    oldest: Option<u64>,
    held: Vec<String>,
}

impl InUse {
    /// Whether what was last taken under this number may be in somebody's hands.
    pub(super) fn covers(&self, number: u64) -> bool {
        self.oldest.is_some_and(|oldest| number >= oldest)
    }

    /// Whether an entry is held by name.
    pub(super) fn holds(&self, entry: &str) -> bool {
        self.held.iter().any(|held| held == entry)
    }
}

/// What is remembered of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Number of the newest use when it was last taken.
    pub(super) number: u64,
    /// What it takes on disk, in bytes, where it was weighed.
    pub(super) bytes: Option<u64>,
}

/// The gate: shared while an entry is looked for and taken, exclusive while a use begins or entries are moved away.
pub(super) struct Gate {
    file: File,
}

fn number_read(file: &File, at: u64) -> Option<u64> {
    let mut digits = [0; NUMBER_DIGITS];
    file.read_exact_at(&mut digits, at).ok()?;
    u64::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()
}

fn number_write(file: &File, at: u64, number: u64) -> io::Result<()> {
    file.write_all_at(format!("{number:016x}").as_bytes(), at)
}

impl PackageStore {
    fn stamps(&self) -> PathBuf {
        self.root.join("used")
    }

    fn stamp_path(&self, entry: &str) -> PathBuf {
        self.stamps().join(entry.replace('/', "."))
    }

    /// The name of the entry that a path of the store is or lies in: `npm/0123…`.
    pub(super) fn entry_of(&self, path: &Path) -> Option<String> {
        let mut parts = path.strip_prefix(&self.root).ok()?.components();
        let (part, name) = (parts.next()?.as_os_str().to_str()?, parts.next()?.as_os_str().to_str()?);
        Some(format!("{part}/{name}"))
    }

    fn gate_file(&self) -> io::Result<File> {
        fs::create_dir_all(&self.root)?;
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.root.join("gate"))
    }

    pub(super) fn gate_shared(&self) -> io::Result<Gate> {
        let file = self.gate_file()?;
        file.lock_shared()?;
        Ok(Gate { file })
    }

    pub(super) fn gate_alone(&self) -> io::Result<Gate> {
        let file = self.gate_file()?;
        file.lock()?;
        Ok(Gate { file })
    }

    /// Begins a use: what is taken from now on stays until it is dropped.
    ///
    /// # Errors
    /// [`SourceError::Store`].
    pub fn use_begin(&self) -> Result<Use, SourceError> {
        self.use_file(|gate| {
            let number = self.number(gate).saturating_add(1);
            number_write(&gate.file, 0, number)?;
            Ok(format!("{number:016x}\n"))
        })
    }

    /// Holds the entries in which these paths lie, by name and whenever they were taken. They must be in use now.
    ///
    /// # Errors
    /// [`SourceError::Store`].
    pub fn hold<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> Result<Use, SourceError> {
        let mut entries: Vec<String> = paths.filter_map(|path| self.entry_of(path)).collect();
        entries.sort();
        entries.dedup();
        self.use_file(|_| Ok(format!("{HELD_WORD}\n{}\n", entries.join("\n"))))
    }

    fn use_file(&self, text: impl FnOnce(&Gate) -> io::Result<String>) -> Result<Use, SourceError> {
        let folder = self.root.join("uses");
        let made = (|| {
            let gate = self.gate_alone()?;
            let path = file::fresh_path(&folder)?;
            let file = File::create_new(&path)?;
            file.lock()?;
            let used = Use { path, _file: file };
            used._file.write_all_at(text(&gate)?.as_bytes(), 0)?;
            Ok(used)
        })();
        made.map_err(|source| SourceError::Store { step: "begin a use of", path: self.root.clone(), source })
    }

    pub(super) fn number_now(&self) -> io::Result<u64> {
        self.gate_shared().map(|gate| self.number(&gate))
    }

    /// The number of the newest use. One that was torn, as a machine that lost its power may leave it, is made good
    /// from what entries remember.
    fn number(&self, gate: &Gate) -> u64 {
        number_read(&gate.file, 0).unwrap_or_else(|| {
            let stamps = fs::read_dir(self.stamps()).into_iter().flatten().flatten();
            stamps.filter_map(|stamp| number_read(&File::open(stamp.path()).ok()?, 0)).max().unwrap_or(0)
        })
    }

    /// Everything in use, asked while the gate is held alone. What killed processes left is taken away.
    pub(super) fn in_use(&self, _alone: &Gate) -> io::Result<InUse> {
        let mut found = InUse { oldest: None, held: Vec::new() };
        let listed = match fs::read_dir(self.root.join("uses")) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(found),
            listed => listed?,
        };
        for entry in listed {
            let path = entry?.path();
            let file = match File::open(&path) {
                // Its use ended since the folder was read.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                file => file?,
            };
            match file.try_lock_shared() {
                Ok(()) => drop(fs::remove_file(&path)),
                Err(TryLockError::Error(e)) => return Err(e),
                Err(TryLockError::WouldBlock) => {
                    let mut text = String::new();
                    file.take(HELD_BYTES_MAX).read_to_string(&mut text)?;
                    let mut lines = text.lines().map(ToOwned::to_owned);
                    let first = lines.next().unwrap_or_default();
                    if first == HELD_WORD {
                        found.held.extend(lines);
                    } else {
                        // One that cannot be read holds everything.
                        let number = u64::from_str_radix(&first, 16).unwrap_or(0);
                        found.oldest = Some(found.oldest.map_or(number, |oldest| oldest.min(number)));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether something is in the store. If so it is taken: it stays as long as a use that began before.
    #[must_use]
    pub fn is_here(&self, place: &Path) -> bool {
        let Some(entry) = self.entry_of(place) else { return place.exists() };
        let taken = (|| {
            let gate = self.gate_shared()?;
            if !place.exists() {
                return Ok(false);
            }
            let stamp = self.stamp_file(&entry)?;
            number_write(&stamp, 0, self.number(&gate)).map(|()| true)
        })();
        taken.unwrap_or_else(|e: io::Error| {
            tracing::warn!(error = %e, %entry, "an entry of the store cannot be taken");
            false
        })
    }

    /// Moves a finished draft into its place, and takes it. Where another process was first, its folder stays.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn place(&self, draft: &Path, place: &Path) -> io::Result<()> {
        let gate = self.gate_shared()?;
        file::folder_place(draft, place)?;
        let Some(entry) = self.entry_of(place) else { return Ok(()) };
        // What is remembered of an entry of that name may be of one that is gone.
        number_write(&self.stamp_file(&entry)?, 0, self.number(&gate))
    }

    fn stamp_file(&self, entry: &str) -> io::Result<File> {
        let path = self.stamp_path(entry);
        let open = || OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        match open() {
            Err(e) if e.kind() == io::ErrorKind::NotFound => fs::create_dir_all(self.stamps()).and_then(|()| open()),
            opened => opened,
        }
    }

    /// What is remembered of an entry. One that was never taken is as if it were taken now: it may just have been made.
    pub(super) fn stamp(&self, entry: &str, gate: &Gate) -> io::Result<Stamp> {
        let file = self.stamp_file(entry)?;
        let number = match number_read(&file, 0) {
            Some(number) => number,
            None => {
                let newest = self.number(gate);
                number_write(&file, 0, newest)?;
                newest
            }
        };
        Ok(Stamp { number, bytes: number_read(&file, NUMBER_DIGITS as u64) })
    }

    /// Remembers what an entry weighs.
    pub(super) fn stamp_weigh(&self, entry: &str, bytes: u64) -> io::Result<()> {
        number_write(&self.stamp_file(entry)?, NUMBER_DIGITS as u64, bytes)
    }

    /// Forgets an entry that is gone.
    pub(super) fn stamp_forget(&self, entry: &str) {
        let _ = fs::remove_file(self.stamp_path(entry));
    }
}
