//! Every function of every noun, on both stores: what is written is what is read.

use std::collections::HashMap;

use domain::advisory::{AdvisoryFormat, AdvisoryState};
use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::claim::{ClaimState, Method, Shown};
use domain::deadline::{Automatable, Outcome, TechnicalImpact};
use domain::embargo::EmbargoSource;
use domain::fix::{FixKind, FixState};
use domain::id::{CaseId, InventoryId, MemberId, PartyId};
use domain::inventory::{AssetTags, Exposure};
use domain::notice::{NoticeState, VexJustification};
use domain::party::{Role, TokenScope};
use domain::proof::{Grade, OracleKind, Reason, Verdict};
use domain::read_in::Tier;
use domain::report::{FindingState, ReportState};
use store::advisory::{Advisory, AdvisoryDocument};
use store::case::{CaseEvent, CaseFilter, Viewer};
use store::claim::Claim;
use store::feed::{KevEntry, SsvcPoints};
use store::fix::Fix;
use store::inventory::{Component, Inventory};
use store::notice::{Answer, Notice, Put};
use store::party::{Maintainer, Token};
use store::proof::{Proof, ProofOutcome, ProofState, Receipt};
use store::read_in::ReadIn;
use store::report::Attachment;
use store::{
    Page, StoreError, Tx, advisory, blob, case, claim, feed, finding, fix, inventory, meta, notice, party, proof,
    read_in, report,
};
use testkit::both_stores;
use testkit::seed::{self, NOW};

const PURL: &str = "pkg:npm/lodash";

fn page(limit: u32) -> Page {
    Page { cursor: None, limit }
}

