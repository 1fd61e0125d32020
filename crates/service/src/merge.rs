//! Merge and split: a coordinator overrules triage, with a reason. No credit is lost, and whoever was
//! read in stays read in.
//!
//! Must not get around the maintainer: a case that was judged cannot be merged away.

use domain::case::{CaseState, EventKind};
use domain::embargo::{EmbargoRule, EmbargoSource, embargo_decide};
use domain::id::{CaseId, FindingId, MemberId};
use domain::policy::Action;
use domain::proof::Grade;
use domain::time::Timestamp;
use store::Tx;
use store::case::Case;
use store::finding::Finding;
use store::read_in::ReadIn;

use crate::Service;
use crate::case::{CaseView, reason_check};
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError};
use crate::identity::new_id;
use crate::job::JobKind;
use crate::proof::cut;

impl Service {
    /// Joins two live cases of the same package into `into`, with a reason. Every credit stays; the
    /// placements, fixes and the shorter embargo go along.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when they are of different packages or not live,
    /// or when the maintainer has judged the one that would go.
    pub async fn case_merge(&self, ctx: &Ctx, from: CaseId, into: CaseId, reason: &str) -> Result<CaseView> {
        let mut tx = self.store.write().await?;
        for id in [from, into] {
            let standing = self.case_standing(&mut tx, &ctx.actor, id).await?;
            ctx.authorize_case(Action::CaseCoordinate, standing)?;
        }
        let mut work = match self.begun(tx, ctx, "case_merge").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, into).await,
        };
        reason_check(reason)?;
        let (mut gone, mut kept) = self.pair_locked(&mut work.tx, from, into).await?;
        merge_check(&gone, &kept)?;
        let (tx, now, member) = (&mut work.tx, ctx.actor.now, ctx.actor.member);
        for finding in store::finding::by_case(tx, gone.id).await? {
            let before = finding.state_reason.unwrap_or_default();
            let joined = cut(&format!("joined by a coordinator: {reason}; before that: {before}"));
            store::finding::join_case(tx, finding.id, kept.id, &joined, now).await?;
        }
        store::fix::move_case(tx, gone.id, kept.id).await?;
        self.handover_carry(tx, gone.id, kept.id, now).await?;
        self.read_ins_carry(tx, gone.id, kept.id, now).await?;
        let ranges: Vec<String> = kept.range.iter().chain(&gone.range).cloned().collect();
        self.range_combine(tx, &mut kept, &ranges, now).await?;
        self.fixes_reopen(tx, &mut kept, &gone.id.to_string()).await?;
        let shorter = embargo_take(&mut kept, &gone);
        kept.updated_at = now;
        self.case_update(tx, &mut kept).await?;
        if shorter {
            self.embargo_say(tx, &kept, Some(member), now).await?;
        }
        gone.state = CaseState::Merged;
        gone.merged_into = Some(kept.id);
        gone.updated_at = now;
        self.case_update(tx, &mut gone).await?;
        let text = format!("merged into {}: {reason}", kept.id);
        self.case_event(tx, gone.id, EventKind::Merged, Some(member), &text, true, now).await?;
        let text = format!("took in {}: {reason}", gone.id);
        self.case_event(tx, kept.id, EventKind::Merged, Some(member), &text, true, now).await?;
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} merge {}", gone.id, kept.id)).await?;
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} merge {}", kept.id, gone.id)).await?;
        work.finish(&into.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, into).await
    }

    /// Both cases, locked: the package first, as triage does, then the older one, so that nobody waits
    /// for each other.
    async fn pair_locked(&self, tx: &mut Tx, from: CaseId, into: CaseId) -> Result<(Case, Case)> {
        for id in [from.min(into), from.max(into)] {
            if let Some(case) = store::case::by_id(tx, id).await? {
                store::case::live_by_purl(tx, &case.purl).await?;
            }
        }
        let first = self.case_locked(tx, from.min(into)).await?;
        let second = self.case_locked(tx, from.max(into)).await?;
        Ok(if first.id == from { (first, second) } else { (second, first) })
    }

    /// Every live placement of a case goes to the one that carries on, with its reason, its approver
    /// and its end, unless its holder sees as much there already.
    async fn read_ins_carry(&self, tx: &mut Tx, from: CaseId, into: CaseId, now: Timestamp) -> Result<()> {
        for read_in in store::read_in::live(tx, from, now).await? {
            let there = store::read_in::tier_of(tx, into, read_in.member_id, now).await?;
            if there.is_some_and(|tier| tier.number() <= read_in.tier.number()) {
                continue;
            }
            let row = ReadIn { id: new_id(now)?, case_id: into, placed_at: now, ..read_in };
            self.read_in_replace(tx, &row).await?;
        }
        Ok(())
    }

    /// Takes one finding out of a case into a case of its own, with a reason.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when it is the only finding or the case is neither
    /// live nor published.
    pub async fn case_split(&self, ctx: &Ctx, id: CaseId, finding: FindingId, reason: &str) -> Result<CaseView> {
        let mut work = match self.begin_on(ctx, "case_split", Action::CaseCoordinate, id).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(made) => return self.case_shown(ctx, self.replayed(&made)?).await,
        };
        reason_check(reason)?;
        let (tx, now, member) = (&mut work.tx, ctx.actor.now, ctx.actor.member);
        let (mut case, _) = self.pair_locked(tx, id, id).await?;
        let (leaving, staying): (Vec<Finding>, Vec<Finding>) =
            store::finding::by_case(tx, id).await?.into_iter().partition(|f| f.id == finding);
        let mut leaving = leaving.into_iter().next().ok_or(ServiceError::NotFound("finding"))?;
        if staying.is_empty() || !(case.state.is_live() || case.state == CaseState::Published) {
            let why = "a finding can be split off a live or published case that keeps at least one other";
            return Err(ServiceError::conflict("not_splittable", why));
        }
        store::finding::leave_case(tx, finding, reason, now).await?;
        let text = format!("{} split off: {reason}", leaving.title);
        self.case_event(tx, id, EventKind::FindingSplit, Some(member), &text, true, now).await?;
        self.finder_release(tx, id, &leaving, &staying, now).await?;
        let ranges = self.ranges_of(tx, id).await?;
        if self.range_combine(tx, &mut case, &ranges, now).await? {
            case.updated_at = now;
            self.case_update(tx, &mut case).await?;
        }
        // Neither the text that everybody reads nor the finder's names the case it came from.
        leaving.state_reason = None;
        let because = format!("split off by a coordinator: {reason}");
        let opened = self.case_open(tx, &leaving, "split off by a coordinator", Some((id, &because)), now).await?;
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{id} split {opened}")).await?;
        work.finish(&opened.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, opened).await
    }

    /// Whoever was read in because of a finding that left is not any more, unless another of its
    /// findings stays.
    async fn finder_release(
        &self,
        tx: &mut Tx,
        case: CaseId,
        leaving: &Finding,
        staying: &[Finding],
        now: Timestamp,
    ) -> Result<()> {
        let Some(finder) = self.finder_of(tx, leaving).await? else { return Ok(()) };
        for other in staying {
            if self.finder_of(tx, other).await? == Some(finder) {
                return Ok(());
            }
        }
        let maintains = {
            let case = store::case::by_id(tx, case).await?.ok_or(ServiceError::NotFound("case"))?;
            store::party::maintains(tx, leaving.party_id, &case.purl).await?
        };
        for read_in in store::read_in::live(tx, case, now).await? {
            if read_in.member_id == finder && read_in.approver_id.is_none() && !maintains {
                store::read_in::end(tx, read_in.id, now).await?;
                let text = format!("a read-in at tier {} ended: its finding was split off", read_in.tier);
                self.case_event(tx, case, EventKind::ReadIn, None, &text, true, now).await?;
            }
        }
        Ok(())
    }

    async fn finder_of(&self, tx: &mut Tx, finding: &Finding) -> Result<Option<MemberId>> {
        Ok(store::report::by_id(tx, finding.report_id).await?.map(|r| r.member_id))
    }

    /// The measured ranges of a case's confirmed proofs.
    async fn ranges_of(&self, tx: &mut Tx, case: CaseId) -> Result<Vec<String>> {
        let proofs = store::proof::by_case(tx, case).await?;
        Ok(proofs.into_iter().filter(|p| p.grade == Some(Grade::Confirmed)).filter_map(|p| p.range).collect())
    }
}

