//! `cargo xtask tidy`: the rules of the house that a machine can check, each in a file of its own below. A rule reads the tree and
//! gives findings; it must not change a file, and it must not look outside the repository.
//!
//! | rule | file |
//! |---|---|
//! | arrows between packages point down; pure packages stay pure | `arrows.rs` |
//! | functions and files stay short; the list of exceptions only shrinks | `lengths.rs`, `exceptions.rs` |
//! | a module opens with its doc; no drawer names; nothing left to do, ignored or printed | `modules.rs` |
//! | limits name their unit and are documented | `limits.rs` |
//! | SQL in one package, unsafe code in one module, one test binary per package, lints inherited | `layout.rs` |
//! | paths, links, tests and commands named in documents exist; decisions have their parts | `documents.rs` |
//! | no registry hosts, no paths of somebody's machine | `hosts.rs` |
//! | nothing of an unfinished merge | `merges.rs` |
//! | licences of dependencies | `licences.rs` |

mod arrows;
mod cargo;
mod documents;
mod exceptions;
mod hosts;
mod layout;
mod lengths;
mod licences;
mod limits;
mod merges;
mod modules;
mod rust;
mod tree;

use anyhow::Result;
use std::fmt;
use std::path::Path;
use std::time::Instant;
use tree::Tree;

/// One broken rule, where it is broken.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Relative to the repository's top.
    pub path: String,
    /// Counted from 1.
    pub line: usize,
    pub message: String,
}

impl Finding {
    pub fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Checks everything and prints the findings; true when there are none.
pub fn run(root: &Path) -> Result<bool> {
    let started = Instant::now();
    let tree = Tree::read(root)?;
    let workspace = cargo::Workspace::read(root)?;
    let mut findings = check_tree(&tree);
    findings.extend(arrows::check(&workspace));
    findings.extend(arrows::check_pure(root, &workspace)?);
    findings.extend(licences::check(&workspace, &tree));
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    let seconds = started.elapsed().as_secs_f64();
    println!("tidy: {} files, {} findings, {seconds:.1} s", tree.files().len(), findings.len());
    Ok(findings.is_empty())
}

/// The rules that need the files alone.
fn check_tree(tree: &Tree) -> Vec<Finding> {
    let (sources, mut findings) = rust::parse_all(tree);
    findings.extend(modules::check(&sources));
    findings.extend(lengths::check(&sources, tree));
    findings.extend(limits::check(&sources));
    findings.extend(layout::check(&sources, tree));
    findings.extend(documents::check(tree));
    findings.extend(hosts::check(tree));
    findings.extend(merges::check(tree));
    findings
}
