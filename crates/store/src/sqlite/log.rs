//! The log's keeper: hands what was committed to the disk while the writer works on for the next group.
//!
//! SQLite appends a commit to its write-ahead log and does not wait for the disk (`synchronous=normal`). Who committed is told
//! once the log was handed over after that; one hand-over serves all who committed before it. Where the disk refuses one,
//! nobody knows what it holds: nothing is begun any more until the program starts anew and reads what is there. Must not
//! tell of success before the disk has.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, mpsc};

use tokio::sync::oneshot;

use crate::error::StoreError;

/// What comes of a commit.
pub(super) type Kept = Result<(), StoreError>;

/// Somebody who waits for a commit.
pub(super) enum Member {
    /// A task.
    Task(oneshot::Sender<Kept>),
    /// A thread that can do nothing else.
    Thread(mpsc::SyncSender<Kept>),
}

impl Member {
    /// One whose client hung up is not told.
    pub(super) fn tell(self, kept: Kept) {
        match self {
            Self::Task(task) => drop(task.send(kept)),
            Self::Thread(thread) => drop(thread.send(kept)),
        }
    }
}

/// Commits so far, and who waits for the last of them.
struct Order {
    commits: u64,
    members: Vec<Member>,
}

#[derive(Default)]
struct State {
    /// Commits that lie in the log.
    committed: AtomicU64,
    /// Of these, how many the disk has.
    durable: AtomicU64,
    refused: OnceLock<StoreError>,
}

/// The log of one database file, and the thread that keeps it. The thread ends when this is dropped.
pub(super) struct Log {
    orders: mpsc::Sender<Order>,
    state: Arc<State>,
}

/// Whoever hands the log to the disk.
pub(super) struct Keeper {
    file: File,
    orders: mpsc::Receiver<Order>,
    state: Arc<State>,
}

impl Log {
    /// Of the database at this path, which must be open, and makes durable what lies in it.
    pub(super) fn open(database: &Path) -> std::io::Result<Self> {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        let file = File::open(PathBuf::from(path))?;
        file.sync_data()?;
        // The log's own entry in its folder.
        let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()?;
        Self::of(file)
    }

    /// Of a file to which the log is written.
    pub(super) fn of(file: File) -> std::io::Result<Self> {
        let (log, keeper) = Self::unkept(file);
        std::thread::Builder::new().name("sqlite-log".to_owned()).spawn(move || keeper.keep())?;
        Ok(log)
    }

    /// The same before anybody keeps it.
    pub(super) fn unkept(file: File) -> (Self, Keeper) {
        let (orders, taken) = mpsc::channel();
        let state = Arc::new(State::default());
        let keeper = Keeper { file, orders: taken, state: Arc::clone(&state) };
        (Self { orders, state }, keeper)
    }

    /// Tells these once the disk has what was committed just now. To be called by the writer, after each commit.
    pub(super) fn committed(&self, members: Vec<Member>) {
        let commits = self.state.committed.fetch_add(1, Ordering::Relaxed) + 1;
        self.order(Order { commits, members });
    }

    /// Whether there are commits that the disk does not have yet.
    pub(super) fn is_behind(&self) -> bool {
        self.state.durable.load(Ordering::Acquire) < self.state.committed.load(Ordering::Relaxed)
    }

    /// Returns what is told once the disk has all that was committed so far.
    pub(super) fn caught_up(&self) -> mpsc::Receiver<Kept> {
        let (member, told) = mpsc::sync_channel(1);
        let commits = self.state.committed.load(Ordering::Relaxed);
        self.order(Order { commits, members: vec![Member::Thread(member)] });
        told
    }

    /// Why nothing may be begun any more.
    pub(super) fn refused(&self) -> Option<StoreError> {
        self.state.refused.get().cloned()
    }

    fn order(&self, order: Order) {
        if let Err(mpsc::SendError(order)) = self.orders.send(order) {
            let gone =
                StoreError::Unavailable { doing: "commit".to_owned(), reason: "the log's keeper is gone".to_owned() };
            order.members.into_iter().for_each(|member| member.tell(Err(gone.clone())));
        }
    }
}

impl Keeper {
    /// Hands the log over as it is asked to, until nobody can ask any more.
    pub(super) fn keep(self) {
        let Self { file, orders, state } = self;
        while let Ok(Order { mut commits, mut members }) = orders.recv() {
            while let Ok(more) = orders.try_recv() {
                commits = more.commits;
                members.extend(more.members);
            }
            let kept = match state.refused.get() {
                Some(refused) => Err(refused.clone()),
                None => file.sync_data().map_err(|error| {
                    tracing::error!(%error, "the disk refused SQLite's log; nothing is begun until the next start");
                    let reason = format!("the disk refused the log ({error}); start anew once it is well");
                    let refused = StoreError::Unavailable { doing: "commit".to_owned(), reason };
                    state.refused.get_or_init(|| refused).clone()
                }),
            };
            if kept.is_ok() {
                state.durable.store(commits, Ordering::Release);
            }
            members.into_iter().for_each(|member| member.tell(kept.clone()));
        }
    }
}