#[tokio::test(flavor = "multi_thread")]
async fn parties_members_and_tokens() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (acme, member) = seed::party(tx, "Acme", &[Role::Finder, Role::Operator]).await.unwrap();
        let (zeta, other) = seed::party(tx, "Zeta", &[]).await.unwrap();
        let row = party::by_id(tx, acme).await.unwrap().unwrap();
        assert_eq!((row.name.as_str(), row.roles.as_slice()), ("Acme", &[Role::Finder, Role::Operator][..]));
        assert!(party::by_id(tx, zeta).await.unwrap().unwrap().roles.is_empty());
        assert_eq!(party::by_id(tx, seed::id()).await.unwrap(), None);

        let first = party::list(tx, &page(1)).await.unwrap();
        assert_eq!(first.items[0].id, zeta);
        let next = Page { cursor: first.next, limit: 1 };
        let second = party::list(tx, &next).await.unwrap();
        assert_eq!((second.items[0].id, second.next), (acme, None));

        party::package_add(tx, acme, PURL).await.unwrap();
        party::package_add(tx, acme, PURL).await.unwrap();
        assert_eq!(party::packages(tx, acme).await.unwrap(), [PURL]);
        assert!(party::maintains(tx, acme, PURL).await.unwrap() && !party::maintains(tx, zeta, PURL).await.unwrap());
        let wanted = [Maintainer { party_id: acme, member_id: member }];
        assert_eq!(party::maintainers(tx, PURL).await.unwrap(), wanted);
        assert!(party::package_remove(tx, acme, PURL).await.unwrap());
        assert!(!party::package_remove(tx, acme, PURL).await.unwrap());

        assert_eq!(party::members(tx, acme).await.unwrap()[0].id, member);
        assert_eq!(party::member_by_id(tx, other).await.unwrap().unwrap().party_id, zeta);

        let token = Token {
            id: seed::id(),
            member_id: member,
            hash: vec![0, 255, 7],
            scopes: vec![TokenScope::Read, TokenScope::Write],
            label: "laptop".to_owned(),
            expires_at: NOW.plus_days(90),
            revoked_at: None,
            created_at: NOW,
        };
        party::token_insert(tx, &token).await.unwrap();
        let bearer = party::bearer_by_hash(tx, &[0, 255, 7]).await.unwrap().unwrap();
        assert_eq!((&bearer.token, bearer.member.id, bearer.party.id), (&token, member, acme));
        assert_eq!(party::bearer_by_hash(tx, &[0, 255]).await.unwrap(), None);
        assert!(party::token_revoke(tx, token.id, NOW).await.unwrap());
        assert!(!party::token_revoke(tx, token.id, NOW).await.unwrap());
        assert_eq!(party::tokens(tx, member).await.unwrap()[0].revoked_at, Some(NOW));
        assert_eq!(party::token_by_id(tx, token.id).await.unwrap().unwrap().revoked_at, Some(NOW));
        let twice = Token { id: seed::id(), ..token };
        assert!(party::token_insert(tx, &twice).await.unwrap_err().is_conflict());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claims_and_their_fences() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (acme, member) = seed::party(tx, "Acme", &[Role::Finder]).await.unwrap();
        let claim_of = |key: &str| Claim {
            id: seed::id(),
            party_id: acme,
            member_id: member,
            scope_key: key.to_owned(),
            scope: "{}".to_owned(),
            method: Method::Fuzzing,
            shown: Shown::Existence,
            state: ClaimState::Held,
            fence: 0,
            taken_at: NOW,
            until: NOW.plus_seconds(100),
            released_at: None,
            coverage: None,
        };
        let a = claim::take(tx, claim_of(PURL)).await.unwrap();
        let b = claim::take(tx, claim_of(PURL)).await.unwrap();
        let net = claim::take(tx, claim_of("net4")).await.unwrap();
        assert_eq!((a.fence, b.fence, net.fence), (1, 2, 1));
        assert_eq!(claim::by_id(tx, a.id).await.unwrap().as_ref(), Some(&a));
        assert_eq!(claim::live_by_key(tx, PURL, NOW).await.unwrap(), [a.clone(), b.clone()]);

        let later = NOW.plus_seconds(200);
        assert!(claim::renew(tx, b.id, b.fence, NOW, later).await.unwrap());
        assert!(!claim::renew(tx, b.id, b.fence - 1, NOW, later).await.unwrap());
        assert!(!claim::renew(tx, a.id, a.fence, NOW.plus_seconds(100), later).await.unwrap());
        assert_eq!(claim::live_by_key(tx, PURL, NOW.plus_seconds(100)).await.unwrap().len(), 1);
        assert_eq!(claim::expire_due(tx, NOW.plus_seconds(100)).await.unwrap(), 2);
        assert!(claim::release(tx, b.id, NOW, Some("all of it")).await.unwrap());
        assert!(!claim::release(tx, b.id, NOW, None).await.unwrap());
        let released = claim::by_id(tx, b.id).await.unwrap().unwrap();
        assert_eq!((released.state, released.coverage.as_deref()), (ClaimState::Released, Some("all of it")));

        assert_eq!(claim::list(tx, Some(acme), None, &page(100)).await.unwrap().items.len(), 3);
        let expired = claim::list(tx, None, Some(ClaimState::Expired), &page(100)).await.unwrap();
        assert_eq!(expired.items.iter().map(|c| c.id).collect::<Vec<_>>(), [net.id, a.id]);
        assert!(claim::list(tx, Some(seed::id()), None, &page(100)).await.unwrap().items.is_empty());
        assert_eq!(claim::take(tx, claim_of(PURL)).await.unwrap().fence, 3);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_findings_and_blobs() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (acme, member) = seed::party(tx, "Acme", &[Role::Finder]).await.unwrap();
        let row = seed::report(tx, acme, member, PURL).await.unwrap();
        assert_eq!(report::by_id(tx, row.id).await.unwrap().as_ref(), Some(&row));
        assert_eq!(report::by_receipt(tx, &row.receipt).await.unwrap().as_ref(), Some(&row));
        let sent = [(acme, row.digest.as_str()), (acme, "nothing"), (acme, row.digest.as_str())];
        let receipts = report::receipts_of(tx, &sent).await.unwrap();
        assert_eq!(receipts, HashMap::from([((acme, row.digest.clone()), row.receipt.clone())]));
        assert_eq!(report::by_receipt(tx, "SUB-none").await.unwrap(), None);
        assert_eq!(blob::get(tx, row.body_blob_id).await.unwrap().unwrap().sealed, b"sealed body");
        assert_eq!(blob::get(tx, seed::id()).await.unwrap(), None);
        let mut attachments = Vec::new();
        for position in 0..2 {
            let attachment = Attachment {
                report_id: row.id,
                position,
                filename: format!("é {position}.txt"),
                content_type: "text/plain".to_owned(),
                kind: "other".to_owned(),
                description: String::new(),
                bytes: 3,
                blob_id: seed::blob(tx, &[0, 1, 255]).await.unwrap(),
            };
            report::attachments_insert(tx, &[&attachment]).await.unwrap();
            attachments.push(attachment);
        }
        assert_eq!(report::attachments(tx, row.id).await.unwrap(), attachments);
        assert!(report::set_state(tx, row.id, ReportState::Done, NOW).await.unwrap());
        assert_eq!(report::by_id(tx, row.id).await.unwrap().unwrap().done_at, Some(NOW));
        assert!(!report::set_state(tx, seed::id(), ReportState::Done, NOW).await.unwrap());
        assert_eq!(report::list(tx, Some(acme), &page(100)).await.unwrap().items.len(), 1);
        assert!(report::list(tx, Some(seed::id()), &page(100)).await.unwrap().items.is_empty());

        let f = seed::finding(tx, &row).await.unwrap();
        assert_eq!(finding::by_id(tx, f.id).await.unwrap().as_ref(), Some(&f));
        assert_eq!(finding::by_report(tx, row.id).await.unwrap(), std::slice::from_ref(&f));
        assert!(finding::set_state(tx, f.id, FindingState::Proving, Some("queued"), NOW).await.unwrap());
        let (one, two) = (seed::case(tx, PURL).await.unwrap().id, seed::case(tx, PURL).await.unwrap().id);
        assert!(finding::join_case(tx, f.id, one, "the same change silences both", NOW).await.unwrap());
        assert!(!finding::set_state(tx, f.id, FindingState::Proved, None, NOW).await.unwrap());
        assert_eq!(finding::by_case(tx, one).await.unwrap()[0].state, FindingState::InCase);
        assert_eq!(finding::move_case(tx, one, two, "one defect", NOW).await.unwrap(), 1);
        assert!(finding::by_case(tx, one).await.unwrap().is_empty());
        assert!(finding::leave_case(tx, f.id, "another defect", NOW).await.unwrap());
        assert!(!finding::leave_case(tx, f.id, "another defect", NOW).await.unwrap());
        let proved = finding::list(tx, Some(acme), Some(FindingState::Proved), &page(5)).await.unwrap();
        assert_eq!((proved.items[0].id, proved.items[0].case_id), (f.id, None));

        let twice = store::report::Report { id: seed::id(), receipt: "SUB-2".to_owned(), ..row };
        // Told by this or by the next statement.
        let inserted = report::insert(tx, &[&twice]).await;
        assert!(inserted.and(report::by_receipt(tx, "SUB-2").await).unwrap_err().is_conflict());
    })
    .await;
}

