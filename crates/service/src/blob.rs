//! Sealed blobs: what strangers sent goes through here on its way to and from the store.
//!
//! Must not hand out an opened blob without a use case having authorised it.

use domain::time::Timestamp;
use store::Tx;
use store::blob::{Blob, BlobId, get, put};

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::identity::new_id;

impl Service {
    /// Seals bytes, before a transaction: others need not wait for that.
    pub(crate) fn blob_seal(&self, plain: &[u8], now: Timestamp) -> Result<Blob> {
        let id: BlobId = new_id(now)?;
        let sealed = self.sealer.seal(&id.to_string(), plain).map_err(|e| ServiceError::Unavailable(e.to_string()))?;
        let bytes = i64::try_from(plain.len()).map_err(|e| internal("measure a blob", e))?;
        Ok(Blob { id, sealed, key_id: self.sealer.key_id().to_owned(), bytes, created_at: now })
    }

    /// Seals and stores bytes.
    pub(crate) async fn blob_put(&self, tx: &mut Tx, plain: &[u8], now: Timestamp) -> Result<BlobId> {
        let blob = self.blob_seal(plain, now)?;
        put(tx, &[&blob]).await?;
        Ok(blob.id)
    }

    /// Reads and opens a blob.
    pub(crate) async fn blob_get(&self, tx: &mut Tx, id: BlobId) -> Result<Vec<u8>> {
        let blob = get(tx, id).await?.ok_or_else(|| internal("read a blob", format!("{id} is not there")))?;
        self.sealer.open(&id.to_string(), &blob.sealed).map_err(|e| internal("open a blob", e))
    }
}
