//! Housekeeping: what time does by itself. Leases of claims end, idempotency keys are forgotten, and registrations expire.
//!
//! Must not touch anything that a use case would have to authorise.

use std::sync::atomic::Ordering;

use crate::Service;
use crate::error::Result;
use crate::identity::now;
use crate::registration::{REGISTRATION_LIFE_DAYS, REGISTRATION_UNVERIFIED_LIFE_DAYS};

/// How long an idempotency key is remembered, in days.
pub const IDEMPOTENCY_KEY_DAYS: i64 = 7;
/// How often one process keeps house, in seconds.
const HOUSEKEEPING_INTERVAL_S: i64 = 600;

impl Service {
    /// Keeps house unless this process did so a short while ago. An idle worker does it.
    pub(crate) async fn housekeep(&self) -> Result<()> {
        let now = now();
        let last = self.housekept.load(Ordering::Relaxed);
        let due = now.plus_seconds(-HOUSEKEEPING_INTERVAL_S).micros() >= last;
        let mine =
            due && self.housekept.compare_exchange(last, now.micros(), Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if !mine {
            return Ok(());
        }
        let mut tx = self.store.write().await?;
        let ended = store::claim::expire_due(&mut tx, now).await?;
        let forgotten = store::idempotency::forget(&mut tx, now.plus_days(-IDEMPOTENCY_KEY_DAYS)).await?;
        let (before, unverified_before) =
            (now.plus_days(-REGISTRATION_LIFE_DAYS), now.plus_days(-REGISTRATION_UNVERIFIED_LIFE_DAYS));
        let expired = store::registration::expire(&mut tx, before, unverified_before, now).await?;
        tx.commit().await?;
        tracing::debug!(ended, forgotten, expired, "kept house");
        Ok(())
    }
}