async fn proof_of(tx: &mut Tx, party: PartyId, member: MemberId) -> Proof {
    let row = seed::report(tx, party, member, PURL).await.unwrap();
    let f = seed::finding(tx, &row).await.unwrap();
    Proof {
        id: seed::id(),
        finding_id: f.id,
        digest: "sha256:00".to_owned(),
        bundle_blob_id: seed::blob(tx, b"bundle").await.unwrap(),
        purl: PURL.to_owned(),
        oracle: OracleKind::PrototypePollution,
        title: "pollution".to_owned(),
        vulnerable: "4.17.15".to_owned(),
        fixed: Some("4.17.20".to_owned()),
        state: ProofState::Queued,
        grade: None,
        grade_reasons: "[]".to_owned(),
        outcome: None,
        range: None,
        trace: None,
        created_at: NOW,
        measured_at: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_and_receipts() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (acme, member) = seed::party(tx, "Acme", &[Role::Finder]).await.unwrap();
        let p = proof_of(tx, acme, member).await;
        proof::insert(tx, &p).await.unwrap();
        assert_eq!(proof::by_id(tx, p.id).await.unwrap().as_ref(), Some(&p));
        assert_eq!(proof::by_finding(tx, p.finding_id).await.unwrap(), std::slice::from_ref(&p));
        assert!(finding::set_proof(tx, p.finding_id, p.id, NOW).await.unwrap());
        let case = seed::case(tx, PURL).await.unwrap();
        finding::join_case(tx, p.finding_id, case.id, "first", NOW).await.unwrap();
        assert_eq!(proof::by_case(tx, case.id).await.unwrap(), std::slice::from_ref(&p));
        assert!(proof::set_state(tx, p.id, ProofState::Running).await.unwrap());
        let outcome = ProofOutcome {
            grade: Grade::Confirmed,
            grade_reasons: r#"["fired 3 of 3"]"#.to_owned(),
            outcome: "{}".to_owned(),
            trace: Some("[]".to_owned()),
            measured_at: NOW,
        };
        assert!(proof::set_outcome(tx, p.id, &outcome).await.unwrap());
        assert!(proof::set_range(tx, p.id, "{\"affected\":[]}", NOW).await.unwrap());
        let measured = proof::by_id(tx, p.id).await.unwrap().unwrap();
        assert_eq!((measured.state, measured.grade), (ProofState::Done, Some(Grade::Confirmed)));
        assert_eq!(measured.range.as_deref(), Some("{\"affected\":[]}"));

        let receipt = Receipt {
            id: seed::id(),
            proof_id: p.id,
            version: "4.17.15".to_owned(),
            verdict: Verdict::Inconclusive,
            reason: Some(Reason::Flaky),
            envelope: "{}".to_owned(),
            created_at: NOW,
        };
        assert!(proof::receipt_insert(tx, &receipt).await.unwrap());
        assert!(!proof::receipt_insert(tx, &Receipt { id: seed::id(), ..receipt.clone() }).await.unwrap());
        let fired = Receipt { id: seed::id(), verdict: Verdict::Fired, reason: None, ..receipt.clone() };
        assert!(proof::receipt_insert(tx, &fired).await.unwrap());
        assert_eq!(proof::receipts(tx, p.id).await.unwrap(), [receipt, fired.clone()]);
        assert_eq!(proof::receipt_by_id(tx, fired.id).await.unwrap(), Some(fired));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_their_history_and_read_ins() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (_, member) = seed::party(tx, "Acme", &[Role::Finder]).await.unwrap();
        let (_, staff) = seed::party(tx, "House", &[Role::Coordinator]).await.unwrap();
        let mut c = seed::case(tx, PURL).await.unwrap();
        assert_eq!(case::by_id(tx, c.id).await.unwrap().as_ref(), Some(&c));
        assert_eq!(case::by_id_locked(tx, c.id).await.unwrap().as_ref(), Some(&c));
        assert_eq!(case::live_by_purl(tx, PURL).await.unwrap(), std::slice::from_ref(&c));
        let mut stale = c.clone();
        c.state = CaseState::FixVerified;
        c.verdict = Some(MaintainerVerdict::Vulnerability);
        c.verdict_reason = Some("yes".to_owned());
        c.judged_at = Some(NOW.plus_seconds(3));
        c.duplicate_of = Some("OUR-7".to_owned());
        c.embargo_source = Some(EmbargoSource::ListRule);
        c.embargo_url = Some("https://lists.example/policy".to_owned());
        c.embargo_reason = Some("14 days".to_owned());
        c.range = Some("{}".to_owned());
        c.weakness = Some("CWE-1321".to_owned());
        assert!(case::update(tx, &mut c).await.unwrap());
        assert_eq!(c.revision, 2);
        assert_eq!(case::by_id(tx, c.id).await.unwrap().as_ref(), Some(&c));
        assert!(!case::update(tx, &mut stale).await.unwrap());
        assert_eq!(stale.revision, 1);
        assert!(case::embargo_due(tx, NOW.plus_days(20), 10).await.unwrap().is_empty());
        assert_eq!(case::embargo_due(tx, NOW.plus_days(21), 10).await.unwrap(), std::slice::from_ref(&c));
        let mut merged = seed::case(tx, PURL).await.unwrap();
        (merged.state, merged.merged_into) = (CaseState::Merged, Some(c.id));
        assert!(case::update(tx, &mut merged).await.unwrap());
        assert_eq!(case::live_by_purl(tx, PURL).await.unwrap().len(), 1);

        for (kind, research, member_id) in
            [(EventKind::Opened, false, None), (EventKind::FindingJoined, true, Some(staff))]
        {
            let event =
                CaseEvent { id: seed::id(), case_id: c.id, at: NOW, kind, member_id, text: "…".to_owned(), research };
            case::event_insert(tx, &event).await.unwrap();
        }
        assert_eq!(case::events(tx, c.id, true).await.unwrap().len(), 2);
        assert_eq!(case::events(tx, c.id, false).await.unwrap()[0].kind, EventKind::Opened);
        read_ins(tx, c.id, member, staff).await;
    })
    .await;
}

