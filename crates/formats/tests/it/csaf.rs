//! CSAF: what is written, what is refused, and the file name rule. The standard's own tests are in `peers`.

use formats::csaf::{
    Acknowledgment, Advisory, CWES, Flag, FlagLabel, Impact, Note, NoteCategory, Product, ProductStatus, Publisher,
    Reference, Remediation, RemediationCategory, Revision, Status, Tlp, Tracking, Unwritable, Vulnerability, filename,
    write,
};
use serde_json::Value;

fn product(version: &str) -> Product {
    Product {
        vendor: "lodash".into(),
        name: "lodash".into(),
        version: version.into(),
        purl: format!("pkg:npm/lodash@{version}"),
    }
}

/// An advisory with every field in use.
pub fn full() -> Advisory {
    let revision = |date: &str, summary: &str| Revision { date: date.into(), summary: summary.into() };
    Advisory {
        title: "Prototype pollution in lodash".into(),
        publisher: Publisher {
            name: "Proofhouse".into(),
            namespace: "https://proofhouse.example".into(),
            contact: Some("coordinator@proofhouse.example".into()),
            ..Publisher::default()
        },
        tracking: Tracking {
            id: "PH-2026:0001".into(),
            aliases: vec!["case_0001".into()],
            status: Status::Final,
            revisions: vec![
                revision("2026-11-20T08:00:00Z", "First published"),
                revision("2026-11-21T08:00:00.5Z", "4.17.21 was measured too"),
            ],
            generator: Some(("proofhouse".into(), "0.1.0".into())),
        },
        tlp: Tlp::White,
        aggregate_severity: Some("important".into()),
        notes: vec![Note {
            category: NoteCategory::General,
            title: Some("Measured".into()),
            text: "By running it.".into(),
        }],
        references: vec![Reference {
            summary: "This advisory".into(),
            url: "https://proofhouse.example/csaf/2026/ph-2026_0001.json".into(),
            of_itself: true,
        }],
        acknowledgments: vec![Acknowledgment { organization: Some("Proofhouse".into()), ..Acknowledgment::default() }],
        products: ["4.17.14", "4.17.15", "4.17.20", "4.17.21", "2.0.0", "3.0.0", "4.17.13+a"].map(product).into(),
        vulnerabilities: vec![Vulnerability {
            cve: Some("CVE-2020-8203".into()),
            ids: vec![("GitHub Advisory".into(), "GHSA-p6mc-m468-83gw".into())],
            cwe: Some("CWE-1321".into()),
            title: Some("Prototype pollution through zipObjectDeep".into()),
            notes: vec![Note { text: "zipObjectDeep writes to Object.prototype.".into(), ..Note::default() }],
            discovery_date: Some("2026-11-01T00:00:00Z".into()),
            release_date: Some("2026-11-20T08:00:00Z".into()),
            status: ProductStatus {
                affected: vec![1, 0],
                fixed: vec![2, 3],
                first_fixed: vec![2],
                not_affected: vec![4],
                under_investigation: vec![5, 6],
                recommended: vec![3],
            },
            remediations: vec![
                Remediation {
                    category: RemediationCategory::VendorFix,
                    details: "Upgrade to 4.17.20 or later.".into(),
                    products: vec![0, 1],
                    url: Some("https://example.org/lodash".into()),
                    date: Some("2026-11-20T08:00:00Z".into()),
                },
                Remediation {
                    category: RemediationCategory::Mitigation,
                    details: "Freeze Object.prototype.".into(),
                    products: vec![0, 1],
                    ..Remediation::default()
                },
            ],
            flags: vec![Flag { label: FlagLabel::VulnerableCodeNotPresent, products: vec![4] }],
            impacts: vec![Impact {
                details: "An attacker sets properties of every object.".into(),
                products: vec![0, 1],
            }],
            references: vec![Reference {
                summary: "Fix".into(),
                url: "https://example.org/commit".into(),
                of_itself: false,
            }],
            acknowledgments: vec![Acknowledgment {
                names: vec!["A. Finder".into(), "B. Finder".into()],
                organization: None,
                summary: Some("reported it".into()),
                urls: vec!["https://example.org/finders".into()],
            }],
        }],
    }
}

/// The least that may be written.
pub fn least() -> Advisory {
    Advisory {
        title: "t".into(),
        publisher: Publisher { name: "p".into(), namespace: "https://p.example".into(), ..Publisher::default() },
        tracking: Tracking {
            id: "1".into(),
            status: Status::Interim,
            revisions: vec![Revision { date: "2026-11-20T08:00:00Z".into(), summary: "first".into() }],
            ..Tracking::default()
        },
        products: vec![product("1.0.0")],
        vulnerabilities: vec![Vulnerability {
            notes: vec![Note { text: "n".into(), ..Note::default() }],
            status: ProductStatus { under_investigation: vec![0], ..ProductStatus::default() },
            ..Vulnerability::default()
        }],
        ..Advisory::default()
    }
}

