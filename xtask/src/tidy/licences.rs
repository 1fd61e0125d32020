//! Licences of what is built in or used by the tests: each must be one that this project's licence goes with.

use super::Finding;
use super::cargo::Workspace;
use super::tree::Tree;
use serde::Deserialize;
use std::collections::BTreeMap;

/// SPDX names, exceptions included as they are written.
const ALLOWED: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unicode-DFS-2016",
    "Unlicense",
    "Zlib",
];
const PEERS_LOCK: &str = "peers/package-lock.json";

#[derive(Deserialize)]
struct Lock {
    packages: BTreeMap<String, LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    license: Option<String>,
}

pub fn check(workspace: &Workspace, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let shown = format!("{} {}", package.name, package.version);
        findings.extend(check_one("Cargo.lock", &shown, package.license.as_deref()));
    }
    let Some(text) = tree.text(PEERS_LOCK) else { return findings };
    match serde_json::from_str::<Lock>(text) {
        Ok(lock) => {
            for (name, package) in lock.packages {
                findings.extend(check_one(PEERS_LOCK, &name, package.license.as_deref()));
            }
        }
        Err(error) => findings.push(Finding::new(PEERS_LOCK, error.line(), format!("is no package lock: {error}"))),
    }
    findings
}

fn check_one(path: &str, package: &str, licence: Option<&str>) -> Option<Finding> {
    let Some(licence) = licence else {
        return Some(Finding::new(path, 1, format!("{package} states no licence")));
    };
    let refused = !is_allowed(licence);
    refused.then(|| Finding::new(path, 1, format!("{package}: the licence {licence} is not on the list")))
}

/// Whether the expression can be satisfied by allowed licences. `OR` binds weaker than `AND`; `/` is the old way to write `OR`.
fn is_allowed(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ");
    let tokens: Vec<String> =
        expression.replace('(', " ( ").replace(')', " ) ").split_whitespace().map(str::to_owned).collect();
    let mut reader = Reader { tokens: &tokens };
    reader.alternatives() && reader.tokens.is_empty()
}

struct Reader<'t> {
    tokens: &'t [String],
}

impl Reader<'_> {
    fn take(&mut self, wanted: &str) -> bool {
        let Some((first, rest)) = self.tokens.split_first() else { return false };
        let taken = first == wanted;
        if taken {
            self.tokens = rest;
        }
        taken
    }

    fn alternatives(&mut self) -> bool {
        let mut allowed = self.together();
        while self.take("OR") {
            allowed |= self.together();
        }
        allowed
    }

    fn together(&mut self) -> bool {
        let mut allowed = self.single();
        while self.take("AND") {
            allowed &= self.single();
        }
        allowed
    }

    fn single(&mut self) -> bool {
        if self.take("(") {
            let inner = self.alternatives();
            return self.take(")") && inner;
        }
        let Some((name, rest)) = self.tokens.split_first() else { return false };
        self.tokens = rest;
        let mut name = name.clone();
        if self.take("WITH")
            && let Some((exception, rest)) = self.tokens.split_first()
        {
            name = format!("{name} WITH {exception}");
            self.tokens = rest;
        }
        ALLOWED.contains(&name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_as_spdx_means_them() {
        let check = |expression: &str, allowed: bool| assert_eq!(is_allowed(expression), allowed, "{expression}");
        check("MIT OR Apache-2.0", true);
        check("MIT/Apache-2.0", true);
        check("GPL-3.0-only OR MIT", true);
        check("GPL-3.0-only", false);
        check("MIT AND GPL-3.0-only", false);
        check("(MIT OR Apache-2.0) AND Unicode-3.0", true);
        check("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true);
        check("Apache-2.0 WITH Other-exception", false);
        check("(MIT", false);
        check("", false);
    }

    #[test]
    fn a_package_without_or_with_another_licence_is_found() {
        assert!(check_one("Cargo.lock", "x 1.0.0", None).is_some());
        assert!(check_one("Cargo.lock", "x 1.0.0", Some("AGPL-3.0-only")).is_some());
        let lock = r#"{"packages": {"node_modules/x": {"license": "SSPL-1.0"}}}"#;
        let found = check(&Workspace { packages: Vec::new() }, &Tree::of(&[(PEERS_LOCK, lock)]));
        assert_eq!(found.len(), 1);
    }
}
