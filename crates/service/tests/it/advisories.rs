//! Published documents: other people's validators accept them, every revision is kept and signed.

use service::verdict::VerdictInput;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use domain::advisory::{AdvisoryFormat, AdvisoryState};
use domain::case::MaintainerVerdict;
use domain::fix::FixKind;
use domain::id::CaseId;
use serde_json::Value;
use service::ServiceError;
use service::advisory::{Document, PublishInput};
use service::fix::FixInput;
use signing::DetachedSignature;

use crate::bundle::{Bundle, ids};
use crate::house::{House, Player, both_houses};

fn tool(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(path);
    assert!(found.exists(), "target/tools/{path} is not there: run `cargo xtask tools`");
    found
}

/// Documents that wait for somebody else's judgement: from both stores at once, for a validator takes
/// seconds to start.
#[derive(Default)]
struct Waiting(Mutex<Vec<Document>>);

impl Waiting {
    fn add(&self, documents: &[Document]) {
        self.0.lock().unwrap().extend_from_slice(documents);
    }

    /// What the validator says of them; empty when it accepts them all.
    fn judged_by_others(&self, kind: &str) -> Vec<String> {
        let documents = self.0.lock().unwrap();
        assert!(!documents.is_empty());
        judged_by_others(kind, &documents)
    }
}

fn judged_by_others(kind: &str, documents: &[Document]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(tool("node/bin/node"));
    command.arg(tool("peers/validate.mjs")).arg(kind);
    for (number, document) in documents.iter().enumerate() {
        // One folder each: a CSAF document's name is part of what is judged.
        let place = folder.path().join(number.to_string());
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join(&document.filename), &document.body).unwrap();
        command.arg(place.join(&document.filename));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(0) => Vec::new(),
        _ => said.lines().map(ToOwned::to_owned).collect(),
    }
}

async fn publishable(house: &House, body: &[u8]) -> (Player, CaseId) {
    let finder = house.finder("Alder <alder@example.org>").await;
    let keeper = house.maintainer("pkg:npm/fast-loops").await;
    let case = house.reported(&finder, body).await.findings[0].case_id.unwrap();
    let verdict = MaintainerVerdict::Vulnerability;
    house.service.case_judge(&keeper.ctx(), case, VerdictInput::new(verdict, "it is one")).await.unwrap();
    (keeper, case)
}

