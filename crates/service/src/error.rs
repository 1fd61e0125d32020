//! Why a use case was refused: what the outside may know, apart from what only the log may know.
//!
//! Must not know HTTP: the doors turn each kind into their own answer. A thing that is hidden and a
//! thing that does not exist give the same value.

use domain::shown::is_turning;
use formats::tap::is_http_url;
use store::StoreError;
use thiserror::Error;

/// One thing that is wrong with an input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// A stable word, never renamed.
    pub code: &'static str,
    /// The field it is about.
    pub field: String,
    /// What is wrong and what would be right, in one sentence.
    pub reason: String,
}

impl Violation {
    /// A violation with a stable code.
    #[must_use]
    pub fn new(code: &'static str, field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { code, field: field.into(), reason: reason.into() }
    }
}

/// Why a use case did not happen. Nothing was stored.
#[derive(Debug, Error)]
pub enum ServiceError {
    /// No token, or one that is unknown, expired or revoked: always the same.
    #[error("a valid bearer token is needed")]
    Unauthenticated,
    /// The actor may know of the thing and may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing, or the actor must not learn that there is.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The input is wrong; every violation is listed.
    #[error("the input has {} violations", .0.len())]
    Invalid(Vec<Violation>),
    /// A report that the TAP intake refuses, with every violation.
    #[error("{0}")]
    Tap(formats::tap::Refusal),
    /// The input is right and the state of things forbids it.
    #[error("{reason}")]
    Conflict {
        /// A stable word, never renamed.
        code: &'static str,
        /// What stands in the way, and what to do.
        reason: String,
    },
    /// The same idempotency key came with another request.
    #[error("this idempotency key was used for another request")]
    IdempotencyReuse,
    /// So many reports of the sender wait that no more are taken now. Nothing was stored.
    #[error("{reason}")]
    QueueFull {
        /// How many wait, how many may, and what to do.
        reason: String,
        /// When to come again, in seconds.
        retry_after_s: u64,
    },
    /// Come again: nothing was stored.
    #[error("not available now: {0}")]
    Unavailable(String),
    /// Something here is broken. The text is for the log, never for the outside.
    #[error("internal: {0}")]
    Internal(String),
}

impl ServiceError {
    /// One violation alone.
    #[must_use]
    pub fn invalid(code: &'static str, field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Invalid(vec![Violation::new(code, field, reason)])
    }

    /// A refusal by the state of things.
    #[must_use]
    pub fn conflict(code: &'static str, reason: impl Into<String>) -> Self {
        Self::Conflict { code, reason: reason.into() }
    }
}

/// Refuses what nobody can follow as a reference.
pub(crate) fn url_check(field: &str, url: &str, bytes_max: usize) -> std::result::Result<(), Violation> {
    if url.len() <= bytes_max && is_http_url(url) {
        return Ok(());
    }
    let reason = format!("an absolute http(s) URL of at most {bytes_max} bytes");
    Err(Violation::new("invalid_reference", field, reason))
}

/// Refuses a text of several lines that is empty, too long, or holds control characters.
pub(crate) fn prose_check(field: &'static str, text: &str, bytes_max: usize) -> std::result::Result<(), Violation> {
    let control = text.chars().any(|c| (c.is_control() && !matches!(c, '\n' | '\r' | '\t')) || is_turning(c));
    if text.trim().is_empty() {
        return Err(Violation::new("missing_field", field, format!("1 to {bytes_max} bytes")));
    }
    if text.len() > bytes_max {
        return Err(Violation::new("field_too_large", field, format!("at most {bytes_max} bytes")));
    }
    if control {
        return Err(Violation::new(
            "control_characters",
            field,
            "no control characters but line breaks and tabs, and none that turn the direction of writing",
        ));
    }
    Ok(())
}

/// Result of a use case.
pub type Result<T> = std::result::Result<T, ServiceError>;

/// For errors that can only come from damage or a defect of ours.
pub(crate) fn internal(what: &str, error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Internal(format!("{what}: {error}"))
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        if matches!(error, StoreError::CursorForeign) {
            Self::invalid("invalid_cursor", "cursor", "the cursor belongs to another list; start again without it")
        } else if matches!(error, StoreError::NulInText { .. }) {
            Self::invalid("control_characters", "", "no text may hold a NUL character")
        } else if error.is_conflict() {
            Self::conflict("changed_meanwhile", "somebody else wrote the same at this moment; read it again")
        } else if error.is_transient() {
            Self::Unavailable(error.to_string())
        } else {
            Self::Internal(error.to_string())
        }
    }
}
