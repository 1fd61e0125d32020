//! The measured range of a case, as the proof engine wrote it, and what it says of one version.
//!
//! Must not guess: a version that was neither run nor lies in a measured interval is told apart.

use std::collections::BTreeMap;

use domain::package::Package;
use domain::proof::Reason;
use serde::{Deserialize, Serialize};
use versions::osv::{Event, Range, RangeKind, Status, evaluate};
use versions::{Scheme, Version};

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

impl Undecided {
    /// The reason word, if one was kept.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Reasoned { reason, .. } => reason.as_deref(),
            Self::Plain(_) => None,
        }
    }
}

/// The engine's own answer has the reasons in a list of their own.
#[derive(Deserialize)]
struct Stored {
    #[serde(flatten)]
    range: MeasuredRange,
    #[serde(default)]
    unknown: Vec<Undecided>,
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
        let stored: Stored = serde_json::from_str(json).map_err(|e| internal("read a stored range", e))?;
        let mut range = stored.range;
        if stored.unknown.len() == range.inconclusive.len() {
            range.inconclusive = stored.unknown;
        }
        Ok(range)
    }

    /// What several proofs of one defect show together: a version is affected when one of them fires on
    /// it, and not affected when one is silent on it and the others are silent too or do not find the
    /// function they need there. Whatever else leaves a version without a verdict leaves it so.
    #[must_use]
    pub fn combined(package: &Package, ranges: &[Self]) -> Self {
        if let [only] = ranges {
            return only.clone();
        }
        let mut seen: BTreeMap<&str, Seen> = BTreeMap::new();
        for range in ranges {
            range.fired.iter().for_each(|v| seen.entry(v).or_default().fired = true);
            range.silent.iter().for_each(|v| seen.entry(v).or_default().silent = true);
            for undecided in &range.inconclusive {
                let absent = undecided.reason() == Some(Reason::ApiAbsent.as_str());
                let entry = seen.entry(undecided.version()).or_default();
                if entry.undecided.is_none() || !absent {
                    entry.undecided = Some((undecided, absent));
                }
            }
        }
        let scheme = Scheme::of_ecosystem(package.ecosystem().as_str());
        let mut ordered: Vec<(Option<Version>, &str, Seen)> =
            seen.into_iter().map(|(v, s)| (scheme.and_then(|k| Version::read(k, v).ok()), v, s)).collect();
        ordered.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(b.1)));
        let mut combined = Self {
            versions_total: ranges.iter().map(|r| r.versions_total).max().unwrap_or_default(),
            versions_run: ranges.iter().map(|r| r.versions_run).max().unwrap_or_default(),
            ..Self::default()
        };
        for (_, version, seen) in &ordered {
            match seen.verdict() {
                Together::Fired => combined.fired.push((*version).to_owned()),
                Together::Silent => combined.silent.push((*version).to_owned()),
                Together::Undecided(undecided) => combined.inconclusive.push(undecided.clone()),
            }
        }
        combined.affected = intervals(ordered.iter().map(|(_, version, seen)| (*version, seen.verdict())));
        combined
    }

    /// As stored.
    ///
    /// # Errors
    /// `Internal` when it cannot be written.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| internal("write a range", e))
    }

    /// What was measured, in numbers.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{} of {} published versions run: {} fired, {} silent with a passing control, {} unknown",
            self.versions_run,
            self.versions_total,
            self.fired.len(),
            self.silent.len(),
            self.inconclusive.len()
        )
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

/// What all proofs say of one version.
#[derive(Default)]
struct Seen<'a> {
    fired: bool,
    silent: bool,
    /// And whether the only reason is that the function is not there.
    undecided: Option<(&'a Undecided, bool)>,
}

enum Together<'a> {
    Fired,
    Silent,
    Undecided(&'a Undecided),
}

impl<'a> Seen<'a> {
    fn verdict(&self) -> Together<'a> {
        match self.undecided {
            _ if self.fired => Together::Fired,
            Some((_, true)) | None if self.silent => Together::Silent,
            Some((undecided, _)) => Together::Undecided(undecided),
            // A version is seen because one of the three holds.
            None => Together::Silent,
        }
    }
}

