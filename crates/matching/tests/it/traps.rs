//! Traps that real tools fall into, one test each.

use formats::osv::Record;
use formats::{cyclonedx, osv};
use matching::{Builder, Index, PackageVersion, Status};
use serde_json::{Value, json};

use crate::findings::{record, sbom};

fn ask(records: &[Record], ecosystem: &str, name: &str, version: &str) -> Option<Status> {
    let index = Index::build(records.to_vec()).unwrap();
    let package = PackageVersion { ecosystem: ecosystem.to_owned().into(), name: name.into(), version: version.into() };
    let found = index.match_package(&package);
    assert!(found.len() <= 1, "one vulnerability is told once: {found:?}");
    found.first().map(|finding| finding.status)
}

fn events(kind: &str, events: Value) -> Value {
    json!({"ranges": [{"type": kind, "events": events}]})
}

const AFFECTED: Option<Status> = Some(Status::Affected);
const UNKNOWN: Option<Status> = Some(Status::Unknown);

#[test]
fn introduced_0_lies_below_every_prerelease() {
    let all = [record("A", &[], "npm", "a", events("SEMVER", json!([{"introduced": "0"}, {"fixed": "0.0.1"}])))];
    assert_eq!(ask(&all, "npm", "a", "0.0.0-alpha.1"), AFFECTED);
    assert_eq!(ask(&all, "npm", "a", "0.0.1-rc.1"), AFFECTED);
    assert_eq!(ask(&all, "npm", "a", "0.0.1"), None);
}

#[test]
fn several_pairs_in_one_range_and_unsorted_events_all_count() {
    let pairs = json!([{"fixed": "4.2.10"}, {"introduced": "4.2"}, {"introduced": "3.2"}, {"fixed": "3.2.15"}]);
    let all = [record("A", &[], "PyPI", "django", events("ECOSYSTEM", pairs))];
    let got =
        ["3.1", "3.2", "3.2.14", "3.2.15", "4.2", "4.2.9", "4.2.10"].map(|v| ask(&all, "PyPI", "Django", v).is_some());
    assert_eq!(got, [false, true, true, false, true, true, false]);
}

#[test]
fn go_versions_are_read_with_their_v() {
    let all = [record(
        "GO-1",
        &[],
        "Go",
        "golang.org/x/net",
        events("SEMVER", json!([{"introduced": "0"}, {"fixed": "0.7.0"}])),
    )];
    assert_eq!(ask(&all, "Go", "golang.org/x/net", "v0.6.0"), AFFECTED);
    assert_eq!(ask(&all, "Go", "golang.org/x/net", "v0.7.0"), None);
}

#[test]
fn records_without_a_cve_are_told() {
    let all = [record("RUSTSEC-1", &[], "crates.io", "a", events("SEMVER", json!([{"introduced": "0.0.0-0"}])))];
    assert_eq!(ask(&all, "crates.io", "a", "1.0.0"), AFFECTED);
}

#[test]
fn python_names_are_normalised() {
    let all = [record("A", &[], "PyPI", "Zope.Interface", events("ECOSYSTEM", json!([{"introduced": "0"}])))];
    assert_eq!(ask(&all, "PyPI", "zope--interface", "1.0"), AFFECTED);
}

#[test]
fn one_bad_pin_does_not_abort_the_run() {
    let all = [record("A", &[], "PyPI", "a", events("ECOSYSTEM", json!([{"introduced": "0"}, {"fixed": "2"}])))];
    let inventory = sbom(&["pkg:pypi/a@not%20a%20version", "pkg:pypi/a@1.0", "pkg:pypi/a"]);
    let found = Index::build(all).unwrap().match_inventory(&inventory);
    let told: Vec<_> = found.findings.iter().map(|(number, finding)| (*number, finding.status)).collect();
    assert_eq!(told, [(0, Status::Unknown), (1, Status::Affected)]);
    assert_eq!(found.unmatchable.len(), 1);
}

#[test]
fn above_the_last_known_affected_version_nothing_is_certain() {
    let mut one = record("GHSA-1", &[], "npm", "a", events("SEMVER", json!([{"introduced": "1.0.0"}])));
    let own = json!({"last_known_affected_version_range": "<= 1.4.0"});
    one.affected[0].database_specific = own.as_object().cloned();
    assert_eq!(ask(&[one.clone()], "npm", "a", "1.4.0"), AFFECTED);
    assert_eq!(ask(&[one.clone()], "npm", "a", "1.4.1"), UNKNOWN);
    assert_eq!(ask(&[one], "npm", "a", "0.9.0"), None);
}

#[test]
fn what_no_scheme_reads_is_unknown_and_matched_only_by_its_text() {
    let all = [record("A", &[], "Nowhere", "a", json!({"versions": ["blue"]}))];
    assert_eq!(ask(&all, "Nowhere", "a", "blue"), AFFECTED);
    assert_eq!(ask(&all, "Nowhere", "a", "green"), UNKNOWN);
}

