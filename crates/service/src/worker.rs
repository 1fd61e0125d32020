//! Workers elsewhere: they lease a proof job, fetch what it needs, say how far they are, and post what running it
//! showed. The same steps as a worker of this process takes, behind a token that can do nothing else.
//!
//! Must not believe a worker more than its lease and its registered key say. Whatever is asked about a job under a
//! lease that is not the caller's gives one and the same refusal, whether there is such a job or not.

use domain::id::{JobId, MemberId};
use domain::party::Role;
use domain::policy::Action;
use domain::time::Timestamp;
use signing::PublicKey;
use store::Tx;
use store::job::{self as table, Job, JobState};
use store::worker::{self as keys, WorkerKey};

use crate::Service;
use crate::ctx::Ctx;
use crate::error::{Result, ServiceError, Violation, internal};
use crate::identity::{now, random};
use crate::job::{PROOF_JOBS, lease_lost, progress_json};
use crate::proof::cut;
use crate::task::Begun;
use crate::work::{Outcome, Stage, WorkKind};
use crate::worker_check;

/// Longest name of a worker, in bytes.
pub const WORKER_NAME_BYTES_MAX: usize = 64;
/// Labels of one worker.
pub const WORKER_LABELS_COUNT_MAX: usize = 32;
/// Longest label, in bytes.
pub const WORKER_LABEL_BYTES_MAX: usize = 64;
/// Longest public key, in bytes of PEM.
pub const WORKER_KEY_BYTES_MAX: usize = 4_096;
/// Largest outcome that is read, in bytes: the receipts of some thousand versions.
pub const OUTCOME_BYTES_MAX: usize = 32 * 1_024 * 1_024;
/// Longest reason of a failure that is read, in bytes.
pub const FAILURE_BYTES_MAX: usize = 2_000;
/// Longest name of a lease, in bytes.
pub const LEASE_BYTES_MAX: usize = 64;
/// Jobs looked at for one lease whose effect turned out to be there already.
const DONE_ALREADY_COUNT_MAX: usize = 16;

/// Who asks for a job.
#[derive(Debug, Clone)]
pub struct WorkerInput {
    /// What it calls itself; shown to coordinators.
    pub name: String,
    /// What it has, such as `runtime=node`.
    pub labels: Vec<String>,
    /// The name of the key it signs receipts with.
    pub key: String,
}

/// A job that was leased.
#[derive(Debug, Clone)]
pub struct WorkLeased {
    /// The job.
    pub job: JobId,
    /// Names this lease and no other: every request about the job carries it.
    pub lease: String,
    /// Until when it runs unless it is lengthened.
    pub until: Timestamp,
    /// How often it is to be lengthened, in seconds.
    pub heartbeat_s: u64,
    /// What is to be done.
    pub kind: WorkKind,
    /// On which version, for [`WorkKind::Verify`].
    pub version: Option<String>,
    /// The digests of the bundles to be run, in this order.
    pub bundles: Vec<String>,
    /// The digest of the patch, for [`WorkKind::Patch`].
    pub patch: Option<String>,
}

/// How a worker failed.
#[derive(Debug, Clone)]
pub struct WorkFailure {
    /// In words, for coordinators.
    pub reason: String,
    /// Whether the bundle itself is refused, so that trying again is of no use.
    pub for_good: bool,
}

/// A job as coordinators see it.
#[derive(Debug, Clone)]
pub struct JobView {
    /// The job.
    pub job: Job,
    /// The labels it needs.
    pub needs: Vec<String>,
}

impl JobView {
    /// Which worker of which member holds it or held it last; none for a worker of the server.
    #[must_use]
    pub fn worker(&self) -> Option<&str> {
        let held = self.job.leased_by.as_deref()?;
        Some(held.rsplit_once(' ').map_or(held, |(who, _)| who))
    }
}

