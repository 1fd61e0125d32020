//! Puts the purl specification's own test suite, a file of JSON, to the reader: `purl_suite FILE`. Ends with 1 when one case differs.
//! `cargo xtask slow purl` gets the file.

use std::process::ExitCode;

use formats::purl::Purl;
use serde_json::Value;

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("use: purl_suite FILE");
        return ExitCode::from(2);
    };
    let cases: Vec<Value> = match std::fs::read(&path)
        .map_err(|e| e.to_string())
        .and_then(|bytes| serde_json::from_slice(&bytes).map_err(|e| e.to_string()))
    {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("read {path}: {error}");
            return ExitCode::from(2);
        }
    };
    let wrong: Vec<String> =
        cases.iter().filter_map(|case| differs(case).map(|how| format!("{case}: {how}"))).collect();
    for line in &wrong {
        println!("{line}");
    }
    println!("{} cases, {} differ", cases.len(), wrong.len());
    if wrong.is_empty() && !cases.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn differs(case: &Value) -> Option<String> {
    let text = |field: &str| case[field].as_str();
    let read = text("purl").unwrap_or_default().parse::<Purl>();
    let purl = match (read, case["is_invalid"].as_bool()) {
        (Err(_), Some(true)) => return None,
        (Ok(purl), Some(true)) => return Some(format!("taken for {}", purl.canonical)),
        (Err(error), _) => return Some(error.to_string()),
        (Ok(purl), _) => purl,
    };
    // What is kept is canonical and has no version.
    let canonical = text("canonical_purl").unwrap_or_default();
    let bare = canonical.split(['?', '#']).next().unwrap_or_default();
    let behind = canonical.strip_prefix(bare).unwrap_or_default();
    let bare = if text("version").is_some() { bare.rsplit_once('@').map_or(bare, |(bare, _)| bare) } else { bare };
    let wanted = (format!("{bare}{behind}"), text("type"), text("version"));
    let got = (purl.canonical.clone(), Some(purl.purl_type.as_str()), purl.version.as_deref());
    if (got.0.as_str(), got.1, got.2) != (wanted.0.as_str(), wanted.1, wanted.2) {
        return Some(format!("read as {got:?}"));
    }
    let name = text("name").unwrap_or_default();
    (!purl.name.ends_with(name)).then(|| format!("the name is read as {:?}", purl.name))
}
