//! Our orders against the ecosystems' own programs: node-semver and `packaging` out of `target/tools` (`cargo xtask tools` puts
//! them there) and the machine's dpkg, where it has one. `cargo xtask slow versions` asks more peers a million times each.

use std::path::{Path, PathBuf};
use std::process::Command;

use versions::{Comparer, Scheme};

use crate::differential::{Chance, Outcome, differ, judge, words};

/// Printed with each outcome, and the same every time: a new one is a new test.
const SEED: u64 = 4;
const PAIRS_COUNT: usize = 20_000;
/// dpkg answers one question for each process.
const DPKG_PAIRS_COUNT: usize = 300;

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn tool(path: &str) -> PathBuf {
    let found = repository("target/tools").join(path);
    assert!(found.exists(), "target/tools/{path} is not there: run `cargo xtask tools`");
    found
}

fn check(scheme: Scheme, outcome: &Outcome) {
    println!("{scheme}: seed {SEED}, {} compared, {} read by neither", outcome.compared, outcome.neither);
    assert_eq!(outcome.order.examples, Vec::<String>::new(), "{scheme}: {} orders differ", outcome.order.count);
    assert!(outcome.compared > outcome.neither / 100, "{scheme}: hardly a pair was compared");
}

#[test]
fn npm_is_ordered_as_node_semver_orders_it() {
    let mut command = Command::new(tool("node/bin/node"));
    command
        .arg(repository("peers/versions/npm.mjs"))
        .arg(tool("peers/node_modules/semver").parent().unwrap().join("x"));
    let outcome = differ(Scheme::Npm, command, SEED, PAIRS_COUNT);
    check(Scheme::Npm, &outcome);
    assert_eq!((outcome.peer_only.examples, outcome.ours_only.examples), (vec![], vec![]));
}

#[test]
fn pypi_is_ordered_as_packaging_orders_it() {
    let mut command = Command::new("python3");
    command.arg(repository("peers/versions/peer.py")).arg("pypi").env("PYTHONPATH", tool("python"));
    let outcome = differ(Scheme::PyPI, command, SEED, PAIRS_COUNT);
    check(Scheme::PyPI, &outcome);
    assert_eq!((outcome.peer_only.examples, outcome.ours_only.examples), (vec![], vec![]));
}

#[test]
fn debian_is_ordered_as_dpkg_orders_it() {
    if Command::new("dpkg").arg("--version").output().is_err() {
        println!("no dpkg here: this machine is no Debian, and its order is asked elsewhere");
        return;
    }
    let says = |a: &str, word: &str, b: &str| {
        let output = Command::new("dpkg").args(["--compare-versions", a, word, b]).output().unwrap();
        match output.status.code() {
            Some(0) => Some(true),
            Some(1) => Some(false),
            _ => None,
        }
    };
    let (mut chance, words) = (Chance(SEED), words(Scheme::Debian));
    let (mut outcome, mut comparer) = (Outcome::default(), Comparer::new());
    for _ in 0..DPKG_PAIRS_COUNT {
        let (a, b) = chance.pair(&words);
        let theirs = match (says(&a, "lt-nl", &b), says(&a, "gt-nl", &b)) {
            (Some(true), Some(false)) => "<",
            (Some(false), Some(true)) => ">",
            (Some(false), Some(false)) => "=",
            _ => "!",
        };
        // dpkg takes an empty version in a comparison for "none".
        if !a.is_empty() && !b.is_empty() {
            judge(&mut outcome, comparer.compare(Scheme::Debian, &a, &b), theirs, &a, &b);
        }
    }
    check(Scheme::Debian, &outcome);
}
