//! `proofhouse verify` on another machine: a receipt, its bundle and the key that it was signed with are enough.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn proofhouse(home: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.args(arguments).arg("--home").arg(home).output().unwrap()
}

#[test]
fn a_receipt_is_verified_elsewhere_with_the_key_that_is_handed_over() {
    let (here, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let bundle = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/minimist-constructor");
    let bundle = bundle.to_str().unwrap();
    let proved = proofhouse(here.path(), &["prove", bundle, "--repeat", "1", "--json"]);
    assert!(proved.status.success(), "{proved:?}");
    let report: serde_json::Value = serde_json::from_slice(&proved.stdout).unwrap();
    let receipt = PathBuf::from(report["runs"][0]["receipt"].as_str().unwrap());
    let receipt = receipt.to_str().unwrap();

    let unknown = proofhouse(elsewhere.path(), &["verify", receipt, "--bundle", bundle]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    let key = elsewhere.path().join("key.pem");
    let printed = proofhouse(here.path(), &["receipt-key"]);
    assert!(printed.status.success(), "{printed:?}");
    fs::write(&key, printed.stdout).unwrap();
    let key = key.to_str().unwrap();
    let verified = proofhouse(elsewhere.path(), &["verify", receipt, "--bundle", bundle, "--public-key", key]);
    assert!(verified.status.success(), "{verified:?}");
    assert!(String::from_utf8(verified.stdout).unwrap().contains("replay: fired"));
}
