//! `/v1/jobs`: what a worker on another machine does. It leases a proof job, fetches the bundles it needs, says how
//! far it is, and posts what running them showed.
//!
//! Must not read an outcome: it goes to the service as it is.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use service::worker::{
    FAILURE_BYTES_MAX, JobView, LEASE_BYTES_MAX, OUTCOME_BYTES_MAX, WORKER_LABEL_BYTES_MAX, WORKER_LABELS_COUNT_MAX,
    WORKER_NAME_BYTES_MAX, WorkFailure, WorkLeased, WorkerInput,
};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{JobStage, JobState, Time, WorkKind, path_id, value};
use crate::http::answer;
use crate::http::asked::{Asked, Document, Sent};
use crate::http::body::BodyRule;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

/// Steps of one stage, at most.
const STEPS_COUNT_MAX: i64 = 1_000_000;
/// Length of a key's or a digest's name, in bytes.
const DIGEST_BYTES_MAX: usize = 64;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(job_lease))
        .routes(routes!(job_show))
        .routes(routes!(job_bundle))
        .routes(routes!(job_heartbeat))
        .routes(routes!(job_outcome))
        .routes(routes!(job_failure))
}

/// A worker that asks for a job.
#[derive(Debug, ToSchema)]
pub(crate) struct JobLease {
    /// What it calls itself, shown to coordinators: letters, digits, `-`, `.` and `_`.
    #[schema(min_length = 1, max_length = 64)]
    name: String,
    /// What it has, such as `runtime=node` or `zone=enclave`; a job that needs more is not given.
    #[schema(value_type = Option<Vec<String>>, max_items = 32)]
    labels: Vec<String>,
    /// The name of the key with which it signs receipts: SHA-256 of its public bytes, in hex.
    #[schema(min_length = 64, max_length = 64)]
    key: String,
}

impl FromFields for JobLease {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let name = f.text("name", Text::Line(WORKER_NAME_BYTES_MAX));
        let labels = f.texts("labels", WORKER_LABELS_COUNT_MAX, Text::Line(WORKER_LABEL_BYTES_MAX));
        let key = f.text("key", Text::Line(DIGEST_BYTES_MAX));
        Some(Self { name: name?, labels: labels?, key: key? })
    }
}

/// How far a leased job is.
#[derive(Debug, ToSchema)]
pub(crate) struct JobHeartbeat {
    /// The lease, as it was given.
    #[schema(min_length = 1, max_length = 64)]
    lease: String,
    /// Which step is going on.
    #[schema(value_type = JobStage)]
    stage: service::work::Stage,
    /// So many parts of it are done.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000)]
    done: i64,
    /// Of about so many.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 1_000_000)]
    total: i64,
}

impl FromFields for JobHeartbeat {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (lease, stage) = (f.text("lease", Text::Line(LEASE_BYTES_MAX)), f.word("stage"));
        let done = f.integer_optional("done", 0, STEPS_COUNT_MAX);
        let total = f.integer_optional("total", 0, STEPS_COUNT_MAX);
        Some(Self { lease: lease?, stage: stage?, done: done?.unwrap_or(0), total: total?.unwrap_or(0) })
    }
}

/// An attempt that came to nothing.
#[derive(Debug, ToSchema)]
pub(crate) struct JobFailure {
    /// The lease, as it was given.
    #[schema(min_length = 1, max_length = 64)]
    lease: String,
    /// Why, for coordinators.
    #[schema(min_length = 1, max_length = 2_000)]
    reason: String,
    /// `bundle` when the bundle itself is refused, so that no other attempt is made; else `machine`.
    #[schema(value_type = String)]
    fault: String,
}

impl FromFields for JobFailure {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let lease = f.text("lease", Text::Line(LEASE_BYTES_MAX));
        let reason = f.text("reason", Text::Prose(FAILURE_BYTES_MAX));
        let fault = f.text("fault", Text::Line("machine".len()));
        if let Some(fault) = &fault
            && !["bundle", "machine"].contains(&fault.as_str())
        {
            f.refuse("unknown_word", "fault", "one of: bundle, machine");
        }
        Some(Self { lease: lease?, reason: reason?, fault: fault? })
    }
}

