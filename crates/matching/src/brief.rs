//! What an index keeps of a record: enough to decide, to say why, and to build the index again. Prose, links and credits stay in
//! the record. Decides nothing.

use formats::osv::{Affected, Event, RangeKind, Record};
use serde::{Deserialize, Serialize};

use crate::source::source_of;

/// A record without what it affects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head<'a> {
    pub(crate) id: &'a str,
    /// Who said it, where the id does not tell; empty otherwise.
    pub(crate) said_by: &'a str,
    pub(crate) modified: &'a str,
    pub(crate) withdrawn: bool,
    /// Its entries that name no package.
    pub(crate) unnamed: u32,
    pub(crate) aliases: Vec<&'a str>,
    pub(crate) upstream: Vec<&'a str>,
}

/// What one `affected` says of its package.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body<'a> {
    /// Its index in the record.
    pub(crate) at: u32,
    #[serde(borrow)]
    pub(crate) ranges: Vec<BodyRange<'a>>,
    /// The listed versions that no range of the same entry includes already, or that cannot be read.
    pub(crate) listed: Vec<&'a str>,
    /// How many the record lists.
    pub(crate) listed_count: u32,
    /// `<= 1.2.3`, where GitHub knows a last affected version and no fix.
    pub(crate) last_known: Option<&'a str>,
}

/// One range.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BodyRange<'a> {
    pub(crate) kind: u8,
    #[serde(borrow)]
    pub(crate) events: Vec<(u8, &'a str)>,
}

impl<'a> Head<'a> {
    pub(crate) fn of(record: &'a Record, said_by: &'a str) -> Self {
        let unnamed = record.affected.iter().filter(|affected| affected.package.is_none()).count();
        Head {
            id: &record.id,
            said_by,
            modified: &record.modified,
            withdrawn: record.withdrawn.is_some(),
            unnamed: u32::try_from(unnamed).unwrap_or(u32::MAX),
            aliases: record.aliases.iter().map(String::as_str).filter(|alias| *alias != record.id).collect(),
            upstream: record.upstream.iter().map(String::as_str).collect(),
        }
    }

    /// Who said it.
    pub(crate) fn source(&self) -> &'a str {
        if self.said_by.is_empty() { source_of(self.id) } else { self.said_by }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = &'a str> {
        std::iter::once(self.id).chain(self.aliases.iter().copied())
    }
}

impl<'a> Body<'a> {
    pub(crate) fn of(at: usize, affected: &'a Affected) -> Self {
        let last_known =
            affected.database_specific.as_ref().and_then(|own| own.get("last_known_affected_version_range"));
        let range = |range: &'a formats::osv::Range| BodyRange {
            kind: kind_number(range.kind),
            events: range.events.iter().map(event_parts).collect(),
        };
        Body {
            at: u32::try_from(at).unwrap_or(u32::MAX),
            ranges: affected.ranges.iter().map(range).collect(),
            listed: affected.versions.iter().map(String::as_str).collect(),
            listed_count: u32::try_from(affected.versions.len()).unwrap_or(u32::MAX),
            last_known: last_known.and_then(|value| value.as_str()),
        }
    }

    /// The ranges as `versions` evaluates them.
    pub(crate) fn ranges(&self) -> Vec<versions::osv::Range> {
        let range = |range: &BodyRange<'_>| versions::osv::Range {
            kind: kind_of(range.kind),
            events: range.events.iter().map(|(word, version)| event_of(*word, version)).collect(),
        };
        self.ranges.iter().map(range).collect()
    }
}

impl BodyRange<'_> {
    pub(crate) fn kind(&self) -> versions::osv::RangeKind {
        kind_of(self.kind)
    }
}

/// Numbers of events in a file.
pub(crate) const INTRODUCED: u8 = 0;
pub(crate) const FIXED: u8 = 1;
pub(crate) const LAST_AFFECTED: u8 = 2;
pub(crate) const LIMIT: u8 = 3;

fn event_parts(event: &Event) -> (u8, &str) {
    match event {
        Event::Introduced(v) => (INTRODUCED, v),
        Event::Fixed(v) => (FIXED, v),
        Event::LastAffected(v) => (LAST_AFFECTED, v),
        Event::Limit(v) => (LIMIT, v),
    }
}

fn event_of(word: u8, version: &str) -> versions::osv::Event {
    use versions::osv::Event;
    let version = version.to_owned();
    match word {
        INTRODUCED => Event::Introduced(version),
        FIXED => Event::Fixed(version),
        LAST_AFFECTED => Event::LastAffected(version),
        _ => Event::Limit(version),
    }
}

fn kind_number(kind: RangeKind) -> u8 {
    match kind {
        RangeKind::Semver => 0,
        RangeKind::Ecosystem => 1,
        RangeKind::Git => 2,
        RangeKind::Unreadable => 3,
    }
}

fn kind_of(number: u8) -> versions::osv::RangeKind {
    use versions::osv::RangeKind;
    match number {
        0 => RangeKind::Semver,
        1 => RangeKind::Ecosystem,
        2 => RangeKind::Git,
        _ => RangeKind::Unreadable,
    }
}
