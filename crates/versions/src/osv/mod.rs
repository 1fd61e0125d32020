//! Is this version in these OSV ranges? OSV's own algorithm (schema 1.7, "Evaluation"), with the reason for each answer.
//! Must not look at package names, ids or aliases: that is `matching`.

mod evaluate;
mod explain;

pub use evaluate::{Compiled, evaluate};
pub use explain::{Because, Bounds, Evaluation, Status};

/// One event of a range, with the version string as the record has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Affected from here on; `"0"` lies below every version, pre-releases too.
    Introduced(String),
    /// No longer affected from here on.
    Fixed(String),
    /// Affected up to and with this one.
    LastAffected(String),
    /// The range says nothing from here on; `"*"` is no limit.
    Limit(String),
}

impl Event {
    /// The version string.
    #[must_use]
    pub fn version(&self) -> &str {
        match self {
            Event::Introduced(v) | Event::Fixed(v) | Event::LastAffected(v) | Event::Limit(v) => v,
        }
    }

    /// The word that OSV uses for this kind of event.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Event::Introduced(_) => "introduced",
            Event::Fixed(_) => "fixed",
            Event::LastAffected(_) => "last_affected",
            Event::Limit(_) => "limit",
        }
    }
}

/// What the versions in a range's events are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeKind {
    /// Semantic versions.
    Semver,
    /// Versions in the ecosystem's own order.
    Ecosystem,
    /// Commit hashes, which need the repository: never decided here.
    Git,
    /// The record's range could not be read: it decides nothing, and so rules nothing out.
    Unreadable,
}

/// One range: its kind and its events, in the record's order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// What the versions are.
    pub kind: RangeKind,
    /// The events; any order, several pairs.
    pub events: Vec<Event>,
}
