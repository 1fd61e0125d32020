//! The gate: over every real advisory, pairs of package and version drawn around the borders of its ranges, asked of the index,
//! of the reverse direction and of the plain reference. No difference is allowed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use formats::osv::{Record, read_lines};
use matching::{Holdings, HoldingsBuilder, Index, PackageVersion, Place, Status};

use crate::reference::Reference;

/// Versions of one package that are asked about.
const VERSIONS_COUNT_MAX: usize = 160;

/// Every real record, or none where they do not lie beside the workspace.
pub fn real_records() -> Option<Vec<Record>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/advisories.osv.jsonl.zst");
    if !path.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return None;
    }
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    Some(read_lines(&text, text.len()).unwrap().map(|(_, r)| r.unwrap().0).collect())
}

/// A version and what lies close to it, by rules that fit every ecosystem's habits; some cannot be read, which is an answer too.
pub fn beside(version: &str) -> Vec<String> {
    let mut all = vec![version.to_owned()];
    for behind in ["-0", "-rc.1", "-SNAPSHOT", ".dev0", "rc1", ".post1", ".0", ".1", "+build"] {
        all.push(format!("{version}{behind}"));
    }
    let digits = version.len() - version.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (before, last) = version.split_at(version.len() - digits);
    if let Ok(number) = last.parse::<u64>() {
        all.push(format!("{before}{}", number.saturating_add(1)));
        all.extend(number.checked_sub(1).map(|less| format!("{before}{less}")));
    }
    all.push(format!("v{version}"));
    all
}

fn pairs(reference: &Reference<'_>) -> Vec<PackageVersion> {
    let mut all = Vec::new();
    for ((ecosystem, _), entries) in &reference.packages {
        let mut versions = BTreeMap::new();
        for entry in entries {
            let name = &entry.affected.package.as_ref().unwrap().name;
            let events = entry.affected.ranges.iter().flat_map(|r| &r.events).map(|e| e.parts().1);
            let listed = entry.affected.versions.iter().map(String::as_str);
            for border in events.chain(listed).filter(|v| *v != "0") {
                versions.extend(beside(border).into_iter().map(|v| (v, name)));
            }
            versions.extend(["0.0.0-0", "0", "1.0.0", "latest"].map(|v| (v.to_owned(), name)));
        }
        let step = versions.len().div_ceil(VERSIONS_COUNT_MAX).max(1);
        all.extend(versions.into_iter().step_by(step).map(|(version, name)| PackageVersion {
            ecosystem: ecosystem.clone().into(),
            name: name.clone(),
            version,
        }));
    }
    all
}

#[test]
fn no_difference_to_the_reference_over_real_advisories() {
    let Some(records) = real_records() else { return };
    let index = Index::build(records.iter().cloned()).unwrap();
    let reference = Reference::new(&records);
    let pairs = pairs(&reference);
    assert!(pairs.len() >= 100_000, "{} pairs are too few", pairs.len());
    // What the index calls a vulnerability, by the ids that it gives.
    let mut group_of = BTreeMap::new();
    for (record, group) in records.iter().zip(&reference.groups).filter(|(r, _)| r.withdrawn.is_none()) {
        group_of.insert(record.id.as_str(), *group);
    }
    let named = |vulnerability: u32| {
        let groups: BTreeSet<usize> =
            index.ids(vulnerability).iter().filter_map(|id| group_of.get(id.as_str())).copied().collect();
        assert_eq!(groups.len(), 1, "{:?} are one vulnerability and no other's", index.ids(vulnerability));
        groups.into_iter().next().unwrap()
    };
    let mut names = BTreeMap::new();
    let mut asker = index.hot().asker();
    let mut holdings = HoldingsBuilder::default();
    let (mut affected, mut unknown, mut forward) = (0, 0, BTreeSet::new());
    for (number, pair) in (0..).zip(&pairs) {
        let hits = asker.ask(&pair.ecosystem, &pair.name, &pair.version);
        let got: BTreeMap<usize, Status> = hits
            .iter()
            .map(|hit| (*names.entry(hit.vulnerability()).or_insert_with(|| named(hit.vulnerability())), hit.status()))
            .collect();
        assert_eq!(got.len(), hits.len(), "{pair:?}: a vulnerability is told twice");
        assert_eq!(got, reference.ask(&pair.ecosystem, &pair.name, &pair.version), "{pair:?}");
        affected += got.values().filter(|status| **status == Status::Affected).count();
        unknown += got.values().filter(|status| **status == Status::Unknown).count();
        forward.extend(hits.iter().map(|hit| (number, *hit)));
        holdings.take(&pair.ecosystem, &pair.name, &pair.version, Place { inventory: 0, component: number });
    }
    let holdings: Holdings = holdings.build();
    let mut backward = BTreeSet::new();
    holdings.rescan(index.hot(), |version| {
        for place in version.places {
            backward.extend(version.hits.iter().map(|hit| (place.component, *hit)));
        }
    });
    assert!(forward == backward, "the other direction finds {} and not {}", backward.len(), forward.len());
    println!("{} pairs, {affected} affected, {unknown} unknown, 0 differences in both directions", pairs.len());
    assert!(affected > 50_000);
}

#[test]
fn what_explains_agrees_with_what_decides_on_real_advisories() {
    let Some(records) = real_records() else { return };
    let index = Index::build(records.iter().cloned()).unwrap();
    let reference = Reference::new(&records);
    let mut told = 0;
    for pair in pairs(&reference).into_iter().step_by(23) {
        for finding in index.match_package(&pair) {
            let strongest = finding.statements.iter().map(|s| s.status).min();
            assert_eq!(strongest, Some(finding.status), "{pair:?} {:?}", finding.ids);
            for statement in &finding.statements {
                // Each status has its own words.
                let fits = match statement.status {
                    Status::Affected => {
                        ["inside", "listed as affected"].iter().any(|w| statement.because.starts_with(w))
                    }
                    Status::Unknown if statement.because.ends_with("so this is not certain") => true,
                    Status::Unknown => {
                        !["inside", "listed as affected", "outside"].iter().any(|w| statement.because.starts_with(w))
                    }
                    Status::NotAffected => ["outside", "not among"].iter().any(|w| statement.because.contains(w)),
                };
                assert!(fits, "{pair:?}: {} {}", statement.status.as_str(), statement.because);
                told += 1;
            }
        }
    }
    println!("{told} statements agree with the decision");
    assert!(told > 5_000);
}
