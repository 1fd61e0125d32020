//! Native code from Debian's archive, built and run in real boxes under sanitizers.

use std::path::Path;

use super::{engine, prove, told};
use proof::Bundle;

fn example(name: &str) -> Bundle {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&path, engine().sandbox()).unwrap()
}

#[test]
fn an_input_file_shows_a_memory_error_and_the_patch_that_ends_it() {
    let report = prove(&example("unzip-list-method"));
    assert_eq!(
        told(&report),
        "confirmed; 6.0-28+patch17:17-restore-unix-timestamps-accurately.patch fired; 6.0-28 silent",
        "{:?}",
        report.grade_reasons
    );
}
