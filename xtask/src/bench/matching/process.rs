//! Whole processes on one Cargo.lock of 10,000 packages: `proofhouse match --index` beside other programs, in one run. A peer that
//! cannot be had is said in one line.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use super::{finish, speed};

const PACKAGES_COUNT: &str = "10000";
/// Runs of each program; the least of them counts, the machine is shared.
const RUNS_COUNT: usize = 15;
/// Runs of those that take seconds.
const SLOW_RUNS_COUNT: usize = 3;
const CARGO_AUDIT: &str = "cargo-audit@0.22.2";
const OSV_SCANNER: &str = "github.com/google/osv-scanner/v2/cmd/osv-scanner@v2.2.2";
const PYTHON_PACKAGES: [&str; 2] = ["osv==0.0.22", "appthreat-vulnerability-db==7.0.3"];

/// Processor and wall time of one run, in seconds.
#[derive(Clone, Copy)]
struct Took {
    processor: f64,
    wall: f64,
}

/// Measures all of them.
pub fn run(root: &Path, advisories: &Path) -> Result<()> {
    let made = root.join("target/bench-match");
    let tools = root.join("target/tools/match-peers");
    let _ = fs::remove_dir_all(&made);
    fs::create_dir_all(&made).with_context(|| format!("make {}", made.display()))?;
    fs::create_dir_all(&tools).with_context(|| format!("make {}", tools.display()))?;
    speed(root, "inputs", &[&advisories.to_string_lossy(), &made.to_string_lossy()], &[PACKAGES_COUNT])?;
    let lock = made.join("Cargo.lock");
    println!("Cargo.lock of {PACKAGES_COUNT} packages, {} bytes", fs::metadata(&lock)?.len());
    let ours = ours(root, advisories, &made, &lock)?;
    let peers: [(&str, Result<Took>); 4] = [
        ("cargo-audit, local RustSec database, 15 runs", audit(root, &tools, &made, &lock)),
        ("osv-scanner, offline, the same records of crates.io, 3 runs", scanner(&tools, &made, &lock)),
        ("osv library, by a script, the same records, 3 runs", library(root, &tools, &made, &lock, "osv")),
        ("vulnerability-db library, by a script, the same records, 3 runs", library(root, &tools, &made, &lock, "vdb")),
    ];
    for (name, took) in peers {
        match took {
            Ok(took) => {
                told(name, took);
                println!("  {:.1} x proofhouse's processor time", took.processor / ours.processor);
            }
            Err(error) => {
                println!("{name}: not to be had: {}", format!("{error:#}").lines().next().unwrap_or_default())
            }
        }
    }
    println!("pip-audit: reads no Cargo.lock; grype, trivy: in no package registry");
    Ok(())
}

fn told(name: &str, took: Took) {
    println!("{name}: {:.1} ms CPU, {:.1} ms wall", took.processor * 1e3, took.wall * 1e3);
}

fn ours(root: &Path, advisories: &Path, made: &Path, lock: &Path) -> Result<Took> {
    let mut build = Command::new(env!("CARGO"));
    finish(build.args(["build", "--quiet", "--release", "--package", "cli"]).current_dir(root))?;
    let program = root.join("target/release/proofhouse");
    let (home, index) = (made.join("home"), made.join("all.index"));
    let command = || {
        let mut command = Command::new(&program);
        command.env("PROOFHOUSE_HOME", &home).stderr(Stdio::null());
        command
    };
    finish(command().args(["index", "build", "--out"]).arg(&index).arg("--advisories").arg(advisories))?;
    let asked = || {
        let mut command = command();
        command.args(["match", "--json", "--index"]).arg(&index).arg("--inventory").arg(lock);
        command
    };
    let (took, findings) = measured(RUNS_COUNT, asked)?;
    told("proofhouse match --index, all 16,941 records, 15 runs", took);
    let printed: serde_json::Value = serde_json::from_slice(&findings).context("read what proofhouse printed")?;
    let findings = printed.pointer("/inventories/0/findings").and_then(|f| f.as_array()).map_or(0, Vec::len);
    println!("  {findings} findings");
    Ok(took)
}

