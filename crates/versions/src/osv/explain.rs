//! The answer about one version, with what it rests on, as data and as a sentence. Decides nothing.

use std::fmt;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A range or the enumerated versions include it.
    Affected,
    /// It cannot be decided; to be shown, never taken for clean.
    Unknown,
    /// Everything could be read, and nothing includes it.
    NotAffected,
}

impl Status {
    /// The word used in documents: `affected`, `unknown`, `not-affected`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Affected => "affected",
            Status::Unknown => "unknown",
            Status::NotAffected => "not-affected",
        }
    }
}

/// The stretch of a range in which a version lies, or which it misses, with the record's own strings.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Bounds {
    /// The last `introduced` at or below the version.
    pub introduced: Option<String>,
    /// The `fixed` that ends the stretch.
    pub fixed: Option<String>,
    /// The `last_affected` that ends the stretch.
    pub last_affected: Option<String>,
}

/// One fact an answer rests on. `range` is the index in the record's list of ranges.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Because {
    /// The version is in the enumerated list, at this index.
    Listed {
        /// Index in the record's `versions`.
        index: usize,
        /// The entry as the record has it.
        entry: String,
    },
    /// The version lies inside this stretch.
    Inside {
        /// Index of the range.
        range: usize,
        /// The event pair.
        bounds: Bounds,
    },
    /// The version lies outside; `bounds` is the stretch that ended before it, or is empty when none had begun.
    Outside {
        /// Index of the range.
        range: usize,
        /// The event pair that ended below the version.
        bounds: Bounds,
        /// The next `introduced` above the version, if any.
        next: Option<String>,
    },
    /// At or past every limit of the range.
    PastLimit {
        /// Index of the range.
        range: usize,
    },
    /// The version is in none of so many enumerated ones.
    NotListed {
        /// How many there are.
        versions: usize,
    },
    /// The version itself cannot be read.
    VersionUnreadable {
        /// In words.
        reason: String,
    },
    /// A bound of the range cannot be read.
    BoundUnreadable {
        /// Index of the range.
        range: usize,
        /// In words.
        reason: String,
    },
    /// The range is one of commits, or the record's range could not be read.
    RangeUndecidable {
        /// Index of the range.
        range: usize,
        /// In words.
        reason: &'static str,
    },
    /// No order of versions is known for the ecosystem.
    NoScheme,
    /// The record names the package and neither ranges nor versions.
    NothingStated,
}

/// An answer with its reasons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evaluation {
    /// The answer.
    pub status: Status,
    /// What it rests on; never empty.
    pub because: Vec<Because>,
}

impl Evaluation {
    /// The reasons as one line of text.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts: Vec<String> = self.because.iter().map(ToString::to_string).collect();
        parts.join("; ")
    }

    /// The first `fixed` that ends the stretch the version lies in, if the record gives one.
    #[must_use]
    pub fn fixed(&self) -> Option<&str> {
        self.because.iter().find_map(|b| match b {
            Because::Inside { bounds, .. } => bounds.fixed.as_deref(),
            _ => None,
        })
    }
}

impl fmt::Display for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.introduced.as_deref().unwrap_or("?");
        match (&self.fixed, &self.last_affected) {
            (Some(fixed), _) => write!(f, "introduced {start}, fixed {fixed}"),
            (None, Some(last)) => write!(f, "introduced {start}, last affected {last}"),
            (None, None) => write!(f, "introduced {start}, no fix stated"),
        }
    }
}

impl fmt::Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Because::Listed { index, entry } => write!(f, "listed as affected: versions[{index}] is {entry}"),
            Because::Inside { range, bounds } => write!(f, "inside ranges[{range}]: {bounds}"),
            Because::Outside { range, bounds, next } => {
                write!(f, "outside ranges[{range}]: ")?;
                match (&bounds.introduced, next) {
                    (Some(_), Some(next)) => write!(f, "after ({bounds}) and before introduced {next}"),
                    (Some(_), None) => write!(f, "after ({bounds})"),
                    (None, Some(next)) => write!(f, "before introduced {next}"),
                    (None, None) => write!(f, "it never begins"),
                }
            }
            Because::PastLimit { range } => write!(f, "ranges[{range}] says nothing at or above its limit"),
            Because::NotListed { versions } => write!(f, "not among the {versions} versions listed"),
            Because::VersionUnreadable { reason } => write!(f, "the version cannot be read: {reason}"),
            Because::BoundUnreadable { range, reason } => {
                write!(f, "a bound of ranges[{range}] cannot be read: {reason}")
            }
            Because::RangeUndecidable { range, reason } => write!(f, "ranges[{range}] cannot be decided: {reason}"),
            Because::NoScheme => f.write_str("no version order is known for this ecosystem"),
            Because::NothingStated => f.write_str("the record states neither ranges nor versions"),
        }
    }
}
