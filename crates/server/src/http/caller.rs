//! Who calls: from a bearer token to an actor, within the rate limits, before any body is read.
//!
//! Must not say what was wrong with a token, and must not log one.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use serde::Serialize;
use service::{Ctx, ServiceError};

use super::answer;
use super::door::Door;
use super::problem::Problem;
use crate::gate::Peer;

/// The older header of the TAP intake for the same token.
pub const TAP_TOKEN_HEADER: &str = "tap-submission-token";
/// The headers as an answer spells them.
const AUTHORIZATION: &str = "Authorization";
const TAP_TOKEN: &str = "TAP-SUBMISSION-TOKEN";

/// A caller with a valid token, who reads.
#[derive(Debug)]
pub struct Caller {
    /// The context for the use case, without an idempotency key.
    pub ctx: Ctx,
    if_none_match: Option<String>,
}

/// Somebody to whom a body is shown, unless the caller has it already.
pub trait Shows {
    /// The `If-None-Match` of the request.
    fn if_none_match(&self) -> Option<&str>;

    /// 200 with this body, or 304 when the caller has it already.
    fn shown<T: Serialize>(&self, body: &T) -> Response {
        answer::shown(self.if_none_match(), body)
    }
}

impl Shows for Caller {
    fn if_none_match(&self) -> Option<&str> {
        self.if_none_match.as_deref()
    }
}

impl Shows for Anonymous {
    fn if_none_match(&self) -> Option<&str> {
        self.if_none_match.as_deref()
    }
}

impl FromRequestParts<Door> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let identified = identify(parts, door, Headers::Standard).await?;
        Ok(Self { ctx: identified.ctx, if_none_match: answer::if_none_match(&parts.headers) })
    }
}

/// A caller without a token, counted by address.
#[derive(Debug)]
pub struct Anonymous {
    if_none_match: Option<String>,
}

impl FromRequestParts<Door> for Anonymous {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        if let Some(Peer(address)) = parts.extensions.get::<Peer>() {
            door.gates.anonymous(address.ip())?;
        }
        Ok(Self { if_none_match: answer::if_none_match(&parts.headers) })
    }
}

/// Whoever registers, or comes back with the secret of a registration: counted by address.
#[derive(Debug)]
pub struct Registrant {
    /// The secret; empty when none was sent, which opens nothing.
    pub secret: String,
    address: Option<IpAddr>,
}

impl Registrant {
    /// Reads who asks, within the rate limits.
    ///
    /// # Errors
    /// 400 for two secrets that differ, 429.
    pub fn of(parts: &Parts, door: &Door) -> Result<Self, Problem> {
        let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
        if let Some(address) = address {
            door.gates.may_try(address)?;
            door.gates.anonymous(address)?;
        }
        Ok(Self { secret: token(&parts.headers, Headers::Standard)?.unwrap_or_default(), address })
    }

    /// Counts a new registration of this address.
    ///
    /// # Errors
    /// 429.
    pub fn registers(&self, door: &Door) -> Result<(), Problem> {
        self.address.map_or(Ok(()), |address| door.gates.registration(address))
    }

    /// Counts a secret that opened nothing.
    pub fn refused(&self, door: &Door) {
        if let Some(address) = self.address {
            door.gates.refused(address);
        }
    }
}

impl FromRequestParts<Door> for Registrant {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        Self::of(parts, door)
    }
}

/// Which headers may carry the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Headers {
    /// `Authorization` alone.
    Standard,
    /// Also the older header of the TAP intake.
    Tap,
}

/// A valid token and whom it stands for.
pub struct Identified {
    /// The context for the use case.
    pub ctx: Ctx,
    /// The secret, for the rate tables only.
    pub secret: String,
}

/// Turns the token of a request into an actor and counts the request.
///
/// # Errors
/// 400 for two tokens that differ, 401, 429, 503.
pub async fn identify(parts: &Parts, door: &Door, headers: Headers) -> Result<Identified, Problem> {
    let secret = token(&parts.headers, headers)?;
    let address = parts.extensions.get::<Peer>().map(|peer| peer.0.ip());
    if let Some(address) = address {
        door.gates.may_try(address)?;
    }
    let refused = || {
        if let Some(address) = address {
            door.gates.refused(address);
        }
        Problem::unauthenticated()
    };
    let Some(secret) = secret else { return Err(refused()) };
    let actor = match door.service.authenticate(&secret).await {
        Ok(actor) => actor,
        Err(ServiceError::Unauthenticated) => return Err(refused()),
        Err(other) => return Err(other.into()),
    };
    door.gates.token(&secret)?;
    Ok(Identified { ctx: Ctx::of(actor), secret })
}

/// The one token of a request: every header line that may carry it says the same, or none counts.
fn token(headers: &HeaderMap, which: Headers) -> Result<Option<String>, Problem> {
    let bearers = headers.get_all(header::AUTHORIZATION).iter().map(|v| (AUTHORIZATION, bearer(v.as_bytes())));
    let older = headers.get_all(TAP_TOKEN_HEADER).iter().filter(|_| which == Headers::Tap);
    let older = older.map(|v| (TAP_TOKEN, String::from_utf8(v.as_bytes().to_vec()).ok()));
    let mut all = bearers.chain(older);
    let Some((_, first)) = all.next() else { return Ok(None) };
    match all.find(|(_, other)| *other != first) {
        Some((name, _)) => Err(Problem::header(name, "the request carries different tokens; send one")),
        None => Ok(first),
    }
}

fn bearer(value: &[u8]) -> Option<String> {
    let (scheme, secret) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    let secret = secret.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !secret.is_empty()).then(|| secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pairs: &[(&'static str, &str)]) -> Option<Option<String>> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        token(&headers, Headers::Tap).ok()
    }

    #[test]
    fn one_token_in_either_header() {
        let some = |t: &str| Some(Some(t.to_owned()));
        assert_eq!(check(&[("authorization", "Bearer a")]), some("a"));
        assert_eq!(check(&[("authorization", "bearer  a ")]), some("a"));
        assert_eq!(check(&[("tap-submission-token", "a")]), some("a"));
        assert_eq!(check(&[("tap-submission-token", "a"), ("authorization", "Bearer a")]), some("a"));
        assert_eq!(check(&[("tap-submission-token", "a"), ("authorization", "Bearer b")]), None);
        assert_eq!(check(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]), None);
        assert_eq!(check(&[("tap-submission-token", "a"), ("tap-submission-token", "b")]), None);
        assert_eq!(check(&[("authorization", "Basic a")]), Some(None));
        assert_eq!(check(&[]), Some(None));
    }
}
