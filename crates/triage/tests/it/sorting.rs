//! Reports of several formats: what joins, what is only proposed, what stays apart, and that order does not matter.

use proptest::prelude::*;
use serde_json::json;
use triage::sort::{self, Gathered, Gathering, Kind, Unreadable};

use crate::labelled;

fn gather(files: &[(&str, &str)]) -> Gathered {
    let mut gathering = Gathering::default();
    for (name, text) in files {
        for item in sort::read(name, text.as_bytes()).unwrap() {
            assert!(gathering.add(item).is_none(), "{name} is there twice");
        }
    }
    gathering.gather()
}

fn groups(gathered: &Gathered) -> Vec<Vec<&str>> {
    gathered.groups.iter().map(|group| group.members.iter().map(String::as_str).collect()).collect()
}

const CRASH: &str =
    "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000014 at pc 0x1 bp 0x2 sp 0x3
WRITE of size 4 at 0x602000000014 thread T0
    #0 0x51 in chunk_expand /src/demo/chunk.c:90:7
    #1 0x52 in image_decode /src/demo/image.c:12:3
    #2 0x53 in main /src/demo/main.c:9:3
";

fn sarif(results: &serde_json::Value) -> String {
    json!({"version": "2.1.0", "runs": [{
        "tool": {"driver": {"name": "scan", "rules": [{"id": "oob", "properties": {"tags": ["external/cwe/cwe-787"]}}]}},
        "versionControlProvenance": [{"repositoryUri": "https://example.org/demo/imagelib.git"}],
        "results": results,
    }]})
    .to_string()
}

fn result(function: &str, line: u32, code: &str) -> serde_json::Value {
    json!({
        "ruleId": "oob", "message": {"text": "the index may pass the end"},
        "locations": [{
            "physicalLocation": {
                "artifactLocation": {"uri": "src/chunk.c"}, "region": {"startLine": line, "snippet": {"text": code}},
            },
            "logicalLocations": [{"fullyQualifiedName": function, "kind": "function"}],
        }],
    })
}

#[test]
fn one_defect_in_four_formats_is_one_cluster_with_its_reasons() {
    let scan = sarif(&json!([result("chunk_expand", 88, "out[at] = value;"), result("header_read", 10, "h[i] = 0;")]));
    let mail = "From: finder@example.org\nSubject: heap buffer overflow\n\nPackage: imagelib\nA crafted file makes `chunk_expand()` in chunk.c write out of bounds (heap buffer overflow). Affects 1.2.3.\n";
    let tap = json!({
        "purl": "pkg:generic/imagelib@1.2.3", "affected_symbol": {"file": "chunk.c", "function": "chunk_expand"},
        "enrichment": {"cwe": "CWE-787"},
    })
    .to_string();
    let files = [("a.log", CRASH), ("b.sarif", scan.as_str()), ("c.eml", mail), ("d.json", tap.as_str())];
    let gathered = gather(&files);
    let expected = [vec!["a.log", "b.sarif#/runs/0/results/0", "c.eml", "d.json"], vec!["b.sarif#/runs/0/results/1"]];
    assert_eq!(groups(&gathered), expected, "{gathered:#?}");
    let reasons = &gathered.groups[0].reasons;
    assert_eq!(reasons.len(), 3, "one edge for each member but the first");
    assert!(reasons.iter().all(|edge| edge.points >= sort::POINTS_JOIN_COUNT_MIN && !edge.because.is_empty()));
}

#[track_caller]
fn check(files: &[(&str, &str)], expected: &[&[&str]], proposals: usize) {
    let gathered = gather(files);
    assert_eq!(groups(&gathered), expected, "{gathered:#?}");
    assert_eq!(gathered.proposals.len(), proposals, "{:#?}", gathered.proposals);
}

#[test]
fn a_line_that_moved_is_the_same_result() {
    let old = sarif(&json!([result("chunk_expand", 88, "out[at] = value;")]));
    let new = sarif(&json!([result("chunk_expand", 131, "out[at]  =  value;")]));
    check(&[("old", &old), ("new", &new)], &[&["new#/runs/0/results/0", "old#/runs/0/results/0"]], 0);
}

#[test]
fn two_results_of_one_run_stay_apart_even_in_one_function() {
    let scan = sarif(&json!([result("chunk_expand", 88, "out[at] = value;"), result("chunk_expand", 95, "in[at]++;")]));
    check(&[("s", &scan)], &[&["s#/runs/0/results/0"], &["s#/runs/0/results/1"]], 0);
}

#[test]
fn one_function_and_another_weakness_is_another_defect() {
    let freed = CRASH.replace("heap-buffer-overflow", "heap-use-after-free");
    let mail = "Package: imagelib\n\nInteger overflow in `chunk_expand()`: sizes are multiplied unchecked.\n";
    let sql = "Package: imagelib\n\nSQL injection in `chunk_expand()` through the name.\n";
    let gathered = gather(&[("a", CRASH), ("b", &freed), ("c", mail), ("d", sql)]);
    assert!(groups(&gathered).contains(&vec!["d"]), "{gathered:#?}");
}

