//! `proofhouse triage`: clusters with their reasons, files that cannot be read, exit codes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn run(paths: &[&Path], more: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse")).arg("triage").args(paths).args(more).output().unwrap()
}

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../triage/tests/data/crash").join(name)
}

#[test]
fn reports_of_one_defect_are_one_cluster() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::copy(sample("asan-heap-read.txt"), path("gcc.log")).unwrap();
    std::fs::copy(sample("asan-clang-heap-read.txt"), path("clang.log")).unwrap();
    std::fs::write(
        path("mail.eml"),
        "Subject: over-read\n\nAn out-of-bounds read in `field_read()` called by `packet_parse()`.\n",
    )
    .unwrap();
    std::fs::create_dir(path("more")).unwrap();
    std::fs::copy(sample("asan-double-free.txt"), path("more/free.log")).unwrap();
    std::fs::write(path("odd.json"), "{\"a\": 1}").unwrap();
    let output = run(&[folder.path()], &["--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let members: Vec<Vec<String>> = report["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cluster| {
            let all = cluster["members"].as_array().unwrap().iter();
            all.map(|m| Path::new(m.as_str().unwrap()).file_name().unwrap().to_string_lossy().into_owned()).collect()
        })
        .collect();
    assert_eq!(members, [vec!["clang.log", "gcc.log", "mail.eml"], vec!["free.log"]], "{report:#}");
    let reasons = report["clusters"][0]["reasons"].as_array().unwrap();
    assert_eq!(reasons.len(), 2);
    assert_eq!(reasons[0]["strength"], "strong");
    assert_eq!(reasons[0]["because"][0]["fact"], "same-state");
    assert_eq!(report["unread"].as_array().unwrap().len(), 1);
    let text = String::from_utf8(run(&[folder.path()], &[]).stdout).unwrap();
    assert!(text.starts_with("4 reports, 2 clusters\n"), "{text}");
    assert!(text.contains("both crash in field_read called by packet_parse"), "{text}");
}

#[test]
fn nothing_readable_and_bad_use_are_exit_2() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("odd.json");
    std::fs::write(&odd, "{}").unwrap();
    for paths in [vec![odd.as_path()], vec![Path::new("no-such-file")], vec![]] {
        let output = run(&paths, &["--json"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty() && !output.stderr.is_empty());
    }
}
