//! `/advisories/{name}`: one advisory of the public record, and its documents to download.
//!
//! Must not show anything of the case that the public may not see.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use service::ServiceError;
use service::range::MeasuredRange;

use super::case::{Interval, intervals};
use super::page::{Frame, day, refusal, render};
use super::session::Visitor;
use super::strip::Strip;
use crate::http::door::Door;
use crate::http::v1::wire::texts;

#[derive(Template)]
#[template(path = "advisory.html")]
struct AdvisoryPage {
    frame: Frame,
    name: String,
    case: String,
    title: String,
    summary: String,
    purl: String,
    weakness: Option<String>,
    aliases: Vec<String>,
    credits: Vec<String>,
    revision: i64,
    published: String,
    modified: String,
    withdrawn: Option<(String, String)>,
    affected: Vec<Interval>,
    strip: Option<Strip>,
    fixes: Vec<String>,
}

/// `GET /advisories/{name}`.
pub async fn advisory(State(door): State<Door>, visitor: Visitor, Path(name): Path<String>) -> Response {
    match advisory_page(&door, &visitor, &name).await {
        Ok(page) => render(StatusCode::OK, &page),
        Err(error) => refusal(error.into(), &visitor),
    }
}

async fn advisory_page(door: &Door, visitor: &Visitor, name: &str) -> Result<AdvisoryPage, ServiceError> {
    let advisory = door.service.advisory_show(name).await?;
    let view = door.service.case_show_public(advisory.case_id).await?;
    let range = view.case.range.as_deref().map(MeasuredRange::parse).transpose()?;
    let verified = view.fixes.iter().filter(|f| f.state == domain::fix::FixState::Verified);
    let fix = |f: &store::fix::Fix| match &f.version {
        Some(version) => format!("Upgrade to {version} or later. {}", f.note),
        None => f.note.clone(),
    };
    Ok(AdvisoryPage {
        frame: Frame::new(advisory.name.clone(), visitor),
        case: advisory.case_id.to_string(),
        title: view.case.title.clone(),
        summary: view.case.summary.clone(),
        weakness: view.case.weakness.clone(),
        aliases: texts(&view.case.aliases),
        credits: view.credits,
        revision: advisory.revision,
        published: day(advisory.published_at),
        modified: day(advisory.modified_at),
        withdrawn: advisory.withdrawn_at.map(|at| (day(at), advisory.withdrawn_reason.unwrap_or_default())),
        affected: range.as_ref().map(intervals).unwrap_or_default(),
        strip: range.as_ref().map(|r| Strip::draw(r, super::case::ecosystem(&view.case.purl))),
        fixes: verified.map(fix).collect(),
        purl: view.case.purl,
        name: advisory.name,
    })
}
