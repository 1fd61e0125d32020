//! `cargo xtask flakes`: how often the product says something else of a bundle than what is known to be true. Every bundle
//! that names a vulnerable and a fixed version is proved again and again, on a machine left alone and with every core kept
//! busy: the first must fire, the second must be silent. Kept in `docs/flakes.json`, from which the page is written.

mod page;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use crate::ranges::Product;

const DATA: &str = "docs/flakes.json";
const PAGE: &str = "docs/flakes.md";
/// Where bundles are that declare what is true.
const FOLDERS: [&str; 2] = ["examples", "crates/proof/tests/bundles"];
/// How often each bundle is proved where nobody says.
const ROUNDS: usize = 3;
/// Exit status of a proof that was not confirmed: it comes with a document.
const STATUS_UNCONFIRMED: i32 = 1;

/// Both ways to measure, by name: `alone` and `busy`.
type Measured = BTreeMap<String, Way>;

/// One way to measure.
#[derive(Serialize, Deserialize)]
struct Way {
    cores: usize,
    /// Processes that wanted a core in the minute before the first and after the last proof, others' among them.
    load_before: f64,
    load_after: f64,
    bundles: BTreeMap<String, Tally>,
}

/// What was said of one bundle.
#[derive(Serialize, Deserialize, Default)]
struct Tally {
    oracle: String,
    runtime: String,
    vulnerable: Counts,
    fixed: Counts,
    /// Reasons of what was inconclusive, by side.
    reasons: BTreeMap<String, usize>,
}

/// Verdicts, and the single runs of the program that they rest on.
#[derive(Serialize, Deserialize, Default, Clone, Copy)]
struct Counts {
    fired: usize,
    silent: usize,
    inconclusive: usize,
    runs_fired: usize,
    runs_silent: usize,
    runs_inconclusive: usize,
}

/// Measures one way, so many rounds, and writes the page after every proof, so that it may be stopped at any time.
pub fn measure(root: &Path, arguments: &[&str]) -> Result<()> {
    let busy = arguments.contains(&"--busy");
    let rounds = match arguments.iter().find(|argument| **argument != "--busy") {
        Some(count) => count.parse().with_context(|| format!("{count} is no count of rounds"))?,
        None => ROUNDS,
    };
    let bundles = bundles(root)?;
    let product = Product::build(root, false)?;
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut way = Way { cores, load_before: load()?, load_after: 0.0, bundles: BTreeMap::new() };
    let idle = AtomicBool::new(!busy);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| spin(&idle));
        }
        let done = (1..=rounds).try_for_each(|round| {
            let began = Instant::now();
            for name in &bundles {
                let tally = way.bundles.entry(name.clone()).or_default();
                match product.asked(&["prove", name, "--json"], STATUS_UNCONFIRMED) {
                    Ok(report) => tally.add(&report).iter().for_each(|line| println!("{name}: {line}")),
                    // No answer is a flake too.
                    Err(error) => {
                        println!("{name}: no answer: {error:#}");
                        *tally.reasons.entry("no answer".to_owned()).or_insert(0) += 1;
                        tally.vulnerable.inconclusive += 1;
                        tally.fixed.inconclusive += 1;
                    }
                }
                way.load_after = load()?;
                keep(root, busy, &way)?;
            }
            println!("round {round} of {rounds}: {} s", began.elapsed().as_secs());
            Ok(())
        });
        idle.store(true, Ordering::Relaxed);
        done
    })
}

fn keep(root: &Path, busy: bool, way: &Way) -> Result<()> {
    let mut all = read(root)?;
    let way = serde_json::from_value(serde_json::to_value(way)?)?;
    all.insert(if busy { "busy" } else { "alone" }.to_owned(), way);
    std::fs::write(root.join(DATA), serde_json::to_string_pretty(&all)? + "\n")
        .with_context(|| format!("write {DATA}"))?;
    std::fs::write(root.join(PAGE), page::render(&all)).with_context(|| format!("write {PAGE}"))
}

fn read(root: &Path) -> Result<Measured> {
    let path = root.join(DATA);
    if !path.exists() {
        return Ok(Measured::new());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("read {DATA}"))?;
    serde_json::from_str(&text).with_context(|| format!("read {DATA}"))
}

