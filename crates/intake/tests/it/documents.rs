//! What is understood of a document of each format, what is left out, and that what is sent is what a TAP intake takes.

use formats::provenance::{self, AiUse, AiWord, Credit, EmbargoTerms, Hop};
use formats::tap;
use intake::{Given, Kind, Understood, kind_of};

use crate::{read, sample};

/// One line a report: place, package, versions, ids, function, weaknesses, severity, credits; then what was left out.
fn told(name: &str, given: &Given) -> Vec<String> {
    let document = intake::read(&sample(name), given).unwrap();
    let mut lines: Vec<String> = document.reports.iter().map(line).collect();
    lines.extend(document.left_out.iter().map(|one| format!("left out {}: {}", one.at, one.reason)));
    lines
}

fn line(one: &Understood) -> String {
    let report = &one.report;
    let opinion = report.enrichment.clone().unwrap_or_default();
    let credits: Vec<String> = one.provenance().unwrap_or_default().credits.into_iter().map(|c| c.name).collect();
    [
        one.at.clone(),
        report.purl.clone().unwrap_or_default(),
        report.versions.join(","),
        report.upstream_ids.join(","),
        report.affected_symbol.clone().and_then(|s| s.function).unwrap_or_default(),
        opinion.cwe.join(","),
        opinion.severity.unwrap_or_default(),
        credits.join(","),
    ]
    .join("|")
}

#[test]
fn every_format_is_understood() {
    let none = Given::default();
    let table: &[(&str, Kind, &[&str])] = &[
        ("casr.json", Kind::Casr, &["|pkg:deb/debian/yajl|2.1.0-3||scan_string|||"]),
        ("crash.log", Kind::Crash, &["||||scan_string|||"]),
        (
            "csaf.json",
            Kind::Csaf,
            &[
                "#/vulnerabilities/0|pkg:npm/portal-kit|4.1.0|CVE-2026-20001||CWE-79|Important|O'Brien & Søn",
                "left out #/vulnerabilities/1: no product is said to be affected or under investigation",
            ],
        ),
        (
            "cve.json",
            Kind::Cve,
            &[
                "#/containers/cna/affected/0|pkg:deb/debian/yajl|2.1.0|CVE-2026-30001|scan_string|CWE-125|medium|李雷 of Red Lamp",
                "left out #/containers/cna/affected/1: the product is said to be unaffected",
            ],
        ),
        (
            "ghsa.json",
            Kind::Ghsa,
            &[
                "#/vulnerabilities/0|pkg:pypi/tarling||GHSA-2345-6789-cfgh,CVE-2026-10001|tarling.extract_all|CWE-22|high|zoe-n",
            ],
        ),
        ("mail.eml", Kind::Mail, &["|pkg:deb/debian/yajl|2.1.0-3||scan_string|CWE-125|medium|Zoë Ångström"]),
        ("note.md", Kind::Prose, &["|pkg:pypi/tarling|1.0.0,1.1.0|CVE-2026-10001||CWE-22|high|Zoë Ångström-Nguyễn"]),
        (
            "openvex.json",
            Kind::OpenVex,
            &[
                "#/statements/0|pkg:pypi/tarling|1.1.0|CVE-2026-10001||||",
                "left out #/statements/1: it says not_affected: nothing to report",
            ],
        ),
        (
            "osv.json",
            Kind::Osv,
            &[
                "#/affected/0|pkg:pypi/tarling|1.0.0,1.1.0|GHSA-2345-6789-cfgh,CVE-2026-10001||CWE-22|high|Zoë Ångström-Nguyễn,Grinder 2",
                "#/affected/1|pkg:cargo/tarling-core||GHSA-2345-6789-cfgh,CVE-2026-10001|tarling_core::unpack|CWE-22|high|Zoë Ångström-Nguyễn,Grinder 2",
            ],
        ),
        (
            "scan.sarif",
            Kind::Sarif,
            &[
                "#/runs/0/results/0||||merge.mergeInto|CWE-1321|high|",
                "#/runs/0/results/2|||||CWE-338|warning|",
                "left out #/runs/0/results/1: the tool's users suppressed it: only a label in the log",
                "left out #/runs/0/results/3: its kind is pass",
                "left out #/runs/0/results/4: it is gone since the last run",
            ],
        ),
        ("tap.json", Kind::Tap, &["|pkg:npm/merge-deep|3.0.2||mergeInto|CWE-1321||"]),
        (
            "vdr.json",
            Kind::CycloneDx,
            &[
                "#/vulnerabilities/0|pkg:pypi/tarling|1.1.0|CVE-2026-10001||CWE-22|high|Zoë Ångström-Nguyễn",
                "left out #/vulnerabilities/1: it says not_affected: nothing to report",
            ],
        ),
    ];
    let files = std::fs::read_dir(crate::folder()).unwrap().count();
    assert_eq!(files, table.len(), "each sample has its row");
    for (name, kind, lines) in table {
        assert_eq!(kind_of(&sample(name)).unwrap(), *kind, "{name}");
        assert_eq!(told(name, &none), *lines, "{name}");
    }
}