/// Whether a text can be a label: `word=word`.
#[must_use]
pub fn label_is_valid(label: &str) -> bool {
    let word = |w: &str| {
        !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b))
    };
    label.len() <= WORKER_LABEL_BYTES_MAX && label.split_once('=').is_some_and(|(k, v)| word(k) && word(v))
}

fn input_check(input: &WorkerInput) -> Result<()> {
    let mut violations = Vec::new();
    let name = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    if input.name.is_empty() || input.name.len() > WORKER_NAME_BYTES_MAX || !input.name.bytes().all(name) {
        let reason = format!("1 to {WORKER_NAME_BYTES_MAX} of a-z, A-Z, 0-9, `-`, `.` and `_`");
        violations.push(Violation::new("malformed_name", "name", reason));
    }
    if input.labels.len() > WORKER_LABELS_COUNT_MAX {
        let reason = format!("at most {WORKER_LABELS_COUNT_MAX}");
        violations.push(Violation::new("too_many_items", "labels", reason));
    }
    for (at, _) in input.labels.iter().enumerate().filter(|(_, label)| !label_is_valid(label)) {
        let reason = format!("like runtime=node, at most {WORKER_LABEL_BYTES_MAX} bytes");
        violations.push(Violation::new("malformed_label", format!("labels[{at}]"), reason));
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

impl Service {
    /// Leases the next proof job whose needs this worker meets; none when there is none now.
    ///
    /// # Errors
    /// `Forbidden`, `Invalid`, `Conflict` when the key is not registered for the caller.
    pub async fn work_lease(&self, ctx: &Ctx, input: &WorkerInput) -> Result<Option<WorkLeased>> {
        ctx.authorize(Action::JobWork)?;
        input_check(input)?;
        {
            let mut tx = self.store.read().await?;
            self.worker_key(&mut tx, ctx, &input.key).await?;
        }
        for _ in 0..DONE_ALREADY_COUNT_MAX {
            let nonce = hex::encode(random::<8>()?);
            let holder = format!("{} {} {nonce}", ctx.actor.member, input.name);
            let given = self.job_lease(&holder, PROOF_JOBS, &input.labels, 1).await?;
            let Some(job) = given.into_iter().next() else { return Ok(None) };
            match self.task_begin(&job).await {
                Ok(Some(begun)) => return Ok(Some(leased(&job, &nonce, self.heartbeat_s(), begun))),
                Ok(None) => self.job_end(&job, Ok(())).await?,
                Err(error) => self.job_end(&job, Err(error)).await?,
            }
        }
        Ok(None)
    }

    /// One bundle of a leased job, or its patch, as it was sent.
    ///
    /// # Errors
    /// `Forbidden`, `Conflict` when the lease is lost, `NotFound` for a bundle the job does not need.
    pub async fn work_bundle(&self, ctx: &Ctx, id: JobId, lease: &str, digest: &str) -> Result<Vec<u8>> {
        ctx.authorize(Action::JobWork)?;
        let job = self.job_held(ctx, id, lease).await?;
        let begun = self.task_begin(&job).await?.ok_or_else(lease_lost)?;
        let blob = begun.blob(digest).ok_or(ServiceError::NotFound("bundle"))?;
        let mut tx = self.store.read().await?;
        self.blob_get(&mut tx, blob).await
    }

    /// Lengthens a lease, and says how far the job is. Gives until when it runs.
    ///
    /// # Errors
    /// `Forbidden`, `Conflict` when the lease is lost: then the worker drops the job.
    pub async fn work_heartbeat(
        &self,
        ctx: &Ctx,
        id: JobId,
        lease: &str,
        stage: Stage,
        steps: (i64, i64),
    ) -> Result<Timestamp> {
        ctx.authorize(Action::JobWork)?;
        let job = self.job_held(ctx, id, lease).await?;
        let progress = progress_json(stage.as_str(), steps.0.min(steps.1), steps.1);
        self.job_heartbeat(&job, &progress).await?.ok_or_else(lease_lost)
    }

    /// Takes what running a job showed. The same outcome sent again under the same lease changes nothing.
    ///
    /// # Errors
    /// `Forbidden`, `Conflict` when the lease is lost, `Invalid` when the outcome does not hold together, is about
    /// another bundle, or is not signed by a key that was registered for the caller.
    pub async fn work_outcome(&self, ctx: &Ctx, id: JobId, lease: &str, outcome: &[u8]) -> Result<()> {
        ctx.authorize(Action::JobWork)?;
        let job = match self.job_held(ctx, id, lease).await {
            Ok(job) => job,
            Err(error) if self.is_done_under(ctx, id, lease).await? => {
                tracing::debug!(job = %id, %error, "an outcome was sent again");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let _one_of_few = self.reading.acquire().await.map_err(|e| internal("wait to read an outcome", e))?;
        let outcome: Outcome = serde_json::from_slice(outcome)
            .map_err(|e| ServiceError::invalid("malformed_outcome", "outcome", cut(&e.to_string())))?;
        self.outcome_check(ctx, &job, &outcome).await?;
        self.outcome_take(&job, outcome).await
    }

    /// Puts a job back, or gives it up, because this attempt came to nothing.
    ///
    /// # Errors
    /// `Forbidden`, `Conflict` when the lease is lost.
    pub async fn work_failure(&self, ctx: &Ctx, id: JobId, lease: &str, failure: WorkFailure) -> Result<()> {
        ctx.authorize(Action::JobWork)?;
        let job = self.job_held(ctx, id, lease).await?;
        let reason = cut(&failure.reason);
        let error = if failure.for_good {
            ServiceError::invalid("refused_by_worker", "bundle", reason)
        } else {
            ServiceError::Unavailable(reason)
        };
        self.job_end(&job, Err(error)).await
    }

    /// Where a job stands, for coordinators.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn job_show(&self, ctx: &Ctx, id: JobId) -> Result<JobView> {
        ctx.authorize(Action::JobRead)?;
        let mut tx = self.store.read().await?;
        let job = table::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("job"))?;
        let needs = table::needs(&mut tx, id).await?;
        Ok(JobView { job, needs })
    }

    /// Registers the key with which a worker signs receipts. Registering the same again gives the same.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`, `Conflict` when the key is another member's, was ended, or the member's
    /// party does not work.
    pub async fn worker_key_register(&self, ctx: &Ctx, member: MemberId, pem: &str) -> Result<WorkerKey> {
        ctx.authorize(Action::PartyManage)?;
        let fits = pem.len() <= WORKER_KEY_BYTES_MAX;
        let key = PublicKey::from_pem(pem).ok().filter(|_| fits);
        let Some(key) = key else {
            let reason = "an Ed25519 public key in PEM, as `proofhouse worker --show-key` prints it";
            return Err(ServiceError::invalid("malformed_key", "key", reason));
        };
        let pem = key.to_pem().map_err(|e| internal("write a key", e))?;
        let mut tx = self.store.write().await?;
        let member = store::party::member_by_id(&mut tx, member).await?.ok_or(ServiceError::NotFound("member"))?;
        let party = store::party::by_id(&mut tx, member.party_id).await?.ok_or(ServiceError::NotFound("party"))?;
        if !party.roles.contains(&Role::Worker) {
            return Err(ServiceError::conflict("not_a_worker", "only a party with the role worker signs receipts"));
        }
        let key_id = key.id().to_string();
        let row = WorkerKey { key_id, member_id: member.id, pem, registered_at: ctx.actor.now, ended_at: None };
        if keys::key_insert(&mut tx, &row).await? {
            tx.commit().await?;
            return Ok(row);
        }
        let known = keys::key_by_id(&mut tx, &row.key_id).await?;
        let same = known.filter(|k| k.member_id == member.id && k.ended_at.is_none());
        same.ok_or_else(|| ServiceError::conflict("key_taken", "this key was registered before: use a new one"))
    }

    /// Ends a key now: nothing that it signs counts any more. What was taken in before stays.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn worker_key_end(&self, ctx: &Ctx, key_id: &str) -> Result<WorkerKey> {
        ctx.authorize(Action::PartyManage)?;
        let mut tx = self.store.write().await?;
        keys::key_end(&mut tx, key_id, ctx.actor.now).await?;
        let key = keys::key_by_id(&mut tx, key_id).await?.ok_or(ServiceError::NotFound("key"))?;
        tx.commit().await?;
        Ok(key)
    }

    /// A live key of the caller.
    async fn worker_key(&self, tx: &mut Tx, ctx: &Ctx, key_id: &str) -> Result<PublicKey> {
        let known = keys::key_by_id(tx, key_id).await?;
        let live = known.filter(|k| k.member_id == ctx.actor.member && k.ended_at.is_none());
        let unknown = || {
            let reason = "the key is not registered for this worker: have a coordinator register it";
            ServiceError::conflict("key_not_registered", reason)
        };
        PublicKey::from_pem(&live.ok_or_else(unknown)?.pem).map_err(|e| internal("read a worker's key", e))
    }

    /// The job whose running lease this is.
    async fn job_held(&self, ctx: &Ctx, id: JobId, lease: &str) -> Result<Job> {
        let mut tx = self.store.read().await?;
        let job = table::by_id(&mut tx, id).await?;
        job.filter(|j| j.state == JobState::Running && is_lease_of(j, ctx, lease)).ok_or_else(lease_lost)
    }

    async fn is_done_under(&self, ctx: &Ctx, id: JobId, lease: &str) -> Result<bool> {
        let mut tx = self.store.read().await?;
        let job = table::by_id(&mut tx, id).await?;
        Ok(job.is_some_and(|j| j.state == JobState::Done && is_lease_of(&j, ctx, lease)))
    }

    /// Holds an outcome against the receipts in it, and those against the caller's keys.
    async fn outcome_check(&self, ctx: &Ctx, job: &Job, outcome: &Outcome) -> Result<()> {
        let begun = self.task_begin(job).await?.ok_or_else(lease_lost)?;
        let digests: Vec<&str> = begun.bundles.iter().map(|(digest, _)| digest.as_str()).collect();
        let mut trusted = Vec::new();
        let mut tx = self.store.read().await?;
        for key_id in worker_check::signers(outcome)? {
            trusted.push(self.worker_key(&mut tx, ctx, &key_id).await?);
        }
        let declared = self.declared_of(&mut tx, job).await?;
        drop(tx);
        let asked = worker_check::Asked {
            digests: &digests,
            version: begun.version.as_deref(),
            patch: begun.patch.as_ref().map(|(digest, _)| digest.as_str()),
            declared: declared.as_ref(),
        };
        worker_check::check(outcome, &asked, &trusted)
    }
}

fn leased(job: &Job, nonce: &str, heartbeat_s: u64, begun: Begun) -> WorkLeased {
    WorkLeased {
        job: job.id,
        lease: format!("{}-{nonce}", job.attempts),
        until: job.lease_until.unwrap_or_else(now),
        heartbeat_s,
        kind: begun.kind,
        version: begun.version,
        bundles: begun.bundles.into_iter().map(|(digest, _)| digest).collect(),
        patch: begun.patch.map(|(digest, _)| digest),
    }
}

/// Whether a lease is the one under which the caller was last given this job: its number grows with each attempt,
/// and its random part is in no other lease.
fn is_lease_of(job: &Job, ctx: &Ctx, lease: &str) -> bool {
    let Some((attempt, nonce)) = lease.split_once('-') else { return false };
    let mut holder = job.leased_by.as_deref().unwrap_or_default().split(' ');
    let (member, last) = (holder.next().unwrap_or_default(), holder.next_back().unwrap_or_default());
    attempt.parse() == Ok(job.attempts) && !nonce.is_empty() && last == nonce && ctx.actor.member.to_string() == member
}
