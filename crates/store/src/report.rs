//! Reports as they came in, and the list of their attachments; the bytes are sealed blobs.
//!
//! Must not hold anything in clear that its sender meant for the reader of the report only.

use std::collections::HashMap;

use domain::id::{MemberId, PartyId, ReportId, ReportKind};
use domain::report::ReportState;
use domain::time::Timestamp;

use crate::blob::BlobId;
use crate::dialect::rows;
use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::standing;
use crate::tx::Tx;
use crate::value::{Row, Value, params, row};

/// What somebody sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Its identity, inside.
    pub id: ReportId,
    /// Its receipt, outside: holding it is the right to poll.
    pub receipt: String,
    /// Who sent it.
    pub party_id: PartyId,
    /// Which member.
    pub member_id: MemberId,
    /// The package, canonical and without version, if it has a purl.
    pub purl: Option<String>,
    /// The ecosystem as sent, if it was.
    pub ecosystem: Option<String>,
    /// The software as sent, if it was.
    pub software: Option<String>,
    /// One line that names it.
    pub title: String,
    /// Where it is in the intake.
    pub state: ReportState,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// When everything the machine can do was done.
    pub done_at: Option<Timestamp>,
    /// The body, verbatim and sealed.
    pub body_blob_id: BlobId,
    /// Digest of the body, to know a report that is sent twice.
    pub digest: String,
    /// Finders, reporter chain, origins: JSON.
    pub provenance: String,
}

/// One attachment of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Whose it is.
    pub report_id: ReportId,
    /// Its place, from 0.
    pub position: i64,
    /// A plain name, checked by the reader of the report.
    pub filename: String,
    /// Its media type.
    pub content_type: String,
    /// Its TAP type, such as `patch`.
    pub kind: String,
    /// One line; may be empty.
    pub description: String,
    /// Its length, in bytes.
    pub bytes: i64,
    /// Its content, sealed.
    pub blob_id: BlobId,
}

macro_rules! columns {
    () => {
        "id, receipt, party_id, member_id, purl, ecosystem, software, title, state, received_at, done_at, \
         body_blob_id, digest, provenance"
    };
}

fn read(row: &Row) -> Result<Report, StoreError> {
    let mut f = row.fields("reports");
    Ok(Report {
        id: f.parsed()?,
        receipt: f.text()?,
        party_id: f.parsed()?,
        member_id: f.parsed()?,
        purl: f.text_opt()?,
        ecosystem: f.text_opt()?,
        software: f.text_opt()?,
        title: f.text()?,
        state: f.parsed()?,
        received_at: f.time()?,
        done_at: f.time_opt()?,
        body_blob_id: f.parsed()?,
        digest: f.text()?,
        provenance: f.text()?,
    })
}

fn read_attachment(row: &Row) -> Result<Attachment, StoreError> {
    let mut f = row.fields("attachments");
    Ok(Attachment {
        report_id: f.parsed()?,
        position: f.int()?,
        filename: f.text()?,
        content_type: f.text()?,
        kind: f.text()?,
        description: f.text()?,
        bytes: f.int()?,
        blob_id: f.parsed()?,
    })
}

/// Writes reports.
///
/// # Errors
/// [`StoreError::Conflict`] when this party sent the same body before or the receipt is taken.
pub async fn insert(tx: &mut Tx, reports: &[&Report]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(reports.len());
    for r in reports {
        rows.push(row![
            r.id,
            &r.receipt,
            r.party_id,
            r.member_id,
            &r.purl,
            &r.ecosystem,
            &r.software,
            &r.title,
            r.state.as_str(),
            r.received_at,
            r.done_at,
            r.body_blob_id,
            &r.digest,
            &r.provenance,
        ]);
    }
    tx.put_rows(concat!("insert into reports (", columns!(), ")"), "", &rows).await
}

/// Reads a report.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: ReportId) -> Result<Option<Report>, StoreError> {
    tx.one(concat!("select ", columns!(), " from reports where id = $1"), params![id], read).await
}

/// Reads a report and holds its row to the end of the transaction, which must be one that writes.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id_locked(tx: &mut Tx, id: ReportId) -> Result<Option<Report>, StoreError> {
    tx.one(concat!("select ", columns!(), " from reports where id = $1 for update"), params![id], read).await
}

/// The report with this receipt.
///
/// # Errors
/// [`StoreError`]
pub async fn by_receipt(tx: &mut Tx, receipt: &str) -> Result<Option<Report>, StoreError> {
    tx.one(concat!("select ", columns!(), " from reports where receipt = $1"), params![receipt], read).await
}

