//! The proof engine's figures, part by part, each printed beside what it is compared with in the same run.

use std::path::Path;

use anyhow::Result;

/// Bench targets of the package `proof`, in the order of their printing.
const PARTS: &[&str] = &["sandbox", "runs", "install"];

/// Runs every part.
pub fn run(root: &Path) -> Result<()> {
    for part in PARTS {
        println!("== proof: {part}");
        super::cargo_bench(root, "proof", part)?;
    }
    Ok(())
}
