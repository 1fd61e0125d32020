//! Crates of crates.io: real ones, built and run in real boxes.

use std::path::Path;

use super::{engine, prove, told};
use proof::Bundle;

fn example(name: &str) -> Bundle {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&folder, engine().sandbox()).unwrap()
}

fn check(name: &str, wanted: &str) {
    let report = prove(&example(name));
    assert_eq!(told(&report), wanted, "{:?}", report.grade_reasons);
    assert!(report.controls.self_test_passed && report.controls.vacuous_quiet);
    assert!(report.runs.iter().all(|run| run.hands.is_none()));
}

#[test]
fn file_write() {
    check("tar-link-escape", "confirmed; 0.4.15 fired; 0.4.16 silent");
}

#[test]
fn assertion() {
    check("smallvec-insert-many", "confirmed; 1.6.0 fired; 1.6.1 silent");
    check("untrusted-underflow", "confirmed; 0.6.1 fired; 0.6.2 silent");
    check("shlex-quote", "confirmed; 1.2.0 fired; 1.3.0 silent");
}