async fn documents(house: &House, name: &str, format: AdvisoryFormat, revisions: i64) -> Vec<Document> {
    let mut all = Vec::new();
    for revision in 1..=revisions {
        let document = house.service.advisory_document(name, format, Some(revision)).await.unwrap();
        let signature: DetachedSignature = serde_json::from_str(&document.signature).unwrap();
        signature.verify(document.body.as_bytes(), &house.service.public_key()).unwrap();
        assert!(signature.verify(format!("{} ", document.body).as_bytes(), &house.service.public_key()).is_err());
        assert_eq!(document.revision, revision);
        all.push(document);
    }
    let newest = house.service.advisory_document(name, format, None).await.unwrap();
    assert_eq!(newest.body, all.last().unwrap().body);
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn every_revision_is_accepted_by_others_signed_and_kept() {
    let (waiting_osv, waiting_csaf) = (Waiting::default(), Waiting::default());
    both_houses(async |house| {
        let s = &house.service;
        let body = Bundle::quick().report_with(ids(&["CVE-2024-39008", "GHSA-3q56-9cc2-46j4"]));
        let (keeper, case) = publishable(house, &body).await;
        let note = "Do not merge documents from outside.\nCopy named fields instead.".to_owned();
        let input = FixInput { case, kind: FixKind::Mitigation, version: None, note, patch: None };
        s.fix_propose(&keeper.ctx(), input).await.unwrap();
        let input = FixInput {
            case,
            kind: FixKind::Upgrade,
            version: Some("1.1.4".to_owned()),
            note: String::new(),
            patch: None,
        };
        s.fix_propose(&keeper.ctx(), input).await.unwrap();
        house.work().await;
        let input = PublishInput {
            title: Some("Prototype pollution in fast-loops".to_owned()),
            summary: Some("Merging a parsed document reaches `Object.prototype`.\n\nUpgrade.".to_owned()),
            severity: Some("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H".to_owned()),
            weakness: Some("CWE-1321".to_owned()),
            references: vec!["https://example.org/advisory".to_owned()],
            ..PublishInput::default()
        };
        let name = s.advisory_publish(&keeper.ctx(), case, input).await.unwrap().name;
        let change = Some("Corrected the title".to_owned());
        let input = PublishInput {
            title: Some("fast-loops: prototype pollution".to_owned()),
            change,
            ..PublishInput::default()
        };
        assert_eq!(s.advisory_revise(&house.desk.ctx(), &name, input).await.unwrap().revision, 2);
        s.advisory_withdraw(&keeper.ctx(), &name, "published under another name").await.unwrap();
        let osv = documents(house, &name, AdvisoryFormat::Osv, 3).await;
        let csaf = documents(house, &name, AdvisoryFormat::Csaf, 3).await;
        waiting_osv.add(&osv);
        waiting_csaf.add(&csaf);
        let read = |d: &Document| -> Value { serde_json::from_str(&d.body).unwrap() };
        let (first, second, third) = (read(&osv[0]), read(&osv[1]), read(&osv[2]));
        assert_eq!(first["id"], "CVE-2024-39008");
        assert_eq!(first["aliases"], serde_json::json!([name, "GHSA-3q56-9cc2-46j4"]));
        assert_eq!(first["affected"][0]["ranges"][0]["events"][1]["fixed"], "1.1.4");
        // What a revision does not say again stays.
        assert_eq!(second["summary"], "fast-loops: prototype pollution");
        assert_eq!((&second["severity"], &second["references"]), (&first["severity"], &first["references"]));
        assert_eq!(third["severity"], first["severity"]);
        assert!(first["withdrawn"].is_null() && !third["withdrawn"].is_null());
        let history = read(&csaf[2])["document"]["tracking"]["revision_history"].clone();
        let summaries: Vec<_> = history.as_array().unwrap().iter().map(|r| r["summary"].as_str().unwrap()).collect();
        assert_eq!(
            summaries,
            ["Initial publication", "Corrected the title", "Withdrawn: published under another name"]
        );
        assert!(csaf[0].body.contains("Upgrade fast-loops to 1.1.4 or later. Every proof of this case is silent"));
        assert_eq!(s.advisory_show(&name).await.unwrap().state, AdvisoryState::Withdrawn);
        let again = s.advisory_withdraw(&keeper.ctx(), &name, "again").await;
        assert!(matches!(again, Err(ServiceError::Conflict { code: "advisory_withdrawn", .. })));
        let revised = s.advisory_revise(&keeper.ctx(), &name, PublishInput::default()).await;
        assert!(matches!(revised, Err(ServiceError::Conflict { code: "advisory_withdrawn", .. })));
        for (revision, format) in [(0, AdvisoryFormat::Osv), (4, AdvisoryFormat::Csaf)] {
            let missing = s.advisory_document(&name, format, Some(revision)).await;
            assert!(matches!(missing, Err(ServiceError::NotFound("revision"))));
        }
    })
    .await;
    for (kind, waiting) in [("osv", waiting_osv), ("csaf", waiting_csaf)] {
        let complaints = waiting.judged_by_others(kind);
        assert!(complaints.is_empty(), "{complaints:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_without_ids_elsewhere_lacks_nothing_but_a_registered_prefix() {
    let (waiting_osv, waiting_csaf) = (Waiting::default(), Waiting::default());
    both_houses(async |house| {
        let (keeper, case) = publishable(house, &Bundle::quick().report()).await;
        let name = house.service.advisory_publish(&keeper.ctx(), case, PublishInput::default()).await.unwrap().name;
        waiting_csaf.add(&documents(house, &name, AdvisoryFormat::Csaf, 1).await);
        waiting_osv.add(&documents(house, &name, AdvisoryFormat::Osv, 1).await);
    })
    .await;
    let complaints = waiting_csaf.judged_by_others("csaf");
    assert!(complaints.is_empty(), "{complaints:#?}");
    let complaints = waiting_osv.judged_by_others("osv");
    let others: Vec<_> =
        complaints.iter().filter(|c| !c.contains("/id: must match pattern") && !c.contains("document(s)")).collect();
    assert!(others.is_empty() && complaints.len() == 3, "{complaints:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_violation_of_the_input_is_listed_and_nothing_is_published() {
    both_houses(async |house| {
        let s = &house.service;
        let (keeper, case) = publishable(house, &Bundle::quick().report()).await;
        let input = PublishInput {
            title: Some("two\nlines".to_owned()),
            summary: Some(" ".to_owned()),
            severity: Some("CVSS:3.1/AV:N".to_owned()),
            weakness: Some("CWE-9999999".to_owned()),
            aliases: vec!["CVE-20-1".to_owned(), "a b".to_owned(), "GHSA-xxxx".to_owned()],
            references: vec!["ftp://example.org".to_owned()],
            change: None,
        };
        match s.advisory_publish(&keeper.ctx(), case, input).await {
            Err(ServiceError::Invalid(violations)) => {
                let fields: Vec<_> = violations.iter().map(|v| v.field.as_str()).collect();
                let expected =
                    ["title", "summary", "weakness", "severity", "aliases[0]", "aliases[1]", "references[0]"];
                assert_eq!(fields, expected);
            }
            other => panic!("{other:?}"),
        }
        let many = PublishInput { aliases: (0..16).map(|i| format!("X-{i}")).collect(), ..PublishInput::default() };
        let name = s.advisory_publish(&keeper.ctx(), case, many).await.unwrap().name;
        let more = PublishInput { aliases: vec!["X-17".to_owned()], ..PublishInput::default() };
        let refused = s.advisory_revise(&keeper.ctx(), &name, more).await;
        assert!(matches!(refused, Err(ServiceError::Invalid(_))));
        assert_eq!(s.advisory_show(&name).await.unwrap().revision, 1);
        let twice = s.advisory_publish(&keeper.ctx(), case, PublishInput::default()).await;
        assert!(matches!(twice, Err(ServiceError::Conflict { code: "illegal_change", .. })));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_revisions_at_once_are_two_revisions() {
    let waiting = Waiting::default();
    both_houses(async |house| {
        let s = &house.service;
        let (keeper, case) = publishable(house, &Bundle::quick().report()).await;
        let name = s.advisory_publish(&keeper.ctx(), case, PublishInput::default()).await.unwrap().name;
        // The later one to be written may be the earlier one to have been authenticated.
        let earlier = keeper.at(service::identity::now().plus_seconds(-60));
        let revised = [earlier, keeper.ctx(), house.desk.ctx()].map(|ctx| {
            let (s, name) = (s.clone(), name.clone());
            tokio::spawn(async move { s.advisory_revise(&ctx, &name, PublishInput::default()).await })
        });
        let mut revisions = Vec::new();
        for task in revised {
            revisions.push(task.await.unwrap().unwrap().revision);
        }
        revisions.sort_unstable();
        assert_eq!(revisions, [2, 3, 4]);
        waiting.add(&documents(house, &name, AdvisoryFormat::Csaf, 4).await);
    })
    .await;
    let complaints = waiting.judged_by_others("csaf");
    assert!(complaints.is_empty(), "{complaints:#?}");
}
