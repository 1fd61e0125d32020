//! The measured range of a case, as the proof engine wrote it, and what it says of one version.
//!
//! Must not guess: a version that was neither run nor lies in a measured interval is told apart.

use domain::package::Package;
use serde::{Deserialize, Serialize};
use versions::Scheme;
use versions::osv::{Event, Range, RangeKind, Status, evaluate};

use crate::error::{Result, internal};

/// One interval of affected versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    /// First affected version, or `0`.
    pub introduced: String,
    /// First version that is not affected any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<String>,
    /// Last affected version, where no later one is silent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_affected: Option<String>,
}

/// A version the engine could not decide.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Undecided {
    /// With its reason.
    Reasoned {
        /// The version.
        version: String,
        /// The reason word.
        #[serde(default)]
        reason: Option<String>,
    },
    /// The version alone.
    Plain(String),
}

impl Undecided {
    /// The version.
    #[must_use]
    pub fn version(&self) -> &str {
        match self {
            Self::Reasoned { version, .. } | Self::Plain(version) => version,
        }
    }
}

/// What a range search measured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeasuredRange {
    /// How many versions are published.
    #[serde(default)]
    pub versions_total: u64,
    /// How many were run.
    #[serde(default)]
    pub versions_run: u64,
    /// OSV-style intervals.
    #[serde(default)]
    pub affected: Vec<Interval>,
    /// Versions on which the proof fired.
    #[serde(default)]
    pub fired: Vec<String>,
    /// Versions on which it was silent with a passing control.
    #[serde(default)]
    pub silent: Vec<String>,
    /// Versions of which nothing is known.
    #[serde(default)]
    pub inconclusive: Vec<Undecided>,
}

/// What a measured range says of one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RangeAnswer {
    /// Affected, unknown or not affected.
    pub status: Status,
    /// Why, in one sentence.
    pub because: String,
    /// The version that ends the interval it lies in, if there is one.
    pub fixed: Option<String>,
}

impl MeasuredRange {
    /// Reads what is stored with a proof or a case. Fields the engine adds later are ignored.
    ///
    /// # Errors
    /// `Internal` when the stored text is damaged.
    pub fn parse(json: &str) -> Result<Self> {
        serde_json::from_str(json).map_err(|e| internal("read a stored range", e))
    }

    /// As stored.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| internal("write a range", e))
    }

    /// The intervals as one OSV range.
    #[must_use]
    pub fn osv_range(&self) -> Range {
        let mut events = Vec::new();
        for interval in &self.affected {
            events.push(Event::Introduced(interval.introduced.clone()));
            if let Some(fixed) = &interval.fixed {
                events.push(Event::Fixed(fixed.clone()));
            } else if let Some(last) = &interval.last_affected {
                events.push(Event::LastAffected(last.clone()));
            }
        }
        Range { kind: RangeKind::Semver, events }
    }

    /// The highest version that ends an interval.
    #[must_use]
    pub fn fixed_in(&self) -> Option<&str> {
        self.affected.iter().rev().find_map(|i| i.fixed.as_deref())
    }

    /// What this range says of one installed version: what was run decides, the intervals decide
    /// for what was not, and a version that ran without a verdict is unknown.
    #[must_use]
    pub fn answer(&self, package: &Package, version: &str) -> RangeAnswer {
        let scheme = Scheme::of_ecosystem(package.ecosystem().as_str());
        let by_interval = evaluate(scheme, &[self.osv_range()], &[], version);
        let fixed = by_interval.fixed().map(ToOwned::to_owned);
        let answer = |status, because: String| RangeAnswer { status, because, fixed: fixed.clone() };
        if self.fired.iter().any(|v| v == version) {
            return answer(Status::Affected, format!("the proof fired on {version}"));
        }
        if self.silent.iter().any(|v| v == version) {
            return answer(Status::NotAffected, format!("the proof was silent on {version} and its control passed"));
        }
        let undecided = self.inconclusive.iter().any(|u| u.version() == version);
        if undecided && by_interval.status == Status::NotAffected {
            return answer(Status::Unknown, format!("the proof gave no verdict on {version}"));
        }
        answer(by_interval.status, by_interval.sentence())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lodash() -> (Package, MeasuredRange) {
        let json = r#"{"purl":"pkg:npm/lodash","versions_total":5,"versions_run":5,"affected":[{"introduced":"3.7.0","fixed":"4.17.20"}],
            "fired":["3.7.0","4.17.15"],"silent":["4.17.20","4.17.21"],"inconclusive":[{"version":"1.0.0","reason":"api-absent"},"4.0.0"],"new":1}"#;
        ("pkg:npm/lodash".parse().unwrap(), MeasuredRange::parse(json).unwrap())
    }

    #[test]
    fn what_was_run_decides_and_the_rest_is_told_apart() {
        let (package, range) = lodash();
        let status = |v| range.answer(&package, v).status;
        assert_eq!(status("4.17.15"), Status::Affected);
        assert_eq!(status("4.17.19"), Status::Affected, "inside the interval, not run");
        assert_eq!(status("4.17.21"), Status::NotAffected);
        assert_eq!(status("1.0.0"), Status::Unknown);
        assert_eq!(status("4.0.0"), Status::Affected, "no verdict, and the interval covers it");
        assert_eq!(status("not-a-version"), Status::Unknown);
        assert_eq!(range.answer(&package, "4.17.15").fixed.as_deref(), Some("4.17.20"));
        assert_eq!(range.fixed_in(), Some("4.17.20"));
    }

    #[test]
    fn survives_the_store() {
        let (_, range) = lodash();
        assert_eq!(MeasuredRange::parse(&range.to_json().unwrap()).unwrap(), range);
        assert!(MeasuredRange::parse("{").is_err());
    }
}
