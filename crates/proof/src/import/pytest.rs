//! A test that pytest runs: pytest itself, pinned, in the box, with a plugin that sees by which exception a test ended.
//! Must not read the tests.

use std::collections::BTreeMap;

use super::{Import, ImportError, MANIFEST_NAME, made};

/// The framework and what it stands on.
const PINNED: [(&str, &str); 4] =
    [("iniconfig", "2.0.0"), ("packaging", "24.2"), ("pluggy", "1.5.0"), ("pytest", "8.3.4")];
const RUNNER: &str = include_str!("templates/pytest_runner.py");

pub(super) fn files(import: &Import) -> Result<BTreeMap<String, Vec<u8>>, ImportError> {
    let manifest = import.manifest("python", "poc.py", "control.py", "assertion", "wall = \"60s\"\n", &PINNED);
    let start = |call: &str| format!("import imported_runner\n\nimported_runner.{call}\n");
    Ok(made(vec![
        (MANIFEST_NAME, manifest),
        ("imported_runner.py", RUNNER.to_owned()),
        ("imported.json", import.values()),
        ("poc.py", start("test()")),
        ("control.py", start("control()")),
    ]))
}
