//! Answers: JSON with an entity tag, 304 when the caller has it, pages with a `Link` to the next.
//!
//! Must not choose what to show: wire types do.

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::problem::Problem;

/// The `If-None-Match` of a request.
#[must_use]
pub fn if_none_match(headers: &HeaderMap) -> Option<String> {
    headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned)
}

/// The strong entity tag of a body, quotes included.
#[must_use]
pub fn entity_tag(body: &[u8]) -> String {
    format!("\"{}\"", hex::encode(&Sha256::digest(body)[..16]))
}

/// Whether a list of tags, as `If-None-Match` and `If-Match` carry it, names this tag.
#[must_use]
pub fn names(list: &str, tag: &str) -> bool {
    list.split(',').map(str::trim).any(|t| t == "*" || t.strip_prefix("W/").unwrap_or(t) == tag)
}

/// The bytes of a JSON body.
///
/// # Errors
/// 500 when it cannot be written.
pub fn json_bytes<T: Serialize>(body: &T) -> Result<Vec<u8>, Problem> {
    serde_json::to_vec(body).map_err(|error| {
        tracing::error!(%error, "write an answer");
        Problem::internal()
    })
}

/// 200 with this JSON body and its tag, or 304 when the caller has it already.
pub fn shown<T: Serialize>(if_none_match: Option<&str>, body: &T) -> Response {
    match json_bytes(body) {
        Ok(bytes) => tagged(if_none_match, bytes, "application/json", "private, no-cache"),
        Err(problem) => problem.into_response(),
    }
}

/// 200 with these bytes and their tag, or 304 when the caller has them already.
#[must_use]
pub fn tagged(if_none_match: Option<&str>, bytes: Vec<u8>, media_type: &'static str, cache: &'static str) -> Response {
    let tag = entity_tag(&bytes);
    let is_known = if_none_match.is_some_and(|list| names(list, &tag));
    let mut response = if is_known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let headers = response.headers_mut();
    if is_known {
        headers.remove(header::CONTENT_TYPE);
    } else {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    set(headers, header::ETAG, &tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    if cache.starts_with("private") {
        headers.insert(header::VARY, HeaderValue::from_static("authorization, cookie"));
    }
    response
}

/// An answer to something that was done: this status, JSON body and tag.
pub fn done<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut response = shown(None, body);
    if response.status() == StatusCode::OK {
        *response.status_mut() = status;
    }
    response
}

/// 200 to something that was done.
pub fn ok<T: Serialize>(body: &T) -> Response {
    done(StatusCode::OK, body)
}

/// An answer that may hold a secret: nothing between here and the caller may keep it.
pub fn secret<T: Serialize>(status: StatusCode, body: &T) -> Response {
    let mut response = done(status, body);
    let headers = response.headers_mut();
    headers.remove(header::ETAG);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// 201 with a `Location`.
pub fn created<T: Serialize>(location: &str, body: &T) -> Response {
    let mut response = done(StatusCode::CREATED, body);
    set(response.headers_mut(), header::LOCATION, location);
    response
}

/// Sets a header whose value is made of plain ASCII of ours; anything else is left out.
pub fn set(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_gives_304_without_a_body() {
        let first = shown(None, &[1, 2]);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        assert!(tag.starts_with('"') && tag.ends_with('"'));
        assert_eq!(shown(Some(&format!("\"x\", W/{tag}")), &[1, 2]).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(shown(Some("*"), &[1, 2]).status(), StatusCode::NOT_MODIFIED);
        assert_eq!(shown(Some("\"x\""), &[1, 2]).status(), StatusCode::OK);
    }
}
