//! Dependencies between packages point down, level by level, and what is kept out of a package stays out of everything it is
//! built from: no HTTP, SQL, clock or thread in the pure ones.

use super::Finding;
use super::cargo::{self, Workspace};
use anyhow::Result;
use std::collections::BTreeSet;
use std::path::Path;

/// A package may depend on packages of lower levels only.
const LEVELS: [&[&str]; 8] = [
    &["domain", "signing"],
    &["versions"],
    &["formats", "triage"],
    &["intake", "matching", "proof", "store", "symbols"],
    &["service"],
    &["server"],
    &["cli"],
    &["testkit"],
];
/// Talks to nobody, waits for nothing.
const NO_INPUT_OUTPUT: [&str; 10] =
    ["tokio", "hyper", "tower", "ureq", "reqwest", "rusqlite", "libsqlite3-sys", "tokio-postgres", "nix", "landlock"];
/// `intake` is built from a zip reader that brings this, for writing; nothing of its own asks for it.
const NO_RANDOMNESS: [&str; 1] = ["getrandom"];
const NO_WIRE: [&str; 2] = ["serde", "serde_json"];
const NO_SQL: [&str; 4] = ["rusqlite", "libsqlite3-sys", "tokio-postgres", "deadpool-postgres"];
const NO_SERVER: [&str; 4] = ["axum", "utoipa", "askama", "tower-http"];
/// C that reads hostile bytes runs in a box, as a program of its own.
const NO_NATIVE_PARSER: [&str; 2] = ["tree-sitter", "symbols"];

/// What must not be found in a package's normal tree.
const KEPT_OUT: [(&str, &[&[&str]]); 10] = [
    ("domain", &[&NO_INPUT_OUTPUT, &NO_RANDOMNESS, &NO_SERVER, &NO_WIRE]),
    ("versions", &[&NO_INPUT_OUTPUT, &NO_RANDOMNESS, &NO_SERVER]),
    ("formats", &[&NO_INPUT_OUTPUT, &NO_RANDOMNESS, &NO_SERVER]),
    ("triage", &[&NO_INPUT_OUTPUT, &NO_RANDOMNESS, &NO_SERVER]),
    ("intake", &[&NO_INPUT_OUTPUT, &NO_SERVER]),
    ("matching", &[&NO_SQL, &NO_SERVER]),
    ("proof", &[&NO_SQL, &NO_SERVER]),
    ("store", &[&NO_SERVER]),
    ("service", &[&NO_SERVER]),
    ("cli", &[&NO_NATIVE_PARSER]),
];
/// Only this package links a database; others reach one through it.
const SQL_PACKAGES: [&str; 2] = ["store", "testkit"];

/// Checks the arrows between our packages, and who may name a database library.
pub fn check(workspace: &Workspace) -> Vec<Finding> {
    let own: BTreeSet<&str> = workspace.own().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in workspace.own().filter(|package| package.name != "xtask") {
        let manifest = format!("crates/{}/Cargo.toml", package.name);
        let mut find = |message: String| findings.push(Finding::new(&manifest, 1, message));
        let Some(level) = level_of(&package.name) else {
            find("has no level: give it one in xtask/src/tidy/arrows.rs".to_owned());
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            let name = dependency.name.as_str();
            if own.contains(name) && level_of(name).is_none_or(|below| below >= level) {
                find(format!("{} must not depend on {name}: arrows point down", package.name));
            }
            if NO_SQL.contains(&name) && !SQL_PACKAGES.contains(&package.name.as_str()) {
                find(format!("{} must not depend on {name}: only store speaks SQL", package.name));
            }
        }
    }
    findings
}

/// Checks what the packages are built from, by `cargo tree`.
pub fn check_pure(root: &Path, workspace: &Workspace) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (package, _) in KEPT_OUT {
        if workspace.own().any(|own| own.name == package) {
            findings.extend(check_built_from(package, &cargo::normal_tree(root, package)?));
        }
    }
    Ok(findings)
}

fn check_built_from(package: &str, tree: &BTreeSet<String>) -> Vec<Finding> {
    let kept_out =
        KEPT_OUT.iter().filter(|(name, _)| *name == package).flat_map(|(_, lists)| lists.iter().copied().flatten());
    let found = kept_out.filter(|name| tree.contains(**name));
    let manifest = format!("crates/{package}/Cargo.toml");
    found.map(|name| Finding::new(&manifest, 1, format!("{package} must be built without {name}"))).collect()
}

fn level_of(package: &str) -> Option<usize> {
    LEVELS.iter().position(|level| level.contains(&package))
}

#[cfg(test)]
mod tests {
    use super::super::cargo::{Dependency, Package};
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
        };
        Package {
            name: name.to_owned(),
            version: "0.1.0".to_owned(),
            source: None,
            license: None,
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    fn found(packages: Vec<Package>) -> Vec<String> {
        check(&Workspace { packages }).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn an_arrow_that_points_up_or_sideways_is_found() {
        let up = vec![package("store", &[("service", None)]), package("service", &[])];
        assert_eq!(found(up), ["store must not depend on service: arrows point down"]);
        let sideways = vec![package("store", &[("proof", None)]), package("proof", &[])];
        assert_eq!(found(sideways).len(), 1);
        let down = vec![package("service", &[("store", None), ("testkit", Some("dev"))]), package("store", &[])];
        assert!(found(down).is_empty());
    }

    #[test]
    fn a_package_without_a_level_is_found() {
        assert_eq!(found(vec![package("newcomer", &[])]).len(), 1);
    }

    #[test]
    fn a_database_outside_the_store_is_found() {
        assert_eq!(found(vec![package("service", &[("rusqlite", None)])]).len(), 1);
        assert!(found(vec![package("store", &[("rusqlite", None)])]).is_empty());
    }

    #[test]
    fn what_is_kept_out_is_found_however_deep() {
        let tree = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(check_built_from("domain", &tree(&["domain", "packageurl", "serde"])).len(), 1);
        assert_eq!(check_built_from("formats", &tree(&["formats", "tokio", "axum"])).len(), 2);
        assert!(check_built_from("formats", &tree(&["formats", "serde"])).is_empty());
    }
}
