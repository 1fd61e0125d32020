//! `proofhouse submit`: documents of every format go to a running server, each report with a receipt of its own, the same each time.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::party::Role;
use serde_json::Value;
use testkit::clearinghouse::Clearinghouse;
use testkit::sqlite_store;

use crate::crash::{Running, finder, get};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../intake/tests/data").join(name)
}

fn submit(base: &str, token: &str, names: &[PathBuf], more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args(["submit", "--url", base])
        .args(names)
        .args(more)
        .env("PROOFHOUSE_TOKEN", token)
        .output()
        .unwrap()
}

/// Place and receipt of every report.
fn receipts(output: &Output) -> Vec<(String, String)> {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let files = document["files"].as_array().unwrap().iter();
    let reports = files.flat_map(|file| file["reports"].as_array().unwrap());
    let text = |report: &Value, field: &str| report[field].as_str().unwrap().to_owned();
    reports.map(|report| (text(report, "at"), text(report, "receipt"))).collect()
}

#[test]
fn every_report_of_every_format_gets_its_receipt_once() {
    let home = tempfile::tempdir().unwrap();
    let (server, admin) = Running::start(home.path(), None, &[]);
    let token = finder(&server.base, &admin.unwrap());
    let mut files: Vec<PathBuf> = std::fs::read_dir(sample("")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let more = ["--purl", "pkg:npm/merge-deep@3.0.2", "--credit", "A. Finder", "--ai", "none", "--json"];
    let first = receipts(&submit(&server.base, &token, &files, &more));
    assert_eq!(first.len(), 14);
    let mut distinct: Vec<&String> = first.iter().map(|(_, receipt)| receipt).collect();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len(), first.len(), "each has its own");
    assert_eq!(receipts(&submit(&server.base, &token, &files, &more)), first, "the same bytes, the same receipts");
    let (_, listed) = get(&server.base, "/v1/reports?limit=100", &token);
    assert_eq!(listed["items"].as_array().unwrap().len(), first.len());
    let told = submit(&server.base, &token, &[sample("osv.json")], &[]);
    let text = String::from_utf8(told.stdout).unwrap();
    assert!(text.contains("osv, 2 reports") && text.contains("credits    Zoë Ångström-Nguyễn, Grinder 2"), "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("receipt      SUB-")).count(), 2, "{text}");
}

#[test]
fn nothing_is_sent_where_something_is_not_understood() {
    let home = tempfile::tempdir().unwrap();
    let (server, admin) = Running::start(home.path(), None, &[]);
    let token = finder(&server.base, &admin.unwrap());
    let odd = home.path().join("odd.json");
    std::fs::write(&odd, "{\"a\": 1}").unwrap();
    let output = submit(&server.base, &token, &[odd.clone(), sample("tap.json")], &[]);
    assert_eq!(output.status.code(), Some(2));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("taken are") && text.contains("SARIF 2.1.0"), "{text}");
    assert!(submit(&server.base, &token, &[sample("tap.json")], &["--dry-run"]).status.success());
    // A crash names no package.
    let output = submit(&server.base, &token, &[sample("crash.log")], &["--json"]);
    assert_eq!(output.status.code(), Some(2));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(document["files"][0]["reports"][0]["problem"].as_str().unwrap().contains("--purl"), "{document}");
    assert!(get(&server.base, "/v1/reports", &token).1["items"].as_array().unwrap().is_empty());
    let partly = submit(&server.base, &token, &[odd, sample("tap.json")], &["--partly"]);
    assert_eq!(partly.status.code(), Some(0), "{}", String::from_utf8_lossy(&partly.stderr));
    assert_eq!(get(&server.base, "/v1/reports", &token).1["items"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_server_puts_off_is_sent_when_it_asks() {
    // One request in six seconds, beyond the first ten.
    let house = Clearinghouse::start_with(sqlite_store(), |config| config.limits.token_requests_per_minute = 10).await;
    let finder = house.participant("Finder", &[Role::Finder], &[]).await;
    for _ in 0..10 {
        house.get("/v1/claims", &finder.token).expect(200).await;
    }
    let base = format!("http://{}", house.address);
    let more = ["--purl", "pkg:npm/merge-deep@3.0.2", "--json"];
    let sent = async |more: Vec<&'static str>| {
        let (base, token) = (base.clone(), finder.token.clone());
        tokio::task::spawn_blocking(move || submit(&base, &token, &[sample("osv.json")], &more)).await.unwrap()
    };
    let hasty = sent([&more[..], &["--patience", "0"]].concat()).await;
    let said = String::from_utf8(hasty.stderr).unwrap();
    assert!(hasty.status.code() == Some(3) && said.contains("error [429]"), "{said}");
    let patient = sent(more.to_vec()).await;
    let said = String::from_utf8_lossy(&patient.stderr).into_owned();
    assert!(said.matches("what is left is sent when it asks").count() == 1, "{said}");
    assert_eq!(receipts(&patient).len(), 2);
}

#[test]
fn the_enclosing_function_goes_into_the_report() {
    let room = tempfile::tempdir().unwrap();
    std::fs::write(room.path().join("a.js"), "class A {\n  f() {\n    eval(1)\n  }\n}\n").unwrap();
    let log = room.path().join("x.sarif");
    let text = r#"{"version": "2.1.0", "runs": [{"tool": {"driver": {"name": "scan"}}, "results": [
        {"ruleId": "eval", "message": {"text": "m"}, "locations": [{"physicalLocation": {"artifactLocation": {"uri": "a.js"}, "region": {"startLine": 3}}}]}]}]}"#;
    std::fs::write(&log, text).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .env("PROOFHOUSE_SYMBOLS", testkit::proofhouse_symbols())
        .args(["submit", "--dry-run", "--json", "--purl", "pkg:npm/merge-deep@3.0.2", "--source"])
        .args([room.path(), &log])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("A.f"), "{text}");
}
