//! A test that jest runs: jest's own `expect`, pinned, and a small runner in place of the rest, which would bring a compiler
//! and processes of its own into the box. Must not read the tests.

use std::collections::BTreeMap;

use super::{Import, ImportError, MANIFEST_NAME, made, unusable};

/// The matchers.
const PINNED: [(&str, &str); 1] = [("expect", "29.7.0")];
const RUNNER: &str = include_str!("templates/jest_runner.js");

pub(super) fn files(import: &Import) -> Result<BTreeMap<String, Vec<u8>>, ImportError> {
    if ![".js", ".cjs"].iter().any(|ending| import.main.ends_with(ending)) {
        return Err(unusable(format!("{}: a CommonJS file of tests is wanted, .js or .cjs", import.main)));
    }
    let manifest = import.manifest("node", "poc.js", "control.js", "assertion", "", &PINNED);
    let start = |call: &str| format!("'use strict';\nrequire('./imported-runner.js').{call};\n");
    Ok(made(vec![
        (MANIFEST_NAME, manifest),
        ("imported-runner.js", RUNNER.to_owned()),
        ("imported.json", import.values()),
        ("poc.js", start("test()")),
        ("control.js", start("control()")),
    ]))
}
