//! Our CSAF and OSV documents before somebody else's validators: the BSI library with every mandatory test, and the schema of
//! the OSV project. `cargo xtask tools` puts them into `target/tools`.

use std::path::{Path, PathBuf};
use std::process::Command;

use formats::{csaf, osv};

use crate::csaf::{each_weakness, full, least};
use crate::osv::record;

fn tool(path: &str) -> PathBuf {
    let found = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools").join(path);
    assert!(found.exists(), "target/tools/{path} is not there: run `cargo xtask tools`");
    found
}

/// Exit code and what was said.
fn judge(kind: &str, documents: &[Vec<u8>]) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<PathBuf> = (0..documents.len()).map(|i| folder.path().join(format!("{i}.json"))).collect();
    for (file, document) in files.iter().zip(documents) {
        std::fs::write(file, document).unwrap();
    }
    let mut command = Command::new(tool("node/bin/node"));
    let output = command.arg(tool("peers/validate.mjs")).arg(kind).args(&files).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn csaf_passes_the_mandatory_tests() {
    let documents: Vec<Vec<u8>> = [full(), least(), each_weakness()].iter().map(|a| csaf::write(a).unwrap()).collect();
    let (code, said) = judge("csaf", &documents);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn osv_fits_the_schema() {
    let least =
        osv::Record { id: "CVE-2020-8203".into(), modified: "2026-11-20T08:00:00Z".into(), ..Default::default() };
    let (code, said) = judge("osv", &[osv::write(&record()), osv::write(&least)]);
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn the_judges_do_judge() {
    let broken = br#"{"document": {"category": "csaf_security_advisory"}}"#.to_vec();
    assert_eq!(judge("csaf", &[broken]).0, Some(1));
    assert_eq!(judge("osv", &[br#"{"id": "CVE-1"}"#.to_vec()]).0, Some(1));
}
