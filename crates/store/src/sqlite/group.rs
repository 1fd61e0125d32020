//! Group commit: what SQLite writes to its log at once.
//!
//! There is one writer, and a commit writes each page that changed. So a transaction that ends while others wait for the
//! writer leaves SQLite's own transaction open; theirs run inside it, each in a savepoint, and whoever's turn comes after the
//! last of those that waited commits for all. Nobody is told of success before [`super::log`] says that it is durable.
//! If that commit fails, all of them failed, and nothing of any is kept. A turn that ends without a commit may have seen
//! what others did and go by it, as one that finds its work done already: so that is durable before it ends. Must not
//! reorder: turns come in the order in which they were asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::log::{Log, Member};
use super::{Wire, blocking, failure, turn};
use crate::error::StoreError;

/// Transactions that one commit makes durable, at most.
const GROUP_COUNT_MAX: usize = 64;
/// What members of a group are told when SQLite itself undid what they did.
const UNDONE: &str = "the database undid the transactions that were to be kept together; nothing of them is stored";

/// The writer, and those who wait for it.
#[derive(Clone)]
pub(super) struct Queue {
    writer: Arc<Mutex<Writer>>,
    /// How many wait. Only whether a commit is put off depends on it, never whether it happens.
    waiting: Arc<AtomicUsize>,
}

/// The writer's connection, its log, and the transactions that ended in SQLite's open one.
struct Writer {
    wire: Wire,
    log: Log,
    members: Vec<Member>,
    /// Rows that this connection had changed when SQLite's open transaction began.
    changed_before: u64,
}

/// One transaction's turn at the writer. Dropped without [`Turn::commit`], nothing of it is kept; what it can have seen of
/// others is durable by then.
pub(super) struct Turn {
    /// None once the transaction ended.
    writer: Option<OwnedMutexGuard<Writer>>,
    queue: Queue,
}

/// Counts somebody who waits, until they have their turn or give up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn on(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    pub(super) fn new(wire: Wire, log: Log) -> Self {
        let writer = Writer { wire, log, members: Vec::new(), changed_before: 0 };
        Self { writer: Arc::new(Mutex::new(writer)), waiting: Arc::default() }
    }

    /// The writer, when it is this caller's turn, in a transaction that keeps nothing until it is committed.
    pub(super) async fn turn(&self) -> Result<Turn, StoreError> {
        let waiting = Waiting::on(&self.waiting);
        let mut writer = turn("the writer", Arc::clone(&self.writer).lock_owned()).await?;
        drop(waiting);
        if let Some(refused) = writer.log.refused() {
            return Err(refused);
        }
        // It waits for the disk or for another process only where it begins SQLite's own.
        if writer.members.is_empty() { blocking(|| writer.begin()) } else { writer.begin() }?;
        Ok(Turn { writer: Some(writer), queue: self.clone() })
    }

    /// Commits for the group once all who wait now have had their turn. A task of its own: whoever began the group may be
    /// gone by then, as a client that hung up.
    fn commit_later(&self) {
        let queue = self.clone();
        tokio::spawn(async move {
            let mut writer = queue.writer.lock_owned().await;
            blocking(|| writer.group_commit());
        });
    }
}

impl Writer {
    /// Begins a transaction, inside SQLite's open one if members wait for that.
    fn begin(&mut self) -> Result<(), StoreError> {
        self.undone_tell();
        if self.members.is_empty() {
            self.wire.begin("begin immediate")?;
            self.changed_before = self.wire.connection.total_changes();
        }
        let begun = self.wire.connection.execute_batch("savepoint turn").map_err(|e| failure("begin", &e));
        if begun.is_err() {
            self.turn_undo();
        }
        begun
    }

    /// Undoes what this turn did and nothing else.
    fn turn_undo(&mut self) {
        if self.members.is_empty() {
            self.wire.rollback();
            return;
        }
        if !self.wire.connection.is_autocommit()
            && let Err(error) = self.wire.connection.execute_batch("rollback to turn; release turn")
        {
            // What is left of this turn must not be kept with the others.
            tracing::warn!(%error, "undo one of several SQLite transactions; all of them are undone");
            self.wire.rollback();
        }
        self.undone_tell();
    }

