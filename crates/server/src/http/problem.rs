//! Refusals on the wire: RFC 9457 `application/problem+json`, with a stable `code` and, where an
//! input is wrong, every violation in `errors[]`.
//!
//! Must not say more than the caller may know: what is hidden and what does not exist give the same
//! bytes, and inner errors go to the log alone.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use service::error::{ServiceError, Violation};
use utoipa::ToSchema;

use crate::limits::{SHED_RETRY_S, VIOLATIONS_LISTED_MAX};

/// Media type of every refusal.
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";
/// Problem type of a report that is not one JSON report (TAP).
pub const TAP_MALFORMED: &str = "tag:akrites.dev,2026-07:problem/malformed-json";
/// Problem type of a report that breaks rules (TAP).
pub const TAP_VALIDATION: &str = "tag:akrites.dev,2026-07:problem/validation";
const ABOUT_BLANK: &str = "about:blank";

/// A refusal (RFC 9457).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Problem {
    /// `about:blank`, or for a report the problem type of the TAP intake.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The refusal in a few words, the same for every occurrence.
    title: &'static str,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A stable word, never renamed.
    code: &'static str,
    /// What was attempted and what would be right, in a sentence.
    detail: String,
    /// Every violation of the input, where the input is wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 65)]
    errors: Vec<ProblemError>,
    #[serde(skip)]
    #[schema(ignore)]
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemError {
    /// A stable word, never renamed.
    pub code: &'static str,
    /// Where it is: `tags.exposure`, `attachments[2].filename`.
    pub field: String,
    /// The other field, where two do not go together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub also_field: Option<String>,
    /// What is wrong and what would be right. Never repeats a value of a report.
    pub reason: String,
}

impl ProblemError {
    /// One violation.
    pub fn new(code: &'static str, field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code, field: field.into(), also_field: None, reason: reason.into() }
    }
}

impl From<Violation> for ProblemError {
    fn from(violation: Violation) -> Self {
        Self::new(violation.code, violation.field, violation.reason)
    }
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { kind: ABOUT_BLANK, title, status: status.as_u16(), code, detail, errors: Vec::new(), headers: vec![] }
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn with(mut self, name: HeaderName, value: impl Into<HeaderValue>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// 401, one and the same whatever was wrong with the token.
    #[must_use]
    pub fn unauthenticated() -> Self {
        let detail = "send a valid token as `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", "A valid token is needed", detail)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
    }

    /// 403 by role, tier or scope.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// 403 for a browser that acts on behalf of another site.
    #[must_use]
    pub fn cross_origin() -> Self {
        let detail = "a page of another site may not send this; use a program, or a page of this server";
        Self::new(StatusCode::FORBIDDEN, "cross_origin", "Cross-origin request", detail)
    }

    /// 404 for what does not exist and for what must not be known to exist.
    #[must_use]
    pub fn not_found(what: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Not found", format!("no such {what}"))
    }

