//! Refuses what a browser sends on behalf of another site, before anything of it is read.
//!
//! A browser says where a request comes from (`Sec-Fetch-Site`, `Origin`); programs send neither.
//! Must not look at tokens: a stolen click is refused whether or not it carries one.

use axum::http::{HeaderMap, Method, header};

/// Whether this is a request that changes something and that a page of another site made.
#[must_use]
pub fn is_cross_origin(method: &Method, headers: &HeaderMap) -> bool {
    if matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) {
        return false;
    }
    let site = headers.get("sec-fetch-site").map(|v| v.as_bytes());
    if site.is_some_and(|site| site != b"same-origin" && site != b"none") {
        return true;
    }
    let Some(origin) = headers.get(header::ORIGIN) else { return false };
    let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
    match (origin.to_str().ok().and_then(authority), host) {
        (Some(origin), Some(host)) => !origin.eq_ignore_ascii_case(host),
        // `Origin: null`, or a request without a host: not the same.
        _ => true,
    }
}

fn authority(origin: &str) -> Option<&str> {
    let (_, rest) = origin.split_once("://")?;
    Some(rest.trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, pairs: &[(&'static str, &str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_cross_origin(method, &headers)
    }

    #[test]
    fn only_a_foreign_page_that_writes_is_refused() {
        let host = ("host", "a.example:8080");
        assert!(!check(&Method::POST, &[host]));
        assert!(!check(&Method::POST, &[host, ("origin", "http://a.example:8080")]));
        assert!(check(&Method::POST, &[host, ("origin", "http://a.example")]));
        assert!(check(&Method::POST, &[host, ("origin", "null")]));
        assert!(check(&Method::PUT, &[host, ("sec-fetch-site", "cross-site")]));
        assert!(check(&Method::POST, &[host, ("sec-fetch-site", "same-site")]));
        assert!(!check(&Method::POST, &[host, ("sec-fetch-site", "same-origin")]));
        assert!(!check(&Method::GET, &[host, ("origin", "https://b.example")]));
    }
}
