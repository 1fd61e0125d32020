//! Case: what each tier sees of it, and its end without an advisory.
//!
//! Must not open or join cases: `triage` does, from proofs, and `merge` for coordinators. Must not judge: `verdict` does. Must not tell
//! an outsider anything.

use domain::case::{CASE_REASON_BYTES_MAX, CaseState, EventKind, MaintainerVerdict};
use domain::fix::{FixKind, FixState};
use domain::id::{CaseId, MemberId};
use domain::package::Package;
use domain::party::{Actor, Role};
use domain::policy::{Action, CaseStanding, visible};
use domain::read_in::Tier;
use domain::report::ChecklistItem;
use domain::time::Timestamp;
use serde_json::json;
use store::advisory::Advisory;
use store::case::{self as table, Case, CaseEvent, CaseFilter};
use store::finding::Finding;
use store::fix::Fix;
use store::notice::Notice;
use store::pace::Wait;
use store::proof::Proof;
use store::read_in::ReadIn;
use store::{Listed, Page, Tx};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, internal, prose_check};
use crate::identity::new_id;
use crate::job::JobKind;
use crate::notice::viewer;

pub use crate::embargo::EmbargoInput;

/// Notices of a case that are shown with it, the newest.
pub const CASE_NOTICES_COUNT_MAX: u32 = 1_000;

/// A case as one actor may see it. What its tier does not show is empty.
#[derive(Debug, Clone)]
pub struct CaseView {
    /// The case; for tier 3 its title, range and aliases are blank.
    pub case: Case,
    /// The actor's tier, if it has one.
    pub tier: Option<Tier>,
    /// The TLP label of what is shown.
    pub tlp: &'static str,
    /// Whether reports and proofs are shown.
    pub research: bool,
    /// Which of the six things its findings and fixes have together; empty where research is not shown.
    pub checklist: Vec<(ChecklistItem, bool)>,
    /// The findings that are this case.
    pub findings: Vec<Finding>,
    /// Their proofs.
    pub proofs: Vec<Proof>,
    /// Its fixes.
    pub fixes: Vec<Fix>,
    /// Its history.
    pub events: Vec<CaseEvent>,
    /// Who is read in; staff and tier 0 only.
    pub read_ins: Vec<ReadIn>,
    /// Notices, the newest [`CASE_NOTICES_COUNT_MAX`]: everybody's for staff, an operator's own for itself.
    pub notices: Vec<Notice>,
    /// Its advisory, once published.
    pub advisory: Option<Advisory>,
    /// Names of the finders, as they are credited.
    pub credits: Vec<String>,
    /// For which maintainers it waits or waited; staff only.
    pub waits: Vec<Wait>,
    /// Whether a maintainer has it, for staff and tier 0; none where no maintainer of the package takes part.
    pub handed_over: Option<bool>,
}

/// A reason for what is done to a case.
pub(crate) fn reason_check(reason: &str) -> Result<()> {
    prose_check("reason", reason, CASE_REASON_BYTES_MAX).map_err(|v| ServiceError::Invalid(vec![v]))
}

impl Service {
    /// What the policy needs to know of a case and an actor. A case that is not there is one the
    /// actor must not see.
    pub(crate) async fn case_standing(&self, tx: &mut Tx, actor: &Actor, id: CaseId) -> Result<CaseStanding> {
        let case = table::by_id(tx, id).await?;
        // Asked when there is no such case as well: an answer must not come sooner for that.
        let purl = case.as_ref().map_or("", |c| &c.purl);
        let tier = store::read_in::tier_of(tx, id, actor.member, actor.now).await?;
        let maintains = store::party::maintains(tx, actor.party, purl).await?;
        let public = case.ok_or(ServiceError::NotFound("case"))?.public;
        Ok(CaseStanding { public, tier, maintains })
    }

