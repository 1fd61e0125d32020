//! What an advisory says of each version beside what was measured there. Pure: the one place with the rule.
//!
//! Silence here is the silence of one proof. An advisory may know of other ways, so an over-claim is a question to its
//! author and no refutation; an under-claim is a version that was seen to fire.

use domain::package::Package;
use domain::proof::Verdict;
use formats::osv::{self, Record};
use serde::{Deserialize, Serialize};
use versions::Scheme;
use versions::osv::{Compiled, Event, Range, RangeKind, Status};

use crate::report::RangeReport;
use crate::runtime::native::version::{Cut, TreeVersion};

/// How advisory and measurement stand to each other on one version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Both say the same.
    Agreement,
    /// The advisory calls it affected; the proof is silent there with a live control.
    OverClaim,
    /// The advisory does not call it affected; the proof fires there.
    UnderClaim,
    /// One of the two says nothing.
    Unknown,
}

/// The rule.
#[must_use]
pub fn relation(stated: Status, measured: Verdict) -> Relation {
    match (stated, measured) {
        (Status::Unknown, _) | (_, Verdict::Inconclusive) => Relation::Unknown,
        (Status::Affected, Verdict::Fired) | (Status::NotAffected, Verdict::Silent) => Relation::Agreement,
        (Status::Affected, Verdict::Silent) => Relation::OverClaim,
        (Status::NotAffected, Verdict::Fired) => Relation::UnderClaim,
    }
}

/// A version of which one of the two says nothing.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Undecided {
    /// The version.
    pub version: String,
    /// What the advisory says: `affected`, `not-affected`, `unknown`.
    pub stated: String,
    /// What was measured: `fired`, `silent`, `inconclusive`.
    pub measured: String,
}

/// An advisory beside a measured range.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Comparison {
    /// The advisory's id.
    pub advisory: String,
    /// `agreement`, `over-claim`, `under-claim`, `both` or `unknown` where no version can be compared.
    pub result: String,
    /// Versions on which both say the same.
    pub agreed: usize,
    /// Versions that the advisory calls affected and that are silent, in order.
    pub over_claimed: Vec<String>,
    /// Versions that fire and that the advisory does not call affected, in order.
    pub under_claimed: Vec<String>,
    /// Versions of which one says nothing, in order.
    pub unknown: Vec<Undecided>,
    /// Of those claimed too many or too few, the ones whose verdict was taken from their neighbours.
    pub inferred: Vec<String>,
    /// Trees between two published versions: no advisory speaks of them.
    pub not_compared: usize,
}

/// Why there is nothing to compare.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Incomparable {
    /// It was taken back.
    #[error("advisory {0} was withdrawn on {1}")]
    Withdrawn(String, String),
    /// It is about something else.
    #[error("advisory {id} does not speak of {package}; it names: {named}")]
    OtherPackage {
        /// The advisory.
        id: String,
        /// The proof's package.
        package: String,
        /// The advisory's packages.
        named: String,
    },
}

/// Compares version by version.
///
/// # Errors
/// [`Incomparable`] where the advisory is withdrawn or about other packages.
pub fn compare(report: &RangeReport, package: &Package, advisory: &Record) -> Result<Comparison, Incomparable> {
    let verdicts = [
        (Verdict::Fired, &report.fired),
        (Verdict::Silent, &report.silent),
        (Verdict::Inconclusive, &report.inconclusive),
    ];
    let list = verdicts.iter().flat_map(|(verdict, list)| list.iter().map(|version| (version.as_str(), *verdict)));
    let mut found = compare_verdicts(list, package, advisory)?;
    let inferred = |version: &&String| report.inferred.contains(version);
    found.inferred = found.over_claimed.iter().chain(&found.under_claimed).filter(inferred).cloned().collect();
    Ok(found)
}

/// The same over plain verdicts, in the order given.
///
/// # Errors
/// As [`compare`].
pub fn compare_verdicts<'a>(
    verdicts: impl Iterator<Item = (&'a str, Verdict)>,
    package: &Package,
    advisory: &Record,
) -> Result<Comparison, Incomparable> {
    let asked = stated(package, advisory)?;
    let mut found = Comparison {
        advisory: advisory.id.clone(),
        result: String::new(),
        agreed: 0,
        over_claimed: Vec::new(),
        under_claimed: Vec::new(),
        unknown: Vec::new(),
        inferred: Vec::new(),
        not_compared: 0,
    };
    for (version, measured) in verdicts {
        if is_between(package, version) {
            found.not_compared += 1;
            continue;
        }
        let status = status(&asked, version);
        match relation(status, measured) {
            Relation::Agreement => found.agreed += 1,
            Relation::OverClaim => found.over_claimed.push(version.to_owned()),
            Relation::UnderClaim => found.under_claimed.push(version.to_owned()),
            Relation::Unknown => found.unknown.push(Undecided {
                version: version.to_owned(),
                stated: status.as_str().into(),
                measured: measured.as_str().into(),
            }),
        }
    }
    let result = match (found.over_claimed.is_empty(), found.under_claimed.is_empty()) {
        (true, true) if found.agreed == 0 => "unknown",
        (true, true) => "agreement",
        (false, true) => "over-claim",
        (true, false) => "under-claim",
        (false, false) => "both",
    };
    found.result = result.into();
    Ok(found)
}