    /// Some failures make SQLite roll back everything, also what members wait for: they are told.
    fn undone_tell(&mut self) {
        if !self.members.is_empty() && self.wire.connection.is_autocommit() {
            self.members_tell(&Err(StoreError::Unavailable { doing: "commit".to_owned(), reason: UNDONE.to_owned() }));
        }
    }

    fn members_tell(&mut self, result: &Result<(), StoreError>) {
        for member in self.members.drain(..) {
            member.tell(result.clone());
        }
    }

    /// Commits what members wait for. They are told once it is durable.
    fn group_commit(&mut self) {
        self.undone_tell();
        if self.members.is_empty() {
            return;
        }
        match self.wire.connection.execute_batch("commit").map_err(|e| failure("commit", &e)) {
            // Where nothing was changed, nothing new is in the log.
            Ok(()) if self.wire.connection.total_changes() == self.changed_before && !self.log.is_behind() => {
                self.members_tell(&Ok(()));
            }
            Ok(()) => self.log.committed(std::mem::take(&mut self.members)),
            refused => {
                self.wire.rollback();
                self.members_tell(&refused);
            }
        }
    }
}

impl Turn {
    /// The connection, for statements.
    pub(super) fn wire(&mut self) -> Option<&mut Wire> {
        self.writer.as_mut().map(|writer| &mut writer.wire)
    }

