//! Notice: what each operator sees of its notices, and its answer to them.
//!
//! Must not show a notice of an embargoed case to a member who is not read in, and to nobody another
//! operator's. Who is told, and of what, is decided in `telling`.

use domain::id::{CaseId, NoticeId};
use domain::notice::{ANSWER_NOTE_BYTES_MAX, NoticeState, VexJustification, answer_check};
use domain::party::Role;
use domain::policy::Action;
use store::case::{CaseFilter, Viewer};
use store::notice::{self as table, Answer, Notice};
use store::{Listed, Page, Tx};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, prose_check};
use crate::identity::{new_id, now};

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

pub(crate) fn viewer(ctx: &Ctx) -> Viewer {
    Viewer { member: ctx.actor.member, staff: ctx.actor.is(Role::Coordinator), now: ctx.actor.now }
}

impl Service {
    /// The notices of the actor's party, as far as its member may see their cases.
    ///
    /// # Errors
    /// `Forbidden`, `Unavailable`.
    pub async fn notice_list(&self, ctx: &Ctx, page: &Page) -> Result<Listed<Notice>> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        Ok(table::list_visible(&mut tx, ctx.actor.party, viewer(ctx), None, page).await?)
    }

    /// One notice of the actor's party.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn notice_show(&self, ctx: &Ctx, id: NoticeId) -> Result<Notice> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        self.own_notice(&mut tx, ctx, id).await
    }

    async fn own_notice(&self, tx: &mut Tx, ctx: &Ctx, id: NoticeId) -> Result<Notice> {
        let notice = table::by_id(tx, id).await?.filter(|n| n.party_id == ctx.actor.party);
        let visible = self.case_visible(tx, &ctx.actor, notice.as_ref().map(|n| n.case_id)).await?;
        notice.filter(|_| visible).ok_or(ServiceError::NotFound("notice"))
    }

    /// Takes an operator's answer.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid`, `Conflict` when the notice is closed.
    pub async fn notice_answer(&self, ctx: &Ctx, id: NoticeId, input: AnswerInput) -> Result<Notice> {
        ctx.authorize(Action::NoticeAnswer)?;
        let mut tx = self.store.write().await?;
        let notice = self.own_notice(&mut tx, ctx, id).await?;
        let mut work = match self.begun(tx, ctx, "notice_answer").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return Ok(notice),
        };
        answer_check(input.answer, input.justification)
            .map_err(|e| ServiceError::invalid("answer_refused", "answer", e.to_string()))?;
        if let Some(note) = &input.note {
            prose_check("note", note, ANSWER_NOTE_BYTES_MAX).map_err(|v| ServiceError::Invalid(vec![v]))?;
        }
        let answer = Answer { state: input.answer, justification: input.justification, note: input.note };
        if !table::answer(&mut work.tx, id, &answer, ctx.actor.now).await? {
            return Err(ServiceError::conflict("notice_closed", "an inventory has closed this notice"));
        }
        let answered = self.own_notice(&mut work.tx, ctx, id).await?;
        work.finish(&id.to_string()).await?;
        Ok(answered)
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
