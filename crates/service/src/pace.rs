//! Pace: what a maintainer sets for its packages, what waits for it, and the exception for what is exploited.
//!
//! Must not show a maintainer what waits for it: that is for coordinators. Must not let a coordinator set a maintainer's pace.

use domain::case::EventKind;
use domain::embargo::{EMBARGO_OUTER_DAYS_MAX, EmbargoRule, EmbargoSource};
use domain::id::{CaseId, MemberId, PartyId};
use domain::pace::{
    PACE_GUESTS_COUNT_MAX, PACE_RATE_PER_WEEK_COUNT_MAX, PACE_SEASONS_COUNT_MAX, Release, Season, Told, release_decide,
};
use domain::party::Role;
use domain::policy::Action;
use domain::read_in::Tier;
use domain::time::Timestamp;
use store::Tx;
use store::pace::{self as table, PaceRow, Wait};

use crate::Service;
use crate::case::{CaseView, reason_check};
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, url_check};
pub use crate::handover::Queued;
use crate::handover::released_at;
use crate::job::JobKind;

/// Longest address a maintainer is told at, in bytes.
pub const TOLD_TO_BYTES_MAX: usize = 320;
/// Longest URL of an embargo policy, in bytes.
pub const POLICY_URL_BYTES_MAX: usize = 512;

/// What a maintainer sets.
#[derive(Debug, Clone)]
pub struct PaceInput {
    /// Cases in any seven days; none for no limit.
    pub rate_per_week: Option<i64>,
    /// Closed seasons: first and last day, each by its first instant in UTC.
    pub seasons: Vec<(Timestamp, Timestamp)>,
    /// Takes none.
    pub refuse: bool,
    /// Takes exploited ones outside its rate and seasons.
    pub exceptions: bool,
    /// How it is told.
    pub told: Told,
    /// Where: an e-mail address, or the URL of an advisory channel.
    pub told_to: Option<String>,
    /// Where its embargo policy can be read.
    pub embargo_url: Option<String>,
    /// How long that policy keeps a case closed, in days from validation.
    pub embargo_days: Option<i64>,
    /// Who else is read in with each case, and at which tier.
    pub guests: Vec<(MemberId, Tier)>,
}

/// What a maintainer set, and where its pace stands.
#[derive(Debug, Clone)]
pub struct PaceView {
    /// Whose it is.
    pub party: PartyId,
    /// What it set; none when it set nothing, and there is no limit.
    pub set: Option<PaceRow>,
    /// What was handed over in the last seven days and counts, newest first.
    pub released: Vec<Wait>,
    /// When one more may be handed over, whether or not one waits.
    pub next: Release,
    /// Why it is not told as it wants to be.
    pub not_told: Option<&'static str>,
}

/// What waits for maintainers.
#[derive(Debug, Clone)]
pub struct PaceQueue {
    /// The cases, by maintainer, each in the order in which they go.
    pub queued: Vec<Queued>,
    /// Whether more wait than were looked at.
    pub more: bool,
}

/// `local@domain` of visible ASCII, as a header of a message can carry it bare.
pub(crate) fn is_address(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
    let atoms = |t: &str| !t.is_empty() && t.split('.').all(|a| !a.is_empty());
    let host = |t: &str| t.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    let parts = text.split_once('@');
    text.len() <= TOLD_TO_BYTES_MAX
        && parts.is_some_and(|(l, d)| l.len() <= 64 && l.chars().all(plain) && atoms(l) && host(d) && atoms(d))
}

fn told_check(violations: &mut Vec<Violation>, told: Told, to: Option<&str>) {
    match (told, to) {
        (Told::Api, None) => {}
        (Told::Api, Some(_)) => {
            let reason = "the pages and the API need no address";
            violations.push(Violation::new("field_not_allowed", "told_to", reason));
        }
        (Told::Email, Some(address)) if is_address(address) => {}
        (Told::Email, _) => {
            let reason = format!("an e-mail address such as security@example.org, at most {TOLD_TO_BYTES_MAX} bytes");
            violations.push(Violation::new("malformed_address", "told_to", reason));
        }
        (Told::AdvisoryChannel, Some(url)) => violations.extend(url_check("told_to", url, TOLD_TO_BYTES_MAX).err()),
        (Told::AdvisoryChannel, None) => {
            let reason = "the URL of the repository's private advisory channel";
            violations.push(Violation::new("missing_field", "told_to", reason));
        }
    }
}