/// The entries of an advisory that are about a package, ready to be asked.
fn stated(package: &Package, advisory: &Record) -> Result<Vec<Compiled>, Incomparable> {
    if let Some(when) = &advisory.withdrawn {
        return Err(Incomparable::Withdrawn(advisory.id.clone(), when.clone()));
    }
    let about: Vec<&osv::Affected> = advisory.affected.iter().filter(|entry| is_about(entry, package)).collect();
    if about.is_empty() {
        let named = advisory.affected.iter().filter_map(|entry| entry.package.as_ref());
        let named: Vec<String> = named.map(|p| format!("{} {}", p.ecosystem, p.name)).take(NAMED_COUNT_MAX).collect();
        let (id, package) = (advisory.id.clone(), package.purl().to_owned());
        return Err(Incomparable::OtherPackage { id, package, named: named.join(", ") });
    }
    let scheme = Scheme::of_purl_type(package.ecosystem().purl_type());
    let compiled = |entry: &&osv::Affected| {
        let ranges: Vec<Range> = entry.ranges.iter().map(range).collect();
        Compiled::new(scheme, &ranges, &entry.versions)
    };
    Ok(about.iter().map(compiled).collect())
}

/// Most packages of an advisory that an error names.
const NAMED_COUNT_MAX: usize = 8;

/// One entry that includes it is enough; one that cannot be decided keeps it from being clean.
fn status(asked: &[Compiled], version: &str) -> Status {
    let all: Vec<Status> = asked.iter().map(|entry| entry.evaluate(version).status).collect();
    let found = [Status::Affected, Status::Unknown].into_iter().find(|status| all.contains(status));
    found.unwrap_or(Status::NotAffected)
}

/// Whether an entry names this package. A release of a distribution (`Debian:12`) is its distribution.
fn is_about(entry: &osv::Affected, package: &Package) -> bool {
    let Some(named) = &entry.package else { return false };
    let base = named.ecosystem.split_once(':').map_or(named.ecosystem.as_str(), |(base, _)| base);
    let folded = |name: &str| match package.ecosystem() {
        domain::package::Ecosystem::PyPI => name.to_ascii_lowercase().replace(['_', '.'], "-"),
        domain::package::Ecosystem::CratesIo => name.to_ascii_lowercase().replace('_', "-"),
        domain::package::Ecosystem::Debian => name.trim_start_matches("debian/").to_owned(),
        _ => name.to_owned(),
    };
    base == package.ecosystem().as_str() && folded(&named.name) == folded(package.name())
}

fn is_between(package: &Package, version: &str) -> bool {
    package.ecosystem() == domain::package::Ecosystem::Debian
        && TreeVersion::parse(version).is_some_and(|tree| tree.cut != Cut::Whole)
}

