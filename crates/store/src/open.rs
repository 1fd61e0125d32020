//! The store: which back end, and how a transaction begins on it.
//!
//! Connections to PostgreSQL are not encrypted by this program yet: use a Unix socket, the loopback
//! interface or a network that protects them. Must not show a password anywhere.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::error::StoreError;
use crate::tx::Tx;
use crate::{postgres, sqlite};

/// Connections to PostgreSQL when nothing is said.
pub const POSTGRES_CONNECTIONS_DEFAULT: usize = 16;

/// Where the data lives.
#[derive(Clone, PartialEq, Eq)]
pub enum StoreConfig {
    /// One file on this machine, for one server.
    Sqlite {
        /// The database file; its folder must exist.
        path: PathBuf,
    },
    /// A PostgreSQL server, for any number of servers and workers.
    Postgres {
        /// `postgres://user:password@host:port/database`, or `key=value` pairs.
        url: String,
        /// Connections in the pool, at most.
        connections_max: usize,
    },
}

impl StoreConfig {
    /// Reads what an operator writes: a `postgres://` URL, or else the path of a SQLite file.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            Self::Postgres { url: text.to_owned(), connections_max: POSTGRES_CONNECTIONS_DEFAULT }
        } else {
            Self::Sqlite { path: PathBuf::from(text) }
        }
    }
}

impl std::fmt::Debug for StoreConfig {
    /// Without the URL: it may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite { path } => f.debug_struct("Sqlite").field("path", path).finish(),
            Self::Postgres { connections_max, .. } => {
                f.debug_struct("Postgres").field("connections_max", connections_max).finish_non_exhaustive()
            }
        }
    }
}

/// The one store. Cheap to clone: clones share connections.
#[derive(Clone)]
pub struct Store {
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(sqlite::Sqlite),
    Postgres(postgres::Postgres),
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.describe()).finish()
    }
}

/// Microseconds since 1970 for the record of migrations: the one time this crate takes by itself.
fn applied_at() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

impl Store {
    /// Opens the store and brings its schema up to date. Two programs may do so at once.
    ///
    /// # Errors
    /// [`StoreError::Open`] when it cannot be reached or set up, [`StoreError::SchemaNewer`] when a
    /// newer program has written it, [`StoreError::MigrationAltered`] when its record disagrees.
    pub async fn open(config: StoreConfig) -> Result<Self, StoreError> {
        let backend = match config {
            StoreConfig::Sqlite { path } => Backend::Sqlite(sqlite::Sqlite::open(&path, applied_at())?),
            StoreConfig::Postgres { url, connections_max } => {
                Backend::Postgres(postgres::Postgres::open(&url, connections_max, applied_at()).await?)
            }
        };
        Ok(Self { backend })
    }

    /// Begins a transaction that reads one snapshot and can write nothing.
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Unavailable`].
    pub async fn read(&self) -> Result<Tx, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Tx::new(sqlite.read().await?, false)),
            Backend::Postgres(postgres) => Ok(Tx::new(postgres.read().await?, false)),
        }
    }

    /// Begins a transaction that may write. On SQLite it waits for the one writer. On PostgreSQL it
    /// reads what is committed at each statement: lock rows that a decision rests on. A task that holds one
    /// and asks for another waits for itself until it is told [`StoreError::Busy`].
    ///
    /// # Errors
    /// [`StoreError::Busy`] or [`StoreError::Unavailable`].
    pub async fn write(&self) -> Result<Tx, StoreError> {
        match &self.backend {
            Backend::Sqlite(sqlite) => Ok(Tx::new(sqlite.write().await?, true)),
            Backend::Postgres(postgres) => Ok(Tx::new(postgres.write().await?, true)),
        }
    }

    /// Whether the store answers now.
    ///
    /// # Errors
    /// Why it does not.
    pub async fn ready(&self) -> Result<(), StoreError> {
        let mut tx = self.read().await?;
        tx.query("select version from schema_migrations limit 1", &[]).await?;
        tx.commit().await
    }

    /// Where the data lives, without a password.
    #[must_use]
    pub fn describe(&self) -> &str {
        match &self.backend {
            Backend::Sqlite(sqlite) => sqlite.describe(),
            Backend::Postgres(postgres) => postgres.describe(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_is_read_from_text_and_shows_no_password() {
        let postgres = StoreConfig::from_text("postgres://u:secret@db/proofhouse");
        assert!(matches!(postgres, StoreConfig::Postgres { .. }));
        assert!(!format!("{postgres:?}").contains("secret"));
        assert_eq!(StoreConfig::from_text("data/p.db"), StoreConfig::Sqlite { path: "data/p.db".into() });
    }
}
