//! Standing: what follows from a finder's record for its next reports.
//!
//! Must not show one finder's standing to another, and must not touch how severe anything is.

use domain::id::PartyId;
use domain::party::Role;
use domain::policy::Action;
use domain::standing::{Record, Standing};

use crate::Service;
use crate::ctx::Ctx;
use crate::error::{Result, ServiceError};

/// When whoever has too many reports waiting may come again, in seconds: a clerk looks at some thousands meanwhile.
pub const QUEUE_FULL_RETRY_S: u64 = 60;

/// A finder's record, and what follows from it now.
#[derive(Debug, Clone)]
pub struct StandingView {
    /// Whose it is.
    pub party: PartyId,
    /// What became of its proofs.
    pub record: Record,
    /// (proved + prior) ÷ (submitted + the prior's weight).
    pub standing: Standing,
    /// Its reports that wait unvalidated.
    pub waiting: u32,
    /// How many may.
    pub waiting_max: u32,
}

impl Service {
    /// How a finder stands: one's own party, or any for coordinators.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn standing_show(&self, ctx: &Ctx, party: PartyId) -> Result<StandingView> {
        ctx.authorize(Action::OwnRead)?;
        if party != ctx.actor.party && !ctx.actor.is(Role::Coordinator) {
            return Err(ServiceError::NotFound("party"));
        }
        let mut tx = self.store.read().await?;
        store::party::by_id(&mut tx, party).await?.ok_or(ServiceError::NotFound("party"))?;
        let counts = store::standing::of(&mut tx, party).await?;
        let standing = Standing::of(counts.record);
        let waiting_max = standing.waiting_max(self.waiting_max);
        Ok(StandingView { party, record: counts.record, standing, waiting: counts.waiting, waiting_max })
    }
}
