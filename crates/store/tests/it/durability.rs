//! A commit that returned survives kill -9 of the process.

use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use store::{Store, StoreConfig, meta};

const CHILD_DATABASE: &str = "STORE_TEST_CHILD_DATABASE";

/// What the child does when this test binary is run again with [`CHILD_DATABASE`]: it commits
/// numbers for ever and prints each one after its commit. Without the variable there is nothing to do.
#[tokio::test]
async fn child_that_commits_until_it_is_killed() {
    let Some(path) = std::env::var_os(CHILD_DATABASE) else { return };
    let store = Store::open(StoreConfig::Sqlite { path: PathBuf::from(path) }).await.unwrap();
    for i in 0_u64.. {
        let mut tx = store.write().await.unwrap();
        meta::set(&mut tx, &format!("n{i}"), "committed").await.unwrap();
        tx.commit().await.unwrap();
        let mut out = std::io::stdout().lock();
        writeln!(out, "receipt {i}").unwrap();
        out.flush().unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_gave_a_receipt_for_is_there() {
    for receipts in [1, 7, 40] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.db");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "durability::child_that_commits_until_it_is_killed", "--nocapture"])
            .env(CHILD_DATABASE, &path)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let given: Vec<u64> = lines
            .filter_map(|line| line.rsplit_once("receipt ").and_then(|(_, n)| n.parse().ok()))
            .take(receipts)
            .collect();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(given.len(), receipts);
        let store = Store::open(StoreConfig::Sqlite { path }).await.unwrap();
        let mut tx = store.read().await.unwrap();
        for n in given {
            assert_eq!(meta::get(&mut tx, &format!("n{n}")).await.unwrap().as_deref(), Some("committed"), "{n}");
        }
    }
}
