//! Notice: tell each operator that runs an affected version, and nobody else; take its answer; and
//! close the notice when its inventory no longer has the version.
//!
//! Must not tell of an embargoed case anybody who is not read in. Running it twice tells nobody twice.

use std::collections::HashSet;

use domain::case::EventKind;
use domain::id::{CaseId, InventoryId, NoticeId, PartyId};
use domain::notice::{ANSWER_NOTE_BYTES_MAX, NoticeState, VexJustification, answer_check};
use domain::package::Package;
use domain::party::Role;
use domain::policy::Action;
use domain::read_in::Tier;
use domain::time::Timestamp;
use store::case::{Case, CaseFilter, Viewer};
use store::inventory::Running;
use store::notice::{self as table, Answer, Notice, Put};
use store::{Listed, Page, Tx};
use versions::osv::Status;

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::deadline::CveFacts;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{new_id, now};
use crate::range::{MeasuredRange, RangeAnswer};

/// An operator's answer.
#[derive(Debug, Clone)]
pub struct AnswerInput {
    /// What it says.
    pub answer: NoticeState,
    /// Why it is not affected, in OpenVEX words.
    pub justification: Option<VexJustification>,
    /// In its own words.
    pub note: Option<String>,
}

/// Who may be told of a case now.
enum Audience {
    Everybody,
    Parties(HashSet<PartyId>),
}

impl Audience {
    fn includes(&self, party: PartyId) -> bool {
        match self {
            Self::Everybody => true,
            Self::Parties(parties) => parties.contains(&party),
        }
    }
}

pub(crate) fn viewer(ctx: &Ctx) -> Viewer {
    Viewer { member: ctx.actor.member, staff: ctx.actor.is(Role::Coordinator), now: ctx.actor.now }
}

