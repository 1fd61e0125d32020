//! The job queue: enqueued in the transaction of its cause, leased by workers, at least once.
//!
//! A key makes a job once for ever: enqueueing it again does nothing, also after it is done. Must
//! not know what a job does; its kind and payload belong to the service.

use domain::id::JobId;
use domain::time::Timestamp;

use crate::dialect::rows;
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, Value, params, row};

/// Jobs in one lease, at most.
pub const JOBS_PER_LEASE_MAX: u32 = 50;
/// Attempts before a job is given up: with the pauses between them, about forty minutes. A registry or
/// a disk that is away for less loses nothing.
pub const JOB_ATTEMPTS_MAX: i64 = 12;
/// Longest pause before a failed job is tried again, in seconds.
pub const JOB_BACKOFF_S_MAX: i64 = 600;
/// Longest error text kept with a job, in bytes.
pub const JOB_ERROR_BYTES_MAX: usize = 2_000;

domain::words! {
    /// Where a job stands.
    pub enum JobState {
        /// It waits for its time and a worker.
        Ready = "ready",
        /// A worker holds a lease on it.
        Running = "running",
        /// Its effect is written.
        Done = "done",
        /// It was given up; somebody must look.
        Failed = "failed",
    }
}

/// A job to enqueue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewJob {
    /// Its identity.
    pub id: JobId,
    /// What is to be done, in the service's words.
    pub kind: String,
    /// What makes it one and the same job, such as `range proof_…`.
    pub key: String,
    /// What the kind needs: JSON.
    pub payload: String,
    /// Not before this time.
    pub run_after: Timestamp,
    /// Of those whose time has come, the one with the earliest turn goes first.
    pub turn_at: Timestamp,
    /// Now.
    pub created_at: Timestamp,
}

/// A job as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its identity.
    pub id: JobId,
    /// What is to be done.
    pub kind: String,
    /// What makes it one and the same job.
    pub key: String,
    /// What the kind needs: JSON.
    pub payload: String,
    /// Where it stands.
    pub state: JobState,
    /// How often a worker began it. With `leased_by` it names one lease.
    pub attempts: i64,
    /// Not before this time.
    pub run_after: Timestamp,
    /// Of those whose time has come, the one with the earliest turn goes first.
    pub turn_at: Timestamp,
    /// When the lease ends.
    pub lease_until: Option<Timestamp>,
    /// Which worker holds it.
    pub leased_by: Option<String>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it was done or given up.
    pub finished_at: Option<Timestamp>,
    /// How far its last attempt is or was: JSON.
    pub progress: Option<String>,
}

/// What a worker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The worker; unique over all running workers.
    pub worker: String,
    /// Now.
    pub now: Timestamp,
    /// When the lease ends unless renewed.
    pub until: Timestamp,
    /// The kinds it can do; empty for any.
    pub kinds: Vec<String>,
    /// Jobs wanted; cut to 1 to [`JOBS_PER_LEASE_MAX`].
    pub limit: u32,
}

/// How many jobs of a kind stand in a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobCount {
    /// The kind.
    pub kind: String,
    /// The state.
    pub state: JobState,
    /// How many.
    pub jobs: i64,
}

macro_rules! columns {
    () => {
        "id, kind, key, payload, state, attempts, run_after, turn_at, lease_until, leased_by, last_error, \
         created_at, finished_at, progress"
    };
}

fn read(row: &Row) -> Result<Job, StoreError> {
    let mut f = row.fields("jobs");
    Ok(Job {
        id: f.parsed()?,
        kind: f.text()?,
        key: f.text()?,
        payload: f.text()?,
        state: f.parsed()?,
        attempts: f.int()?,
        run_after: f.time()?,
        turn_at: f.time()?,
        lease_until: f.time_opt()?,
        leased_by: f.text_opt()?,
        last_error: f.text_opt()?,
        created_at: f.time()?,
        finished_at: f.time_opt()?,
        progress: f.text_opt()?,
    })
}

fn read_count(row: &Row) -> Result<JobCount, StoreError> {
    let mut f = row.fields("jobs");
    Ok(JobCount { kind: f.text()?, state: f.parsed()?, jobs: f.int()? })
}

const ENQUEUE: &str = "insert into jobs (id, kind, key, payload, state, attempts, run_after, turn_at, created_at)";
const ENQUEUE_AFTER: &str = "on conflict (key) do nothing";

fn row_of(j: &NewJob) -> [Value<'_>; 9] {
    row![j.id, &j.kind, &j.key, &j.payload, JobState::Ready.as_str(), 0_i64, j.run_after, j.turn_at, j.created_at]
}

