//! Handing cases over to their maintainers, at the pace each of them asked for.
//!
//! A new case waits for every party that maintains its package; to hand it over is to read that party's members in. Must not let a
//! maintainer learn of a case that waits, nor hand one over faster than its pace: `domain::pace` decides, and one at a time decides
//! for one party, on however many servers. Order of locks: a case's row, then the party's pace.

use domain::case::EventKind;
use domain::id::{CaseId, MemberId, PartyId};
use domain::inventory::Exposure;
use domain::pace::{Cause, PACE_WINDOW_DAYS, Pace, Rank, Release, Season, release_decide, schedule};
use domain::read_in::{READ_IN_DAYS_MAX, Tier};
use domain::time::Timestamp;
use store::Tx;
use store::pace::{self as table, PaceRow, Wait, Waiting};
use store::read_in::ReadIn;

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{new_id, now};
use crate::job::JobKind;

/// How long after a job of a queue was given up the next one looks at it, in seconds.
const QUEUE_AGAIN_S: i64 = 3_600;

/// A case in a maintainer's queue.
#[derive(Debug, Clone)]
pub struct Queued {
    /// What waits, and for whom.
    pub waiting: Waiting,
    /// What decides its place.
    pub rank: Rank,
    /// When it may be handed over, if nothing comes in between.
    pub release: Release,
    /// Why the maintainer will not be told as it wants to be.
    pub not_told: Option<&'static str>,
}

/// Why somebody is read in who maintains the package.
const BY_RIGHT: &str = "maintains the package";

impl Service {
    /// What a party asked for, and what it set. Who set nothing has no limit.
    pub(crate) async fn pace_of(&self, tx: &mut Tx, party: PartyId) -> Result<(Pace, Option<PaceRow>)> {
        let row = table::by_party(tx, party).await?;
        let pace = row.as_ref().map(pace_from).transpose()?.unwrap_or_default();
        Ok((pace, row))
    }

    /// When cases were handed over to a party in the last seven days, as far as they count.
    pub(crate) async fn released_of(&self, tx: &mut Tx, party: PartyId, now: Timestamp) -> Result<Vec<Wait>> {
        let mut waits = table::released_since(tx, party, now.plus_days(-PACE_WINDOW_DAYS)).await?;
        waits.retain(|w| w.cause.is_some_and(Cause::counts));
        Ok(waits)
    }

    /// Has a new case wait for every maintainer of its package, and hands it over at once where nothing holds it back: where it is
    /// the maintainer's `own` report, or one that it had as case `from`, too.
    pub(crate) async fn handover_begin(
        &self,
        tx: &mut Tx,
        (case, purl): (CaseId, &str),
        own: PartyId,
        from: Option<CaseId>,
        now: Timestamp,
    ) -> Result<()> {
        let mut parties: Vec<PartyId> = store::party::maintainers(tx, purl).await?.iter().map(|m| m.party_id).collect();
        parties.dedup();
        for party in parties {
            let had = match from {
                Some(from) => table::wait(tx, from, party).await?.is_some_and(|w| w.released_at.is_some()),
                None => false,
            };
            let known = if party == own {
                Some(Cause::Own)
            } else if had {
                Some(Cause::Carried)
            } else {
                None
            };
            self.handover_begin_for(tx, case, party, known, now).await?;
        }
        Ok(())
    }

    /// The same for one party, which may maintain the package only since now.
    pub(crate) async fn handover_begin_for(
        &self,
        tx: &mut Tx,
        case: CaseId,
        party: PartyId,
        known: Option<Cause>,
        now: Timestamp,
    ) -> Result<()> {
        if !table::wait_open(tx, case, party, now).await? {
            return Ok(());
        }
        let (pace, row) = self.pace_of(tx, party).await?;
        // A rate must be counted, which the job does; without one there is nothing to count.
        let is_free = pace.rate_per_week.is_none() && release_decide(&pace, &[], false, now) == Release::Now;
        match known.or_else(|| is_free.then_some(Cause::Pace)) {
            Some(cause) => self.hand_over(tx, case, party, cause, row.as_ref(), None, now).await,
            None => self.job_enqueue(tx, JobKind::PaceRelease, &format!("{party} {case}")).await,
        }
    }

    /// A report of a party that maintains the package joined a case: then that party has it.
    pub(crate) async fn handover_own(&self, tx: &mut Tx, case: CaseId, party: PartyId, now: Timestamp) -> Result<()> {
        self.handed_otherwise(tx, case, party, Cause::Own, now).await
    }

