//! `/v1/feeds`: take in what CISA says of CVEs. Deadlines follow from it.
//!
//! Must not fetch: somebody hands the document in.

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use service::feed::{FeedKind, FeedLoaded};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::Warning;
use crate::http::answer;
use crate::http::asked::{Document, Sent};
use crate::http::body::BodyRule;
use crate::http::door::Door;
use crate::http::problem::Problem;
use crate::limits::FEED_BODY_BYTES_MAX;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(kev_load)).routes(routes!(ssvc_load))
}

/// The KEV catalogue.
#[derive(Debug)]
pub(crate) struct Kev;

impl Document for Kev {
    const RULE: BodyRule = BodyRule {
        media_type: "application/json",
        or_multipart: false,
        bytes_max: FEED_BODY_BYTES_MAX,
        may_be_absent: false,
    };
}

/// SSVC points.
#[derive(Debug)]
pub(crate) struct Ssvc;

impl Document for Ssvc {
    const RULE: BodyRule =
        BodyRule { media_type: "text/csv", or_multipart: false, bytes_max: FEED_BODY_BYTES_MAX, may_be_absent: false };
}

/// What was taken in.
#[derive(Debug, Serialize, ToSchema)]
struct FeedShown {
    /// Entries read.
    rows: usize,
    /// What was odd; at most 100 are listed.
    warnings: Vec<Warning>,
}

/// Warnings of one feed that an answer lists.
const WARNINGS_LISTED_MAX: usize = 100;

impl From<FeedLoaded> for FeedShown {
    fn from(loaded: FeedLoaded) -> Self {
        let warnings = loaded.warnings.into_iter().take(WARNINGS_LISTED_MAX).map(Warning::from).collect();
        Self { rows: loaded.rows, warnings }
    }
}

/// Take in CISA's Known Exploited Vulnerabilities catalogue, in CISA's own JSON. For coordinators.
#[utoipa::path(put, path = "/v1/feeds/kev", tag = "feeds", operation_id = "kev_load", security(("bearer" = [])),
    request_body(content = serde_json::Map<String, serde_json::Value>, content_type = "application/json"),
    responses((status = 200, description = "Taken in.", body = FeedShown)))]
async fn kev_load(State(door): State<Door>, sent: Sent<Kev>) -> Result<Response, Problem> {
    let loaded = door.service.feed_load(&sent.ctx, FeedKind::Kev, &sent.body.bytes).await?;
    Ok(answer::ok(&FeedShown::from(loaded)))
}

/// Take in SSVC points per CVE, as CSV. For coordinators.
#[utoipa::path(put, path = "/v1/feeds/ssvc", tag = "feeds", operation_id = "ssvc_load", security(("bearer" = [])),
    request_body(content = String, content_type = "text/csv"),
    responses((status = 200, description = "Taken in.", body = FeedShown)))]
async fn ssvc_load(State(door): State<Door>, sent: Sent<Ssvc>) -> Result<Response, Problem> {
    let loaded = door.service.feed_load(&sent.ctx, FeedKind::Ssvc, &sent.body.bytes).await?;
    Ok(answer::ok(&FeedShown::from(loaded)))
}
