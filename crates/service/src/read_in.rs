//! Read-in: place a person in a tier of one case, and end it. Every placement has a reason, an
//! approver, an end and a line in the case's history.
//!
//! Must not place by itself anybody but the finder, and whom `handover` hands a case over to.

use domain::case::{CaseState, EventKind};
use domain::id::{CaseId, MemberId, ReadInId};
use domain::policy::Action;
use domain::read_in::{READ_IN_DAYS_MAX, READ_IN_REASON_BYTES_MAX, Tier, placement_check};
use domain::time::Timestamp;
use store::Tx;
use store::read_in::{self as table, ReadIn};

use crate::Service;
use crate::case::CaseView;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, prose_check};
use crate::identity::new_id;
use crate::job::JobKind;

/// A placement to be made.
#[derive(Debug, Clone)]
pub struct ReadInInput {
    /// Who.
    pub member: MemberId,
    /// How much.
    pub tier: Tier,
    /// Why.
    pub reason: String,
    /// Until when.
    pub until: Timestamp,
}

impl Service {
    /// Reads a person in. A person has one tier per case: an earlier one ends.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when the case was merged, or waits for this maintainer.
    pub async fn read_in_place(&self, ctx: &Ctx, case: CaseId, input: ReadInInput) -> Result<CaseView> {
        let mut work = match self.begin_on(ctx, "read_in_place", Action::CaseReadIn, case).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, case).await,
        };
        let now = ctx.actor.now;
        placement_check(&input.reason, now, input.until)
            .map_err(|e| ServiceError::invalid("placement_refused", "read_in", e.to_string()))?;
        prose_check("reason", &input.reason, READ_IN_REASON_BYTES_MAX).map_err(|v| ServiceError::Invalid(vec![v]))?;
        if self.case_locked(&mut work.tx, case).await?.state == CaseState::Merged {
            return Err(ServiceError::conflict("case_merged", "read people into the case that carries on"));
        }
        let member = store::party::member_by_id(&mut work.tx, input.member).await?;
        let member = member.ok_or(ServiceError::NotFound("member"))?;
        let wait = store::pace::wait(&mut work.tx, case, member.party_id).await?;
        if wait.is_some_and(|w| w.released_at.is_none()) {
            let why =
                "the case waits for this maintainer, at the pace it asked for: ask for an exception if it is exploited";
            return Err(ServiceError::conflict("case_waits", why));
        }
        let row = ReadIn {
            id: new_id(now)?,
            case_id: case,
            member_id: member.id,
            tier: input.tier,
            reason: input.reason.trim().to_owned(),
            approver_id: Some(ctx.actor.member),
            placed_at: now,
            until: input.until,
            ended_at: None,
        };
        self.read_in_replace(&mut work.tx, &row).await?;
        let text = format!("{} read in at tier {} until {}: {}", member.name, row.tier, row.until.date(), row.reason);
        self.case_event(&mut work.tx, case, EventKind::ReadIn, Some(ctx.actor.member), &text, true, now).await?;
        // Who is read in decides who is told before publication.
        self.job_enqueue(&mut work.tx, JobKind::CaseNotify, &format!("{case} {}", row.id)).await?;
        work.finish(&row.id.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, case).await
    }

    /// Ends a read-in now.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`.
    pub async fn read_in_end(&self, ctx: &Ctx, case: CaseId, id: ReadInId) -> Result<CaseView> {
        let mut work = match self.begin_on(ctx, "read_in_end", Action::CaseReadIn, case).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, case).await,
        };
        self.case_locked(&mut work.tx, case).await?;
        let found = table::by_id(&mut work.tx, id).await?.filter(|r| r.case_id == case);
        let row = found.ok_or(ServiceError::NotFound("read-in"))?;
        if table::end(&mut work.tx, row.id, ctx.actor.now).await? {
            let text = format!("a read-in at tier {} ended", row.tier);
            self.case_event(&mut work.tx, case, EventKind::ReadIn, Some(ctx.actor.member), &text, true, ctx.actor.now)
                .await?;
        }
        work.finish(&row.id.to_string()).await?;
        self.case_shown(ctx, case).await
    }

    /// Places a person, whose earlier placement in the case ends.
    pub(crate) async fn read_in_replace(&self, tx: &mut Tx, row: &ReadIn) -> Result<()> {
        for live in table::live(tx, row.case_id, row.placed_at).await? {
            if live.member_id == row.member_id {
                table::end(tx, live.id, row.placed_at).await?;
            }
        }
        Ok(table::place(tx, row).await?)
    }

    /// Reads in, at tier 0, somebody who by its role has the right to: a finder or a maintainer. One
    /// whose placement in this case was ended early is left to the coordinators.
    pub(crate) async fn read_in_by_right(
        &self,
        tx: &mut Tx,
        case: CaseId,
        member: MemberId,
        reason: &str,
        now: Timestamp,
    ) -> Result<()> {
        if table::tier_of(tx, case, member, now).await? == Some(Tier::Full) {
            return Ok(());
        }
        // Whom a person took out before the time does not get back in by sending one more report.
        let newest = table::list(tx, case).await?.into_iter().rfind(|r| r.member_id == member);
        if newest.is_some_and(|r| r.ended_at.is_some_and(|ended| ended < r.until)) {
            return Ok(());
        }
        let row = ReadIn {
            id: new_id(now)?,
            case_id: case,
            member_id: member,
            tier: Tier::Full,
            reason: reason.to_owned(),
            approver_id: None,
            placed_at: now,
            until: now.plus_days(READ_IN_DAYS_MAX),
            ended_at: None,
        };
        self.read_in_replace(tx, &row).await
    }
}
