//! Keeps the store below its bound: what was not taken for longest goes first, and nothing that is in use.
//!
//! Safe with several processes and after a kill at any instant: an entry is moved away whole while nobody looks for
//! one, and deleted where nobody looks. Must not fail a run: what cannot be evicted now is tried again later.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::share::SHARED;
use super::uses::InUse;
use super::{PackageStore, Stored};
use crate::file;

/// How often the store is weighed while runs go on, in milliseconds.
pub const WEIGH_EVERY_MS: u64 = 1_000;
/// Once over its bound, the store is brought below it by one part in so many, so that not every run evicts.
const ROOM_PARTS: u64 = 16;
/// Size of a block in what the kernel tells of a file, in bytes.
const BLOCK_BYTES: u64 = 512;
/// Parts that hold no entries.
const NO_ENTRIES: [&str; 5] = ["drafts", "uses", "used", INDEX, SHARED];
/// The part with what registries' digests stand for.
const INDEX: &str = "by-integrity";
/// The part with runtimes: beside them lie notes of some bytes about programs of this machine, which stay.
const RUNTIMES: &str = "runtimes";

/// What is in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Weight {
    /// Packages, layers, runtimes and builds.
    pub entries: usize,
    /// What they take on disk, in bytes. Files that two entries share count twice.
    pub bytes: u64,
    /// Entries evicted just now.
    pub evicted: usize,
    /// What they took, in bytes.
    pub evicted_bytes: u64,
}

/// An entry, and what is known of it.
struct Entry {
    name: String,
    number: u64,
    bytes: u64,
}

impl PackageStore {
    /// Weighs the store, and evicts what is over the bound if there is one. Waits for another process that does.
    ///
    /// # Errors
    /// Whatever the disk says.
    pub fn weigh(&self) -> io::Result<Weight> {
        fs::create_dir_all(&self.root)?;
        let file = self.evicting()?;
        file.lock()?;
        self.weigh_alone()
    }

    /// Keeps the bound where there is one. In passing: at most once in [`WEIGH_EVERY_MS`], and not while another process
    /// does. What goes wrong is left for the next time.
    pub(crate) fn bound_keep(&self, in_passing: bool) {
        if self.bytes_max.is_none() {
            return;
        }
        let kept = if in_passing { self.weigh_in_passing() } else { self.weigh().map(drop) };
        if let Err(error) = kept {
            tracing::warn!(%error, "the store cannot be kept below its bound now");
        }
    }

