//! Opening: migrations once, altered or newer schemas refused, both at once.

use store::{Store, StoreConfig, StoreError};
use testkit::{TempStore, postgres_store, sqlite_store};

/// Runs SQL behind the store's back.
async fn tamper(temp: &TempStore, sql: &str) {
    match &temp.config {
        StoreConfig::Sqlite { path } => rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap(),
        StoreConfig::Postgres { url, .. } => {
            let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
            tokio::spawn(connection);
            client.batch_execute(sql).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_twice_changes_nothing_and_four_may_open_at_once() {
    for temp in [sqlite_store(), postgres_store().await] {
        let opens: Vec<_> = (0..4).map(|_| tokio::spawn(Store::open(temp.config.clone()))).collect();
        for open in opens {
            open.await.unwrap().unwrap().ready().await.unwrap();
        }
        temp.open().await.ready().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_altered_migration_and_a_newer_schema_are_refused() {
    for temp in [sqlite_store(), postgres_store().await] {
        drop(temp.open().await);
        tamper(&temp, "update schema_migrations set digest = 'other' where version = 1").await;
        let refused = Store::open(temp.config.clone()).await.unwrap_err();
        assert!(matches!(refused, StoreError::MigrationAltered { version: 1, .. }), "{refused}");
        tamper(&temp, "insert into schema_migrations (version, digest, applied_at) values (999, 'x', 1)").await;
        let refused = Store::open(temp.config.clone()).await.unwrap_err();
        assert!(matches!(refused, StoreError::SchemaNewer { found: 999, .. }), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_of_another_form_is_named_not_guessed() {
    for temp in [sqlite_store(), postgres_store().await] {
        let store = temp.open().await;
        tamper(&temp, "insert into parties values ('party_x', 'n', 'a', 'finder', 'c', 1)").await;
        let mut tx = store.read().await.unwrap();
        let refused = store::party::list(&mut tx, &store::Page::default()).await.unwrap_err();
        assert!(matches!(refused, StoreError::Column { column: 0, .. }), "{refused}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_cannot_be_reached_says_where_without_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/p.db");
    let refused = Store::open(StoreConfig::Sqlite { path }).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }) && refused.to_string().contains("missing/p.db"), "{refused}");
    let url = format!("postgres://u:secret@{}/d", folder.path().display().to_string().replace('/', "%2F"));
    let refused = Store::open(StoreConfig::Postgres { url, connections_max: 1 }).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }) && !refused.to_string().contains("secret"), "{refused}");
    let url = "postgres://u:secret@h:x/d".to_owned();
    let refused = Store::open(StoreConfig::Postgres { url, connections_max: 1 }).await.unwrap_err();
    assert!(matches!(refused, StoreError::Open { .. }) && !refused.to_string().contains("secret"), "{refused}");
}
