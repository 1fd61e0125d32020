//! Asks the product, one bundle after the other. What was run once is answered from receipts the next time, and the data is
//! written after every bundle, so that it may be stopped at any time.

use super::entry::{self, Compared, Entry, Measured};
use anyhow::{Context as _, Result, bail};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// The product's data folder, which stays between calls.
const HOME: &str = "target/ranges/home";
/// The product's answers of `prove`, which cannot be had from receipts alone.
const ANSWERS: &str = "target/ranges/raw";
/// Asked for instead of bundles: only write the page.
const NONE: &str = "none";

/// Measures the bundles named, or all.
pub fn measure(root: &Path, named: &[&str]) -> Result<()> {
    let known = entry::bundles(root)?;
    let mut entries = super::read(root)?;
    entries.retain(|name, _| known.contains(name));
    let wanted: Vec<String> = match named {
        [] => known.clone(),
        [NONE] => Vec::new(),
        some => some.iter().map(|name| name.trim_end_matches('/').to_owned()).collect(),
    };
    if let Some(unknown) = wanted.iter().find(|name| !known.contains(name)) {
        bail!("there is no bundle {unknown}");
    }
    let product = Product::build(root, wanted.is_empty())?;
    let mut failed = Vec::new();
    for (number, name) in wanted.iter().enumerate() {
        let began = Instant::now();
        match product.entry(name) {
            Ok(entry) => {
                let told = &entry.measured.ranges;
                println!("{}/{} {name}: {told} ({} s)", number + 1, wanted.len(), began.elapsed().as_secs());
                entries.insert(name.clone(), entry);
                super::write(root, &entries)?;
            }
            Err(error) => {
                println!("{}/{} {name}: not measured: {error:#}", number + 1, wanted.len());
                failed.push(name.as_str());
            }
        }
    }
    super::write(root, &entries)?;
    if failed.is_empty() { Ok(()) } else { bail!("not measured: {}", failed.join(", ")) }
}

struct Product<'a> {
    root: &'a Path,
    program: PathBuf,
}

impl<'a> Product<'a> {
    /// Without optimisation: what is measured happens in boxes, where none of ours runs.
    fn build(root: &'a Path, unneeded: bool) -> Result<Self> {
        let program = root.join("target/debug/proofhouse");
        if unneeded {
            return Ok(Self { root, program });
        }
        let mut command = Command::new(env!("CARGO"));
        command.args(["build", "--quiet", "--locked", "--package", "cli"]).current_dir(root);
        let status = command.status().context("build the product")?;
        if status.success() { Ok(Self { root, program }) } else { bail!("the product does not build ({status})") }
    }

    fn entry(&self, name: &str) -> Result<Entry> {
        let stated = entry::stated(self.root, name)?;
        let mut arguments = vec!["range", name, "--json"];
        if let Some(advisory) = &stated.advisory {
            arguments.extend(["--advisory", &advisory.file]);
        }
        let report = self.asked(&arguments, 0)?;
        let digest = text(&report["proof"]["digest"]);
        let grade = self.grade(name, &digest)?;
        let count = |key: &str| report[key].as_array().map_or(0, Vec::len);
        let number = |key: &str| report[key].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default();
        let mut unknown = std::collections::BTreeMap::new();
        for item in report["unknown"].as_array().into_iter().flatten() {
            *unknown.entry(text(&item["reason"])).or_insert(0) += 1;
        }
        let measured = Measured {
            grade,
            runtime: text(&report["runtime"]),
            method: text(&report["method"]),
            ranges: entry::told(intervals(&report)),
            versions: number("versions_total"),
            run: number("versions_run"),
            fired: count("fired"),
            silent: count("silent"),
            unknown,
            comparison: report.get("comparison").map(compared),
            digest,
        };
        Ok(Entry { stated, measured })
    }

    /// Graded once for one content of a bundle.
    fn grade(&self, name: &str, digest: &str) -> Result<String> {
        let short = name.trim_start_matches("examples/").trim_start_matches("crates/proof/tests/bundles/");
        let kept = self.root.join(ANSWERS).join(format!("{}.prove.json", short.replace('/', "-")));
        let held = std::fs::read_to_string(&kept).ok().and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let report = match held.filter(|report| report["proof"]["digest"] == digest) {
            Some(report) => report,
            None => self.asked(&["prove", name, "--json"], 1)?,
        };
        std::fs::create_dir_all(self.root.join(ANSWERS)).context("make a folder for answers")?;
        std::fs::write(&kept, report.to_string()).context("keep an answer")?;
        Ok(text(&report["grade"]))
    }

    /// One call; statuses up to `status_max` come with a document.
    fn asked(&self, arguments: &[&str], status_max: i32) -> Result<Value> {
        let mut command = Command::new(&self.program);
        command.args(arguments).current_dir(self.root).env("PROOFHOUSE_HOME", self.root.join(HOME));
        let output = command.stderr(Stdio::inherit()).output().context("start the product")?;
        if output.status.code().is_none_or(|code| code > status_max) {
            bail!("{} ended with {}", arguments.join(" "), output.status);
        }
        serde_json::from_slice(&output.stdout).context("read the product's answer")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

fn intervals(report: &Value) -> Vec<(String, Option<String>)> {
    let each = report["affected"].as_array().into_iter().flatten().map(|interval| {
        let end = match (interval["fixed"].as_str(), interval["last_affected"].as_str()) {
            (Some(fixed), _) => Some(format!("< {fixed}")),
            (None, Some(last)) => Some(format!("<= {last}")),
            (None, None) => None,
        };
        (text(&interval["introduced"]), end)
    });
    each.collect()
}

fn compared(found: &Value) -> Compared {
    Compared {
        result: text(&found["result"]),
        agreed: found["agreed"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or_default(),
        over_claimed: texts(&found["over_claimed"]),
        under_claimed: texts(&found["under_claimed"]),
        unknown: found["unknown"].as_array().map_or(0, Vec::len),
    }
}
