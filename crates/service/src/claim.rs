//! Claim: take, renew, release; and tell of overlaps with only what the holder chose to show.
//!
//! Must not refuse a claim because another holds one: deconfliction is told, never enforced.

use domain::claim::{CLAIM_LEASE_S_MAX, CLAIM_LEASE_S_MIN, COVERAGE_BYTES_MAX, ClaimState, Method, Scope, Shown};
use domain::id::ClaimId;
use domain::party::Role;
use domain::policy::Action;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use store::claim::{self as table, Claim};
use store::{Listed, Page, Tx};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, internal, prose_check};
use crate::identity::new_id;

/// Overlapping claims that are told of, the oldest.
pub const OVERLAPS_COUNT_MAX: usize = 100;

/// What a finder asks for.
#[derive(Debug, Clone)]
pub struct ClaimInput {
    /// What it will look at.
    pub scope: Scope,
    /// How.
    pub method: Method,
    /// What others may see of it.
    pub shown: Shown,
    /// For how long, in seconds.
    pub lease_s: i64,
}

/// Another party's live claim that overlaps, as far as its holder shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// When its lease ends.
    pub until: Timestamp,
    /// How it looks, if shown.
    pub method: Option<Method>,
    /// Who, if shown.
    pub party: Option<String>,
}

/// A claim and what overlaps it now.
#[derive(Debug, Clone)]
pub struct ClaimTaken {
    /// The claim.
    pub claim: Claim,
    /// Live claims of others that share its scope, at most [`OVERLAPS_COUNT_MAX`].
    pub overlaps: Vec<Overlap>,
}

/// The stored form of a scope.
#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum StoredScope {
    Package { purl: String, versions: Option<String>, path: Option<String> },
    Repository { url: String, commits: Option<String>, path: Option<String> },
    Network { cidr: String },
}

/// A scope as it is stored and shown: one JSON object with `kind`.
///
/// # Errors
/// `Internal` when it cannot be written.
pub fn scope_to_json(scope: &Scope) -> Result<String> {
    let stored = match scope.clone() {
        Scope::Package { package, versions, path } => {
            StoredScope::Package { purl: package.purl().to_owned(), versions, path }
        }
        Scope::Repository { url, commits, path } => StoredScope::Repository { url, commits, path },
        Scope::Network { address, prefix_bits } => StoredScope::Network { cidr: format!("{address}/{prefix_bits}") },
    };
    serde_json::to_string(&stored).map_err(|e| internal("write a scope", e))
}

/// Reads what [`scope_to_json`] wrote.
///
/// # Errors
/// `Internal` when the stored text is damaged.
pub fn scope_from_json(json: &str) -> Result<Scope> {
    let damaged = |e: &dyn std::fmt::Display| internal("read a stored scope", e);
    match serde_json::from_str(json).map_err(|e| damaged(&e))? {
        StoredScope::Package { purl, versions, path } => {
            Scope::package(purl.parse().map_err(|e| damaged(&e))?, versions, path).map_err(|e| damaged(&e))
        }
        StoredScope::Repository { url, commits, path } => {
            Scope::repository(&url, commits, path).map_err(|e| damaged(&e))
        }
        StoredScope::Network { cidr } => Scope::network(&cidr).map_err(|e| damaged(&e)),
    }
}

fn lease_check(lease_s: i64) -> Result<()> {
    if (CLAIM_LEASE_S_MIN..=CLAIM_LEASE_S_MAX).contains(&lease_s) {
        return Ok(());
    }
    let reason =
        format!("a lease lasts {CLAIM_LEASE_S_MIN} to {CLAIM_LEASE_S_MAX} seconds; renew it when it is not enough");
    Err(ServiceError::invalid("out_of_range", "lease_s", reason))
}

