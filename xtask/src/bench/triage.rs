//! Measures triage: precision, recall and F1 of pairs on the labelled set, and time and memory at growing sizes.

// Test data: what cannot be written there is a defect of the bench, and may end it.
#[allow(clippy::unwrap_used)]
#[path = "../../../crates/triage/tests/it/labelled.rs"]
mod labelled;

use std::collections::HashMap;
use std::fmt::Write;
use std::time::Instant;

use triage::sort::{self, Gathered, Gathering};

/// Defects of the labelled set, and reports of each.
const DEFECTS: usize = 120;
const REPORTS_EACH: usize = 6;
/// Sizes at which time is measured, in reports or results.
const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// Measures and prints.
pub fn run() {
    quality();
    for size in SIZES {
        mixed(size);
    }
    for size in SIZES {
        results(size);
    }
}

fn gathered(reports: &[labelled::Report]) -> (Gathering, Gathered) {
    let mut gathering = Gathering::default();
    for report in reports {
        match sort::read(&report.name, report.text.as_bytes()) {
            Ok(items) => items.into_iter().for_each(|item| drop(gathering.add(item))),
            Err(error) => println!("{}: {error}", report.name),
        }
    }
    let gathered = gathering.gather();
    (gathering, gathered)
}

/// Of pairs of reports: joined and one defect, joined and not, one defect and not joined.
fn quality() {
    for seed in [1, 2, 3] {
        let reports = labelled::set(seed, DEFECTS, REPORTS_EACH);
        let (_, gathered) = gathered(&reports);
        let label: HashMap<&str, usize> = reports.iter().map(|r| (r.name.as_str(), r.defect)).collect();
        let of = |id: &String| label.get(id.split('#').next().unwrap_or(id)).copied();
        let pairs = |n: usize| n * n.saturating_sub(1) / 2;
        let (mut joined, mut right) = (0, 0);
        for group in &gathered.groups {
            joined += pairs(group.members.len());
            let mut counted: HashMap<Option<usize>, usize> = HashMap::new();
            group.members.iter().for_each(|id| *counted.entry(of(id)).or_default() += 1);
            right += counted.values().map(|n| pairs(*n)).sum::<usize>();
        }
        let all = DEFECTS * pairs(REPORTS_EACH);
        let (precision, recall) = (right as f64 / joined.max(1) as f64, right as f64 / all as f64);
        println!(
            "labelled set {seed}: {} reports of {DEFECTS} defects, {} clusters, {} proposals: precision {precision:.4}, recall {recall:.4}, F1 {:.4}",
            reports.len(),
            gathered.groups.len(),
            gathered.proposals.len(),
            2.0 * precision * recall / (precision + recall),
        );
    }
}

fn mixed(size: usize) {
    let reports = labelled::set(7, size / 5, 5);
    let begin = Instant::now();
    let (gathering, gathered) = gathered(&reports);
    told("reports of five formats", gathering.len(), &gathered, begin);
}

/// One document with that many static results, a third of which are there twice, as two tools' runs.
fn results(size: usize) {
    let mut text = String::from("{\"version\":\"2.1.0\",\"runs\":[");
    for (run, share) in [(0, size * 2 / 3), (1, size - size * 2 / 3)] {
        let open = if run == 0 { "" } else { "," };
        let _ = write!(text, "{open}{{\"tool\":{{\"driver\":{{\"name\":\"tool{run}\"}}}},\"results\":[");
        for at in 0..share {
            let comma = if at == 0 { "" } else { "," };
            let (file, function, cwe) = (at / 20, at / 3, [787, 89, 79, 22, 416][at % 5]);
            let _ = write!(
                text,
                "{comma}{{\"ruleId\":\"rule{}\",\"message\":{{\"text\":\"a value from outside reaches a sink\"}},\"properties\":{{\"tags\":[\"cwe-{cwe}\"]}},\"partialFingerprints\":{{\"line/v1\":\"{:x}:1\"}},\"locations\":[{{\"physicalLocation\":{{\"artifactLocation\":{{\"uri\":\"src/part{file}/file{file}.c\"}},\"region\":{{\"startLine\":{},\"snippet\":{{\"text\":\"call_{at}(x);\"}}}}}},\"logicalLocations\":[{{\"fullyQualifiedName\":\"function_{function}\"}}]}}]}}",
                cwe % 7,
                at * 7919,
                at % 900 + run * 3
            );
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    let begin = Instant::now();
    let mut gathering = Gathering::default();
    if let Ok(items) = sort::read("all.sarif", text.as_bytes()) {
        items.into_iter().for_each(|item| drop(gathering.add(item)));
    }
    let gathered = gathering.gather();
    told(&format!("static results in {} MiB", text.len() >> 20), gathering.len(), &gathered, begin);
}

fn told(what: &str, count: usize, gathered: &Gathered, begin: Instant) {
    let seconds = begin.elapsed().as_secs_f64();
    let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = peak.lines().find_map(|line| line.strip_prefix("VmHWM:")).map(str::trim).unwrap_or("?").to_owned();
    println!(
        "{count} {what}: {} clusters, {} proposals, {seconds:.2} s, {peak} at most so far",
        gathered.groups.len(),
        gathered.proposals.len()
    );
}
