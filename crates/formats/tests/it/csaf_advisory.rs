//! CSAF documents as advisories: what each status and each way to state versions becomes, and hostile ones.

use formats::Unreadable;
use formats::csaf::{Advisories, may_be_csaf, read};
use formats::osv::RangeKind;
use proptest::prelude::*;
use serde_json::{Value, json};

fn document(tree: Value, vulnerabilities: Value) -> Value {
    json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "A title",
            "publisher": {"category": "vendor", "name": "ACME", "namespace": "https://example.org"},
            "tracking": {"id": "ACME-2026-1", "current_release_date": "2026-02-01T10:00:00+00:00", "version": "2"},
        },
        "product_tree": tree,
        "vulnerabilities": vulnerabilities,
    })
}

fn read_ok(document: &Value) -> (Advisories, Vec<&'static str>) {
    let bytes = serde_json::to_vec(document).unwrap();
    assert!(may_be_csaf(&bytes));
    let (advisories, warnings) = read(&bytes).unwrap().unwrap();
    (advisories, warnings.iter().map(|warning| warning.code).collect())
}

fn product(id: &str, purl: &str) -> Value {
    json!({"product_id": id, "name": id, "product_identification_helper": {"purl": purl}})
}

fn branch(category: &str, name: &str, product: Value) -> Value {
    json!({"category": category, "name": name, "product": product})
}

/// The entries, as `ecosystem name: events; versions`.
fn shown(advisories: &Advisories) -> Vec<String> {
    let one = |affected: &formats::osv::Affected| {
        let package = affected.package.as_ref().map_or("none".to_owned(), |p| format!("{} {}", p.ecosystem, p.name));
        let range = |range: &formats::osv::Range| {
            let events = range.events.iter().map(|e| format!("{} {}", e.parts().0, e.parts().1)).collect::<Vec<_>>();
            if range.kind == RangeKind::Unreadable { "unreadable".to_owned() } else { events.join(" ") }
        };
        let ranges: Vec<String> = affected.ranges.iter().map(range).collect();
        format!("{package}: {}; {}", ranges.join(" / "), affected.versions.join(" "))
    };
    advisories.records.iter().flat_map(|record| &record.affected).map(one).collect()
}

#[test]
fn every_way_to_state_versions_becomes_what_it_says() {
    let tree = json!({
        "branches": [{"category": "vendor", "name": "ACME", "branches": [{"category": "product_name", "name": "left", "branches": [
            branch("product_version", "1.0.0", product("one", "pkg:npm/left@1.0.0")),
            branch("product_version", "1.1.0", product("beside", "pkg:npm/left")),
            branch("product_version_range", "vers:npm/>=2.0.0|<2.3.0|>=3.0.0|<=3.1.0", product("range", "pkg:npm/left")),
            branch("product_version_range", "<2 or so", product("words", "pkg:npm/words")),
            branch("product_version_range", "vers:npm/>2.0.0", product("above", "pkg:npm/above")),
            // The version stands above the architecture.
            {"category": "product_version", "name": "5.0.0", "branches": [
                branch("architecture", "x86", product("deep", "pkg:npm/deep"))]},
        ]}]}],
        "full_product_names": [
            product("every", "pkg:pypi/every"), product("every-fix", "pkg:pypi/every@2.0"),
            product("fix-1", "pkg:maven/g/fixes@1.5"), product("fix-2", "pkg:maven/g/fixes@2.5"),
            product("first", "pkg:gem/bounded@1.0"), product("last", "pkg:gem/bounded@1.9"),
            {"product_id": "name-only", "name": "A box"}, product("from-git", "pkg:npm/x@1?vcs_url=git%2Bhttps://example.org/x"),
        ],
    });
    let status = json!({
        "known_affected": ["one", "beside", "range", "words", "above", "deep", "every", "name-only", "from-git", "nowhere"],
        "fixed": ["every-fix", "fix-1", "fix-2"], "first_affected": ["first"], "last_affected": ["last"],
        "known_not_affected": ["one"],
    });
    let vulnerability = json!({"cve": "CVE-2026-1", "ids": [
        {"system_name": "tracker", "text": "224466"}, {"system_name": "GitHub", "text": "GHSA-aaaa-bbbb-cccc"},
    ], "product_status": status});
    let (advisories, codes) = read_ok(&document(tree, json!([vulnerability])));
    assert_eq!(advisories.said_by, "ACME");
    let record = &advisories.records[0];
    assert_eq!((record.id.as_str(), record.modified.as_str()), ("ACME-2026-1/CVE-2026-1", "2026-02-01T10:00:00Z"));
    // A tracker's number is nobody's name for it.
    assert_eq!(record.aliases, ["CVE-2026-1", "GHSA-aaaa-bbbb-cccc"]);
    assert_eq!(
        shown(&advisories),
        [
            "Maven g:fixes: introduced 0 fixed 1.5 fixed 2.5; ",
            "PyPI every: introduced 0 fixed 2.0; ",
            "RubyGems bounded: introduced 1.0 last_affected 1.9; ",
            "npm above: unreadable; ",
            "npm deep: ; 5.0.0",
            "npm left: introduced 2.0.0 fixed 2.3.0 introduced 3.0.0 last_affected 3.1.0; 1.0.0 1.1.0",
            "npm words: unreadable; ",
        ]
    );
    assert_eq!(codes.iter().filter(|code| **code == "range_unreadable").count(), 2);
    assert!(codes.contains(&"not_matchable") && codes.contains(&"no_package"));
}

