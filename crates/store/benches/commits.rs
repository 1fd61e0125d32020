//! How many durable commits and bulk rows a second each store makes. Prints figures, asserts none.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::{Duration, Instant};

use store::job::{self, Lease, NewJob};
use store::{Store, StoreConfig, blob, inventory, meta};
use testkit::{postgres, seed, sqlite_store};

const RUN: Duration = Duration::from_secs(3);

fn rate(what: &str, count: usize, since: Instant) {
    let rate = count as f64 / since.elapsed().as_secs_f64();
    println!("  {what:<58} {rate:>10.0} /s");
}

/// One task after the other commits one row.
async fn commits(store: &Store, tasks: usize) {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..tasks)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut done = 0;
                while begun.elapsed() < RUN {
                    let mut tx = store.write().await.unwrap();
                    meta::set(&mut tx, &format!("{task} {done}"), "value").await.unwrap();
                    tx.commit().await.unwrap();
                    done += 1;
                }
                done
            })
        })
        .collect();
    let workers = tasks.len();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    rate(&format!("commits of one row, {workers} at a time"), done, begun);
}

async fn reads(store: &Store) {
    let begun = Instant::now();
    let mut done = 0;
    while begun.elapsed() < RUN {
        let mut tx = store.read().await.unwrap();
        meta::get(&mut tx, "0 0").await.unwrap().unwrap();
        tx.commit().await.unwrap();
        done += 1;
    }
    rate("reads of one row, each its own snapshot", done, begun);
    let begun = Instant::now();
    let mut tx = store.read().await.unwrap();
    let mut done = 0;
    while begun.elapsed() < RUN {
        meta::get(&mut tx, "0 0").await.unwrap().unwrap();
        done += 1;
    }
    rate("reads of one row in one snapshot", done, begun);
}

async fn jobs(store: &Store) {
    const JOBS: usize = 2_000;
    let mut tx = store.write().await.unwrap();
    for i in 0..JOBS {
        let (kind, key, payload) = ("bench".to_owned(), format!("bench {i}"), "{}".to_owned());
        let new = NewJob {
            id: seed::id(),
            kind,
            key,
            payload,
            run_after: seed::NOW,
            turn_at: seed::NOW,
            created_at: seed::NOW,
        };
        job::enqueue(&mut tx, &new).await.unwrap();
    }
    tx.commit().await.unwrap();
    let begun = Instant::now();
    let workers: Vec<_> = (0..4)
        .map(|i| {
            let store = store.clone();
            tokio::spawn(async move {
                let until = seed::NOW.plus_seconds(60);
                let worker = format!("worker {i}");
                let lease = Lease { worker, now: seed::NOW, until, kinds: Vec::new(), limit: 10 };
                loop {
                    let mut tx = store.write().await.unwrap();
                    let jobs = job::claim(&mut tx, &lease).await.unwrap();
                    tx.commit().await.unwrap();
                    if jobs.is_empty() {
                        return;
                    }
                    for job in jobs {
                        let mut tx = store.write().await.unwrap();
                        assert!(job::done(&mut tx, &job, seed::NOW).await.unwrap());
                        tx.commit().await.unwrap();
                    }
                }
            })
        })
        .collect();
    for worker in workers {
        worker.await.unwrap();
    }
    rate("jobs leased in tens and done one by one, 4 workers", JOBS, begun);
}

async fn bulk(store: &Store) {
    const ROWS: usize = 50_000;
    let mut tx = store.write().await.unwrap();
    let (party_id, _) = seed::party(&mut tx, "Bench", &[]).await.unwrap();
    let document_blob_id = seed::blob(&mut tx, b"sbom").await.unwrap();
    let components: Vec<_> = (0..ROWS)
        .map(|i| inventory::Component {
            purl: Some(format!("pkg:npm/package-{}", i % 5_000)),
            name: format!("package-{}", i % 5_000),
            version: Some(format!("1.{i}.0")),
            path: format!("node_modules/package-{i}"),
            reason: None,
        })
        .collect();
    let row = inventory::Inventory {
        id: seed::id(),
        party_id,
        asset: "bench".to_owned(),
        tags: domain::inventory::AssetTags {
            organisation: "o".to_owned(),
            environment: "e".to_owned(),
            exposure: domain::inventory::Exposure::Unknown,
            asset_type: "t".to_owned(),
            sector: "s".to_owned(),
        },
        format: "cyclonedx".to_owned(),
        document_blob_id,
        digest: String::new(),
        components: ROWS as i64,
        skipped: "[]".to_owned(),
        current: true,
        uploaded_at: seed::NOW,
    };
    let begun = Instant::now();
    inventory::insert(&mut tx, &row, &components).await.unwrap();
    tx.commit().await.unwrap();
    rate("inventory components in one transaction", ROWS, begun);
    let mut tx = store.read().await.unwrap();
    assert_eq!(inventory::components(&mut tx, row.id).await.unwrap().len(), ROWS);
    drop(tx);
    let begun = Instant::now();
    let mut tx = store.write().await.unwrap();
    let sealed = vec![7; 1 << 20];
    for _ in 0..20 {
        let id = seed::id();
        let sealed = sealed.clone();
        let row = blob::Blob { id, sealed, key_id: "k".to_owned(), bytes: 1 << 20, created_at: seed::NOW };
        blob::put(&mut tx, &[&row]).await.unwrap();
    }
    tx.commit().await.unwrap();
    rate("blobs of 1 MiB in one transaction", 20, begun);
}

async fn all(name: &str, config: StoreConfig) {
    println!("{name}:");
    let store = Store::open(config).await.unwrap();
    commits(&store, 1).await;
    commits(&store, 8).await;
    reads(&store).await;
    jobs(&store).await;
    bulk(&store).await;
}

#[tokio::main]
async fn main() {
    let temp = sqlite_store();
    all("SQLite, synchronous=FULL", temp.config.clone()).await;
    let server = postgres::start_durable().unwrap();
    let url = server.database().await;
    all("PostgreSQL, fsync on, Unix socket", StoreConfig::Postgres { url, connections_max: 16 }).await;
}
