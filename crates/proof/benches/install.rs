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

/// Packages of more than fifty versions that depend on no other, on few and on many; of each a version and a program that
/// only loads it.
const PACKAGES: [(&str, &str); 3] = [("lodash", "4.17.20"), ("ejs", "3.1.6"), ("express", "4.17.1")];
/// Versions installed by npm; times and sizes are told for so many.
const VERSIONS: usize = 50;
/// How much faster and smaller the engine is to be.
const TIMES_MIN: f64 = 5.0;

fn main() {
    // Under `cargo test` a bench is only built: the rest needs a registry.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    for (package, version) in PACKAGES {
        compare(package, version);
    }
}

fn compare(package: &str, version: &str) {
    let room = tempfile::tempdir().unwrap();
    let cancel = AtomicBool::new(false);
    let watch = Watch { progress: &Silent, cancel: &cancel };
    let engine = engine(&room.path().join("home"), room.path());
    let proof = bundle(&room.path().join("bundle"), package, version, &engine);
    let options = RangeOptions { method: Method::Exhaustive, fresh: true };
    let mut report = None;
    let ours = Spent::by(|| report = Some(engine.range(&proof, options, watch).unwrap()));
    let report = report.unwrap();
    // Such as could be loaded, the newest.
    let versions: Vec<String> = report.silent.iter().rev().take(VERSIONS).cloned().collect();
    let ours_s = ours.wall_s * versions.len() as f64 / report.versions_total as f64;
    let ours_bytes = store_bytes(room.path(), &proof, &versions);
    println!("-- {package}: {} versions", versions.len());
    println!(
        "engine, empty store: {ours_s:.1} s, its share of a range over {} versions each of which is also run twice; {} on disk",
        report.versions_total,
        mebibytes(ours_bytes)
    );
    for cache in ["empty", "full"] {
        let (mut spent, mut bytes) = (0.0, 0);
        for (number, version) in versions.iter().enumerate() {
            let folder = room.path().join(format!("npm-{cache}/{number}"));
            fs::create_dir_all(&folder).unwrap();
            spent += Spent::by(|| npm_install(&folder, &room.path().join("npm-cache"), package, version)).wall_s;
            bytes += disk_bytes(&folder);
        }
        println!(
            "npm, {cache} cache: {spent:.1} s, {} on disk: {:.1} x the time, {:.1} x the disk (the bar: at least {TIMES_MIN})",
            mebibytes(bytes),
            spent / ours_s,
            bytes as f64 / ours_bytes as f64
        );
    }
}

/// An engine whose store has nothing but Node: npm has its own already.
fn engine(home: &Path, room: &Path) -> Engine {
    let init_exe = Some(env!("CARGO_BIN_EXE_proofhouse-box").into());
    let sandbox = SandboxConfig { init_exe, ..SandboxConfig::default() };
    let engine = Engine::open(EngineConfig { home: home.to_owned(), sandbox, ..EngineConfig::default() }).unwrap();
    let other = bundle(&room.join("other"), "minimist", "1.2.5", &engine);
    let cancel = AtomicBool::new(false);
    engine.prove(&other, &ProveOptions::default(), Watch { progress: &Silent, cancel: &cancel }).unwrap();
    engine
}

/// What exactly these versions take in a store of their own.
fn store_bytes(room: &Path, proof: &Bundle, versions: &[String]) -> u64 {
    let home = room.join("home-of-these");
    let engine = engine(&home, room);
    let before = disk_bytes(&home.join("store"));
    let options = ProveOptions { versions: versions.to_vec(), repeat: Some(1), receipts: false };
    let cancel = AtomicBool::new(false);
    engine.prove(proof, &options, Watch { progress: &Silent, cancel: &cancel }).unwrap();
    disk_bytes(&home.join("store")) - before
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / 1048576.0)
}

/// A proof that loads a package and asserts nothing.
fn bundle(folder: &Path, package: &str, version: &str, engine: &Engine) -> Bundle {
    let manifest = format!(
        "proof = 1\ntitle = \"loads {package}\"\n[target]\npurl = \"pkg:npm/{package}\"\nvulnerable = \"{version}\"\n\
         [runtime]\nkind = \"node\"\n[run]\nprogram = \"poc.js\"\ncontrol = \"control.js\"\n[oracle]\nkind = \"assertion\"\n"
    );
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("proof.toml"), manifest).unwrap();
    for file in ["poc.js", "control.js"] {
        fs::write(folder.join(file), format!("require({package:?});\n")).unwrap();
    }
    Bundle::read(folder, engine.sandbox()).unwrap()
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