async fn read_ins(tx: &mut Tx, case_id: CaseId, member_id: MemberId, staff: MemberId) {
    let viewer = |member, staff| Viewer { member, staff, now: NOW };
    let all = CaseFilter::default();
    let placed = |until| ReadIn {
        id: seed::id(),
        case_id,
        member_id,
        tier: Tier::Distribution,
        reason: "distributes it".to_owned(),
        approver_id: Some(staff),
        placed_at: NOW,
        until,
        ended_at: None,
    };
    assert!(case::list_visible(tx, viewer(member_id, false), &all, &page(9)).await.unwrap().items.is_empty());
    assert_eq!(case::list_visible(tx, viewer(staff, true), &all, &page(9)).await.unwrap().items.len(), 2);
    let run_out = ReadIn { until: NOW, placed_at: NOW.plus_seconds(-9), ..placed(NOW) };
    read_in::place(tx, &run_out).await.unwrap();
    assert_eq!(read_in::tier_of(tx, case_id, member_id, NOW).await.unwrap(), None);
    let live = placed(NOW.plus_days(1));
    read_in::place(tx, &live).await.unwrap();
    assert_eq!(read_in::tier_of(tx, case_id, member_id, NOW).await.unwrap(), Some(Tier::Distribution));
    assert_eq!(read_in::tier_of(tx, case_id, member_id, NOW.plus_days(1)).await.unwrap(), None);
    assert_eq!(case::list_visible(tx, viewer(member_id, false), &all, &page(9)).await.unwrap().items.len(), 1);
    assert_eq!(read_in::live(tx, case_id, NOW).await.unwrap(), std::slice::from_ref(&live));
    let log = read_in::list(tx, case_id).await.unwrap();
    assert_eq!(log.iter().map(|r| r.ended_at).collect::<Vec<_>>(), [Some(NOW), None]);
    assert!(read_in::end(tx, live.id, NOW).await.unwrap());
    assert!(!read_in::end(tx, live.id, NOW).await.unwrap());
    assert_eq!(read_in::by_id(tx, live.id).await.unwrap().unwrap().ended_at, Some(NOW));
    read_in::place(tx, &placed(NOW.plus_days(1))).await.unwrap();
    let second = read_in::place(tx, &placed(NOW.plus_days(2))).await.unwrap_err();
    assert!(second.is_conflict(), "{second}");
}

