//! One transaction on either back end. Dropping it without [`Tx::commit`] keeps nothing.
//!
//! A failed statement spoils the transaction on both back ends alike: PostgreSQL would refuse what
//! follows and turn the commit into a rollback without a word. SQL stays inside this crate.

use std::borrow::Cow;

use crate::dialect::{self, attempt};
use crate::error::StoreError;
use crate::value::{Row, Value};
use crate::{postgres, sqlite};

/// Rows that one statement writes, at most.
const ROWS_COUNT_MAX: usize = 64;

/// One transaction: a snapshot for reading, or the right to write.
pub struct Tx {
    inner: Inner,
    writes: bool,
    spoiled: bool,
}

pub(crate) enum Inner {
    Sqlite(sqlite::SqliteTx),
    Postgres(postgres::PostgresTx),
}

impl From<sqlite::SqliteTx> for Inner {
    fn from(tx: sqlite::SqliteTx) -> Self {
        Self::Sqlite(tx)
    }
}

impl From<postgres::PostgresTx> for Inner {
    fn from(tx: postgres::PostgresTx) -> Self {
        Self::Postgres(tx)
    }
}

impl Tx {
    pub(crate) fn new(inner: impl Into<Inner>, writes: bool) -> Self {
        Self { inner: inner.into(), writes, spoiled: false }
    }

