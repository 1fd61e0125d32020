//! OSV's evaluation algorithm. Bounds are read and sorted once, so that one record can be asked about many versions.
//! The sort is stable: events at the same version keep the record's order, as the pseudocode's `sorted` does.

use super::{Because, Bounds, Evaluation, Event, Range, RangeKind, Status};
use crate::{Scheme, Unreadable, Version};

/// One `affected` entry made ready to be asked: its bounds read and sorted.
#[derive(Clone, Debug)]
pub struct Compiled {
    scheme: Option<Scheme>,
    ranges: Vec<CompiledRange>,
    versions: Vec<(String, Option<Version>)>,
}

#[derive(Clone, Debug)]
enum CompiledRange {
    Timeline { steps: Vec<Step>, limits: Vec<Limit> },
    BoundUnreadable(String),
    Git,
    Undecidable(&'static str),
}

#[derive(Clone, Debug)]
struct Step {
    /// `None` lies below every version (`introduced: "0"`).
    at: Option<Version>,
    event: Event,
}

#[derive(Clone, Debug)]
enum Limit {
    Endless,
    Below(Version),
}

/// Answers once; for many versions of one record make a [`Compiled`]. `scheme` is `None` for an ecosystem whose order
/// is not known: only the enumerated versions can then say anything.
#[must_use]
pub fn evaluate(scheme: Option<Scheme>, ranges: &[Range], versions: &[String], version: &str) -> Evaluation {
    Compiled::new(scheme, ranges, versions).evaluate(version)
}

impl Compiled {
    /// Reads and sorts the bounds. Never fails: what cannot be read is kept as such, and answers `Unknown`.
    #[must_use]
    pub fn new(scheme: Option<Scheme>, ranges: &[Range], versions: &[String]) -> Self {
        Compiled {
            scheme,
            ranges: ranges.iter().map(|r| CompiledRange::new(scheme, r)).collect(),
            versions: versions
                .iter()
                .map(|v| (v.clone(), scheme.and_then(|s| Version::read_bound(s, v).ok())))
                .collect(),
        }
    }

    /// Is `version` affected, and why?
    #[must_use]
    pub fn evaluate(&self, version: &str) -> Evaluation {
        let read = self.scheme.map(|s| Version::read(s, version));
        let known = read.as_ref().and_then(|r| r.as_ref().ok());
        if let Some(listed) = self.listed(version, known) {
            return answer(Status::Affected, vec![listed]);
        }
        if self.ranges.is_empty() && self.versions.is_empty() {
            return answer(Status::Unknown, vec![Because::NothingStated]);
        }
        let version = match read {
            None => return answer(Status::Unknown, vec![Because::NoScheme]),
            Some(Err(e)) => {
                let reason = e.to_string();
                return answer(Status::Unknown, vec![Because::VersionUnreadable { reason }]);
            }
            Some(Ok(version)) => version,
        };
        self.ranges_ask(&version)
    }

    fn listed(&self, text: &str, version: Option<&Version>) -> Option<Because> {
        let same = |(entry, read): &(String, Option<Version>)| {
            entry == text || matches!((read, version), (Some(a), Some(b)) if a == b)
        };
        let index = self.versions.iter().position(same)?;
        let entry = self.versions.get(index)?.0.clone();
        Some(Because::Listed { index, entry })
    }

    fn ranges_ask(&self, version: &Version) -> Evaluation {
        let mut outside = Vec::new();
        let mut undecided = Vec::new();
        // A range of commits beside versions or ranges that can be read adds nothing OSV would ask for.
        let commits_alone = self.versions.is_empty() && self.ranges.iter().all(|r| matches!(r, CompiledRange::Git));
        for (index, range) in self.ranges.iter().enumerate() {
            let because = range.ask(index, version);
            match because {
                Because::Inside { .. } => return answer(Status::Affected, vec![because]),
                Because::Outside { .. } | Because::PastLimit { .. } => outside.push(because),
                _ if matches!(range, CompiledRange::Git) && !commits_alone => {}
                _ => undecided.push(because),
            }
        }
        if !self.versions.is_empty() {
            outside.push(Because::NotListed { versions: self.versions.len() });
        }
        if undecided.is_empty() { answer(Status::NotAffected, outside) } else { answer(Status::Unknown, undecided) }
    }
}

fn answer(status: Status, because: Vec<Because>) -> Evaluation {
    Evaluation { status, because }
}

impl CompiledRange {
    fn new(scheme: Option<Scheme>, range: &Range) -> Self {
        match (range.kind, scheme) {
            (RangeKind::Git, _) => CompiledRange::Git,
            (RangeKind::Unreadable, _) => CompiledRange::Undecidable("it could not be read"),
            (_, None) => CompiledRange::Undecidable("no version order is known for this ecosystem"),
            // OSV requires one; a reader of old records would take its absence for "from the beginning".
            _ if !range.events.iter().any(|e| matches!(e, Event::Introduced(_))) => {
                CompiledRange::Undecidable("it has no introduced event")
            }
            (RangeKind::Semver | RangeKind::Ecosystem, Some(scheme)) => {
                Self::timeline(scheme, &range.events).unwrap_or_else(|e| CompiledRange::BoundUnreadable(e.to_string()))
            }
        }
    }

