//! Every npm, crates.io and Go record of the shared real data, at and beside every one of its borders, against the
//! plain reference. The data is not in the repository: without it one line is printed.

use std::path::PathBuf;

use serde_json::Value;
use versions::Scheme;
use versions::osv::{Compiled, Event, Range, RangeKind, Status};

use crate::reference;

fn records() -> Option<Vec<Value>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data/advisories.osv.jsonl.zst");
    if !path.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return None;
    }
    let text = zstd::decode_all(std::fs::File::open(path).unwrap()).unwrap();
    let lines = text.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    Some(lines.map(|l| serde_json::from_slice(l).unwrap()).collect())
}

fn ranges(affected: &Value) -> Vec<Range> {
    let event = |e: &Value| {
        let (word, version) = e.as_object().unwrap().iter().next().unwrap();
        let version = version.as_str().unwrap().to_owned();
        match word.as_str() {
            "introduced" => Event::Introduced(version),
            "fixed" => Event::Fixed(version),
            "last_affected" => Event::LastAffected(version),
            "limit" => Event::Limit(version),
            other => panic!("no event {other}"),
        }
    };
    let range = |r: &Value| Range {
        kind: if r["type"] == "GIT" { RangeKind::Git } else { RangeKind::Semver },
        events: r["events"].as_array().unwrap().iter().map(event).collect(),
    };
    affected["ranges"].as_array().into_iter().flatten().map(range).collect()
}

/// The bound, the pre-release just below it, and the patches beside it.
fn beside(bound: &str) -> Vec<String> {
    let Some((numbers, pre)) = reference::parts(bound) else { return vec![] };
    let (major, minor, patch) = (numbers[0], numbers[1], numbers[2]);
    let mut all = vec![
        format!("{major}.{minor}.{patch}-0"),
        format!("{major}.{minor}.{patch}"),
        format!("{major}.{minor}.{}", patch + 1),
        format!("{major}.{minor}.{}", patch.saturating_sub(1)),
        format!("{major}.{}.0", minor + 1),
        format!("{}.0.0-alpha.1", major + 1),
    ];
    if !pre.is_empty() {
        all.push(bound.to_owned());
    }
    all
}

#[test]
fn real_records_agree_with_the_reference() {
    let Some(records) = records() else { return };
    let (mut entries, mut answers, mut affected_count) = (0, 0, 0);
    for record in &records {
        for affected in record["affected"].as_array().into_iter().flatten() {
            let Some(scheme) = Scheme::of_ecosystem(affected["package"]["ecosystem"].as_str().unwrap()) else {
                continue;
            };
            // The reference reads semantic versions only; the index is held against all ecosystems in `matching`'s gate.
            if ![Scheme::Npm, Scheme::Cargo, Scheme::Go].contains(&scheme) {
                continue;
            }
            let ranges = ranges(affected);
            let listed: Vec<String> = serde_json::from_value(affected["versions"].clone()).unwrap_or_default();
            let compiled = Compiled::new(Some(scheme), &ranges, &listed);
            entries += 1;
            let bounds = ranges.iter().flat_map(|r| &r.events).map(Event::version);
            let asked = bounds.chain(listed.iter().map(String::as_str)).flat_map(beside);
            for version in asked.chain(["0.0.0-0".to_owned(), "1.0.0".to_owned()]) {
                let got = compiled.evaluate(&version);
                let expected = reference::included(&version, &ranges, &listed);
                let same = expected == Some(got.status == Status::Affected) && got.status != Status::Unknown;
                assert!(same, "{} at {version}: {expected:?} but {}", record["id"], got.sentence());
                affected_count += usize::from(got.status == Status::Affected);
                answers += 1;
            }
        }
    }
    println!("{entries} entries, {answers} answers, {affected_count} affected, 0 differences");
    assert!(entries > 9_000);
}
