//! Case: what each tier sees of it, and what coordinators and maintainers do to it.
//!
//! Must not open or join cases: `triage` does, from proofs. Must not tell an outsider anything.

use domain::case::{CASE_REASON_BYTES_MAX, CaseState, EventKind, MaintainerVerdict};
use domain::embargo::{EmbargoRule, EmbargoSource, embargo_decide};
use domain::id::{CaseId, FindingId, MemberId};
use domain::package::Package;
use domain::party::{Actor, Role};
use domain::policy::{Action, CaseStanding};
use domain::read_in::Tier;
use domain::time::Timestamp;
use store::advisory::Advisory;
use store::case::{self as table, Case, CaseEvent, CaseFilter};
use store::finding::Finding;
use store::fix::Fix;
use store::notice::Notice;
use store::proof::Proof;
use store::read_in::ReadIn;
use store::{Listed, Page, Tx};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, internal};
use crate::identity::new_id;
use crate::job::JobKind;
use crate::notice::viewer;

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
    /// Notices: all of them for staff, an operator's own for itself.
    pub notices: Vec<Notice>,
    /// Its advisory, once published.
    pub advisory: Option<Advisory>,
    /// Names of the finders, as they are credited.
    pub credits: Vec<String>,
}

/// A rule for the end of an embargo.
#[derive(Debug, Clone)]
pub struct EmbargoInput {
    /// Where it comes from.
    pub source: EmbargoSource,
    /// When it ends the embargo.
    pub ends: Timestamp,
    /// Where it can be read.
    pub url: Option<String>,
}

fn reason_check(reason: &str) -> Result<()> {
    if reason.trim().is_empty() || reason.len() > CASE_REASON_BYTES_MAX {
        let why = format!("say why, in 1 to {CASE_REASON_BYTES_MAX} bytes");
        return Err(ServiceError::invalid("missing_field", "reason", why));
    }
    Ok(())
}

