//! A case on the wire: what the service shows an actor of it, field by field.
//!
//! Must not add anything the view does not hold: what a tier does not show is empty there already.

use serde::Serialize;
use service::case::CaseView;
use utoipa::ToSchema;

use super::fixes::FixShown;
use super::notices::NoticeShown;
use super::proofs::ProofShown;
use super::reports::FindingShown;
use super::wire::{
    AdvisoryState, CaseState, Cause, EmbargoSource, EventKind, MaintainerVerdict, Tier, Time, texts, value,
};

/// A case, in a line of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CaseShown {
    /// Its id.
    id: String,
    /// The package.
    purl: String,
    /// In a line; empty where the tier does not show it.
    title: String,
    /// In a paragraph.
    summary: String,
    /// Its state.
    state: CaseState,
    /// Whether everybody may see it.
    public: bool,
    /// The maintainer's verdict.
    #[schema(required)]
    verdict: Option<MaintainerVerdict>,
    /// Why.
    #[schema(required)]
    verdict_reason: Option<String>,
    /// When it was given or last changed.
    #[schema(required)]
    judged_at: Option<Time>,
    /// Of what it is a duplicate, while you may know: a case here, or an id elsewhere.
    #[schema(required)]
    duplicate_of: Option<String>,
    /// When the embargo ends, and on whose rule.
    #[schema(required)]
    embargo: Option<Embargo>,
    /// The measured range: fired, silent and inconclusive versions, and OSV-style intervals.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    range: Option<serde_json::Value>,
    /// Other ids of the same defect.
    aliases: Vec<String>,
    /// Its weakness, as a CWE id.
    #[schema(required)]
    weakness: Option<String>,
    /// The case it was joined into.
    #[schema(required)]
    merged_into: Option<String>,
    /// When it was opened.
    opened_at: Time,
    /// When it was last changed.
    updated_at: Time,
    /// Grows with every change.
    revision: i64,
}

/// The end of an embargo.
#[derive(Debug, Serialize, ToSchema)]
struct Embargo {
    /// When it ends.
    ends: Time,
    /// Where the rule comes from.
    #[schema(required)]
    source: Option<EmbargoSource>,
    /// Where the rule can be read.
    #[schema(required)]
    url: Option<String>,
    /// Why this rule, in a sentence.
    #[schema(required)]
    reason: Option<String>,
}

impl From<store::case::Case> for CaseShown {
    fn from(row: store::case::Case) -> Self {
        let (source, url, reason) = (row.embargo_source.map(EmbargoSource), row.embargo_url, row.embargo_reason);
        Self {
            id: row.id.to_string(),
            purl: row.purl,
            title: row.title,
            summary: row.summary,
            state: row.state.into(),
            public: row.public,
            verdict: row.verdict.map(MaintainerVerdict),
            verdict_reason: row.verdict_reason,
            judged_at: row.judged_at.map(Time),
            duplicate_of: row.duplicate_of,
            embargo: row.embargo_ends.map(|ends| Embargo { ends: ends.into(), source, url, reason }),
            range: value(row.range.as_deref()),
            aliases: texts(&row.aliases),
            weakness: row.weakness,
            merged_into: row.merged_into.map(|id| id.to_string()),
            opened_at: row.opened_at.into(),
            updated_at: row.updated_at.into(),
            revision: row.revision,
        }
    }
}

/// One line of a case's timeline.
#[derive(Debug, Serialize, ToSchema)]
struct EventShown {
    /// When.
    at: Time,
    /// What kind of thing happened.
    kind: EventKind,
    /// Who did it; `null` for the clearinghouse itself.
    #[schema(required)]
    member: Option<String>,
    /// What happened and why, in a sentence.
    text: String,
}

/// Somebody who is read in.
#[derive(Debug, Serialize, ToSchema)]
struct ReadInShown {
    /// Its id.
    id: String,
    /// The person.
    member: String,
    /// How much of the case.
    tier: Tier,
    /// Why.
    reason: String,
    /// Who approved it; `null` when it follows from a role.
    #[schema(required)]
    approver: Option<String>,
    /// When it began.
    placed_at: Time,
    /// When it ends.
    until: Time,
    /// When it was ended before that.
    #[schema(required)]
    ended_at: Option<Time>,
}