/// Under which lease.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct LeaseParameters {
    /// The lease, as it was given.
    lease: String,
}

impl FromQuery for LeaseParameters {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        Some(Self { lease: query.needed("lease", "malformed_lease")? })
    }
}

/// What running a job showed.
#[derive(Debug)]
pub(crate) struct OutcomeDocument;

impl Document for OutcomeDocument {
    const RULE: BodyRule = BodyRule {
        media_type: "application/json",
        or_multipart: false,
        bytes_max: OUTCOME_BYTES_MAX,
        may_be_absent: false,
    };
}

/// A leased job.
#[derive(Debug, Serialize, ToSchema)]
struct JobLeased {
    /// Its id.
    id: String,
    /// Names this lease: every request about the job carries it.
    lease: String,
    /// Until when the lease runs.
    until: Time,
    /// How often it is to be lengthened, in seconds.
    heartbeat_s: u64,
    /// What is to be done.
    kind: WorkKind,
    /// On which version, for `verify`.
    #[schema(required)]
    version: Option<String>,
    /// SHA-256 of the content of each bundle to be run, in this order.
    bundles: Vec<String>,
    /// SHA-256 of the patch, for `patch`; it is fetched as a bundle is.
    #[schema(required)]
    patch: Option<String>,
}

impl From<WorkLeased> for JobLeased {
    fn from(leased: WorkLeased) -> Self {
        Self {
            id: leased.job.to_string(),
            lease: leased.lease,
            until: leased.until.into(),
            heartbeat_s: leased.heartbeat_s,
            kind: leased.kind.into(),
            version: leased.version,
            bundles: leased.bundles,
            patch: leased.patch,
        }
    }
}

/// The next job, if there is one.
#[derive(Debug, Serialize, ToSchema)]
struct NextJob {
    /// `null` when there is none now: ask again a little later.
    #[schema(required)]
    job: Option<JobLeased>,
}

/// Until when a lease runs.
#[derive(Debug, Serialize, ToSchema)]
struct LeaseRunning {
    /// Unless it is lengthened again.
    until: Time,
}

/// That something was taken in.
#[derive(Debug, Serialize, ToSchema)]
struct Taken {
    /// The job's id.
    id: String,
}

/// A job as coordinators see it.
#[derive(Debug, Serialize, ToSchema)]
struct JobShown {
    /// Its id.
    id: String,
    /// What is to be done, in a word.
    kind: String,
    /// Where it stands.
    state: JobState,
    /// How often a worker began it.
    attempts: i64,
    /// What a worker must have to be given it.
    needs: Vec<String>,
    /// Who holds it, or held it last: a member and its worker's name, or a worker of this server.
    #[schema(required)]
    worker: Option<String>,
    /// Until when the lease runs.
    #[schema(required)]
    lease_until: Option<Time>,
    /// How far its last attempt is or was: `stage`, `done`, `total` and when that was said.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    progress: Option<serde_json::Value>,
    /// Why the last attempt failed.
    #[schema(required)]
    last_error: Option<String>,
    /// When it was left to be done.
    created_at: Time,
    /// When it was done or given up.
    #[schema(required)]
    finished_at: Option<Time>,
}

impl From<JobView> for JobShown {
    fn from(view: JobView) -> Self {
        let worker = view.worker().map(ToOwned::to_owned);
        let JobView { job, needs } = view;
        Self {
            id: job.id.to_string(),
            kind: job.kind,
            state: job.state.into(),
            attempts: job.attempts,
            needs,
            worker,
            lease_until: job.lease_until.map(Time),
            progress: value(job.progress.as_deref()),
            last_error: job.last_error,
            created_at: job.created_at.into(),
            finished_at: job.finished_at.map(Time),
        }
    }
}

/// Lease the next proof job whose needs the worker meets. For workers.
#[utoipa::path(post, path = "/v1/jobs/lease", tag = "jobs", operation_id = "job_lease", security(("bearer" = [])),
    request_body = JobLease, responses((status = 200, description = "A job, or none now.", body = NextJob)))]