    fn timeline(scheme: Scheme, events: &[Event]) -> Result<Self, Unreadable> {
        let mut steps = Vec::new();
        let mut limits = Vec::new();
        for event in events {
            match event {
                Event::Limit(v) if v == "*" => limits.push(Limit::Endless),
                Event::Limit(v) => limits.push(Limit::Below(Version::read_bound(scheme, v)?)),
                Event::Introduced(v) if v == "0" => steps.push(Step { at: None, event: event.clone() }),
                Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) => {
                    let at = Some(Version::read_bound(scheme, v)?);
                    steps.push(Step { at, event: event.clone() });
                }
            }
        }
        steps.sort_by(|a, b| a.at.cmp(&b.at));
        Ok(CompiledRange::Timeline { steps, limits })
    }

    fn ask(&self, range: usize, version: &Version) -> Because {
        match self {
            CompiledRange::Timeline { steps, limits } => {
                let before_limit = |limit: &Limit| match limit {
                    Limit::Endless => true,
                    Limit::Below(end) => version < end,
                };
                if !limits.is_empty() && !limits.iter().any(before_limit) {
                    return Because::PastLimit { range };
                }
                timeline_ask(steps, range, version)
            }
            CompiledRange::BoundUnreadable(reason) => Because::BoundUnreadable { range, reason: reason.clone() },
            CompiledRange::Git => Because::RangeUndecidable { range, reason: "its versions are commits" },
            CompiledRange::Undecidable(reason) => Because::RangeUndecidable { range, reason },
        }
    }
}

/// Walks the sorted events once, as the pseudocode does, and keeps the pair that decided.
fn timeline_ask(steps: &[Step], range: usize, version: &Version) -> Because {
    let mut inside = false;
    let mut bounds = Bounds::default();
    for step in steps {
        let reached = step.at.as_ref().is_none_or(|at| version >= at);
        let passed = step.at.as_ref().is_none_or(|at| version > at);
        match &step.event {
            Event::Introduced(v) if reached => {
                // A second `introduced` inside an open stretch goes on with the first.
                if !inside {
                    bounds = Bounds { introduced: Some(v.clone()), ..Bounds::default() };
                }
                inside = true;
            }
            Event::Fixed(v) if reached && inside => {
                bounds.fixed = Some(v.clone());
                inside = false;
            }
            Event::LastAffected(v) if passed && inside => {
                bounds.last_affected = Some(v.clone());
                inside = false;
            }
            _ => {}
        }
    }
    if inside {
        stretch_end(&mut bounds, steps, version);
        return Because::Inside { range, bounds };
    }
    let next = steps.iter().find_map(|step| match (&step.event, &step.at) {
        (Event::Introduced(v), Some(at)) if at > version => Some(v.clone()),
        _ => None,
    });
    Because::Outside { range, bounds, next }
}

/// Fills in the first event at or above the version that ends the stretch it lies in.
fn stretch_end(bounds: &mut Bounds, steps: &[Step], version: &Version) {
    for step in steps {
        match (&step.event, &step.at) {
            (Event::Fixed(v), Some(at)) if at > version => {
                bounds.fixed = Some(v.clone());
                return;
            }
            (Event::LastAffected(v), Some(at)) if at >= version => {
                bounds.last_affected = Some(v.clone());
                return;
            }
            _ => {}
        }
    }
}
