//! `proofhouse match` on the example inventories: exit codes, the JSON document, and refusals.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/inventories").join(name)
}

fn run(advisories: &Path, inventory: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.arg("match").arg("--advisories").arg(advisories).arg("--inventory").arg(inventory).args(more);
    command.output().unwrap()
}

fn record(id: &str, name: &str, fixed: &str) -> String {
    json!({
        "id": id, "modified": "2026-01-01T00:00:00Z",
        "affected": [{
            "package": {"ecosystem": "npm", "name": name},
            "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}],
        }],
    })
    .to_string()
}

#[test]
fn affected_components_are_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("npm")).unwrap();
    std::fs::write(folder.path().join("npm/one.json"), record("CVE-2020-8203", "lodash", "4.17.20")).unwrap();
    let lines = [record("X-1", "no-such-package", "1.0.0"), String::new(), record("X-2", "lodash", "1.0.0")].join("\n");
    let packed = zstd::encode_all(lines.as_bytes(), 3).unwrap();
    std::fs::write(folder.path().join("more.jsonl.zst"), packed).unwrap();
    let output = run(folder.path(), &example("hospital.cdx.json"), &["--json"]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["advisories"], json!({"records": 3, "vulnerabilities": 3, "withdrawn": 0}));
    let inventory = &report["inventories"][0];
    let finding = &inventory["findings"][0];
    assert_eq!(finding["ids"], json!(["CVE-2020-8203"]));
    assert_eq!(finding["fixed"], json!(["4.17.20"]));
    assert_eq!(finding["statements"][0]["because"], "inside ranges[0]: introduced 0, fixed 4.17.20");
    let told = inventory["findings"].as_array().unwrap().len() + inventory["unmatchable"].as_array().unwrap().len();
    let clean = inventory["clean"].as_u64().unwrap() as usize;
    assert_eq!(told + clean, inventory["components"].as_u64().unwrap() as usize, "every component is accounted for");
    let table = run(folder.path(), &example("hospital.cdx.json"), &[]);
    assert!(String::from_utf8(table.stdout).unwrap().contains("CVE-2020-8203  fixed in 4.17.20"));
}

#[test]
fn nothing_affected_is_exit_0_and_bad_input_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let advisory = folder.path().join("one.json");
    std::fs::write(&advisory, record("X-1", "no-such-package", "1.0.0")).unwrap();
    assert_eq!(run(&advisory, &example("bank-package-lock.json"), &[]).status.code(), Some(0));
    let refused = |advisories: &Path, inventory: &Path| {
        let output = run(advisories, inventory, &["--json"]);
        assert!(output.stdout.is_empty(), "half an answer");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = refused(&advisory, &advisory);
    assert_eq!(code, Some(2));
    assert!(said.contains("should be CycloneDX JSON or a package-lock.json"), "{said}");
    let broken = folder.path().join("broken.jsonl");
    std::fs::write(&broken, "\n{\"id\":\n").unwrap();
    let (code, said) = refused(&broken, &example("hospital.cdx.json"));
    assert_eq!(code, Some(2));
    assert!(said.contains("broken.jsonl line 2"), "{said}");
    assert_eq!(refused(&folder.path().join("none"), &advisory).0, Some(2));
}