async fn job_lease(State(door): State<Door>, asked: Asked<JobLease>) -> Result<Response, Problem> {
    let JobLease { name, labels, key } = asked.input;
    let leased = door.service.work_lease(&asked.ctx, &WorkerInput { name, labels, key }).await?;
    Ok(answer::secret(axum::http::StatusCode::OK, &NextJob { job: leased.map(JobLeased::from) }))
}

/// Where a job stands. For coordinators.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", operation_id = "job_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A job's id.")),
    responses((status = 200, description = "The job.", body = JobShown)))]
async fn job_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.job_show(&caller.ctx, path_id(&id, "job")?).await?;
    Ok(caller.shown(&JobShown::from(view)))
}

/// One bundle of a job that the worker holds, or its patch, as it was sent. For workers.
#[utoipa::path(get, path = "/v1/jobs/{id}/bundles/{digest}", tag = "jobs", operation_id = "job_bundle", security(("bearer" = [])),
    params(("id" = String, Path, description = "A job's id."),
        ("digest" = String, Path, description = "SHA-256 of the bundle's content, or of the patch."), LeaseParameters),
    responses((status = 200, description = "The bundle.", body = Vec<u8>, content_type = "application/octet-stream")))]
async fn job_bundle(
    State(door): State<Door>,
    caller: Caller,
    Path((id, digest)): Path<(String, String)>,
    query: Query<LeaseParameters>,
) -> Result<Response, Problem> {
    let bytes = door.service.work_bundle(&caller.ctx, path_id(&id, "job")?, &query.0.lease, &digest).await?;
    Ok(answer::tagged(caller.if_none_match(), bytes, "application/octet-stream", "private, no-store"))
}

/// Lengthen a lease, and say how far the job is. For workers.
#[utoipa::path(post, path = "/v1/jobs/{id}/heartbeat", tag = "jobs", operation_id = "job_heartbeat", security(("bearer" = [])),
    params(("id" = String, Path, description = "A job's id.")), request_body = JobHeartbeat,
    responses((status = 200, description = "Lengthened.", body = LeaseRunning)))]
async fn job_heartbeat(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<JobHeartbeat>,
) -> Result<Response, Problem> {
    let JobHeartbeat { lease, stage, done, total } = asked.input;
    let id = path_id(&id, "job")?;
    let until = door.service.work_heartbeat(&asked.ctx, id, &lease, stage, (done, total)).await?;
    Ok(answer::ok(&LeaseRunning { until: until.into() }))
}

/// Post what running a job showed: `{"prove": {"measured": …, "range": …}}`, `{"verify": {"runs": […]}}` or
/// `{"patch": {"proofs": […], "envelope": …}}`, with the receipts of all runs. Sending it again under the same lease changes nothing. For workers.
#[utoipa::path(post, path = "/v1/jobs/{id}/outcome", tag = "jobs", operation_id = "job_outcome", security(("bearer" = [])),
    params(("id" = String, Path, description = "A job's id."), LeaseParameters),
    request_body(content = serde_json::Map<String, serde_json::Value>, content_type = "application/json"),
    responses((status = 200, description = "Taken in.", body = Taken)))]
async fn job_outcome(
    State(door): State<Door>,
    Path(id): Path<String>,
    query: Result<Query<LeaseParameters>, Problem>,
    sent: Sent<OutcomeDocument>,
) -> Result<Response, Problem> {
    let Query(LeaseParameters { lease }) = query?;
    door.service.work_outcome(&sent.ctx, path_id(&id, "job")?, &lease, &sent.body.bytes).await?;
    Ok(answer::ok(&Taken { id }))
}

/// Put a job back because this attempt came to nothing. For workers.
#[utoipa::path(post, path = "/v1/jobs/{id}/failure", tag = "jobs", operation_id = "job_failure", security(("bearer" = [])),
    params(("id" = String, Path, description = "A job's id.")), request_body = JobFailure,
    responses((status = 200, description = "Put back.", body = Taken)))]
async fn job_failure(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<JobFailure>,
) -> Result<Response, Problem> {
    let JobFailure { lease, reason, fault } = asked.input;
    let failure = WorkFailure { reason, for_good: fault == "bundle" };
    door.service.work_failure(&asked.ctx, path_id(&id, "job")?, &lease, failure).await?;
    Ok(answer::ok(&Taken { id }))
}