fn range(range: &osv::Range) -> Range {
    let event = |event: &osv::Event| match event {
        osv::Event::Introduced(v) => Event::Introduced(v.clone()),
        osv::Event::Fixed(v) => Event::Fixed(v.clone()),
        osv::Event::LastAffected(v) => Event::LastAffected(v.clone()),
        osv::Event::Limit(v) => Event::Limit(v.clone()),
    };
    let kind = match range.kind {
        osv::RangeKind::Semver => RangeKind::Semver,
        osv::RangeKind::Ecosystem => RangeKind::Ecosystem,
        osv::RangeKind::Git => RangeKind::Git,
        osv::RangeKind::Unreadable => RangeKind::Unreadable,
    };
    Range { kind, events: range.events.iter().map(event).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule() {
        use Relation::{Agreement, OverClaim, UnderClaim, Unknown};
        let table = [
            (Status::Affected, Verdict::Fired, Agreement),
            (Status::Affected, Verdict::Silent, OverClaim),
            (Status::Affected, Verdict::Inconclusive, Unknown),
            (Status::NotAffected, Verdict::Fired, UnderClaim),
            (Status::NotAffected, Verdict::Silent, Agreement),
            (Status::NotAffected, Verdict::Inconclusive, Unknown),
            (Status::Unknown, Verdict::Fired, Unknown),
            (Status::Unknown, Verdict::Silent, Unknown),
            (Status::Unknown, Verdict::Inconclusive, Unknown),
        ];
        for (stated, measured, wanted) in table {
            assert_eq!(relation(stated, measured), wanted, "{stated:?} {measured:?}");
        }
    }

    fn advisory(ecosystem: &str, name: &str, events: &[(&str, &str)]) -> Record {
        let event = |(word, version): &(&str, &str)| match *word {
            "introduced" => osv::Event::Introduced((*version).into()),
            "fixed" => osv::Event::Fixed((*version).into()),
            _ => osv::Event::LastAffected((*version).into()),
        };
        let range = osv::Range {
            kind: osv::RangeKind::Ecosystem,
            events: events.iter().map(event).collect(),
            ..osv::Range::default()
        };
        let named = osv::Package { ecosystem: ecosystem.into(), name: name.into(), purl: None };
        let affected = osv::Affected { package: Some(named), ranges: vec![range], ..osv::Affected::default() };
        Record { id: "X-1".into(), affected: vec![affected], ..Record::default() }
    }

    /// `1.0.0 f` and so on: what was measured, in order.
    fn check(purl: &str, advisory: &Record, measured: &str, wanted: &str) {
        let verdicts = measured.split(", ").map(|item| {
            let (version, verdict) = item.split_once(' ').unwrap();
            let verdict = match verdict {
                "f" => Verdict::Fired,
                "s" => Verdict::Silent,
                _ => Verdict::Inconclusive,
            };
            (version, verdict)
        });
        let told = match compare_verdicts(verdicts, &purl.parse().unwrap(), advisory) {
            Ok(c) => {
                let unknown: Vec<&str> = c.unknown.iter().map(|u| u.version.as_str()).collect();
                let lists = [c.over_claimed.join(","), c.under_claimed.join(","), unknown.join(",")];
                format!("{} {} | {} | -{}", c.result, c.agreed, lists.join(" | "), c.not_compared)
            }
            Err(e) => e.to_string(),
        };
        assert_eq!(told, wanted, "{measured}");
    }

    #[test]
    fn version_by_version() {
        let npm = advisory("npm", "a", &[("introduced", "0"), ("fixed", "1.2.0")]);
        check("pkg:npm/a", &npm, "1.0.0 f, 1.1.0 f, 1.2.0 s", "agreement 3 |  |  |  | -0");
        check("pkg:npm/a", &npm, "1.0.0 s, 1.1.0 f, 1.2.0 s", "over-claim 2 | 1.0.0 |  |  | -0");
        check("pkg:npm/a", &npm, "1.1.0 f, 1.2.0 f, 1.3.0 s", "under-claim 2 |  | 1.2.0 |  | -0");
        check("pkg:npm/a", &npm, "1.0.0 s, 1.1.0 f, 1.2.0 f", "both 1 | 1.0.0 | 1.2.0 |  | -0");
        check("pkg:npm/a", &npm, "1.0.0 ?, 1.1.0 f, 1.2.0 ?", "agreement 1 |  |  | 1.0.0,1.2.0 | -0");
        check("pkg:npm/a", &npm, "1.0.0 ?, 1.2.0 ?", "unknown 0 |  |  | 1.0.0,1.2.0 | -0");
        check("pkg:npm/b", &npm, "1.0.0 f", "advisory X-1 does not speak of pkg:npm/b; it names: npm a");
    }

    #[test]
    fn names_and_versions_are_read_as_the_ecosystem_does() {
        let python = advisory("PyPI", "Some_Thing", &[("introduced", "1.0"), ("last_affected", "1.9")]);
        check("pkg:pypi/some-thing", &python, "1.9.0 f, 1.10 s", "agreement 2 |  |  |  | -0");
        let go = advisory("Go", "example.com/m", &[("introduced", "0"), ("fixed", "0.3.8")]);
        check("pkg:golang/example.com/m", &go, "v0.3.7 f, v0.3.8 s", "agreement 2 |  |  |  | -0");
        let debian = advisory("Debian:12", "unzip", &[("introduced", "0"), ("fixed", "6.0-28")]);
        let trees = "6.0-28+patch01:one f, 6.0-28+patch02:two s, 6.0-28 s";
        check("pkg:deb/debian/unzip", &debian, trees, "agreement 1 |  |  |  | -2");
    }

    #[test]
    fn what_cannot_be_read_is_unknown_and_what_is_withdrawn_is_refused() {
        let mut record = advisory("npm", "a", &[("introduced", "0"), ("fixed", "1.2.0")]);
        let commits = osv::Range { kind: osv::RangeKind::Git, ..osv::Range::default() };
        record.affected[0].ranges = vec![commits];
        check("pkg:npm/a", &record, "1.0.0 f", "unknown 0 |  |  | 1.0.0 | -0");
        record.withdrawn = Some("2024-01-01T00:00:00Z".into());
        check("pkg:npm/a", &record, "1.0.0 f", "advisory X-1 was withdrawn on 2024-01-01T00:00:00Z");
    }
}
