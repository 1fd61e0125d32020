//! The demo as a stranger runs it, on real packages: what it promises on its last screen must be so,
//! and a second run in the same folder must do the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

fn demo(home: &Path) -> Value {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let run = Command::new(env!("CARGO_BIN_EXE_proofhouse"))
        .args(["demo", "--json", "--home"])
        .arg(home)
        .arg("--examples")
        .arg(examples)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    serde_json::from_slice(&run.stdout).unwrap()
}

fn list<'a>(value: &'a Value, field: &str) -> &'a Vec<Value> {
    value[field].as_array().unwrap()
}

#[test]
fn the_demo_does_the_main_job_twice() {
    // Kept between runs of the tests: packages are fetched once into the clone's own target folder.
    let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("demo");
    for _ in 0..2 {
        let summary = demo(&home);
        assert_eq!(list(&summary, "reports").len(), 8);
        let cases = list(&summary, "cases");
        assert_eq!(cases.len(), 5);
        let lodash = cases.iter().find(|c| c["purl"] == "pkg:npm/lodash").unwrap();
        assert_eq!(list(lodash, "findings").len(), 3, "three reports, one defect");
        assert_eq!(list(lodash, "credits").len(), 3, "every finder is credited");
        assert_eq!(lodash["range"]["affected"][0]["fixed"], "4.17.17");
        assert!(cases.iter().all(|c| c["advisory"]["state"] == "published" && c["public"] == true));
        let states: Vec<&str> =
            list(&summary, "reports").iter().map(|r| r["findings"][0]["state"].as_str().unwrap()).collect();
        assert_eq!(states.iter().filter(|s| **s == "not-proved").count(), 1, "{states:?}");
        let notices: Vec<usize> = list(&summary, "operators").iter().map(|o| list(o, "notices").len()).collect();
        assert_eq!(notices, [4, 2, 0], "two operators run something affected, the third does not");
    }
}