#[test]
fn each_vulnerability_is_a_record_and_what_names_no_package_is_counted() {
    let tree = json!({"full_product_names": [{"product_id": "box", "name": "A box"}]});
    let one = |cve: &str| json!({"cve": cve, "product_status": {"known_affected": ["box"]}});
    let (advisories, codes) = read_ok(&document(tree, json!([one("CVE-2026-1"), one("CVE-2026-2"), {"notes": []}])));
    let ids: Vec<&str> = advisories.records.iter().map(|record| record.id.as_str()).collect();
    assert_eq!(ids, ["ACME-2026-1/CVE-2026-1", "ACME-2026-1/CVE-2026-2"]);
    assert_eq!(shown(&advisories), ["none: ; ", "none: ; "]);
    assert_eq!(codes, ["no_package", "no_package", "wrong_shape"]);
    // Called after its vulnerability, it is still not the record with the bare id.
    let mut named = document(json!({}), json!([one("CVE-2026-1")]));
    named["document"]["tracking"]["id"] = json!("CVE-2026-1");
    assert_eq!(read_ok(&named).0.records[0].id, "ACME/CVE-2026-1");
    named["document"]["category"] = json!("csaf_withdrawn");
    assert!(read_ok(&named).0.records[0].withdrawn.is_some());
}

#[test]
fn a_part_of_a_platform_has_the_parts_purl_and_the_platforms_release() {
    let tree = json!({
        "full_product_names": [
            {"product_id": "el8", "name": "Linux 8", "product_identification_helper": {"cpe": "cpe:/o:redhat:enterprise_linux:8::baseos"}},
            product("openssl", "pkg:rpm/redhat/openssl@1.1.1k-7.el8?arch=x86_64&epoch=1"),
        ],
        "relationships": [
            {"category": "default_component_of", "product_reference": "openssl", "relates_to_product_reference": "el8",
             "full_product_name": {"product_id": "el8:openssl", "name": "openssl of 8"}},
            // In circles, and into nothing.
            {"category": "default_component_of", "product_reference": "self", "relates_to_product_reference": "self",
             "full_product_name": {"product_id": "self", "name": "itself"}},
            {"category": "default_component_of", "product_reference": "later", "relates_to_product_reference": "self",
             "full_product_name": {"product_id": "sooner", "name": "one"}},
            {"category": "default_component_of", "product_reference": "sooner", "relates_to_product_reference": "sooner",
             "full_product_name": {"product_id": "later", "name": "other"}},
        ],
    });
    let status = json!({"fixed": ["el8:openssl"], "known_affected": ["self", "sooner", "later"]});
    let (advisories, _) = read_ok(&document(tree, json!([{"cve": "CVE-2026-1", "product_status": status}])));
    assert_eq!(shown(&advisories), ["Red Hat:enterprise_linux:8::baseos openssl: introduced 0 fixed 1:1.1.1k-7.el8; "]);
}

#[test]
fn hostile_documents_are_read_within_bounds_or_refused() {
    // Branches within branches, far beyond what is read: no recursion, and told.
    let depth = 5_000;
    let deep = format!(
        "{{\"document\":{{\"csaf_version\":\"2.0\",\"tracking\":{{\"id\":\"D-1\"}}}},\"product_tree\":{}{}}}",
        "{\"branches\":[".repeat(depth),
        "{}".to_owned() + &"]}".repeat(depth)
    );
    assert!(!matches!(read(deep.as_bytes()), Ok(Some((a, w))) if a.records.is_empty() && w.is_empty()));
    // A long range that very many vulnerabilities name.
    let bounds: Vec<String> = (0..5_000).map(|n| format!(">={n}.0.0|<{n}.5.0")).collect();
    let range = format!("vers:npm/{}", bounds.join("|").chars().take(60_000).collect::<String>());
    let range = range.rsplit_once('|').unwrap().0.to_owned();
    let tree = json!({"branches": [branch("product_version_range", &range, product("p", "pkg:npm/left"))]});
    let one = json!({"cve": "CVE-2026-1", "product_status": {"known_affected": ["p"]}});
    let many = document(tree, Value::Array(vec![one; 2_000]));
    let refused = read(&serde_json::to_vec(&many).unwrap());
    assert!(matches!(refused, Err(Unreadable::TooMany { .. })), "{:?}", refused.map(|read| read.map(|r| r.1)));
    // One product, very often in one list.
    let tree = json!({"full_product_names": [product("p", "pkg:npm/left@1.0.0")]});
    let status = json!({"known_affected": vec!["p"; 300_000]});
    let (advisories, _) = read_ok(&document(tree, json!([{"cve": "CVE-2026-1", "product_status": status}])));
    assert_eq!(shown(&advisories), ["npm left: ; 1.0.0"]);
    // Other JSON is none, other versions are named.
    assert!(read(b"{\"id\":\"X\"}").unwrap().is_none());
    let other = read(b"{\"document\":{\"csaf_version\":\"3.0\"}}");
    assert!(matches!(other, Err(Unreadable::UnknownVersion { .. })));
}

proptest! {
    #[test]
    fn any_values_are_read_or_refused(
        keys in proptest::collection::vec("(document|csaf_version|tracking|id|product_tree|branches|product|product_id|cve|[a-z]{1,3})", 0..8),
        words in proptest::collection::vec("(2\\.0|pkg:npm/a@1|vers:npm/[<>=]{0,2}[0-9.]{0,4}|p)", 8),
    ) {
        let inner = keys.iter().zip(&words).fold(json!("p"), |inner, (key, word)| json!([{key: inner, "name": word}, word]));
        let any = document(json!({"branches": inner, "relationships": inner, "full_product_names": inner}), json!([{
            "cve": "CVE-2026-1", "ids": inner, "product_status": {"known_affected": inner, "fixed": words},
        }, inner]));
        let _ = read(&serde_json::to_vec(&any).unwrap());
    }
}