impl Service {
    /// What the policy needs to know of a case and an actor. A case that is not there is one the
    /// actor must not see.
    pub(crate) async fn case_standing(&self, tx: &mut Tx, actor: &Actor, id: CaseId) -> Result<CaseStanding> {
        let case = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("case"))?;
        Ok(CaseStanding {
            public: case.public,
            tier: store::read_in::tier_of(tx, id, actor.member, actor.now).await?,
            maintains: store::party::maintains(tx, actor.party, &case.purl).await?,
        })
    }

    /// Reads a case, locked, after authorising an action on it.
    pub(crate) async fn case_authorized(&self, tx: &mut Tx, ctx: &Ctx, action: Action, id: CaseId) -> Result<Case> {
        let standing = self.case_standing(tx, &ctx.actor, id).await?;
        ctx.authorize_case(action, standing)?;
        table::by_id_locked(tx, id).await?.ok_or(ServiceError::NotFound("case"))
    }

    /// The cases the actor may see, newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn case_list(&self, ctx: &Ctx, filter: &CaseFilter, page: &Page) -> Result<Listed<Case>> {
        let mut tx = self.store.read().await?;
        let mut listed = table::list_visible(&mut tx, viewer(ctx), filter, page).await?;
        for case in &mut listed.items {
            let standing = self.case_standing(&mut tx, &ctx.actor, case.id).await?;
            redact(case, &ctx.actor, standing)?;
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

    async fn case_view(&self, tx: &mut Tx, actor: &Actor, id: CaseId, standing: CaseStanding) -> Result<CaseView> {
        let mut case = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("case"))?;
        let staff = actor.is(Role::Coordinator);
        let research = staff || standing.tier.is_some_and(Tier::sees_research);
        redact(&mut case, actor, standing)?;
        let shows_fix = case.public || research || standing.tier.is_some_and(Tier::sees_fix);
        let all_findings = store::finding::by_case(tx, id).await?;
        let credits = if research || case.public { credits_of(&all_findings)? } else { Vec::new() };
        let mut notices = store::notice::by_case(tx, id).await?;
        notices.retain(|n| staff || n.party_id == actor.party);
        let sees_read_ins = staff || standing.tier == Some(Tier::Full);
        Ok(CaseView {
            tier: standing.tier,
            tlp: if case.public { "TLP:CLEAR" } else { standing.tier.unwrap_or(Tier::Full).tlp() },
            research,
            findings: if research { all_findings } else { Vec::new() },
            proofs: if research { store::proof::by_case(tx, id).await? } else { Vec::new() },
            fixes: if shows_fix { store::fix::by_case(tx, id).await? } else { Vec::new() },
            events: if shows_fix { table::events(tx, id, research).await? } else { Vec::new() },
            read_ins: if sees_read_ins { store::read_in::list(tx, id).await? } else { Vec::new() },
            notices,
            advisory: store::advisory::by_case(tx, id).await?,
            credits,
            case,
        })
    }

    /// Joins two live cases of the same package into `into`, with a reason. Every credit stays.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict` when they are of different packages or not live.
    pub async fn case_merge(&self, ctx: &Ctx, from: CaseId, into: CaseId, reason: &str) -> Result<CaseView> {
        reason_check(reason)?;
        let mut work = match self.begin(ctx, "case_merge").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_show(ctx, into).await,
        };
        let tx = &mut work.tx;
        // Always the older one first: two merges at once cannot wait for each other.
        let (first, second) = (from.min(into), from.max(into));
        let a = self.case_authorized(tx, ctx, Action::CaseCoordinate, first).await?;
        let b = self.case_authorized(tx, ctx, Action::CaseCoordinate, second).await?;
        let (mut gone, kept) = if a.id == from { (a, b) } else { (b, a) };
        if gone.id == kept.id || gone.purl != kept.purl {
            return Err(ServiceError::conflict(
                "not_mergeable",
                "two different cases of the same package can be merged",
            ));
        }
        if !gone.state.is_live() || !kept.state.is_live() {
            return Err(ServiceError::conflict("case_not_live", "only live cases can be merged"));
        }
        let now = ctx.actor.now;
        gone.state = gone
            .state
            .change(CaseState::Merged)
            .map_err(|e| ServiceError::conflict("illegal_change", e.to_string()))?;
        gone.merged_into = Some(kept.id);
        gone.updated_at = now;
        self.case_update(tx, &mut gone).await?;
        let joined = format!("joined by a coordinator: {reason}");
        store::finding::move_case(tx, gone.id, kept.id, &joined, now).await?;
        for read_in in store::read_in::live(tx, gone.id, now).await? {
            if read_in.tier == Tier::Full {
                self.read_in_by_right(tx, kept.id, read_in.member_id, &read_in.reason, now).await?;
            }
        }
        let member = Some(ctx.actor.member);
        self.case_event(
            tx,
            gone.id,
            EventKind::Merged,
            member,
            &format!("merged into {}: {reason}", kept.id),
            true,
            now,
        )
        .await?;
        self.case_event(tx, kept.id, EventKind::Merged, member, &format!("took in {}: {reason}", gone.id), true, now)
            .await?;
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} merge {}", gone.id, kept.id)).await?;
        work.finish(&kept.id.to_string()).await?;
        self.wake.notify_waiters();
        self.case_show(ctx, into).await
    }

    /// Takes one finding out of a case into a case of its own, with a reason.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict` when it is the only finding or the case is not live.
    pub async fn case_split(&self, ctx: &Ctx, id: CaseId, finding: FindingId, reason: &str) -> Result<CaseView> {
        reason_check(reason)?;
        let mut work = match self.begin(ctx, "case_split").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(made) => return self.case_show(ctx, self.replayed(&made)?).await,
        };
        let tx = &mut work.tx;
        let case = self.case_authorized(tx, ctx, Action::CaseCoordinate, id).await?;
        let findings = store::finding::by_case(tx, id).await?;
        let Some(leaving) = findings.iter().find(|f| f.id == finding) else {
            return Err(ServiceError::NotFound("finding"));
        };
        if findings.len() < 2 || !case.state.is_live() {
            let why = "a finding can be split off a live case that keeps at least one other";
            return Err(ServiceError::conflict("not_splittable", why));
        }
        let now = ctx.actor.now;
        store::finding::leave_case(tx, finding, reason, now).await?;
        let text = format!("{} split off: {reason}", leaving.title);
        self.case_event(tx, id, EventKind::FindingSplit, Some(ctx.actor.member), &text, true, now).await?;
        let opened = self.case_open(tx, leaving, &format!("split off {id} by a coordinator: {reason}"), now).await?;
        work.finish(&opened.to_string()).await?;
        self.wake.notify_waiters();
        self.case_show(ctx, opened).await
    }

    /// The maintainer's verdict. It is final and is relayed to the finders.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for everybody but the maintainer, `Conflict` when it is given.
    pub async fn case_judge(
        &self,
        ctx: &Ctx,
        id: CaseId,
        verdict: MaintainerVerdict,
        reason: &str,
    ) -> Result<CaseView> {
        reason_check(reason)?;
        let mut work = match self.begin(ctx, "case_judge").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_show(ctx, id).await,
        };
        let mut case = self.case_authorized(&mut work.tx, ctx, Action::CaseJudge, id).await?;
        if let Some(given) = case.verdict {
            return Err(ServiceError::conflict(
                "verdict_given",
                format!("the maintainer's verdict is {given} and it is final"),
            ));
        }
        if !case.state.is_live() {
            return Err(ServiceError::conflict("case_not_live", "a verdict belongs to a live case"));
        }
        case.verdict = Some(verdict);
        case.verdict_reason = Some(reason.to_owned());
        case.updated_at = ctx.actor.now;
        self.case_update(&mut work.tx, &mut case).await?;
        let text = format!("the maintainer's verdict: {verdict}. {reason}");
        self.case_event(&mut work.tx, id, EventKind::Judged, Some(ctx.actor.member), &text, false, ctx.actor.now)
            .await?;
        work.finish(&id.to_string()).await?;
        self.case_show(ctx, id).await
    }

    /// Ends a case without an advisory. Needs a maintainer's verdict that it is no vulnerability.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict`.
    pub async fn case_close(&self, ctx: &Ctx, id: CaseId, reason: &str) -> Result<CaseView> {
        reason_check(reason)?;
        let mut work = match self.begin(ctx, "case_close").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_show(ctx, id).await,
        };
        let mut case = self.case_authorized(&mut work.tx, ctx, Action::CaseCoordinate, id).await?;
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
        work.finish(&id.to_string()).await?;
        self.case_show(ctx, id).await
    }

    /// Sets the embargo by a rule; a maintainer's own word is final.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Conflict` once the maintainer has spoken.
    pub async fn embargo_set(&self, ctx: &Ctx, id: CaseId, input: EmbargoInput) -> Result<CaseView> {
        let mut work = match self.begin(ctx, "embargo_set").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_show(ctx, id).await,
        };
        let standing = self.case_standing(&mut work.tx, &ctx.actor, id).await?;
        let owner = ctx.authorize_case(Action::CaseJudge, standing).is_ok();
        let action = if owner { Action::CaseJudge } else { Action::CaseCoordinate };
        let mut case = self.case_authorized(&mut work.tx, ctx, action, id).await?;
        let spoken = case.embargo_source == Some(EmbargoSource::Negotiated) && case.embargo_url.is_none();
        if spoken && !owner {
            return Err(ServiceError::conflict(
                "maintainer_spoke",
                "the maintainer set the embargo; its word is final",
            ));
        }
        let rule = EmbargoRule { source: input.source, ends: input.ends, url: input.url };
        let embargo = embargo_decide(case.opened_at, &[rule], owner.then_some(input.ends));
        case.embargo_ends = Some(embargo.ends);
        case.embargo_source = Some(embargo.source);
        case.embargo_url = embargo.url;
        case.embargo_reason = Some(embargo.reason.clone());
        case.updated_at = ctx.actor.now;
        self.case_update(&mut work.tx, &mut case).await?;
        let text = format!("embargo until {}: {}", embargo.ends.date(), embargo.reason);
        self.case_event(&mut work.tx, id, EventKind::Embargo, Some(ctx.actor.member), &text, false, ctx.actor.now)
            .await?;
        work.finish(&id.to_string()).await?;
        self.case_show(ctx, id).await
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
        let event =
            CaseEvent { id: new_id(at)?, case_id: case, at, kind, member_id: member, text: text.to_owned(), research };
        Ok(table::event_insert(tx, &event).await?)
    }
}

/// Blanks what the actor's tier does not show. Tier 3 learns the package and the time only.
fn redact(case: &mut Case, actor: &Actor, standing: CaseStanding) -> Result<()> {
    if case.public || actor.is(Role::Coordinator) || standing.tier.is_some_and(Tier::sees_fix) {
        if !actor.is(Role::Coordinator) && !standing.tier.is_some_and(Tier::sees_research) {
            case.summary = String::new();
        }
        return Ok(());
    }
    let package: Package = case.purl.parse().map_err(|e| internal("read a stored purl", e))?;
    case.title = format!("Embargoed fix for {}", package.name());
    case.summary = String::new();
    case.range = None;
    case.aliases = "[]".to_owned();
    case.weakness = None;
    case.verdict = None;
    case.verdict_reason = None;
    Ok(())
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
