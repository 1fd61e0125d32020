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
async fn two_programs_write_to_one_store() {
    for temp in [sqlite_store(), postgres_store().await] {
        let writers: Vec<_> = ["a", "b"]
            .map(|name| (name, temp.config.clone()))
            .into_iter()
            .map(|(name, config)| {
                tokio::spawn(async move {
                    let store = Store::open(config).await.unwrap();
                    for i in 0..50 {
                        let mut tx = store.write().await.unwrap();
                        store::meta::set(&mut tx, &format!("{name}{i}"), "1").await.unwrap();
                        tx.commit().await.unwrap();
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let mut tx = temp.open().await.read().await.unwrap();
        for key in ["a49", "b49"] {
            assert_eq!(store::meta::get(&mut tx, key).await.unwrap().as_deref(), Some("1"));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_transaction_holds_nothing_that_another_program_waits_for() {
    for temp in [sqlite_store(), postgres_store().await] {
        let (one, other) = (temp.open().await, temp.open().await);
        let mut tx = one.write().await.unwrap();
        store::meta::set(&mut tx, "a", "1").await.unwrap();
        drop(tx);
        let mut tx = other.write().await.unwrap();
        store::meta::set(&mut tx, "a", "2").await.unwrap();
        tx.commit().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_went_away_is_unavailable_and_found_again() {
    let temp = postgres_store().await;
    let store = temp.open().await;
    let mut tx = store.write().await.unwrap();
    tamper(
        &temp,
        "select pg_terminate_backend(pid) from pg_stat_activity \
        where datname = current_database() and pid <> pg_backend_pid()",
    )
    .await;
    let refused = store::meta::set(&mut tx, "a", "1").await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }) && refused.is_transient(), "{refused:?}");
    drop(tx);
    // The pool may hand out one dead connection that it has not noticed yet.
    let again = (store.ready().await, store.ready().await);
    assert!(again.1.is_ok(), "{again:?}");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn only_its_owner_may_read_the_file() {
    use std::os::unix::fs::PermissionsExt;
    let temp = sqlite_store();
    let store = temp.open().await;
    store.ready().await.unwrap();
    let StoreConfig::Sqlite { path } = &temp.config else { panic!("not SQLite") };
    for file in std::fs::read_dir(path.parent().unwrap()).unwrap().map(Result::unwrap) {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?} {mode:o}", file.file_name());
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

#[tokio::test(flavor = "multi_thread")]
async fn cases_from_before_there_was_a_pace_count_as_handed_over() {
    for temp in [sqlite_store(), postgres_store().await] {
        let store = temp.open().await;
        let mut tx = store.write().await.unwrap();
        let (keeper, _) = testkit::seed::party(&mut tx, "Keeper", &[]).await.unwrap();
        store::party::package_add(&mut tx, keeper, "pkg:npm/a").await.unwrap();
        let mut case = testkit::seed::case_of("pkg:npm/a");
        case.verdict = Some(domain::case::MaintainerVerdict::Hardening);
        store::case::insert(&mut tx, &case).await.unwrap();
        let judged = store::case::CaseEvent {
            id: testkit::seed::id(),
            case_id: case.id,
            at: testkit::seed::NOW.plus_days(2),
            kind: domain::case::EventKind::Judged,
            member_id: None,
            text: "the maintainer's verdict: hardening. x".to_owned(),
            research: false,
        };
        store::case::event_insert(&mut tx, &judged).await.unwrap();
        testkit::seed::case(&mut tx, "pkg:npm/b").await.unwrap();
        tx.commit().await.unwrap();
        // As it was before the third migration.
        tamper(
            &temp,
            "drop table party_origins; drop table registration_verifications; drop table registrations; drop table letters; \
             drop table case_waits; drop table pace_guests; drop table pace_seasons; drop table paces; \
             alter table cases drop column judged_at; alter table cases drop column duplicate_of; \
             drop table standings; alter table findings drop column counted; drop index jobs_turn; alter table jobs drop column turn_at; \
             delete from schema_migrations where version >= 3",
        )
        .await;
        let store = temp.open().await;
        let mut tx = store.read().await.unwrap();
        let waits = store::pace::waits_of_case(&mut tx, case.id).await.unwrap();
        assert_eq!(waits.len(), 1, "on {}", temp.name);
        assert_eq!((waits[0].released_at, waits[0].cause), (Some(case.opened_at), Some(domain::pace::Cause::Before)));
        assert!(store::pace::waiting(&mut tx, None).await.unwrap().is_empty());
        // The time of its verdict is what its history says.
        let case = store::case::by_id(&mut tx, case.id).await.unwrap().unwrap();
        assert_eq!(case.judged_at, Some(judged.at));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_finders_did_before_there_was_a_standing_counts() {
    for temp in [sqlite_store(), postgres_store().await] {
        let store = temp.open().await;
        let mut tx = store.write().await.unwrap();
        let (finder, member) = testkit::seed::party(&mut tx, "Finder", &[]).await.unwrap();
        let (other, _) = testkit::seed::party(&mut tx, "Other", &[]).await.unwrap();
        let case = testkit::seed::case(&mut tx, "pkg:npm/a").await.unwrap().id;
        let at = testkit::seed::NOW;
        // Two of one defect, one that was not proved, one whose proof runs, one of which there is nothing yet.
        for (state, joins) in [("in-case", true), ("in-case", true), ("not-proved", false), ("proving", false)] {
            let report = testkit::seed::report(&mut tx, finder, member, "pkg:npm/a").await.unwrap();
            let finding = testkit::seed::finding(&mut tx, &report).await.unwrap().id;
            if joins {
                store::finding::join_case(&mut tx, finding, case, "the same", at).await.unwrap();
            } else {
                store::finding::set_state(&mut tx, finding, state.parse().unwrap(), None, at).await.unwrap();
            }
            if state != "proving" {
                store::report::set_state(&mut tx, report.id, domain::report::ReportState::Done, at).await.unwrap();
            }
        }
        testkit::seed::report(&mut tx, finder, member, "pkg:npm/a").await.unwrap();
        tx.commit().await.unwrap();
        // As it was before the fifth migration.
        tamper(
            &temp,
            "drop table party_origins; drop table registration_verifications; drop table registrations; drop table letters; \
             drop table standings; alter table findings drop column counted; drop index jobs_turn; alter table jobs drop column turn_at; \
             delete from schema_migrations where version >= 5",
        )
        .await;
        let store = temp.open().await;
        let mut tx = store.read().await.unwrap();
        let counts = store::standing::of(&mut tx, finder).await.unwrap();
        let counted = (counts.record.proved, counts.record.unproved, counts.waiting);
        assert_eq!(counted, (1, 1, 2), "on {}", temp.name);
        assert_eq!(store::standing::of(&mut tx, other).await.unwrap(), store::standing::Counts::default());
        assert_eq!(store::fsck(&store).await.unwrap(), Vec::<String>::new());
    }
}
