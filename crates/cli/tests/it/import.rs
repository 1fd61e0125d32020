//! `proofhouse import`: the folder it makes, and what it refuses.

use std::path::Path;
use std::process::{Command, Output};

const TESTS: &str = "def test_keys():\n    assert True\n\n\ndef test_plain():\n    assert True\n";

fn run(folder: &Path, words: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_proofhouse")).current_dir(folder).arg("import").args(words).output().unwrap()
}

const PYTEST: [&str; 13] = [
    "--from",
    "pytest",
    "test_a.py",
    "--test",
    "test_keys",
    "--control",
    "test_plain",
    "--purl",
    "pkg:pypi/jinja2",
    "--vulnerable",
    "3.1.2",
    "--out",
    "bundle",
];

#[test]
fn a_test_becomes_a_folder_that_is_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test_a.py"), TESTS).unwrap();
    let output = run(folder.path(), &[PYTEST.as_slice(), &["--depends", "attrs=24.2.0"]].concat());
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "bundle: 6 files; next: proofhouse prove bundle\n");
    let read = |name: &str| std::fs::read_to_string(folder.path().join("bundle").join(name)).unwrap();
    assert_eq!(read("test_a.py"), TESTS);
    let manifest = read("proof.toml");
    for line in ["title = \"test_keys on pkg:pypi/jinja2\"", "\"pytest\" = \"8.3.4\"", "\"attrs\" = \"24.2.0\""] {
        assert!(manifest.lines().any(|known| known == line), "{manifest}");
    }
    let again = run(folder.path(), &PYTEST);
    assert_eq!(again.status.code(), Some(2));
    assert!(String::from_utf8(again.stderr).unwrap().contains("is there already"));
}

#[test]
fn what_cannot_become_a_bundle_leaves_no_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("test_a.py"), TESTS).unwrap();
    let with = |place: usize, word: &'static str| {
        let mut words = PYTEST.to_vec();
        words[place] = word;
        words
    };
    for (words, why) in [
        (with(2, "missing.py"), "missing.py: No such file"),
        (with(8, "pkg:npm/lodash"), "wrong-ecosystem"),
        (with(10, "latest?"), "version"),
        (with(1, "oss-fuzz"), "--input"),
    ] {
        let output = run(folder.path(), &words);
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(String::from_utf8(output.stderr).unwrap().contains(why), "{words:?}");
        assert!(!folder.path().join("bundle").exists());
    }
}
