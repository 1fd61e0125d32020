//! Logging in and out of the pages: a cookie holds the same bearer token that the API takes.
//!
//! The cookie is read by pages only, never by the API, so no page of another site can act through
//! it; it is `HttpOnly` and `SameSite=Strict`. Must not keep sessions: the token is the session.

use askama::Template;
use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use domain::party::Actor;
use service::{Ctx, ServiceError};

use super::page::{Frame, refusal, render};
use crate::gate::Peer;
use crate::http::body::BodyRule;
use crate::http::door::Door;
use crate::http::problem::Problem;
use crate::limits::FORM_BODY_BYTES_MAX;

const COOKIE: &str = "proofhouse";
/// Browsers take this name only with `Secure`, `Path=/` and no domain.
const COOKIE_HTTPS: &str = "__Host-proofhouse";
/// How long a browser keeps the cookie, in seconds.
const COOKIE_AGE_S: u32 = 8 * 3_600;
/// Longest token that is looked up, in bytes.
const TOKEN_BYTES_MAX: usize = 256;
const FORM: BodyRule = BodyRule {
    media_type: "application/x-www-form-urlencoded",
    or_multipart: false,
    bytes_max: FORM_BODY_BYTES_MAX,
    may_be_absent: true,
};

/// Whoever looks at a page.
#[derive(Debug)]
pub struct Visitor {
    ctx: Option<Ctx>,
}

impl Visitor {
    /// The actor, if somebody is logged in.
    #[must_use]
    pub fn actor(&self) -> Option<&Actor> {
        self.ctx.as_ref().map(|c| &c.actor)
    }

    /// The context for use cases, if somebody is logged in.
    #[must_use]
    pub fn ctx(&self) -> Option<&Ctx> {
        self.ctx.as_ref()
    }
}

impl FromRequestParts<Door> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Response> {
        let nobody = Self { ctx: None };
        match visitor(parts, door).await {
            Ok(ctx) => Ok(Self { ctx }),
            Err(problem) => Err(refusal(problem, &nobody)),
        }
    }
}

async fn visitor(parts: &Parts, door: &Door) -> Result<Option<Ctx>, Problem> {
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    let Some(secret) = cookie(&parts.headers, cookie_name(door)) else {
        if let Some(address) = address {
            door.gates.anonymous(address)?;
        }
        return Ok(None);
    };
    if let Some(address) = address {
        door.gates.may_try(address)?;
    }
    match door.service.authenticate(&secret).await {
        Ok(actor) => {
            door.gates.token(&secret)?;
            Ok(Some(Ctx::of(actor)))
        }
        // A token that has ended is a visitor who has to log in again.
        Err(ServiceError::Unauthenticated) => {
            if let Some(address) = address {
                door.gates.refused(address);
                door.gates.anonymous(address)?;
            }
            Ok(None)
        }
        Err(other) => Err(other.into()),
    }
}

fn cookie_name(door: &Door) -> &'static str {
    if door.config.is_https() { COOKIE_HTTPS } else { COOKIE }
}

fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok());
    let pairs = all.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let value = pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.to_owned());
    value.filter(|v| !v.is_empty() && v.len() <= TOKEN_BYTES_MAX)
}

fn cookie_set(response: &mut Response, door: &Door, value: &str, age_s: u32) {
    let secure = if door.config.is_https() { "; Secure" } else { "" };
    let name = cookie_name(door);
    let text = format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}");
    if let Ok(text) = HeaderValue::from_str(&text) {
        response.headers_mut().insert(header::SET_COOKIE, text);
    }
}

/// The form.
#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    next: String,
    is_refused: bool,
}

/// `GET /login`.
pub async fn login_form(visitor: Visitor, request: Request) -> Response {
    let query = request.uri().query().unwrap_or_default().as_bytes();
    let next = form_urlencoded::parse(query).find(|(key, _)| key == "next").map(|(_, value)| value.into_owned());
    let next = safe_next(next.as_deref());
    render(StatusCode::OK, &LoginPage { frame: Frame::new("Log in", &visitor), next, is_refused: false })
}

/// `POST /login`.
pub async fn login(State(door): State<Door>, request: Request) -> Response {
    let nobody = Visitor { ctx: None };
    match login_try(&door, request).await {
        Ok((Some(secret), next)) => {
            let mut response = Redirect::to(&next).into_response();
            cookie_set(&mut response, &door, &secret, COOKIE_AGE_S);
            response
        }
        Ok((None, next)) => {
            let page = LoginPage { frame: Frame::new("Log in", &nobody), next, is_refused: true };
            render(StatusCode::UNAUTHORIZED, &page)
        }
        Err(problem) => refusal(problem, &nobody),
    }
}

/// The token if it is valid, and where to go on.
async fn login_try(door: &Door, request: Request) -> Result<(Option<String>, String), Problem> {
    let (parts, body) = request.into_parts();
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    if let Some(address) = address {
        door.gates.may_try(address)?;
        door.gates.anonymous(address)?;
    }
    FORM.check_head(&parts.headers)?;
    let body = FORM.read(&parts.headers, body, door.config.limits.body_arrival_ms, &door.room).await?;
    let field = |name: &str| form_urlencoded::parse(&body.bytes).find(|(k, _)| k == name).map(|(_, v)| v.into_owned());
    let next = safe_next(field("next").as_deref());
    let secret = field("token").map(|t| t.trim().to_owned()).unwrap_or_default();
    // Only characters that a cookie can carry unchanged; no token of ours has others.
    let is_plain = secret.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let fits = !secret.is_empty() && secret.len() <= TOKEN_BYTES_MAX && is_plain;
    let known = match if fits { door.service.authenticate(&secret).await } else { Err(ServiceError::Unauthenticated) } {
        Ok(_) => Some(secret),
        Err(ServiceError::Unauthenticated) => None,
        Err(other) => return Err(other.into()),
    };
    if let (None, Some(address)) = (&known, address) {
        door.gates.refused(address);
    }
    Ok((known, next))
}

/// `POST /logout`.
pub async fn logout(State(door): State<Door>) -> Response {
    let mut response = Redirect::to("/").into_response();
    cookie_set(&mut response, &door, "", 0);
    response
}

/// Where to go after logging in: a page of ours and nothing else.
fn safe_next(wanted: Option<&str>) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'.');
    match wanted {
        Some(path)
            if path.starts_with('/') && !path.starts_with("//") && path.len() <= 200 && path.bytes().all(plain) =>
        {
            path.to_owned()
        }
        _ => "/".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_on_within_this_site_only() {
        assert_eq!(safe_next(Some("/cases/case_1")), "/cases/case_1");
        for foreign in ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/a?b"] {
            assert_eq!(safe_next(Some(foreign)), "/", "{foreign}");
        }
    }

    #[test]
    fn finds_the_cookie_among_others() {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, "a=b; proofhouse=pht_1; c=d".parse().unwrap());
        assert_eq!(cookie(&headers, COOKIE).as_deref(), Some("pht_1"));
        assert_eq!(cookie(&headers, COOKIE_HTTPS), None);
    }
}
