//! The pages: server-rendered, readable without script, with our own style and drawings.
//!
//! Pages only read; what changes anything is the API, save for logging in and out. Every text is
//! escaped by the templates. Must not have a rule of its own: pages show what the service shows.

mod advisory;
mod case;
mod home;
mod notices;
mod page;
mod session;
mod strip;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use crate::http::door::Door;

const STYLE: &str = include_str!("../../assets/style.css");
const MARK: &str = include_str!("../../assets/mark.svg");

/// Every page.
pub(crate) fn routes() -> Router<Door> {
    Router::new()
        .route("/", get(home::home))
        .route("/cases/{id}", get(case::case))
        .route("/advisories/{name}", get(advisory::advisory))
        .route("/notices", get(notices::notices))
        .route("/login", get(session::login_form).post(session::login))
        .route("/logout", post(session::logout))
        .route("/assets/style.css", get(style))
        .route("/assets/mark.svg", get(mark))
}

async fn style() -> Response {
    asset(STYLE, "text/css; charset=utf-8")
}

async fn mark() -> Response {
    asset(MARK, "image/svg+xml")
}

fn asset(text: &'static str, media_type: &'static str) -> Response {
    let mut response = text.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=3600"));
    response
}