    /// Keeps what this turn did. When this returns, it is durable.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        let gone = || StoreError::Unavailable { doing: "commit".to_owned(), reason: "the writer is gone".to_owned() };
        let Some(writer) = &mut self.writer else { return Err(gone()) };
        writer.wire.connection.execute_batch("release turn").map_err(|e| failure("commit", &e))?;
        let (member, told) = oneshot::channel();
        writer.members.push(Member::Task(member));
        let is_first = writer.members.len() == 1;
        if self.queue.waiting.load(Ordering::Relaxed) == 0 || writer.members.len() >= GROUP_COUNT_MAX {
            blocking(|| writer.group_commit());
        } else if is_first {
            self.queue.commit_later();
        }
        // It ended: dropping the turn undoes nothing any more.
        drop(self.writer.take());
        told.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mut writer) = self.writer.take() {
            blocking(|| {
                writer.turn_undo();
                writer.group_commit();
                let behind = writer.log.is_behind().then(|| writer.log.caught_up());
                drop(writer);
                // Where it does not become durable, the next turn is told.
                behind.map(|told| told.recv())
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rusqlite::Connection;

    use super::*;

    struct Place {
        folder: tempfile::TempDir,
        queue: Queue,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("x.db");
            let wire = Wire::open(&path).unwrap();
            wire.connection.execute_batch("create table seen (number integer primary key)").unwrap();
            let log = Log::open(&path).unwrap();
            Self { folder, queue: Queue::new(wire, log) }
        }

        /// What another connection sees.
        fn seen(&self) -> Vec<i64> {
            let other = Connection::open(self.folder.path().join("x.db")).unwrap();
            let mut statement = other.prepare("select number from seen order by number").unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        }

        async fn until(&self, what: impl Fn(&Self) -> bool) {
            while !what(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }

        async fn waiting(&self, count: usize) {
            self.until(|place| place.queue.waiting.load(Ordering::Relaxed) == count).await;
        }
    }

    fn add(turn: &mut Turn, number: i64) -> Result<(), rusqlite::Error> {
        turn.wire().unwrap().connection.execute("insert into seen values (?1)", [number]).map(drop)
    }

    /// A place, and a turn that has put 1 into it.
    async fn begun() -> (Place, Turn) {
        let place = Place::new();
        let mut first = place.queue.turn().await.unwrap();
        add(&mut first, 1).unwrap();
        (place, first)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn those_who_wait_become_durable_together() {
        let place = Place::new();
        let mut first = place.queue.turn().await.unwrap();
        add(&mut first, 0).unwrap();
        let mut others = Vec::new();
        for number in 1..=8 {
            let queue = place.queue.clone();
            others.push(tokio::spawn(async move {
                let mut turn = queue.turn().await.unwrap();
                add(&mut turn, number).unwrap();
                turn.commit().await
            }));
            place.waiting(usize::try_from(number).unwrap()).await;
        }
        first.commit().await.unwrap();
        // The first is told no sooner than the last of those who waited is durable.
        assert_eq!(place.seen(), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        for other in others {
            other.await.unwrap().unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_turn_that_keeps_nothing_leaves_durable_what_it_saw_and_nothing_of_its_own() {
        for commits in [false, true] {
            let (place, first) = begun().await;
            let queue = place.queue.clone();
            let second = tokio::spawn(async move {
                let mut turn = queue.turn().await.unwrap();
                add(&mut turn, 2).unwrap();
                // It finds what the first did.
                let again = add(&mut turn, 1);
                assert!(again.is_err());
                if commits {
                    turn.commit().await.unwrap();
                }
            });
            place.waiting(1).await;
            // Its client hung up: nobody waits for the first.
            let first = tokio::spawn(first.commit());
            place.waiting(0).await;
            first.abort();
            second.await.unwrap();
            let seen = if commits { vec![1, 2] } else { vec![1] };
            assert_eq!(place.seen(), seen);
            assert!(place.queue.writer.lock().await.members.is_empty());
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_sqlite_undoes_everything_all_are_told() {
        let (place, first) = begun().await;
        let queue = place.queue.clone();
        let second = tokio::spawn(async move {
            let mut turn = queue.turn().await.unwrap();
            // As a full disk can make SQLite do by itself.
            turn.wire().unwrap().connection.execute_batch("rollback").unwrap();
        });
        place.waiting(1).await;
        let refused = first.commit().await.unwrap_err();
        assert!(refused.to_string().contains("nothing of them is stored"), "{refused}");
        second.await.unwrap();
        assert_eq!(place.seen(), [0_i64; 0]);
        let mut third = place.queue.turn().await.unwrap();
        add(&mut third, 3).unwrap();
        third.commit().await.unwrap();
        assert_eq!(place.seen(), [3]);
    }

    /// A log that no disk takes: a pipe cannot be handed to one.
    fn refusing() -> Log {
        let (pipe, _) = std::io::pipe().unwrap();
        Log::of(std::fs::File::from(std::os::fd::OwnedFd::from(pipe))).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_changed_nothing_asks_nothing_of_the_disk() {
        let (place, first) = begun().await;
        first.commit().await.unwrap();
        let mut second = place.queue.turn().await.unwrap();
        second.writer.as_mut().unwrap().log = refusing();
        second.commit().await.unwrap();
        drop(place.queue.turn().await.unwrap());
        let mut third = place.queue.turn().await.unwrap();
        add(&mut third, 3).unwrap();
        third.commit().await.unwrap_err();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn where_the_disk_refuses_the_log_nobody_is_told_of_success_and_nothing_more_begins() {
        let (place, mut first) = begun().await;
        first.writer.as_mut().unwrap().log = refusing();
        let refused = first.commit().await.unwrap_err();
        assert!(matches!(refused, StoreError::Unavailable { .. }), "{refused}");
        let Err(refused) = place.queue.turn().await else { panic!("a turn began") };
        assert!(refused.to_string().contains("the disk refused the log"), "{refused}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_next_turn_does_not_wait_for_the_disk_and_one_that_keeps_nothing_does() {
        let (place, mut first) = begun().await;
        let file = std::fs::File::open(place.folder.path().join("x.db-wal")).unwrap();
        let (log, keeper) = Log::unkept(file);
        first.writer.as_mut().unwrap().log = log;
        let first = tokio::spawn(first.commit());
        place.until(|place| place.seen() == [1]).await;
        // The disk has nothing yet: nobody is told, and the next one works.
        let mut second = place.queue.turn().await.unwrap();
        add(&mut second, 2).unwrap();
        let second = tokio::spawn(second.commit());
        place.until(|place| place.seen() == [1, 2]).await;
        let third = place.queue.turn().await.unwrap();
        let third = tokio::task::spawn_blocking(move || drop(third));
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!first.is_finished() && !second.is_finished() && !third.is_finished());
        std::thread::spawn(move || keeper.keep());
        first.await.unwrap().unwrap();
        second.await.unwrap().unwrap();
        third.await.unwrap();
        assert!(!place.queue.writer.lock().await.log.is_behind());
    }
}