/// Every bundle that declares both versions, in order.
fn bundles(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        for item in std::fs::read_dir(root.join(folder)).with_context(|| format!("read the folder {folder}"))? {
            let item = item.with_context(|| format!("read the folder {folder}"))?;
            let Ok(text) = std::fs::read_to_string(item.path().join("proof.toml")) else { continue };
            let manifest: toml::Table = toml::from_str(&text).with_context(|| format!("read {:?}", item.path()))?;
            if manifest.get("target").and_then(|target| target.get("fixed")).is_some() {
                found.push(format!("{folder}/{}", item.file_name().to_string_lossy()));
            }
        }
    }
    found.sort();
    if found.is_empty() { bail!("there are no bundles in {FOLDERS:?}") } else { Ok(found) }
}

/// Keeps one core busy until it is told to stop.
fn spin(idle: &AtomicBool) {
    let mut turns = 0u64;
    while !idle.load(Ordering::Relaxed) {
        (0..100_000).for_each(|_| turns = black_box(turns.wrapping_mul(3).wrapping_add(1)));
    }
}

/// The kernel's average of the last minute.
fn load() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/loadavg").context("read /proc/loadavg")?;
    text.split(' ').next().and_then(|first| first.parse().ok()).context("read /proc/loadavg")
}

impl Tally {
    /// Adds one answer of `prove`. Gives a line for each version that did not show what it should.
    fn add(&mut self, report: &Value) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.oracle = text(&report["proof"]["oracle"]);
        self.runtime = text(&report["runtime"]).split(' ').next().unwrap_or_default().to_owned();
        let mut told = Vec::new();
        for (index, (side, wanted)) in [("vulnerable", "fired"), ("fixed", "silent")].into_iter().enumerate() {
            let run = &report["runs"][index];
            let counts = if index == 0 { &mut self.vulnerable } else { &mut self.fixed };
            counts.add(run);
            let verdict = text(&run["verdict"]);
            if verdict == wanted {
                continue;
            }
            let (reason, detail) = (text(&run["reason"]), text(&run["detail"]));
            told.push(format!("{side} {verdict} {reason} {detail}"));
            if verdict == "inconclusive" {
                *self.reasons.entry(format!("{side} {reason}")).or_insert(0) += 1;
            }
        }
        told
    }
}

impl Counts {
    fn add(&mut self, run: &Value) {
        match run["verdict"].as_str() {
            Some("fired") => self.fired += 1,
            Some("silent") => self.silent += 1,
            _ => self.inconclusive += 1,
        }
        for single in run["repeats"].as_array().into_iter().flatten() {
            match single["verdict"].as_str() {
                Some("fired") => self.runs_fired += 1,
                Some("silent") => self.runs_silent += 1,
                _ => self.runs_inconclusive += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_data_gives() {
        let root = crate::root();
        let all = read(&root).unwrap();
        assert!(!all.is_empty());
        assert_eq!(std::fs::read_to_string(root.join(PAGE)).unwrap(), page::render(&all));
    }

    #[test]
    fn what_is_not_as_declared_is_counted_and_told() {
        let run = |verdict: &str| serde_json::json!({"verdict": verdict, "reason": "timeout", "repeats": [{"verdict": verdict}]});
        let report = |first: &str, second: &str| serde_json::json!({"proof": {"oracle": "assertion"}, "runtime": "node 22", "runs": [run(first), run(second)]});
        let mut tally = Tally::default();
        assert!(tally.add(&report("fired", "silent")).is_empty());
        assert_eq!(tally.add(&report("silent", "fired")).len(), 2);
        assert_eq!(tally.add(&report("inconclusive", "silent")), ["vulnerable inconclusive timeout "]);
        let (vulnerable, fixed) = (tally.vulnerable, tally.fixed);
        assert_eq!((vulnerable.fired, vulnerable.silent, vulnerable.inconclusive), (1, 1, 1));
        assert_eq!((fixed.fired, fixed.silent, fixed.runs_fired), (1, 2, 1));
        assert_eq!(tally.reasons["vulnerable timeout"], 1);
    }
}