    /// Whether an actor may know of something that belongs to a case; a thing that is not there
    /// belongs to none.
    pub(crate) async fn case_visible(&self, tx: &mut Tx, actor: &Actor, id: Option<CaseId>) -> Result<bool> {
        let nowhere = CaseId::new(0, [0; 10]);
        match self.case_standing(tx, actor, id.unwrap_or(nowhere)).await {
            Ok(standing) => Ok(visible(actor, standing)),
            Err(ServiceError::NotFound(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads a case, locked. The use case was authorised on it in this transaction.
    pub(crate) async fn case_locked(&self, tx: &mut Tx, id: CaseId) -> Result<Case> {
        table::by_id_locked(tx, id).await?.ok_or(ServiceError::NotFound("case"))
    }

    /// The cases the actor may see, newest first.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`.
    pub async fn case_list(&self, ctx: &Ctx, filter: &CaseFilter, page: &Page) -> Result<Listed<Case>> {
        ctx.authorize(Action::CaseRead)?;
        let mut tx = self.store.read().await?;
        let mut listed = table::list_visible(&mut tx, viewer(ctx), filter, page).await?;
        for case in &mut listed.items {
            let standing = self.case_standing(&mut tx, &ctx.actor, case.id).await?;
            redact(case, &ctx.actor, standing)?;
            self.duplicate_redact(&mut tx, &ctx.actor, case).await?;
        }
        Ok(listed)
    }

    /// One case, as much of it as the actor's tier shows.
    ///
    /// # Errors
    /// `NotFound`, the same for an embargoed case as for one that never existed.
    pub async fn case_show(&self, ctx: &Ctx, id: CaseId) -> Result<CaseView> {
        let mut tx = self.store.read().await?;
        let standing = self.case_standing(&mut tx, &ctx.actor, id).await?;
        ctx.authorize_case(Action::CaseRead, standing)?;
        self.case_view(&mut tx, &ctx.actor, id, standing).await
    }

    /// A case as the answer to a write that was authorised on it: the token need not be one that reads.
    pub(crate) async fn case_shown(&self, ctx: &Ctx, id: CaseId) -> Result<CaseView> {
        let mut tx = self.store.read().await?;
        let standing = self.case_standing(&mut tx, &ctx.actor, id).await?;
        if !visible(&ctx.actor, standing) {
            return Err(ServiceError::NotFound("case"));
        }
        self.case_view(&mut tx, &ctx.actor, id, standing).await
    }

    /// A published case as the public sees it, without any actor.
    ///
    /// # Errors
    /// `NotFound` for anything that is not published.
    pub async fn case_show_public(&self, id: CaseId) -> Result<CaseView> {
        let now = crate::identity::now();
        let nobody = Actor { party: new_id(now)?, member: new_id(now)?, roles: Vec::new(), scopes: Vec::new(), now };
        let mut tx = self.store.read().await?;
        let standing = self.case_standing(&mut tx, &nobody, id).await?;
        if !standing.public {
            return Err(ServiceError::NotFound("case"));
        }
        self.case_view(&mut tx, &nobody, id, standing).await
    }

    pub(crate) async fn case_view(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        id: CaseId,
        standing: CaseStanding,
    ) -> Result<CaseView> {
        let mut case = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("case"))?;
        let staff = actor.is(Role::Coordinator);
        let research = staff || standing.tier.is_some_and(Tier::sees_research);
        redact(&mut case, actor, standing)?;
        self.duplicate_redact(tx, actor, &mut case).await?;
        let shows_fix = case.public || research || standing.tier.is_some_and(Tier::sees_fix);
        let all_findings = store::finding::by_case(tx, id).await?;
        let credits = if research || case.public { credits_of(&all_findings)? } else { Vec::new() };
        let whose = (!staff).then_some(actor.party);
        let mut notices = store::notice::newest_of_case(tx, id, whose, CASE_NOTICES_COUNT_MAX).await?;
        notices.reverse();
        let sees_read_ins = staff || standing.tier == Some(Tier::Full);
        let mut events = if shows_fix { table::events(tx, id, research).await? } else { Vec::new() };
        events.retain(|e| match e.kind {
            EventKind::JoinProposed => staff,
            EventKind::ReadIn => sees_read_ins,
            _ => true,
        });
        let all_fixes = store::fix::by_case(tx, id).await?;
        let waits = if sees_read_ins { store::pace::waits_of_case(tx, id).await? } else { Vec::new() };
        let handed_over = (!waits.is_empty()).then(|| waits.iter().any(|w| w.released_at.is_some()));
        Ok(CaseView {
            checklist: if research { checklist_of(&all_findings, &all_fixes) } else { Vec::new() },
            tier: standing.tier,
            tlp: if case.public { "TLP:CLEAR" } else { standing.tier.unwrap_or(Tier::Full).tlp() },
            research,
            findings: if research { all_findings } else { Vec::new() },
            proofs: if research { store::proof::by_case(tx, id).await? } else { Vec::new() },
            fixes: if shows_fix { all_fixes } else { Vec::new() },
            events,
            read_ins: if sees_read_ins { store::read_in::list(tx, id).await? } else { Vec::new() },
            notices,
            advisory: store::advisory::by_case(tx, id).await?,
            credits,
            // When a maintainer takes how many is between it and the coordinators: it would tell of other cases.
            waits: if staff { waits } else { Vec::new() },
            handed_over,
            case,
        })
    }

    /// Ends a case without an advisory. Needs a maintainer's verdict that it is no vulnerability.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`.
    pub async fn case_close(&self, ctx: &Ctx, id: CaseId, reason: &str) -> Result<CaseView> {
        let mut work = match self.begin_on(ctx, "case_close", Action::CaseCoordinate, id).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, id).await,
        };
        reason_check(reason)?;
        let mut case = self.case_locked(&mut work.tx, id).await?;
        if matches!(case.verdict, None | Some(MaintainerVerdict::Vulnerability)) {
            let why = "a case is closed on a maintainer's verdict that it is not a vulnerability of theirs to publish";
            return Err(ServiceError::conflict("verdict_missing", why));
        }
        case.state = case
            .state
            .change(CaseState::Closed)
            .map_err(|e| ServiceError::conflict("illegal_change", e.to_string()))?;
        case.updated_at = ctx.actor.now;
        self.case_update(&mut work.tx, &mut case).await?;
        self.case_event(&mut work.tx, id, EventKind::Closed, Some(ctx.actor.member), reason, false, ctx.actor.now)
            .await?;
        self.job_enqueue(&mut work.tx, JobKind::CaseNotify, &format!("{id} closed")).await?;
        work.finish(&id.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, id).await
    }

    /// Writes a changed case; two writers at once cannot overwrite each other.
    pub(crate) async fn case_update(&self, tx: &mut Tx, case: &mut Case) -> Result<()> {
        if table::update(tx, case).await? {
            return Ok(());
        }
        Err(ServiceError::conflict("changed_meanwhile", "the case was changed meanwhile; read it again"))
    }

    /// Writes one line of a case's history.
    #[allow(clippy::too_many_arguments)]
    pub(crate) async fn case_event(
        &self,
        tx: &mut Tx,
        case: CaseId,
        kind: EventKind,
        member: Option<MemberId>,
        text: &str,
        research: bool,
        at: Timestamp,
    ) -> Result<()> {
        // Its own moment: the lines of one use case stay in the order in which they were written.
        let at = crate::identity::now().max(at);
        let event =
            CaseEvent { id: new_id(at)?, case_id: case, at, kind, member_id: member, text: text.to_owned(), research };
        Ok(table::event_insert(tx, &event).await?)
    }
}

/// Blanks what the actor's tier does not show. Tier 3 learns the package and the time only; tier 2 no
/// summary before it is published.
pub(crate) fn redact(case: &mut Case, actor: &Actor, standing: CaseStanding) -> Result<()> {
    let all = case.public || actor.is(Role::Coordinator) || standing.tier.is_some_and(Tier::sees_research);
    if all {
        return Ok(());
    }
    if standing.tier.is_some_and(Tier::sees_fix) {
        case.summary = String::new();
        return Ok(());
    }
    let package: Package = case.purl.parse().map_err(|e| internal("read a stored purl", e))?;
    case.title = format!("Embargoed fix for {}", package.name());
    case.summary = String::new();
    case.range = None;
    case.aliases = json!([]).to_string();
    case.weakness = None;
    case.verdict = None;
    case.verdict_reason = None;
    case.judged_at = None;
    case.duplicate_of = None;
    Ok(())
}

/// A thing is there when one finding has it; a patch also when a fix of the case was verified.
fn checklist_of(findings: &[Finding], fixes: &[Fix]) -> Vec<(ChecklistItem, bool)> {
    let all: Vec<serde_json::Value> =
        findings.iter().filter_map(|finding| serde_json::from_str(&finding.checklist).ok()).collect();
    let told = |item: &ChecklistItem| all.iter().any(|list| list.get(item.as_str()) == Some(&true.into()));
    let fixed = fixes.iter().any(|fix| fix.state == FixState::Verified && fix.kind != FixKind::Mitigation);
    let there = |item: &ChecklistItem| told(item) || *item == ChecklistItem::Patch && fixed;
    ChecklistItem::ALL.iter().map(|item| (*item, there(item))).collect()
}

/// Every finder once, in the order their findings came.
pub(crate) fn credits_of(findings: &[Finding]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for finding in findings {
        let listed: Vec<String> =
            serde_json::from_str(&finding.credits).map_err(|e| internal("read stored credits", e))?;
        for name in listed {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    Ok(names)
}
