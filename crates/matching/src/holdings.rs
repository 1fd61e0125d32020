//! The other direction: many inventories by package, so that a new advisory finds those who run what it names. What an advisory
//! costs grows with the versions that are held of its packages, not with all that is held.

use std::collections::{BTreeSet, HashMap};

use formats::inventory::{Inventory, PackageVersion};
use formats::osv::Record;
use versions::Scheme;

use crate::alias::roots;
use crate::brief::{Body, Head};
use crate::build::{GroupView, Row, groups_write};
use crate::decide::{Held, Hit, Sheets, asked, base, ecosystem_number, group_decide};
use crate::finding::{Finding, InventoryMatch};
use crate::hot::Hot;
use crate::index::Index;
use crate::owner;
use crate::package::fold_into;
use crate::sheet::Asked;

/// Where a version of a package is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Index of the inventory, as given to [`Holdings::build`].
    pub inventory: u32,
    /// Index of its component.
    pub component: u32,
}

/// One component that an advisory reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// Which component of which inventory.
    pub place: Place,
    /// What was found, with its reasons.
    pub finding: Finding,
}

/// One package that is held.
#[derive(Debug)]
struct HeldPackage {
    ecosystem: String,
    name: String,
    /// Its versions, in no order.
    versions: Vec<u32>,
}

/// One version that is held, with its key where it could be read.
#[derive(Debug)]
struct HeldVersion {
    text: String,
    key: Option<Vec<u8>>,
}

/// Takes rows, one a component.
#[derive(Debug, Default)]
pub struct HoldingsBuilder {
    numbers: HashMap<(String, String), u32>,
    packages: Vec<HeldPackage>,
    version_numbers: Vec<HashMap<String, u32>>,
    versions: Vec<HeldVersion>,
    rows: Vec<(u32, Place)>,
}

