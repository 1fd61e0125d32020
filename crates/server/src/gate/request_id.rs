//! A name for each request, given back in `x-request-id` and written into the log line, so that an
//! answer and its log line can be brought together.
//!
//! Must not trust what a client sends: only short plain ids are taken over.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use crate::limits::REQUEST_ID_BYTES_MAX;

/// The header, in requests and answers.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The client's id when it is short and plain, else a new one of 128 random bits in hex.
#[must_use]
pub fn request_id(headers: &HeaderMap) -> HeaderValue {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    match headers.get(REQUEST_ID) {
        Some(id) if (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.as_bytes().iter().all(plain) => id.clone(),
        _ => fresh(),
    }
}

fn fresh() -> HeaderValue {
    let mut bytes = [0_u8; 16];
    // Without randomness the id is useless and the request is still answered.
    let _ = getrandom::fill(&mut bytes);
    HeaderValue::from_str(&hex::encode(bytes)).unwrap_or(HeaderValue::from_static("none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_over_plain_ids_only() {
        let with = |id: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, id.parse().unwrap());
            request_id(&headers).to_str().unwrap().to_owned()
        };
        assert_eq!(with("trace-1.A"), "trace-1.A");
        assert_ne!(with("a b"), "a b");
        assert_ne!(with(&"x".repeat(65)), "x".repeat(65));
        assert_eq!(request_id(&HeaderMap::new()).len(), 32);
    }
}
