//! What a maintainer is handed: one archive with everything, and one message in plain text.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

use domain::fix::FixKind;
use domain::pace::Told;
use domain::read_in::Tier;
use service::ServiceError;
use service::fix::FixInput;
use service::pace::PaceInput;
use service::package::LETTER_COLUMNS_MAX;
use zip::ZipArchive;

use crate::bundle::{Bundle, ids};
use crate::house::both_houses;

fn files(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut files = BTreeMap::new();
    for i in 0..archive.len() {
        let mut file = archive.by_index(i).unwrap();
        let name = file.name().unwrap().into_owned();
        let mut content = Vec::new();
        file.read_to_end(&mut content).unwrap();
        files.insert(name, content);
    }
    files
}

const PATCH: &str = "--- a/lib/index.js\n+++ b/lib/index.js\n@@ -1,1 +1,1 @@\n-old\n+new\n";

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_in_one_archive_and_in_words() {
    both_houses(async |house| {
        let s = &house.service;
        let alder = house.finder("Alder").await;
        let keeper = house.maintainer("pkg:npm/fast-loops").await;
        let told = PaceInput {
            rate_per_week: None,
            seasons: Vec::new(),
            refuse: false,
            exceptions: true,
            told: Told::Email,
            told_to: Some("security@keepers.example".to_owned()),
            embargo_url: None,
            embargo_days: None,
            guests: Vec::new(),
        };
        s.pace_set(&keeper.ctx(), keeper.party, told).await.unwrap();
        let body = Bundle::quick().report_with(ids(&["CVE-2024-39008"]));
        let case = house.reported(&alder, &body).await.findings[0].case_id.unwrap();
        let note = String::new();
        let version = Some("1.1.4".to_owned());
        s.fix_propose(&keeper.ctx(), FixInput { case, kind: FixKind::Upgrade, version, note, patch: None })
            .await
            .unwrap();
        house.work().await;
        let (version, note, patch) = (None, "guards the keys".to_owned(), Some(PATCH.as_bytes().to_vec()));
        s.fix_propose(&keeper.ctx(), FixInput { case, kind: FixKind::Patch, version, note, patch }).await.unwrap();

        let package = s.case_package(&keeper.ctx(), case).await.unwrap();
        assert_eq!(package.filename, format!("{case}.zip"));
        assert_eq!(s.case_package(&keeper.ctx(), case).await.unwrap().bytes, package.bytes, "the same bytes");
        let files = files(&package.bytes);
        let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
        let json = |name: &str| serde_json::from_slice::<serde_json::Value>(&files[name]).unwrap();
        let names: Vec<&str> = files.keys().map(String::as_str).filter(|n| !n.contains("receipts")).collect();
        assert_eq!(
            names,
            [
                "advisory-draft.osv.json",
                "fixes/1/fix.json",
                "fixes/2/fix.json",
                "fixes/2/fix.patch",
                "measured.json",
                "message.txt",
                "proofs/1/bundle.tar.gz",
            ]
        );
        // What is handed over can be run: it is the bundle as it was sent, with its signed receipts.
        assert_eq!(files["proofs/1/bundle.tar.gz"], Bundle::quick().packed());
        assert!(json("proofs/1/receipts/1.json")["payload"].is_string());
        let measured = json("measured.json");
        assert_eq!(
            (&measured["purl"], &measured["proofs"][0]["vulnerable"]),
            (&"pkg:npm/fast-loops".into(), &"1.1.3".into())
        );
        assert!(measured["range"]["fired"].as_array().unwrap().contains(&"1.1.3".into()));
        let fix = json("fixes/1/fix.json");
        assert_eq!(
            (&fix["state"], &fix["version"], &fix["matrix"][0]["verdict"]),
            (&"verified".into(), &"1.1.4".into(), &"silent".into())
        );
        assert_eq!(
            (text("fixes/2/fix.patch").as_str(), &json("fixes/2/fix.json")["state"]),
            (PATCH, &"proposed".into())
        );
        let draft = json("advisory-draft.osv.json");
        assert_eq!(
            (&draft["id"], &draft["affected"][0]["package"]["name"]),
            (&"CVE-2024-39008".into(), &"fast-loops".into())
        );

        let message = s.case_message(&keeper.ctx(), case).await.unwrap();
        assert_eq!(
            (message.to.as_slice(), text("message.txt")),
            (&["security@keepers.example".to_owned()][..], message.text.clone())
        );
        for said in [
            "pkg:npm/fast-loops",
            "before 1.1.4",
            "CVE-2024-39008",
            "Alder",
            "TLP:RED",
            "proofs/1/bundle.tar.gz --version 1.1.3",
            "verified: upgrade to 1.1.4",
            "fixes/2/fix.patch",
            &format!("proofhouse case judge {case}"),
            "https://clearing.example/cases/",
        ] {
            assert!(message.text.contains(said), "{said}\n{}", message.text);
        }
        for line in message.text.lines() {
            let fits = line.chars().count() <= LETTER_COLUMNS_MAX
                || line.split_whitespace().count() <= 2
                || line.starts_with("    ");
            assert!(fits && line.trim_end() == line, "{line}");
        }

        // Whoever sees no research gets neither.
        assert!(s.case_message(&alder.ctx(), case).await.unwrap().to.is_empty(), "an address is its owner's to give");
        let shipper = house.operator("Shipper").await;
        assert!(matches!(s.case_package(&shipper.ctx(), case).await, Err(ServiceError::NotFound("case"))));
        house.read_in(case, &shipper, Tier::Distribution).await;
        assert!(matches!(s.case_package(&shipper.ctx(), case).await, Err(ServiceError::Forbidden(_))));
        assert!(matches!(s.case_message(&shipper.ctx(), case).await, Err(ServiceError::Forbidden(_))));
        // The patch is no patch of this package: how its run ends is not what this is about.
        house.work_quietly().await;
    })
    .await;
}
