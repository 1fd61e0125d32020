//! The PostgreSQL back end: a pool of connections, READ COMMITTED for writing, one snapshot for
//! reading.
//!
//! A transaction that is dropped rolls back before its connection returns to the pool; when that
//! cannot be done, the connection is closed. No encryption to the server yet.

use std::borrow::Cow;
use std::error::Error as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime};
use tokio_postgres::config::Host;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Config, NoTls};

use crate::dialect::attempt;
use crate::error::StoreError;
use crate::migration::{MIGRATIONS, RECORD_TABLE_POSTGRES, digest, pending};
use crate::value::{Row, Value};

/// Longest wait for a connection, from the pool or to the server, in milliseconds.
const CONNECT_WAIT_MS_MAX: u64 = 5_000;
/// Longest statement, in milliseconds.
const STATEMENT_MS_MAX: u64 = 30_000;
/// Longest wait for a lock, in milliseconds.
const LOCK_WAIT_MS_MAX: u64 = 10_000;
/// Longest pause of an open transaction between statements, in milliseconds.
const IDLE_IN_TRANSACTION_MS_MAX: u64 = 60_000;
/// Statements that are put off, at most.
const PUT_COUNT_MAX: usize = 128;
/// What they may hold together, in bytes.
const PUT_BYTES_MAX: usize = 1024 * 1024;
/// The advisory lock that is held while migrations run.
const MIGRATION_LOCK: i64 = 0x7072_6f6f_6668_7365;

const BEGIN_READ: &str = "begin isolation level repeatable read read only";
const BEGIN_WRITE: &str = "begin isolation level read committed";

/// The pool of one database.
#[derive(Clone)]
pub(crate) struct Postgres {
    pool: Pool,
    describe: Arc<str>,
}

/// The innermost words of an error: the outer ones say "db error" only.
fn words(error: &tokio_postgres::Error) -> String {
    match (error.as_db_error(), error.source()) {
        (Some(db), _) => db.message().to_owned(),
        (None, Some(source)) => format!("{error}: {source}"),
        (None, None) => error.to_string(),
    }
}

fn failure(doing: &str, error: &tokio_postgres::Error) -> StoreError {
    let doing = doing.to_owned();
    let reason = words(error);
    let Some(db) = error.as_db_error() else {
        let lost = error.is_closed() || error.source().is_some_and(|s| s.is::<std::io::Error>());
        return if lost { StoreError::Unavailable { doing, reason } } else { StoreError::Other { doing, reason } };
    };
    let code = db.code();
    if *code == SqlState::UNIQUE_VIOLATION {
        let constraint = db.constraint().unwrap_or("unique").to_owned();
        return StoreError::Conflict { doing, constraint };
    }
    let busy = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::QUERY_CANCELED,
    ];
    if busy.contains(code) {
        return StoreError::Busy { doing, reason };
    }
    // Connection exceptions, insufficient resources, operator intervention, system errors, read-only standby.
    let unavailable = ["08", "53", "57", "58"].iter().any(|class| code.code().starts_with(class));
    if unavailable || *code == SqlState::READ_ONLY_SQL_TRANSACTION {
        StoreError::Unavailable { doing, reason }
    } else {
        StoreError::Other { doing, reason }
    }
}

fn pool_failure(error: &PoolError) -> StoreError {
    let doing = "connect to PostgreSQL".to_owned();
    match error {
        PoolError::Timeout(_) => StoreError::Busy { doing, reason: "all connections are in use".to_owned() },
        PoolError::Backend(e) => StoreError::Unavailable { doing, reason: words(e) },
        other => StoreError::Unavailable { doing, reason: other.to_string() },
    }
}

/// Where the server is, without the password.
fn describe(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "?".to_owned(),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    format!(
        "PostgreSQL database {} at {host}:{port} as {}",
        config.get_dbname().unwrap_or("?"),
        config.get_user().unwrap_or("?")
    )
}

impl Postgres {
    pub(crate) async fn open(url: &str, connections_max: usize, applied_at: i64) -> Result<Self, StoreError> {
        let hidden = |e: tokio_postgres::Error| StoreError::Open {
            place: "the PostgreSQL URL".to_owned(),
            reason: e.source().map_or_else(|| e.to_string(), ToString::to_string),
        };
        let mut config: Config = url.parse().map_err(hidden)?;
        let place = describe(&config);
        let mut options = config.get_options().map(|o| format!("{o} ")).unwrap_or_default();
        options.push_str(&format!(
            "-c statement_timeout={STATEMENT_MS_MAX} -c lock_timeout={LOCK_WAIT_MS_MAX} \
             -c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS_MAX}"
        ));
        config.options(options).application_name("proofhouse");
        config.connect_timeout(Duration::from_millis(CONNECT_WAIT_MS_MAX));
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let wait = Some(Duration::from_millis(CONNECT_WAIT_MS_MAX));
        let pool = Pool::builder(manager)
            .max_size(connections_max.max(1))
            .wait_timeout(wait)
            .create_timeout(wait)
            .runtime(Runtime::Tokio1)
            .build()
            .map_err(|e| StoreError::Open { place: place.clone(), reason: e.to_string() })?;
        migrate(&pool, &place, applied_at).await?;
        Ok(Self { pool, describe: place.into() })
    }