fn input_check(input: &PaceInput) -> Vec<Violation> {
    let mut violations = Vec::new();
    if input.rate_per_week.is_some_and(|rate| !(1..=PACE_RATE_PER_WEEK_COUNT_MAX).contains(&rate)) {
        let reason =
            format!("1 to {PACE_RATE_PER_WEEK_COUNT_MAX}; leave it out for no limit, set `refuse` to take none");
        violations.push(Violation::new("out_of_range", "rate_per_week", reason));
    }
    if input.seasons.len() > PACE_SEASONS_COUNT_MAX {
        let reason = format!("at most {PACE_SEASONS_COUNT_MAX} closed seasons");
        violations.push(Violation::new("too_many_items", "seasons", reason));
    }
    for (i, (first, last)) in input.seasons.iter().enumerate() {
        if let Err(error) = Season::of_days(*first, *last) {
            violations.push(Violation::new("malformed_season", format!("seasons[{i}]"), error.to_string()));
        }
        if input.seasons[..i].contains(&(*first, *last)) {
            violations.push(Violation::new("repeated_item", format!("seasons[{i}]"), "stands more than once"));
        }
    }
    told_check(&mut violations, input.told, input.told_to.as_deref());
    if let Some(url) = &input.embargo_url {
        violations.extend(url_check("embargo_url", url, POLICY_URL_BYTES_MAX).err());
    }
    if input.embargo_days.is_some_and(|days| !(1..=EMBARGO_OUTER_DAYS_MAX).contains(&days)) {
        violations.push(Violation::new("out_of_range", "embargo_days", format!("1 to {EMBARGO_OUTER_DAYS_MAX}")));
    }
    if input.embargo_days.is_some() && input.embargo_url.is_none() {
        violations.push(Violation::new("missing_field", "embargo_url", "say where this policy can be read"));
    }
    if input.guests.len() > PACE_GUESTS_COUNT_MAX {
        violations.push(Violation::new("too_many_items", "guests", format!("at most {PACE_GUESTS_COUNT_MAX}")));
    }
    for (i, (guest, tier)) in input.guests.iter().enumerate() {
        if *tier == Tier::Full {
            let reason = "tier 0 is for finder and maintainer: 1, 2 or 3";
            violations.push(Violation::new("tier_not_allowed", format!("guests[{i}].tier"), reason));
        }
        if input.guests[..i].iter().any(|(g, _)| g == guest) {
            violations.push(Violation::new("repeated_item", format!("guests[{i}]"), "stands more than once"));
        }
    }
    violations
}

