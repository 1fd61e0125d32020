//! A store with a bound: what was not taken for longest goes first, nothing that is in use goes at all, whoever uses it,
//! and a kill at any instant leaves it sound.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proof::store::PackageStore;

/// Size of an archive in these tests, in bytes; on disk it takes about as much.
const ARCHIVE_BYTES: usize = 100_000;
/// Room for about ten of them, in bytes.
const TEN_BYTES: u64 = 1_200_000;

/// What the archive of this number holds.
fn content(number: usize) -> Vec<u8> {
    format!("{number} ").into_bytes().into_iter().cycle().take(ARCHIVE_BYTES).collect()
}

/// Has an archive in the store; whether it was fetched for that.
fn obtain(store: &PackageStore, number: usize) -> (PathBuf, bool) {
    let mut fetched = false;
    let fetch = || {
        fetched = true;
        Ok(content(number))
    };
    let stored = store.archive_obtain("test", &format!("key-{number}"), fetch).unwrap();
    (store.archive("test", &stored.sha256), fetched)
}

fn bounded(root: &Path) -> PackageStore {
    PackageStore::new(root.to_owned(), Some(TEN_BYTES))
}

fn names(root: &Path, part: &str) -> Vec<PathBuf> {
    let listed = fs::read_dir(root.join(part)).into_iter().flatten();
    listed.map(|entry| entry.unwrap().path()).collect()
}

/// Whole entries only, under the bound, and nothing left over.
fn sound(root: &Path) {
    let weight = bounded(root).weigh().unwrap();
    assert!(weight.bytes <= TEN_BYTES, "{weight:?}");
    let entries = names(root, "test");
    assert_eq!(entries.len(), weight.entries);
    for entry in entries {
        let bytes = fs::read(entry.join("archive")).unwrap();
        assert_eq!(proof::digest::Sha256Hex::of(&bytes).as_str(), entry.file_name().unwrap());
    }
    assert_eq!(names(root, "drafts"), Vec::<PathBuf>::new());
    assert_eq!(names(root, "uses"), Vec::<PathBuf>::new());
}

#[test]
fn what_was_not_taken_for_longest_goes_first() {
    let root = tempfile::tempdir().unwrap();
    let store = bounded(root.path());
    for number in 0..10 {
        let _use = store.use_begin().unwrap();
        assert!(obtain(&store, number).1);
    }
    let before = store.weigh().unwrap();
    assert_eq!((before.entries, before.evicted), (10, 0));
    // Number 0 is taken again: 1 and 2 are the oldest now.
    {
        let _use = store.use_begin().unwrap();
        assert!(!obtain(&store, 0).1);
        for number in 10..12 {
            assert!(obtain(&store, number).1);
        }
    }
    let after = store.weigh().unwrap();
    assert!(after.evicted >= 2 && after.bytes <= TEN_BYTES, "{after:?}");
    let _use = store.use_begin().unwrap();
    let fetched: Vec<usize> = [0, 11, 10, 9, 1, 2].into_iter().filter(|number| obtain(&store, *number).1).collect();
    assert_eq!(fetched, [1, 2]);
    // The index says nothing of what is gone.
    drop(_use);
    let weight = store.weigh().unwrap();
    assert_eq!(names(root.path(), "by-integrity").len(), weight.entries);
    sound(root.path());
}

#[test]
fn nothing_that_is_in_use_goes_whoever_uses_it() {
    let root = tempfile::tempdir().unwrap();
    let (store, other) = (bounded(root.path()), bounded(root.path()));
    let early = store.use_begin().unwrap();
    let kept: Vec<PathBuf> = (0..4).map(|number| obtain(&store, number).0).collect();
    // Held by name through what another takes and leaves, though its use ended.
    let held = store.hold(kept[..1].iter().map(PathBuf::as_path)).unwrap();
    drop(early);
    for number in 4..30 {
        let used = other.use_begin().unwrap();
        let (path, _) = obtain(&other, number);
        assert!(bounded(root.path()).weigh().unwrap().bytes <= TEN_BYTES + ARCHIVE_BYTES as u64 * 2);
        assert!(path.is_file(), "{number} went while it was in use");
        drop(used);
    }
    assert!(kept[0].is_file() && !kept[1].exists(), "the one that was held stays, and only that");
    // In use by more than fits: all of it stays, and goes when the use ends.
    let used = other.use_begin().unwrap();
    let many: Vec<PathBuf> = (40..55).map(|number| obtain(&other, number).0).collect();
    let over = store.weigh().unwrap();
    assert!(over.bytes > TEN_BYTES && many.iter().all(|path| path.is_file()), "{over:?}");
    drop((used, held));
    sound(root.path());
}

#[test]
fn an_entry_that_comes_back_is_in_use_whatever_was_remembered_of_it() {
    let root = tempfile::tempdir().unwrap();
    let store = bounded(root.path());
    let (path, _) = obtain(&store, 0);
    for _ in 0..3 {
        drop(store.use_begin().unwrap());
    }
    // As when an evictor was killed between moving it away and forgetting it.
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    let _use = store.use_begin().unwrap();
    obtain(&store, 0);
    for number in 1..20 {
        obtain(&store, number);
    }
    assert_eq!(store.weigh().unwrap().evicted, 0);
    assert!(path.is_file());
}

/// Not a test of its own: what the next one starts as a process of its own, to be killed.
#[test]
fn churn_when_asked() {
    let Some(root) = std::env::var_os("PROOF_TEST_CHURN") else { return };
    let store = bounded(Path::new(&root));
    for number in (0..40).cycle() {
        let _use = store.use_begin().unwrap();
        let (path, _) = obtain(&store, number);
        store.weigh().unwrap();
        assert_eq!(fs::read(&path).unwrap(), content(number));
        println!("turn");
    }
}

#[test]
fn a_kill_at_any_instant_leaves_it_sound() {
    use std::io::{BufRead as _, BufReader};
    let root = tempfile::tempdir().unwrap();
    for turns in [1, 15, 40, 41, 57] {
        let mut killed: Vec<_> = (0..2)
            .map(|_| {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(["--exact", "store::churn_when_asked", "--nocapture"]);
                command.env("PROOF_TEST_CHURN", root.path()).stdout(Stdio::piped()).stderr(Stdio::inherit());
                command.spawn().unwrap()
            })
            .collect();
        let said = BufReader::new(killed[0].stdout.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(said.filter(|line| line.ends_with("turn")).take(turns).count(), turns, "it ended by itself");
        for child in &mut killed {
            assert_eq!(child.try_wait().unwrap(), None, "it ended by itself");
            child.kill().unwrap();
            child.wait().unwrap();
        }
        sound(root.path());
    }
}
