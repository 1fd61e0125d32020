//! Which ecosystem orders its versions in which way. Names only: the order itself is in `version.rs`.

use std::fmt;

/// A way to read and order version strings.
///
/// All three order by precedence as Semantic Versioning 2.0.0 section 11 has it; they differ in what they accept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// npm: a leading `v` or `=` is dropped, numbers end at 2^53 - 1 (node-semver's own limits).
    Npm,
    /// crates.io: Semantic Versioning to the letter.
    Cargo,
    /// Go modules and toolchains: a leading `v` or `go` is dropped, missing numbers read as zero (`go1.20`).
    Go,
}

impl Scheme {
    /// Every scheme there is.
    pub const ALL: [Scheme; 3] = [Scheme::Npm, Scheme::Cargo, Scheme::Go];

    /// The scheme of an OSV ecosystem (`npm`, `crates.io`, `Go`; a `:suffix` is ignored), if it is one of ours.
    #[must_use]
    pub fn of_ecosystem(ecosystem: &str) -> Option<Self> {
        let base = ecosystem.split_once(':').map_or(ecosystem, |(base, _)| base);
        Self::ALL.into_iter().find(|s| s.ecosystem() == base)
    }

    /// The scheme of a purl type (`npm`, `cargo`, `golang`), if it is one of ours.
    #[must_use]
    pub fn of_purl_type(purl_type: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.purl_type() == purl_type)
    }

    /// The ecosystem as OSV spells it.
    #[must_use]
    pub fn ecosystem(self) -> &'static str {
        match self {
            Scheme::Npm => "npm",
            Scheme::Cargo => "crates.io",
            Scheme::Go => "Go",
        }
    }

    /// The purl type.
    #[must_use]
    pub fn purl_type(self) -> &'static str {
        match self {
            Scheme::Npm => "npm",
            Scheme::Cargo => "cargo",
            Scheme::Go => "golang",
        }
    }
}

impl Scheme {
    /// White space around a version does not count.
    pub(crate) fn trims(self) -> bool {
        self == Scheme::Npm
    }

    /// A breaking change sits in the first number that is not zero.
    pub(crate) fn is_semantic(self) -> bool {
        true
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ecosystem())
    }
}