    pub(crate) fn describe(&self) -> &str {
        &self.describe
    }

    async fn begin(&self, sql: &'static str) -> Result<PostgresTx, StoreError> {
        let connection = self.pool.get().await.map_err(|e| pool_failure(&e))?;
        Ok(PostgresTx {
            connection: Some(connection),
            before: Before { begin: Some(sql), put: Vec::new() },
            put_bytes: 0,
        })
    }

    pub(crate) async fn read(&self) -> Result<PostgresTx, StoreError> {
        self.begin(BEGIN_READ).await
    }

    pub(crate) async fn write(&self) -> Result<PostgresTx, StoreError> {
        self.begin(BEGIN_WRITE).await
    }
}

async fn migrate(pool: &Pool, place: &str, applied_at: i64) -> Result<(), StoreError> {
    let refuse = |e: &tokio_postgres::Error| StoreError::Open { place: place.to_owned(), reason: words(e) };
    let mut connection = pool.get().await.map_err(|e| {
        let reason = pool_failure(&e).to_string();
        StoreError::Open { place: place.to_owned(), reason }
    })?;
    let tx = connection.transaction().await.map_err(|e| refuse(&e))?;
    tx.execute("select pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await.map_err(|e| refuse(&e))?;
    tx.batch_execute(RECORD_TABLE_POSTGRES).await.map_err(|e| refuse(&e))?;
    let rows = tx
        .query("select version, digest from schema_migrations order by version", &[])
        .await
        .map_err(|e| refuse(&e))?;
    let recorded = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
    let recorded: Vec<(i64, String)> = recorded.collect::<Result<_, _>>().map_err(|e| refuse(&e))?;
    for migration in pending(&recorded, |m| m.postgres, place)? {
        tx.batch_execute(migration.postgres).await.map_err(|e| refuse(&e))?;
        let record = "insert into schema_migrations (version, digest, applied_at) values ($1, $2, $3)";
        tx.execute(record, &[&migration.version, &digest(migration.postgres), &applied_at])
            .await
            .map_err(|e| refuse(&e))?;
        tracing::info!(version = migration.version, of = MIGRATIONS.len(), "applied a migration");
    }
    tx.commit().await.map_err(|e| refuse(&e))
}

/// A transaction on one connection. What nobody waits for is sent with the next statement that somebody does: each answer that is
/// waited for costs two programs a change of context.
pub(crate) struct PostgresTx {
    /// None only after the end.
    connection: Option<Object>,
    before: Before,
    /// Of the parameters that were put off.
    put_bytes: usize,
}

/// What goes before the next statement.
#[derive(Default)]
struct Before {
    /// None once it was sent.
    begin: Option<&'static str>,
    put: Vec<(Cow<'static, str>, Vec<Value<'static>>)>,
}

/// A statement on its way.
type Sent<'a> = Pin<Box<dyn Future<Output = Result<(), StoreError>> + Send + 'a>>;

impl Before {
    /// Sends these and `last` in their order, then waits for all. Of several failures the first is the cause of the others.
    async fn sent_with<'a>(
        self,
        connection: &'a Object,
        last: impl Future<Output = Result<(), StoreError>> + Send + 'a,
    ) -> Result<(), StoreError> {
        let mut statements: Vec<Sent<'a>> = Vec::with_capacity(self.put.len() + 2);
        if let Some(begin) = self.begin {
            let sent = async move { connection.batch_execute(begin).await.map_err(|e| failure("begin", &e)) };
            statements.push(Box::pin(sent));
        }
        for (sql, params) in self.put {
            let statement = prepared(connection, &sql).await?;
            statements.push(Box::pin(async move {
                let done = connection.execute_raw(&statement, &params).await;
                done.map(drop).map_err(|e| failure(&attempt(&sql), &e))
            }));
        }
        statements.push(Box::pin(last));
        // A statement is sent when it is first asked for its answer, and answers come in the order of what was sent.
        let mut sent = Vec::with_capacity(statements.len());
        std::future::poll_fn(|context| {
            sent.extend(statements.iter_mut().map(|statement| match statement.as_mut().poll(context) {
                Poll::Ready(done) => Some(done),
                Poll::Pending => None,
            }));
            Poll::Ready(())
        })
        .await;
        let mut all = Ok(());
        for (statement, answer) in statements.into_iter().zip(sent) {
            let answer = match answer {
                Some(answer) => answer,
                None => statement.await,
            };
            all = all.and(answer);
        }
        all
    }
}