#[test]
fn the_parts_stand_where_csaf_has_them() {
    let document: Value = serde_json::from_slice(&write(&full()).unwrap()).unwrap();
    let at = |pointer: &str| document.pointer(pointer).cloned().unwrap_or_default();
    assert_eq!(at("/document/category"), "csaf_security_advisory");
    assert_eq!(at("/document/distribution/tlp/label"), "WHITE");
    assert_eq!(at("/document/tracking/version"), "2");
    assert_eq!(at("/document/tracking/initial_release_date"), "2026-11-20T08:00:00Z");
    assert_eq!(at("/document/tracking/revision_history/1/number"), "2");
    assert_eq!(at("/product_tree/branches/0/category"), "vendor");
    let leaf = "/product_tree/branches/0/branches/0/branches/1";
    assert_eq!(at(&format!("{leaf}/name")), "4.17.15");
    assert_eq!(at(&format!("{leaf}/product/product_identification_helper/purl")), "pkg:npm/lodash@4.17.15");
    let affected = at("/vulnerabilities/0/product_status/known_affected");
    assert_eq!(affected, serde_json::json!(["pkg:npm/lodash@4.17.14", "pkg:npm/lodash@4.17.15"]));
    assert_eq!(at("/vulnerabilities/0/acknowledgments/0/names/1"), "B. Finder");
}

#[test]
fn contradictions_are_refused() {
    let refusal = |change: fn(&mut Advisory)| {
        let mut advisory = full();
        change(&mut advisory);
        write(&advisory).unwrap_err().to_string().replace("write a CSAF advisory: ", "")
    };
    assert_eq!(refusal(|a| a.title = " ".into()), "document.title is empty");
    assert_eq!(refusal(|a| a.products.clear()), "product_tree is empty");
    assert_eq!(refusal(|a| a.vulnerabilities.clear()), "vulnerabilities is empty");
    assert_eq!(refusal(|a| a.vulnerabilities[0].notes.clear()), "vulnerabilities[].notes is empty");
    assert_eq!(
        refusal(|a| a.vulnerabilities[0].status.fixed.push(0)),
        "pkg:npm/lodash@4.17.14 is both affected and fixed"
    );
    assert_eq!(refusal(|a| a.vulnerabilities[0].status.affected.push(9)), "known_affected names product 9, of 7");
    assert_eq!(
        refusal(|a| a.products[1] = a.products[0].clone()),
        "pkg:npm/lodash@4.17.14 stands twice among the products"
    );
    assert_eq!(refusal(|a| a.tracking.revisions.reverse()), "revision 2 is older than the one before it");
    assert_eq!(refusal(|a| a.vulnerabilities[0].cwe = Some("CWE-0".into())), "the name of CWE-0 is not known");
    assert_eq!(refusal(|a| a.vulnerabilities[0].cve = Some("CVE-1".into())), "\"CVE-1\" is not a CVE id");
    assert_eq!(refusal(|a| a.vulnerabilities[0].flags.extend_from_within(..)), "pkg:npm/lodash@2.0.0 has two flags");
    assert_eq!(
        refusal(|a| a.tracking.revisions[0].date = "2026-11-20".into()),
        "document.tracking.revision_history[].date is \"2026-11-20\", not a time such as 2026-11-23T04:55:00Z"
    );
    assert_eq!(refusal(|a| a.tracking.id = "other".into()), "its own URL should end in /other.json");
    assert!(matches!(write(&Advisory::default()), Err(Unwritable::Empty { .. })));
}

#[test]
fn file_names_follow_the_standard() {
    // The first three are the standard's own examples, but for the publisher's name in them.
    assert_eq!(filename("Example Company - 2019-YH3234"), "example_company_-_2019-yh3234.json");
    assert_eq!(filename("RHBA-2019:0024"), "rhba-2019_0024.json");
    assert_eq!(filename("2022 #01-A"), "2022_01-a.json");
    assert_eq!(filename("a//b+c"), "a_b+c.json");
}

/// An advisory with each weakness whose name we hold: the mandatory tests compare the names.
pub fn each_weakness() -> Advisory {
    let mut advisory = least();
    let one = advisory.vulnerabilities.remove(0);
    advisory.vulnerabilities =
        CWES.iter().map(|(id, _)| Vulnerability { cwe: Some((*id).to_owned()), ..one.clone() }).collect();
    advisory
}