/// The public name of a case's advisory.
#[derive(Debug, Serialize, ToSchema)]
struct AdvisoryNamed {
    /// Its name.
    name: String,
    /// Its state.
    state: AdvisoryState,
    /// Its revision.
    revision: i64,
}

/// A case, as much of it as your tier shows.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CaseFull {
    #[serde(flatten)]
    case: CaseShown,
    /// Your tier, if you are read in.
    #[schema(required)]
    tier: Option<Tier>,
    /// The Traffic Light Protocol label of what you are shown.
    tlp: &'static str,
    /// Who found it, as they are credited.
    credits: Vec<String>,
    /// Which of the six things of a report that is ready its findings and fixes have together; `null` outside tiers 0 and 1.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    checklist: Option<serde_json::Value>,
    /// Whether all six are there: until then it is not shown to a maintainer as finished.
    ready: bool,
    /// The findings that are this case, and why; tiers 0 and 1.
    findings: Vec<FindingShown>,
    /// Their proofs; tiers 0 and 1.
    proofs: Vec<ProofShown>,
    /// Its fixes; tiers 0 to 2.
    fixes: Vec<FixShown>,
    /// Its timeline, oldest first.
    events: Vec<EventShown>,
    /// Who is read in; coordinators and tier 0.
    read_ins: Vec<ReadInShown>,
    /// Notices: all for coordinators, an operator's own for itself.
    notices: Vec<NoticeShown>,
    /// Its advisory, once published.
    #[schema(required)]
    advisory: Option<AdvisoryNamed>,
    /// Whether a maintainer of the package has it, for coordinators and tier 0; `null` where none takes part.
    #[schema(required)]
    handed_over: Option<bool>,
    /// For which maintainers it waits or waited; coordinators.
    waits: Vec<WaitShown>,
}

/// A maintainer that the case waits for, or was handed over to.
#[derive(Debug, Serialize, ToSchema)]
struct WaitShown {
    /// The maintainer.
    party: String,
    /// Since when it waits.
    since: Time,
    /// When it was handed over.
    #[schema(required)]
    released_at: Option<Time>,
    /// Why then.
    #[schema(required)]
    cause: Option<Cause>,
    /// Why it is to be an exception.
    #[schema(required)]
    exception_reason: Option<String>,
}

impl From<store::pace::Wait> for WaitShown {
    fn from(row: store::pace::Wait) -> Self {
        Self {
            party: row.party_id.to_string(),
            since: row.since.into(),
            released_at: row.released_at.map(Time),
            cause: row.cause.map(Cause),
            exception_reason: row.exception_reason,
        }
    }
}

impl From<CaseView> for CaseFull {
    fn from(view: CaseView) -> Self {
        let event = |e: store::case::CaseEvent| EventShown {
            at: e.at.into(),
            kind: e.kind.into(),
            member: e.member_id.map(|id| id.to_string()),
            text: e.text,
        };
        let read_in = |r: store::read_in::ReadIn| ReadInShown {
            id: r.id.to_string(),
            member: r.member_id.to_string(),
            tier: r.tier.into(),
            reason: r.reason,
            approver: r.approver_id.map(|id| id.to_string()),
            placed_at: r.placed_at.into(),
            until: r.until.into(),
            ended_at: r.ended_at.map(Time),
        };
        let named =
            |a: store::advisory::Advisory| AdvisoryNamed { name: a.name, state: a.state.into(), revision: a.revision };
        let items = view.checklist.iter().map(|(item, there)| (item.as_str().to_owned(), (*there).into()));
        let checklist = serde_json::Value::Object(items.collect());
        Self {
            ready: !view.checklist.is_empty() && view.checklist.iter().all(|(_, there)| *there),
            checklist: (!view.checklist.is_empty()).then_some(checklist),
            tier: view.tier.map(Tier),
            tlp: view.tlp,
            credits: view.credits,
            findings: view.findings.into_iter().map(FindingShown::from).collect(),
            proofs: view.proofs.into_iter().map(ProofShown::from).collect(),
            fixes: view.fixes.into_iter().map(FixShown::from).collect(),
            events: view.events.into_iter().map(event).collect(),
            read_ins: view.read_ins.into_iter().map(read_in).collect(),
            notices: view.notices.into_iter().map(NoticeShown::from).collect(),
            advisory: view.advisory.map(named),
            handed_over: view.handed_over,
            waits: view.waits.into_iter().map(WaitShown::from).collect(),
            case: view.case.into(),
        }
    }
}
