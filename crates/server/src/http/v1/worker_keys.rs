//! `/v1/worker-keys`: with which key a worker signs receipts. For coordinators.
//!
//! Must not take a key on a worker's own word.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::id::MemberId;
use serde::Serialize;
use service::worker::WORKER_KEY_BYTES_MAX;
use store::worker::WorkerKey;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::Time;
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Nothing, Text};
use crate::http::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(worker_key_register)).routes(routes!(worker_key_end))
}

/// A key to be registered.
#[derive(Debug, ToSchema)]
pub(crate) struct WorkerKeyRegister {
    /// Whose it is: a member of a party with the role `worker`.
    #[schema(value_type = String)]
    member: MemberId,
    /// The Ed25519 public key in PEM, as `proofhouse worker --show-key` prints it.
    #[schema(min_length = 1, max_length = 4_096)]
    key: String,
}

impl FromFields for WorkerKeyRegister {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (member, key) = (f.id("member"), f.text("key", Text::Prose(WORKER_KEY_BYTES_MAX)));
        Some(Self { member: member?, key: key? })
    }
}

/// A registered key.
#[derive(Debug, Serialize, ToSchema)]
struct WorkerKeyShown {
    /// Its name: SHA-256 of its public bytes, in hex.
    id: String,
    /// Whose it is.
    member: String,
    /// The public key in PEM.
    key: String,
    /// Since when it counts.
    registered_at: Time,
    /// Since when it does not any more.
    #[schema(required)]
    ended_at: Option<Time>,
}

impl From<WorkerKey> for WorkerKeyShown {
    fn from(row: WorkerKey) -> Self {
        Self {
            id: row.key_id,
            member: row.member_id.to_string(),
            key: row.pem,
            registered_at: row.registered_at.into(),
            ended_at: row.ended_at.map(Time),
        }
    }
}

/// Register the key with which a worker signs receipts. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/worker-keys", tag = "jobs", operation_id = "worker_key_register", security(("bearer" = [])),
    request_body = WorkerKeyRegister, responses((status = 200, description = "Registered.", body = WorkerKeyShown)))]
async fn worker_key_register(State(door): State<Door>, asked: Asked<WorkerKeyRegister>) -> Result<Response, Problem> {
    let WorkerKeyRegister { member, key } = asked.input;
    let key = door.service.worker_key_register(&asked.ctx, member, &key).await?;
    Ok(answer::ok(&WorkerKeyShown::from(key)))
}

/// End a key now: nothing it signs from now on counts. For coordinators with scope `admin`.
#[utoipa::path(post, path = "/v1/worker-keys/{id}/end", tag = "jobs", operation_id = "worker_key_end", security(("bearer" = [])),
    params(("id" = String, Path, description = "A key's name.")),
    responses((status = 200, description = "Ended.", body = WorkerKeyShown)))]
async fn worker_key_end(
    State(door): State<Door>,
    Path(id): Path<String>,
    asked: Asked<Nothing>,
) -> Result<Response, Problem> {
    let key = door.service.worker_key_end(&asked.ctx, &id).await?;
    Ok(answer::ok(&WorkerKeyShown::from(key)))
}