impl HoldingsBuilder {
    /// Takes one version of one package at one place.
    pub fn take(&mut self, ecosystem: &str, name: &str, version: &str, place: Place) {
        let next = u32::try_from(self.packages.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry((ecosystem.to_owned(), name.to_owned())).or_insert(next);
        if number == next {
            let (ecosystem, name) = (ecosystem.to_owned(), name.to_owned());
            self.packages.push(HeldPackage { ecosystem, name, versions: Vec::new() });
            self.version_numbers.push(HashMap::new());
        }
        let Some(known) = self.version_numbers.get_mut(number as usize) else { return };
        let version_number = match known.get(version) {
            Some(number) => *number,
            None => {
                let new = u32::try_from(self.versions.len()).unwrap_or(u32::MAX);
                known.insert(version.to_owned(), new);
                let mut key = Vec::new();
                let readable = matches!(asked(Scheme::of_ecosystem(ecosystem), version, &mut key), Asked::Key(_));
                self.versions.push(HeldVersion { text: version.to_owned(), key: readable.then_some(key) });
                if let Some(package) = self.packages.get_mut(number as usize) {
                    package.versions.push(new);
                }
                new
            }
        };
        self.rows.push((version_number, place));
    }

    /// Puts the rows of each version beside each other.
    #[must_use]
    pub fn build(self) -> Holdings {
        let mut starts = vec![0u32; self.versions.len() + 1];
        for (version, _) in &self.rows {
            if let Some(count) = starts.get_mut(*version as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut next = starts.clone();
        let mut places = vec![Place { inventory: 0, component: 0 }; self.rows.len()];
        for (version, place) in &self.rows {
            if let Some(at) = next.get_mut(*version as usize) {
                if let Some(slot) = places.get_mut(*at as usize) {
                    *slot = *place;
                }
                *at += 1;
            }
        }
        let mut by_name: HashMap<Vec<u8>, Vec<u32>> = HashMap::new();
        for (number, package) in (0..).zip(&self.packages) {
            let mut name = Vec::new();
            name_key(base(&package.ecosystem), &package.name, &mut name);
            by_name.entry(name).or_default().push(number);
        }
        Holdings { by_name, packages: self.packages, versions: self.versions, starts, places }
    }
}

/// Inventories by package.
#[derive(Debug, Default)]
pub struct Holdings {
    by_name: HashMap<Vec<u8>, Vec<u32>>,
    packages: Vec<HeldPackage>,
    versions: Vec<HeldVersion>,
    starts: Vec<u32>,
    places: Vec<Place>,
}

fn name_key(base: &str, name: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(base.as_bytes());
    out.push(0);
    fold_into(base, name, out);
}

/// A version that something reaches: of which package, with which vulnerabilities, held where.
#[derive(Debug)]
pub struct ReachedVersion<'h> {
    /// As the inventories spell it.
    pub ecosystem: &'h str,
    /// As the inventories spell it.
    pub name: &'h str,
    /// As the inventories spell it.
    pub version: &'h str,
    /// Each vulnerability once.
    pub hits: &'h [Hit],
    /// Everywhere it is held.
    pub places: &'h [Place],
}

impl Holdings {
    /// Takes every matchable component of the inventories.
    #[must_use]
    pub fn build<'a>(inventories: impl IntoIterator<Item = &'a Inventory>) -> Self {
        let mut builder = HoldingsBuilder::default();
        for (inventory, read) in (0..).zip(inventories) {
            for (component, held) in (0..).zip(&read.components) {
                if let Ok(p) = &held.matchable {
                    builder.take(&p.ecosystem, &p.name, &p.version, Place { inventory, component });
                }
            }
        }
        builder.build()
    }

    /// Rows that are held.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    /// Who runs what these advisories affect, or may affect? Give the records of one vulnerability together, so that it is told
    /// once. In the order of the inventories.
    #[must_use]
    pub fn reach(&self, advisories: &Index) -> Vec<Reached> {
        let mut reached = Vec::new();
        self.rescan(advisories.hot(), |version| {
            let package = PackageVersion {
                ecosystem: version.ecosystem.to_owned().into(),
                name: version.name.to_owned(),
                version: version.version.to_owned(),
            };
            for finding in advisories.explain(&package, version.hits) {
                reached.extend(version.places.iter().map(|place| Reached { place: *place, finding: finding.clone() }));
            }
        });
        reached.sort_by(|a, b| {
            (a.place, a.finding.status, &a.finding.ids).cmp(&(b.place, b.finding.status, &b.finding.ids))
        });
        reached
    }

    /// The same, for each of the inventories that were given to [`Holdings::build`], with what distributions decide of what
    /// their packages hold. Only findings are filled in.
    #[must_use]
    pub fn reach_inventories(&self, advisories: &Index, inventories: &[Inventory]) -> Vec<InventoryMatch> {
        let mut all: Vec<InventoryMatch> = vec![InventoryMatch::default(); inventories.len()];
        for reached in self.reach(advisories) {
            if let Some(found) = all.get_mut(reached.place.inventory as usize) {
                found.findings.push((reached.place.component as usize, reached.finding));
            }
        }
        for (found, inventory) in all.iter_mut().zip(inventories) {
            owner::settle(advisories, inventory, found);
        }
        all
    }

    /// Holds everything that is held against a whole index.
    pub fn rescan(&self, index: &Hot, mut tell: impl FnMut(ReachedVersion<'_>)) {
        let mut scratch = Scratch::default();
        for group in index.groups_walk() {
            let base = index.header.bases.get(usize::from(group.base)).map_or("", String::as_str);
            self.group_reach(index, base, group, &mut scratch, &mut tell);
        }
    }

    /// Holds what is held against one advisory.
    pub fn reach_advisory(&self, advisory: &Advisory, mut tell: impl FnMut(ReachedVersion<'_>)) {
        let mut scratch = Scratch::default();
        for (base, at) in &advisory.groups {
            if let Some(group) = advisory.bytes.get(*at..).and_then(GroupView::read) {
                self.group_reach(advisory, base, group, &mut scratch, &mut tell);
            }
        }
    }

    fn group_reach(
        &self,
        sheets: &impl Sheets,
        base: &str,
        group: GroupView<'_>,
        scratch: &mut Scratch,
        tell: &mut impl FnMut(ReachedVersion<'_>),
    ) {
        scratch.name.clear();
        scratch.name.extend_from_slice(base.as_bytes());
        scratch.name.push(0);
        scratch.name.extend_from_slice(group.folded);
        let Some(packages) = self.by_name.get(&scratch.name) else { return };
        for package in packages.iter().filter_map(|number| self.packages.get(*number as usize)) {
            let number = ecosystem_number(sheets.ecosystems(), &package.ecosystem);
            let held = Held { ecosystem: &package.ecosystem, name: &package.name, number };
            for number in &package.versions {
                let Some(version) = self.versions.get(*number as usize) else { continue };
                let asked = version.key.as_deref().map_or(Asked::Text(&version.text), Asked::Key);
                scratch.hits.clear();
                group_decide(group, sheets, held, asked, &mut scratch.hits);
                if !scratch.hits.is_empty() {
                    tell(ReachedVersion {
                        ecosystem: &package.ecosystem,
                        name: &package.name,
                        version: &version.text,
                        hits: &scratch.hits,
                        places: self.places_of(*number),
                    });
                }
            }
        }
    }

    fn places_of(&self, version: u32) -> &[Place] {
        let at = |index: usize| self.starts.get(index).copied().unwrap_or_default() as usize;
        self.places.get(at(version as usize)..at(version as usize + 1)).unwrap_or_default()
    }
}

#[derive(Default)]
struct Scratch {
    name: Vec<u8>,
    hits: Vec<Hit>,
}

/// Records of one vulnerability, or of a few, made ready to be held against what is held: as an index, without its table.
#[derive(Debug)]
pub struct Advisory {
    ecosystems: Vec<String>,
    bytes: Vec<u8>,
    groups: Vec<(String, usize)>,
    vulnerabilities: Vec<u32>,
}

impl Advisory {
    /// Compiles records; withdrawn ones say nothing.
    #[must_use]
    pub fn of(records: &[Record]) -> Self {
        let live: Vec<&Record> = records.iter().filter(|record| record.withdrawn.is_none()).collect();
        let heads: Vec<Head<'_>> = live.iter().map(|record| Head::of(record, "")).collect();
        let roots = roots(&heads);
        let mut encoded = Vec::new();
        for (number, record) in (0..).zip(&live) {
            for (at, affected) in record.affected.iter().enumerate() {
                if let Some(package) = &affected.package {
                    let body = postcard::to_stdvec(&Body::of(at, affected)).unwrap_or_default();
                    encoded.push((package, number, body));
                }
            }
        }
        let named: BTreeSet<&str> = encoded.iter().map(|(package, ..)| package.ecosystem.as_str()).collect();
        let ecosystems: Vec<String> = named.into_iter().map(str::to_owned).collect();
        let mut rows: Vec<Row<'_>> = Vec::with_capacity(encoded.len());
        for (package, number, body) in &encoded {
            let mut row = Row::new(&package.ecosystem, &package.name, *number, body);
            row.ecosystem_number = ecosystem_number(&ecosystems, &package.ecosystem).unwrap_or_default();
            rows.push(row);
        }
        rows.sort_by(|a, b| a.order().cmp(&b.order()));
        let mut bytes = Vec::new();
        let groups = groups_write(&rows, None, &mut bytes).into_iter().map(|group| (group.base, group.start)).collect();
        let root = |row: &Row<'_>| roots.get(row.record as usize).and_then(|root| u32::try_from(*root).ok());
        let vulnerabilities = rows.iter().map(|row| root(row).unwrap_or_default()).collect();
        Advisory { ecosystems, bytes, groups, vulnerabilities }
    }
}

impl Sheets for Advisory {
    fn ecosystems(&self) -> &[String] {
        &self.ecosystems
    }

    fn vulnerability(&self, entry: u32) -> u32 {
        self.vulnerabilities.get(entry as usize).copied().unwrap_or_default()
    }
}