impl Service {
    /// Takes a claim and tells of every live claim of others that overlaps it.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid` for the lease, `Unavailable`.
    pub async fn claim_take(&self, ctx: &Ctx, input: ClaimInput) -> Result<ClaimTaken> {
        ctx.authorize(Action::ClaimTake)?;
        lease_check(input.lease_s)?;
        let mut work = match self.begin(ctx, "claim_take").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.claim_view(ctx, self.replayed(&id)?).await,
        };
        let now = ctx.actor.now;
        let claim = Claim {
            id: new_id(now)?,
            party_id: ctx.actor.party,
            member_id: ctx.actor.member,
            // The store hands out the next fence of this scope.
            fence: 0,
            scope_key: input.scope.key(),
            scope: scope_to_json(&input.scope)?,
            method: input.method,
            shown: input.shown,
            state: ClaimState::Held,
            taken_at: now,
            until: now.plus_seconds(input.lease_s),
            released_at: None,
            coverage: None,
        };
        let claim = table::take(&mut work.tx, claim).await?;
        let overlaps = overlaps_of(&mut work.tx, ctx, &claim).await?;
        work.finish(&claim.id.to_string()).await?;
        Ok(ClaimTaken { claim, overlaps })
    }

    /// One claim of the actor's party (or any, for coordinators), with what overlaps it now.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn claim_show(&self, ctx: &Ctx, id: ClaimId) -> Result<ClaimTaken> {
        ctx.authorize(Action::OwnRead)?;
        self.claim_view(ctx, id).await
    }

    async fn claim_view(&self, ctx: &Ctx, id: ClaimId) -> Result<ClaimTaken> {
        let mut tx = self.store.read().await?;
        let claim = as_of(own_claim(&mut tx, ctx, id).await?, ctx.actor.now);
        let overlaps = overlaps_of(&mut tx, ctx, &claim).await?;
        Ok(ClaimTaken { claim, overlaps })
    }

    /// The claims of the actor's party; all, for coordinators.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn claim_list(&self, ctx: &Ctx, page: &Page) -> Result<Listed<Claim>> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        let party = if ctx.actor.is(Role::Coordinator) { None } else { Some(ctx.actor.party) };
        let mut listed = table::list(&mut tx, party, None, page).await?;
        listed.items = listed.items.into_iter().map(|claim| as_of(claim, ctx.actor.now)).collect();
        Ok(listed)
    }

    /// Lengthens a live lease. The fence must be the one given when it was taken.
    ///
    /// # Errors
    /// `NotFound`, `Conflict` when the fence is stale or the claim has ended, `Invalid`.
    pub async fn claim_renew(&self, ctx: &Ctx, id: ClaimId, fence: i64, lease_s: i64) -> Result<ClaimTaken> {
        ctx.authorize(Action::ClaimTake)?;
        lease_check(lease_s)?;
        let mut work = match self.begin(ctx, "claim_renew").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.claim_view(ctx, self.replayed(&id)?).await,
        };
        let claim = held_claim(&mut work.tx, ctx, id, fence).await?;
        if claim.until <= ctx.actor.now {
            return Err(claim_ended());
        }
        let now = ctx.actor.now;
        if !table::renew(&mut work.tx, claim.id, fence, now, now.plus_seconds(lease_s)).await? {
            return Err(claim_ended());
        }
        work.finish(&id.to_string()).await?;
        self.claim_view(ctx, id).await
    }

    /// Gives a claim back, with what was looked at and how hard; also after its lease has ended.
    ///
    /// # Errors
    /// `NotFound`, `Conflict`, `Invalid` for the coverage text.
    pub async fn claim_release(&self, ctx: &Ctx, id: ClaimId, fence: i64, coverage: &str) -> Result<ClaimTaken> {
        ctx.authorize(Action::ClaimTake)?;
        if coverage.trim().is_empty() || coverage.len() > COVERAGE_BYTES_MAX {
            let reason =
                format!("a claim ends with what was looked at and how hard, in 1 to {COVERAGE_BYTES_MAX} bytes");
            return Err(ServiceError::invalid("coverage_missing", "coverage", reason));
        }
        prose_check("coverage", coverage, COVERAGE_BYTES_MAX).map_err(|v| ServiceError::Invalid(vec![v]))?;
        let mut work = match self.begin(ctx, "claim_release").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.claim_view(ctx, self.replayed(&id)?).await,
        };
        let claim = held_claim(&mut work.tx, ctx, id, fence).await?;
        if !table::release(&mut work.tx, claim.id, ctx.actor.now, Some(coverage)).await? {
            return Err(claim_ended());
        }
        work.finish(&id.to_string()).await?;
        self.claim_view(ctx, id).await
    }
}

/// A claim as it stands at a time: its lease ends by itself.
fn as_of(mut claim: Claim, now: Timestamp) -> Claim {
    if claim.state == ClaimState::Held && claim.until <= now {
        claim.state = ClaimState::Expired;
    }
    claim
}

fn claim_ended() -> ServiceError {
    ServiceError::conflict("claim_ended", "the claim has ended; take a new one")
}

async fn own_claim(tx: &mut Tx, ctx: &Ctx, id: ClaimId) -> Result<Claim> {
    let own = |c: &Claim| c.party_id == ctx.actor.party || ctx.actor.is(Role::Coordinator);
    table::by_id(tx, id).await?.filter(own).ok_or(ServiceError::NotFound("claim"))
}

/// A claim that was not given back, named with the right fence.
async fn held_claim(tx: &mut Tx, ctx: &Ctx, id: ClaimId, fence: i64) -> Result<Claim> {
    let claim = own_claim(tx, ctx, id).await?;
    if claim.state == ClaimState::Released {
        return Err(claim_ended());
    }
    if claim.fence != fence {
        return Err(ServiceError::conflict("fence_stale", "the fencing token is not the one of this claim"));
    }
    Ok(claim)
}

async fn overlaps_of(tx: &mut Tx, ctx: &Ctx, claim: &Claim) -> Result<Vec<Overlap>> {
    let scope = scope_from_json(&claim.scope)?;
    let mut overlaps = Vec::new();
    for other in table::live_by_key(tx, &claim.scope_key, ctx.actor.now).await? {
        if overlaps.len() == OVERLAPS_COUNT_MAX {
            break;
        }
        if other.party_id == claim.party_id || !scope_from_json(&other.scope)?.overlaps(&scope) {
            continue;
        }
        let party = match other.shown {
            Shown::Party => store::party::by_id(tx, other.party_id).await?.map(|p| p.name),
            Shown::Existence | Shown::Method => None,
        };
        let method = (other.shown != Shown::Existence).then_some(other.method);
        overlaps.push(Overlap { until: other.until, method, party });
    }
    Ok(overlaps)
}
