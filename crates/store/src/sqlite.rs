//! The SQLite back end: one writer behind a mutex, a few readers with snapshots. Transactions that wait for one another
//! are made durable together: see [`group`].
//!
//! Statements run on the calling thread, so that a dropped future never leaves one half way. On a multi-threaded runtime
//! those that may take long are marked as blocking; to mark a short one costs more than it takes. A commit that returned
//! survives the machine: see [`log`]. What others committed can be read a moment before that. Must not be called inside a `LocalSet` of a multi-threaded runtime.

mod group;
mod log;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, ErrorCode, ToSql};
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::dialect::{attempt, for_sqlite};
use crate::error::StoreError;
use crate::migration::{MIGRATIONS, RECORD_TABLE_SQLITE, digest, pending};
use crate::value::{Row, Value};
use group::{Queue, Turn};
use log::Log;

/// How long a statement waits for another program that holds the file, in milliseconds.
const BUSY_WAIT_MS_MAX: u64 = 5_000;
/// How long a transaction waits for the writer or a reader of this program, in milliseconds.
const TURN_WAIT_MS_MAX: u64 = 10_000;
/// Connections that read.
const READERS_MAX: usize = 4;
/// Pause between two tries to open a file that another is just opening, in milliseconds.
const BUSY_PAUSE_MS: u64 = 10;
/// Statements of one transaction that may run without being marked as blocking: one that does more takes long as a whole.
const BRIEF_COUNT_MAX: u32 = 24;
/// Prepared statements kept in each connection.
const STATEMENTS_MAX: usize = 256;

/// The log is copied into the file once it has 8,192 pages, 32 MiB: pages that change again and again, as those of an index do, are copied
/// once and not each time.
const PRAGMAS: &str = "pragma journal_mode = wal; pragma synchronous = normal; pragma wal_autocheckpoint = 8192; \
    pragma foreign_keys = on; pragma trusted_schema = off; pragma temp_store = memory; pragma cache_size = -16000;";

/// Runs something that blocks, giving the other tasks of this thread to another one where it can.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|h| h.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}

/// One connection and the statements it knows.
struct Wire {
    connection: Connection,
    /// Our SQL to SQLite's. Statements come from this crate only, so it stays small.
    texts: HashMap<String, String>,
}

impl Wire {
    fn open(path: &Path) -> Result<Self, rusqlite::Error> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(Duration::from_millis(BUSY_WAIT_MS_MAX))?;
        // A plan must not depend on the values bound: SQLite would prepare such a statement anew each time it runs.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        // The change to WAL does not wait for others as statements do: two first openings at once would refuse each other.
        let until = Instant::now() + Duration::from_millis(BUSY_WAIT_MS_MAX);
        while let Err(e) = connection.execute_batch(PRAGMAS) {
            let busy = e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
            if !busy || Instant::now() >= until {
                return Err(e);
            }
            std::thread::sleep(Duration::from_millis(BUSY_PAUSE_MS));
        }
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(Self { connection, texts: HashMap::new() })
    }

    fn begin(&self, sql: &str) -> Result<(), StoreError> {
        // Only a failed rollback leaves one open.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("rollback").map_err(|e| failure("rollback", &e))?;
        }
        self.connection.execute_batch(sql).map_err(|e| failure("begin", &e))
    }

    fn rollback(&self) {
        if !self.connection.is_autocommit()
            && let Err(e) = self.connection.execute_batch("rollback")
        {
            tracing::warn!(error = %e, "roll back a SQLite transaction; it is tried again before the next one");
        }
    }

    fn statement(&mut self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, rusqlite::Error> {
        if !self.texts.contains_key(sql) {
            self.texts.insert(sql.to_owned(), for_sqlite(sql));
        }
        let text = self.texts.get(sql).map_or(sql, String::as_str);
        self.connection.prepare_cached(text)
    }

    fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, rusqlite::Error> {
        let changed = self.statement(sql)?.execute(rusqlite::params_from_iter(params))?;
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, rusqlite::Error> {
        let mut statement = self.statement(sql)?;
        let width = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let mut out = Vec::new();
        while let Some(row) = rows.next()? {
            let values = (0..width).map(|i| row.get_ref(i).map(owned)).collect::<Result<_, _>>()?;
            out.push(Row { values });
        }
        Ok(out)
    }
}

fn owned(value: ValueRef<'_>) -> Value<'static> {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        // STRICT tables hold no such number; its text fails as a column of another type.
        ValueRef::Real(v) => Value::Text(Cow::Owned(v.to_string())),
        ValueRef::Text(v) => match std::str::from_utf8(v) {
            Ok(text) => Value::Text(Cow::Owned(text.to_owned())),
            Err(_) => Value::Bytes(Cow::Owned(v.to_vec())),
        },
        ValueRef::Blob(v) => Value::Bytes(Cow::Owned(v.to_vec())),
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(v) => ValueRef::Integer(*v),
            Self::Text(v) => ValueRef::Text(v.as_bytes()),
            Self::Bytes(v) => ValueRef::Blob(v),
        }))
    }
}

