//! What cargo knows of the workspace: its packages, what depends on what, and under which licences. Reads, decides nothing.

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// The packages of `cargo metadata`, ours and others', for this machine's platform.
pub struct Workspace {
    pub packages: Vec<Package>,
}

#[derive(Deserialize)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Nothing for packages of this workspace and others given by path.
    pub source: Option<String>,
    /// SPDX expression.
    pub license: Option<String>,
    pub dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
    /// Nothing for a normal dependency, else `dev` or `build`.
    pub kind: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Identified>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Identified {
    id: String,
    #[serde(flatten)]
    package: Package,
}

/// What the platform's build needs; `packages` lists the others too.
#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
}

impl Workspace {
    pub fn read(root: &Path) -> Result<Self> {
        let platform = host_platform()?;
        let text = cargo(root, &["metadata", "--format-version=1", "--locked", "--filter-platform", &platform])?;
        let metadata: Metadata = serde_json::from_str(&text).context("read cargo metadata")?;
        let used: BTreeSet<String> = metadata.resolve.nodes.into_iter().map(|node| node.id).collect();
        let packages =
            metadata.packages.into_iter().filter(|found| used.contains(&found.id)).map(|found| found.package);
        Ok(Self { packages: packages.collect() })
    }

    /// The packages of this repository.
    pub fn own(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.source.is_none())
    }
}

/// Names of everything `package` is built from, itself included, development dependencies left out.
pub fn normal_tree(root: &Path, package: &str) -> Result<BTreeSet<String>> {
    let text =
        cargo(root, &["tree", "--locked", "-p", package, "-e", "normal", "--prefix", "none", "--format", "{p}"])?;
    Ok(text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect())
}

fn host_platform() -> Result<String> {
    let output = Command::new("rustc").arg("-vV").output().context("ask rustc for the platform")?;
    let text = String::from_utf8(output.stdout).context("read rustc's answer")?;
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).context("rustc -vV names no host")
}

fn cargo(root: &Path, arguments: &[&str]) -> Result<String> {
    let shown = format!("cargo {}", arguments.join(" "));
    let output =
        Command::new("cargo").args(arguments).current_dir(root).output().with_context(|| format!("run {shown}"))?;
    ensure!(output.status.success(), "{shown} failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    String::from_utf8(output.stdout).with_context(|| format!("read the answer of {shown}"))
}
