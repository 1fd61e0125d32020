//! `/cases/{id}`: everything the reader may see of one case, on one page.
//!
//! Must not tell an embargoed case from one that never existed: both are the same page of refusal.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use domain::deadline::{Deadline, Outcome};
use domain::id::{CaseId, PartyId};
use domain::inventory::Exposure;
use domain::party::Role;
use service::case::CaseView;
use service::fix::{StatedCell, StatedRow};
use service::range::MeasuredRange;
use service::{Ctx, ServiceError};
use store::case::CaseEvent;
use store::fix::Fix;
use store::notice::Notice;

use super::page::{Frame, clock, day, refusal, render, short};
use super::session::Visitor;
use super::strip::Strip;
use crate::http::door::Door;
use crate::http::v1::wire::texts;

#[derive(Template)]
#[template(path = "case.html")]
struct CasePage {
    frame: Frame,
    id: String,
    title: String,
    summary: String,
    purl: String,
    state: &'static str,
    tlp: &'static str,
    tlp_class: &'static str,
    weakness: Option<String>,
    aliases: Vec<String>,
    credits: Vec<String>,
    missing: Vec<&'static str>,
    opened: String,
    verdict: Option<(String, String)>,
    embargo: Option<(String, String)>,
    handed_over: Vec<String>,
    merged_into: Option<String>,
    advisory: Option<String>,
    affected: Vec<Interval>,
    strip: Option<Strip>,
    measured: Option<(u64, u64)>,
    timeline: Vec<EventRow>,
    findings: Vec<FindingRow>,
    is_research: bool,
    fixes: Vec<FixRow>,
    deadlines: Vec<DeadlineRow>,
    table: String,
    notices: Vec<NoticeRow>,
    is_staff: bool,
    read_ins: Vec<ReadInRow>,
}

/// One affected interval, in words.
pub struct Interval {
    /// First affected version.
    pub from: String,
    /// Where it ends, in words.
    pub to: String,
}

struct EventRow {
    day: String,
    clock: String,
    kind: &'static str,
    text: String,
}

struct FindingRow {
    title: String,
    credits: String,
    state: &'static str,
    why: String,
    proof: Option<ProofRow>,
}

struct ProofRow {
    title: String,
    oracle: &'static str,
    grade: &'static str,
    reasons: Vec<String>,
    digest: String,
}

struct FixRow {
    kind: &'static str,
    what: String,
    state: &'static str,
    lines: Vec<String>,
}

/// What the decision table says of one kind of exposure.
struct DeadlineRow {
    exposure: &'static str,
    outcome: &'static str,
    because: Vec<String>,
    is_analogy: bool,
}

/// One notice, in words.
pub struct NoticeRow {
    /// Whose it is, where its reader may know.
    pub party: String,
    /// Which asset.
    pub asset: String,
    /// Package and version.
    pub what: String,
    /// Where it was found.
    pub path: String,
    /// What the table says.
    pub outcome: &'static str,
    /// By when.
    pub due: String,
    /// Whether it is a matter of days.
    pub is_urgent: bool,
    /// Whether the table is used by analogy.
    pub is_analogy: bool,
    /// Why.
    pub because: Vec<String>,
    /// What to do.
    pub action: String,
    /// Where it stands.
    pub state: &'static str,
    /// Its case; empty on that case's own page.
    pub case: String,
    /// Whether it was sent under embargo.
    pub is_early: bool,
}

struct ReadInRow {
    member: String,
    tier: &'static str,
    reason: String,
    until: String,
    is_live: bool,
}

/// `GET /cases/{id}`.
pub async fn case(State(door): State<Door>, visitor: Visitor, Path(id): Path<String>) -> Response {
    match case_page(&door, &visitor, &id).await {
        Ok(page) => render(StatusCode::OK, &page),
        Err(error) => refusal(error.into(), &visitor),
    }
}

