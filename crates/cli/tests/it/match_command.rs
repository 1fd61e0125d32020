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
    assert!(said.contains("read an inventory: it is none of CycloneDX"), "{said}");
    let broken = folder.path().join("broken.jsonl");
    std::fs::write(&broken, "\n{\"id\":\n").unwrap();
    let (code, said) = refused(&broken, &example("hospital.cdx.json"));
    assert_eq!(code, Some(2));
    assert!(said.contains("broken.jsonl line 2"), "{said}");
    assert_eq!(refused(&folder.path().join("none"), &advisory).0, Some(2));
}

/// Runs the program with a data folder of its own.
fn run_at(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.env("PROOFHOUSE_HOME", home).args(arguments).output().unwrap()
}

#[test]
fn an_index_answers_as_its_advisories_do_and_a_foreign_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut archive = zip::ZipWriter::new(std::fs::File::create(at("npm.zip")).unwrap());
    archive.start_file("CVE-2020-8203.json", zip::write::SimpleFileOptions::default()).unwrap();
    std::io::Write::write_all(&mut archive, record("CVE-2020-8203", "lodash", "4.17.20").as_bytes()).unwrap();
    archive.finish().unwrap();
    let (zip, index, inventory) = (at("npm.zip"), at("all.index"), example("hospital.cdx.json"));
    let inventory = inventory.to_str().unwrap();
    let built = run_at(folder.path(), &["index", "build", "--advisories", &zip, "--out", &index]);
    assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
    let by_index = run_at(folder.path(), &["match", "--index", &index, "--inventory", inventory, "--json"]);
    let by_zip = run_at(folder.path(), &["match", "--advisories", &zip, "--inventory", inventory, "--json"]);
    assert_eq!(by_index.status.code(), Some(1), "{}", String::from_utf8_lossy(&by_index.stderr));
    assert_eq!(by_index.stdout, by_zip.stdout);
    let sarif = run_at(folder.path(), &["match", "--index", &index, "--inventory", inventory, "--sarif"]);
    let sarif: Value = serde_json::from_slice(&sarif.stdout).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "CVE-2020-8203");
    let reached = run_at(folder.path(), &["reach", "--advisory", &zip, "--inventories", inventory, "--json"]);
    let reached: Value = serde_json::from_slice(&reached.stdout).unwrap();
    let forward: Value = serde_json::from_slice(&by_zip.stdout).unwrap();
    assert_eq!(reached["inventories"][0]["findings"], forward["inventories"][0]["findings"]);
    // Another house's key has not signed it.
    let other = tempfile::tempdir().unwrap();
    run_at(other.path(), &["index", "build", "--advisories", &zip, "--out", &at("other.index")]);
    let refused = run_at(other.path(), &["match", "--index", &index, "--inventory", inventory]);
    assert_eq!((refused.status.code(), refused.stdout.is_empty()), (Some(2), true));
}

