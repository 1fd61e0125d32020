//! `/v1/standing` and `/v1/parties/{id}/standing`: how a finder stands, for itself and for coordinators.
//!
//! Must not show one finder's standing to another.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use service::standing::StandingView;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::path_id;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::problem::Problem;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(standing_own)).routes(routes!(standing_show))
}

/// A finder's record, and what follows from it: how soon its reports are validated and how many may wait, never how severe they are.
#[derive(Debug, Serialize, ToSchema)]
struct StandingShown {
    /// Whose it is.
    party: String,
    /// Findings whose proof held; several in one case are one.
    proved: u32,
    /// Findings whose proof was run and did not hold.
    unproved: u32,
    /// (proved + 2) ÷ (proved + unproved + 4), in thousandths, rounded down.
    #[schema(maximum = 1_000)]
    standing_thousandths: u32,
    /// By how much the turn of a new report is put off, in seconds. Only matters while others wait too.
    #[schema(minimum = 0, maximum = 21_600)]
    delay_s: i64,
    /// Reports that wait unvalidated.
    waiting: u32,
    /// How many may wait before more are refused with 429.
    waiting_max: u32,
}

impl From<StandingView> for StandingShown {
    fn from(view: StandingView) -> Self {
        Self {
            party: view.party.to_string(),
            proved: view.record.proved,
            unproved: view.record.unproved,
            standing_thousandths: view.standing.thousandths(),
            delay_s: view.standing.delay_s(),
            waiting: view.waiting,
            waiting_max: view.waiting_max,
        }
    }
}

/// How your own party stands.
#[utoipa::path(get, path = "/v1/standing", tag = "reports", operation_id = "standing_own", security(("bearer" = [])),
    responses((status = 200, description = "The standing.", body = StandingShown)))]
async fn standing_own(State(door): State<Door>, caller: Caller) -> Result<Response, Problem> {
    let view = door.service.standing_show(&caller.ctx, caller.ctx.actor.party).await?;
    Ok(caller.shown(&StandingShown::from(view)))
}

/// How a party stands: your own, or any for coordinators.
#[utoipa::path(get, path = "/v1/parties/{id}/standing", tag = "reports", operation_id = "standing_show",
    security(("bearer" = [])), params(("id" = String, Path, description = "A party's id.")),
    responses((status = 200, description = "The standing.", body = StandingShown)))]
async fn standing_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.standing_show(&caller.ctx, path_id(&id, "party")?).await?;
    Ok(caller.shown(&StandingShown::from(view)))
}