async fn case_page(door: &Door, visitor: &Visitor, id: &str) -> Result<CasePage, ServiceError> {
    let id: CaseId = id.parse().map_err(|_| ServiceError::NotFound("case"))?;
    let view = match visitor.ctx() {
        Some(ctx) => door.service.case_show(ctx, id).await?,
        None => door.service.case_show_public(id).await?,
    };
    let is_staff = visitor.actor().is_some_and(|a| a.is(Role::Coordinator));
    let names = match visitor.ctx() {
        Some(ctx) if is_staff => party_names(door, ctx, &view.notices).await?,
        _ => HashMap::new(),
    };
    let range = view.case.range.as_deref().map(MeasuredRange::parse).transpose()?;
    // An embargoed case shows no deadline to those who may not know what it is.
    let shows_fix = view.case.public || is_staff || view.tier.is_some_and(domain::read_in::Tier::sees_fix);
    let deadlines = if shows_fix { door.service.deadlines_of(&view.case).await? } else { Vec::new() };
    let title = if view.case.title.is_empty() { "Case under embargo".to_owned() } else { view.case.title.clone() };
    Ok(CasePage {
        frame: Frame::new(title.clone(), visitor),
        id: view.case.id.to_string(),
        title,
        summary: view.case.summary.clone(),
        state: view.case.state.as_str(),
        tlp: view.tlp,
        tlp_class: tlp_class(view.tlp),
        weakness: view.case.weakness.clone(),
        aliases: texts(&view.case.aliases),
        opened: day(view.case.opened_at),
        verdict: view.case.verdict.map(|v| {
            let of = view.case.duplicate_of.as_ref().map(|of| format!(" ({of})")).unwrap_or_default();
            (format!("{v}{of}"), view.case.verdict_reason.clone().unwrap_or_default())
        }),
        embargo: embargo(&view),
        handed_over: handed_over(&view),
        merged_into: view.case.merged_into.map(|id| id.to_string()),
        advisory: view.advisory.as_ref().map(|a| a.name.clone()),
        affected: range.as_ref().map(intervals).unwrap_or_default(),
        strip: range.as_ref().map(|r| Strip::draw(r, ecosystem(&view.case.purl))),
        measured: range.as_ref().map(|r| (r.versions_total, r.versions_run)),
        timeline: view.events.iter().map(event_row).collect(),
        findings: finding_rows(&view),
        is_research: view.research,
        fixes: view.fixes.iter().map(fix_row).collect(),
        table: deadlines.first().map(|(_, d)| d.table.clone()).unwrap_or_default(),
        deadlines: deadlines.iter().map(deadline_row).collect(),
        notices: view
            .notices
            .iter()
            .map(|n| NoticeRow { case: String::new(), ..notice_row(n, names.get(&n.party_id)) })
            .collect(),
        is_staff,
        read_ins: view.read_ins.iter().map(read_in_row).collect(),
        missing: view.checklist.iter().filter(|(_, there)| !there).map(|(item, _)| item.as_str()).collect(),
        credits: view.credits,
        purl: view.case.purl,
    })
}

async fn party_names(door: &Door, ctx: &Ctx, notices: &[Notice]) -> Result<HashMap<PartyId, String>, ServiceError> {
    let mut names = HashMap::new();
    for notice in notices {
        if let Entry::Vacant(vacant) = names.entry(notice.party_id) {
            vacant.insert(door.service.party_show(ctx, notice.party_id).await?.party.name);
        }
    }
    Ok(names)
}

/// The ecosystem of a purl, as its versions are ordered.
pub fn ecosystem(purl: &str) -> &'static str {
    purl.parse().map_or("", |p: domain::package::Package| p.ecosystem().as_str())
}

/// The affected intervals in words.
pub fn intervals(range: &MeasuredRange) -> Vec<Interval> {
    let words = |i: &service::range::Interval| Interval {
        from: if i.introduced == "0" { "the first version".to_owned() } else { i.introduced.clone() },
        to: match (&i.fixed, &i.last_affected) {
            (Some(fixed), _) => format!("before {fixed}"),
            (None, Some(last)) => format!("up to {last}, the last one there is"),
            (None, None) => "and every later one".to_owned(),
        },
    };
    range.affected.iter().map(words).collect()
}

/// The label's own colour, by TLP 2.0.
fn tlp_class(tlp: &str) -> &'static str {
    match tlp {
        "TLP:RED" => "tlp-red",
        "TLP:AMBER" | "TLP:AMBER+STRICT" => "tlp-amber",
        _ => "",
    }
}

fn embargo(view: &CaseView) -> Option<(String, String)> {
    if view.case.public {
        return None;
    }
    view.case.embargo_ends.map(|ends| (day(ends), view.case.embargo_reason.clone().unwrap_or_default()))
}

/// Whether the maintainers have it, in words: when and why for coordinators, yes or not yet for tier 0.
fn handed_over(view: &CaseView) -> Vec<String> {
    let row = |wait: &store::pace::Wait| {
        let party = short(&wait.party_id);
        match (wait.released_at, &wait.exception_reason) {
            (Some(at), _) => format!("{party} has it since {}", day(at)),
            (None, Some(reason)) => {
                format!("waits for {party} since {}, to be an exception: {reason}", day(wait.since))
            }
            (None, None) => format!("waits for {party} since {}", day(wait.since)),
        }
    };
    match view.handed_over {
        Some(_) if !view.waits.is_empty() => view.waits.iter().map(row).collect(),
        Some(true) => vec!["the maintainer has it".to_owned()],
        Some(false) => vec!["not yet: the maintainer's pace decides when".to_owned()],
        None => Vec::new(),
    }
}

