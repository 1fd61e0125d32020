//! `/notices`: what an operator has to do, on which asset, by when and why.
//!
//! Must not show one operator another's notice; answering is the API's.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use service::{Ctx, ServiceError};
use store::Page;

use super::case::{NoticeRow, notice_row};
use super::page::{Frame, refusal, render};
use super::session::Visitor;
use crate::http::door::Door;

/// Notices on the page, at most.
const ROWS: u32 = 100;

#[derive(Template)]
#[template(path = "notices.html")]
struct NoticesPage {
    frame: Frame,
    notices: Vec<NoticeRow>,
    has_more: bool,
}

/// `GET /notices`.
pub async fn notices(State(door): State<Door>, visitor: Visitor) -> Response {
    let Some(ctx) = visitor.ctx() else { return Redirect::to("/login?next=/notices").into_response() };
    match notices_page(&door, &visitor, ctx).await {
        Ok(page) => render(StatusCode::OK, &page),
        Err(error) => refusal(error.into(), &visitor),
    }
}

async fn notices_page(door: &Door, visitor: &Visitor, ctx: &Ctx) -> Result<NoticesPage, ServiceError> {
    let mut listed = door.service.notice_list(ctx, &Page { cursor: None, limit: ROWS }).await?;
    // What is due first stands first; what has no day stands behind, what is closed last.
    listed.items.sort_by_key(|n| (n.closed_at.is_some(), n.due.is_none(), n.due, n.id));
    let notices = listed.items.iter().map(|n| notice_row(n, None)).collect();
    Ok(NoticesPage { frame: Frame::new("Notices", visitor), notices, has_more: listed.next.is_some() })
}
