//! Pace: when a case that waits for its maintainer may be handed over, and which one goes first.
//!
//! A maintainer says how many cases a week it takes, on which days none, or that it takes none at all. Must not hand anything
//! over, and must not know what waits: the times of what went before are passed in.

use std::cmp::Reverse;

use thiserror::Error;

use crate::deadline::Outcome;
use crate::id::CaseId;
use crate::time::{MICROS_PER_DAY, Timestamp};
use crate::words;

/// The window in which a rate counts, in days. It slides: there is no Monday on which the count begins anew.
pub const PACE_WINDOW_DAYS: i64 = 7;
/// Largest rate that can be set, in cases a week. Who wants more sets no limit.
pub const PACE_RATE_PER_WEEK_COUNT_MAX: i64 = 1_000;
/// Closed seasons of one maintainer.
pub const PACE_SEASONS_COUNT_MAX: usize = 52;
/// Longest closed season, in days.
pub const PACE_SEASON_DAYS_MAX: i64 = 366;
/// Others that one maintainer has read in with each of its cases.
pub const PACE_GUESTS_COUNT_MAX: usize = 50;

words! {
    /// How a maintainer wants to be told.
    pub enum Told {
        /// On the pages and through the API.
        Api = "api",
        /// By e-mail, in plain text.
        Email = "email",
        /// Through the private advisory channel of its repository.
        AdvisoryChannel = "advisory-channel",
    }
}

words! {
    /// Why a case was handed over when it was.
    pub enum Cause {
        /// The maintainer's pace allowed it.
        Pace = "pace",
        /// It is exploited, and a coordinator asked for an exception.
        Exception = "exception",
        /// The maintainer reported it itself.
        Own = "own",
        /// The maintainer had it already under another case, which was merged or split.
        Carried = "carried",
        /// It was handed over before there was a pace.
        Before = "before",
    }
}

impl Cause {
    /// Whether it uses up the rate: what the maintainer had already does not.
    #[must_use]
    pub const fn counts(self) -> bool {
        matches!(self, Self::Pace | Self::Exception)
    }
}

words! {
    /// What holds a case back.
    pub enum Hold {
        /// The maintainer takes no cases.
        Refused = "refused",
        /// It is a closed season.
        Season = "season",
        /// So many were handed over in the last seven days already.
        Rate = "rate",
    }
}

/// Why a closed season is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a closed season is of whole days, the first not after the last, at most {PACE_SEASON_DAYS_MAX} days together")]
pub struct MalformedSeason;

/// Days on which nothing is handed over, in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Season {
    from: Timestamp,
    until: Timestamp,
}

impl Season {
    /// A season from the first instant of one day to the last of another, both given by their first instant.
    ///
    /// # Errors
    /// [`MalformedSeason`]
    pub fn of_days(first: Timestamp, last: Timestamp) -> Result<Self, MalformedSeason> {
        let whole = |t: Timestamp| t.micros().rem_euclid(MICROS_PER_DAY) == 0;
        let fits = first <= last && last < first.plus_days(PACE_SEASON_DAYS_MAX);
        if whole(first) && whole(last) && fits {
            Ok(Self { from: first, until: last.plus_days(1) })
        } else {
            Err(MalformedSeason)
        }
    }

    /// The first instant of its first day.
    #[must_use]
    pub const fn first(self) -> Timestamp {
        self.from
    }

    /// The first instant of its last day.
    #[must_use]
    pub const fn last(self) -> Timestamp {
        self.until.plus_days(-1)
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.until
    }
}

/// What a maintainer asked for. The default is no limit: see `docs/pace.md`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Cases in any seven days; none for no limit.
    pub rate_per_week: Option<u32>,
    /// Days on which nothing comes.
    pub seasons: Vec<Season>,
    /// Takes no cases at all.
    pub refuse: bool,
    /// Lets a case that is exploited in the wild come outside its rate and its seasons, when a coordinator asks for it.
    pub exceptions: bool,
}

impl Default for Pace {
    fn default() -> Self {
        Self { rate_per_week: None, seasons: Vec::new(), refuse: false, exceptions: true }
    }
}

