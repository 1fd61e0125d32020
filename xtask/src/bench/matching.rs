//! `cargo xtask bench match`: builds the product as it is shipped and measures matching on real advisories, beside the
//! peers that are installed. Prints; asserts nothing.

use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::Command;

/// Where the advisories lie, beside the repository.
const ADVISORIES: &str = "../shared/data/advisories.osv.jsonl.zst";

/// Measures matching.
pub fn run(root: &Path) -> Result<()> {
    let advisories = root.join(ADVISORIES);
    if !advisories.exists() {
        println!("skipped: no ../shared/data beside the workspace");
        return Ok(());
    }
    let advisories = advisories.to_string_lossy().into_owned();
    for step in [&["build"][..], &["build", "250000"], &["all"]] {
        let mut command = Command::new("cargo");
        command.current_dir(root).args(["bench", "--quiet", "--package", "matching", "--bench", "speed", "--"]);
        finish(command.arg(&advisories).args(step))?;
    }
    peers();
    Ok(())
}

fn finish(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("run {command:?}"))?;
    if !status.success() {
        bail!("{command:?} ended with {status}");
    }
    Ok(())
}

/// Says which peers could be measured beside it.
fn peers() {
    for peer in ["cargo-audit", "osv-scanner", "grype", "trivy"] {
        let found = Command::new(peer).arg("--version").output().is_ok();
        println!(
            "peer {peer}: {}",
            if found { "installed; measure it by hand on the same lock file" } else { "not installed" }
        );
    }
}
