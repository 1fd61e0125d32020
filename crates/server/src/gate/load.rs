//! Sheds load: beyond a number of requests at once, or when an answer takes too long, the client is
//! told to come again, and nothing was stored.
//!
//! Must not queue: a queue would hide the overload and grow.

use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::door::Door;
use crate::http::problem::Problem;

/// Lets a request in while there is room, and ends it when its answer takes too long.
pub async fn shed(State(door): State<Door>, request: Request, next: Next) -> Response {
    // Whether the process lives must be answerable under any load.
    if request.uri().path() == "/healthz" {
        return next.run(request).await;
    }
    let Ok(_room) = door.requests.try_acquire() else {
        return Problem::unavailable("too many requests at once; nothing was stored").into_response();
    };
    let limit = Duration::from_millis(door.config.limits.answer_ms + door.config.limits.body_arrival_ms);
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::unavailable("the answer took too long; look before you send it again").into_response(),
    }
}