/// When a case may be handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Release {
    /// Now.
    Now,
    /// Not before this moment, if nothing else goes before it; and what holds it now.
    NotBefore(Timestamp, Hold),
    /// Not until the maintainer says otherwise.
    Never,
}

impl Release {
    /// What holds the case back now, if anything.
    #[must_use]
    pub const fn hold(self) -> Option<Hold> {
        match self {
            Self::Now => None,
            Self::NotBefore(_, hold) => Some(hold),
            Self::Never => Some(Hold::Refused),
        }
    }
}

/// Decides when one more case may be handed over, given when earlier ones were: all of the last seven days, in any order.
/// An exception passes over the rate and the seasons where the maintainer takes exceptions, never over a refusal.
#[must_use]
pub fn release_decide(pace: &Pace, released: &[Timestamp], is_exception: bool, now: Timestamp) -> Release {
    if pace.refuse {
        return Release::Never;
    }
    if is_exception && pace.exceptions {
        return Release::Now;
    }
    let free = rate_free_at(pace.rate_per_week, released, now);
    let at = season_end(&pace.seasons, free.max(now));
    if at <= now {
        Release::Now
    } else if pace.seasons.iter().any(|s| s.holds(now)) {
        Release::NotBefore(at, Hold::Season)
    } else if free > now {
        Release::NotBefore(at, Hold::Rate)
    } else {
        Release::NotBefore(at, Hold::Season)
    }
}

/// When each of the cases that wait may be handed over, in their order, if nothing comes in between. `exceptions` says of each
/// whether it is one.
#[must_use]
pub fn schedule(pace: &Pace, released: &[Timestamp], exceptions: &[bool], now: Timestamp) -> Vec<Release> {
    let mut released = released.to_vec();
    let mut out = Vec::new();
    for is_exception in exceptions {
        let release = release_decide(pace, &released, *is_exception, now);
        match release {
            Release::Now => released.push(now),
            Release::NotBefore(at, _) => released.push(at),
            Release::Never => {}
        }
        out.push(release);
    }
    out
}

/// When the rate next allows one more.
fn rate_free_at(rate: Option<u32>, released: &[Timestamp], now: Timestamp) -> Timestamp {
    let Some(rate) = rate else { return now };
    let mut recent: Vec<Timestamp> =
        released.iter().copied().filter(|at| *at > now.plus_days(-PACE_WINDOW_DAYS)).collect();
    recent.sort_unstable_by_key(|at| Reverse(*at));
    let rate = usize::try_from(rate).unwrap_or(usize::MAX);
    match rate.checked_sub(1).map(|last| recent.get(last)) {
        Some(Some(oldest)) => oldest.plus_days(PACE_WINDOW_DAYS),
        Some(None) => now,
        // A rate of nothing is a refusal, which is set as one; it must not come out as no limit.
        None => now.plus_days(PACE_WINDOW_DAYS),
    }
}

/// The first moment from `at` on that lies in no season.
fn season_end(seasons: &[Season], at: Timestamp) -> Timestamp {
    let mut at = at;
    while let Some(season) = seasons.iter().find(|s| s.holds(at)) {
        at = season.until;
    }
    at
}

/// What decides which of the cases that wait goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rank {
    /// Whether it is exploited in the wild: KEV lists it, or a coordinator says so with a reason.
    pub exploited: bool,
    /// How urgent the decision table finds it on an exposed asset.
    pub outcome: Outcome,
    /// Since when it waits.
    pub since: Timestamp,
    /// Which it is: ties break by id.
    pub case: CaseId,
}

impl Rank {
    fn key(&self) -> (Reverse<bool>, Reverse<Outcome>, Timestamp, CaseId) {
        (Reverse(self.exploited), Reverse(self.outcome), self.since, self.case)
    }
}

