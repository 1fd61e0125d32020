//! Keys: a clearinghouse does not start with a key that is damaged, missing or another one.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use service::{Service, ServiceError};
use tempfile::TempDir;

use crate::bundle::Bundle;
use crate::house::{House, SqliteHouse, config, own_home};

async fn refused(config: service::ServiceConfig) -> String {
    match Service::open(config).await {
        Err(ServiceError::Unavailable(line)) => {
            assert!(!line.contains('\n'), "{line}");
            line
        }
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it started"),
    }
}

async fn started() -> (SqliteHouse, TempDir) {
    let (home, temp) = (own_home(), testkit::sqlite_store());
    let house = House::open(config(home.path().to_owned(), &temp), &temp).await;
    (SqliteHouse::of(house, temp), home)
}

fn put(path: &Path, text: &str) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_key_that_sealed_a_store_opens_it() {
    let (running, home) = started().await;
    let config = running.house.config.clone();
    let finder = running.house.finder("Alder").await;
    let sent = running.house.service.report_submit(&finder.ctx(), &Bundle::quick().report()).await.unwrap();
    for (name, other) in [
        ("sealing.key", "ab".repeat(32)),
        ("signing.pem", fs::read_to_string(home.path().join("keys/signing.pem")).unwrap()),
    ] {
        let path = home.path().join("keys").join(name);
        let right = fs::read_to_string(&path).unwrap();
        put(&path, "nonsense");
        let line = refused(config.clone()).await;
        assert!(line.contains(name), "{line}");
        // A key that is missing is not made anew: what is sealed under the old one must stay openable.
        fs::remove_file(&path).unwrap();
        let line = refused(config.clone()).await;
        assert!(line.contains(name) && line.contains("put that key file back"), "{line}");
        assert!(!path.exists());
        if name == "sealing.key" {
            put(&path, &other);
            let line = refused(config.clone()).await;
            assert!(line.contains("put the right key file back"), "{line}");
        } else {
            // Another clearinghouse's key.
            let foreign = own_home();
            let temp = testkit::sqlite_store();
            House::open(crate::house::config(foreign.path().to_owned(), &temp), &temp).await;
            put(&path, &fs::read_to_string(foreign.path().join("keys/signing.pem")).unwrap());
            let line = refused(config.clone()).await;
            assert!(line.contains("put the right key file back"), "{line}");
        }
        put(&path, &right);
        Service::open(config.clone()).await.unwrap();
    }
    running.house.work().await;
    assert_eq!(running.house.report_of(&finder, &sent.receipt).await.findings.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_first_starts_at_once_use_one_key_and_make_one_coordinator() {
    let temps = [testkit::sqlite_store(), testkit::postgres_store().await];
    for temp in &temps {
        let home = own_home();
        // The first opening migrates; keys and the first coordinator are what is raced for.
        drop(temp.open().await);
        let starts: Vec<_> = (0..6)
            .map(|_| {
                let config = config(home.path().to_owned(), temp);
                tokio::spawn(async move {
                    let service = Service::open(config).await.unwrap();
                    (service.public_key().id(), service.admin_bootstrap("Desk", "Ada").await.is_ok())
                })
            })
            .collect();
        let mut seen = Vec::new();
        for start in starts {
            seen.push(start.await.unwrap());
        }
        assert!(seen.iter().all(|(id, _)| *id == seen[0].0));
        assert_eq!(seen.iter().filter(|(_, first)| *first).count(), 1, "{}", temp.name);
        let left: Vec<_> = fs::read_dir(home.path().join("keys")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
        crate::house::forget(temp).await;
    }
}
