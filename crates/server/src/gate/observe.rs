//! The outermost layer: names each request, refuses foreign pages, catches panics, writes one log
//! line and counts. The line holds method, route template, status, milliseconds and request id.
//!
//! Must never log a path, a query, a header or a body: ids and secrets stand in them.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::origin::is_cross_origin;
use super::panics::caught;
use super::request_id::{REQUEST_ID, request_id};
use crate::http::door::Door;
use crate::http::problem::Problem;

const PERMISSIONS: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// Wraps every request.
pub async fn observe(State(door): State<Door>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("(none)", MatchedPath::as_str).to_owned();
    let _open = door.metrics.open();
    let mut response = if is_cross_origin(&method, request.headers()) {
        Problem::cross_origin().into_response()
    } else {
        // The client gets the same words as for any other defect of ours.
        caught(next.run(request)).await.unwrap_or_else(|| {
            tracing::error!("a handler panicked");
            Problem::internal().into_response()
        })
    };
    let status = response.status().as_u16();
    let elapsed = started.elapsed();
    let headers = response.headers_mut();
    headers.insert(REQUEST_ID, id.clone());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(PERMISSIONS, HeaderValue::from_static("same-origin"));
    if door.config.is_https() {
        let year = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, year);
    }
    door.metrics.answered(&method, &route, status, elapsed);
    let ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%method, route, status, ms, request_id = id.to_str().unwrap_or_default(), "answered");
    response
}
