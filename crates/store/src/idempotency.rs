//! Idempotency keys: a request that is sent twice has its effect once.
//!
//! [`begin`] and [`finish`] stand in the transaction of the effect, so that a key that is found is
//! one whose effect is there. Must not keep answers: the resource is named, and read again.

use domain::id::PartyId;
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params};

/// One request under a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Who sends it.
    pub party_id: PartyId,
    /// The key it chose.
    pub key: String,
    /// The use case, such as `report-submit`.
    pub use_case: String,
    /// Digest of what was asked.
    pub digest: String,
    /// Now.
    pub created_at: Timestamp,
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: go on, then call [`finish`].
    New,
    /// The same request was carried out; this is what it made.
    Repeated(Option<String>),
    /// The key was used for another request.
    Different,
}

fn read(row: &Row) -> Result<(String, String, Option<String>), StoreError> {
    let mut f = row.fields("idempotency");
    Ok((f.text()?, f.text()?, f.text_opt()?))
}

/// Takes a key, or says what it was used for. While another transaction holds the same new key,
/// this waits for its end.
///
/// # Errors
/// [`StoreError`]
pub async fn begin(tx: &mut Tx, r: &Request) -> Result<Begun, StoreError> {
    let sql = "insert into idempotency (party_id, key, use_case, request_digest, created_at) \
               values ($1, $2, $3, $4, $5) on conflict (party_id, key) do nothing";
    if tx.changed(sql, params![r.party_id, &r.key, &r.use_case, &r.digest, r.created_at]).await? {
        return Ok(Begun::New);
    }
    let sql = "select use_case, request_digest, resource from idempotency where party_id = $1 and key = $2";
    Ok(match tx.one(sql, params![r.party_id, &r.key], read).await? {
        Some((use_case, digest, resource)) if use_case == r.use_case && digest == r.digest => Begun::Repeated(resource),
        _ => Begun::Different,
    })
}

/// Names what the request made.
///
/// # Errors
/// [`StoreError`]
pub async fn finish(tx: &mut Tx, party: PartyId, key: &str, resource: &str) -> Result<(), StoreError> {
    let sql = "update idempotency set resource = $3 where party_id = $1 and key = $2";
    tx.execute(sql, params![party, key, resource]).await?;
    Ok(())
}

/// Forgets keys made before `before`; gives how many.
///
/// # Errors
/// [`StoreError`]
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("delete from idempotency where created_at < $1", params![before]).await
}
