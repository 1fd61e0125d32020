//! Who calls a use case, and the transaction it runs in.
//!
//! Every use case takes a [`Ctx`], authorises on its first line, and writes through one [`Work`]:
//! the effect and the idempotency record are committed together or not at all. On a case, the order is
//! always the same: authorise, look up the key, check the input, lock.

use domain::id::CaseId;
use domain::party::Actor;
use domain::policy::{Action, CaseStanding, Decision, decide, decide_case};
use store::{Tx, idempotency};

use crate::Service;
use crate::error::{Result, ServiceError};

/// Longest idempotency key, in bytes.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 128;

/// A key with which a client may safely send the same request again.
#[derive(Debug, Clone)]
pub struct Idempotency {
    /// The client's key, unique within its party.
    pub key: String,
    /// SHA-256 of method, path and body: another request under the same key is refused.
    pub request_digest: String,
}

/// Who calls, when, and under which idempotency key.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// The authenticated actor.
    pub actor: Actor,
    /// The key, if the client sent one.
    pub idempotency: Option<Idempotency>,
}

impl Ctx {
    /// A context without an idempotency key.
    #[must_use]
    pub fn of(actor: Actor) -> Self {
        Self { actor, idempotency: None }
    }

    /// What is looked up under the client's key, if it sent one.
    pub(crate) fn request(&self, use_case: &str) -> Result<Option<idempotency::Request>> {
        let Some(idem) = &self.idempotency else { return Ok(None) };
        key_check(&idem.key)?;
        Ok(Some(idempotency::Request {
            party_id: self.actor.party,
            key: idem.key.clone(),
            use_case: use_case.to_owned(),
            digest: idem.request_digest.clone(),
            created_at: self.actor.now,
        }))
    }

    /// Authorises an action that concerns no case.
    ///
    /// # Errors
    /// [`ServiceError::Forbidden`].
    pub fn authorize(&self, action: Action) -> Result<()> {
        match decide(&self.actor, action) {
            Decision::Allow => Ok(()),
            Decision::Forbidden | Decision::Hidden => Err(forbidden(action)),
        }
    }

    /// Authorises an action on a case.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`] when the actor must not learn that it exists, else
    /// [`ServiceError::Forbidden`].
    pub fn authorize_case(&self, action: Action, standing: CaseStanding) -> Result<()> {
        match decide_case(&self.actor, action, standing) {
            Decision::Allow => Ok(()),
            Decision::Forbidden => Err(forbidden(action)),
            Decision::Hidden => Err(ServiceError::NotFound("case")),
        }
    }
}

fn key_check(key: &str) -> Result<()> {
    if key.is_empty() || key.len() > IDEMPOTENCY_KEY_BYTES_MAX || key.chars().any(char::is_control) {
        let reason = format!("1 to {IDEMPOTENCY_KEY_BYTES_MAX} bytes, no control characters");
        return Err(ServiceError::invalid("malformed_idempotency_key", "idempotency_key", reason));
    }
    Ok(())
}

fn forbidden(action: Action) -> ServiceError {
    ServiceError::Forbidden(format!("your role, tier or token scope does not allow {action}"))
}

/// A transaction that remembers its idempotency key.
pub(crate) struct Work {
    pub tx: Tx,
    keyed: Option<(domain::id::PartyId, String)>,
}

/// The start of a use case that writes.
pub(crate) enum Begun {
    /// Go on.
    Fresh(Box<Work>),
    /// This request was done before; this is the id of what it made.
    Replayed(String),
}

impl Service {
    /// Opens the transaction of a use case and looks up its idempotency key.
    pub(crate) async fn begin(&self, ctx: &Ctx, use_case: &str) -> Result<Begun> {
        let tx = self.store.write().await?;
        self.begun(tx, ctx, use_case).await
    }

    /// The same for a use case on one case: authorises it before anything else is looked at.
    pub(crate) async fn begin_on(&self, ctx: &Ctx, use_case: &str, action: Action, case: CaseId) -> Result<Begun> {
        let mut tx = self.store.write().await?;
        let standing = self.case_standing(&mut tx, &ctx.actor, case).await?;
        ctx.authorize_case(action, standing)?;
        self.begun(tx, ctx, use_case).await
    }

    /// Looks up the idempotency key in a transaction whose use case was authorised.
    pub(crate) async fn begun(&self, mut tx: Tx, ctx: &Ctx, use_case: &str) -> Result<Begun> {
        let Some(request) = ctx.request(use_case)? else {
            return Ok(Begun::Fresh(Box::new(Work { tx, keyed: None })));
        };
        match idempotency::begin(&mut tx, &request).await? {
            idempotency::Begun::New => {
                Ok(Begun::Fresh(Box::new(Work { tx, keyed: Some((request.party_id, request.key)) })))
            }
            idempotency::Begun::Repeated(Some(resource)) => Ok(Begun::Replayed(resource)),
            // Key and effect are committed together, so a key without a resource cannot be read.
            idempotency::Begun::Repeated(None) => Err(ServiceError::Internal("a key without a resource".to_owned())),
            idempotency::Begun::Different => Err(ServiceError::IdempotencyReuse),
        }
    }

    /// The id that a replayed request made.
    pub(crate) fn replayed<K: domain::id::Kind>(&self, id: &str) -> Result<domain::id::Id<K>> {
        id.parse().map_err(|e| crate::error::internal("read a replayed id", e))
    }
}

impl Work {
    /// Records what was made and commits everything.
    pub(crate) async fn finish(mut self, resource: &str) -> Result<()> {
        if let Some((party, key)) = &self.keyed {
            idempotency::finish(&mut self.tx, *party, key, resource).await?;
        }
        Ok(self.tx.commit().await?)
    }
}
