//! `/`: what this is, what was published, and for those who are logged in what they may see.
//!
//! Must not show a number of anything that its reader may not see.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use domain::pace::Release;
use domain::party::Role;
use service::{Ctx, ServiceError};
use store::Page;
use store::case::CaseFilter;
use store::letter::LetterState;
use store::registration::RegistrationState;

use super::page::{Frame, day, refusal, render};
use super::session::Visitor;
use crate::http::door::Door;
use crate::http::v1::wire::texts;

/// Rows of each list on the front page.
const ROWS: u32 = 20;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    advisories: Vec<AdvisoryRow>,
    cases: Vec<CaseRow>,
    /// Reports that lack something, one's own; everybody's for coordinators.
    waiting: Vec<WaitingRow>,
    queue: Option<Vec<QueueRow>>,
    /// Cases that wait for their maintainers; coordinators.
    paced: Vec<PacedRow>,
    /// Letters that could not be delivered; coordinators.
    letters: Vec<LetterRow>,
    /// Maintainers that ask to take part; coordinators with scope `admin`.
    registrations: Vec<RegistrationRow>,
}

struct RegistrationRow {
    id: String,
    name: String,
    contact: String,
    packages: String,
    came: String,
    verified: String,
    /// What its packages have here already.
    held: String,
}

struct LetterRow {
    about: String,
    to: String,
    when: String,
    reason: String,
}

struct PacedRow {
    id: String,
    title: String,
    party: String,
    since: String,
    is_exploited: bool,
    outcome: &'static str,
    when: String,
    not_told: &'static str,
}

struct AdvisoryRow {
    name: String,
    title: String,
    purl: String,
    published: String,
    is_withdrawn: bool,
}

struct CaseRow {
    id: String,
    title: String,
    purl: String,
    state: &'static str,
    opened: String,
}

struct WaitingRow {
    title: String,
    receipt: String,
    received: String,
    missing: String,
    why: String,
}

struct QueueRow {
    kind: String,
    ready: i64,
    running: i64,
    done: i64,
    failed: i64,
}

/// `GET /`.
pub async fn home(State(door): State<Door>, visitor: Visitor) -> Response {
    match home_page(&door, &visitor).await {
        Ok(page) => render(StatusCode::OK, &page),
        Err(error) => refusal(error.into(), &visitor),
    }
}

async fn home_page(door: &Door, visitor: &Visitor) -> Result<Home, ServiceError> {
    let cases = match visitor.ctx() {
        Some(ctx) => cases(door, ctx).await?,
        None => Vec::new(),
    };
    let waiting = match visitor.ctx() {
        Some(ctx) => waiting(door, ctx).await?,
        None => Vec::new(),
    };
    let is_staff = visitor.actor().is_some_and(|a| a.is(Role::Coordinator));
    let queue = if is_staff { Some(queue(door).await?) } else { None };
    let paced = match visitor.ctx() {
        Some(ctx) if is_staff => paced(door, ctx).await?,
        _ => Vec::new(),
    };
    let letters = match visitor.ctx() {
        Some(ctx) if is_staff => letters(door, ctx).await?,
        _ => Vec::new(),
    };
    let registrations = match visitor.ctx() {
        Some(ctx) if is_staff => registrations(door, ctx).await?,
        _ => Vec::new(),
    };
    let advisories = advisories(door).await?;
    let frame = Frame::new("Proofhouse", visitor);
    Ok(Home { frame, advisories, cases, waiting, queue, paced, letters, registrations })
}