    /// Whether the store was at its bound when it was last weighed: then nothing is fetched ahead.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let weighed = self.weighed.lock().unwrap_or_else(PoisonError::into_inner);
        weighed.is_some_and(|(_, bytes)| self.bytes_max.is_some_and(|max| bytes >= max - max / ROOM_PARTS))
    }

    /// Takes away what killed processes left unfinished, unless another process does now.
    pub(super) fn drafts_sweep(&self) -> io::Result<()> {
        let file = self.evicting()?;
        match file.try_lock() {
            Ok(()) => self.drafts_of_the_dead_sweep(),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn weigh_in_passing(&self) -> io::Result<()> {
        let last = self.weighed.lock().unwrap_or_else(PoisonError::into_inner).map(|(at, _)| at);
        if last.is_some_and(|at| at.elapsed() < Duration::from_millis(WEIGH_EVERY_MS)) {
            return Ok(());
        }
        let file = self.evicting()?;
        match file.try_lock() {
            Ok(()) => self.weigh_alone().map(drop),
            Err(TryLockError::WouldBlock) => Ok(()),
            Err(TryLockError::Error(e)) => Err(e),
        }
    }

    fn evicting(&self) -> io::Result<File> {
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(self.root.join("evicting"))
    }

    fn weigh_alone(&self) -> io::Result<Weight> {
        let mut entries = self.entries()?;
        let mut weight =
            Weight { entries: entries.len(), bytes: entries.iter().map(|e| e.bytes).sum(), ..Weight::default() };
        if let Some(max) = self.bytes_max {
            if weight.bytes > max {
                entries.sort_by(|a, b| (a.number, &a.name).cmp(&(b.number, &b.name)));
                self.evict(&entries, max - max / ROOM_PARTS, &mut weight)?;
            }
            self.drafts_of_the_dead_sweep()?;
        }
        *self.weighed.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), weight.bytes));
        Ok(weight)
    }

    /// Every entry, weighed once and for all: what is in place does not change.
    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for part in fs::read_dir(&self.root)? {
            let part = part?;
            let Ok(part_name) = part.file_name().into_string() else { continue };
            if NO_ENTRIES.contains(&part_name.as_str()) || !part.file_type()?.is_dir() {
                continue;
            }
            for place in fs::read_dir(part.path())? {
                let place = place?;
                let Ok(name) = place.file_name().into_string() else { continue };
                if part_name == RUNTIMES && !place.file_type()?.is_dir() {
                    continue;
                }
                let name = format!("{part_name}/{name}");
                let gate = self.gate_shared()?;
                let stamp = self.stamp(&name, &gate)?;
                drop(gate);
                let bytes = match stamp.bytes {
                    Some(bytes) => bytes,
                    None => {
                        let bytes = bytes_below(&place.path());
                        self.stamp_weigh(&name, bytes)?;
                        bytes
                    }
                };
                found.push(Entry { name, number: stamp.number, bytes });
            }
        }
        Ok(found)
    }

    /// Moves entries away, first the one that was not taken for longest, until so many bytes are left; then deletes them.
    fn evict(&self, entries: &[Entry], bytes_left: u64, weight: &mut Weight) -> io::Result<()> {
        let mut moved: Vec<PathBuf> = Vec::new();
        let gate = self.gate_alone()?;
        let in_use = self.in_use(&gate)?;
        for entry in entries {
            if weight.bytes <= bytes_left {
                break;
            }
            // Somebody may have taken it since it was weighed.
            let now = self.stamp(&entry.name, &gate)?;
            if in_use.covers(now.number) || in_use.holds(&entry.name) {
                continue;
            }
            let away = file::fresh_path(&self.root.join("drafts"))?;
            if fs::rename(self.root.join(&entry.name), &away).is_ok() {
                moved.push(away);
                weight.evicted += 1;
                weight.evicted_bytes += entry.bytes;
            }
            self.stamp_forget(&entry.name);
            weight.entries -= 1;
            weight.bytes -= entry.bytes;
        }
        drop(gate);
        for away in &moved {
            away_remove(away)?;
        }
        if !moved.is_empty() {
            tracing::debug!(evicted = weight.evicted, bytes = weight.evicted_bytes, "the store was over its bound");
            self.shared_sweep()?;
            self.index_sweep()?;
        }
        Ok(())
    }

    /// Takes away what the index says of packages that are not here. Where one comes back meanwhile it is fetched again.
    fn index_sweep(&self) -> io::Result<()> {
        let mut here: BTreeSet<String> = BTreeSet::new();
        for part in
            fs::read_dir(&self.root)?.flatten().filter(|part| part.file_name() != INDEX && part.file_name() != SHARED)
        {
            let places = fs::read_dir(part.path()).into_iter().flatten().flatten();
            here.extend(places.filter_map(|place| place.file_name().into_string().ok()));
        }
        let listed = match fs::read_dir(self.root.join(INDEX)) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            listed => listed?,
        };
        for path in listed.flatten().map(|entry| entry.path()) {
            let stored = fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<Stored>(&bytes).ok());
            if stored.is_some_and(|stored| !here.contains(stored.sha256.as_str())) {
                let _ = fs::remove_file(&path);
            }
        }
        Ok(())
    }

    /// Takes away what killed processes left unfinished: drafts that no living use can have begun.
    fn drafts_of_the_dead_sweep(&self) -> io::Result<()> {
        let gate = self.gate_alone()?;
        let in_use: InUse = self.in_use(&gate)?;
        let drafts = fs::read_dir(self.root.join("drafts")).into_iter().flatten().flatten();
        let dead: Vec<PathBuf> = drafts
            .map(|draft| draft.path())
            .filter(|path| {
                let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                // What is unpacked or comes out of a box is gathered under the draft's name with a dot before it.
                let name = name.trim_start_matches('.');
                let number = name.split_once('-').and_then(|(number, _)| u64::from_str_radix(number, 16).ok());
                // Without a number: an entry that was evicted, whose evictor was killed. Nobody else evicts now.
                number.is_none_or(|number| !in_use.covers(number))
            })
            .collect();
        drop(gate);
        dead.iter().try_for_each(|path| away_remove(path))
    }
}

fn away_remove(path: &Path) -> io::Result<()> {
    let removed = match fs::symlink_metadata(path) {
        Ok(about) if about.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// What a file or a folder takes on disk. No link is followed. What goes away meanwhile weighs nothing.
fn bytes_below(path: &Path) -> u64 {
    let Ok(about) = fs::symlink_metadata(path) else { return 0 };
    let below = if about.is_dir() { fs::read_dir(path).into_iter().flatten().flatten().collect() } else { Vec::new() };
    about.blocks() * BLOCK_BYTES + below.iter().map(|entry| bytes_below(&entry.path())).sum::<u64>()
}
