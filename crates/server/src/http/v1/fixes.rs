//! `/v1/fixes`: propose a fix, and read what the case's proofs said of it.
//!
//! Must not call a fix verified: the proofs do.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::id::CaseId;
use serde::Serialize;
use service::fix::{FIX_NOTE_BYTES_MAX, FIX_PATCH_BYTES_MAX, FIX_VERSION_BYTES_MAX, FixInput};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{FixKind, FixState, Time, path_id, value};
use crate::http::answer;
use crate::http::asked::Asked;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::fields::{Fields, FromFields, Text};
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(fix_propose, fix_list)).routes(routes!(fix_show))
}

/// A fix to be proposed.
#[derive(Debug, ToSchema)]
pub(crate) struct FixPropose {
    /// Of which case.
    #[schema(value_type = String)]
    case: CaseId,
    /// What kind.
    #[schema(value_type = FixKind)]
    kind: domain::fix::FixKind,
    /// The version to upgrade to: needed for an upgrade, refused otherwise.
    #[schema(max_length = 64)]
    version: Option<String>,
    /// What it changes, or what to do: needed for a mitigation, and for a patch that is not given itself.
    #[schema(max_length = 4_000)]
    note: Option<String>,
    /// A unified diff, for a patch: the proofs of the case are run with it on every affected release line.
    #[schema(max_length = 131_072)]
    patch: Option<String>,
}

impl FromFields for FixPropose {
    fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
        let (case, kind) = (f.id("case"), f.word("kind"));
        let version = f.text_optional("version", Text::Line(FIX_VERSION_BYTES_MAX));
        let note = f.text_optional("note", Text::Prose(FIX_NOTE_BYTES_MAX));
        let patch = f.text_optional("patch", Text::Prose(FIX_PATCH_BYTES_MAX));
        Some(Self { case: case?, kind: kind?, version: version?, note: note?, patch: patch? })
    }
}

/// Of which case fixes are wanted.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct FixParameters {
    /// The case's id.
    #[param(value_type = String)]
    case: CaseId,
}

impl FromQuery for FixParameters {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        Some(Self { case: query.needed("case", "malformed_id")? })
    }
}

/// A fix and what is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FixShown {
    /// Its id.
    id: String,
    /// Of which case.
    case: String,
    /// What kind.
    kind: FixKind,
    /// The version to upgrade to.
    #[schema(required)]
    version: Option<String>,
    /// What it changes, or what to do.
    note: String,
    /// What is known of it.
    state: FixState,
    /// What was run on which version, a line each.
    #[schema(required)]
    matrix: Option<serde_json::Value>,
    /// When it was proposed.
    created_at: Time,
    /// When the proofs were run on it.
    #[schema(required)]
    verified_at: Option<Time>,
}

impl From<store::fix::Fix> for FixShown {
    fn from(row: store::fix::Fix) -> Self {
        Self {
            id: row.id.to_string(),
            case: row.case_id.to_string(),
            kind: row.kind.into(),
            version: row.version,
            note: row.note,
            state: row.state.into(),
            matrix: value(row.matrix.as_deref()),
            created_at: row.created_at.into(),
            verified_at: row.verified_at.map(Time),
        }
    }
}

/// The fixes of one case.
#[derive(Debug, Serialize, ToSchema)]
struct Fixes {
    /// All of them, oldest first.
    items: Vec<FixShown>,
}

/// Propose a fix of a case you are read into at tier 0 or 1. An upgrade is verified by running every
/// confirmed proof of the case on it, a patch by running them with it on every affected release line.
#[utoipa::path(post, path = "/v1/fixes", tag = "fixes", operation_id = "fix_propose", security(("bearer" = [])),
    request_body = FixPropose, responses((status = 201, description = "Proposed.", body = FixShown)))]
async fn fix_propose(State(door): State<Door>, asked: Asked<FixPropose>) -> Result<Response, Problem> {
    let FixPropose { case, kind, version, note, patch } = asked.input;
    let patch = patch.map(String::into_bytes);
    let input = FixInput { case, kind, version, note: note.unwrap_or_default(), patch };
    let fix = door.service.fix_propose(&asked.ctx, input).await?;
    let location = format!("/v1/fixes/{}", fix.id);
    Ok(answer::created(&location, &FixShown::from(fix)))
}

/// The fixes of one case.
#[utoipa::path(get, path = "/v1/fixes", tag = "fixes", operation_id = "fix_list", security(("bearer" = [])),
    params(FixParameters), responses((status = 200, description = "All of them.", body = Fixes)))]
async fn fix_list(State(door): State<Door>, caller: Caller, query: Query<FixParameters>) -> Result<Response, Problem> {
    let fixes = door.service.fix_list(&caller.ctx, query.0.case).await?;
    Ok(caller.shown(&Fixes { items: fixes.into_iter().map(FixShown::from).collect() }))
}

/// One fix.
#[utoipa::path(get, path = "/v1/fixes/{id}", tag = "fixes", operation_id = "fix_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A fix's id.")),
    responses((status = 200, description = "The fix.", body = FixShown)))]
async fn fix_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let fix = door.service.fix_show(&caller.ctx, path_id(&id, "fix")?).await?;
    Ok(caller.shown(&FixShown::from(fix)))
}
