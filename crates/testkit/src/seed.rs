//! Rows to begin with: ids, parties, reports, cases, written straight into a store.
//!
//! Must not stand in for use cases: tests of the service and the doors go through them.

use domain::case::CaseState;
use domain::id::{CaseId, FindingId, Id, Kind, MemberId, PartyId, ReportId};
use domain::party::Role;
use domain::report::{FindingState, ReportState};
use domain::time::Timestamp;
use store::blob::{Blob, BlobId};
use store::case::Case;
use store::finding::Finding;
use store::party::{Member, Party};
use store::report::Report;
use store::{StoreError, Tx};

/// 2026-11-23T10:00:00Z: the "now" of tests that need none in particular.
pub const NOW: Timestamp = Timestamp::from_micros(1_795_428_000_000_000);

/// A new id; ids made later are greater.
///
/// # Panics
/// When the machine gives no random bytes.
#[must_use]
pub fn id<K: Kind>() -> Id<K> {
    use std::sync::atomic::{AtomicI64, Ordering};
    static TICK: AtomicI64 = AtomicI64::new(0);
    let mut random = [0; 10];
    if let Err(e) = getrandom::fill(&mut random) {
        panic!("get random bytes for the tests: {e}");
    }
    Id::new(NOW.millis() + TICK.fetch_add(1, Ordering::Relaxed), random)
}

/// Writes a party with one member.
///
/// # Errors
/// What the store says.
pub async fn party(tx: &mut Tx, name: &str, roles: &[Role]) -> Result<(PartyId, MemberId), StoreError> {
    let (party, member) = (id(), id());
    let row = Party {
        id: party,
        name: name.to_owned(),
        accountable: format!("head of {name}"),
        roles: roles.to_vec(),
        contact: String::new(),
        created_at: NOW,
    };
    store::party::insert(tx, &row).await?;
    let row = Member { id: member, party_id: party, name: format!("{name} one"), created_at: NOW };
    store::party::member_insert(tx, &row).await?;
    Ok((party, member))
}

/// Writes a blob.
///
/// # Errors
/// What the store says.
pub async fn blob(tx: &mut Tx, sealed: &[u8]) -> Result<BlobId, StoreError> {
    let bytes = i64::try_from(sealed.len()).unwrap_or(i64::MAX);
    let blob = Blob { id: id(), sealed: sealed.to_vec(), key_id: "test".to_owned(), bytes, created_at: NOW };
    store::blob::put(tx, &[&blob]).await?;
    Ok(blob.id)
}

/// Writes a report with its body.
///
/// # Errors
/// What the store says.
pub async fn report(tx: &mut Tx, party: PartyId, member: MemberId, purl: &str) -> Result<Report, StoreError> {
    let report_id: ReportId = id();
    let report = Report {
        id: report_id,
        receipt: format!("SUB-{report_id}"),
        party_id: party,
        member_id: member,
        purl: Some(purl.to_owned()),
        ecosystem: None,
        software: None,
        title: format!("a defect in {purl}"),
        state: ReportState::Queued,
        received_at: NOW,
        done_at: None,
        body_blob_id: blob(tx, b"sealed body").await?,
        digest: format!("sha256:{report_id}"),
        provenance: "{}".to_owned(),
    };
    store::report::insert(tx, &[&report]).await?;
    Ok(report)
}

/// Writes a finding of a report.
///
/// # Errors
/// What the store says.
pub async fn finding(tx: &mut Tx, report: &Report) -> Result<Finding, StoreError> {
    let finding = Finding {
        id: id::<domain::id::FindingKind>() as FindingId,
        report_id: report.id,
        party_id: report.party_id,
        purl: report.purl.clone(),
        title: report.title.clone(),
        summary: "what happens".to_owned(),
        symbol: None,
        weakness: None,
        aliases: "[]".to_owned(),
        state: FindingState::ProofWanted,
        state_reason: None,
        proof_id: None,
        case_id: None,
        credits: "[]".to_owned(),
        checklist: "{}".to_owned(),
        created_at: NOW,
        updated_at: NOW,
    };
    store::finding::insert(tx, &finding).await?;
    Ok(finding)
}

/// An open, embargoed case, not written.
#[must_use]
pub fn case_of(purl: &str) -> Case {
    Case {
        id: id::<domain::id::CaseKind>() as CaseId,
        purl: purl.to_owned(),
        title: format!("a defect in {purl}"),
        summary: "what happens".to_owned(),
        state: CaseState::Open,
        public: false,
        verdict: None,
        verdict_reason: None,
        judged_at: None,
        duplicate_of: None,
        embargo_ends: Some(NOW.plus_days(21)),
        embargo_source: None,
        embargo_url: None,
        embargo_reason: None,
        range: None,
        aliases: "[]".to_owned(),
        weakness: None,
        merged_into: None,
        opened_at: NOW,
        updated_at: NOW,
        revision: 1,
    }
}

/// Writes an open, embargoed case.
///
/// # Errors
/// What the store says.
pub async fn case(tx: &mut Tx, purl: &str) -> Result<Case, StoreError> {
    let case = case_of(purl);
    store::case::insert(tx, &case).await?;
    Ok(case)
}
