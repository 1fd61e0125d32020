//! `proofhouse range --advisory`: what is no advisory on the package is refused before anything runs.

use std::path::Path;
use std::process::Command;

fn refused(advisory: &str) -> String {
    let home = tempfile::tempdir().unwrap();
    let record = home.path().join("record.osv.json");
    std::fs::write(&record, advisory).unwrap();
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/minimist-constructor");
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    let output = command.arg("range").arg(bundle).arg("--advisory").arg(&record).arg("--home").arg(home.path());
    // No registry can be asked: a run would end with another status.
    let output = output.env("npm_config_registry", "http://127.0.0.1:9").output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert!(output.stdout.is_empty());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn an_advisory_that_cannot_speak_is_refused_with_the_reason() {
    let record = |more: &str| format!(r#"{{"id": "X-1", "modified": "2020-01-01T00:00:00Z"{more}}}"#);
    let other = r#", "affected": [{"package": {"ecosystem": "npm", "name": "lodash"}, "ranges": []}]"#;
    let said = refused(&record(other));
    assert!(said.contains("does not speak of pkg:npm/minimist; it names: npm lodash"), "{said}");
    let withdrawn = r#", "withdrawn": "2021-01-01T00:00:00Z""#;
    assert!(refused(&record(withdrawn)).contains("was withdrawn on 2021-01-01"));
    assert!(refused("[]").contains("read an OSV record"));
}