#[tokio::test(flavor = "multi_thread")]
async fn fixes_and_advisories() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let case = seed::case(tx, PURL).await.unwrap();
        let f = Fix {
            id: seed::id(),
            case_id: case.id,
            kind: FixKind::Patch,
            version: Some("4.17.15".to_owned()),
            patch_blob_id: Some(seed::blob(tx, b"diff").await.unwrap()),
            note: String::new(),
            state: FixState::Proposed,
            matrix: None,
            member_id: None,
            created_at: NOW,
            verified_at: None,
        };
        fix::insert(tx, &f).await.unwrap();
        assert_eq!(fix::by_id(tx, f.id).await.unwrap().as_ref(), Some(&f));
        assert!(fix::set_state(tx, f.id, FixState::Verified, "[]", NOW).await.unwrap());
        assert_eq!(fix::by_case(tx, case.id).await.unwrap()[0].state, FixState::Verified);

        let a = Advisory {
            id: seed::id(),
            name: "PH-2026-00000000".to_owned(),
            case_id: case.id,
            state: AdvisoryState::Published,
            revision: 1,
            published_at: NOW,
            modified_at: NOW,
            withdrawn_at: None,
            withdrawn_reason: None,
        };
        advisory::insert(tx, &a).await.unwrap();
        assert_eq!(advisory::by_id(tx, a.id).await.unwrap().as_ref(), Some(&a));
        assert_eq!(advisory::by_name(tx, &a.name).await.unwrap().as_ref(), Some(&a));
        assert_eq!(advisory::by_case(tx, case.id).await.unwrap().as_ref(), Some(&a));
        assert_eq!(advisory::list(tx, &page(1)).await.unwrap().items, std::slice::from_ref(&a));
        let document = |revision, format| AdvisoryDocument {
            advisory_id: a.id,
            revision,
            format,
            filename: "x.json".to_owned(),
            body: format!("revision {revision}"),
            signature: "…".to_owned(),
            created_at: NOW,
        };
        for format in AdvisoryFormat::ALL {
            advisory::document_insert(tx, &document(1, *format)).await.unwrap();
        }
        assert!(advisory::revise(tx, a.id, 1, NOW.plus_seconds(1)).await.unwrap());
        assert!(!advisory::revise(tx, a.id, 1, NOW.plus_seconds(1)).await.unwrap());
        advisory::document_insert(tx, &document(2, AdvisoryFormat::Osv)).await.unwrap();
        let latest = advisory::document_latest(tx, a.id, AdvisoryFormat::Osv).await.unwrap();
        assert_eq!(latest, Some(document(2, AdvisoryFormat::Osv)));
        assert_eq!(advisory::documents(tx, a.id).await.unwrap().len(), 3);
        assert!(advisory::withdraw(tx, a.id, "not a defect", NOW).await.unwrap());
        assert!(!advisory::withdraw(tx, a.id, "not a defect", NOW).await.unwrap());
        let withdrawn = advisory::by_id(tx, a.id).await.unwrap().unwrap();
        assert_eq!((withdrawn.state, withdrawn.revision), (AdvisoryState::Withdrawn, 2));
        assert!(advisory::document_insert(tx, &document(1, AdvisoryFormat::Osv)).await.unwrap_err().is_conflict());
    })
    .await;
}

