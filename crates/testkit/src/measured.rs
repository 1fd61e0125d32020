//! Cases as the proof engine would have left them, laid down without running it: a report through the
//! API, and behind it a confirmed proof, its range, and the case.
//!
//! Must not be used where the engine's own work is what a test is about.

use domain::case::EventKind;
use domain::id::{CaseId, FindingId};
use domain::proof::{Grade, OracleKind, Verdict};
use domain::read_in::Tier;
use serde_json::json;
use store::case::{Case, CaseEvent};
use store::proof::{Proof, ProofState, Receipt};
use store::read_in::ReadIn;
use store::{StoreError, Tx};

use crate::clearinghouse::{Clearinghouse, Participant};
use crate::seed;

/// What the range search would have said of a package with three release lines.
pub const RANGE: &str = r#"{"purl":"pkg:npm/lodash","versions_total":9,"versions_run":9,
    "affected":[{"introduced":"3.7.0","fixed":"4.17.20"}],"fired":["3.7.0","3.10.1","4.0.0","4.17.15"],
    "silent":["3.0.0","4.17.20","4.17.21"],"inconclusive":[{"version":"1.0.0","reason":"api-absent"},"2.0.0"]}"#;

impl Clearinghouse {
    /// Sends a report of this package and lays down the embargoed case that its proof would open.
    /// The finder is read in at tier 0.
    ///
    /// # Panics
    /// When the API or the store refuses.
    pub async fn measured_case(&self, finder: &Participant, purl: &str) -> CaseId {
        let report = json!({"purl": purl, "affected_symbol": {"function": "zipObjectDeep"}, "notify": "off"});
        self.post("/v1/reports", &finder.token, &report).expect(202).await;
        self.work().await;
        let listed = self.get("/v1/reports", &finder.token).expect(200).await.json();
        let report = listed["items"][0]["id"].as_str().unwrap_or_default().to_owned();
        let full = self.get(&format!("/v1/reports/{report}"), &finder.token).expect(200).await.json();
        let finding = parsed(full["findings"][0]["id"].as_str());
        match self.case_lay(finding, finder, purl).await {
            Ok(case) => case,
            Err(e) => panic!("lay down a case: {e}"),
        }
    }

    async fn case_lay(&self, finding: FindingId, finder: &Participant, purl: &str) -> Result<CaseId, StoreError> {
        let now = service::identity::now();
        let mut tx = self.store.write().await?;
        let range = RANGE.replace("pkg:npm/lodash", purl);
        let case = Case {
            title: "Prototype pollution through zipObjectDeep".to_owned(),
            range: Some(range.clone()),
            embargo_ends: Some(now.plus_days(21)),
            embargo_reason: Some("no other rule applies: 21 days from validation".to_owned()),
            weakness: Some("CWE-1321".to_owned()),
            opened_at: now,
            updated_at: now,
            ..seed::case_of(purl)
        };
        store::case::insert(&mut tx, &case).await?;
        let proof = proof_of(&mut tx, finding, purl, range).await?;
        store::finding::set_proof(&mut tx, finding, proof.id, now).await?;
        store::finding::join_case(&mut tx, finding, case.id, "opened by this finding", now).await?;
        let event = |kind, text: &str, research| CaseEvent {
            id: seed::id(),
            case_id: case.id,
            at: now,
            kind,
            member_id: None,
            text: text.to_owned(),
            research,
        };
        for event in [
            event(EventKind::Opened, "opened by a confirmed proof", false),
            event(EventKind::RangeMeasured, "9 of 9 versions run", false),
            event(EventKind::FindingJoined, "a finding joined: both fall silent at 4.17.20", true),
        ] {
            store::case::event_insert(&mut tx, &event).await?;
        }
        let read_in = ReadIn {
            id: seed::id(),
            case_id: case.id,
            member_id: parsed(Some(&finder.member)),
            tier: Tier::Full,
            reason: "found it".to_owned(),
            approver_id: None,
            placed_at: now,
            until: now.plus_days(90),
            ended_at: None,
        };
        store::read_in::place(&mut tx, &read_in).await?;
        tx.commit().await?;
        Ok(case.id)
    }
}

async fn proof_of(tx: &mut Tx, finding: FindingId, purl: &str, range: String) -> Result<Proof, StoreError> {
    // Something that this clearinghouse sealed itself, so that it can be opened again.
    let report = store::finding::by_id(tx, finding).await?.map(|f| f.report_id);
    let sealed = match report {
        Some(id) => store::report::by_id(tx, id).await?.map(|r| r.body_blob_id),
        None => None,
    };
    let proof = Proof {
        id: seed::id(),
        finding_id: finding,
        digest: "7f3a".repeat(16),
        bundle_blob_id: match sealed {
            Some(id) => id,
            None => seed::blob(tx, b"sealed bundle").await?,
        },
        purl: purl.to_owned(),
        oracle: OracleKind::PrototypePollution,
        title: "Prototype pollution through zipObjectDeep".to_owned(),
        vulnerable: "4.17.15".to_owned(),
        fixed: Some("4.17.20".to_owned()),
        state: ProofState::Done,
        grade: Some(Grade::Confirmed),
        grade_reasons: r#"["fired on every repeat at 4.17.15","silent with a passing control at 4.17.20"]"#.to_owned(),
        outcome: Some("{}".to_owned()),
        range: Some(range),
        trace: None,
        created_at: seed::NOW,
        measured_at: Some(seed::NOW),
    };
    store::proof::insert(tx, &proof).await?;
    let receipt = Receipt {
        id: seed::id(),
        proof_id: proof.id,
        version: "4.17.15".to_owned(),
        verdict: Verdict::Fired,
        reason: None,
        envelope: "{}".to_owned(),
        created_at: seed::NOW,
    };
    store::proof::receipt_insert(tx, &receipt).await?;
    Ok(proof)
}

fn parsed<K: domain::id::Kind>(text: Option<&str>) -> domain::id::Id<K> {
    match text.unwrap_or_default().parse() {
        Ok(id) => id,
        Err(e) => panic!("{text:?}: {e}"),
    }
}
