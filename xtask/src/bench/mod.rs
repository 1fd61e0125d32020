//! `cargo xtask bench NAME`: each bench is a file here and a row of the table. They start the benches of the packages, built
//! with optimisation, and print what those print; they judge nothing and measure nothing themselves.

pub mod matching;
mod proof;
mod symbols;
pub mod triage;

use std::path::Path;

use anyhow::{Context, Result, bail};

/// One bench: its name, what it prints, and how it is run. The last is given the repository's top folder.
type Row = (&'static str, &'static str, fn(&Path) -> Result<()>);

/// Every bench.
const BENCHES: &[Row] = &[
    (
        "proof",
        "the proof engine: a box beside bubblewrap, whole proofs beside runs by hand, fifty installs beside npm",
        proof::run,
    ),
    (
        "match",
        "matching: forward, backward, the building of an index, and a whole process beside other programs, on the advisories in\n  \t../shared/data; one part alone by its name behind: index, forward, reverse, curve (10^7 rows), process",
        |root| matching::run(root, None),
    ),
    (
        "triage",
        "triage: precision, recall and F1 on a labelled set, time and memory at growing sizes; then static results of versions of real\n  \tpackages, with and without their enclosing symbols",
        optimised_triage,
    ),
    (
        "intake",
        "intake: reports a second of a whole server on SQLite and PostgreSQL, and what is shed at twice the load",
        |root| cargo_bench(root, "server", "intake"),
    ),
];

/// Runs the bench of this name.
pub fn run(root: &Path, name: &str) -> Result<()> {
    let Some((_, _, bench)) = BENCHES.iter().find(|(known, _, _)| *known == name) else {
        let known: Vec<String> = BENCHES.iter().map(|(name, what, _)| format!("  {name}\t{what}")).collect();
        bail!("there is no bench {name:?}; there are\n{}", known.join("\n"));
    };
    bench(root)
}

/// Builds this program with optimisation and measures triage in there.
fn optimised_triage(root: &Path) -> Result<()> {
    let status = std::process::Command::new(env!("CARGO"))
        .args(["run", "--quiet", "--release", "--package", "xtask", "--", "bench", "triage", "here"])
        .current_dir(root)
        .status()
        .context("start the bench of triage")?;
    if !status.success() {
        bail!("the bench of triage ended with {status}");
    }
    triage_symbols(root, None)
}

/// Static results of real packages, by the product's own program: built with optimisation, or the one that is given.
pub fn triage_symbols(root: &Path, program: Option<&str>) -> Result<()> {
    if let Some(program) = program {
        symbols::run(root, Path::new(program))?;
        return symbols::time(root, Path::new(program), 100_000);
    }
    let status = std::process::Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "--release", "--package", "cli", "--package", "symbols"])
        .current_dir(root)
        .status()
        .context("build proofhouse")?;
    if !status.success() {
        bail!("proofhouse cannot be built: {status}");
    }
    let proofhouse = root.join("target/release/proofhouse");
    symbols::run(root, &proofhouse)?;
    symbols::time(root, &proofhouse, 100_000)
}

/// Runs one `cargo bench` target of a package to its end.
fn cargo_bench(root: &Path, package: &str, target: &str) -> Result<()> {
    let status = std::process::Command::new(env!("CARGO"))
        .args(["bench", "--locked", "--package", package, "--bench", target])
        .current_dir(root)
        .status()
        .with_context(|| format!("start cargo bench for {package}"))?;
    if status.success() { Ok(()) } else { bail!("the bench {target} of {package} ended with {status}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_bench_is_answered_with_those_there_are() {
        let error = run(Path::new("/"), "none").unwrap_err().to_string();
        assert!(error.contains("there is no bench \"none\"") && error.contains("proof\t"), "{error}");
    }
}
