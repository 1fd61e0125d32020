//! One component, a few records: the answer with its reasons.

use formats::inventory::Inventory;
use formats::osv::Record;
use formats::{cyclonedx, npm_lock, osv};
use matching::{Holdings, Index, InventoryMatch};
use serde_json::{Value, json};

pub fn record(id: &str, aliases: &[&str], ecosystem: &str, name: &str, affected: Value) -> Record {
    let mut entry = json!({"package": {"ecosystem": ecosystem, "name": name}});
    for (key, value) in affected.as_object().unwrap() {
        entry[key] = value.clone();
    }
    let document = json!({"id": id, "modified": "2026-01-01T00:00:00Z", "aliases": aliases, "affected": [entry]});
    osv::read(document.to_string().as_bytes()).unwrap().0
}

fn range(introduced: &str, fixed: &str) -> Value {
    json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": introduced}, {"fixed": fixed}]}]})
}

pub fn sbom(purls: &[&str]) -> Inventory {
    let component = |purl: &&str| json!({"type": "library", "name": "x", "purl": purl});
    let components: Vec<Value> = purls.iter().map(component).collect();
    let document = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": components});
    cyclonedx::read(document.to_string().as_bytes()).unwrap().0
}

fn lines(found: &InventoryMatch) -> Vec<String> {
    let finding = |(index, f): &(usize, matching::Finding)| {
        // Why a version cannot be read is for the tests of `versions`.
        let because = |s: &matching::Statement| match s.because.find(" as a version of npm: ") {
            Some(at) => s.because[..at + " as a version of npm".len()].to_owned(),
            None => s.because.clone(),
        };
        let says = |s: &matching::Statement| format!("{} {}: {}", s.record, s.status.as_str(), because(s));
        let says: Vec<String> = f.statements.iter().map(says).collect();
        format!("{index} {} {} [{}]", f.status.as_str(), f.ids.join("="), says.join(" | "))
    };
    let unmatchable = found.unmatchable.iter().map(|(index, why)| format!("{index} unmatchable {}", why.as_str()));
    let clean = found.clean.iter().map(|index| format!("{index} clean"));
    found.findings.iter().map(finding).chain(unmatchable).chain(clean).collect()
}

#[track_caller]
fn check(records: Vec<Record>, purls: &[&str], expected: &[&str]) {
    let inventory = sbom(purls);
    let index = Index::build(records).unwrap();
    let found = index.match_inventory(&inventory);
    assert_eq!(lines(&found), expected);
    let reached = Holdings::build([&inventory]).reach(&index);
    let other_way: Vec<_> = reached.into_iter().map(|r| (r.place.component as usize, r.finding)).collect();
    assert_eq!(other_way, found.findings, "the other direction");
}

#[test]
fn a_vulnerability_is_told_once_with_what_each_record_says() {
    check(
        vec![
            record("GHSA-1", &["CVE-1"], "npm", "lodash", range("0", "4.17.19")),
            record("OSV-1", &["GHSA-1"], "npm", "lodash", range("3.7.0", "4.17.20")),
            record("CVE-2", &[], "npm", "lodash", range("0", "1.0.0")),
            record("CVE-3", &[], "npm", "other", range("0", "9.0.0")),
        ],
        &["pkg:npm/lodash@4.17.15", "pkg:npm/lodash@4.17.19", "pkg:npm/lodash@4.17.20"],
        &[
            "0 affected CVE-1=GHSA-1=OSV-1 [GHSA-1 affected: inside ranges[0]: introduced 0, fixed 4.17.19 | \
             OSV-1 affected: inside ranges[0]: introduced 3.7.0, fixed 4.17.20]",
            "1 affected CVE-1=GHSA-1=OSV-1 [GHSA-1 not-affected: outside ranges[0]: after (introduced 0, fixed 4.17.19) | \
             OSV-1 affected: inside ranges[0]: introduced 3.7.0, fixed 4.17.20]",
            "2 clean",
        ],
    );
}

#[test]
fn disputes_and_fixes_are_told() {
    let records = [
        record("GHSA-1", &["CVE-1"], "npm", "lodash", range("0", "4.17.19")),
        record("OSV-1", &["GHSA-1"], "npm", "lodash", range("3.7.0", "4.17.20")),
    ];
    let found =
        Index::build(records).unwrap().match_inventory(&sbom(&["pkg:npm/lodash@4.17.19", "pkg:npm/lodash@4.17.18"]));
    let told: Vec<_> = found.findings.iter().map(|(_, f)| (f.id(), f.is_disputed(), f.fixed())).collect();
    assert_eq!(told, [("CVE-1", true, vec!["4.17.20"]), ("CVE-1", false, vec!["4.17.19", "4.17.20"])]);
}

