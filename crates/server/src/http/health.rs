//! Whether the process lives, whether it can work, what it counts, and what the API is.
//!
//! Must not tell anybody but a coordinator how much there is of anything.

use std::sync::atomic::Ordering;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::party::Role;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::answer;
use super::caller::{Anonymous, Caller, Shows};
use super::door::Door;
use super::problem::Problem;

/// The routes beside the API proper.
pub fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(health_show))
        .routes(routes!(ready_show))
        .routes(routes!(metrics_show))
        .routes(routes!(description_show))
}

/// Whether a server lives or is ready.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`.
    status: &'static str,
}

/// Says that the process lives. Not limited, never shed.
#[utoipa::path(get, path = "/healthz", tag = "server", operation_id = "health_show",
    responses((status = 200, description = "It lives.", body = Health)))]
async fn health_show() -> Response {
    answer::done(StatusCode::OK, &Health { status: "ok" })
}

/// Says whether the store answers. 503 while it does not, and while the server is stopping.
#[utoipa::path(get, path = "/readyz", tag = "server", operation_id = "ready_show",
    responses((status = 200, description = "It can work.", body = Health)))]
async fn ready_show(State(door): State<Door>) -> Result<Response, Problem> {
    if door.stopping.load(Ordering::Relaxed) {
        return Err(Problem::unavailable("the server is stopping"));
    }
    door.service.ready().await?;
    Ok(answer::done(StatusCode::OK, &Health { status: "ok" }))
}

/// What the server counts, as Prometheus text. For a coordinator's token with scope `read`, or for
/// the metrics token the server was started with; nobody else learns how much there is of anything.
#[utoipa::path(get, path = "/metrics", tag = "server", operation_id = "metrics_show", security(("bearer" = [])),
    responses((status = 200, description = "Counters and gauges.", body = String, content_type = "application/openmetrics-text")))]
async fn metrics_show(State(door): State<Door>, request: Request) -> Result<Response, Problem> {
    let (mut parts, _) = request.into_parts();
    if !is_metrics_token(&door, &parts.headers) {
        let caller = Caller::from_request_parts(&mut parts, &door).await?;
        if !caller.ctx.actor.is(Role::Coordinator) {
            return Err(Problem::forbidden("only a coordinator, or the metrics token of this server, reads metrics"));
        }
    }
    for count in door.service.job_counts().await? {
        door.metrics.jobs(&count.kind, count.state.as_str(), count.jobs);
    }
    let mut response = door.metrics.text().into_response();
    let openmetrics = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, openmetrics);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn is_metrics_token(door: &Door, headers: &axum::http::HeaderMap) -> bool {
    let Some(token) = &door.config.metrics_token else { return false };
    let sent = headers.get(header::AUTHORIZATION).map(HeaderValue::as_bytes).unwrap_or_default();
    let wanted = format!("Bearer {token}");
    // Every byte is looked at whatever the first ones are.
    sent.len() == wanted.len() && sent.iter().zip(wanted.bytes()).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

/// This description: OpenAPI 3.1, with every status and every limit.
#[utoipa::path(get, path = "/openapi.json", tag = "server", operation_id = "description_show",
    responses((status = 200, description = "OpenAPI 3.1.", body = serde_json::Value)))]
async fn description_show(State(door): State<Door>, anonymous: Anonymous) -> Response {
    answer::tagged(
        anonymous.if_none_match(),
        door.description.clone().into_bytes(),
        "application/json",
        "public, max-age=300",
    )
}
