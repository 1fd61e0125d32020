//! The outermost layer: names each request, refuses foreign pages, catches panics, writes one log
//! line and counts. The line holds method, route template, status, milliseconds and request id.
//!
//! Must never log a path, a query, a header or a body: ids and secrets stand in them.

use std::panic::AssertUnwindSafe;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::origin::is_cross_origin;
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
        unpanicked(next.run(request)).await
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

/// A handler that panics is a defect of ours; the client gets the same words as for any other.
async fn unpanicked(answer: impl Future<Output = Response>) -> Response {
    let mut answer = Box::pin(answer);
    let polled =
        std::future::poll_fn(move |cx| match std::panic::catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(cx))) {
            Ok(std::task::Poll::Pending) => std::task::Poll::Pending,
            Ok(std::task::Poll::Ready(response)) => std::task::Poll::Ready(Some(response)),
            Err(_) => std::task::Poll::Ready(None),
        });
    match polled.await {
        Some(response) => response,
        None => {
            tracing::error!("a handler panicked");
            Problem::internal().into_response()
        }
    }
}
