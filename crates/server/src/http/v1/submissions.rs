//! `/v1/submissions/{receipt}`: how a report stands, for whoever holds its receipt (TAP).
//!
//! Must not ask for a token, and must not tell more than the state and what maintainers said of it.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use service::verdict::FindingVerdict;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{MaintainerVerdict, ReportState, Time};
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
    /// What maintainers said of its findings. Left out while there is nothing, so that the answer is then exactly TAP's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    verdicts: Vec<VerdictShown>,
}

/// What the maintainer said of a finding.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VerdictShown {
    /// The finding.
    finding: String,
    /// The verdict.
    verdict: MaintainerVerdict,
    /// Why.
    reason: String,
    /// Of what it is a duplicate, while you may know: a case here, or an id elsewhere.
    #[schema(required)]
    duplicate_of: Option<String>,
    /// Since when it is so.
    at: Time,
}

impl From<FindingVerdict> for VerdictShown {
    fn from(said: FindingVerdict) -> Self {
        Self {
            finding: said.finding.to_string(),
            verdict: said.verdict.into(),
            reason: said.reason,
            duplicate_of: said.duplicate_of,
            at: said.at.into(),
        }
    }
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
    let verdicts = shown.verdicts.into_iter().map(VerdictShown::from).collect();
    let (status, at) = (shown.state.into(), shown.at.into());
    Ok(anonymous.shown(&Submission { receipt: shown.receipt, status, at, verdicts }))
}