fn deadline_row((exposure, deadline): &(Exposure, Deadline)) -> DeadlineRow {
    DeadlineRow {
        exposure: match exposure {
            Exposure::Exposed => "Publicly exposed",
            Exposure::NotExposed => "Not publicly exposed",
            Exposure::Unknown => "Not known",
        },
        outcome: deadline.outcome.plain(),
        because: deadline.because.clone(),
        is_analogy: deadline.analogy,
    }
}

fn event_row(event: &CaseEvent) -> EventRow {
    EventRow { day: day(event.at), clock: clock(event.at), kind: event.kind.as_str(), text: event.text.clone() }
}

fn finding_rows(view: &CaseView) -> Vec<FindingRow> {
    let proofs: HashMap<_, _> = view.proofs.iter().map(|p| (p.id, p)).collect();
    let row = |finding: &store::finding::Finding| FindingRow {
        title: finding.title.clone(),
        credits: texts(&finding.credits).join(", "),
        state: finding.state.as_str(),
        why: finding.state_reason.clone().unwrap_or_default(),
        proof: finding.proof_id.and_then(|id| proofs.get(&id)).map(|p| ProofRow {
            title: p.title.clone(),
            oracle: p.oracle.as_str(),
            grade: p.grade.map_or("not measured yet", domain::proof::Grade::as_str),
            reasons: texts(&p.grade_reasons),
            digest: p.digest.chars().take(16).collect(),
        }),
    };
    view.findings.iter().map(row).collect()
}

fn fix_row(fix: &Fix) -> FixRow {
    let lines: Vec<service::fix::FixLine> =
        fix.matrix.as_deref().and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
    let line = |l: &service::fix::FixLine| {
        let reason = l.reason.as_ref().map(|r| format!(" ({r})")).unwrap_or_default();
        format!("{}: {}{reason}, proof {}", l.version, l.verdict, l.proof.chars().take(12).collect::<String>())
    };
    let patched: Vec<StatedRow> = fix.matrix.as_deref().and_then(|m| serde_json::from_str(m).ok()).unwrap_or_default();
    FixRow {
        kind: fix.kind.as_str(),
        what: match &fix.version {
            Some(version) if fix.note.is_empty() => format!("to {version}"),
            Some(version) => format!("to {version}. {}", fix.note),
            None => fix.note.clone(),
        },
        state: fix.state.as_str(),
        lines: lines.iter().map(line).chain(patched.iter().map(patched_line)).collect(),
    }
}

/// One proof with a patch on one release line, in words.
fn patched_line(row: &StatedRow) -> String {
    let cell = |(name, cell): &(&str, &StatedCell)| {
        let detail = cell.detail.as_ref().map(|d| format!(" ({d})")).unwrap_or_default();
        format!("{name} {}{detail}", cell.is)
    };
    let cells: Vec<String> = row.cells().iter().map(cell).collect();
    let proof: String = row.proof.digest.as_str().chars().take(12).collect();
    format!("{} patched: {}; proof {proof}", row.version, cells.join(", "))
}

/// One notice in words, with its operator's name where the reader may know it.
pub fn notice_row(notice: &Notice, party: Option<&String>) -> NoticeRow {
    NoticeRow {
        party: party.cloned().unwrap_or_default(),
        asset: notice.asset.clone(),
        what: format!("{}@{}", notice.purl.rsplit('/').next().unwrap_or(&notice.purl), notice.version),
        path: notice.path.clone(),
        outcome: notice.outcome.plain(),
        due: notice.due.map_or_else(|| "with the next upgrade".to_owned(), day),
        is_urgent: matches!(notice.outcome, Outcome::Days3 | Outcome::Days3Forensic),
        is_analogy: notice.analogy,
        because: texts(&notice.because),
        action: notice.action.clone(),
        state: notice.state.as_str(),
        case: notice.case_id.to_string(),
        is_early: notice.pre_publication,
    }
}

fn read_in_row(read_in: &store::read_in::ReadIn) -> ReadInRow {
    ReadInRow {
        member: short(&read_in.member_id),
        tier: read_in.tier.as_str(),
        reason: read_in.reason.clone(),
        until: day(read_in.ended_at.unwrap_or(read_in.until)),
        is_live: read_in.ended_at.is_none(),
    }
}
