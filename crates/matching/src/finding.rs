//! What matching answers with. Plain data: every answer carries the records and the reasons it rests on.

use formats::inventory::{PackageVersion, Unmatchable};
use versions::osv::Status;

/// One vulnerability, told once whatever its ids, for one version of one package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// Every id it is known by: CVE first, then GHSA, then the others.
    pub ids: Vec<String>,
    /// `Affected` or `Unknown`; never `NotAffected`.
    pub status: Status,
    /// What was asked about.
    pub package: PackageVersion,
    /// What each record says of it, also those that say "not affected".
    pub statements: Vec<Statement>,
    /// Where a distribution's package holds it: which, and what that decides, in words.
    pub decided_by: Option<String>,
}

impl Finding {
    /// The id to show.
    #[must_use]
    pub fn id(&self) -> &str {
        self.ids.first().map_or("", String::as_str)
    }

    /// The fixed versions that the records which affect it name, without repetition, in the records' order.
    #[must_use]
    pub fn fixed(&self) -> Vec<&str> {
        let mut all = Vec::new();
        for fixed in self.statements.iter().filter_map(|s| s.fixed.as_deref()) {
            if !all.contains(&fixed) {
                all.push(fixed);
            }
        }
        all
    }

    /// Whether records of the same vulnerability contradict each other about this version.
    #[must_use]
    pub fn is_disputed(&self) -> bool {
        let says = |status| self.statements.iter().any(|s| s.status == status);
        says(Status::Affected) && says(Status::NotAffected)
    }
}

/// What one record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The record's own id.
    pub record: String,
    /// The database it comes from.
    pub said_by: String,
    /// What it says.
    pub status: Status,
    /// Where in the record: `affected[0].ranges[1]`, `affected[0].versions[3]`, or `affected[0]` where no one place decided.
    pub at: String,
    /// Which range and event pair, or which listed version, in words.
    pub because: String,
    /// The event that begins the stretch it lies in, as the record has it.
    pub introduced: Option<String>,
    /// The fixed version that ends the stretch.
    pub fixed: Option<String>,
    /// The last affected version that ends the stretch.
    pub last_affected: Option<String>,
    /// Whose order of versions compared them; `None` where no order is known.
    pub comparer: Option<String>,
}

/// What was found for a whole inventory. Every component is in one of the three.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InventoryMatch {
    /// Component index and finding, in the inventory's order, affected before unknown.
    pub findings: Vec<(usize, Finding)>,
    /// What a distribution's own record decides of a component that lies within its package; counted as no finding.
    pub elsewhere: Vec<(usize, Finding)>,
    /// Components that cannot be compared with advisories.
    pub unmatchable: Vec<(usize, Unmatchable)>,
    /// Components that were compared, and that no advisory affects.
    pub clean: Vec<usize>,
}