async fn inventory_of(tx: &mut Tx, party_id: PartyId, asset: &str, components: &[Component]) -> Inventory {
    let inventory = Inventory {
        id: seed::id(),
        party_id,
        asset: asset.to_owned(),
        tags: AssetTags {
            organisation: "Hospital".to_owned(),
            environment: "production".to_owned(),
            exposure: Exposure::Exposed,
            asset_type: "web server".to_owned(),
            sector: "hospital".to_owned(),
        },
        format: "cyclonedx".to_owned(),
        document_blob_id: seed::blob(tx, b"sbom").await.unwrap(),
        digest: "sha256:00".to_owned(),
        components: i64::try_from(components.len()).unwrap(),
        skipped: "[]".to_owned(),
        current: true,
        uploaded_at: NOW,
    };
    inventory::insert(tx, &inventory, components).await.unwrap();
    inventory
}

fn component(purl: Option<&str>, version: &str) -> Component {
    Component {
        purl: purl.map(str::to_owned),
        name: "x".to_owned(),
        version: Some(version.to_owned()),
        path: String::new(),
        reason: purl.is_none().then(|| "no purl".to_owned()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inventories_and_who_runs_what() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (acme, _) = seed::party(tx, "Acme", &[Role::Operator]).await.unwrap();
        let (zeta, _) = seed::party(tx, "Zeta", &[Role::Operator]).await.unwrap();
        let mut many: Vec<Component> = (0..250).map(|i| component(Some("pkg:npm/filler"), &i.to_string())).collect();
        many.push(component(Some(PURL), "4.17.15"));
        many.push(component(None, "1"));
        let old = inventory_of(tx, acme, "web", &many).await;
        assert_eq!(inventory::components(tx, old.id).await.unwrap(), many);
        assert_eq!(inventory::purls(tx, old.id).await.unwrap(), ["pkg:npm/filler", PURL]);
        let elsewhere = inventory_of(tx, zeta, "web", &[component(Some(PURL), "4.17.20")]).await;
        let running = inventory::running(tx, PURL).await.unwrap();
        let seen: Vec<_> = running.iter().map(|r| (r.inventory_id, r.version.as_deref())).collect();
        assert_eq!(seen, [(old.id, Some("4.17.15")), (elsewhere.id, Some("4.17.20"))]);
        assert_eq!(running[0].tags, old.tags);
        assert_eq!(inventory::running_of_party(tx, zeta, PURL).await.unwrap().len(), 1);

        let new = Inventory { id: seed::id(), components: 0, ..old.clone() };
        assert_eq!(inventory::insert(tx, &new, &[]).await.unwrap(), Some(old.id));
        assert_eq!(inventory::running(tx, PURL).await.unwrap().len(), 1);
        assert_eq!(inventory::current(tx, acme, "web").await.unwrap().as_ref(), Some(&new));
        assert!(!inventory::by_id(tx, old.id).await.unwrap().unwrap().current);
        assert_eq!(inventory::list(tx, acme, false, &page(9)).await.unwrap().items.len(), 2);
        assert_eq!(inventory::list(tx, acme, true, &page(9)).await.unwrap().items, [new]);
    })
    .await;
}