/// The statement, as the server knows it. Asked before anything is sent that hangs on order.
async fn prepared(connection: &Object, sql: &str) -> Result<tokio_postgres::Statement, StoreError> {
    connection.prepare_cached(sql).await.map_err(|e| failure(&attempt(sql), &e))
}

impl PostgresTx {
    fn connection(&self, doing: &str) -> Result<&Object, StoreError> {
        let over = || StoreError::Other { doing: attempt(doing), reason: "the transaction is over".to_owned() };
        self.connection.as_ref().ok_or_else(over)
    }

    /// Leaves a statement to be sent with the next one. What it has to say comes with that one's answer.
    pub(crate) async fn put(&mut self, sql: Cow<'static, str>, params: Vec<Value<'static>>) -> Result<(), StoreError> {
        let bytes = |value: &Value<'_>| match value {
            Value::Text(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::Null | Value::Int(_) => 0,
        };
        self.put_bytes += params.iter().map(bytes).sum::<usize>();
        if self.before.put.len() < PUT_COUNT_MAX && self.put_bytes < PUT_BYTES_MAX {
            self.before.put.push((sql, params));
            return Ok(());
        }
        self.execute(&sql, &params).await.map(drop)
    }

    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        let before = self.before_take();
        let connection = self.connection(sql)?;
        let statement = prepared(connection, sql).await?;
        let mut changed = 0;
        let last = async {
            changed = connection.execute_raw(&statement, params).await.map_err(|e| failure(&attempt(sql), &e))?;
            Ok(())
        };
        before.sent_with(connection, last).await?;
        Ok(changed)
    }

    pub(crate) async fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        let before = self.before_take();
        let connection = self.connection(sql)?;
        let statement = prepared(connection, sql).await?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|p| p as &(dyn ToSql + Sync)).collect();
        let mut rows = Vec::new();
        let last = async {
            rows = connection.query(&statement, &params).await.map_err(|e| failure(&attempt(sql), &e))?;
            Ok(())
        };
        before.sent_with(connection, last).await?;
        rows.iter().map(|row| read_row(sql, row)).collect()
    }

    fn before_take(&mut self) -> Before {
        self.put_bytes = 0;
        std::mem::take(&mut self.before)
    }

    pub(crate) async fn commit(mut self) -> Result<(), StoreError> {
        let before = self.before_take();
        let connection = self.connection("commit")?;
        // After a statement that failed this is a rollback, and the failure is what is told.
        let last = async { connection.batch_execute("commit").await.map_err(|e| failure("commit", &e)) };
        before.sent_with(connection, last).await?;
        // The connection goes back to the pool clean.
        self.connection = None;
        Ok(())
    }
}

impl Drop for PostgresTx {
    fn drop(&mut self) {
        // Where nothing was sent there is nothing to undo.
        let Some(connection) = self.connection.take().filter(|_| self.before.begin.is_none()) else { return };
        match tokio::runtime::Handle::try_current() {
            // Statements of one connection keep their order: the rollback comes after whatever was cut off.
            Ok(runtime) => {
                runtime.spawn(async move {
                    if connection.batch_execute("rollback").await.is_err() {
                        drop(Object::take(connection));
                    }
                });
            }
            Err(_) => drop(Object::take(connection)),
        }
    }
}

fn read_row(sql: &str, row: &tokio_postgres::Row) -> Result<Row, StoreError> {
    let read = |i: usize| {
        let wrong = |reason: String| StoreError::Column { doing: attempt(sql), column: i, reason };
        row.try_get::<_, Value<'static>>(i).map_err(|e| wrong(e.to_string()))
    };
    Ok(Row { values: (0..row.len()).map(read).collect::<Result<_, _>>()? })
}

impl<'a> FromSql<'a> for Value<'static> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match *ty {
            Type::INT8 => Self::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Self::Int(i64::from(i32::from_sql(ty, raw)?)),
            Type::BOOL => Self::Int(i64::from(bool::from_sql(ty, raw)?)),
            Type::BYTEA => Self::Bytes(Cow::Owned(raw.to_vec())),
            _ => Self::Text(Cow::Owned(String::from_sql(ty, raw)?)),
        })
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(ty: &Type) -> bool {
        matches!(*ty, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT | Type::VARCHAR)
    }
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(v), &Type::INT8) => v.to_sql(ty, out),
            (Self::Int(v), &Type::INT4) => i32::try_from(*v)?.to_sql(ty, out),
            (Self::Text(v), &Type::TEXT | &Type::VARCHAR) => v.as_ref().to_sql(ty, out),
            (Self::Bytes(v), &Type::BYTEA) => v.as_ref().to_sql(ty, out),
            (_, ty) => Err(format!("a parameter does not fit {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