    /// Refuses what one back end would refuse and the other would take.
    fn sound(&self, sql: &str, params: &[Value<'_>]) -> Result<(), StoreError> {
        if self.spoiled {
            return Err(StoreError::Spoiled { doing: attempt(sql) });
        }
        if !self.writes && (!sql.starts_with("select") || sql.contains(" for update")) {
            let reason = "this transaction only reads".to_owned();
            return Err(StoreError::Other { doing: attempt(sql), reason });
        }
        if params.iter().any(|p| matches!(p, Value::Text(text) if text.contains('\0'))) {
            return Err(StoreError::NulInText { doing: attempt(sql) });
        }
        Ok(())
    }

    /// Runs a statement; gives the number of rows it changed.
    pub(crate) async fn execute(&mut self, sql: &str, params: &[Value<'_>]) -> Result<u64, StoreError> {
        self.sound(sql, params)?;
        // Stays set when the future is dropped half way: then nothing of it may be kept either.
        self.spoiled = true;
        let done = match &mut self.inner {
            Inner::Sqlite(tx) => tx.execute(sql, params),
            Inner::Postgres(tx) => tx.execute(sql, params).await,
        };
        self.spoiled = done.is_err();
        done
    }

    /// Runs a statement of which nothing is to be known but that it was done: a failure may be told by a later statement, or
    /// the commit. On PostgreSQL it costs no wait of its own.
    pub(crate) async fn put(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: &[Value<'_>],
    ) -> Result<(), StoreError> {
        let sql = sql.into();
        self.sound(&sql, params)?;
        self.spoiled = true;
        let done = match &mut self.inner {
            Inner::Sqlite(tx) => tx.execute(&sql, params).map(drop),
            Inner::Postgres(tx) => tx.put(sql, params.iter().map(Value::to_static).collect()).await,
        };
        self.spoiled = done.is_err();
        done
    }

    /// [`Tx::put`] for rows of one table: `into` begins the statement, `after` ends it. Several rows go as one statement, of few
    /// different lengths, so that a connection knows few statements.
    pub(crate) async fn put_rows<const WIDTH: usize>(
        &mut self,
        into: &str,
        after: &str,
        rows: &[[Value<'_>; WIDTH]],
    ) -> Result<(), StoreError> {
        let row = format!("({})", ["$"; WIDTH].join(", "));
        let mut rest = rows;
        while !rest.is_empty() {
            let length = (1 << rest.len().ilog2()).min(ROWS_COUNT_MAX);
            let (these, others) = rest.split_at(length);
            let sql = format!("{into} values {} {after}", dialect::rows(length, &row));
            self.put(sql, these.as_flattened()).await?;
            rest = others;
        }
        Ok(())
    }

    /// Runs a statement; gives its rows.
    pub(crate) async fn query(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Vec<Row>, StoreError> {
        self.sound(sql, params)?;
        self.spoiled = true;
        let done = match &mut self.inner {
            Inner::Sqlite(tx) => tx.query(sql, params),
            Inner::Postgres(tx) => tx.query(sql, params).await,
        };
        self.spoiled = done.is_err();
        done
    }

    /// The first row, if there is one.
    pub(crate) async fn query_opt(&mut self, sql: &str, params: &[Value<'_>]) -> Result<Option<Row>, StoreError> {
        self.sound(sql, params)?;
        self.spoiled = true;
        let done = match &mut self.inner {
            Inner::Sqlite(tx) => tx.query_one(sql, params),
            Inner::Postgres(tx) => tx.query(sql, params).await.map(|rows| rows.into_iter().next()),
        };
        self.spoiled = done.is_err();
        done
    }

    /// Whether a statement changed anything.
    pub(crate) async fn changed(&mut self, sql: &str, params: &[Value<'_>]) -> Result<bool, StoreError> {
        Ok(self.execute(sql, params).await? > 0)
    }

    /// Every row, read by `read`.
    pub(crate) async fn all<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        self.query(sql, params).await?.iter().map(read).collect()
    }

    /// The first row, read by `read`.
    pub(crate) async fn one<T>(
        &mut self,
        sql: &str,
        params: &[Value<'_>],
        read: impl Fn(&Row) -> Result<T, StoreError>,
    ) -> Result<Option<T>, StoreError> {
        self.query_opt(sql, params).await?.as_ref().map(read).transpose()
    }

    /// Waits until nobody else works under this name, and holds it to the end of the transaction.
    /// SQLite has one writer, which holds everything.
    pub(crate) async fn lock_name(&mut self, name: &str) -> Result<(), StoreError> {
        if matches!(self.inner, Inner::Sqlite(_)) {
            return Ok(());
        }
        let name = [Value::from(name)];
        self.query("select 1 from (select pg_advisory_xact_lock(hashtextextended($1, 0))) held", &name).await?;
        Ok(())
    }

    /// Has statements of this transaction wait for what others hold no longer than so many milliseconds. SQLite has one writer, whose
    /// turn has come.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn lock_wait_set(&mut self, wait_ms: u32) -> Result<(), StoreError> {
        if matches!(self.inner, Inner::Sqlite(_)) {
            return Ok(());
        }
        self.put("select set_config('lock_timeout', $1, true)", &[Value::from(wait_ms.to_string())]).await
    }

    /// What the database file itself has to complain of; nothing to ask on PostgreSQL.
    pub(crate) async fn file_check(&mut self) -> Result<Vec<String>, StoreError> {
        if matches!(self.inner, Inner::Postgres(_)) {
            return Ok(Vec::new());
        }
        let damaged = "select integrity_check from pragma_integrity_check where integrity_check <> 'ok'";
        let mut lines = self.all(damaged, &[], |row| row.fields("the file").text()).await?;
        let orphans = "select distinct \"table\" || ' row without its ' || \"parent\" from pragma_foreign_key_check";
        lines.extend(self.all(orphans, &[], |row| row.fields("the file").text()).await?);
        Ok(lines)
    }

    /// Keeps everything that was done. When this returns, it survives a crash of the machine.
    ///
    /// # Errors
    /// [`StoreError::Spoiled`] when a statement failed before; otherwise what the database said.
    pub async fn commit(self) -> Result<(), StoreError> {
        if self.spoiled {
            return Err(StoreError::Spoiled { doing: "commit".to_owned() });
        }
        match self.inner {
            Inner::Sqlite(tx) => tx.commit().await,
            Inner::Postgres(tx) => tx.commit().await,
        }
    }
}
