//! Documents that are short and say much: what is drawn from them stays within the limits, and what is left out is told.

use intake::{Document, REPORTS_BYTES_MAX, REPORTS_COUNT_MAX, Refused};
use serde_json::{Value, json};

use crate::read;

fn drawn_bytes(document: &Document) -> usize {
    document.reports.iter().map(|report| report.body.len()).sum()
}

/// An OSV record with this description, of so many packages.
fn osv(details: &str, packages: usize) -> Vec<u8> {
    let affected: Vec<Value> = (0..packages)
        .map(|at| json!({"package": {"ecosystem": "npm", "name": format!("part-{at}")}, "versions": ["1.0.0"]}))
        .collect();
    let record = json!({"schema_version": "1.7.4", "id": "GHSA-2345-6789-cfgh", "modified": "2026-01-01T00:00:00Z",
        "details": details, "affected": affected});
    record.to_string().into_bytes()
}

#[test]
fn one_long_description_of_many_packages_is_drawn_up_to_a_number_of_bytes() {
    let document = read(&osv(&"long ".repeat(50_000), 900)).unwrap();
    // The last one may go over.
    let longest = document.reports.iter().map(|report| report.body.len()).max().unwrap();
    assert!(document.reports.len() < 900);
    assert!(drawn_bytes(&document) >= REPORTS_BYTES_MAX && drawn_bytes(&document) < REPORTS_BYTES_MAX + longest);
    assert_eq!(document.left_out.len(), 1);
    assert_eq!(document.left_out[0].at, format!("#/affected/{}", document.reports.len()));
    assert!(document.left_out[0].reason.contains(&REPORTS_BYTES_MAX.to_string()), "{:?}", document.left_out);
}

#[test]
fn more_packages_than_reports_are_told() {
    let document = read(&osv("short", REPORTS_COUNT_MAX + 1)).unwrap();
    assert_eq!(document.reports.len(), REPORTS_COUNT_MAX);
    assert_eq!(document.left_out[0].at, format!("#/affected/{REPORTS_COUNT_MAX}"));
}

#[test]
fn a_document_of_many_reports_goes_along_by_its_digest() {
    let whole = osv(&"long ".repeat(50_000), 1);
    let [one] = &read(&whole).unwrap().reports[..] else { panic!("not one report") };
    assert!(one.report.attachments.iter().any(|file| file.bytes == whole));
    let many = osv(&"long ".repeat(50_000), 2);
    for report in read(&many).unwrap().reports {
        assert!(report.report.attachments.iter().all(|file| file.bytes != many));
        let digest = report.provenance().unwrap().source.unwrap().sha256;
        assert_eq!(digest, Some(intake::digest_hex(&many)));
    }
}

#[test]
fn an_object_of_too_many_members_is_refused() {
    let members: serde_json::Map<String, Value> = (0..5_000).map(|at| (format!("field_{at}"), json!(at))).collect();
    let run = json!({"tool": {"driver": {"name": "scan"}}, "results": [], "properties": members});
    let refused = read(json!({"version": "2.1.0", "runs": [run]}).to_string().as_bytes()).map(|_| ()).unwrap_err();
    assert!(
        matches!(&refused, Refused::Unreadable { reason, .. } if reason.contains("more than 4096 members")),
        "{refused}"
    );
}

#[test]
fn a_long_rule_does_not_go_along_with_each_result() {
    let rule =
        json!({"id": "R1", "help": {"text": "x".repeat(700_000)}, "shortDescription": {"text": "y".repeat(9_000)}});
    let results: Vec<Value> = (0..500)
        .map(|line| {
            let region = json!({"startLine": line + 1});
            let place = json!({"physicalLocation": {"artifactLocation": {"uri": "src/a.c"}, "region": region}});
            json!({"ruleId": "R1", "message": {"text": "z".repeat(100)}, "locations": [place]})
        })
        .collect();
    let run = json!({"tool": {"driver": {"name": "scan", "rules": [rule]}}, "results": results});
    let document = read(json!({"version": "2.1.0", "runs": [run]}).to_string().as_bytes()).unwrap();
    assert_eq!(document.reports.len(), 500);
    assert!(drawn_bytes(&document) < 500 * 16 * 1024, "{}", drawn_bytes(&document));
}

#[test]
fn weaknesses_and_references_without_end_are_cut_to_what_a_report_holds() {
    let mut text = String::from("# A defect\n\nIn pkg:npm/portal-kit@1.0.0.\n");
    (1..30_000).for_each(|at| text.push_str(&format!("CWE-{at} https://example.org/{at} ")));
    let document = read(text.as_bytes()).unwrap();
    let report = &document.reports[0].report;
    assert!(report.enrichment.as_ref().unwrap().cwe.len() <= 16);
    assert!(report.references.len() <= 256);
    assert!(document.reports[0].warnings.len() <= 4, "{:?}", document.reports[0].warnings);
    assert_eq!(document.reports[0].problem, None);
}
