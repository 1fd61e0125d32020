//! Standing: how often what a finder reported was proved, and what follows from it for its next reports.
//!
//! It sets how soon they are validated and how many may wait, never how severe anything is. Exact rational numbers: no rounding
//! decides between two finders. Must not know what a report says, nor from where the counts come.

use std::cmp::Ordering;

/// What a newcomer is taken to have proved.
pub const STANDING_PRIOR_PROVED_COUNT: u32 = 2;
/// Of how many. With the count above: as likely right as wrong, until four proofs of its own weigh as much as this.
pub const STANDING_PRIOR_WEIGHT_COUNT: u32 = 4;
/// By how much the turn of a report is put off where nothing was ever proved, in seconds. Nobody who came later than this after
/// it goes before it.
pub const STANDING_DELAY_S_MAX: i64 = 6 * 3_600;
/// The smallest share of a newcomer's places that a finder keeps: one in so many.
pub const STANDING_PLACES_SHARE_COUNT: u32 = 8;
/// Reports of a newcomer that may wait unless an operator says otherwise: the 700 results of one analysis run come in at once,
/// the run after it while they wait, and there is room beside them.
pub const STANDING_WAITING_COUNT: u32 = 2_000;

/// What became of a finder's proofs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Record {
    /// Findings whose proof held.
    pub proved: u32,
    /// Findings whose proof was run and did not hold.
    pub unproved: u32,
}

/// A finder's standing: above 0, below 1.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    proved: u64,
    submitted: u64,
}

impl Standing {
    /// (proved + prior) ÷ (submitted + the prior's weight).
    #[must_use]
    pub fn of(record: Record) -> Self {
        let proved = u64::from(record.proved) + u64::from(STANDING_PRIOR_PROVED_COUNT);
        let submitted = u64::from(record.proved) + u64::from(record.unproved) + u64::from(STANDING_PRIOR_WEIGHT_COUNT);
        Self { proved, submitted }
    }

    /// In thousandths, rounded down: for people to read, not to compare.
    #[must_use]
    pub fn thousandths(self) -> u32 {
        self.share_of(1_000, 1)
    }

    /// By how much the turn of a report is put off, in seconds: nothing for a finder who is always right,
    /// [`STANDING_DELAY_S_MAX`] for one who never is.
    #[must_use]
    pub fn delay_s(self) -> i64 {
        let missed = i128::from(self.submitted - self.proved);
        let delay = i128::from(STANDING_DELAY_S_MAX) * missed / i128::from(self.submitted);
        i64::try_from(delay).unwrap_or(STANDING_DELAY_S_MAX)
    }

    /// How many reports may wait unvalidated, given how many of a newcomer may. More as the standing grows, up to twice as many;
    /// never less than one in [`STANDING_PLACES_SHARE_COUNT`], nor than one: whoever is down must be able to come up.
    #[must_use]
    pub fn waiting_max(self, newcomer: u32) -> u32 {
        let places =
            self.share_of(u64::from(newcomer) * u64::from(STANDING_PRIOR_WEIGHT_COUNT), STANDING_PRIOR_PROVED_COUNT);
        places.max(newcomer / STANDING_PLACES_SHARE_COUNT).max(1)
    }

    /// `whole` × standing ÷ `parts`, rounded down.
    fn share_of(self, whole: u64, parts: u32) -> u32 {
        let share = u128::from(whole) * u128::from(self.proved) / (u128::from(self.submitted) * u128::from(parts));
        u32::try_from(share).unwrap_or(u32::MAX)
    }
}

impl Ord for Standing {
    fn cmp(&self, other: &Self) -> Ordering {
        let cross = |a: &Self, b: &Self| u128::from(a.proved) * u128::from(b.submitted);
        cross(self, other).cmp(&cross(other, self))
    }
}

impl PartialOrd for Standing {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Standing {
    /// 2 of 4 is 1 of 2.
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Standing {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(proved: u32, unproved: u32) -> Standing {
        Standing::of(Record { proved, unproved })
    }

    #[test]
    fn records_and_what_follows() {
        // Proved, unproved; thousandths, delay, places where a newcomer has 800.
        let cases = [
            (0, 0, 500, 10_800, 800),
            (1, 0, 600, 8_640, 960),
            (0, 1, 400, 12_960, 640),
            (4, 0, 750, 5_400, 1_200),
            (0, 4, 250, 16_200, 400),
            (4, 4, 500, 10_800, 800),
            (96, 0, 980, 432, 1_568),
            (0, 96, 20, 21_168, 100),
            (u32::MAX, 0, 999, 0, 1_599),
            (0, u32::MAX, 0, 21_599, 100),
        ];
        for (proved, unproved, thousandths, delay, places) in cases {
            let standing = of(proved, unproved);
            let found = (standing.thousandths(), standing.delay_s(), standing.waiting_max(800));
            assert_eq!(found, (thousandths, delay, places), "{proved} proved, {unproved} not");
        }
    }

    #[test]
    fn places_at_the_ends_of_what_can_be_set() {
        assert_eq!((of(0, 0).waiting_max(1), of(0, 9).waiting_max(1), of(9, 0).waiting_max(1)), (1, 1, 1));
        assert_eq!(of(9, 0).waiting_max(u32::MAX), u32::MAX);
        assert_eq!(of(0, 0).waiting_max(u32::MAX), u32::MAX);
        assert_eq!(of(0, 0).waiting_max(0), 1);
    }

    fn count() -> impl Strategy<Value = u32> {
        prop_oneof![0_u32..20, any::<u32>()]
    }

    proptest! {
        #[test]
        fn between_nothing_and_all_and_so_is_what_follows(p in count(), u in count(), newcomer in any::<u32>()) {
            let standing = of(p, u);
            prop_assert!(0 < standing.proved && standing.proved < standing.submitted);
            prop_assert!((0..=STANDING_DELAY_S_MAX).contains(&standing.delay_s()));
            let places = standing.waiting_max(newcomer);
            prop_assert!(places >= 1 && places >= newcomer / STANDING_PLACES_SHARE_COUNT);
            prop_assert!(u64::from(places) <= (2 * u64::from(newcomer)).max(1));
        }

        /// One more that is proved is strictly better, one more that is not strictly worse; what follows never goes the other way.
        #[test]
        fn grows_with_proved_and_falls_with_unproved(p in 0..u32::MAX, u in 0..u32::MAX, newcomer in any::<u32>()) {
            for (less, more) in [(of(p, u), of(p + 1, u)), (of(p, u + 1), of(p, u))] {
                prop_assert!(less < more);
                prop_assert!(less.delay_s() >= more.delay_s());
                prop_assert!(less.waiting_max(newcomer) <= more.waiting_max(newcomer));
            }
        }

        /// The order is that of the fractions, for every two finders.
        #[test]
        fn two_finders_compare_as_their_fractions(a in (0_u32..999, 0_u32..999), b in (0_u32..999, 0_u32..999)) {
            let cross = |x: (u32, u32), y: (u32, u32)| (x.0 + 2) * (y.0 + y.1 + 4);
            prop_assert_eq!(of(a.0, a.1).cmp(&of(b.0, b.1)), cross(a, b).cmp(&cross(b, a)));
        }
    }
}
