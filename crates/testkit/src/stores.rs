//! Stores for tests: each on data of its own, removed afterwards.
//!
//! Must not let a test run on one back end only by chance: [`both_stores`] is the usual way.

use store::{Store, StoreConfig};
use tempfile::TempDir;

use crate::postgres;

/// An empty store of a test.
pub struct TempStore {
    /// How to open it; also again, after closing.
    pub config: StoreConfig,
    /// `SQLite` or `PostgreSQL`.
    pub name: &'static str,
    _folder: Option<TempDir>,
}

impl TempStore {
    /// Opens it.
    ///
    /// # Panics
    /// When it cannot be opened.
    pub async fn open(&self) -> Store {
        match Store::open(self.config.clone()).await {
            Ok(store) => store,
            Err(e) => panic!("{e}"),
        }
    }
}

/// An empty SQLite store in a folder of its own.
///
/// # Panics
/// When no folder can be made.
#[must_use]
pub fn sqlite_store() -> TempStore {
    match tempfile::tempdir() {
        Ok(folder) => {
            let config = StoreConfig::Sqlite { path: folder.path().join("proofhouse.db") };
            TempStore { config, name: "SQLite", _folder: Some(folder) }
        }
        Err(e) => panic!("make a folder for the tests: {e}"),
    }
}

/// An empty PostgreSQL store in a database of its own.
///
/// # Panics
/// When there is no PostgreSQL: see [`postgres`].
pub async fn postgres_store() -> TempStore {
    let url = postgres::server().database().await;
    TempStore { config: StoreConfig::Postgres { url, connections_max: 8 }, name: "PostgreSQL", _folder: None }
}

/// Runs a test body on an empty SQLite store, then on an empty PostgreSQL store.
///
/// # Panics
/// When the body does, or a store cannot be had. What was printed says on which store.
pub async fn both_stores(body: impl AsyncFn(Store)) {
    for temp in [sqlite_store(), postgres_store().await] {
        eprintln!("on {}:", temp.name);
        body(temp.open().await).await;
        if let StoreConfig::Postgres { url, .. } = &temp.config {
            postgres::server().forget(url).await;
        }
    }
}