/// Enqueues jobs unless their keys are there already, for whom it is the same: on PostgreSQL it costs no wait of its own.
///
/// # Errors
/// [`StoreError`]
pub async fn enqueue_put(tx: &mut Tx, jobs: &[NewJob]) -> Result<(), StoreError> {
    let rows: Vec<_> = jobs.iter().map(row_of).collect();
    tx.put_rows(ENQUEUE, ENQUEUE_AFTER, &rows).await
}

/// Enqueues a job; false when its key is there already.
///
/// # Errors
/// [`StoreError`]
pub async fn enqueue(tx: &mut Tx, j: &NewJob) -> Result<bool, StoreError> {
    let sql = format!("{ENQUEUE} values {} {ENQUEUE_AFTER}", rows(1, "($, $, $, $, $, $, $, $, $)"));
    tx.changed(&sql, &row_of(j)).await
}

/// Says what a worker must have to be given a job. Twice is once.
///
/// # Errors
/// [`StoreError`]
pub async fn need(tx: &mut Tx, id: JobId, label: &str) -> Result<(), StoreError> {
    let sql = "insert into job_needs (job_id, label) values ($1, $2) on conflict do nothing";
    tx.execute(sql, params![id, label]).await?;
    Ok(())
}

/// What a worker must have to be given a job, in order.
///
/// # Errors
/// [`StoreError`]
pub async fn needs(tx: &mut Tx, id: JobId) -> Result<Vec<String>, StoreError> {
    let sql = "select label from job_needs where job_id = $1 order by label";
    tx.all(sql, params![id], |row| row.fields("job_needs").text()).await
}

/// Gives up the running jobs whose lease ran out at their last attempt: they may be what kills the
/// workers. Gives them, so that what waits for them can be told.
///
/// # Errors
/// [`StoreError`]
pub async fn give_up(tx: &mut Tx, now: Timestamp) -> Result<Vec<Job>, StoreError> {
    let sql = concat!(
        "update jobs set state = 'failed', finished_at = $1, lease_until = null, ",
        "last_error = 'the lease of its last attempt ran out' ",
        "where state = 'running' and lease_until <= $1 and attempts >= $2 returning ",
        columns!()
    );
    tx.all(sql, params![now, JOB_ATTEMPTS_MAX], read).await
}

/// Leases jobs whose time has come or whose lease ran out, in the order of their turns. A job whose lease ran out
/// at its last attempt is not leased again: see [`give_up`].
///
/// # Errors
/// [`StoreError`]
pub async fn claim(tx: &mut Tx, lease: &Lease) -> Result<Vec<Job>, StoreError> {
    claim_with(tx, lease, None).await
}

/// The same for a worker that has these labels and no others: a job that needs more is not leased.
///
/// # Errors
/// [`StoreError`]
pub async fn claim_with(tx: &mut Tx, lease: &Lease, labels: Option<&[String]>) -> Result<Vec<Job>, StoreError> {
    give_up(tx, lease.now).await?;
    let listed = |first: usize, n: usize| (first..first + n).map(|i| format!("${i}")).collect::<Vec<_>>().join(", ");
    let kinds = match lease.kinds.len() {
        0 => String::new(),
        n => format!("and kind in ({})", listed(5, n)),
    };
    let met = match labels {
        None => String::new(),
        Some([]) => "and not exists (select 1 from job_needs n where n.job_id = jobs.id)".to_owned(),
        Some(labels) => format!(
            "and not exists (select 1 from job_needs n where n.job_id = jobs.id and n.label not in ({}))",
            listed(5 + lease.kinds.len(), labels.len())
        ),
    };
    let sql = format!(
        "update jobs set state = 'running', attempts = attempts + 1, lease_until = $2, leased_by = $3 \
         where id in (select id from jobs where state in ('ready', 'running') and ((state = 'ready' and run_after <= $1) \
         or (state = 'running' and lease_until <= $1)) {kinds} {met} order by turn_at, id limit $4 \
         for update skip locked) returning {}",
        columns!()
    );
    let limit = i64::from(lease.limit.clamp(1, JOBS_PER_LEASE_MAX));
    let mut params: Vec<Value<'_>> = vec![lease.now.into(), lease.until.into(), (&lease.worker).into(), limit.into()];
    params.extend(lease.kinds.iter().map(Value::from));
    params.extend(labels.into_iter().flatten().map(Value::from));
    let mut jobs = tx.all(&sql, &params, read).await?;
    jobs.sort_by_key(|j| (j.turn_at, j.id));
    Ok(jobs)
}

