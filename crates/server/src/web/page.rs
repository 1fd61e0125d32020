//! What all pages share: the frame, the headers that keep foreign content out, pages of refusal, and
//! how facts are put into words.
//!
//! Must not let a page carry script or style of anybody else: the policy header forbids all but our
//! own style sheet.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use domain::party::Role;
use domain::time::Timestamp;

use super::session::Visitor;
use crate::http::problem::Problem;

/// No script at all, our own style and pictures, forms to ourselves, no frames.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// What the frame of every page shows.
pub struct Frame {
    /// Title of the page.
    pub title: String,
    /// Whether somebody is logged in.
    pub is_known: bool,
    /// Whether its party is an operator.
    pub is_operator: bool,
    /// Its roles, in words.
    pub roles: String,
}

impl Frame {
    /// The frame of a page for a visitor.
    pub fn new(title: impl Into<String>, visitor: &Visitor) -> Self {
        let actor = visitor.actor();
        let roles = actor.map(|a| a.roles.iter().map(|r| r.as_str()).collect::<Vec<_>>().join(", "));
        Self {
            title: title.into(),
            is_known: actor.is_some(),
            is_operator: actor.is_some_and(|a| a.is(Role::Operator)),
            roles: roles.unwrap_or_default(),
        }
    }
}

/// A page of refusal.
#[derive(Template)]
#[template(path = "refusal.html")]
struct Refusal<'a> {
    frame: Frame,
    status: u16,
    words: &'a str,
}

/// Renders a page with its headers.
pub fn render(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => framed(status, html),
        Err(error) => {
            tracing::error!(%error, "render a page");
            framed(StatusCode::INTERNAL_SERVER_ERROR, "Something broke here.".to_owned())
        }
    }
}

fn framed(status: StatusCode, html: String) -> Response {
    let mut response = (status, Html(html)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

/// A refusal as a page. The page is the same for what is hidden and for what does not exist.
pub fn refusal(problem: Problem, visitor: &Visitor) -> Response {
    let status = problem.status();
    let words = match status {
        StatusCode::NOT_FOUND if visitor.actor().is_none() => {
            "There is nothing here for the public. If you take part in this clearinghouse, log in and try again."
        }
        StatusCode::NOT_FOUND => "There is nothing here for you.",
        StatusCode::TOO_MANY_REQUESTS => "Too many requests. Wait a minute and try again.",
        StatusCode::SERVICE_UNAVAILABLE => "The clearinghouse is not available right now. Try again in a moment.",
        StatusCode::BAD_REQUEST => "That request is not one this page understands.",
        StatusCode::FORBIDDEN => "Your token does not allow this.",
        _ => "Something broke here. It has been logged.",
    };
    let title = status.canonical_reason().unwrap_or("Refused");
    let mut response = render(status, &Refusal { frame: Frame::new(title, visitor), status: status.as_u16(), words });
    // `Retry-After` and the like stay.
    for (name, value) in problem.into_response().headers() {
        if name != header::CONTENT_TYPE && name != header::CACHE_CONTROL && name != header::CONTENT_LENGTH {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// `23 November 2026`.
pub fn day(at: Timestamp) -> String {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let date = at.date();
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return date };
    let name = month.parse::<usize>().ok().and_then(|m| MONTHS.get(m.checked_sub(1)?));
    name.map_or_else(|| date.clone(), |name| format!("{} {name} {year}", day.trim_start_matches('0')))
}

/// `10:04 UTC`.
pub fn clock(at: Timestamp) -> String {
    format!("{} UTC", at.to_string().chars().skip(11).take(5).collect::<String>())
}

/// The last characters of an id, enough to tell rows of one page apart.
pub fn short(id: &impl ToString) -> String {
    let text = id.to_string();
    let tail: String = text.chars().skip(text.len().saturating_sub(6)).collect();
    format!("…{tail}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_words() {
        let at: Timestamp = "2026-11-03T09:04:05Z".parse().unwrap();
        assert_eq!((day(at).as_str(), clock(at).as_str()), ("3 November 2026", "09:04 UTC"));
        assert_eq!(short(&"case_0123456789"), "…456789");
    }
}
