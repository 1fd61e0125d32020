//! The other direction: many inventories by package, so that a new advisory finds those who run what it names.

use std::collections::HashMap;

use formats::inventory::{Inventory, PackageVersion};

use crate::finding::Finding;
use crate::index::Index;
use crate::package::key;

/// Where a version of a package is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the inventory, as given to [`Holdings::build`].
    pub inventory: usize,
    /// Index of its component.
    pub component: usize,
}

/// One component that an advisory reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which component of which inventory.
    pub place: Place,
    /// What was found, with its reasons.
    pub finding: Finding,
}

/// Inventories by package.
#[derive(Debug, Default)]
pub struct Holdings {
    by_package: HashMap<(String, String), Vec<Held>>,
}

/// One version of one package, and everywhere it is held.
#[derive(Debug)]
struct Held {
    package: PackageVersion,
    places: Vec<Place>,
}

impl Holdings {
    /// Takes every matchable component of the inventories.
    #[must_use]
    pub fn build<'a>(inventories: impl IntoIterator<Item = &'a Inventory>) -> Self {
        let mut by_version: HashMap<(&str, &str, &str), Vec<Place>> = HashMap::new();
        for (inventory, read) in inventories.into_iter().enumerate() {
            for (component, held) in read.components.iter().enumerate() {
                if let Ok(p) = &held.matchable {
                    let place = Place { inventory, component };
                    by_version.entry((&p.ecosystem, &p.name, &p.version)).or_default().push(place);
                }
            }
        }
        let mut by_package: HashMap<_, Vec<Held>> = HashMap::new();
        for ((ecosystem, name, version), places) in by_version {
            let package =
                PackageVersion { ecosystem: ecosystem.to_owned(), name: name.to_owned(), version: version.to_owned() };
            by_package.entry(key(ecosystem, name)).or_default().push(Held { package, places });
        }
        Holdings { by_package }
    }

    /// Who runs what these advisories affect, or may affect? Give the records of one vulnerability together, so that it is told
    /// once. In the order of the inventories.
    #[must_use]
    pub fn reach(&self, advisories: &Index) -> Vec<Reached> {
        let mut reached = Vec::new();
        for held in advisories.packages().filter_map(|package| self.by_package.get(package)).flatten() {
            for finding in advisories.match_package(&held.package) {
                let one = |place: &Place| Reached { place: *place, finding: finding.clone() };
                reached.extend(held.places.iter().map(one));
            }
        }
        reached.sort_by(|a, b| {
            (a.place, a.finding.status, &a.finding.ids).cmp(&(b.place, b.finding.status, &b.finding.ids))
        });
        reached
    }
}