#[test]
fn packages_and_identifiers_hold_apart_what_reads_alike() {
    let text = |package: &str, cve: &str| {
        format!(
            "Package: {package}\n\nPrototype pollution in `merge_deep()`: a key named proto reaches the prototype of every object. {cve}\n"
        )
    };
    let (one, other) = (text("alpha", "CVE-2020-0001"), text("beta", "CVE-2020-0002"));
    check(&[("a", &one), ("b", &other)], &[&["a"], &["b"]], 0);
    let second = text("alpha", "CVE-2020-0003");
    let gathered = gather(&[("a", &one), ("c", &second)]);
    assert_eq!(groups(&gathered), [vec!["a"], vec!["c"]], "two identifiers are two defects: {gathered:#?}");
}

#[test]
fn a_text_that_names_two_defects_does_not_join_them() {
    let other = CRASH.replace("chunk_expand", "palette_fill").replace("image_decode", "palette_load");
    let text = "Package: imagelib\n\nHeap buffer overflow in `chunk_expand()`, and another one in `palette_fill()`.\n";
    let gathered = gather(&[("a", CRASH), ("b", &other), ("c", text)]);
    let crashes = groups(&gathered).iter().filter(|group| group.contains(&"a") && group.contains(&"b")).count();
    assert_eq!(crashes, 0, "{gathered:#?}");
    assert!(!gathered.proposals.is_empty());
}

#[test]
fn formats_are_seen_from_the_content() {
    let kind =
        |text: &str| sort::read("x", text.as_bytes()).map(|items| items.iter().map(|i| i.kind).collect::<Vec<_>>());
    assert_eq!(kind(CRASH), Ok(vec![Kind::Crash]));
    assert_eq!(kind("A parser reads past its end."), Ok(vec![Kind::Prose]));
    assert_eq!(kind(&format!("# Overflow in imagelib\n\n```\n{CRASH}```\n")), Ok(vec![Kind::Prose]));
    assert_eq!(kind(r#"{"purl": "pkg:npm/x"}"#), Ok(vec![Kind::Tap]));
    assert_eq!(kind(&sarif(&json!([]))), Ok(vec![]));
    assert_eq!(kind(r#"{"a": 1}"#), Err(Unreadable::UnknownJson));
    assert_eq!(kind(" \n"), Err(Unreadable::Empty));
    assert_eq!(sort::read("x", &[0xff, 0xfe]), Err(Unreadable::NoText));
}

/// Well below what `cargo xtask bench triage` prints, so that a change that breaks a rule is seen and one that moves a pair is not.
#[test]
fn most_pairs_of_the_labelled_set_are_right() {
    let reports = labelled::set(1, 60, 5);
    let files: Vec<(&str, &str)> = reports.iter().map(|r| (r.name.as_str(), r.text.as_str())).collect();
    let label = |id: &str| reports.iter().find(|r| id.starts_with(r.name.as_str())).map(|r| r.defect);
    let (mut joined, mut right) = (0, 0);
    for group in gather(&files).groups {
        for (at, one) in group.members.iter().enumerate() {
            for other in group.members.iter().skip(at + 1) {
                joined += 1;
                right += usize::from(label(one) == label(other));
            }
        }
    }
    assert!(right * 100 >= joined * 95, "{right} of {joined} joined pairs are one defect");
    assert!(right * 100 >= 60 * 10 * 80, "{right} of 600 pairs were joined");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_and_pieces_do_not_matter(seed in 0_u64..1_000, order in Just((0..60_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let set = labelled::set(seed, 12, 5);
        let mut whole = Gathering::default();
        let mut pieces = Gathering::default();
        for report in &set {
            for item in sort::read(&report.name, report.text.as_bytes()).unwrap() {
                whole.add(item);
            }
        }
        for at in order.iter().filter(|at| **at < set.len()) {
            for item in sort::read(&set[*at].name, set[*at].text.as_bytes()).unwrap() {
                pieces.add(item);
            }
            if at % 20 == 0 {
                let _ = pieces.gather();
            }
        }
        prop_assert_eq!(whole.gather(), pieces.gather());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = sort::read("x", &bytes);
    }

    #[test]
    fn any_document_is_read_or_refused(text in "[{\"]{1,3}[a-z\":,{}\\[\\]0-9 `_().\\-/]{0,200}") {
        let _ = sort::read("x", text.as_bytes());
    }
}

#[test]
fn a_tap_report_that_quotes_a_crash_is_read_as_a_report() {
    let quoted = "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000031 at pc 0x1 bp 0x2 sp 0x3\\nREAD of size 1 at 0x602000000031 thread T0\\n    #0 0x1 in row_sum /src/a.c:3:1\\n";
    let report = format!(r#"{{"purl": "pkg:npm/x", "attachments": [{{"filename": "a", "data": "{quoted}"}}]}}"#);
    let items = sort::read("a.json", report.as_bytes()).unwrap();
    assert_eq!((items[0].kind, items[0].package.as_deref()), (sort::Kind::Tap, Some("x")));
    assert_eq!(items[0].symbols[0], "row_sum");
}
