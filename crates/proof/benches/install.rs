//! Installing fifty versions of one package: the engine's `range` from an empty store, which fetches, unpacks and even runs
//! each of them, against `npm install` of the same versions into fresh folders. Time and disk of both. Prints; judges nothing.
//!
//! Neither has any package at the beginning, and npm is asked to do nothing beside installing; then npm once more, with a
//! cache that has them all, against an engine whose store is still empty.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "runs/clock.rs"]
mod clock;

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use clock::Spent;
use proof::progress::Silent;
use proof::sandbox::SandboxConfig;
use proof::{Bundle, Engine, EngineConfig, Method, ProveOptions, RangeOptions, Watch};

/// Bundles of packages with more than fifty versions: without dependencies, and with them.
const BUNDLES: [&str; 3] = ["underscore-template-injection", "ejs-output-function", "lodash-template-injection"];
/// Versions installed by npm; times and sizes are told for so many.
const VERSIONS: usize = 50;
/// How much faster and smaller the engine is to be.
const TIMES_MIN: f64 = 5.0;

fn main() {
    // Under `cargo test` a bench is only built: the rest needs a registry.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for name in BUNDLES {
        compare(name);
    }
}

fn compare(name: &str) {
    let room = tempfile::tempdir().unwrap();
    let init_exe = Some(env!("CARGO_BIN_EXE_proofhouse-box").into());
    let config = EngineConfig {
        home: room.path().join("home"),
        sandbox: SandboxConfig { init_exe, ..SandboxConfig::default() },
        ..EngineConfig::default()
    };
    let engine = Engine::open(config).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    // Node itself is fetched with the proof of another package: npm has its own already.
    let other = Bundle::read(&folder.join("minimist-constructor"), engine.sandbox()).unwrap();
    engine.prove(&other, &ProveOptions::default(), Watch { progress: &Silent, cancel: &AtomicBool::new(false) }).unwrap();
    let bundle = Bundle::read(&folder.join(name), engine.sandbox()).unwrap();
    let package = bundle.manifest().target.package.name();
    let store = room.path().join("home/store");
    let before = disk_bytes(&store);
    let options = RangeOptions { method: Method::Exhaustive, fresh: true };
    let mut report = None;
    let ours = Spent::by(|| {
        let cancel = AtomicBool::new(false);
        report = Some(engine.range(&bundle, options, Watch { progress: &Silent, cancel: &cancel }).unwrap());
    });
    let report = report.unwrap();
    let ours_bytes = disk_bytes(&store) - before;
    let mut versions: Vec<String> = report.fired.iter().chain(&report.silent).cloned().collect();
    let all = report.versions_total;
    versions.truncate(VERSIONS);
    println!("-- {package}: {all} versions by the engine, {} of them by npm", versions.len());
    let share = versions.len() as f64 / all as f64;
    let (ours_s, ours_bytes) = (ours.wall_s * share, ours_bytes as f64 * share);
    println!("engine, empty store, every version also run: {ours_s:.1} s, {:.1} MiB", ours_bytes / 1048576.0);
    for cache in ["empty", "full"] {
        let (mut spent, mut bytes) = (0.0, 0.0);
        for (number, version) in versions.iter().enumerate() {
            let folder = room.path().join(format!("npm-{cache}/{number}"));
            fs::create_dir_all(&folder).unwrap();
            spent += Spent::by(|| npm_install(&folder, &room.path().join("npm-cache"), package, version)).wall_s;
            bytes += disk_bytes(&folder) as f64;
        }
        println!(
            "npm, {cache} cache: {spent:.1} s, {:.1} MiB: {:.1} x the time, {:.1} x the disk (the bar: at least {TIMES_MIN})",
            bytes / 1048576.0,
            spent / ours_s,
            bytes / ours_bytes
        );
    }
}

fn npm_install(folder: &Path, cache: &Path, package: &str, version: &str) {
    fs::write(folder.join("package.json"), "{}").unwrap();
    let mut command = Command::new("npm");
    command.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline", "--cache"]);
    command.arg(cache).arg(format!("{package}@{version}")).current_dir(folder);
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{package}@{version}: {}", String::from_utf8_lossy(&output.stderr));
}

/// What a tree takes on the disk; a file of several names counts once.
fn disk_bytes(path: &Path) -> u64 {
    fn add(path: &Path, seen: &mut HashSet<u64>) -> u64 {
        let Ok(about) = fs::symlink_metadata(path) else { return 0 };
        let own = if seen.insert(about.ino()) { about.blocks() * 512 } else { 0 };
        let below = if about.is_dir() { fs::read_dir(path).ok() } else { None };
        own + below.into_iter().flatten().flatten().map(|entry| add(&entry.path(), seen)).sum::<u64>()
    }
    add(path, &mut HashSet::new())
}
