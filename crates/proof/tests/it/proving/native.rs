//! Native code from Debian's archive, built and run in real boxes under sanitizers.

use std::path::Path;

use super::{engine, prove, told};
use proof::Bundle;

fn example(name: &str) -> Bundle {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name);
    Bundle::read(&path, engine().sandbox()).unwrap()
}

fn confirmed(name: &str, fired: &str, silent: &str, class: &str, frame: &str) {
    let report = prove(&example(name));
    let wanted = format!("confirmed; {fired} fired; {silent} silent");
    assert_eq!(told(&report), wanted, "{:?}", report.grade_reasons);
    assert_eq!(report.runs[0].observation["class"], class);
    assert_eq!(report.runs[0].trace[0].to_string(), frame);
}

#[test]
fn an_input_file_shows_a_memory_error() {
    confirmed(
        "unzip-list-method",
        "6.0-28+patch17:17-restore-unix-timestamps-accurately.patch",
        "6.0-28",
        "Stack-buffer-overflow WRITE {*}",
        "unzip/list.c:list_files",
    );
}

#[test]
fn a_driver_shows_a_memory_error_of_a_library() {
    confirmed(
        "yajl-surrogate",
        "2.1.0-3+deb12u2+patch02:multiarch.patch",
        "2.1.0-3+deb12u2",
        "Heap-buffer-overflow READ 1",
        "yajl/src/yajl_encode.c:hexToDigit",
    );
}

#[test]
fn a_fixed_version_may_refuse_its_input() {
    confirmed(
        "unzip-extra-crc",
        "6.0-28+patch08:08-allow-greater-hostver-values.patch",
        "6.0-28",
        "Heap-buffer-overflow READ 1",
        "unzip/fileio.c:makelong",
    );
}
