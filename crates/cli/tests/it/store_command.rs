//! Proofs at once on one store that is far too small for them, while others evict from it and are killed.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

/// A bound below which no runtime fits, let alone packages.
const TINY: [&str; 2] = ["--store-bytes-max", "64KiB"];

fn proofhouse(home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_proofhouse"));
    command.args(args).args(TINY).args(["--json", "--home"]).arg(home);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What a process said, which ended well.
fn said(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn example(name: &str) -> String {
    format!("{}/../../examples/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn verdicts_are_right_on_a_store_that_is_always_too_full() {
    let home = tempfile::tempdir().unwrap();
    let kept = testkit::kept_folder("test-home");
    std::fs::create_dir_all(kept.join("cache")).unwrap();
    std::os::unix::fs::symlink(kept.join("cache"), home.path().join("cache")).unwrap();
    // The runtime at least need not be fetched each time.
    std::fs::create_dir_all(home.path().join("store")).unwrap();
    if kept.join("store/runtimes").is_dir() {
        let mut linking = Command::new("cp");
        linking.arg("-al").arg(kept.join("store/runtimes")).arg(home.path().join("store"));
        assert!(linking.status().unwrap().success());
    }
    let start = |bundle: &str| proofhouse(home.path(), &["range", &example(bundle)]).spawn().unwrap();
    let mut ranges = [start("fast-loops-merge"), start("netmask-octal")];
    let goes_on = |child: &mut Child| child.try_wait().unwrap().is_none();
    let mut evicted = 0;
    let mut turn = 0;
    while ranges.iter_mut().any(goes_on) {
        std::thread::sleep(std::time::Duration::from_millis(60));
        turn += 1;
        let mut evictor = proofhouse(home.path(), &["store"]).spawn().unwrap();
        if turn % 2 == 0 {
            // At whatever it was doing.
            std::thread::sleep(std::time::Duration::from_millis(turn % 9));
            evictor.kill().unwrap();
            evictor.wait().unwrap();
        } else {
            evicted += said(&evictor.wait_with_output().unwrap())["evicted"].as_u64().unwrap();
        }
    }
    let [fast_loops, netmask] = ranges.map(|range| said(&range.wait_with_output().unwrap()));
    assert_eq!(fast_loops["fired"], json!(["1.1.1", "1.1.2", "1.1.3"]), "{fast_loops}");
    assert_eq!(fast_loops["silent"], json!(["1.1.4"]), "{fast_loops}");
    assert_eq!(fast_loops["affected"][0]["fixed"], "1.1.4");
    assert_eq!((netmask["fired"].as_array().unwrap().len(), netmask["silent"].as_array().unwrap().len()), (6, 5));
    assert_eq!(netmask["affected"][0]["fixed"], "2.0.0", "{netmask}");
    assert!(evicted > 0, "nothing was evicted while they ran");

    // Nobody uses it any more: what is over the bound goes, with all that killed processes left.
    let left = said(&proofhouse(home.path(), &["store"]).output().unwrap());
    assert!(left["bytes"].as_u64().unwrap() <= 64 << 10, "{left}");
    for part in ["drafts", "uses"] {
        assert_eq!(std::fs::read_dir(home.path().join("store").join(part)).unwrap().count(), 0, "{part}");
    }
}