impl Ord for Rank {
    /// What goes first is less: exploited ones, then the more urgent, then those that wait longer.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(number: i64) -> Timestamp {
        Timestamp::from_micros(0).plus_days(number)
    }

    fn season(first: i64, last: i64) -> Season {
        Season::of_days(day(first), day(last)).unwrap()
    }

    fn weekly(rate: u32, seasons: &[(i64, i64)]) -> Pace {
        let seasons = seasons.iter().map(|(a, b)| season(*a, *b)).collect();
        Pace { rate_per_week: Some(rate), seasons, ..Pace::default() }
    }

    #[test]
    fn what_may_go_now_and_when_the_next_may() {
        let refusing = Pace { refuse: true, ..Pace::default() };
        let strict = Pace { exceptions: false, ..weekly(1, &[]) };
        type Row = (&'static str, Pace, &'static [i64], bool, i64, Release);
        let cases: &[Row] = &[
            ("nothing was set", Pace::default(), &[0, 0, 0], false, 0, Release::Now),
            ("below the rate", weekly(2, &[]), &[9], false, 10, Release::Now),
            ("the rate is used up", weekly(2, &[]), &[9, 8], false, 10, Release::NotBefore(day(15), Hold::Rate)),
            ("older ones do not count", weekly(2, &[]), &[9, 3], false, 10, Release::Now),
            (
                "the order does not matter",
                weekly(2, &[]),
                &[6, 9, 8],
                false,
                10,
                Release::NotBefore(day(15), Hold::Rate),
            ),
            (
                "more than the rate before it was lowered",
                weekly(1, &[]),
                &[6, 9, 8],
                false,
                10,
                Release::NotBefore(day(16), Hold::Rate),
            ),
            ("a season", weekly(5, &[(10, 12)]), &[], false, 10, Release::NotBefore(day(13), Hold::Season)),
            ("the day before it", weekly(5, &[(11, 12)]), &[], false, 10, Release::Now),
            ("the day after it", weekly(5, &[(8, 9)]), &[], false, 10, Release::Now),
            (
                "seasons that meet",
                weekly(5, &[(13, 14), (10, 12)]),
                &[],
                false,
                10,
                Release::NotBefore(day(15), Hold::Season),
            ),
            (
                "the rate is free in a season",
                weekly(1, &[(16, 20)]),
                &[9],
                false,
                10,
                Release::NotBefore(day(21), Hold::Rate),
            ),
            ("a refusal", refusing.clone(), &[], false, 10, Release::Never),
            ("an exception and a refusal", refusing, &[], true, 10, Release::Never),
            ("an exception", weekly(1, &[(10, 12)]), &[9, 9], true, 10, Release::Now),
            ("an exception that is not taken", strict, &[9], true, 10, Release::NotBefore(day(16), Hold::Rate)),
        ];
        for (what, pace, released, is_exception, now, wanted) in cases {
            let released: Vec<Timestamp> = released.iter().map(|d| day(*d)).collect();
            assert_eq!(release_decide(pace, &released, *is_exception, day(*now)), *wanted, "{what}");
        }
    }

    #[test]
    fn a_queue_is_spread_over_the_weeks() {
        let when = |pace: &Pace, released: &[i64], exceptions: &[bool]| -> Vec<i64> {
            let released: Vec<Timestamp> = released.iter().map(|d| day(*d)).collect();
            let day_of = |release| match release {
                Release::Now => 10,
                Release::NotBefore(at, _) => at.micros() / MICROS_PER_DAY,
                Release::Never => -1,
            };
            schedule(pace, &released, exceptions, day(10)).into_iter().map(day_of).collect()
        };
        assert_eq!(when(&weekly(1, &[]), &[], &[false; 3]), [10, 17, 24]);
        assert_eq!(when(&weekly(2, &[(12, 20)]), &[4, 5], &[false; 4]), [11, 21, 21, 28]);
        assert_eq!(when(&weekly(1, &[]), &[9], &[true, false, false]), [10, 17, 24]);
        assert_eq!(when(&Pace { refuse: true, ..Pace::default() }, &[], &[true, false]), [-1, -1]);
        assert_eq!(when(&Pace::default(), &[9, 9], &[false; 3]), [10, 10, 10]);
    }

    #[test]
    fn a_season_is_of_whole_days_in_order() {
        assert_eq!((season(3, 5).first(), season(3, 5).last()), (day(3), day(5)));
        assert!(Season::of_days(day(5), day(4)).is_err());
        assert!(Season::of_days(day(5).plus_seconds(1), day(6)).is_err());
        assert!(Season::of_days(day(5), day(5).plus_seconds(1)).is_err());
        assert!(Season::of_days(day(0), day(365)).is_ok() && Season::of_days(day(0), day(366)).is_err());
        assert!(Season::of_days(Timestamp::from_micros(i64::MAX), Timestamp::from_micros(i64::MAX)).is_err());
    }

    #[test]
    fn exploited_then_urgent_then_old() {
        let id = |n: u8| CaseId::new(1, [n; 10]);
        let rank = |exploited, outcome, since, n| Rank { exploited, outcome, since: day(since), case: id(n) };
        let mut ranks = [
            rank(false, Outcome::Days60, 1, 1),
            rank(false, Outcome::Days14, 3, 2),
            rank(true, Outcome::OnUpgrade, 9, 3),
            rank(false, Outcome::Days14, 2, 5),
            rank(false, Outcome::Days14, 2, 4),
            rank(true, Outcome::Days3Forensic, 10, 6),
        ];
        ranks.sort();
        assert_eq!(ranks.map(|r| r.case), [6, 3, 4, 5, 2, 1].map(id));
    }

    proptest! {
        /// Cases come at any times; each is handed over at the first moment that the rule names. Then no seven days see more than
        /// the rate, no season sees any, and each went at the very first moment that was free.
        #[test]
        fn no_week_sees_more_than_the_rate_and_no_season_any(
            rate in 1_u32..5,
            seasons in prop::collection::vec((0_i64..60, 0_i64..6), 0..4),
            arrivals in prop::collection::vec(0_i64..60 * 24, 1..40),
        ) {
            let seasons: Vec<(i64, i64)> = seasons.into_iter().map(|(from, days)| (from, from + days)).collect();
            let pace = weekly(rate, &seasons);
            let mut arrivals = arrivals;
            arrivals.sort_unstable();
            let mut released: Vec<Timestamp> = Vec::new();
            for hour in arrivals {
                let came = Timestamp::from_micros(0).plus_seconds(hour * 3_600);
                let mut now = released.last().map_or(came, |last| came.max(*last));
                if let Release::NotBefore(at, _) = release_decide(&pace, &released, false, now) {
                    prop_assert!(at > now);
                    let just_before = Timestamp::from_micros(at.micros() - 1);
                    prop_assert_ne!(release_decide(&pace, &released, false, just_before), Release::Now);
                    now = at;
                }
                prop_assert_eq!(release_decide(&pace, &released, false, now), Release::Now);
                prop_assert!(!pace.seasons.iter().any(|s| s.holds(now)));
                released.push(now);
                let week = released.iter().filter(|at| **at > now.plus_days(-PACE_WINDOW_DAYS)).count();
                prop_assert!(week <= usize::try_from(rate).unwrap());
            }
        }

        /// Whatever was set: a refusal lets nothing through, and what may go is never later with a higher rate.
        #[test]
        fn a_refusal_holds_and_a_higher_rate_never_holds_longer(
            rate in 1_u32..6, released in prop::collection::vec(0_i64..240, 0..12), exception: bool, now in 0_i64..240,
        ) {
            let at = |hour: i64| Timestamp::from_micros(0).plus_seconds(hour * 3_600);
            let released: Vec<Timestamp> = released.into_iter().map(at).collect();
            let when = |rate: Option<u32>| {
                let pace = Pace { rate_per_week: rate, ..Pace::default() };
                match release_decide(&pace, &released, exception, at(now)) {
                    Release::Now => at(now),
                    Release::NotBefore(at, _) => at,
                    Release::Never => Timestamp::from_micros(i64::MAX),
                }
            };
            prop_assert!(when(Some(rate + 1)) <= when(Some(rate)));
            prop_assert_eq!(when(None), at(now));
            let refusing = Pace { refuse: true, rate_per_week: Some(rate), ..Pace::default() };
            prop_assert_eq!(release_decide(&refusing, &released, exception, at(now)), Release::Never);
        }
    }
}