/// The least of some runs, and what the last one printed. Programs end with 1 when they find something.
fn measured(runs: usize, command: impl Fn() -> Command) -> Result<(Took, Vec<u8>)> {
    let (mut best, mut printed) = (Took { processor: f64::MAX, wall: f64::MAX }, Vec::new());
    for _ in 0..runs {
        let (before, start) = (children_s()?, Instant::now());
        let mut command = command();
        let output = command.stdin(Stdio::null()).output().with_context(|| format!("start {command:?}"))?;
        let took = Took { processor: children_s()? - before, wall: start.elapsed().as_secs_f64() };
        let text = String::from_utf8_lossy(&output.stderr);
        ensure!(
            output.status.code().is_some_and(|code| code <= 1) && !output.stdout.is_empty(),
            "{}: {}",
            output.status,
            text.lines().last().unwrap_or_default()
        );
        best = Took { processor: best.processor.min(took.processor), wall: best.wall.min(took.wall) };
        printed = output.stdout;
    }
    Ok((best, printed))
}

/// Processor seconds of all children that have ended.
fn children_s() -> Result<f64> {
    let usage =
        nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_CHILDREN).context("ask for times")?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn quietly(command: &mut Command) -> Result<()> {
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("start {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}", text.lines().rfind(|line| !line.is_empty()).unwrap_or_default());
    Ok(())
}

fn audit(root: &Path, tools: &Path, made: &Path, lock: &Path) -> Result<Took> {
    let program = tools.join("bin/cargo-audit");
    if !program.exists() {
        let mut install = Command::new(env!("CARGO"));
        install.args(["install", "--quiet", "--locked", "--no-default-features", "--root"]).arg(tools).arg(CARGO_AUDIT);
        quietly(install.current_dir(root))?;
    }
    // Versions that were yanked would be asked of the registry.
    fs::create_dir_all(made.join(".cargo"))?;
    fs::write(made.join(".cargo/audit.toml"), "[yanked]\nenabled = false\nupdate_index = false\n")?;
    let asked = || {
        let mut command = Command::new(&program);
        command.current_dir(made).args(["audit", "--no-fetch", "--stale", "--json", "--db"]);
        command.arg(made.join("rustsec")).arg("--file").arg(lock);
        command
    };
    let (took, printed) = measured(RUNS_COUNT, asked)?;
    let printed: serde_json::Value = serde_json::from_slice(&printed).context("read what cargo-audit printed")?;
    println!(
        "cargo-audit: {} findings, {} advisories in its database",
        printed.pointer("/vulnerabilities/count").unwrap_or(&serde_json::Value::Null),
        printed.pointer("/database/advisory-count").unwrap_or(&serde_json::Value::Null)
    );
    Ok(took)
}

fn scanner(tools: &Path, made: &Path, lock: &Path) -> Result<Took> {
    let program = tools.join("bin/osv-scanner");
    if !program.exists() {
        quietly(Command::new("go").env("GOBIN", tools.join("bin")).args(["install", OSV_SCANNER]))?;
    }
    let database = made.join("cache/osv-scanner/crates.io");
    fs::create_dir_all(&database)?;
    zip_write(&made.join("osv"), &database.join("all.zip"))?;
    let asked = || {
        let mut command = Command::new(&program);
        command.env("OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY", made.join("cache"));
        command.args(["scan", "source", "--offline", "--format", "json", "--lockfile"]).arg(lock);
        command
    };
    Ok(measured(SLOW_RUNS_COUNT, asked)?.0)
}

fn zip_write(folder: &Path, path: &Path) -> Result<()> {
    let mut archive = zip::ZipWriter::new(fs::File::create(path)?);
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    files.sort();
    for file in files {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
        std::io::Write::write_all(&mut archive, &fs::read(&file)?)?;
    }
    archive.finish()?;
    Ok(())
}

/// The libraries compare versions and leave the rest to whoever uses them: a short script is that.
fn library(root: &Path, tools: &Path, made: &Path, lock: &Path, which: &str) -> Result<Took> {
    let python = tools.join("python/bin/python");
    if !python.exists() {
        quietly(Command::new("python3").args(["-m", "venv"]).arg(tools.join("python")))?;
        quietly(Command::new(&python).args(["-m", "pip", "install", "--quiet"]).args(PYTHON_PACKAGES))?;
    }
    let asked = || {
        let mut command = Command::new(&python);
        command.arg(root.join("peers/match/library.py")).arg(which).arg(made.join("osv")).arg(lock);
        command
    };
    let (took, printed) = measured(SLOW_RUNS_COUNT, asked)?;
    print!("{}", String::from_utf8_lossy(&printed));
    Ok(took)
}
