//! Read-in: who may see an embargoed case, how much of it, why, on whose word and until when.
//!
//! Source: the mandate, section 7 (tiers 0 to 3, then public; one tier per person per case, every
//! placement justified, approved, time-bounded, logged). Must not store placements.

use thiserror::Error;

use crate::time::Timestamp;
use crate::words;

/// Longest reason for a placement, in bytes.
pub const READ_IN_REASON_BYTES_MAX: usize = 1_000;
/// Longest placement, in days: the outer bound of an embargo.
pub const READ_IN_DAYS_MAX: i64 = 90;

words! {
    /// How much of a case somebody sees. Lower is more.
    pub enum Tier {
        /// Finder and maintainer: the full case. TLP:RED.
        Full = "0",
        /// Experts who build and test the fix. TLP:AMBER+STRICT.
        Fixing = "1",
        /// Distributors: the fix and the timing, no research detail. TLP:AMBER+STRICT.
        Distribution = "2",
        /// Registries and CDNs: the artefact and its go-live time.
        Delivery = "3",
    }
}

impl Tier {
    /// Whether this tier sees reports, proofs and their results.
    #[must_use]
    pub const fn sees_research(self) -> bool {
        matches!(self, Self::Full | Self::Fixing)
    }

    /// Whether this tier sees which versions are affected and how it is fixed.
    #[must_use]
    pub const fn sees_fix(self) -> bool {
        !matches!(self, Self::Delivery)
    }

    /// The tier as a number, 0 to 3.
    #[must_use]
    pub const fn number(self) -> i64 {
        match self {
            Self::Full => 0,
            Self::Fixing => 1,
            Self::Distribution => 2,
            Self::Delivery => 3,
        }
    }

    /// The tier with this number.
    #[must_use]
    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            0 => Some(Self::Full),
            1 => Some(Self::Fixing),
            2 => Some(Self::Distribution),
            3 => Some(Self::Delivery),
            _ => None,
        }
    }

    /// The TLP 2.0 label of what this tier receives.
    #[must_use]
    pub const fn tlp(self) -> &'static str {
        match self {
            Self::Full => "TLP:RED",
            _ => "TLP:AMBER+STRICT",
        }
    }
}

/// Why a placement is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlacementRefused {
    /// No reason given, or one too long.
    #[error("a read-in needs a reason of 1 to {READ_IN_REASON_BYTES_MAX} bytes")]
    Reason,
    /// The end is not after now, or too far.
    #[error("a read-in ends after now and within {READ_IN_DAYS_MAX} days")]
    End,
}

/// Checks a placement before it is written.
///
/// # Errors
/// [`PlacementRefused`] when the reason or the end does not fit.
pub fn placement_check(reason: &str, now: Timestamp, until: Timestamp) -> Result<(), PlacementRefused> {
    if reason.trim().is_empty() || reason.len() > READ_IN_REASON_BYTES_MAX {
        return Err(PlacementRefused::Reason);
    }
    if until <= now || until > now.plus_days(READ_IN_DAYS_MAX) {
        return Err(PlacementRefused::End);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_agree_and_ends_are_bounded() {
        for tier in Tier::ALL {
            assert_eq!(tier.number().to_string(), tier.as_str());
            assert_eq!(Tier::from_number(tier.number()), Some(*tier));
        }
        let now = Timestamp::from_micros(0);
        assert!(placement_check("builds the fix", now, now.plus_days(14)).is_ok());
        assert_eq!(placement_check(" ", now, now.plus_days(14)), Err(PlacementRefused::Reason));
        assert_eq!(placement_check("x", now, now), Err(PlacementRefused::End));
        assert_eq!(placement_check("x", now, now.plus_days(91)), Err(PlacementRefused::End));
    }
}
