//! `/v1/submissions/{receipt}`: how a report stands, for whoever holds its receipt (TAP).
//!
//! Must not ask for a token, and must not tell more than the state.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{ReportState, Time};
use crate::http::caller::{Anonymous, Shows};
use crate::http::door::Door;
use crate::http::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(submission_show))
}

/// How a submission stands.
#[derive(Debug, Serialize, ToSchema)]
struct Submission {
    /// The receipt.
    receipt: String,
    /// `queued`, `processing` or `done`.
    status: ReportState,
    /// Since when.
    at: Time,
}

/// How a submission stands. Holding the receipt is the right to read it; no token is asked for.
#[utoipa::path(get, path = "/v1/submissions/{receipt}", tag = "reports", operation_id = "submission_show",
    params(("receipt" = String, Path, description = "The receipt of a report.")),
    responses((status = 200, description = "How it stands.", body = Submission)))]
async fn submission_show(
    State(door): State<Door>,
    anonymous: Anonymous,
    Path(receipt): Path<String>,
) -> Result<Response, Problem> {
    let shown = door.service.submission_status(&receipt).await?;
    Ok(anonymous.shown(&Submission { receipt: shown.receipt, status: shown.state.into(), at: shown.at.into() }))
}