impl Service {
    /// The notices of the actor's party, as far as its member may see their cases.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn notice_list(&self, ctx: &Ctx, page: &Page) -> Result<Listed<Notice>> {
        let mut tx = self.store.read().await?;
        Ok(table::list_visible(&mut tx, ctx.actor.party, viewer(ctx), None, page).await?)
    }

    /// One notice of the actor's party.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn notice_show(&self, ctx: &Ctx, id: NoticeId) -> Result<Notice> {
        let mut tx = self.store.read().await?;
        self.own_notice(&mut tx, ctx, id).await
    }

    async fn own_notice(&self, tx: &mut Tx, ctx: &Ctx, id: NoticeId) -> Result<Notice> {
        let hidden = || ServiceError::NotFound("notice");
        let found = table::by_id(tx, id).await?;
        let notice = found.filter(|n| n.party_id == ctx.actor.party).ok_or_else(hidden)?;
        let standing = self.case_standing(tx, &ctx.actor, notice.case_id).await?;
        if domain::policy::visible(&ctx.actor, standing) { Ok(notice) } else { Err(hidden()) }
    }

    /// Takes an operator's answer.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`, `Conflict` when the notice is closed.
    pub async fn notice_answer(&self, ctx: &Ctx, id: NoticeId, input: AnswerInput) -> Result<Notice> {
        ctx.authorize(Action::NoticeAnswer)?;
        answer_check(input.answer, input.justification)
            .map_err(|e| ServiceError::invalid("answer_refused", "answer", e.to_string()))?;
        if input.note.as_ref().is_some_and(|n| n.len() > ANSWER_NOTE_BYTES_MAX) {
            let reason = format!("at most {ANSWER_NOTE_BYTES_MAX} bytes");
            return Err(ServiceError::invalid("field_too_large", "note", reason));
        }
        let mut work = match self.begin(ctx, "notice_answer").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.notice_show(ctx, self.replayed(&id)?).await,
        };
        self.own_notice(&mut work.tx, ctx, id).await?;
        let answer = Answer { state: input.answer, justification: input.justification, note: input.note };
        if !table::answer(&mut work.tx, id, &answer, ctx.actor.now).await? {
            return Err(ServiceError::conflict("notice_closed", "an inventory has closed this notice"));
        }
        work.finish(&id.to_string()).await?;
        self.notice_show(ctx, id).await
    }

    /// Brings the notices of one case up to date with its range, its audience and every current
    /// inventory. Gives how many are new.
    pub(crate) async fn case_notify(&self, id: CaseId) -> Result<()> {
        let mut tx = self.store.write().await?;
        let case = store::case::by_id_locked(&mut tx, id).await?.ok_or(ServiceError::NotFound("case"))?;
        let now = now();
        let audience = self.audience(&mut tx, &case, now).await?;
        let running = store::inventory::running(&mut tx, &case.purl).await?;
        let told = self.notices_put(&mut tx, &case, &audience, &running, now).await?;
        let there: HashSet<(PartyId, &str, &str)> =
            running.iter().map(|r| (r.party_id, r.asset.as_str(), r.version.as_deref().unwrap_or(""))).collect();
        for notice in table::by_case(&mut tx, id).await? {
            if notice.state != NoticeState::Closed
                && !there.contains(&(notice.party_id, notice.asset.as_str(), notice.version.as_str()))
            {
                table::close(&mut tx, notice.id, "the newest inventory no longer has this version", now).await?;
            }
        }
        if told > 0 {
            let text =
                if case.public { "operators that run it were told" } else { "read-in operators that run it were told" };
            self.case_event(&mut tx, id, EventKind::Notified, None, text, false, now).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn audience(&self, tx: &mut Tx, case: &Case, now: Timestamp) -> Result<Audience> {
        if case.public {
            return Ok(Audience::Everybody);
        }
        let mut parties = HashSet::new();
        for read_in in store::read_in::live(tx, case.id, now).await? {
            if read_in.tier == Tier::Delivery {
                continue;
            }
            if let Some(member) = store::party::member_by_id(tx, read_in.member_id).await? {
                parties.insert(member.party_id);
            }
        }
        Ok(Audience::Parties(parties))
    }

    async fn notices_put(
        &self,
        tx: &mut Tx,
        case: &Case,
        audience: &Audience,
        running: &[Running],
        now: Timestamp,
    ) -> Result<usize> {
        let Some(range) = case.range.as_deref().map(MeasuredRange::parse).transpose()? else { return Ok(0) };
        let package: Package = case.purl.parse().map_err(|e| internal("read a stored purl", e))?;
        let facts = self.cve_facts(tx, &case.aliases).await?;
        let advisory_id = store::advisory::by_case(tx, case.id).await?.map(|a| a.id);
        let mut told = 0;
        for run in running.iter().filter(|r| audience.includes(r.party_id)) {
            let Some(version) = run.version.as_deref() else { continue };
            let answer = range.answer(&package, version);
            if answer.status != Status::Affected {
                continue;
            }
            let notice = self.notice_of(case, run, version, &answer, &facts, &package, now)?;
            if table::put(tx, &Notice { advisory_id, ..notice }).await? == Put::New {
                told += 1;
            }
        }
        Ok(told)
    }

    #[allow(clippy::too_many_arguments)]
    fn notice_of(
        &self,
        case: &Case,
        run: &Running,
        version: &str,
        answer: &RangeAnswer,
        facts: &CveFacts,
        package: &Package,
        now: Timestamp,
    ) -> Result<Notice> {
        let deadline = self.deadline(facts, run.tags.exposure, run.uploaded_at)?;
        let mut because = vec![format!("{} {version} runs on {}: {}", package.name(), run.asset, answer.because)];
        because.extend(deadline.because);
        because.push(format!("table {}: {}", deadline.table, deadline.outcome.plain()));
        let action = match &answer.fixed {
            Some(fixed) => format!("Upgrade {} from {version} to {fixed} or later.", package.name()),
            None => {
                format!("No version without the defect is published: restrict the use of {} {version}.", package.name())
            }
        };
        Ok(Notice {
            id: new_id(now)?,
            case_id: case.id,
            advisory_id: None,
            party_id: run.party_id,
            asset: run.asset.clone(),
            inventory_id: run.inventory_id,
            purl: case.purl.clone(),
            version: version.to_owned(),
            path: run.path.clone(),
            outcome: deadline.outcome,
            due: deadline.due,
            clock_start: deadline.clock_start,
            analogy: deadline.analogy,
            because: serde_json::json!(because).to_string(),
            action,
            state: NoticeState::Open,
            justification: None,
            note: None,
            pre_publication: !case.public,
            created_at: now,
            updated_at: now,
            closed_at: None,
            closed_reason: None,
        })
    }

    /// The job behind every inventory: every case of every package in it, and every open notice of
    /// its asset.
    pub(crate) async fn inventory_match(&self, id: InventoryId) -> Result<()> {
        let mut cases: HashSet<CaseId> = HashSet::new();
        {
            let mut tx = self.store.read().await?;
            let inventory = store::inventory::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("inventory"))?;
            let open = table::open_of_asset(&mut tx, inventory.party_id, &inventory.asset).await?;
            cases.extend(open.iter().map(|n| n.case_id));
            for purl in store::inventory::purls(&mut tx, id).await? {
                cases.extend(self.cases_of_package(&mut tx, &purl).await?);
            }
        }
        for case in cases {
            self.case_notify(case).await?;
        }
        Ok(())
    }

    /// Every case of a package, whatever its state, for the machine's own use.
    pub(crate) async fn cases_of_package(&self, tx: &mut Tx, purl: &str) -> Result<Vec<CaseId>> {
        let staff = Viewer { member: new_id(now())?, staff: true, now: now() };
        let filter = CaseFilter { purl: Some(purl.to_owned()), state: None };
        let mut page = Page { cursor: None, limit: store::page::PAGE_ROWS_MAX };
        let mut ids = Vec::new();
        loop {
            let listed = store::case::list_visible(tx, staff, &filter, &page).await?;
            ids.extend(listed.items.iter().map(|c| c.id));
            match listed.next {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(ids),
            }
        }
    }
}
