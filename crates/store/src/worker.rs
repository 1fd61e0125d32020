//! The keys with which workers sign receipts: who may sign, and since when.
//!
//! Must not check a signature.

use domain::id::MemberId;
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params};

/// A key that was registered for a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerKey {
    /// Its name: SHA-256 of its public bytes, in hex.
    pub key_id: String,
    /// Whose it is.
    pub member_id: MemberId,
    /// The public key, PEM.
    pub pem: String,
    /// Since when it counts.
    pub registered_at: Timestamp,
    /// Since when it does not any more.
    pub ended_at: Option<Timestamp>,
}

fn read(row: &Row) -> Result<WorkerKey, StoreError> {
    let mut f = row.fields("worker_keys");
    Ok(WorkerKey {
        key_id: f.text()?,
        member_id: f.parsed()?,
        pem: f.text()?,
        registered_at: f.time()?,
        ended_at: f.time_opt()?,
    })
}

/// Writes a key; false when one of this name is there already, whosever it is.
///
/// # Errors
/// [`StoreError`]
pub async fn key_insert(tx: &mut Tx, key: &WorkerKey) -> Result<bool, StoreError> {
    let sql = "insert into worker_keys (key_id, member_id, pem, registered_at, ended_at) \
               values ($1, $2, $3, $4, $5) on conflict (key_id) do nothing";
    tx.changed(sql, params![&key.key_id, key.member_id, &key.pem, key.registered_at, key.ended_at]).await
}

/// The key of this name.
///
/// # Errors
/// [`StoreError`]
pub async fn key_by_id(tx: &mut Tx, key_id: &str) -> Result<Option<WorkerKey>, StoreError> {
    let sql = "select key_id, member_id, pem, registered_at, ended_at from worker_keys where key_id = $1";
    tx.one(sql, params![key_id], read).await
}

/// Ends a key now; false when there is none or it was ended before.
///
/// # Errors
/// [`StoreError`]
pub async fn key_end(tx: &mut Tx, key_id: &str, at: Timestamp) -> Result<bool, StoreError> {
    tx.changed("update worker_keys set ended_at = $2 where key_id = $1 and ended_at is null", params![key_id, at]).await
}
