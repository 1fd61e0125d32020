//! Idempotency keys: a request that is sent twice has its effect once.
//!
//! [`begin`] and [`finish`] stand in the transaction of the effect, so that a key that is found is
//! one whose effect is there. Must not keep answers: the resource is named, and read again.

use std::collections::HashSet;

use domain::id::PartyId;
use domain::time::Timestamp;

use crate::dialect::rows;
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, Value, params};

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
    known(tx, r).await
}

/// What a key that is there was used for.
async fn known(tx: &mut Tx, r: &Request) -> Result<Begun, StoreError> {
    let sql = "select use_case, request_digest, resource from idempotency where party_id = $1 and key = $2";
    Ok(match tx.one(sql, params![r.party_id, &r.key], read).await? {
        Some((use_case, digest, resource)) if use_case == r.use_case && digest == r.digest => Begun::Repeated(resource),
        _ => Begun::Different,
    })
}

/// The same for several of different keys, in the order of their parties and keys, so that two who take several wait for each other in
/// a line; gives what is known of each, as they were given.
///
/// # Errors
/// [`StoreError`]
pub async fn begin_all(tx: &mut Tx, requests: &[&Request]) -> Result<Vec<Begun>, StoreError> {
    if requests.is_empty() {
        return Ok(Vec::new());
    }
    let mut ordered = requests.to_vec();
    ordered.sort_by(|a, b| (a.party_id, &a.key).cmp(&(b.party_id, &b.key)));
    let sql = format!(
        "insert into idempotency (party_id, key, use_case, request_digest, created_at) values {} \
         on conflict (party_id, key) do nothing returning party_id, key",
        rows(ordered.len(), "($, $, $, $, $)")
    );
    let values: Vec<Value<'_>> = ordered
        .iter()
        .flat_map(|r| {
            let of_key: [Value<'_>; 2] = [r.party_id.into(), r.key.as_str().into()];
            let of_request = [r.use_case.as_str().into(), r.digest.as_str().into(), r.created_at.into()];
            of_key.into_iter().chain(of_request)
        })
        .collect();
    let read_key = |row: &Row| {
        let mut f = row.fields("idempotency");
        Ok((f.parsed::<PartyId>()?, f.text()?))
    };
    let new: HashSet<(PartyId, String)> = tx.all(&sql, &values, read_key).await?.into_iter().collect();
    let mut all = Vec::with_capacity(requests.len());
    for request in requests {
        let is_new = new.contains(&(request.party_id, request.key.clone()));
        all.push(if is_new { Begun::New } else { known(tx, request).await? });
    }
    Ok(all)
}

/// Names what the request made.
///
/// # Errors
/// [`StoreError`]
pub async fn finish(tx: &mut Tx, party: PartyId, key: &str, resource: &str) -> Result<(), StoreError> {
    let sql = "update idempotency set resource = $3 where party_id = $1 and key = $2";
    tx.put(sql, params![party, key, resource]).await
}

/// Gives a key back that was taken in this transaction and under which nothing was done.
///
/// # Errors
/// [`StoreError`]
pub async fn free(tx: &mut Tx, party: PartyId, key: &str) -> Result<(), StoreError> {
    tx.put("delete from idempotency where party_id = $1 and key = $2", params![party, key]).await
}

/// Forgets keys made before `before`; gives how many.
///
/// # Errors
/// [`StoreError`]
pub async fn forget(tx: &mut Tx, before: Timestamp) -> Result<u64, StoreError> {
    tx.execute("delete from idempotency where created_at < $1", params![before]).await
}