async fn registrations(door: &Door, ctx: &Ctx) -> Result<Vec<RegistrationRow>, ServiceError> {
    let page = Page { cursor: None, limit: ROWS };
    let listed = match door.service.registration_list(ctx, Some(RegistrationState::Open), &page).await {
        Ok(listed) => listed,
        // Without scope `admin` there is nothing to decide.
        Err(ServiceError::Forbidden(_)) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let row = |view: service::registration::RegistrationView| RegistrationRow {
        id: view.registration.id.to_string(),
        name: view.registration.name,
        contact: view.registration.contact,
        packages: texts(&view.registration.packages).join(", "),
        came: day(view.registration.created_at),
        held: view.held.iter().flatten().map(ToString::to_string).collect::<Vec<_>>().join("; "),
        verified: view.verified.iter().map(|v| format!("{} {}", v.way, v.subject)).collect::<Vec<_>>().join(", "),
    };
    Ok(listed.items.into_iter().map(row).collect())
}

async fn letters(door: &Door, ctx: &Ctx) -> Result<Vec<LetterRow>, ServiceError> {
    let page = Page { cursor: None, limit: ROWS };
    let listed = door.service.letter_list(ctx, Some(LetterState::Undelivered), &page).await?;
    let row = |letter: store::letter::Letter| LetterRow {
        about: letter.about,
        to: letter.sent_to.unwrap_or_default(),
        when: day(letter.ended_at.unwrap_or(letter.created_at)),
        reason: letter.reason.unwrap_or_default(),
    };
    Ok(listed.items.into_iter().map(row).collect())
}

async fn paced(door: &Door, ctx: &Ctx) -> Result<Vec<PacedRow>, ServiceError> {
    let queue = door.service.pace_queue(ctx, None).await?;
    let row = |q: service::pace::Queued| PacedRow {
        id: q.waiting.wait.case_id.to_string(),
        title: q.waiting.title,
        party: q.waiting.party,
        since: day(q.waiting.wait.since),
        is_exploited: q.rank.exploited,
        outcome: q.rank.outcome.plain(),
        when: match q.release {
            Release::Now => "now".to_owned(),
            Release::NotBefore(at, hold) => format!("not before {}, {hold}", day(at)),
            Release::Never => "never: takes no cases".to_owned(),
        },
        not_told: q.not_told.unwrap_or_default(),
    };
    Ok(queue.queued.into_iter().take(ROWS as usize).map(row).collect())
}

async fn advisories(door: &Door) -> Result<Vec<AdvisoryRow>, ServiceError> {
    let listed = door.service.advisory_list(&Page { cursor: None, limit: ROWS }).await?;
    let mut rows = Vec::new();
    for advisory in listed.items {
        let view = door.service.case_show_public(advisory.case_id).await?;
        rows.push(AdvisoryRow {
            name: advisory.name,
            title: view.case.title,
            purl: view.case.purl,
            published: day(advisory.published_at),
            is_withdrawn: advisory.withdrawn_at.is_some(),
        });
    }
    Ok(rows)
}

async fn cases(door: &Door, ctx: &Ctx) -> Result<Vec<CaseRow>, ServiceError> {
    let listed = door.service.case_list(ctx, &CaseFilter::default(), &Page { cursor: None, limit: ROWS }).await?;
    let row = |case: store::case::Case| CaseRow {
        id: case.id.to_string(),
        title: if case.title.is_empty() { "Title not shown at your tier".to_owned() } else { case.title },
        purl: case.purl,
        state: case.state.as_str(),
        opened: day(case.opened_at),
    };
    Ok(listed.items.into_iter().map(row).collect())
}

async fn waiting(door: &Door, ctx: &Ctx) -> Result<Vec<WaitingRow>, ServiceError> {
    let mut rows = Vec::new();
    for (report, findings) in door.service.reports_waiting(ctx, &Page { cursor: None, limit: ROWS }).await? {
        for finding in findings {
            let list: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(&finding.checklist).unwrap_or_default();
            let missing = list.iter().filter(|(_, there)| **there == false).map(|(item, _)| item.as_str());
            rows.push(WaitingRow {
                title: finding.title,
                receipt: report.receipt.clone(),
                received: day(report.received_at),
                missing: missing.collect::<Vec<_>>().join(", "),
                why: finding.state_reason.unwrap_or_default(),
            });
        }
    }
    Ok(rows)
}

async fn queue(door: &Door) -> Result<Vec<QueueRow>, ServiceError> {
    use store::job::JobState;
    let mut rows: Vec<QueueRow> = Vec::new();
    for count in door.service.job_counts().await? {
        let known = rows.iter().position(|r| r.kind == count.kind);
        let at = known.unwrap_or_else(|| {
            rows.push(QueueRow { kind: count.kind.clone(), ready: 0, running: 0, done: 0, failed: 0 });
            rows.len() - 1
        });
        let Some(row) = rows.get_mut(at) else { continue };
        let field = match count.state {
            JobState::Ready => &mut row.ready,
            JobState::Running => &mut row.running,
            JobState::Done => &mut row.done,
            JobState::Failed => &mut row.failed,
        };
        *field += count.jobs;
    }
    Ok(rows)
}
