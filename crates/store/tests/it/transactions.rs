//! What a transaction promises, on both stores.

use std::time::Duration;

use domain::party::Role;
use store::idempotency::{Begun, Request};
use store::{Store, StoreError, idempotency, meta, party};
use testkit::{both_stores, seed};

async fn fact(store: &Store, key: &str) -> Option<String> {
    let mut tx = store.read().await.unwrap();
    let value = meta::get(&mut tx, key).await.unwrap();
    tx.commit().await.unwrap();
    value
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_committed_is_there_and_what_is_dropped_is_not() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        meta::set(&mut tx, "kept", "1").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.write().await.unwrap();
        meta::set(&mut tx, "dropped", "1").await.unwrap();
        drop(tx);
        assert_eq!(fact(&store, "kept").await.as_deref(), Some("1"));
        assert_eq!(fact(&store, "dropped").await, None);
        store.ready().await.unwrap();
        assert!(!store.describe().is_empty());
    })
    .await;
}

#[tokio::test]
async fn everything_works_on_a_single_threaded_runtime_too() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        meta::set(&mut tx, "a", "1").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(fact(&store, "a").await.as_deref(), Some("1"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_sees_one_snapshot_and_writes_nothing() {
    both_stores(async |store| {
        let mut reader = store.read().await.unwrap();
        assert_eq!(meta::get(&mut reader, "a").await.unwrap(), None);
        let mut tx = store.write().await.unwrap();
        meta::set(&mut tx, "a", "1").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(meta::get(&mut reader, "a").await.unwrap(), None);
        meta::set(&mut reader, "b", "1").await.unwrap_err();
        drop(reader);
        assert_eq!(fact(&store, "a").await.as_deref(), Some("1"));
        assert_eq!(fact(&store, "b").await, None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_statements_that_nobody_waits_for_all_are_kept_or_none() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party, member) = seed::party(&mut tx, "Acme", &[Role::Finder]).await.unwrap();
        let row = seed::report(&mut tx, party, member, "pkg:npm/a").await.unwrap();
        // More of them than are put off at once.
        let mut blobs = Vec::new();
        for number in 0..100_u8 {
            blobs.push(seed::blob(&mut tx, &vec![number; 30_000]).await.unwrap());
        }
        tx.commit().await.unwrap();
        let mut tx = store.read().await.unwrap();
        for (number, blob) in (0_u8..).zip(&blobs) {
            assert_eq!(store::blob::get(&mut tx, *blob).await.unwrap().unwrap().sealed, vec![number; 30_000]);
        }
        drop(tx);
        // The second of three cannot be: the commit says so, in its words, and nothing of any is there.
        let mut tx = store.write().await.unwrap();
        let before = seed::blob(&mut tx, b"before").await.unwrap();
        let twice = store::report::Report { id: seed::id(), receipt: "SUB-2".to_owned(), ..row };
        let inserted = store::report::insert(&mut tx, &[&twice]).await;
        let done = match inserted {
            Ok(()) => {
                seed::blob(&mut tx, b"after").await.unwrap();
                tx.commit().await
            }
            refused => {
                drop(tx);
                refused
            }
        };
        let refused = done.unwrap_err();
        assert!(refused.is_conflict() && refused.to_string().starts_with("insert into reports"), "{refused}");
        let mut tx = store.read().await.unwrap();
        assert_eq!(store::blob::get(&mut tx, before).await.unwrap(), None);
        assert_eq!(store::report::by_receipt(&mut tx, "SUB-2").await.unwrap(), None);
        // One that began and did nothing is as good as none.
        drop(tx);
        store.write().await.unwrap().commit().await.unwrap();
        drop(store.write().await.unwrap());
        store.ready().await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_statement_spoils_the_transaction() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party_id, _) = seed::party(&mut tx, "Acme", &[Role::Finder]).await.unwrap();
        let again = party::by_id(&mut tx, party_id).await.unwrap().unwrap();
        let refused = party::insert(&mut tx, &again).await.unwrap_err();
        assert!(refused.is_conflict() && !refused.is_transient(), "{refused}");
        assert!(refused.to_string().starts_with("insert into parties: there is one already"), "{refused}");
        let spoiled = party::by_id(&mut tx, party_id).await.unwrap_err();
        assert!(matches!(spoiled, StoreError::Spoiled { .. }));
        assert!(matches!(tx.commit().await, Err(StoreError::Spoiled { .. })));
        let mut tx = store.read().await.unwrap();
        assert_eq!(party::by_id(&mut tx, party_id).await.unwrap(), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nul_and_a_lock_while_reading_are_refused_on_both() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let refused = meta::set(&mut tx, "a\0b", "1").await.unwrap_err();
        assert!(matches!(refused, StoreError::NulInText { .. }), "{refused}");
        // Nothing was sent, so nothing is spoiled.
        meta::set(&mut tx, "ab", "1").await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = store.read().await.unwrap();
        let refused = store::case::by_id_locked(&mut tx, seed::id()).await.unwrap_err();
        assert!(refused.to_string().contains("only reads"), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_key_must_exist() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let refused = match seed::report(&mut tx, seed::id(), seed::id(), "pkg:npm/a").await {
            Ok(_) => tx.commit().await.unwrap_err(),
            Err(refused) => refused,
        };
        assert!(matches!(refused, StoreError::Other { .. }), "{refused}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_request_leaves_nothing_and_the_store_works_on() {
    both_stores(async |store| {
        for round in 0..20 {
            let task = tokio::spawn({
                let store = store.clone();
                async move {
                    let mut tx = store.write().await.unwrap();
                    for i in 0..1_000 {
                        meta::set(&mut tx, &format!("cancelled {round} {i}"), "1").await.unwrap();
                        tokio::task::yield_now().await;
                    }
                    // Never reached before the abort: it waits for what nobody does.
                    std::future::pending::<()>().await;
                    tx.commit().await.unwrap();
                }
            });
            tokio::time::sleep(Duration::from_millis(round)).await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
            let mut tx = store.write().await.unwrap();
            assert_eq!(meta::get(&mut tx, &format!("cancelled {round} 0")).await.unwrap(), None);
            meta::set(&mut tx, "round", &round.to_string()).await.unwrap();
            tx.commit().await.unwrap();
        }
        assert_eq!(fact(&store, "round").await.as_deref(), Some("19"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_requests_with_one_key_have_one_effect() {
    both_stores(async |store| {
        let mut tx = store.write().await.unwrap();
        let (party_id, _) = seed::party(&mut tx, "Acme", &[Role::Finder]).await.unwrap();
        tx.commit().await.unwrap();
        for round in 0..10 {
            let request = |digest: &str| Request {
                party_id,
                key: format!("key {round}"),
                use_case: "report-submit".to_owned(),
                digest: digest.to_owned(),
                created_at: seed::NOW,
            };
            let send = |name: &'static str| {
                let (store, request) = (store.clone(), request("same"));
                tokio::spawn(async move {
                    let mut tx = store.write().await.unwrap();
                    let begun = idempotency::begin(&mut tx, &request).await.unwrap();
                    if begun == Begun::New {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                        idempotency::finish(&mut tx, party_id, &request.key, name).await.unwrap();
                        tx.commit().await.unwrap();
                    }
                    begun
                })
            };
            let (a, b) = (send("a"), send("b"));
            let (a, b) = (a.await.unwrap(), b.await.unwrap());
            let (wanted, other) = match (&a, &b) {
                (Begun::New, other) => ("a", other),
                (other, Begun::New) => ("b", other),
                _ => panic!("{a:?} {b:?}"),
            };
            assert_eq!(*other, Begun::Repeated(Some(wanted.to_owned())));
            let mut tx = store.write().await.unwrap();
            assert_eq!(idempotency::begin(&mut tx, &request("another")).await.unwrap(), Begun::Different);
        }
        let mut tx = store.write().await.unwrap();
        assert_eq!(idempotency::forget(&mut tx, seed::NOW).await.unwrap(), 0);
        assert_eq!(idempotency::forget(&mut tx, seed::NOW.plus_seconds(1)).await.unwrap(), 10);
    })
    .await;
}
