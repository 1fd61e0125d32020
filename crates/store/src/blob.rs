//! Blobs: sealed bytes (attachments, bundles, documents), encrypted before they come here.
//!
//! Must not hold a key or see what is inside.

use domain::id::{Id, Kind};
use domain::time::Timestamp;

use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params, row};

/// The kind of a blob's identity.
pub enum BlobKind {}
impl Kind for BlobKind {
    const PREFIX: &'static str = "blob";
}
/// The identity of a blob.
pub type BlobId = Id<BlobKind>;

/// Sealed bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its identity.
    pub id: BlobId,
    /// The encrypted bytes.
    pub sealed: Vec<u8>,
    /// Which key opens it.
    pub key_id: String,
    /// Length of what is inside, in bytes.
    pub bytes: i64,
    /// When it was written.
    pub created_at: Timestamp,
}

fn read(row: &Row) -> Result<Blob, StoreError> {
    let mut f = row.fields("blobs");
    Ok(Blob { id: f.parsed()?, sealed: f.bytes()?, key_id: f.text()?, bytes: f.int()?, created_at: f.time()? })
}

/// Writes blobs.
///
/// # Errors
/// [`StoreError`]
pub async fn put(tx: &mut Tx, blobs: &[&Blob]) -> Result<(), StoreError> {
    let rows: Vec<_> =
        blobs.iter().map(|b| row![b.id, b.sealed.as_slice(), &b.key_id, b.bytes, b.created_at]).collect();
    tx.put_rows("insert into blobs (id, sealed, key_id, bytes, created_at)", "", &rows).await
}

/// Reads a blob.
///
/// # Errors
/// [`StoreError`]
pub async fn get(tx: &mut Tx, id: BlobId) -> Result<Option<Blob>, StoreError> {
    tx.one("select id, sealed, key_id, bytes, created_at from blobs where id = $1", params![id], read).await
}
