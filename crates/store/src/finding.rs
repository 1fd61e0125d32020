//! Findings: what one report says of one package, on its way to a case.
//!
//! Must not decide which case: triage does, and the join is written here.

use domain::id::{CaseId, FindingId, FindingKind, PartyId, ProofId, ReportId};
use domain::report::FindingState;
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

/// What one report says of one package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Its identity.
    pub id: FindingId,
    /// The report it was drawn from.
    pub report_id: ReportId,
    /// Who sent that.
    pub party_id: PartyId,
    /// The package, canonical and without version, if it has a purl.
    pub purl: Option<String>,
    /// One line that names it.
    pub title: String,
    /// What the report says, in short.
    pub summary: String,
    /// The affected symbol, if named.
    pub symbol: Option<String>,
    /// The CWE id, if named.
    pub weakness: Option<String>,
    /// Ids elsewhere: JSON list of texts.
    pub aliases: String,
    /// Where it is.
    pub state: FindingState,
    /// Why it is there, in one sentence.
    pub state_reason: Option<String>,
    /// Its proof, once there is one.
    pub proof_id: Option<ProofId>,
    /// Its case, once it joined one.
    pub case_id: Option<CaseId>,
    /// Finder credits, verbatim: JSON list.
    pub credits: String,
    /// Which of the six things are there: JSON.
    pub checklist: String,
    /// When it was drawn.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

macro_rules! columns {
    () => {
        "id, report_id, party_id, purl, title, summary, symbol, weakness, aliases, state, state_reason, proof_id, \
         case_id, credits, checklist, created_at, updated_at"
    };
}

fn read(row: &Row) -> Result<Finding, StoreError> {
    let mut f = row.fields("findings");
    Ok(Finding {
        id: f.parsed()?,
        report_id: f.parsed()?,
        party_id: f.parsed()?,
        purl: f.text_opt()?,
        title: f.text()?,
        summary: f.text()?,
        symbol: f.text_opt()?,
        weakness: f.text_opt()?,
        aliases: f.text()?,
        state: f.parsed()?,
        state_reason: f.text_opt()?,
        proof_id: f.parsed_opt()?,
        case_id: f.parsed_opt()?,
        credits: f.text()?,
        checklist: f.text()?,
        created_at: f.time()?,
        updated_at: f.time()?,
    })
}

/// Writes a finding. Its proof is written after it; see [`set_proof`].
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, f: &Finding) -> Result<(), StoreError> {
    let sql = concat!(
        "insert into findings (",
        columns!(),
        ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
    let params = params![
        f.id,
        f.report_id,
        f.party_id,
        &f.purl,
        &f.title,
        &f.summary,
        &f.symbol,
        &f.weakness,
        &f.aliases,
        f.state.as_str(),
        &f.state_reason,
        f.proof_id,
        f.case_id,
        &f.credits,
        &f.checklist,
        f.created_at,
        f.updated_at,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Reads a finding.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: FindingId) -> Result<Option<Finding>, StoreError> {
    tx.one(concat!("select ", columns!(), " from findings where id = $1"), params![id], read).await
}

/// Reads a finding and holds its row to the end of the transaction, which must be one that writes.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id_locked(tx: &mut Tx, id: FindingId) -> Result<Option<Finding>, StoreError> {
    tx.one(concat!("select ", columns!(), " from findings where id = $1 for update"), params![id], read).await
}

/// The findings of a report, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn by_report(tx: &mut Tx, report: ReportId) -> Result<Vec<Finding>, StoreError> {
    let sql = concat!("select ", columns!(), " from findings where report_id = $1 order by id");
    tx.all(sql, params![report], read).await
}

/// The findings of a case, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn by_case(tx: &mut Tx, case: CaseId) -> Result<Vec<Finding>, StoreError> {
    let sql = concat!("select ", columns!(), " from findings where case_id = $1 order by id");
    tx.all(sql, params![case], read).await
}

/// One page of findings, of one party or of all, in one state or in any.
///
/// # Errors
/// [`StoreError`]
pub async fn list(
    tx: &mut Tx,
    party: Option<PartyId>,
    state: Option<FindingState>,
    page: &Page,
) -> Result<Listed<Finding>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from findings where (cast($1 as text) is null or party_id = $1) and (cast($2 as text) is null or state = $2)",
        " and (cast($3 as text) is null or id < $3) order by id desc limit $4"
    );
    let params = params![party, state.map(FindingState::as_str), page.before::<FindingKind>()?, page.fetch()];
    Ok(Listed::cut(tx.all(sql, params, read).await?, page, |f| f.id))
}

/// Moves a finding that is in no case; false when there is none such.
///
/// # Errors
/// [`StoreError`]
pub async fn set_state(
    tx: &mut Tx,
    id: FindingId,
    state: FindingState,
    reason: Option<&str>,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "update findings set state = $2, state_reason = $3, updated_at = $4 \
               where id = $1 and state <> 'in-case'";
    tx.changed(sql, params![id, state.as_str(), reason, at]).await
}

/// Names the proof that speaks for a finding; false when there is no such finding.
///
/// # Errors
/// [`StoreError`]
pub async fn set_proof(tx: &mut Tx, id: FindingId, proof: ProofId, at: Timestamp) -> Result<bool, StoreError> {
    tx.changed("update findings set proof_id = $2, updated_at = $3 where id = $1", params![id, proof, at]).await
}

/// Says anew which of the six things there are; false when there is no such finding.
///
/// # Errors
/// [`StoreError`]
pub async fn set_checklist(tx: &mut Tx, id: FindingId, checklist: &str) -> Result<bool, StoreError> {
    tx.changed("update findings set checklist = $2 where id = $1", params![id, checklist]).await
}

/// Puts a finding into a case, out of the one it may be in; false when there is no such finding.
///
/// # Errors
/// [`StoreError`]
pub async fn join_case(
    tx: &mut Tx,
    id: FindingId,
    case: CaseId,
    reason: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "update findings set case_id = $2, state = 'in-case', state_reason = $3, updated_at = $4 where id = $1";
    tx.changed(sql, params![id, case, reason, at]).await
}

/// Moves every finding of one case into another (a merge); gives how many.
///
/// # Errors
/// [`StoreError`]
pub async fn move_case(tx: &mut Tx, from: CaseId, to: CaseId, reason: &str, at: Timestamp) -> Result<u64, StoreError> {
    let sql = "update findings set case_id = $2, state_reason = $3, updated_at = $4 where case_id = $1";
    tx.execute(sql, params![from, to, reason, at]).await
}

/// Takes a finding out of its case: it is proved again, and waits. False when it is in none.
///
/// # Errors
/// [`StoreError`]
pub async fn leave_case(tx: &mut Tx, id: FindingId, reason: &str, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update findings set case_id = null, state = 'proved', state_reason = $2, updated_at = $3 \
               where id = $1 and state = 'in-case'";
    tx.changed(sql, params![id, reason, at]).await
}