#[test]
fn what_is_sent_is_taken_and_is_the_same_each_time() {
    let given = Given { purl: Some("pkg:npm/merge-deep@3.0.2".to_owned()), ..Given::default() };
    for entry in std::fs::read_dir(crate::folder()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let (first, again) = (intake::read(&bytes, &given).unwrap(), intake::read(&bytes, &given).unwrap());
        for (one, other) in first.reports.iter().zip(&again.reports) {
            assert_eq!((one.problem.as_deref(), &one.body), (None, &other.body));
            let (sent, _) = tap::read_report(&one.body).unwrap();
            if one.kind != Kind::Tap {
                assert_eq!(sent, one.report, "{:?}", one.kind);
                assert_eq!(sent.purl.as_deref(), Some("pkg:npm/merge-deep"));
            }
        }
    }
}

#[test]
fn a_result_that_went_along_reads_as_it_did_before() {
    let given = Given { purl: Some("pkg:npm/merge-deep".to_owned()), ..Given::default() };
    let first = intake::read(&sample("scan.sarif"), &given).unwrap();
    for one in &first.reports {
        let part = one.report.attachments.iter().find(|a| a.filename == "result.sarif.json").unwrap();
        let again = intake::read(&part.bytes, &given).unwrap();
        let (a, b) = (&one.report, &again.reports[0].report);
        assert_eq!((&a.enrichment, &a.discovery_tooling), (&b.enrichment, &b.discovery_tooling));
        assert_eq!((&a.package_repo_url, &a.references), (&b.package_repo_url, &b.references));
    }
    let text = String::from_utf8(first.reports[0].report.attachments[0].bytes.clone()).unwrap();
    for told in [
        "The key key comes from Object.keys(source)",
        "flow 2: lib/merge.js:27 assigned here",
        "primaryLocationLineHash: 39fa2ee980eb94b0:1",
        "target[key] = source[key];",
    ] {
        assert!(text.contains(told), "{told}\n{text}");
    }
    let all = intake::read(&sample("scan.sarif"), &Given { suppressed: true, ..given }).unwrap();
    assert_eq!(all.reports.len(), 3);
}

#[test]
fn where_a_report_comes_from_is_kept_to_the_letter() {
    let given = Given {
        credits: vec![Credit { name: "Renée  d'Arc <r@x>".to_owned(), role: "finder".to_owned() }],
        chain: vec![Hop { party: "First Desk".to_owned(), handling_id: Some("FD-1".to_owned()) }],
        embargo: Some(EmbargoTerms { ends: Some("2026-12-01".to_owned()), ..EmbargoTerms::default() }),
        ai_finder: Some(AiUse { word: AiWord::Assisted, tooling: Some("a model".to_owned()) }),
        ..Given::default()
    };
    let document = intake::read(&sample("csaf.json"), &given).unwrap();
    let told = document.reports[0].provenance().unwrap();
    let names: Vec<&str> = told.credits.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Renée  d'Arc <r@x>", "O'Brien & Søn"]);
    let chain: Vec<_> = told.chain.iter().map(|hop| (hop.party.as_str(), hop.handling_id.as_deref())).collect();
    assert_eq!(chain, [("First Desk", Some("FD-1")), ("Portal Works PSIRT", Some("PW-2026-07"))]);
    assert_eq!(told.embargo, given.embargo);
    assert_eq!((told.ai_finder.clone(), told.ai_coordinator.clone()), (given.ai_finder, None));
    let (again, warnings) = provenance::read(provenance::write(&told).to_string().as_bytes()).unwrap();
    assert_eq!((again, warnings), (told, vec![]));
}

