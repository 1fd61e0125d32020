//! `/advisories/{name}`: one advisory of the public record, and its documents to download.
//!
//! Must not show anything of the case that the public may not see.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::fix::{FixKind, FixState};
use service::ServiceError;
use service::range::MeasuredRange;
use store::fix::Fix;

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
        fixes: actions(&view.fixes, range.as_ref()),
        purl: view.case.purl,
        name: advisory.name,
    })
}

/// What to do, best first: verified upgrades, else the first version measured to be without the
/// defect; and mitigations.
fn actions(fixes: &[Fix], range: Option<&MeasuredRange>) -> Vec<String> {
    let live = |f: &&Fix| f.state != FixState::Refuted;
    let verified = fixes.iter().filter(|f| f.state == FixState::Verified && f.version.is_some());
    let upgrade = |f: &Fix| {
        format!(
            "Upgrade to {} or later: every proof is silent on it. {}",
            f.version.clone().unwrap_or_default(),
            f.note
        )
    };
    let mut actions: Vec<String> = verified.map(upgrade).collect();
    if let (true, Some(fixed)) = (actions.is_empty(), range.and_then(MeasuredRange::fixed_in)) {
        actions.push(format!("Upgrade to {fixed} or later: measured as the first version without the defect."));
    }
    let mitigations = fixes.iter().filter(live).filter(|f| f.kind == FixKind::Mitigation);
    actions.extend(mitigations.map(|f| format!("Until then: {}", f.note)));
    actions
}