fn notice_of(case_id: CaseId, party_id: PartyId, inventory_id: InventoryId) -> Notice {
    Notice {
        id: seed::id(),
        case_id,
        advisory_id: None,
        party_id,
        asset: "web".to_owned(),
        inventory_id,
        purl: PURL.to_owned(),
        version: "4.17.15".to_owned(),
        path: String::new(),
        outcome: Outcome::Days14,
        due: Some(NOW.plus_days(14)),
        clock_start: NOW,
        analogy: true,
        because: "[]".to_owned(),
        action: "upgrade".to_owned(),
        state: NoticeState::Open,
        justification: None,
        note: None,
        pre_publication: true,
        created_at: NOW,
        updated_at: NOW,
        closed_at: None,
        closed_reason: None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notices_answers_and_their_end() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let (acme, member) = seed::party(tx, "Acme", &[Role::Operator]).await.unwrap();
        let mut case = seed::case(tx, PURL).await.unwrap();
        let inventory = inventory_of(tx, acme, "web", &[component(Some(PURL), "4.17.15")]).await;
        let n = notice_of(case.id, acme, inventory.id);
        assert_eq!(notice::put(tx, &n).await.unwrap(), Put::New);
        let again = Notice { id: seed::id(), ..n.clone() };
        assert_eq!(notice::put(tx, &again).await.unwrap(), Put::Same);
        let sooner = Notice { outcome: Outcome::Days3, due: Some(NOW.plus_days(3)), ..again.clone() };
        assert_eq!(notice::put(tx, &sooner).await.unwrap(), Put::Refreshed);
        let stored = notice::by_id(tx, n.id).await.unwrap().unwrap();
        assert_eq!(stored, Notice { id: n.id, ..sooner.clone() });
        assert_eq!(notice::by_id(tx, again.id).await.unwrap(), None);
        assert_eq!(notice::by_case(tx, case.id).await.unwrap(), std::slice::from_ref(&stored));
        assert_eq!(notice::open_of_asset(tx, acme, "web").await.unwrap(), [stored]);

        let viewer = Viewer { member, staff: false, now: NOW };
        assert!(notice::list_visible(tx, acme, viewer, None, &page(9)).await.unwrap().items.is_empty());
        (case.public, case.state) = (true, CaseState::Published);
        assert!(case::update(tx, &mut case).await.unwrap());
        assert_eq!(notice::list_visible(tx, acme, viewer, None, &page(9)).await.unwrap().items.len(), 1);
        assert!(notice::list_visible(tx, seed::id(), viewer, None, &page(9)).await.unwrap().items.is_empty());

        let answer = Answer {
            state: NoticeState::NotAffected,
            justification: Some(VexJustification::NotInExecutePath),
            note: Some("never called".to_owned()),
        };
        assert!(notice::answer(tx, n.id, &answer, NOW).await.unwrap());
        let open = notice::list_visible(tx, acme, viewer, Some(NoticeState::Open), &page(9)).await.unwrap();
        assert!(open.items.is_empty());
        assert_eq!(notice::put(tx, &sooner).await.unwrap(), Put::Same);
        assert!(notice::close(tx, n.id, "the newest inventory has no 4.17.15", NOW).await.unwrap());
        assert!(!notice::close(tx, n.id, "twice", NOW).await.unwrap());
        assert!(!notice::answer(tx, n.id, &answer, NOW).await.unwrap());
        assert!(notice::open_of_asset(tx, acme, "web").await.unwrap().is_empty());
        assert_eq!(notice::put(tx, &sooner).await.unwrap(), Put::Refreshed);
        let reopened = notice::by_id(tx, n.id).await.unwrap().unwrap();
        assert_eq!((reopened.state, reopened.closed_at), (NoticeState::Open, None));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn feeds_and_facts() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        let entry = |n: usize, seconds| KevEntry { cve: format!("CVE-2026-{n}"), listed_at: NOW.plus_seconds(seconds) };
        let mut entries: Vec<_> = (0..250).map(|n| entry(n, 0)).collect();
        entries.push(entry(7, 5));
        feed::kev_put(tx, &entries).await.unwrap();
        feed::kev_put(tx, &[entry(8, 9)]).await.unwrap();
        feed::kev_put(tx, &[]).await.unwrap();
        assert_eq!(feed::kev(tx, "CVE-2026-7").await.unwrap(), Some(entry(7, 5)));
        assert_eq!(feed::kev(tx, "CVE-2026-8").await.unwrap(), Some(entry(8, 9)));
        assert_eq!(feed::kev(tx, "CVE-2026-249").await.unwrap(), Some(entry(249, 0)));
        assert_eq!(feed::kev(tx, "CVE-1999-1").await.unwrap(), None);
        let points = |automatable| SsvcPoints {
            cve: "CVE-2026-7".to_owned(),
            automatable,
            technical_impact: Some(TechnicalImpact::Total),
            exploitation: None,
        };
        feed::ssvc_put(tx, &[points(None)]).await.unwrap();
        feed::ssvc_put(tx, &[points(Some(Automatable::Yes))]).await.unwrap();
        assert_eq!(feed::ssvc(tx, "CVE-2026-7").await.unwrap(), Some(points(Some(Automatable::Yes))));
        assert_eq!(feed::ssvc(tx, "CVE-2026-8").await.unwrap(), None);
        meta::set(tx, "a", "1").await.unwrap();
        meta::set(tx, "a", "2").await.unwrap();
        assert_eq!(meta::get(tx, "a").await.unwrap().as_deref(), Some("2"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_of_another_list_is_refused() {
    both_stores(async |store| {
        let tx = &mut store.write().await.unwrap();
        for name in ["a", "b"] {
            seed::party(tx, name, &[]).await.unwrap();
        }
        let next = party::list(tx, &page(1)).await.unwrap().next;
        let refused = report::list(tx, None, &Page { cursor: next, limit: 1 }).await.unwrap_err();
        assert!(matches!(refused, StoreError::CursorForeign));
    })
    .await;
}