impl Service {
    /// Sets the pace of one's own party, in place of what was set before. It holds for every package that the party maintains,
    /// together, and from now on: what was handed over stays so.
    ///
    /// # Errors
    /// `Forbidden` for everybody but a maintainer, `NotFound` for another party, `Invalid`.
    pub async fn pace_set(&self, ctx: &Ctx, party: PartyId, input: PaceInput) -> Result<PaceView> {
        ctx.authorize(Action::PaceSet)?;
        if party != ctx.actor.party {
            return Err(ServiceError::NotFound("party"));
        }
        let mut work = match self.begin(ctx, "pace_set").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.pace_view(party).await,
        };
        let mut violations = input_check(&input);
        if violations.is_empty() {
            for (i, (guest, _)) in input.guests.iter().enumerate() {
                if store::party::member_by_id(&mut work.tx, *guest).await?.is_none() {
                    let reason = "no member of this clearinghouse has this id";
                    violations.push(Violation::new("unknown_member", format!("guests[{i}].member"), reason));
                }
            }
        }
        if !violations.is_empty() {
            return Err(ServiceError::Invalid(violations));
        }
        table::lock(&mut work.tx, party).await?;
        let row = PaceRow {
            party_id: party,
            rate_per_week: input.rate_per_week,
            refuse: input.refuse,
            exceptions: input.exceptions,
            told: input.told,
            told_to: input.told_to,
            embargo_url: input.embargo_url,
            embargo_days: input.embargo_days,
            set_by: ctx.actor.member,
            set_at: ctx.actor.now,
            revision: 0,
            seasons: input.seasons,
            guests: input.guests,
        };
        let revision = table::put(&mut work.tx, &row).await?;
        // What waits may go sooner now.
        self.job_enqueue(&mut work.tx, JobKind::PaceRelease, &format!("{party} set {revision}")).await?;
        work.finish(&party.to_string()).await?;
        self.jobs_wake();
        self.pace_view(party).await
    }

    /// What a party set and where its pace stands: one's own, or any for coordinators.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn pace_show(&self, ctx: &Ctx, party: PartyId) -> Result<PaceView> {
        ctx.authorize(Action::OwnRead)?;
        if party != ctx.actor.party && !ctx.actor.is(Role::Coordinator) {
            return Err(ServiceError::NotFound("party"));
        }
        self.pace_view(party).await
    }

    async fn pace_view(&self, party: PartyId) -> Result<PaceView> {
        let now = crate::identity::now();
        let mut tx = self.store.read().await?;
        store::party::by_id(&mut tx, party).await?.ok_or(ServiceError::NotFound("party"))?;
        let (pace, set) = self.pace_of(&mut tx, party).await?;
        let released = self.released_of(&mut tx, party, now).await?;
        let next = release_decide(&pace, &released_at(&released), false, now);
        let not_told = self.not_told(set.as_ref());
        Ok(PaceView { party, set, released, next, not_told })
    }

    /// What waits for its maintainers, why, and when it may be handed over. For coordinators.
    ///
    /// # Errors
    /// `Forbidden`.
    pub async fn pace_queue(&self, ctx: &Ctx, party: Option<PartyId>) -> Result<PaceQueue> {
        ctx.authorize(Action::PaceQueueRead)?;
        let now = crate::identity::now();
        let mut tx = self.store.read().await?;
        let waiting = table::waiting(&mut tx, party).await?;
        let more = i64::try_from(waiting.len()).unwrap_or(i64::MAX) >= table::WAITING_ROWS_MAX;
        let mut parties: Vec<PartyId> = waiting.iter().map(|w| w.wait.party_id).collect();
        parties.sort();
        parties.dedup();
        let mut queued = Vec::new();
        for party in parties {
            queued.extend(self.queue_of(&mut tx, party, now).await?);
        }
        Ok(PaceQueue { queued, more })
    }

    /// Asks that a case that is exploited in the wild be handed over outside its maintainers' paces. The reason stands in the case's
    /// history, and the maintainer reads it.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when it waits for nobody.
    pub async fn case_except(&self, ctx: &Ctx, case: CaseId, reason: &str) -> Result<CaseView> {
        let mut work = match self.begin_on(ctx, "case_except", Action::CaseCoordinate, case).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, case).await,
        };
        reason_check(reason)?;
        let (now, member) = (ctx.actor.now, ctx.actor.member);
        let row = self.case_locked(&mut work.tx, case).await?;
        let waits = table::waits_of_case(&mut work.tx, case).await?;
        let waits: Vec<Wait> = waits.into_iter().filter(|w| w.released_at.is_none()).collect();
        if !row.state.is_live() || row.public || waits.is_empty() {
            return Err(ServiceError::conflict("case_waits_for_nobody", "the case does not wait for a maintainer"));
        }
        table::except(&mut work.tx, case, reason, member, now).await?;
        let text = format!("an exception from the pace was asked for, because it is exploited in the wild: {reason}");
        self.case_event(&mut work.tx, case, EventKind::HandedOver, Some(member), &text, true, now).await?;
        for wait in waits {
            let key = format!("{} exception {case} {}", wait.party_id, now.micros());
            self.job_enqueue(&mut work.tx, JobKind::PaceRelease, &key).await?;
        }
        work.finish(&case.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, case).await
    }

    /// The embargo policies of the maintainers of a package, for a case that is validated now.
    pub(crate) async fn embargo_policies(&self, tx: &mut Tx, purl: &str, now: Timestamp) -> Result<Vec<EmbargoRule>> {
        let mut parties: Vec<PartyId> = store::party::maintainers(tx, purl).await?.iter().map(|m| m.party_id).collect();
        parties.dedup();
        let mut rules = Vec::new();
        for party in parties {
            let (_, row) = self.pace_of(tx, party).await?;
            let policy = row.and_then(|r| Some((r.embargo_days?, r.embargo_url?)));
            if let Some((days, url)) = policy {
                let ends = now.plus_days(days);
                rules.push(EmbargoRule { source: EmbargoSource::UpstreamPolicy, ends, url: Some(url) });
            }
        }
        Ok(rules)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_a_header_can_carry() {
        for good in ["security@example.org", "a.b+c@x-y.example", "o'neil@example.org"] {
            assert!(is_address(good), "{good}");
        }
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b@c",
            "a@b\r\nBcc: x@y",
            "a@b,c@d",
            "<a@b>",
            ".a@b",
            "a@b..c",
            "ä@b",
            &long,
        ] {
            assert!(!is_address(bad), "{bad}");
        }
    }
}