#[test]
fn the_lock_files_of_each_tool_are_matched() {
    let folder = tempfile::tempdir().unwrap();
    let record = |id: &str, ecosystem: &str, name: &str, fixed: &str| {
        let events = json!([{"introduced": "0"}, {"fixed": fixed}]);
        let affected = json!([{"package": {"ecosystem": ecosystem, "name": name}, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]);
        json!({"id": id, "modified": "2026-01-01T00:00:00Z", "affected": affected}).to_string()
    };
    let records = [
        record("X-1", "npm", "lodash", "4.17.20"),
        record("X-2", "crates.io", "smallvec", "1.6.1"),
        record("X-3", "PyPI", "urllib3", "1.24.2"),
        record("X-4", "Go", "golang.org/x/text", "0.3.7"),
        record("X-5", "Maven", "org.apache.logging.log4j:log4j-core", "2.15.0"),
        record("X-6", "Debian:12", "openssl", "999"),
        record("X-7", "Debian:11", "openssl", "999"),
    ];
    let advisories = folder.path().join("all.jsonl");
    std::fs::write(&advisories, records.join("\n")).unwrap();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../formats/tests/data/inventory");
    let files = [
        ("yarn-classic.lock", vec!["X-1"]),
        ("yarn-berry.lock", vec!["X-1"]),
        ("pnpm-lock-v5.yaml", vec!["X-1"]),
        ("pnpm-lock-v6.yaml", vec!["X-1"]),
        ("pnpm-lock-v9.yaml", vec!["X-1"]),
        ("Cargo.lock", vec!["X-2"]),
        ("requirements.txt", vec!["X-3"]),
        ("uv.lock", vec!["X-3"]),
        ("go.mod", vec!["X-4"]),
        ("go.sum", vec!["X-4"]),
        ("pom.xml", vec!["X-5"]),
        ("dpkg-status", vec!["X-6", "X-6"]),
    ];
    for (file, expected) in files {
        let output = run(&advisories, &data.join(file), &["--json"]);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = report["inventories"][0]["findings"].as_array().unwrap();
        let ids: Vec<_> = findings.iter().map(|finding| finding["ids"][0].as_str().unwrap()).collect();
        assert_eq!(ids, expected, "{file}");
        assert!(findings.iter().all(|finding| finding["status"] == "affected"), "{file}");
    }
    let unpinned = folder.path().join("requirements.txt");
    std::fs::write(&unpinned, "urllib3\n").unwrap();
    let output = run(&advisories, &unpinned, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["inventories"][0]["unmatchable"][0]["reason"], "not-pinned", "told by the file's name");
}

#[test]
fn a_vex_document_settles_what_it_speaks_of_and_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("a.json"), record("CVE-1", "a", "2.0.0")).unwrap();
    let sbom = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "components":
        [{"type": "library", "name": "a", "purl": "pkg:npm/a@1.0.0"}]});
    std::fs::write(at("sbom.json"), sbom.to_string()).unwrap();
    let vex = json!({"@context": "https://openvex.dev/ns/v0.2.0", "@id": "urn:x:1", "author": "us",
        "timestamp": "2026-01-01T00:00:00Z", "version": 1, "statements": [{
            "vulnerability": {"name": "CVE-1"}, "products": [{"@id": "pkg:npm/a@1.0.0"}],
            "status": "not_affected", "justification": "vulnerable_code_not_in_execute_path"}]});
    std::fs::write(at("vex.json"), vex.to_string()).unwrap();
    let arguments = ["match", "--advisories", &at("a.json"), "--inventory", &at("sbom.json"), "--json"];
    assert_eq!(run_at(folder.path(), &arguments).status.code(), Some(1));
    let settled = run_at(folder.path(), &[&arguments[..], &["--vex", &at("vex.json")]].concat());
    assert_eq!(settled.status.code(), Some(0), "{}", String::from_utf8_lossy(&settled.stderr));
    let report: Value = serde_json::from_slice(&settled.stdout).unwrap();
    let finding = &report["inventories"][0]["findings"][0];
    assert_eq!((&finding["status"], &finding["vex"]["author"]), (&json!("affected"), &json!("us")));
    let cyclonedx = json!({"bomFormat": "CycloneDX", "specVersion": "1.6", "metadata": {"supplier": {"name": "us"}}, "vulnerabilities": [{
        "id": "CVE-1", "analysis": {"state": "not_affected", "justification": "code_not_reachable"}, "affects": [{"ref": "pkg:npm/a@1.0.0"}]}]});
    let csaf = json!({"document": {"csaf_version": "2.0", "publisher": {"name": "us"}},
        "product_tree": {"full_product_names": [{"product_id": "P", "name": "a", "product_identification_helper": {"purl": "pkg:npm/a@1.0.0"}}]},
        "vulnerabilities": [{"cve": "CVE-1", "product_status": {"known_not_affected": ["P"]}}]});
    for document in [cyclonedx, csaf] {
        std::fs::write(at("vex.json"), document.to_string()).unwrap();
        let settled = run_at(folder.path(), &[&arguments[..], &["--vex", &at("vex.json")]].concat());
        assert_eq!(settled.status.code(), Some(0), "{document}");
    }
}