#[test]
fn names_that_collide_are_no_match() {
    let open = || events("ECOSYSTEM", json!([{"introduced": "0"}]));
    let all = [record("A", &[], "npm", "jsonstream", open()), record("B", &[], "Maven", "org.a:core", open())];
    assert_eq!(ask(&all, "npm", "JSONStream", "1.0.0"), None, "case");
    assert_eq!(ask(&all, "PyPI", "jsonstream", "1.0.0"), None, "ecosystem");
    assert_eq!(ask(&all, "Maven", "org.b:core", "1.0.0"), None, "namespace");
    let debian = [record("DSA-1", &[], "Debian:12", "curl", open())];
    assert_eq!(ask(&debian, "Debian:11", "curl", "7.0"), None, "release");
    assert_eq!(ask(&debian, "Debian:12", "curl", "7.0"), AFFECTED);
    assert_eq!(ask(&debian, "Debian", "curl", "7.0"), UNKNOWN);
}

#[test]
fn a_distributions_record_decides_about_what_its_package_holds() {
    let upstream = record(
        "GHSA-1",
        &["CVE-1"],
        "PyPI",
        "requests",
        events("ECOSYSTEM", json!([{"introduced": "0"}, {"fixed": "3"}])),
    );
    let mut debian = record(
        "DSA-1",
        &[],
        "Debian",
        "requests",
        events("ECOSYSTEM", json!([{"introduced": "0"}, {"fixed": "2.28.1+dfsg-1+deb12u1"}])),
    );
    debian.upstream = vec!["CVE-1".into()];
    let held = |version: &str| {
        let inner = json!([{"type": "library", "name": "requests", "purl": "pkg:pypi/requests@2.28.1"}]);
        let outer = json!([{"type": "library", "name": "requests", "components": inner,
            "purl": format!("pkg:deb/debian/requests@{version}")}]);
        let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": outer});
        cyclonedx::read(document.to_string().as_bytes()).unwrap().0
    };
    let both = Index::build([upstream.clone(), debian]).unwrap();
    let mended = both.match_inventory(&held("2.28.1%2Bdfsg-1%2Bdeb12u1"));
    assert!(mended.findings.is_empty(), "{:?}", mended.findings);
    assert!(mended.elsewhere[0].1.decided_by.as_ref().unwrap().contains("is not affected as DSA-1 (Debian) says"));
    let open = both.match_inventory(&held("2.28.1%2Bdfsg-1"));
    assert_eq!(
        open.findings.iter().map(|(number, _)| *number).collect::<Vec<_>>(),
        [0],
        "told on Debian's package, once"
    );
    let silent = Index::build([upstream]).unwrap().match_inventory(&held("2.28.1%2Bdfsg-1"));
    assert_eq!(silent.findings[0].1.status, Status::Unknown);
}

#[test]
fn listed_versions_outside_their_ranges_count() {
    let said = json!({"ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "1.0"}, {"fixed": "2.0"}]}], "versions": ["1.1", "2.3"]});
    let all = [record("A", &[], "PyPI", "a", said)];
    let got = ["1.1", "1.2", "2.3", "2.3.0", "2.2"].map(|v| ask(&all, "PyPI", "a", v).is_some());
    assert_eq!(got, [true, true, true, true, false]);
}

#[test]
fn overlapping_and_inverted_ranges_are_warned_of_and_read_strictly() {
    let inverted = json!([{"introduced": "2.0.0"}, {"fixed": "1.0.0"}]);
    let overlapping = json!([{"introduced": "1.0.0"}, {"introduced": "2.0.0"}, {"fixed": "3.0.0"}, {"fixed": "4.0.0"}]);
    for (pairs, unknown) in [(inverted, "1.5.0"), (overlapping, "3.5.0")] {
        let one = record("A", &[], "npm", "a", events("SEMVER", pairs));
        assert_eq!(Builder::default().take(&one)[0].code, "events_disordered");
        assert_eq!(ask(std::slice::from_ref(&one), "npm", "a", "2.5.0"), AFFECTED);
        assert_eq!(ask(std::slice::from_ref(&one), "npm", "a", unknown), UNKNOWN);
        assert_eq!(ask(&[one], "npm", "a", "0.5.0"), None);
    }
}

#[test]
fn the_same_counts_and_bytes_on_every_repeat_and_in_any_order() {
    let one = |n: u32| {
        record(
            &format!("A-{n}"),
            &[&format!("CVE-{}", n % 5)],
            "npm",
            &format!("p{}", n % 3),
            events("SEMVER", json!([{"introduced": "0"}])),
        )
    };
    let build = |numbers: &mut dyn Iterator<Item = u32>| {
        let mut builder = Builder::default();
        numbers.for_each(|n| drop(builder.take(&one(n))));
        builder.build().unwrap()
    };
    let (up, down) = (build(&mut (0..20)), build(&mut (0..20).rev()));
    assert!(up == down);
    assert_eq!(Index::of_built(up).unwrap().vulnerabilities(), 5);
    assert!(osv::read(b"{}").is_err());
}
