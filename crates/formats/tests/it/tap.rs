//! The TAP report: what is accepted, and every rule with the code it gives.

use formats::tap::{AttachmentType, Code, Notify, Refusal, Verified, limits, read_report, write_report};
use serde_json::{Value, json};

/// A report that uses every field.
pub fn full() -> Value {
    json!({
        "purl": "pkg:NPM/lodash@4.17.15",
        "software": "lodash",
        "ecosystem": "npm",
        "versions": ["4.17.14"],
        "code_path": "zipObjectDeep → baseSet",
        "affected_symbol": {"file": "lodash.js", "function": "baseSet", "line": 4030},
        "attachments": [
            {"filename": "poc.js", "data": "require('lodash')\n\t// ok", "type": "exploit-proof-of-concept"},
            {"filename": "proof", "data": "c3Rh\r\nbXBl\nZA==", "content_type": "application/gzip", "description": "the bundle"},
        ],
        "references": ["https://example.org/a?b=c#d"],
        "upstream_ids": ["cve-2020-8203", "GHSA-P6MC-m468-83gw", "RUSTSEC-2021-0001", "SNYK-JS-LODASH-567746"],
        "introduced_commit": "ABCDEF1",
        "fixed_commit": "0123456789abcdef0123456789abcdef01234567",
        "package_repo_url": "https://example.org/lodash/lodash",
        "discovery_method": "fuzzing",
        "discovery_tooling": "our fuzzer 1.2",
        "email": "finder@example.org",
        "notify": "all",
        "enrichment": {
            "cvss_vector": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
            "cwe": "CWE-1321", "verified": "confirmed", "epss": 0.5, "severity": "high", "vex_status": "affected"
        },
        "raw": "as it came"
    })
}

fn with(changes: Value) -> Value {
    let mut report = json!({"purl": "pkg:npm/lodash"});
    for (key, value) in changes.as_object().unwrap() {
        report[key] = value.clone();
    }
    report
}

/// `code field [also_field]` of each violation, in order.
fn violations(report: &Value) -> Vec<String> {
    match read_report(report.to_string().as_bytes()) {
        Err(Refusal::Invalid { violations }) => violations
            .iter()
            .map(|v| {
                format!("{} {}{}", v.code, v.field, v.also_field.as_ref().map(|f| format!(" {f}")).unwrap_or_default())
            })
            .collect(),
        Err(other) => vec![other.to_string()],
        Ok(_) => vec![],
    }
}

#[track_caller]
fn check(changes: Value, expected: &[&str]) {
    assert_eq!(
        violations(&with(changes.clone())),
        expected,
        "{}",
        &changes.to_string().chars().take(200).collect::<String>()
    );
}

#[test]
fn a_full_report_is_read() {
    let (report, warnings) = read_report(full().to_string().as_bytes()).unwrap();
    assert_eq!(report.purl.as_deref(), Some("pkg:npm/lodash"));
    assert_eq!(report.versions, ["4.17.14", "4.17.15"], "the purl's version joins the others");
    assert_eq!(report.affected_symbol.unwrap().line, Some(4030));
    let names: Vec<_> = report.attachments.iter().map(|a| (a.download_name(), a.kind, a.bytes.len())).collect();
    assert_eq!(
        names,
        [
            ("poc.js.txt".to_owned(), AttachmentType::ExploitProofOfConcept, 24),
            ("proof.tar.gz".to_owned(), AttachmentType::Other, 7),
            ("raw.txt".to_owned(), AttachmentType::Other, 10),
        ]
    );
    assert_eq!(
        report.upstream_ids,
        ["CVE-2020-8203", "GHSA-p6mc-m468-83gw", "RUSTSEC-2021-0001", "SNYK-JS-LODASH-567746"]
    );
    assert_eq!(report.introduced_commit.as_deref(), Some("abcdef1"));
    assert_eq!(report.notify, Notify::All);
    assert_eq!(report.enrichment.unwrap().verified, Some(Verified::Confirmed));
    let warned: Vec<_> = warnings.iter().map(|w| (w.code, w.at.as_str())).collect();
    assert_eq!(warned, [("deprecated_field", "raw")]);
}

