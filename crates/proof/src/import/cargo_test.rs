//! An integration test in Rust: its file as a module of a small program, without the test harness, which would run each test
//! in a thread of its own and end with a status for all. Only `#[test]` marks are taken off; nothing else is read.

use std::collections::BTreeMap;

use super::{Expectation, Import, ImportError, MANIFEST_NAME, made, text, unusable};

/// The imported file in the bundle.
const CASE: &str = "imported_case.rs";
const RUNNER: &str = include_str!("templates/cargo_runner.rs.txt");

pub(super) fn files(import: &Import) -> Result<BTreeMap<String, Vec<u8>>, ImportError> {
    let source = text(import.files.get(&import.main).map_or(&[], Vec::as_slice), &import.main)?;
    let mut case = source.replace("#[test]", "");
    for name in [&import.test, &import.control] {
        case = made_public(&case, name, &import.main)?;
    }
    if let Some(odd) = import.raises.iter().find(|name| *name != "panic") {
        return Err(unusable(format!("{odd}: a Rust test has no exceptions; only `panic` is known")));
    }
    let program = |body: &str| {
        RUNNER
            .replace("/* BODY */", body)
            .replace("/* TEST */", &import.test)
            .replace("/* CONTROL */", &import.control)
            .replace("/* PANICS */", if import.raises.is_empty() { "false" } else { "true" })
            .replace(
                "/* SHOWS */",
                match import.expect {
                    Expectation::FailsWhenVulnerable => "Failed",
                    Expectation::FailsWhenFixed => "Passed",
                },
            )
    };
    let control =
        "std::process::exit(if ended(|| imported_case::/* CONTROL */().held()) == Ending::Passed { 0 } else { 1 });";
    Ok(made(vec![
        (MANIFEST_NAME, import.manifest("rust", "poc.rs", "control.rs", "assertion", "", &[])),
        (CASE, case),
        ("poc.rs", program("test();")),
        ("control.rs", program(control)),
    ]))
}

/// Makes a function of the top level one that the program can call.
fn made_public(source: &str, name: &str, file: &str) -> Result<String, ImportError> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let wanted = format!("fn {name}(");
    let mut lines: Vec<String> = source.lines().map(str::to_owned).collect();
    let at = lines
        .iter()
        .position(|line| plain && (line.starts_with(&wanted) || line.starts_with(&format!("pub {wanted}"))));
    let Some(at) = at else {
        return Err(unusable(format!("{file}: there is no `{wanted}` at the beginning of a line, outside any module")));
    };
    if lines[..at]
        .iter()
        .rev()
        .take_while(|line| line.starts_with("#[") || line.is_empty())
        .any(|l| l.contains("should_panic"))
    {
        return Err(unusable(format!(
            "{file}: {name} should panic; give it as --expect fails-when-fixed --raises panic"
        )));
    }
    if lines[at].starts_with("fn ") {
        lines[at] = format!("pub {}", lines[at]);
    }
    Ok(lines.join("\n") + "\n")
}
