//! Read-ins: who may see an embargoed case, as they were placed and as they ended. None is deleted.
//!
//! A read-in is live while nobody ended it and its time runs. Must not check reasons or ends:
//! `domain::read_in` does.

use domain::id::{CaseId, MemberId, ReadInId};
use domain::read_in::Tier;
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params};

/// One placement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadIn {
    /// Its identity.
    pub id: ReadInId,
    /// Into which case.
    pub case_id: CaseId,
    /// Who is read in.
    pub member_id: MemberId,
    /// How much it sees.
    pub tier: Tier,
    /// Why.
    pub reason: String,
    /// Who approved it; none where the rules place somebody by themselves (finder, maintainer).
    pub approver_id: Option<MemberId>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it ends by itself.
    pub until: Timestamp,
    /// When it was ended, if it was.
    pub ended_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "id, case_id, member_id, tier, reason, approver_id, placed_at, until, ended_at"
    };
}

fn tier(number: i64) -> Result<Tier, StoreError> {
    Tier::from_number(number).ok_or_else(|| StoreError::Column {
        doing: "read read_ins".to_owned(),
        column: 3,
        reason: "is no tier".to_owned(),
    })
}

fn read(row: &Row) -> Result<ReadIn, StoreError> {
    let mut f = row.fields("read_ins");
    Ok(ReadIn {
        id: f.parsed()?,
        case_id: f.parsed()?,
        member_id: f.parsed()?,
        tier: tier(f.int()?)?,
        reason: f.text()?,
        approver_id: f.parsed_opt()?,
        placed_at: f.time()?,
        until: f.time()?,
        ended_at: f.time_opt()?,
    })
}

/// Writes a placement. One that has run out and was never ended is ended first.
///
/// # Errors
/// [`StoreError::Conflict`] when the member is read in already: end that one first.
pub async fn place(tx: &mut Tx, r: &ReadIn) -> Result<(), StoreError> {
    let run_out = "update read_ins set ended_at = until \
                   where member_id = $1 and case_id = $2 and ended_at is null and until <= $3";
    tx.execute(run_out, params![r.member_id, r.case_id, r.placed_at]).await?;
    let sql = concat!("insert into read_ins (", columns!(), ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    let params = params![
        r.id,
        r.case_id,
        r.member_id,
        r.tier.number(),
        &r.reason,
        r.approver_id,
        r.placed_at,
        r.until,
        r.ended_at
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Ends a placement; false when there is none or it has ended.
///
/// # Errors
/// [`StoreError`]
pub async fn end(tx: &mut Tx, id: ReadInId, at: Timestamp) -> Result<bool, StoreError> {
    tx.changed("update read_ins set ended_at = $2 where id = $1 and ended_at is null", params![id, at]).await
}

/// Reads a placement.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: ReadInId) -> Result<Option<ReadIn>, StoreError> {
    tx.one(concat!("select ", columns!(), " from read_ins where id = $1"), params![id], read).await
}

/// The tier a member is read into now, if any.
///
/// # Errors
/// [`StoreError`]
pub async fn tier_of(tx: &mut Tx, case: CaseId, member: MemberId, now: Timestamp) -> Result<Option<Tier>, StoreError> {
    let sql = "select tier from read_ins \
               where member_id = $1 and case_id = $2 and ended_at is null and until > $3";
    let number = tx.one(sql, params![member, case, now], |row| row.fields("read_ins").int()).await?;
    number.map(tier).transpose()
}

/// Every placement of a case, ended or not, oldest first: its log.
///
/// # Errors
/// [`StoreError`]
pub async fn list(tx: &mut Tx, case: CaseId) -> Result<Vec<ReadIn>, StoreError> {
    let sql = concat!("select ", columns!(), " from read_ins where case_id = $1 order by id");
    tx.all(sql, params![case], read).await
}

/// The placements of a case that are live at `now`, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn live(tx: &mut Tx, case: CaseId, now: Timestamp) -> Result<Vec<ReadIn>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from read_ins where case_id = $1 and ended_at is null and until > $2 order by id"
    );
    tx.all(sql, params![case, now], read).await
}