fn failure(doing: &str, error: &rusqlite::Error) -> StoreError {
    let doing = doing.to_owned();
    let reason = error.to_string();
    let rusqlite::Error::SqliteFailure(code, _) = error else {
        return StoreError::Other { doing, reason };
    };
    match code.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { doing, reason },
        ErrorCode::ConstraintViolation
            if matches!(
                code.extended_code,
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
            ) =>
        {
            StoreError::Conflict { doing, constraint: reason }
        }
        ErrorCode::DiskFull
        | ErrorCode::SystemIoFailure
        | ErrorCode::CannotOpen
        | ErrorCode::ReadOnly
        | ErrorCode::OutOfMemory => StoreError::Unavailable { doing, reason },
        _ => StoreError::Other { doing, reason },
    }
}

/// The connections of one file.
#[derive(Clone)]
pub(crate) struct Sqlite {
    writer: Queue,
    readers: Arc<Mutex<Vec<Wire>>>,
    reading: Arc<Semaphore>,
    describe: Arc<str>,
}

impl Sqlite {
    pub(crate) fn open(path: &Path, applied_at: i64) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        let refuse = |e: rusqlite::Error| StoreError::Open { place: place.clone(), reason: e.to_string() };
        blocking(|| {
            file_make(path).map_err(|e| StoreError::Open { place: place.clone(), reason: e.to_string() })?;
            let mut writer = Wire::open(path).map_err(refuse)?;
            migrate(&mut writer, &place, applied_at)?;
            let mut readers = Vec::with_capacity(READERS_MAX);
            for _ in 0..READERS_MAX {
                let reader = Wire::open(path).map_err(refuse)?;
                reader.connection.execute_batch("pragma query_only = on").map_err(refuse)?;
                readers.push(reader);
            }
            let log = Log::open(path).map_err(|e| StoreError::Open { place: place.clone(), reason: e.to_string() })?;
            Ok(Self {
                writer: Queue::new(writer, log),
                readers: Arc::new(Mutex::new(readers)),
                reading: Arc::new(Semaphore::new(READERS_MAX)),
                describe: format!("SQLite file {place}").into(),
            })
        })
    }

    pub(crate) fn describe(&self) -> &str {
        &self.describe
    }

    pub(crate) async fn write(&self) -> Result<SqliteTx, StoreError> {
        Ok(SqliteTx::new(Lease::Writer(self.writer.turn().await?)))
    }

    pub(crate) async fn read(&self) -> Result<SqliteTx, StoreError> {
        let unavailable = || StoreError::Unavailable { doing: "begin".to_owned(), reason: "no reader".to_owned() };
        let permit = turn("a reader", Arc::clone(&self.reading).acquire_owned()).await?;
        let permit = permit.map_err(|_| unavailable())?;
        let wire = self.readers.lock().unwrap_or_else(PoisonError::into_inner).pop().ok_or_else(unavailable)?;
        let lease = Reader { wire: Some(wire), home: Arc::clone(&self.readers), _permit: permit };
        if let Some(wire) = &lease.wire {
            wire.begin("begin")?;
        }
        Ok(SqliteTx::new(Lease::Reader(lease)))
    }
}