#[test]
fn what_is_written_reads_back_the_same() {
    let (report, _) = read_report(full().to_string().as_bytes()).unwrap();
    let (again, warnings) = read_report(&write_report(&report)).unwrap();
    assert_eq!(again, report);
    assert_eq!(warnings, []);
}

#[test]
fn not_one_json_report() {
    let reason = |bytes: &[u8]| match read_report(bytes) {
        Err(Refusal::Malformed { reason }) => reason,
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(b"\xff{}"), "not UTF-8 from byte 0 on");
    assert!(reason(b"").starts_with("not one JSON document"));
    assert!(reason(br#"{"purl":"pkg:npm/a"} {}"#).contains("trailing characters"));
    assert!(reason(br#"{"purl":"pkg:npm/\ud800"}"#).starts_with("not one JSON document"));
    assert_eq!(reason(br#"{"purl":"pkg:npm/a","purl":"pkg:npm/a"}"#), "the field purl stands twice");
    assert_eq!(
        reason(br#"{"attachments":[{"filename":"a","filename":"b","data":"x"}]}"#),
        "the field filename stands twice in attachments[0]"
    );
    assert_eq!(reason(b"[]"), "the document is an array, not an object");
    assert_eq!(reason(br#"{"purl":1}"#), "purl is a number, not a string");
    assert_eq!(reason(br#"{"purl":"pkg:npm/a","versions":[null]}"#), "versions[0] is null, not a string");
    assert_eq!(reason(br#"{"enrichment":[]}"#), "enrichment is an array, not an object");
    let unclosed = "[".repeat(1_000_000);
    assert!(reason(unclosed.as_bytes()).starts_with("not one JSON document"));
    let closed = format!("{{\"purl\":{}{}}}", "[".repeat(500_000), "]".repeat(500_000));
    assert_eq!(reason(closed.as_bytes()), "purl is an array, not a string");
}

#[test]
fn size_makes_413_and_nothing_else_does() {
    let size = |report: &Value| read_report(report.to_string().as_bytes()).unwrap_err().is_size();
    assert!(size(&with(json!({"code_path": "a".repeat(1025)}))));
    assert!(!size(&with(json!({"email": "a"}))));
    assert!(size(&with(json!({"email": "a", "versions": vec!["1"; 65]}))));
    let body = vec![b' '; limits::REPORT_BODY_BYTES_MAX + 1];
    assert!(matches!(read_report(&body), Err(Refusal::BodyTooLarge { bytes }) if bytes == 3 * 1024 * 1024 + 1));
    let codes: Vec<_> = Code::ALL.iter().filter(|c| c.is_size()).map(|c| c.as_str()).collect();
    assert_eq!(codes, ["field_too_large", "too_many_items", "structure_too_deep"]);
}

#[test]
fn package() {
    assert_eq!(violations(&json!({})), ["missing_field purl"]);
    assert_eq!(violations(&json!({"ecosystem": "npm"})), ["missing_field software ecosystem"]);
    assert_eq!(violations(&json!({"software": "x"})), ["missing_field ecosystem software"]);
    assert_eq!(violations(&json!({"software": "kernel", "ecosystem": "Linux"})), [""; 0]);
    assert_eq!(violations(&json!({"software": "x", "ecosystem": "Debian:12"})), [""; 0]);
    check(json!({"ecosystem": "Nonesuch"}), &["unknown_ecosystem ecosystem"]);
    check(json!({"ecosystem": "PyPI"}), &["purl_ecosystem_mismatch ecosystem purl"]);
    check(json!({"ecosystem": "Hardware", "software": "anything"}), &[]);
    check(json!({"ecosystem": "NPM"}), &[]);
    check(json!({"software": "underscore"}), &["purl_ecosystem_mismatch software purl"]);
    check(json!({"purl": "pkg:npm/%40a/b", "software": "@a/b"}), &[]);
    check(json!({"purl": "pkg:maven/org.x/y", "software": "org.x:y", "ecosystem": "Maven"}), &[]);
    check(json!({"purl": "pkg:deb/debian/openssl", "software": "openssl", "ecosystem": "Debian"}), &[]);
    check(json!({"purl": "lodash"}), &["invalid_purl purl"]);
    check(json!({"purl": "pkg:npm/%0a"}), &["invalid_purl purl"]);
    check(json!({"purl": ""}), &["invalid_purl purl"]);
    check(json!({"purl": format!("pkg:npm/{}", "a".repeat(505))}), &["field_too_large purl"]);
    check(json!({"purl": format!("pkg:npm/a@{}", "1".repeat(65))}), &["field_too_large purl versions"]);
    check(json!({"purl": "pkg:npm/a@1", "versions": vec!["2"; 64]}), &["too_many_items versions purl"]);
    check(
        json!({"versions": ["", "1".repeat(65), "1\n"]}),
        &["degenerate_value versions[0]", "field_too_large versions[1]", "control_characters versions[2]"],
    );
    check(json!({"software": " "}), &["degenerate_value software"]);
    check(
        json!({"software": "a".repeat(257), "ecosystem": "a".repeat(129)}),
        &["field_too_large software", "field_too_large ecosystem"],
    );
}

#[test]
fn metadata() {
    check(json!({"code_path": "a\u{7f}"}), &["control_characters code_path"]);
    check(json!({"affected_symbol": {"line": -1}}), &["invalid_symbol_line affected_symbol.line"]);
    check(
        json!({"affected_symbol": {"line": 1.5, "column": 3}}),
        &["invalid_symbol_line affected_symbol.line", "field_not_allowed affected_symbol.column"],
    );
    check(
        json!({"affected_symbol": {"file": "a".repeat(513), "function": "a".repeat(257)}}),
        &["field_too_large affected_symbol.file", "field_too_large affected_symbol.function"],
    );
    for good in ["http://a", "HTTPS://a.b:80/c", "https://u@[::1]:8/x"] {
        check(json!({"references": [good], "package_repo_url": good}), &[]);
    }
    for bad in [
        "",
        "a",
        "ftp://a",
        "https://",
        "https:///x",
        "https://u@/x",
        "https://a b",
        "//a",
        "javascript://a",
        "https://[]",
    ] {
        check(json!({"references": [bad]}), &["invalid_reference references[0]"]);
    }
    check(json!({"package_repo_url": "pkg:npm/a"}), &["invalid_repo_url package_repo_url"]);
    check(json!({"references": vec!["https://a"; 17]}), &["too_many_items references"]);
    for bad in ["", "CVE-20-1", "CVE-2020-123", "GHSA-aaaa", "2020-1", "go-1", "GO-", "X", "A-b c"] {
        check(json!({"upstream_ids": [bad]}), &["invalid_upstream_id upstream_ids[0]"]);
    }
    for bad in ["abcdef", "abcdefg", &"a".repeat(65), ""] {
        check(
            json!({"introduced_commit": bad, "fixed_commit": bad}),
            &["invalid_commit introduced_commit", "invalid_commit fixed_commit"],
        );
    }
    check(
        json!({"discovery_method": "a".repeat(33), "discovery_tooling": "a".repeat(129)}),
        &["field_too_large discovery_method", "field_too_large discovery_tooling"],
    );
    check(json!({"surprise": [[[[[[[[[[[[1]]]]]]]]]]]]}), &["field_not_allowed surprise"]);
}

#[test]
fn unknown_fields_are_counted_after_so_many() {
    let many: serde_json::Map<String, Value> = (0..1000).map(|i| (format!("f{i}"), json!(0))).collect();
    let all = violations(&with(Value::Object(many)));
    assert_eq!((all.len(), all[32].as_str()), (33, "field_not_allowed report"));
}

#[test]
fn contact() {
    let notify = |changes| read_report(with(changes).to_string().as_bytes()).unwrap().0.notify;
    assert_eq!(notify(json!({})), Notify::Off);
    assert_eq!(notify(json!({"email": "a@b.c"})), Notify::Milestones);
    assert_eq!(notify(json!({"email": "a@b.c", "notify": "off"})), Notify::Off);
    assert_eq!(notify(json!({"notify": "off", "email": null})), Notify::Off);
    check(json!({"notify": "final"}), &["missing_field email notify"]);
    check(json!({"notify": "Final"}), &["invalid_notify notify"]);
    check(json!({"email": "secret", "notify": "all"}), &["invalid_email email"]);
    for bad in ["", "@b.c", "a@b", "a b@c.d", "a@b..c", "a@-b.c", "<a@b.c>", "a@b@c.d"] {
        check(json!({"email": bad}), &["invalid_email email"]);
    }
}

fn attached(changes: Value) -> Value {
    let mut attachment = json!({"filename": "a", "data": "x"});
    for (key, value) in changes.as_object().unwrap() {
        attachment[key] = value.clone();
    }
    json!({"attachments": [attachment]})
}

#[test]
fn attachments() {
    check(
        json!({"attachments": [{}]}),
        &["missing_field attachments[0].filename", "missing_field attachments[0].data"],
    );
    check(
        json!({"attachments": vec![json!({"filename": "a", "data": "x"}); 17]}).clone(),
        &{
            let mut expected = vec!["too_many_items attachments".to_owned()];
            expected
                .extend((1..16).map(|i| format!("invalid_filename attachments[{i}].filename attachments[0].filename")));
            expected
        }
        .iter()
        .map(String::as_str)
        .collect::<Vec<_>>(),
    );
    let bad_names =
        ["", " ", ".", "..", "../a", "a/b", "a\\b", "C:a", "a\u{202e}txt.exe", "a\u{200b}", "\u{feff}a", "a\u{2028}b"];
    for bad in bad_names {
        check(attached(json!({"filename": bad})), &["invalid_filename attachments[0].filename"]);
    }
    check(attached(json!({"filename": "a\u{0}"})), &["control_characters attachments[0].filename"]);
    check(attached(json!({"filename": "a".repeat(256)})), &["field_too_large attachments[0].filename"]);
    check(attached(json!({"type": "virus"})), &["invalid_attachment_type attachments[0].type"]);
    check(attached(json!({"content_type": "text/html"})), &["invalid_content_type attachments[0].content_type"]);
    check(
        attached(json!({"content_type": "text/plain; charset=utf-8"})),
        &["invalid_content_type attachments[0].content_type"],
    );
    check(attached(json!({"description": "a\nb"})), &["control_characters attachments[0].description"]);
    check(attached(json!({"description": "a".repeat(1025)})), &["field_too_large attachments[0].description"]);
    check(attached(json!({"data": ""})), &["degenerate_value attachments[0].data"]);
    check(attached(json!({"data": "x".repeat(1024 * 1024)})), &[]);
    check(attached(json!({"data": "x".repeat(1024 * 1024 + 1)})), &["field_too_large attachments[0].data"]);
    check(attached(json!({"size": 1})), &["field_not_allowed attachments[0].size"]);
    for bad in ["x", "eA", "eA=", "e A==", "eA==eA==", "e_8=", "===="] {
        let changes = json!({"content_type": "application/zip", "data": bad});
        check(attached(changes), &["invalid_base64 attachments[0].data"]);
    }
}

#[test]
fn attachment_names_differ_by_what_they_are_downloaded_as() {
    let pair = |a: Value, b: Value| violations(&with(json!({"attachments": [a, b]})));
    let plain = |name: &str| json!({"filename": name, "data": "x"});
    let same = ["invalid_filename attachments[1].filename attachments[0].filename"];
    assert_eq!(pair(plain("poc"), plain("POC.txt")), same);
    assert_eq!(pair(plain("é"), plain("E\u{301}")), same);
    assert_eq!(pair(plain("straße"), plain("STRASSE")), same);
    assert_eq!(pair(plain("ﬁle"), plain("file")), same);
    let json = json!({"filename": "poc", "data": "x", "content_type": "application/json"});
    assert_eq!(pair(plain("poc"), json), [""; 0]);
    let with_old = with(json!({"attachments": [plain("exploit")], "exploit": "x"}));
    assert_eq!(violations(&with_old), ["invalid_filename exploit attachments[0].filename"]);
}

#[test]
fn the_old_fields() {
    check(json!({"exploit_content_type": "text/plain"}), &["missing_field exploit exploit_content_type"]);
    check(json!({"exploit": "x", "exploit_content_type": "a/b"}), &["invalid_content_type exploit_content_type"]);
    check(json!({"raw": "x".repeat(1024 * 1024 + 1)}), &["field_too_large raw"]);
    let sixteen: Vec<_> = (0..16).map(|i| json!({"filename": format!("f{i}"), "data": "x"})).collect();
    check(json!({"attachments": sixteen, "raw": "x"}), &["too_many_items attachments raw"]);
    let report = with(json!({"raw": "r", "exploit": "eA==", "exploit_content_type": "application/zip"}));
    let (report, warnings) = read_report(report.to_string().as_bytes()).unwrap();
    let made: Vec<_> =
        report.attachments.iter().map(|a| (a.filename.as_str(), a.kind.as_str(), a.bytes.as_slice())).collect();
    assert_eq!(made, [("exploit", "exploit-proof-of-concept", &b"x"[..]), ("raw", "other", &b"r"[..])]);
    assert_eq!(warnings.len(), 2);
}

#[test]
fn enrichment() {
    let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
    check(json!({"enrichment": nested(8)}), &[]);
    check(json!({"enrichment": nested(9)}), &["structure_too_deep enrichment"]);
    check(json!({"enrichment": {"a": "x".repeat(65_528)}}), &[]);
    check(json!({"enrichment": {"a": "x".repeat(65_529)}}), &["field_too_large enrichment"]);
    check(json!({"enrichment": {"a": "x\u{1b}"}}), &["control_characters enrichment"]);
    let deep =
        format!("{{\"purl\":\"pkg:npm/a\",\"enrichment\":{}1{}}}", "{\"a\":".repeat(200_000), "}".repeat(200_000));
    assert!(
        matches!(read_report(deep.as_bytes()), Err(Refusal::Invalid { violations }) if violations[0].code == Code::StructureTooDeep)
    );
    let odd = with(json!({"enrichment": {"cvss_vector": "CVSS:3.1/AV:N", "epss": 2, "mine": 1, "severity": "high"}}));
    let (report, warnings) = read_report(odd.to_string().as_bytes()).unwrap();
    let warned: Vec<_> = warnings.iter().map(|w| w.at.as_str()).collect();
    assert_eq!(warned, ["enrichment.cvss_vector", "enrichment.epss", "enrichment"]);
    assert_eq!(report.enrichment.unwrap().severity.as_deref(), Some("high"));
}

#[test]
fn every_violation_is_listed_and_none_quotes_what_was_sent() {
    let secret = "hunter2-SECRET";
    let report = json!({
        "ecosystem": secret, "references": [secret], "upstream_ids": [secret, secret], "fixed_commit": secret,
        "email": secret, "notify": secret, "package_repo_url": secret,
        "attachments": [{"filename": "a/hunter2-SECRET", "content_type": secret, "data": secret, "type": secret}],
    });
    let Err(Refusal::Invalid { violations }) = read_report(report.to_string().as_bytes()) else { panic!() };
    assert_eq!(violations.len(), 12);
    assert!(violations.iter().all(|v| !v.reason.contains(secret) && !v.field.contains(secret)));
}
