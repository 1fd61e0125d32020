//! OSV records (schema 1.7), read leniently with a warning for each oddity, and written strictly. Must not evaluate ranges:
//! that is `versions`.

mod read;
mod write;

pub use read::{Line, RECORD_BYTES_MAX, read, read_lines};
pub use write::{SCHEMA_VERSION, write};

use serde_json::{Map, Value};

/// A record.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// As the record states it; absent is 1.0.0.
    pub schema_version: Option<String>,
    /// The record's id in its home database.
    pub id: String,
    /// RFC 3339, UTC.
    pub modified: String,
    /// RFC 3339, UTC.
    pub published: Option<String>,
    /// RFC 3339, UTC: since then it is no longer held to be a vulnerability.
    pub withdrawn: Option<String>,
    /// Other ids of the very same vulnerability.
    pub aliases: Vec<String>,
    /// Ids of the vulnerabilities it derives from (schema 1.7).
    pub upstream: Vec<String>,
    /// Ids of others that have to do with it.
    pub related: Vec<String>,
    /// One line.
    pub summary: Option<String>,
    /// Markdown.
    pub details: Option<String>,
    /// Ratings of the whole.
    pub severity: Vec<Severity>,
    /// What is affected.
    pub affected: Vec<Affected>,
    /// Links.
    pub references: Vec<Reference>,
    /// People and tools.
    pub credits: Vec<Credit>,
    /// The home database's own.
    pub database_specific: Option<Map<String, Value>>,
}

/// A rating.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Severity {
    /// `CVSS_V3`, `CVSS_V4`.
    pub kind: String,
    /// The vector.
    pub score: String,
}

/// One affected package.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Affected {
    /// Which; absent for ranges of commits.
    pub package: Option<Package>,
    /// Ratings for this package.
    pub severity: Vec<Severity>,
    /// Ranges.
    pub ranges: Vec<Range>,
    /// Enumerated versions.
    pub versions: Vec<String>,
    /// The ecosystem's own.
    pub ecosystem_specific: Option<Map<String, Value>>,
    /// The home database's own.
    pub database_specific: Option<Map<String, Value>>,
}

/// A package as OSV names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// `npm`, `Debian:12`.
    pub ecosystem: String,
    /// As the ecosystem writes it.
    pub name: String,
    /// Without version.
    pub purl: Option<String>,
}

/// What the versions of a range are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeKind {
    /// Semantic versions.
    Semver,
    /// In the ecosystem's own order.
    Ecosystem,
    /// Commit hashes.
    Git,
    /// The record has something here that could not be read; nothing may be concluded from it.
    #[default]
    Unreadable,
}

impl RangeKind {
    /// The word in a record.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RangeKind::Semver => "SEMVER",
            RangeKind::Ecosystem => "ECOSYSTEM",
            RangeKind::Git => "GIT",
            RangeKind::Unreadable => "UNREADABLE",
        }
    }
}

/// A range of versions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    /// What the versions are.
    pub kind: RangeKind,
    /// The repository, for commits.
    pub repo: Option<String>,
    /// In the record's order.
    pub events: Vec<Event>,
    /// The home database's own.
    pub database_specific: Option<Map<String, Value>>,
}

/// One event of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Affected from here on.
    Introduced(String),
    /// Not affected from here on.
    Fixed(String),
    /// Affected up to and with this one.
    LastAffected(String),
    /// Nothing is said from here on.
    Limit(String),
}

impl Event {
    /// The key in a record, and the version.
    #[must_use]
    pub fn parts(&self) -> (&'static str, &str) {
        match self {
            Event::Introduced(v) => ("introduced", v),
            Event::Fixed(v) => ("fixed", v),
            Event::LastAffected(v) => ("last_affected", v),
            Event::Limit(v) => ("limit", v),
        }
    }
}

/// A link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// `ADVISORY`, `FIX`, `WEB` …
    pub kind: String,
    /// The URL.
    pub url: String,
}

/// A person or tool with a part in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// Verbatim.
    pub name: String,
    /// URLs and addresses.
    pub contact: Vec<String>,
    /// `FINDER`, `REPORTER`, `COORDINATOR` …
    pub kind: Option<String>,
}
