//! `cargo xtask bench match [PART]`: builds the product as it is shipped and measures matching on real advisories, whole processes
//! beside the peers that can be had. Prints; asserts nothing.

mod process;

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

/// Where the advisories lie, beside the repository.
const ADVISORIES: &str = "../shared/data/advisories.osv.jsonl.zst";

/// What can be measured alone: its name, and the steps of the package's own bench.
const PARTS: [(&str, &[&[&str]]); 4] = [
    ("index", &[&["build"], &["build", "250000"]]),
    ("forward", &[&["forward"]]),
    ("reverse", &[&["reverse"]]),
    // 10^7 rows too: some 3 GiB, some minutes.
    ("curve", &[&["curve"]]),
];
/// What is measured when no part is named.
const USUAL: [&str; 3] = ["index", "forward", "reverse"];

/// Measures matching: all but the curve, or the one part.
pub fn run(root: &Path, part: Option<&str>) -> Result<()> {
    let advisories = root.join(ADVISORIES);
    if !advisories.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return Ok(());
    }
    let known = |part: &str| PARTS.iter().find(|(name, _)| *name == part).map(|(_, steps)| *steps);
    let parts: Vec<&str> = part.map_or(USUAL.to_vec(), |part| vec![part]);
    for part in parts.iter().filter(|part| **part != "process") {
        let Some(steps) = known(part) else {
            bail!("there is no part {part:?}: index, forward, reverse, curve, process");
        };
        for step in steps {
            speed(root, "speed", &[&advisories.to_string_lossy()], step)?;
        }
    }
    if part.is_none_or(|part| part == "process") {
        process::run(root, &advisories)?;
    }
    Ok(())
}

fn speed(root: &Path, target: &str, first: &[&str], more: &[&str]) -> Result<()> {
    let mut command = Command::new("cargo");
    command.current_dir(root).args(["bench", "--quiet", "--package", "matching", "--bench", target, "--"]);
    finish(command.args(first).args(more))
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}