fn merge_check(gone: &Case, kept: &Case) -> Result<()> {
    if gone.id == kept.id || gone.purl != kept.purl {
        return Err(ServiceError::conflict("not_mergeable", "two different cases of the same package can be merged"));
    }
    if !gone.state.is_live() || !kept.state.is_live() {
        return Err(ServiceError::conflict("case_not_live", "only live cases can be merged"));
    }
    if gone.verdict.is_some() && gone.verdict != kept.verdict {
        let why = "the maintainer has judged the case that would go, and that stays: merge the other way round";
        return Err(ServiceError::conflict("verdict_given", why));
    }
    Ok(())
}

/// Of two embargoes the shorter one stands, unless the maintainer has spoken on the case that stays.
fn embargo_take(kept: &mut Case, gone: &Case) -> bool {
    if kept.embargo_source == Some(EmbargoSource::Maintainer) {
        return false;
    }
    let (Some(source), Some(ends)) = (gone.embargo_source, gone.embargo_ends) else { return false };
    let word = (source == EmbargoSource::Maintainer).then_some(ends);
    if word.is_none() && kept.embargo_ends.is_some_and(|present| present <= ends) {
        return false;
    }
    let rule = EmbargoRule { source, ends, url: gone.embargo_url.clone() };
    let embargo = embargo_decide(kept.opened_at, &[rule], word);
    kept.embargo_ends = Some(embargo.ends);
    kept.embargo_source = Some(embargo.source);
    kept.embargo_url = embargo.url;
    kept.embargo_reason = Some(format!("{}, taken over with a merged case", embargo.reason));
    true
}