/// Says how far a job is; false when the lease is lost.
///
/// # Errors
/// [`StoreError`]
pub async fn progress(tx: &mut Tx, job: &Job, progress: &str) -> Result<bool, StoreError> {
    let sql = "update jobs set progress = $4 \
               where id = $1 and leased_by = $2 and attempts = $3 and state = 'running'";
    tx.changed(sql, params![job.id, &job.leased_by, job.attempts, progress]).await
}

/// Moves the end of a lease; false when it is lost, and the worker must stop.
///
/// # Errors
/// [`StoreError`]
pub async fn heartbeat(tx: &mut Tx, job: &Job, until: Timestamp) -> Result<bool, StoreError> {
    let sql = "update jobs set lease_until = $4 \
               where id = $1 and leased_by = $2 and attempts = $3 and state = 'running'";
    tx.changed(sql, params![job.id, &job.leased_by, job.attempts, until]).await
}

/// Marks a job as done, in the transaction of its effect. False when the lease is lost: then the
/// transaction must not be committed.
///
/// # Errors
/// [`StoreError`]
pub async fn done(tx: &mut Tx, job: &Job, at: Timestamp) -> Result<bool, StoreError> {
    let sql = "update jobs set state = 'done', finished_at = $4, lease_until = null, last_error = null \
               where id = $1 and leased_by = $2 and attempts = $3 and state = 'running'";
    tx.changed(sql, params![job.id, &job.leased_by, job.attempts, at]).await
}

/// When a job that failed this often is tried again: 2, 4, 8, … seconds later, at most
/// [`JOB_BACKOFF_S_MAX`].
#[must_use]
pub fn retry_at(attempts: i64, now: Timestamp) -> Timestamp {
    let exponent = u32::try_from(attempts.clamp(0, 30)).unwrap_or(30);
    now.plus_seconds((1_i64 << exponent).min(JOB_BACKOFF_S_MAX))
}

/// Writes that an attempt failed: the job waits for its next one, or is given up when it had
/// [`JOB_ATTEMPTS_MAX`] or `for_good` is set. Gives where it stands; none when the lease is lost.
///
/// # Errors
/// [`StoreError`]
pub async fn fail(
    tx: &mut Tx,
    job: &Job,
    error: &str,
    for_good: bool,
    at: Timestamp,
) -> Result<Option<JobState>, StoreError> {
    let given_up = for_good || job.attempts >= JOB_ATTEMPTS_MAX;
    let state = if given_up { JobState::Failed } else { JobState::Ready };
    let finished_at = given_up.then_some(at);
    let error = error[..error.floor_char_boundary(JOB_ERROR_BYTES_MAX)].replace('\0', " ");
    let sql = "update jobs set state = $4, run_after = $5, last_error = $6, finished_at = $7, lease_until = null \
               where id = $1 and leased_by = $2 and attempts = $3 and state = 'running'";
    let run_after = retry_at(job.attempts, at);
    let params = params![job.id, &job.leased_by, job.attempts, state.as_str(), run_after, error, finished_at];
    Ok(tx.changed(sql, params).await?.then_some(state))
}

/// Makes a job that was given up ready again, with all its attempts; false when it was not.
///
/// # Errors
/// [`StoreError`]
pub async fn revive(tx: &mut Tx, id: JobId, now: Timestamp) -> Result<bool, StoreError> {
    let sql = "update jobs set state = 'ready', attempts = 0, run_after = $2, turn_at = $2, finished_at = null \
               where id = $1 and state = 'failed'";
    tx.changed(sql, params![id, now]).await
}

/// Reads a job.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: JobId) -> Result<Option<Job>, StoreError> {
    tx.one(concat!("select ", columns!(), " from jobs where id = $1"), params![id], read).await
}

/// The job with this key.
///
/// # Errors
/// [`StoreError`]
pub async fn by_key(tx: &mut Tx, key: &str) -> Result<Option<Job>, StoreError> {
    tx.one(concat!("select ", columns!(), " from jobs where key = $1"), params![key], read).await
}

/// When the next job can be leased; none when nothing waits or runs.
///
/// # Errors
/// [`StoreError`]
pub async fn next_at(tx: &mut Tx) -> Result<Option<Timestamp>, StoreError> {
    let sql = "select min(at) from (select min(run_after) as at from jobs where state = 'ready' \
               union all select min(lease_until) from jobs where state = 'running') due";
    Ok(tx.one(sql, &[], |row| row.fields("jobs").time_opt()).await?.flatten())
}

/// How many jobs of each kind stand in each state.
///
/// # Errors
/// [`StoreError`]
pub async fn counts(tx: &mut Tx) -> Result<Vec<JobCount>, StoreError> {
    let sql = "select kind, state, count(*) from jobs group by kind, state order by kind, state";
    tx.all(sql, &[], read_count).await
}
