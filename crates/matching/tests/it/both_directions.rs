//! Random inventories and advisories: index, reach and a plain search over every pair of component and record find the same.
//! Then the same over the shared real data.

use std::collections::BTreeSet;
use std::path::PathBuf;

use formats::inventory::Inventory;
use formats::osv::{Record, read_lines};
use matching::{Holdings, Index, Status};
use proptest::prelude::*;
use serde_json::json;
use versions::osv::{Event, Range, RangeKind, evaluate};
use versions::{Scheme, Version};

use crate::findings::{record, sbom};
use crate::reference::is_in_doubt;

type Found = BTreeSet<(usize, usize, bool, Vec<String>)>;

/// No index: every record against every component, then joined by what shares an id.
fn plain(records: &[Record], inventories: &[Inventory]) -> Found {
    let groups = plain_groups(records);
    let mut found = Found::new();
    for (i, inventory) in inventories.iter().enumerate() {
        for (c, component) in inventory.components.iter().enumerate() {
            let Ok(package) = &component.matchable else { continue };
            for (ids, members) in &groups {
                let status = members.iter().map(|record| said(record, package)).min().unwrap();
                if status != Status::NotAffected {
                    found.insert((i, c, status == Status::Affected, ids.iter().map(|id| (*id).clone()).collect()));
                }
            }
        }
    }
    found
}

/// Each record in turn swallows every group it shares an id with.
fn plain_groups(records: &[Record]) -> Vec<(BTreeSet<&String>, Vec<&Record>)> {
    let mut groups: Vec<(BTreeSet<&String>, Vec<&Record>)> = Vec::new();
    for record in records.iter().filter(|r| r.withdrawn.is_none()) {
        let mut joined = (std::iter::once(&record.id).chain(&record.aliases).collect::<BTreeSet<_>>(), vec![record]);
        let (with, without): (Vec<_>, Vec<_>) = groups.into_iter().partition(|(ids, _)| !ids.is_disjoint(&joined.0));
        for (ids, members) in with {
            joined.0.extend(ids);
            joined.1.extend(members);
        }
        groups = without;
        groups.push(joined);
    }
    groups
}

fn said(record: &Record, package: &matching::PackageVersion) -> Status {
    let event = |e: &formats::osv::Event| match e.parts() {
        ("introduced", v) => Event::Introduced(v.into()),
        ("fixed", v) => Event::Fixed(v.into()),
        (_, v) => Event::LastAffected(v.into()),
    };
    let mut status = Status::NotAffected;
    for affected in &record.affected {
        let named = affected.package.as_ref().unwrap();
        if named.name != package.name || named.ecosystem != package.ecosystem {
            continue;
        }
        let range = |r: &formats::osv::Range| Range {
            kind: if r.kind == formats::osv::RangeKind::Git { RangeKind::Git } else { RangeKind::Semver },
            events: r.events.iter().map(event).collect(),
        };
        let ranges: Vec<Range> = affected.ranges.iter().map(range).collect();
        let scheme = Scheme::of_ecosystem(&named.ecosystem);
        let said = evaluate(scheme, &ranges, &affected.versions, &package.version).status;
        let doubtful =
            said == Status::NotAffected && ranges.iter().any(|r| is_disordered_around(scheme, r, &package.version));
        status = status.min(if doubtful { Status::Unknown } else { said });
    }
    status
}

/// An end that ends nothing: by OSV's rule not affected around it, and not certain.
fn is_disordered_around(scheme: Option<Scheme>, range: &Range, version: &str) -> bool {
    let Some(order) = scheme else { return false };
    let mut events: Vec<(&str, &str)> = range
        .events
        .iter()
        .map(|event| match event {
            Event::Introduced(v) => ("introduced", v.as_str()),
            Event::Fixed(v) => ("fixed", v.as_str()),
            other => ("last_affected", other.version()),
        })
        .collect();
    if range.kind == RangeKind::Git || events.iter().any(|(_, v)| *v != "0" && Version::read_bound(order, v).is_err()) {
        return false;
    }
    // Nothing is below "0", which reads as no version.
    events.sort_by_key(|(_, v)| if *v == "0" { None } else { Version::read_bound(order, v).ok() });
    is_in_doubt(scheme, &events, version)
}

