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

/// A SARIF log with lines only.
fn log(folder: &Path, name: &str, places: &[(&str, u32)], more: Value) -> PathBuf {
    let result = |(path, line): &(&str, u32)| {
        serde_json::json!({"ruleId": "eval", "message": {"text": "m"}, "properties": {"tags": ["CWE-95"]}, "locations": [
            {"physicalLocation": {"artifactLocation": {"uri": path}, "region": {"startLine": line}}}]})
    };
    let results: Vec<Value> = places.iter().map(result).collect();
    let mut run = serde_json::json!({"tool": {"driver": {"name": "scan"}}, "results": results});
    run.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let path = folder.join(name);
    std::fs::write(&path, serde_json::json!({"version": "2.1.0", "runs": [run]}).to_string()).unwrap();
    path
}

fn run_with_symbols(paths: &[&Path], more: &[&str]) -> (Value, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .env("PROOFHOUSE_SYMBOLS", testkit::proofhouse_symbols())
        .args(["triage", "--json"])
        .args(paths)
        .args(more)
        .output()
        .unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    (serde_json::from_slice(&output.stdout).unwrap(), told)
}

/// The symbol of each static result, where it is known from, and why it is not.
fn places(report: &Value) -> Vec<[String; 3]> {
    let text = |place: &Value, field: &str| place[field].as_str().unwrap_or_default().to_owned();
    let all = report["places"].as_array().unwrap().iter();
    all.map(|place| [text(place, "symbol"), text(place, "symbol_from"), text(place, "no_symbol")]).collect()
}

#[test]
fn results_of_two_versions_meet_in_their_functions() {
    let room = tempfile::tempdir().unwrap();
    let at = |name: &str| room.path().join(name);
    let code = "def outer(a):\n    def inner(b):\n        return eval(b)\n    return eval(a)\n";
    for (tree, above) in [("one", ""), ("two", "\n\nLIMIT = 3\n")] {
        std::fs::create_dir_all(at(tree).join("src")).unwrap();
        std::fs::write(at(tree).join("src/a.py"), format!("{above}{code}")).unwrap();
    }
    let old = log(room.path(), "old.sarif", &[("src/a.py", 3), ("src/a.py", 4)], serde_json::json!({}));
    let new = log(room.path(), "new.sarif", &[("src/a.py", 6), ("src/a.py", 7)], serde_json::json!({}));
    let trees =
        [format!("{}={}", old.display(), at("one").display()), format!("{}={}", new.display(), at("two").display())];
    let (report, _) = run_with_symbols(&[&old, &new], &["--source", &trees[0], "--source", &trees[1]]);
    let source = |symbol: &str| [symbol.to_owned(), "source".to_owned(), String::new()];
    assert_eq!(places(&report), [source("outer.inner"), source("outer"), source("outer.inner"), source("outer")]);
    let clusters = report["clusters"].as_array().unwrap();
    assert_eq!(
        clusters.iter().map(|c| c["members"].as_array().unwrap().len()).collect::<Vec<_>>(),
        [2, 2],
        "{report:#}"
    );
    let (report, _) = run_with_symbols(&[&old, &new], &[]);
    assert_eq!(report["clusters"].as_array().unwrap().len(), 4, "nothing but lines");
}

#[test]
fn no_result_reads_a_file_outside_the_tree() {
    let room = tempfile::tempdir().unwrap();
    let tree = room.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    std::fs::write(room.path().join("secret.c"), "int secret(void) {\n return 1;\n}\n").unwrap();
    std::fs::write(tree.join("a.c"), "int f(void) {\n return 1;\n}\n").unwrap();
    std::os::unix::fs::symlink("../secret.c", tree.join("link.c")).unwrap();
    let secret = format!("file://{}/secret.c", room.path().display());
    let asked = [
        ("a.c", 2),
        ("link.c", 2),
        ("../secret.c", 2),
        ("%2e%2e/secret.c", 2),
        (secret.as_str(), 2),
        ("b.c", 2),
        ("a.txt", 1),
    ];
    let log = log(room.path(), "x.sarif", &asked, serde_json::json!({}));
    let (report, _) = run_with_symbols(&[&log], &["--source", tree.to_str().unwrap()]);
    let reasons: Vec<String> = places(&report).into_iter().map(|[symbol, _, reason]| symbol + &reason).collect();
    let out = "its path leads out of the source";
    let expected = ["f", out, out, out, out, "the source has no such file", "its language is none that is parsed"];
    assert_eq!(reasons, expected);
}

#[test]
fn the_text_that_comes_along_serves_too_and_without_the_parsers_one_line_says_so() {
    let room = tempfile::tempdir().unwrap();
    let texts = serde_json::json!({"artifacts": [{"location": {"uri": "a.rb"}, "contents": {"text": "class A\n  def f\n    eval(g)\n  end\nend\n"}}]});
    let log = log(room.path(), "x.sarif", &[("a.rb", 3)], texts);
    let (report, told) = run_with_symbols(&[&log], &[]);
    assert_eq!(places(&report), [["A#f".to_owned(), "artifact".to_owned(), String::new()]]);
    assert_eq!(told, "");
    let mut without = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    let output = without.env("PROOFHOUSE_SYMBOLS", "/nowhere").args(["triage", "--json"]).arg(&log).output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), told.lines().count()), (Some(0), 1), "{told}");
    assert!(told.starts_with("note: static results keep only the symbols that their documents give"), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(places(&report)[0][2], "there is no box here to parse it in");
    let output = run(&[&log], &["--source", "/nowhere"]);
    assert_eq!(output.status.code(), Some(2));
}