#[test]
fn a_csaf_document_is_an_advisory_joined_with_others_and_told_by_its_publisher() {
    let folder = tempfile::tempdir().unwrap();
    let csaf = json!({
        "document": {
            "category": "csaf_security_advisory", "csaf_version": "2.0", "title": "Lodash in our product",
            "publisher": {"category": "vendor", "name": "ACME Medical", "namespace": "https://example.org"},
            "tracking": {"id": "ACME-2026-1", "current_release_date": "2026-02-01T10:00:00Z", "version": "1"},
        },
        "product_tree": {"branches": [{"category": "product_version_range", "name": "vers:npm/<4.18.0", "product": {
            "product_id": "p", "name": "lodash", "product_identification_helper": {"purl": "pkg:npm/lodash"},
        }}]},
        "vulnerabilities": [{"cve": "CVE-2020-8203", "product_status": {"known_affected": ["p"]}}],
    });
    std::fs::write(folder.path().join("csaf.json"), csaf.to_string()).unwrap();
    std::fs::write(folder.path().join("osv.json"), record("CVE-2020-8203", "lodash", "4.17.20")).unwrap();
    let (all, index) = (folder.path().to_str().unwrap(), folder.path().join("all.index"));
    let index = index.to_str().unwrap();
    let by_files = run(folder.path(), &example("hospital.cdx.json"), &["--json"]);
    assert_eq!(by_files.status.code(), Some(1), "{}", String::from_utf8_lossy(&by_files.stderr));
    let report: Value = serde_json::from_slice(&by_files.stdout).unwrap();
    let findings = report["inventories"][0]["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "one vulnerability, told once");
    let statements = findings[0]["statements"].as_array().unwrap();
    let said: Vec<&str> = statements.iter().map(|statement| statement["said_by"].as_str().unwrap()).collect();
    assert_eq!(said, ["ACME Medical", "CVE Program"]);
    assert_eq!(statements[0]["record"], "ACME-2026-1/CVE-2020-8203");
    // An index keeps who said it.
    let home = tempfile::tempdir().unwrap();
    let built = run_at(home.path(), &["index", "build", "--advisories", all, "--out", index]);
    assert_eq!(built.status.code(), Some(0), "{}", String::from_utf8_lossy(&built.stderr));
    let inventory = example("hospital.cdx.json");
    let by_index =
        run_at(home.path(), &["match", "--index", index, "--inventory", inventory.to_str().unwrap(), "--json"]);
    assert_eq!(by_index.stdout, by_files.stdout);
}

#[test]
fn several_that_build_one_index_at_once_leave_one_whole_index() {
    let folder = tempfile::tempdir().unwrap();
    let advisory = folder.path().join("one.json");
    std::fs::write(&advisory, record("CVE-2020-8203", "lodash", "4.17.20")).unwrap();
    let out = folder.path().join("all.index");
    // Not even the key is there yet.
    let arguments = ["index", "build", "--advisories", advisory.to_str().unwrap(), "--out", out.to_str().unwrap()];
    let start = |_| {
        Command::new(env!("CARGO_BIN_EXE_proofhouse")).env("PROOFHOUSE_HOME", folder.path()).args(arguments).spawn()
    };
    let started: Vec<_> = (0..6).map(start).collect();
    for child in started {
        assert!(child.unwrap().wait().unwrap().success());
    }
    let shown = run_at(folder.path(), &["index", "show", out.to_str().unwrap(), "--json"]);
    let shown: Value = serde_json::from_slice(&shown.stdout).unwrap();
    assert_eq!(shown["records"], 1);
    let left: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.contains("draft"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
