//! What strangers send is sealed at rest: neither the database file nor the data folder holds it in the
//! clear, however far its report has come.

use std::fs;
use std::path::{Path, PathBuf};

use domain::report::FindingState;
use formats::tap::{Attachment, AttachmentType, ContentType};
use service::identity::now;

use crate::bundle::{Bundle, report_of};
use crate::house::{House, config, forget, own_home};

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(|e| e.unwrap()) {
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            files(&entry.path(), found);
        } else if kind.is_file() {
            found.push(entry.path());
        }
    }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|w| w == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_was_sent_lies_about_in_the_clear() {
    for temp in [testkit::sqlite_store(), testkit::postgres_store().await] {
        let home = own_home();
        let house = House::open(config(home.path().to_owned(), &temp), &temp).await;
        let finder = house.finder("Alder").await;
        let word = format!("words of {} that nobody else may read", now().micros());
        let packed = Bundle::quick().retold(&word).packed();
        let body = report_of("pkg:npm/fast-loops", &packed, |report| {
            report.attachments.push(Attachment {
                filename: "notes.txt".to_owned(),
                content_type: ContentType::Plain,
                kind: AttachmentType::ThreatModel,
                description: None,
                bytes: word.clone().into_bytes(),
            });
        });
        assert!(holds(&body, word.as_bytes()));
        let view = house.reported(&finder, &body).await;
        assert_eq!(view.findings[0].state, FindingState::InCase);
        house.service.fsck().await.unwrap();
        let mut places = Vec::new();
        files(home.path(), &mut places);
        if let store::StoreConfig::Sqlite { path } = &temp.config {
            files(path.parent().unwrap(), &mut places);
            assert!(places.iter().any(|p| p.ends_with("proofhouse.db")));
        }
        assert!(places.iter().any(|p| p.ends_with("sealing.key")) && places.len() > 3, "{places:?}");
        for place in &places {
            let bytes = fs::read(place).unwrap();
            assert!(!holds(&bytes, word.as_bytes()), "{} holds what was sent", place.display());
            assert!(!holds(&bytes, &packed[..64]), "{} holds the bundle", place.display());
        }
        // The same on either store: what is in the rows.
        let mut tx = house.store.read().await.unwrap();
        let proof = store::proof::by_id(&mut tx, view.findings[0].proof_id.unwrap()).await.unwrap().unwrap();
        let blobs = view.attachments.iter().map(|a| a.blob_id).chain([view.report.body_blob_id, proof.bundle_blob_id]);
        for id in blobs {
            let blob = store::blob::get(&mut tx, id).await.unwrap().unwrap();
            assert!(!holds(&blob.sealed, word.as_bytes()) && !holds(&blob.sealed, &packed[..64]));
        }
        let shown = format!("{view:?}{proof:?}");
        assert!(!shown.contains(&word));
        assert!(!shown.contains(&*home.path().to_string_lossy()), "a path of this machine is shown");
        drop((tx, house));
        forget(&temp).await;
    }
}