fn sorted(ids: &[String]) -> Vec<String> {
    ids.iter().cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn agree(records: &[Record], inventories: &[Inventory], slow_too: bool) -> usize {
    let index = Index::build(records.to_vec()).unwrap();
    let mut forward = Found::new();
    for (i, inventory) in inventories.iter().enumerate() {
        let found = index.match_inventory(inventory);
        let components: BTreeSet<usize> = found.findings.iter().map(|(c, _)| *c).collect();
        assert_eq!(components.len() + found.clean.len() + found.unmatchable.len(), inventory.components.len());
        forward.extend(found.findings.iter().map(|(c, f)| (i, *c, f.status == Status::Affected, sorted(&f.ids))));
    }
    let reached = Holdings::build(inventories).reach(&index);
    let backward: Found = reached
        .iter()
        .map(|r| {
            (
                r.place.inventory as usize,
                r.place.component as usize,
                r.finding.status == Status::Affected,
                sorted(&r.finding.ids),
            )
        })
        .collect();
    assert_eq!(forward, backward);
    assert_eq!(reached.len(), backward.len(), "nothing is told twice");
    if slow_too {
        assert_eq!(forward, plain(records, inventories));
    }
    forward.len()
}

fn record_any() -> impl Strategy<Value = Record> {
    let version = "[0-2]\\.[0-2]\\.[0-2]|soon";
    ("[a-f]", proptest::collection::vec("[a-h]", 0..2), "[p-r]", version, version, any::<bool>(), any::<bool>())
        .prop_map(|(id, aliases, name, introduced, end, last, withdrawn)| {
            let end = if last { json!({"last_affected": end}) } else { json!({"fixed": end}) };
            let ranges = json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": introduced}, end]}]});
            let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
            let mut record = record(&id, &aliases, "npm", &name, ranges);
            record.withdrawn = withdrawn.then(|| "2026-01-01T00:00:00Z".to_owned());
            record
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn index_reach_and_plain_search_agree(
        records in proptest::collection::vec(record_any(), 0..8),
        inventories in proptest::collection::vec(proptest::collection::vec("pkg:npm/[p-s](@([0-2]\\.[0-2]\\.[0-2]|x))?", 0..6), 0..3),
    ) {
        let read = |purls: &Vec<String>| sbom(&purls.iter().map(String::as_str).collect::<Vec<_>>());
        let inventories: Vec<Inventory> = inventories.iter().map(read).collect();
        agree(&records, &inventories, true);
    }
}

#[test]
fn both_directions_agree_on_real_advisories() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/advisories.osv.jsonl.zst");
    if !path.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return;
    }
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let records: Vec<Record> = read_lines(&text, text.len()).unwrap().map(|(_, r)| r.unwrap().0).collect();
    // Every package that has an npm advisory, once at each bound that a range of it names.
    let mut purls = BTreeSet::new();
    for affected in records.iter().flat_map(|r| &r.affected) {
        let package = affected.package.as_ref().unwrap();
        let bounds = affected.ranges.iter().flat_map(|r| &r.events).map(|e| e.parts().1);
        for version in bounds.filter(|v| *v != "0" && package.ecosystem == "npm") {
            purls.insert(format!("pkg:npm/{}@{version}", package.name.replace('@', "%40")));
        }
    }
    let purls: Vec<&str> = purls.iter().map(String::as_str).collect();
    let inventories: Vec<Inventory> = purls.chunks(100).map(sbom).collect();
    let index = Index::build(records.iter().cloned()).unwrap();
    let findings = agree(&records, &inventories, false);
    println!(
        "{} live records ({} withdrawn), {} vulnerabilities, {} components, {findings} findings both ways",
        index.records(),
        index.withdrawn(),
        index.vulnerabilities(),
        purls.len()
    );
    assert_eq!((index.records(), index.withdrawn(), index.vulnerabilities()), (16_941, 40, 16_199));
    assert!(findings > 1_000);
    // The plain search is slow: a part of the inventories is enough for it.
    let npm: Vec<Record> = records
        .into_iter()
        .filter(|r| r.affected.iter().any(|a| a.package.as_ref().unwrap().ecosystem == "npm"))
        .collect();
    let few: Vec<Inventory> = inventories.into_iter().step_by(8).collect();
    agree(&npm, &few, true);
}