#[test]
fn what_is_of_no_format_is_refused_by_name() {
    let table: &[(&[u8], &str)] = &[
        (b"{\"a\": 1}", "JSON, but of no format that is known"),
        (b"{\"a\": ", "not one JSON document"),
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"\xff\xfe\x00binary", "neither text in UTF-8 nor a zip archive"),
        (b"text\0with NUL", "text with NUL bytes"),
        (b"[{\"b\": 2}]", ""),
    ];
    for (bytes, what) in table {
        match read(bytes) {
            Err(refused) => {
                let said = refused.to_string();
                assert!(said.contains(what) && said.contains("SARIF 2.1.0") && said.contains("OpenVEX"), "{said}");
            }
            Ok(document) => assert!(document.reports.is_empty() && document.left_out.len() == 1, "{document:?}"),
        }
    }
    for (text, why) in [
        (r#"{"version": "2.0.0", "runs": []}"#, "2.1.0 is read"),
        (r#"{"dataType": "CVE_RECORD", "dataVersion": "4.0"}"#, "5.x is read"),
        (r#"{"bomFormat": "CycloneDX", "specVersion": "1.6"}"#, "lists no vulnerabilities"),
        (r#"{"document": {"csaf_version": "9"}}"#, "CSAF 2.0 and 2.1"),
    ] {
        let said = read(text.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn what_was_withdrawn_or_stands_twice_is_told() {
    let osv = String::from_utf8(sample("osv.json")).unwrap();
    let withdrawn = osv.replacen("\"id\"", "\"withdrawn\": \"2026-09-03T00:00:00Z\", \"id\"", 1);
    let document = read(withdrawn.as_bytes()).unwrap();
    assert!(document.reports.is_empty() && document.left_out[0].reason.contains("withdrawn"));
    let cve = String::from_utf8(sample("cve.json")).unwrap();
    let rejected = cve.replace("PUBLISHED", "REJECTED");
    assert!(read(rejected.as_bytes()).unwrap().left_out[0].reason.contains("rejected"));
    let twice = cve.replacen("\"cveId\"", "\"cveId\": \"CVE-1999-0001\", \"cveId\"", 1);
    let document = read(twice.as_bytes()).unwrap();
    assert_eq!((document.warnings[0].code, document.warnings[0].at.as_str()), ("repeated_key", "cveId"));
    assert_eq!(document.reports[0].report.upstream_ids, ["CVE-2026-30001"]);
}

#[test]
fn a_list_gives_what_each_item_gives() {
    let text = |name| String::from_utf8(sample(name)).unwrap();
    let list = format!("[{}, {}, {{\"x\": 1}}]", text("ghsa.json"), text("osv.json"));
    let document = read(list.as_bytes()).unwrap();
    let places: Vec<&str> = document.reports.iter().map(|r| r.at.as_str()).collect();
    assert_eq!(places, ["#/0/vulnerabilities/0", "#/1/affected/0", "#/1/affected/1"]);
    assert_eq!(document.left_out[0].at, "#/2");
}

#[test]
fn what_is_too_long_is_cut_and_told_and_still_taken() {
    let long = "x".repeat(70_000);
    let versions: Vec<String> = (0..200).map(|n| format!("1.{n}")).collect();
    let osv = serde_json::json!({
        "id": "OSV-1", "modified": "2026-01-01T00:00:00Z", "summary": long, "details": "y\u{202e}\u{1}".repeat(600_000),
        "aliases": (0..40).map(|n| format!("CVE-2026-{}", 1000 + n)).collect::<Vec<_>>(),
        "affected": [{"package": {"ecosystem": "npm", "name": "x"}, "versions": versions}],
        "references": (0..40).map(|n| serde_json::json!({"type": "WEB", "url": format!("https://a.example/{n}")})).collect::<Vec<_>>(),
    });
    let document = read(osv.to_string().as_bytes()).unwrap();
    let one = &document.reports[0];
    assert_eq!(one.problem, None);
    let codes: Vec<&str> = one.warnings.iter().map(|w| w.at.as_str()).collect();
    assert!(codes.contains(&"versions") && codes.contains(&"upstream_ids"), "{codes:?}");
    assert_eq!((one.report.versions.len(), one.report.references.len()), (64, 16));
    // Too large to go along: its digest does.
    assert!(one.provenance().unwrap().source.unwrap().sha256.is_some());
}
