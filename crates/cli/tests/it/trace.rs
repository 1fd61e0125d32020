//! `proofhouse trace`: the JSON document, the exit codes, and standard input.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../triage/tests/data/crash").join(name)
}

fn run(file: &Path, more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse")).arg("trace").arg(file).args(more).output().unwrap()
}

#[test]
fn the_document_says_type_address_state_and_frames() {
    let output = run(&sample("by-hand/hwasan-write.txt"), &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let frame = |function: &str, line: u32| {
        json!({
            "function": function, "raw": function, "file": "/src/demo/native.c", "line": line,
            "module": null, "offset": null, "inlined": false,
        })
    };
    let expected = json!({
        "crash_type": "Tag-mismatch WRITE 4", "crash_address": "0x0042000000a0",
        "crash_state": ["field_store", "packet_build"], "security": true, "access": "WRITE", "size_bytes": 4,
        "address_kind": "heap", "tool": "HWAddressSanitizer", "message": null,
        "frames": [frame("field_store", 14), frame("packet_build", 30), frame("main", 60)], "warnings": [],
    });
    assert_eq!(report, expected);
    let table = String::from_utf8(run(&sample("by-hand/hwasan-write.txt"), &[]).stdout).unwrap();
    assert!(table.starts_with("Tag-mismatch WRITE 4 (HWAddressSanitizer, security-relevant)\n"), "{table}");
}

#[test]
fn standard_input_is_read() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args(["trace", "-", "--json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&std::fs::read(sample("go-index.txt")).unwrap()).unwrap();
    let output = child.wait_with_output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["crash_type"], "Index out of range");
    assert_eq!(report["crash_state"], json!(["main.(*Header).Field", "main.parse"]));
}

#[test]
fn what_is_not_recognised_is_exit_1_and_bad_use_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let prose = folder.path().join("prose.txt");
    std::fs::write(&prose, "It ends badly.").unwrap();
    let large = folder.path().join("large.txt");
    std::fs::write(&large, vec![b'x'; 8 * 1024 * 1024 + 1]).unwrap();
    for (file, exit, words) in [
        (prose.as_path(), 1, "error [not-recognised]"),
        (large.as_path(), 2, "at most 8388608 are read"),
        (Path::new("no-such-file"), 2, "error [input]: read no-such-file"),
    ] {
        let output = run(file, &["--json"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(exit), "{said}");
        assert!(said.contains(words), "{said}");
        assert!(output.stdout.is_empty());
    }
    assert_eq!(Command::new(env!("CARGO_BIN_EXE_proofhouse")).arg("trace").output().unwrap().status.code(), Some(2));
}
