//! A request that changes something, in the order every such request is checked: token, rate limits,
//! headers, media type, declared length, body, and only then its content.
//!
//! Must not act: a handler gets a context with its idempotency key, and a valid input.

use std::marker::PhantomData;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, Method, header};
use serde::Serialize;
use service::ctx::IDEMPOTENCY_KEY_BYTES_MAX;
use service::{Ctx, Idempotency};
use sha2::{Digest, Sha256};

use super::answer;
use super::body::{BodyRule, Received};
use super::caller::{Headers, Registrant, identify};
use super::door::Door;
use super::fields::{self, FromFields};
use super::problem::Problem;

/// The header with which a client may safely send the same request again.
pub const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// A JSON request with a valid token and a valid body.
#[derive(Debug)]
pub struct Asked<T> {
    /// The context for the use case.
    pub ctx: Ctx,
    /// What is asked for.
    pub input: T,
    if_match: Option<String>,
    _body: Received,
}

impl<T: FromFields> FromRequest<Door> for Asked<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let taken = take(request, door, json_rule::<T>(), Intake::Plain).await?;
        let input = json_read(&taken.body)?;
        Ok(Self { ctx: taken.ctx, input, if_match: taken.if_match, _body: taken.body })
    }
}

impl<T> Asked<T> {
    /// Refuses when the caller named a state (`If-Match`) that is not this one.
    ///
    /// # Errors
    /// 412.
    pub fn if_match_check<S: Serialize>(&self, now: &S) -> Result<(), Problem> {
        let Some(list) = &self.if_match else { return Ok(()) };
        let tag = answer::entity_tag(&answer::json_bytes(now)?);
        if answer::names(list, &tag) { Ok(()) } else { Err(Problem::precondition_failed()) }
    }

    /// Whether the caller named a state at all.
    #[must_use]
    pub fn has_if_match(&self) -> bool {
        self.if_match.is_some()
    }
}

/// A JSON request of somebody without a token; it may carry the secret of a registration.
#[derive(Debug)]
pub struct Unknown<T> {
    /// Who asks.
    pub who: Registrant,
    /// What is asked for.
    pub input: T,
    _body: Received,
}

impl<T: FromFields> FromRequest<Door> for Unknown<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let who = Registrant::of(&parts, door)?;
        let rule = json_rule::<T>();
        rule.check_head(&parts.headers)?;
        let body = rule.read(&parts.headers, body, door.config.limits.body_arrival_ms, &door.room).await?;
        Ok(Self { who, input: json_read(&body)?, _body: body })
    }
}

fn json_rule<T: FromFields>() -> BodyRule {
    BodyRule {
        media_type: "application/json",
        or_multipart: false,
        bytes_max: T::BYTES_MAX,
        may_be_absent: T::MAY_BE_ABSENT,
    }
}

fn json_read<T: FromFields>(body: &Received) -> Result<T, Problem> {
    if body.bytes.is_empty() && T::MAY_BE_ABSENT { fields::read(b"{}") } else { fields::read(&body.bytes) }
}

/// A body that is a document and goes to the service as it is.
pub trait Document: Send {
    /// What is taken.
    const RULE: BodyRule;
    /// How it is taken in.
    const INTAKE: Intake = Intake::Plain;
}

/// Which rules of intake hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intake {
    /// This API's own.
    Plain,
    /// Those of the TAP intake: its older token header, its hour window.
    Tap,
}

/// A request whose body is a document.
#[derive(Debug)]
pub struct Sent<D> {
    /// The context for the use case.
    pub ctx: Ctx,
    /// The document.
    pub body: Received,
    document: PhantomData<fn() -> D>,
}

impl<D: Document> FromRequest<Door> for Sent<D> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let taken = take(request, door, D::RULE, D::INTAKE).await?;
        Ok(Self { ctx: taken.ctx, body: taken.body, document: PhantomData })
    }
}

struct Taken {
    ctx: Ctx,
    body: Received,
    if_match: Option<String>,
}

async fn take(request: Request, door: &Door, rule: BodyRule, intake: Intake) -> Result<Taken, Problem> {
    let (parts, body) = request.into_parts();
    let headers = if intake == Intake::Tap { Headers::Tap } else { Headers::Standard };
    let identified = identify(&parts, door, headers).await?;
    if intake == Intake::Tap {
        door.gates.report(&identified.secret)?;
    }
    let key = idempotency_key(&parts.headers)?;
    rule.check_head(&parts.headers)?;
    let body = rule.read(&parts.headers, body, door.config.limits.body_arrival_ms, &door.room).await?;
    let target = parts.uri.path_and_query().map_or("", |p| p.as_str());
    let mut ctx = identified.ctx;
    ctx.idempotency =
        key.map(|key| Idempotency { key, request_digest: request_digest(&parts.method, target, &body.bytes) });
    let if_match = parts.headers.get(header::IF_MATCH).and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
    Ok(Taken { ctx, body, if_match })
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut values = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let visible = |b: &u8| b.is_ascii_graphic();
    let text = value.as_bytes();
    let fits = (1..=IDEMPOTENCY_KEY_BYTES_MAX).contains(&text.len()) && text.iter().all(visible);
    match std::str::from_utf8(text) {
        Ok(key) if fits && values.next().is_none() => Ok(Some(key.to_owned())),
        _ => {
            let reason = format!("one key of 1 to {IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters");
            Err(Problem::header("Idempotency-Key", reason))
        }
    }
}

/// SHA-256 of method, target and body, each with its length in front, so that no two requests meet.
fn request_digest(method: &Method, target: &str, body: &[u8]) -> String {
    let mut digest = Sha256::new();
    for part in [method.as_str().as_bytes(), target.as_bytes(), body] {
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part);
    }
    hex::encode(digest.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_short_and_visible_and_alone() {
        let check = |key: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(IDEMPOTENCY_KEY, key.parse().unwrap());
            idempotency_key(&headers).ok().flatten()
        };
        assert_eq!(check("a-1").as_deref(), Some("a-1"));
        assert_eq!(check(&"k".repeat(128)).map(|k| k.len()), Some(128));
        assert_eq!(check(&"k".repeat(129)), None);
        assert_eq!(check("a b"), None);
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
    }

    #[test]
    fn a_digest_tells_requests_apart() {
        let of = |t: &str, b: &[u8]| request_digest(&Method::POST, t, b);
        assert_eq!(of("/a", b"x"), of("/a", b"x"));
        assert_ne!(of("/a", b"x"), of("/ax", b""));
    }
}
