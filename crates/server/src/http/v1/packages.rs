//! `/v1/cases/{id}/package` and `/message`: a case as it is handed to its maintainer, as one file and as plain text.
//!
//! Must not show it to whoever does not see the case's research.

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::Response;
use serde::Serialize;
use service::package::CaseMessage;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::path_id;
use crate::http::answer;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(case_package)).routes(routes!(case_message))
}

/// What a maintainer is told of a case, in plain text.
#[derive(Debug, Serialize, ToSchema)]
struct MessageShown {
    /// In a line.
    subject: String,
    /// The text, in lines of at most 72 columns but for words that are longer.
    text: String,
    /// What makes it the same message: the case and its revision.
    name: String,
    /// The addresses at which maintainers that have the case want to be told: all for coordinators, a maintainer's own for itself.
    to: Vec<String>,
}

impl From<CaseMessage> for MessageShown {
    fn from(message: CaseMessage) -> Self {
        Self { subject: message.subject, text: message.text, name: message.name, to: message.to }
    }
}

/// Everything a maintainer needs of a case, in one zip archive: the message, what was measured, proofs with their receipts, fixes with
/// their matrices, and a draft of the advisory. For tiers 0 and 1 and coordinators.
#[utoipa::path(get, path = "/v1/cases/{id}/package", tag = "cases", operation_id = "case_package", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")),
    responses((status = 200, description = "The package.", body = Vec<u8>, content_type = "application/zip")))]
async fn case_package(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let package = door.service.case_package(&caller.ctx, path_id(&id, "case")?).await?;
    let mut response = answer::tagged(caller.if_none_match(), package.bytes, "application/zip", "private, no-store");
    let name = format!("attachment; filename=\"{}\"", package.filename);
    answer::set(response.headers_mut(), header::CONTENT_DISPOSITION, &name);
    Ok(response)
}

/// The same in words: a message fit for an e-mail. For tiers 0 and 1 and coordinators.
#[utoipa::path(get, path = "/v1/cases/{id}/message", tag = "cases", operation_id = "case_message", security(("bearer" = [])),
    params(("id" = String, Path, description = "A case's id.")),
    responses((status = 200, description = "The message.", body = MessageShown)))]
async fn case_message(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let message = door.service.case_message(&caller.ctx, path_id(&id, "case")?).await?;
    Ok(caller.shown(&MessageShown::from(message)))
}
