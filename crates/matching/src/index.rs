//! Advisories by package, ready to be asked. Holds the one function that decides, for both directions.

use std::collections::HashMap;

use formats::inventory::{Component, Inventory, PackageVersion, Unmatchable};
use formats::osv::{Affected, Record};
use versions::Scheme;
use versions::osv::{Compiled, Event, Range, RangeKind, Status};

use crate::alias::clusters;
use crate::finding::{Finding, InventoryMatch, Statement};
use crate::package::{Same, ecosystem_split, key, same};

/// Advisories, live ones only, by the packages they name.
#[derive(Debug, Default)]
pub struct Index {
    by_package: HashMap<(String, String), Vec<Entry>>,
    cluster_ids: Vec<Vec<String>>,
    records: Vec<String>,
    withdrawn: usize,
}

/// One `affected` of one record.
#[derive(Debug)]
struct Entry {
    record: usize,
    cluster: usize,
    ecosystem: String,
    name: String,
    compiled: Compiled,
}

impl Index {
    /// Reads the records' bounds once. Withdrawn records say nothing any more and are left out.
    #[must_use]
    pub fn build(records: impl IntoIterator<Item = Record>) -> Self {
        let (live, withdrawn): (Vec<Record>, Vec<Record>) =
            records.into_iter().partition(|record| record.withdrawn.is_none());
        let (cluster_of, cluster_ids) = clusters(&live);
        let mut by_package: HashMap<_, Vec<Entry>> = HashMap::new();
        for (record, (affected, cluster)) in live.iter().map(|r| &r.affected).zip(cluster_of).enumerate() {
            for affected in affected {
                let Some(package) = &affected.package else { continue };
                let (ecosystem, name) = (package.ecosystem.clone(), package.name.clone());
                let compiled = compile(&ecosystem, affected);
                by_package.entry(key(&ecosystem, &name)).or_default().push(Entry {
                    record,
                    cluster,
                    ecosystem,
                    name,
                    compiled,
                });
            }
        }
        let records = live.into_iter().map(|record| record.id).collect();
        Index { by_package, cluster_ids, records, withdrawn: withdrawn.len() }
    }

    /// Live records in it.
    #[must_use]
    pub fn records(&self) -> usize {
        self.records.len()
    }

    /// Vulnerabilities in it: records that are one under several ids count once.
    #[must_use]
    pub fn vulnerabilities(&self) -> usize {
        self.cluster_ids.len()
    }

    /// Withdrawn records that were left out.
    #[must_use]
    pub fn withdrawn(&self) -> usize {
        self.withdrawn
    }

    pub(crate) fn packages(&self) -> impl Iterator<Item = &(String, String)> {
        self.by_package.keys()
    }

    /// What affects this component?
    ///
    /// # Errors
    /// [`Unmatchable`] when it is no version of a package that advisories could name.
    pub fn match_component(&self, component: &Component) -> Result<Vec<Finding>, Unmatchable> {
        component.matchable.as_ref().map(|package| self.match_package(package)).map_err(|reason| *reason)
    }

    /// What affects this version of this package? Affected first, then unknown; each by id.
    #[must_use]
    pub fn match_package(&self, package: &PackageVersion) -> Vec<Finding> {
        let entries = self.by_package.get(&key(&package.ecosystem, &package.name));
        let mut by_cluster: HashMap<usize, Vec<(usize, Statement)>> = HashMap::new();
        for entry in entries.into_iter().flatten() {
            let Some((status, because, fixed)) = entry_ask(entry, package) else { continue };
            let record = self.records.get(entry.record).cloned().unwrap_or_default();
            let statement = Statement { record, status, because, fixed };
            let statements = by_cluster.entry(entry.cluster).or_default();
            // A record may name a package twice: what it says is its strongest word.
            match statements.iter_mut().find(|(record, _)| *record == entry.record) {
                Some((_, said)) if said.status <= statement.status => {}
                Some((_, said)) => *said = statement,
                None => statements.push((entry.record, statement)),
            }
        }
        let finding = |(cluster, statements): (usize, Vec<(usize, Statement)>)| {
            let statements: Vec<Statement> = statements.into_iter().map(|(_, statement)| statement).collect();
            let status = statements.iter().map(|s| s.status).min().filter(|s| *s != Status::NotAffected)?;
            let ids = self.cluster_ids.get(cluster).cloned().unwrap_or_default();
            Some(Finding { ids, status, package: package.clone(), statements })
        };
        let mut findings: Vec<Finding> = by_cluster.into_iter().filter_map(finding).collect();
        findings.sort_by(|a, b| (a.status, &a.ids).cmp(&(b.status, &b.ids)));
        findings
    }

    /// Matches every component; the same version of the same package is asked once.
    #[must_use]
    pub fn match_inventory(&self, inventory: &Inventory) -> InventoryMatch {
        let mut asked: HashMap<(&str, &str, &str), Vec<Finding>> = HashMap::new();
        let mut out = InventoryMatch::default();
        for (index, component) in inventory.components.iter().enumerate() {
            let package = match &component.matchable {
                Ok(package) => package,
                Err(reason) => {
                    out.unmatchable.push((index, *reason));
                    continue;
                }
            };
            let names = (package.ecosystem.as_str(), package.name.as_str(), package.version.as_str());
            let findings = asked.entry(names).or_insert_with(|| self.match_package(package));
            if findings.is_empty() {
                out.clean.push(index);
            }
            out.findings.extend(findings.iter().map(|finding| (index, finding.clone())));
        }
        out
    }
}

/// The one place where a version meets a record. `None` when the record is about another package.
fn entry_ask(entry: &Entry, package: &PackageVersion) -> Option<(Status, String, Option<String>)> {
    let unknown = |because: String| Some((Status::Unknown, because, None));
    match same(&entry.ecosystem, &entry.name, &package.name) {
        Same::No => return None,
        Same::CaseDiffers => {
            return unknown(format!("the record names {}: the same but for case, which counts here", entry.name));
        }
        Same::Yes => {}
    }
    if ecosystem_split(&entry.ecosystem).1.is_some() && entry.ecosystem != package.ecosystem {
        return unknown(format!(
            "the record is about {}, and the inventory does not name that release",
            entry.ecosystem
        ));
    }
    let answer = entry.compiled.evaluate(&package.version);
    Some((answer.status, answer.sentence(), answer.fixed().map(str::to_owned)))
}

fn compile(ecosystem: &str, affected: &Affected) -> Compiled {
    let ranges: Vec<Range> = affected.ranges.iter().map(range).collect();
    Compiled::new(Scheme::of_ecosystem(ecosystem), &ranges, &affected.versions)
}

fn range(range: &formats::osv::Range) -> Range {
    use formats::osv::{Event as Read, RangeKind as Kind};
    let event = |event: &Read| match event {
        Read::Introduced(v) => Event::Introduced(v.clone()),
        Read::Fixed(v) => Event::Fixed(v.clone()),
        Read::LastAffected(v) => Event::LastAffected(v.clone()),
        Read::Limit(v) => Event::Limit(v.clone()),
    };
    let kind = match range.kind {
        Kind::Semver => RangeKind::Semver,
        Kind::Ecosystem => RangeKind::Ecosystem,
        Kind::Git => RangeKind::Git,
        Kind::Unreadable => RangeKind::Unreadable,
    };
    Range { kind, events: range.events.iter().map(event).collect() }
}