    /// 405; the `Allow` header is set by the router.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        let detail = "this resource does not have this method; `Allow` lists those it has";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "Method not allowed", detail)
    }

    /// 408: the body did not arrive in time; nothing was stored.
    #[must_use]
    pub fn body_late(ms: u64) -> Self {
        let detail = format!("the body did not arrive within {ms} ms; nothing was stored");
        Self::new(StatusCode::REQUEST_TIMEOUT, "body_late", "The body did not arrive", detail)
            .with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 400: the body broke off.
    #[must_use]
    pub fn body_broken() -> Self {
        let detail = "the body broke off before its end; nothing was stored";
        Self::new(StatusCode::BAD_REQUEST, "body_broken", "The body broke off", detail)
            .with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 413: the body is larger than this resource takes.
    #[must_use]
    pub fn body_too_large(bytes_max: usize) -> Self {
        let detail = format!("the body is larger than {bytes_max} bytes; nothing was stored");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", "The body is too large", detail)
            .with(header::CONNECTION, HeaderValue::from_static("close"))
    }

    /// 413: the body nests deeper than it may.
    #[must_use]
    pub fn too_deep(levels_max: usize) -> Self {
        let detail = format!("the body nests deeper than {levels_max} levels; nothing was stored");
        let mut problem = Self::new(StatusCode::PAYLOAD_TOO_LARGE, "structure_too_deep", "Nested too deep", detail);
        problem.errors.push(ProblemError::new("structure_too_deep", "", format!("at most {levels_max} levels")));
        problem
    }

    /// 415: not a media type that this resource takes.
    #[must_use]
    pub fn media_type(wanted: &'static str) -> Self {
        let detail = format!("send this as Content-Type: {wanted}");
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media_type", "Media type not taken", detail)
            .with(header::ACCEPT, HeaderValue::from_static(wanted))
    }

    /// 400: not one JSON document.
    pub fn malformed_json(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "malformed_json", "Not one JSON document", reason)
    }

    /// 400: every violation listed.
    #[must_use]
    pub fn validation(errors: Vec<ProblemError>) -> Self {
        let detail = format!("{} to put right; nothing was stored", count(errors.len(), "violation"));
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "validation", "The input breaks rules", detail);
        problem.errors = bounded(errors);
        problem
    }

    /// One violation alone.
    pub fn invalid(code: &'static str, field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::validation(vec![ProblemError::new(code, field, reason)])
    }

    /// 400: a header that is wrong.
    pub fn header(name: &'static str, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        let detail = format!("{name}: {reason}");
        let mut problem = Self::new(StatusCode::BAD_REQUEST, "invalid_header", "A header is wrong", detail);
        problem.errors.push(ProblemError::new("invalid_header", name, reason));
        problem
    }

    /// 409: the input is right and the state of things forbids it.
    pub fn conflict(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, code, "The state of things forbids it", detail)
    }

    /// 412: the thing changed since the caller saw it.
    #[must_use]
    pub fn precondition_failed() -> Self {
        let detail = "it is not the state that If-Match names; read it again";
        Self::new(StatusCode::PRECONDITION_FAILED, "precondition_failed", "It changed meanwhile", detail)
    }

    /// 429: a rate limit is used up.
    pub fn rate_limited(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate_limited", "Too many requests", detail)
            .with(header::RETRY_AFTER, retry_after_s)
    }

    /// 429: so many reports of the sender wait that no more are taken now.
    pub fn queue_full(detail: impl Into<String>, retry_after_s: u64) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_waiting", "Too many reports wait", detail)
            .with(header::RETRY_AFTER, retry_after_s)
    }

    /// 503: nothing was stored, come again.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail)
            .with(header::RETRY_AFTER, SHED_RETRY_S)
    }

    /// 500, without a word of what broke.
    #[must_use]
    pub fn internal() -> Self {
        let detail = "something broke here; the request id in the answer's header finds it in the log";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something broke here", detail)
    }

    /// 400: a report that is not one JSON report (TAP).
    pub fn tap_malformed(reason: impl Into<String>) -> Self {
        Self { kind: TAP_MALFORMED, ..Self::malformed_json(reason) }
    }

    /// A report that breaks rules: 413 when a size is among them, else 400.
    #[must_use]
    pub fn tap_validation(errors: Vec<ProblemError>, is_size: bool) -> Self {
        let mut problem = Self::validation(errors);
        problem.kind = TAP_VALIDATION;
        if is_size {
            problem.status = StatusCode::PAYLOAD_TOO_LARGE.as_u16();
        }
        problem
    }
}

/// `1 violation`, `2 violations`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Keeps an answer small whatever was sent: the rest is counted.
fn bounded(mut errors: Vec<ProblemError>) -> Vec<ProblemError> {
    let more = errors.len().saturating_sub(VIOLATIONS_LISTED_MAX);
    if more > 0 {
        errors.truncate(VIOLATIONS_LISTED_MAX);
        errors.push(ProblemError::new("too_many_items", "", format!("and {}", count(more, "further violation"))));
    }
    errors
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Unauthenticated => Self::unauthenticated(),
            ServiceError::Forbidden(detail) => Self::forbidden(detail),
            ServiceError::NotFound(what) => Self::not_found(what),
            ServiceError::Invalid(violations) => Self::validation(violations.into_iter().map(Into::into).collect()),
            ServiceError::Tap(refusal) => {
                // Only the report's own handler meets this, and it answers in TAP's words.
                tracing::error!(error = %refusal, "a TAP refusal outside the intake");
                Self::internal()
            }
            ServiceError::Conflict { code, reason } => Self::conflict(code, reason),
            ServiceError::IdempotencyReuse => {
                Self::conflict("idempotency_key_reused", "this Idempotency-Key was used for another request")
            }
            ServiceError::QueueFull { reason, retry_after_s } => Self::queue_full(reason, retry_after_s),
            ServiceError::Unavailable(inner) => {
                tracing::warn!(error = %inner, "not available");
                Self::unavailable("not available now; nothing was stored")
            }
            ServiceError::Internal(inner) => {
                tracing::error!(error = %inner, "internal error");
                Self::internal()
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(mut self) -> Response {
        let headers = std::mem::take(&mut self.headers);
        let status = self.status();
        let body = serde_json::to_vec(&self).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_MEDIA_TYPE));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        for (name, value) in headers {
            response.headers_mut().insert(name, value);
        }
        response
    }
}