async fn turn<T>(of: &str, waiting: impl Future<Output = T>) -> Result<T, StoreError> {
    let busy = |_| StoreError::Busy { doing: "begin".to_owned(), reason: format!("{of} is taken for too long") };
    tokio::time::timeout(Duration::from_millis(TURN_WAIT_MS_MAX), waiting).await.map_err(busy)
}

/// Makes the file before SQLite does: it holds what is under embargo, so only its owner may read it.
fn file_make(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

fn migrate(writer: &mut Wire, place: &str, applied_at: i64) -> Result<(), StoreError> {
    let refuse = |e: &rusqlite::Error| StoreError::Open { place: place.to_owned(), reason: e.to_string() };
    let tx = writer
        .connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|e| refuse(&e))?;
    tx.execute_batch(RECORD_TABLE_SQLITE).map_err(|e| refuse(&e))?;
    let recorded = {
        let mut statement =
            tx.prepare("select version, digest from schema_migrations order by version").map_err(|e| refuse(&e))?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).map_err(|e| refuse(&e))?;
        rows.collect::<Result<Vec<(i64, String)>, _>>().map_err(|e| refuse(&e))?
    };
    for migration in pending(&recorded, |m| m.sqlite, place)? {
        tx.execute_batch(migration.sqlite).map_err(|e| refuse(&e))?;
        let record = "insert into schema_migrations (version, digest, applied_at) values (?1, ?2, ?3)";
        tx.execute(record, (migration.version, digest(migration.sqlite), applied_at)).map_err(|e| refuse(&e))?;
        tracing::info!(version = migration.version, of = MIGRATIONS.len(), "applied a migration");
    }
    tx.commit().map_err(|e| refuse(&e))
}

enum Lease {
    Writer(Turn),
    Reader(Reader),
}

/// A reader that goes home when dropped.
struct Reader {
    wire: Option<Wire>,
    home: Arc<Mutex<Vec<Wire>>>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(wire) = self.wire.take() {
            wire.rollback();
            self.home.lock().unwrap_or_else(PoisonError::into_inner).push(wire);
        }
    }
}

/// A transaction on one connection.
pub(crate) struct SqliteTx {
    lease: Lease,
    /// Statements that may still run unmarked.
    brief_left: u32,
}

impl SqliteTx {
    fn new(lease: Lease) -> Self {
        Self { lease, brief_left: BRIEF_COUNT_MAX }
    }

    fn on_wire<T>(
        &mut self,
        sql: &str,
        is_brief: bool,
        work: impl FnOnce(&mut Wire) -> Result<T, rusqlite::Error>,
    ) -> Result<T, StoreError> {
        let gone = || StoreError::Unavailable { doing: attempt(sql), reason: "the reader is gone".to_owned() };
        let is_brief = is_brief && self.brief_left > 0;
        self.brief_left = self.brief_left.saturating_sub(1);
        let wire = match &mut self.lease {
            Lease::Writer(turn) => turn.wire(),
            Lease::Reader(reader) => reader.wire.as_mut(),
        };
        let wire = wire.ok_or_else(gone)?;
        let done = if is_brief { work(wire) } else { blocking(|| work(wire)) };
        done.map_err(|e| failure(&attempt(sql), &e))
    }

    pub(crate) fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        self.on_wire(sql, true, |wire| wire.execute(sql, params))
    }

    pub(crate) fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.on_wire(sql, false, |wire| wire.query(sql, params))
    }

    /// A query of which one row is wanted, found by a key.
    pub(crate) fn query_one(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        self.on_wire(sql, true, |wire| wire.query(sql, params)).map(|rows| rows.into_iter().next())
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.lease {
            Lease::Writer(turn) => turn.commit().await,
            Lease::Reader(reader) => {
                let Some(wire) = &reader.wire else { return Ok(()) };
                wire.connection.execute_batch("commit").map_err(|e| failure("commit", &e))
            }
        }
    }
}
