//! Time: integer microseconds UTC, and calendar days for deadlines.
//!
//! Must not read a clock: "now" is always passed in.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

const MICROS_PER_SECOND: i64 = 1_000_000;
/// Microseconds in a calendar day (UTC days have no leap seconds here).
pub const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// A point in time, microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is not a time like 2026-11-23T10:00:00Z (RFC 3339)")]
pub struct MalformedTime(String);

impl Timestamp {
    /// From microseconds since 1970.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since 1970.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    /// This many seconds later; saturates.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(MICROS_PER_SECOND)))
    }

    /// This many calendar days later; saturates.
    #[must_use]
    pub const fn plus_days(self, days: i64) -> Self {
        Self(self.0.saturating_add(days.saturating_mul(MICROS_PER_DAY)))
    }

    /// The UTC date, `2026-11-23`.
    #[must_use]
    pub fn date(self) -> String {
        self.to_string().chars().take(10).collect()
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, with the fraction only where there is one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bounded = self.0.clamp(-62_135_596_800 * MICROS_PER_SECOND, 253_402_207_199 * MICROS_PER_SECOND);
        match jiff::Timestamp::from_microsecond(bounded) {
            Ok(t) => write!(f, "{t}"),
            Err(_) => f.write_str("1970-01-01T00:00:00Z"),
        }
    }
}

impl FromStr for Timestamp {
    type Err = MalformedTime;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.len() > 64 {
            return Err(MalformedTime(text.chars().take(64).collect()));
        }
        // A date alone means its first instant in UTC, as feeds such as KEV write it.
        let whole = if text.len() == 10 { format!("{text}T00:00:00Z") } else { text.to_owned() };
        whole.parse::<jiff::Timestamp>().map(|t| Self(t.as_microsecond())).map_err(|_| MalformedTime(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes_rfc_3339() {
        let t: Timestamp = "2026-11-23T10:00:00.25+01:00".parse().unwrap();
        assert_eq!(t.to_string(), "2026-11-23T09:00:00.25Z");
        assert_eq!("2026-11-23".parse::<Timestamp>().unwrap().to_string(), "2026-11-23T00:00:00Z");
        assert!("yesterday".parse::<Timestamp>().is_err());
        assert_eq!(t.plus_days(3).date(), "2026-11-26");
        assert!(!Timestamp::from_micros(i64::MAX).to_string().is_empty());
        assert!(!Timestamp::from_micros(i64::MIN).to_string().is_empty());
    }
}