/// The receipts of reports with these bodies that these parties sent before, by party and digest.
///
/// # Errors
/// [`StoreError`]
pub async fn receipts_of(
    tx: &mut Tx,
    sent: &[(PartyId, &str)],
) -> Result<HashMap<(PartyId, String), String>, StoreError> {
    let Some(first) = sent.first() else { return Ok(HashMap::new()) };
    // Few lengths, so that a connection knows few statements. What is asked twice is answered once.
    let length = sent.len().next_power_of_two();
    let sql = format!(
        "select party_id, digest, receipt from reports where (party_id, digest) in (values {})",
        rows(length, "($, $)")
    );
    let asked = sent.iter().chain(std::iter::repeat_n(first, length - sent.len()));
    let values: Vec<Value<'_>> = asked.flat_map(|(party, digest)| [(*party).into(), (*digest).into()]).collect();
    let read_one = |row: &Row| {
        let mut f = row.fields("reports");
        Ok(((f.parsed()?, f.text()?), f.text()?))
    };
    Ok(tx.all(&sql, &values, read_one).await?.into_iter().collect())
}

/// Moves a report; `done_at` is kept for `done` only. False when there is none.
///
/// # Errors
/// [`StoreError`]
pub async fn set_state(tx: &mut Tx, id: ReportId, state: ReportState, at: Timestamp) -> Result<bool, StoreError> {
    let done_at = (state == ReportState::Done).then_some(at);
    // The condition is part of the change: two at once cannot both see the report begin or cease to wait.
    let (from, waits) = match state {
        ReportState::Done => ("state <> 'done'", -1),
        ReportState::Queued | ReportState::Processing => ("state = 'done'", 1),
    };
    let sql = format!("update reports set state = $2, done_at = $3 where id = $1 and {from} returning party_id");
    let params = params![id, state.as_str(), done_at];
    if let Some(party) = tx.one(&sql, params, |row| row.fields("reports").parsed()).await? {
        standing::waiting_change(tx, party, waits).await?;
        return Ok(true);
    }
    tx.changed("update reports set state = $2, done_at = $3 where id = $1", params).await
}

/// One page of reports, of one party or of all.
///
/// # Errors
/// [`StoreError`]
pub async fn list(tx: &mut Tx, party: Option<PartyId>, page: &Page) -> Result<Listed<Report>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from reports where (cast($1 as text) is null or party_id = $1)",
        " and (cast($2 as text) is null or id < $2) order by id desc limit $3"
    );
    let items = tx.all(sql, params![party, page.before::<ReportKind>()?, page.fetch()], read).await?;
    Ok(Listed::cut(items, page, |r| r.id))
}

/// The same of reports with a finding that is in no case and lacks one of the six things.
///
/// # Errors
/// [`StoreError`]
pub async fn list_incomplete(tx: &mut Tx, party: Option<PartyId>, page: &Page) -> Result<Listed<Report>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from reports where (cast($1 as text) is null or party_id = $1)",
        " and (cast($2 as text) is null or id < $2) and exists (select 1 from findings f where f.report_id = reports.id",
        " and f.case_id is null and f.checklist like '%:false%') order by id desc limit $3"
    );
    let items = tx.all(sql, params![party, page.before::<ReportKind>()?, page.fetch()], read).await?;
    Ok(Listed::cut(items, page, |r| r.id))
}

/// Writes an attachment.
///
/// # Errors
/// [`StoreError`]
pub async fn attachments_insert(tx: &mut Tx, attachments: &[&Attachment]) -> Result<(), StoreError> {
    let mut rows = Vec::with_capacity(attachments.len());
    for a in attachments {
        rows.push(row![
            a.report_id,
            a.position,
            &a.filename,
            &a.content_type,
            &a.kind,
            &a.description,
            a.bytes,
            a.blob_id
        ]);
    }
    let into =
        "insert into attachments (report_id, position, filename, content_type, kind, description, bytes, blob_id)";
    tx.put_rows(into, "", &rows).await
}

/// The attachments of a report, in their order.
///
/// # Errors
/// [`StoreError`]
pub async fn attachments(tx: &mut Tx, report: ReportId) -> Result<Vec<Attachment>, StoreError> {
    let sql = "select report_id, position, filename, content_type, kind, description, bytes, blob_id \
               from attachments where report_id = $1 order by position";
    tx.all(sql, params![report], read_attachment).await
}