    /// Who had the case that goes has the one that carries on; and what was to be an exception still is.
    pub(crate) async fn handover_carry(&self, tx: &mut Tx, from: CaseId, into: CaseId, now: Timestamp) -> Result<()> {
        for gone in table::waits_of_case(tx, from).await? {
            if gone.released_at.is_some() {
                self.handed_otherwise(tx, into, gone.party_id, Cause::Carried, now).await?;
            } else if let (Some(reason), Some(by)) = (&gone.exception_reason, gone.exception_by) {
                table::except(tx, into, reason, by, now).await?;
                self.job_enqueue(tx, JobKind::PaceRelease, &format!("{} merge {from}", gone.party_id)).await?;
            }
        }
        Ok(())
    }

    async fn handed_otherwise(
        &self,
        tx: &mut Tx,
        case: CaseId,
        party: PartyId,
        cause: Cause,
        now: Timestamp,
    ) -> Result<()> {
        table::lock(tx, party).await?;
        let Some(wait) = table::wait(tx, case, party).await?.filter(|w| w.released_at.is_none()) else {
            return Ok(());
        };
        let row = table::by_party(tx, party).await?;
        self.hand_over(tx, case, party, cause, row.as_ref(), Some(&wait), now).await
    }

    /// Reads a maintainer's new member into the live cases of its packages that its party has, and has those wait that are new to it.
    pub(crate) async fn maintainer_read_in(
        &self,
        tx: &mut Tx,
        member: &store::party::Member,
        packages: &[String],
    ) -> Result<()> {
        let now = member.created_at;
        for purl in packages {
            for case in store::case::live_by_purl(tx, purl).await? {
                match table::wait(tx, case.id, member.party_id).await? {
                    None => self.handover_begin_for(tx, case.id, member.party_id, None, now).await?,
                    Some(wait) if wait.released_at.is_some() => {
                        self.read_in_by_right(tx, case.id, member.id, BY_RIGHT, now).await?;
                        let text = format!("{} read in at tier {}: {BY_RIGHT}", member.name, Tier::Full);
                        self.case_event(tx, case.id, EventKind::ReadIn, None, &text, true, now).await?;
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// The job behind every queue: hands over what may go now, and leaves a job for when the next one may.
    pub(crate) async fn pace_release(&self, party: PartyId) -> Result<()> {
        while self.release_next(party).await? {}
        Ok(())
    }

    /// No attempt to look at a queue came to an end: somebody looks again later.
    pub(crate) async fn pace_given_up(&self, tx: &mut Tx, party: PartyId) -> Result<()> {
        let at = now().plus_seconds(QUEUE_AGAIN_S);
        self.job_enqueue_at(tx, JobKind::PaceRelease, &format!("{party} again {}", at.micros()), at).await
    }

    /// Hands over the first case that may go now. False when none may.
    async fn release_next(&self, party: PartyId) -> Result<bool> {
        let mut tx = self.store.write().await?;
        let queue = self.queue_of(&mut tx, party, now()).await?;
        let Some(first) = queue.iter().find(|q| q.release == Release::Now) else {
            let next = queue.iter().filter_map(|q| match q.release {
                Release::NotBefore(at, _) => Some(at),
                Release::Now | Release::Never => None,
            });
            if let Some(at) = next.min() {
                let key = format!("{party} {}", at.micros());
                self.job_enqueue_at(&mut tx, JobKind::PaceRelease, &key, at).await?;
                tx.commit().await?;
            }
            return Ok(false);
        };
        let id = first.waiting.wait.case_id;
        let case = self.case_locked(&mut tx, id).await?;
        table::lock(&mut tx, party).await?;
        // From here on nobody else hands anything over to this party: what was seen before may have changed.
        let (now, (pace, row)) = (now(), self.pace_of(&mut tx, party).await?);
        let waits = table::wait(&mut tx, id, party).await?.filter(|w| w.released_at.is_none());
        let Some(wait) = waits.filter(|_| case.state.is_live() && !case.public) else { return Ok(true) };
        let released = released_at(&self.released_of(&mut tx, party, now).await?);
        if release_decide(&pace, &released, wait.exception_at.is_some(), now) != Release::Now {
            return Ok(true);
        }
        let by_pace = release_decide(&pace, &released, false, now) == Release::Now;
        let cause = if by_pace { Cause::Pace } else { Cause::Exception };
        self.hand_over(&mut tx, id, party, cause, row.as_ref(), Some(&wait), now).await?;
        tx.commit().await?;
        self.jobs_wake();
        Ok(true)
    }

    /// What waits for a party, in the order in which it goes.
    pub(crate) async fn queue_of(&self, tx: &mut Tx, party: PartyId, now: Timestamp) -> Result<Vec<Queued>> {
        let mut ranked = Vec::new();
        for waiting in table::waiting(tx, Some(party)).await? {
            ranked.push((self.rank_of(tx, &waiting).await?, waiting));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        let (pace, row) = self.pace_of(tx, party).await?;
        let not_told = self.not_told(row.as_ref());
        let released = released_at(&self.released_of(tx, party, now).await?);
        let exceptions: Vec<bool> = ranked.iter().map(|(_, w)| w.wait.exception_at.is_some()).collect();
        let releases = schedule(&pace, &released, &exceptions, now);
        let queued = |((rank, waiting), release)| Queued { waiting, rank, release, not_told };
        Ok(ranked.into_iter().zip(releases).map(queued).collect())
    }

    async fn rank_of(&self, tx: &mut Tx, waiting: &Waiting) -> Result<Rank> {
        let facts = self.cve_facts(tx, &waiting.aliases).await?;
        let deadline = self.deadline(&facts, Exposure::Exposed, waiting.wait.since)?;
        Ok(Rank {
            exploited: facts.is_exploited() || waiting.wait.exception_at.is_some(),
            outcome: deadline.outcome,
            since: waiting.wait.since,
            case: waiting.wait.case_id,
        })
    }

    /// Reads a maintainer's members in, and whom else it wants read in.
    #[allow(clippy::too_many_arguments)]
    async fn hand_over(
        &self,
        tx: &mut Tx,
        case: CaseId,
        party: PartyId,
        cause: Cause,
        row: Option<&PaceRow>,
        wait: Option<&Wait>,
        now: Timestamp,
    ) -> Result<()> {
        if !table::release(tx, case, party, now, cause).await? {
            return Ok(());
        }
        for member in store::party::members(tx, party).await? {
            self.read_in_by_right(tx, case, member.id, BY_RIGHT, now).await?;
        }
        for (guest, tier) in row.iter().flat_map(|r| &r.guests) {
            let by = row.map(|r| r.set_by);
            self.guest_read_in(tx, case, *guest, *tier, by, now).await?;
        }
        // Who set nothing and waited for nothing is read in as the case opens: there is nothing to tell.
        if row.is_some() || wait.is_some() {
            let party = store::party::by_id(tx, party).await?.ok_or(ServiceError::NotFound("party"))?;
            let text = told(&party.name, cause, wait);
            self.case_event(tx, case, EventKind::HandedOver, None, &text, true, now).await?;
        }
        self.letter_leave(tx, case, party, row, now).await?;
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{case} handed {party}")).await
    }

    /// Reads somebody in because a maintainer wants it read in with each of its cases.
    async fn guest_read_in(
        &self,
        tx: &mut Tx,
        case: CaseId,
        guest: MemberId,
        tier: Tier,
        by: Option<MemberId>,
        now: Timestamp,
    ) -> Result<()> {
        let placed = store::read_in::list(tx, case).await?;
        let newest = placed.iter().rfind(|r| r.member_id == guest);
        // Who sees as much already keeps that; whom a person took out stays out.
        let there = store::read_in::tier_of(tx, case, guest, now).await?;
        let is_out = newest.is_some_and(|r| r.ended_at.is_some_and(|ended| ended < r.until));
        if is_out || there.is_some_and(|t| t.number() <= tier.number()) {
            return Ok(());
        }
        let row = ReadIn {
            id: new_id(now)?,
            case_id: case,
            member_id: guest,
            tier,
            reason: "the maintainer has it read in with each of its cases".to_owned(),
            approver_id: by,
            placed_at: now,
            until: now.plus_days(READ_IN_DAYS_MAX),
            ended_at: None,
        };
        self.read_in_replace(tx, &row).await
    }
}

/// The times of what was handed over.
pub(crate) fn released_at(waits: &[Wait]) -> Vec<Timestamp> {
    waits.iter().filter_map(|w| w.released_at).collect()
}

/// What the maintainer and everybody who sees research reads of it.
fn told(party: &str, cause: Cause, wait: Option<&Wait>) -> String {
    match cause {
        Cause::Exception => {
            let reason = wait.and_then(|w| w.exception_reason.as_deref()).unwrap_or_default();
            format!("handed over to {party} outside its pace, because it is exploited in the wild: {reason}")
        }
        Cause::Pace => match wait.and_then(|w| w.exception_reason.as_deref()) {
            Some(reason) => format!("handed over to {party} first, because it is exploited in the wild: {reason}"),
            None => format!("handed over to {party} at the pace it asked for"),
        },
        Cause::Own => format!("handed over to {party}, which reported it"),
        Cause::Carried | Cause::Before => format!("handed over to {party}, which had it before"),
    }
}

fn pace_from(row: &PaceRow) -> Result<Pace> {
    let season = |(first, last): &(Timestamp, Timestamp)| {
        Season::of_days(*first, *last).map_err(|e| internal("read a stored season", e))
    };
    Ok(Pace {
        // The store holds it above zero, and the input below a bound.
        rate_per_week: row.rate_per_week.map(|rate| u32::try_from(rate).unwrap_or(u32::MAX)),
        seasons: row.seasons.iter().map(season).collect::<Result<_>>()?,
        refuse: row.refuse,
        exceptions: row.exceptions,
    })
}
