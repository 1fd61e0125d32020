//! Fixes and what was verified of them.
//!
//! Must not verify: the matrix is the proof engine's JSON, handed through.

use domain::fix::{FixKind, FixState};
use domain::id::{CaseId, FixId, MemberId};
use domain::time::Timestamp;

use crate::blob::BlobId;
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params};

/// A patch, an upgrade or a mitigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// Its identity.
    pub id: FixId,
    /// Of which case.
    pub case_id: CaseId,
    /// What kind.
    pub kind: FixKind,
    /// The version to upgrade to, or the version the patch applies to.
    pub version: Option<String>,
    /// The patch, sealed.
    pub patch_blob_id: Option<BlobId>,
    /// What to do or to know; may be empty.
    pub note: String,
    /// What is known of it.
    pub state: FixState,
    /// What was run on which version: JSON.
    pub matrix: Option<String>,
    /// Who proposed it; none when the measured range shows it.
    pub member_id: Option<MemberId>,
    /// When it was proposed.
    pub created_at: Timestamp,
    /// When it was last run.
    pub verified_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "id, case_id, kind, version, patch_blob_id, note, state, matrix, member_id, created_at, verified_at"
    };
}

fn read(row: &Row) -> Result<Fix, StoreError> {
    let mut f = row.fields("fixes");
    Ok(Fix {
        id: f.parsed()?,
        case_id: f.parsed()?,
        kind: f.parsed()?,
        version: f.text_opt()?,
        patch_blob_id: f.parsed_opt()?,
        note: f.text()?,
        state: f.parsed()?,
        matrix: f.text_opt()?,
        member_id: f.parsed_opt()?,
        created_at: f.time()?,
        verified_at: f.time_opt()?,
    })
}

/// Writes a fix.
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, f: &Fix) -> Result<(), StoreError> {
    let sql = concat!("insert into fixes (", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    let params = params![
        f.id,
        f.case_id,
        f.kind.as_str(),
        &f.version,
        f.patch_blob_id,
        &f.note,
        f.state.as_str(),
        &f.matrix,
        f.member_id,
        f.created_at,
        f.verified_at,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Reads a fix.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: FixId) -> Result<Option<Fix>, StoreError> {
    tx.one(concat!("select ", columns!(), " from fixes where id = $1"), params![id], read).await
}

/// The fixes of a case, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn by_case(tx: &mut Tx, case: CaseId) -> Result<Vec<Fix>, StoreError> {
    tx.all(concat!("select ", columns!(), " from fixes where case_id = $1 order by id"), params![case], read).await
}

/// Moves every fix of one case to another (a merge); gives how many.
///
/// # Errors
/// [`StoreError`]
pub async fn move_case(tx: &mut Tx, from: CaseId, to: CaseId) -> Result<u64, StoreError> {
    tx.execute("update fixes set case_id = $2 where case_id = $1", params![from, to]).await
}

/// Takes the verdict of a case's upgrades and patches back, because a proof came that was not run on them;
/// gives their ids, oldest first. A patch in words is not run.
///
/// # Errors
/// [`StoreError`]
pub async fn run_again(tx: &mut Tx, case: CaseId) -> Result<Vec<FixId>, StoreError> {
    let sql = "update fixes set state = 'proposed', verified_at = null \
               where case_id = $1 and (kind = 'upgrade' or patch_blob_id is not null) returning id";
    let mut ids = tx.all(sql, params![case], |row| row.fields("fixes").parsed()).await?;
    ids.sort();
    Ok(ids)
}

/// Writes what running the proofs against a fix showed; false when there is no such fix.
///
/// # Errors
/// [`StoreError`]
pub async fn set_state(
    tx: &mut Tx,
    id: FixId,
    state: FixState,
    matrix: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let sql = "update fixes set state = $2, matrix = $3, verified_at = $4 where id = $1";
    tx.changed(sql, params![id, state.as_str(), matrix, at]).await
}
