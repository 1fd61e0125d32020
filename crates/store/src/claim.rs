//! Claims and their fencing tokens, which grow for each scope key and never repeat.
//!
//! Must not compare scopes: a key finds the candidates, `domain::claim` says which overlap.

use domain::claim::{ClaimState, Method, Shown};
use domain::id::{ClaimId, ClaimKind, MemberId, PartyId};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::page::{Listed, Page};
use crate::tx::Tx;
use crate::value::{Row, params};

/// Longest list of live claims under one key, in rows.
pub const LIVE_CLAIMS_ROWS_MAX: i64 = 10_000;

/// A party's lease on a scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Its identity.
    pub id: ClaimId,
    /// Who holds it.
    pub party_id: PartyId,
    /// Which member took it.
    pub member_id: MemberId,
    /// `Scope::key()`.
    pub scope_key: String,
    /// The scope, JSON.
    pub scope: String,
    /// How the holder looks.
    pub method: Method,
    /// What others see of it.
    pub shown: Shown,
    /// Where it stands.
    pub state: ClaimState,
    /// The fencing token; set by [`take`].
    pub fence: i64,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// When the lease ends.
    pub until: Timestamp,
    /// When it was given back, if it was.
    pub released_at: Option<Timestamp>,
    /// The coverage report, JSON or text as the service writes it.
    pub coverage: Option<String>,
}

macro_rules! columns {
    () => {
        "id, party_id, member_id, scope_key, scope, method, shown, state, fence, taken_at, until, released_at, coverage"
    };
}

fn read(row: &Row) -> Result<Claim, StoreError> {
    let mut f = row.fields("claims");
    Ok(Claim {
        id: f.parsed()?,
        party_id: f.parsed()?,
        member_id: f.parsed()?,
        scope_key: f.text()?,
        scope: f.text()?,
        method: f.parsed()?,
        shown: f.parsed()?,
        state: f.parsed()?,
        fence: f.int()?,
        taken_at: f.time()?,
        until: f.time()?,
        released_at: f.time_opt()?,
        coverage: f.text_opt()?,
    })
}

/// Writes a claim with the next fencing token of its scope key; gives it back with that token.
///
/// # Errors
/// [`StoreError`]
pub async fn take(tx: &mut Tx, claim: Claim) -> Result<Claim, StoreError> {
    let next = "insert into claim_fences (scope_key, fence) values ($1, 1) \
                on conflict (scope_key) do update set fence = claim_fences.fence + 1 returning fence";
    let fence = tx.one(next, params![&claim.scope_key], |row| row.fields("claim_fences").int()).await?;
    let c = Claim { fence: fence.unwrap_or_default(), ..claim };
    let sql = concat!(
        "insert into claims (",
        columns!(),
        ") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
    );
    let params = params![
        c.id,
        c.party_id,
        c.member_id,
        &c.scope_key,
        &c.scope,
        c.method.as_str(),
        c.shown.as_str(),
        c.state.as_str(),
        c.fence,
        c.taken_at,
        c.until,
        c.released_at,
        &c.coverage,
    ];
    tx.execute(sql, params).await?;
    Ok(c)
}

/// Reads a claim.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: ClaimId) -> Result<Option<Claim>, StoreError> {
    tx.one(concat!("select ", columns!(), " from claims where id = $1"), params![id], read).await
}

/// The claims under a key whose lease runs at `now`, oldest first, at most [`LIVE_CLAIMS_ROWS_MAX`].
///
/// # Errors
/// [`StoreError`]
pub async fn live_by_key(tx: &mut Tx, scope_key: &str, now: Timestamp) -> Result<Vec<Claim>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from claims where scope_key = $1 and state = 'held' and until > $2 order by id limit $3"
    );
    tx.all(sql, params![scope_key, now, LIVE_CLAIMS_ROWS_MAX], read).await
}

/// Moves the end of a held lease; false when it is not held at `now` or the token is an old one.
///
/// # Errors
/// [`StoreError`]
pub async fn renew(tx: &mut Tx, id: ClaimId, fence: i64, now: Timestamp, until: Timestamp) -> Result<bool, StoreError> {
    let sql = "update claims set until = $4 where id = $1 and fence = $2 and state = 'held' and until > $3";
    tx.changed(sql, params![id, fence, now, until]).await
}

/// Gives a claim back with its coverage; false when it is neither held nor expired.
///
/// # Errors
/// [`StoreError`]
pub async fn release(tx: &mut Tx, id: ClaimId, at: Timestamp, coverage: Option<&str>) -> Result<bool, StoreError> {
    let sql = "update claims set state = 'released', released_at = $2, coverage = $3 \
               where id = $1 and state in ('held', 'expired')";
    tx.changed(sql, params![id, at, coverage]).await
}

/// Marks every lease that has ended; gives how many.
///
/// # Errors
/// [`StoreError`]
pub async fn expire_due(tx: &mut Tx, now: Timestamp) -> Result<u64, StoreError> {
    tx.execute("update claims set state = 'expired' where state = 'held' and until <= $1", params![now]).await
}

/// One page of claims, of one party or of all, in one state or in any.
///
/// # Errors
/// [`StoreError`]
pub async fn list(
    tx: &mut Tx,
    party: Option<PartyId>,
    state: Option<ClaimState>,
    page: &Page,
) -> Result<Listed<Claim>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from claims where (cast($1 as text) is null or party_id = $1) and (cast($2 as text) is null or state = $2)",
        " and (cast($3 as text) is null or id < $3) order by id desc limit $4"
    );
    let params = params![party, state.map(ClaimState::as_str), page.before::<ClaimKind>()?, page.fetch()];
    Ok(Listed::cut(tx.all(sql, params, read).await?, page, |c| c.id))
}
