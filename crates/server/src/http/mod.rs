//! The HTTP door: every route, in one router, behind the same layers.
//!
//! A handler reads its input, calls one use case and shows the result as a wire type. Must not hold
//! a rule, a query or a decision of its own.

pub mod answer;
pub mod asked;
pub mod body;
pub mod caller;
pub mod description;
pub mod door;
pub mod fields;
mod health;
pub mod problem;
pub mod query;
pub mod v1;

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use service::Service;

use crate::config::ServerConfig;
use crate::gate::load::shed;
use crate::gate::observe::observe;
use crate::serve::ServeError;
use crate::web;
use door::Door;
use problem::Problem;

/// Every route of a server, and the state they share.
///
/// # Errors
/// [`ServeError::Description`] when the API description cannot be written.
pub fn router(service: Service, config: ServerConfig) -> Result<(Router, Door), ServeError> {
    let routes = v1::routes().merge(health::routes());
    let (api, text) = description::describe(routes).map_err(ServeError::Description)?;
    let door = Door::new(service, config, text);
    let router = Router::new()
        .merge(api)
        .merge(web::routes())
        .fallback(unknown)
        .method_not_allowed_fallback(other_method)
        .layer(axum::middleware::from_fn(readable))
        .layer(from_fn_with_state(door.clone(), shed))
        .layer(from_fn_with_state(door.clone(), observe))
        .with_state(door.clone());
    Ok((router, door))
}

async fn unknown() -> Response {
    Problem::not_found("resource").into_response()
}

/// A path whose escapes are no UTF-8 names nothing here; the framework would answer it in words of its own.
async fn readable(request: axum::extract::Request, next: axum::middleware::Next) -> Response {
    let path = request.uri().path().as_bytes();
    match percent_encoding::percent_decode(path).decode_utf8() {
        Ok(_) => next.run(request).await,
        Err(_) => unknown().await,
    }
}

async fn other_method() -> Response {
    Problem::method_not_allowed().into_response()
}