#[test]
fn what_cannot_be_read_is_never_clean() {
    check(
        vec![
            record("A", &[], "npm", "a", range("0", "1.0.0")),
            record("B", &[], "npm", "b", range("0", "soon")),
            record("C", &[], "npm", "JSONStream", range("0", "1.0.0")),
            record("D", &[], "Maven", "org.d:d", json!({"versions": ["1.0"], "ranges": []})),
            record("E", &[], "Debian:12", "openssl", json!({"versions": ["3.0.1-1"]})),
            record(
                "F",
                &[],
                "npm",
                "f",
                json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"mended": "2"}]}]}),
            ),
        ],
        &[
            "pkg:npm/a@latest",
            "pkg:npm/b@1.0.0",
            "pkg:npm/jsonstream@2.0.0",
            "pkg:npm/JSONStream@2.0.0",
            "pkg:maven/org.d/d@1.0",
            "pkg:maven/org.d/d@1.1",
            "pkg:deb/debian/openssl@3.0.1-1",
            "pkg:npm/f@1.0.0",
        ],
        &[
            "0 unknown A [A unknown: the version cannot be read: read \"latest\" as a version of npm]",
            "1 unknown B [B unknown: a bound of ranges[0] cannot be read: read \"soon\" as a version of npm]",
            "2 unknown C [C unknown: the record names JSONStream: the same but for case, which counts here]",
            "4 affected D [D affected: listed as affected: versions[0] is 1.0]",
            "6 unknown E [E unknown: the record is about Debian:12, and the inventory does not name that release]",
            "7 unknown F [F unknown: ranges[0] cannot be decided: it could not be read]",
            "3 clean",
            "5 clean",
        ],
    );
}

#[test]
fn git_dependencies_never_match() {
    let lock = json!({"lockfileVersion": 3, "packages": {
        "node_modules/lodash": {"version": "4.17.15", "resolved": "git+ssh://git@example.org/lodash.git#0123"},
    }});
    let (inventory, _) = npm_lock::read(lock.to_string().as_bytes()).unwrap();
    let index = Index::build([record("A", &[], "npm", "lodash", range("0", "9.0.0"))]).unwrap();
    assert_eq!(lines(&index.match_inventory(&inventory)), ["0 unmatchable from-repository"]);
    assert!(index.match_component(&inventory.components[0]).is_err());
    assert!(Holdings::build([&inventory]).reach(&index).is_empty());
}

#[test]
fn withdrawn_records_say_nothing() {
    let mut withdrawn = record("A", &[], "npm", "a", range("0", "1.0.0"));
    withdrawn.withdrawn = Some("2026-01-01T00:00:00Z".into());
    let index = Index::build([withdrawn]).unwrap();
    assert_eq!((index.records(), index.withdrawn()), (0, 1));
    assert_eq!(lines(&index.match_inventory(&sbom(&["pkg:npm/a@0.1.0"]))), ["0 clean"]);
}

#[test]
fn a_record_that_names_a_package_twice_says_its_strongest_word() {
    let mut twice = record("A", &[], "npm", "a", range("0", "1.0.0"));
    let second = record("A", &[], "npm", "a", range("2.0.0", "3.0.0")).affected.remove(0);
    twice.affected.push(second);
    check(
        vec![twice],
        &["pkg:npm/a@2.5.0", "pkg:npm/a@0.5.0", "pkg:npm/a@1.5.0"],
        &[
            "0 affected A [A affected: inside ranges[0]: introduced 2.0.0, fixed 3.0.0]",
            "1 affected A [A affected: inside ranges[0]: introduced 0, fixed 1.0.0]",
            "2 clean",
        ],
    );
}

#[test]
fn python_names_are_one_by_pep_503() {
    check(
        vec![record("A", &[], "PyPI", "Foo.Bar_baz", json!({"versions": ["1.0"]}))],
        &["pkg:pypi/foo-bar-baz@1.0"],
        &["0 affected A [A affected: listed as affected: versions[0] is 1.0]"],
    );
}