/// Intervals as the engine writes them: one stays open over versions without a verdict, and begins at
/// `0` where the very first version fires.
fn intervals<'a>(verdicts: impl Iterator<Item = (&'a str, Together<'a>)>) -> Vec<Interval> {
    let mut intervals = Vec::new();
    let mut open: Option<(String, &str)> = None;
    for (position, (version, verdict)) in verdicts.enumerate() {
        match (verdict, &mut open) {
            (Together::Fired, Some((_, last))) => *last = version,
            (Together::Fired, None) => {
                let introduced = if position == 0 { "0" } else { version };
                open = Some((introduced.to_owned(), version));
            }
            (Together::Silent, _) => {
                if let Some((introduced, _)) = open.take() {
                    intervals.push(Interval { introduced, fixed: Some(version.to_owned()), last_affected: None });
                }
            }
            (Together::Undecided(_), _) => {}
        }
    }
    if let Some((introduced, last)) = open {
        intervals.push(Interval { introduced, fixed: None, last_affected: Some(last.to_owned()) });
    }
    intervals
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

    fn part(fired: &[&str], silent: &[&str], undecided: &[(&str, &str)]) -> MeasuredRange {
        let list = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        let reasoned = |(v, r): &(&str, &str)| Undecided::Reasoned { version: (*v).into(), reason: Some((*r).into()) };
        MeasuredRange {
            versions_total: 6,
            versions_run: 6,
            fired: list(fired),
            silent: list(silent),
            inconclusive: undecided.iter().map(reasoned).collect(),
            ..MeasuredRange::default()
        }
    }

    #[test]
    fn several_proofs_of_one_defect_widen_its_range_and_never_narrow_it() {
        let (package, _) = lodash();
        let a = part(&["4.1.0", "4.9.0"], &["4.10.0", "4.11.0"], &[("3.7.0", "api-absent"), ("3.0.0", "api-absent")]);
        let b = part(&["3.7.0", "4.1.0", "4.9.0"], &["4.10.0"], &[("3.0.0", "api-absent"), ("4.11.0", "timeout")]);
        let both = MeasuredRange::combined(&package, &[a.clone(), b.clone()]);
        assert_eq!(both.fired, ["3.7.0", "4.1.0", "4.9.0"]);
        assert_eq!(both.silent, ["4.10.0"]);
        let undecided: Vec<_> = both.inconclusive.iter().map(|u| (u.version(), u.reason())).collect();
        assert_eq!(undecided, [("3.0.0", Some("api-absent")), ("4.11.0", Some("timeout"))]);
        let interval = Interval { introduced: "3.7.0".into(), fixed: Some("4.10.0".into()), last_affected: None };
        assert_eq!(both.affected, [interval]);
        // In any order, one at a time or all at once.
        assert_eq!(MeasuredRange::combined(&package, &[b, a.clone()]), both);
        assert_eq!(MeasuredRange::combined(&package, &[both.clone(), a]), both);
    }

    #[test]
    fn an_interval_stays_open_over_what_is_unknown_and_begins_at_the_very_first() {
        let (package, _) = lodash();
        let a = part(&["1.0.0", "1.2.0"], &[], &[("1.1.0", "flaky")]);
        let b = part(&["1.0.0"], &[], &[("1.3.0", "timeout")]);
        let both = MeasuredRange::combined(&package, &[a, b]);
        let interval = Interval { introduced: "0".into(), fixed: None, last_affected: Some("1.2.0".into()) };
        assert_eq!(both.affected, [interval]);
    }

    #[test]
    fn the_engines_reasons_are_kept() {
        let json = r#"{"inconclusive":["1.0.0"],"unknown":[{"version":"1.0.0","reason":"api-absent","detail":"x"}]}"#;
        assert_eq!(MeasuredRange::parse(json).unwrap().inconclusive[0].reason(), Some("api-absent"));
    }
}
