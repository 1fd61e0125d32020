//! How a command that asks a clearinghouse shows the answer: the JSON as it came, or lines for people.
//!
//! Must not ask anything itself.

use std::process::ExitCode;

use serde_json::Value;

use crate::api::{ApiError, items, text};
use crate::output;

/// Prints an answer: as JSON, or with `lines`.
pub fn show(answer: Result<Value, ApiError>, json: bool, lines: impl Fn(&Value) -> Vec<String>) -> ExitCode {
    let value = match answer {
        Ok(value) => value,
        Err(error) => return error.exit(),
    };
    let printed = if json { output::json_print(&value) } else { output::lines_print(&lines(&value)) };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

/// A page: one line an item, and how to go on.
pub fn page(value: &Value, line: impl Fn(&Value) -> String) -> Vec<String> {
    let mut lines: Vec<String> = items(value, "items").iter().map(line).collect();
    if lines.is_empty() {
        lines.push("nothing to show".to_owned());
    }
    if let Some(next) = value.get("next").and_then(Value::as_str) {
        lines.push(format!("more: --cursor {next}"));
    }
    lines
}

/// Fields of an object, one a line; those that are absent or empty are left out.
pub fn fields(value: &Value, names: &[&str]) -> Vec<String> {
    let mut lines = Vec::new();
    for name in names {
        let shown = match value.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(Value::Array(list)) => list.iter().map(one_line).collect::<Vec<_>>().join(", "),
            Some(other) => other.to_string(),
        };
        if !shown.is_empty() {
            lines.push(format!("{:<12} {shown}", name.replace('_', " ")));
        }
    }
    lines
}

fn one_line(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// What maintainers said of findings, one a line.
pub fn verdict_lines(value: &Value) -> Vec<String> {
    let line = |said: &Value| {
        let of = said.get("duplicate_of").and_then(Value::as_str).map(|of| format!(" ({of})")).unwrap_or_default();
        format!("{:<12} {}{of}: {}", "verdict", text(said, "verdict"), text(said, "reason"))
    };
    items(value, "verdicts").iter().map(line).collect()
}

/// A case in lines: what it is, how far it is, its reports, fixes, embargo and history.
pub fn case_lines(case: &Value) -> Vec<String> {
    let mut lines = vec![format!("{}  {}", text(case, "id"), text(case, "title"))];
    lines.extend(fields(case, &["purl", "state", "tlp", "aliases", "weakness", "verdict", "duplicate_of", "credits"]));
    if let Some(embargo) = case.get("embargo").filter(|e| e.is_object()) {
        lines.push(format!(
            "{:<12} until {} ({}): {}",
            "embargo",
            text(embargo, "ends"),
            text(embargo, "source"),
            text(embargo, "reason")
        ));
    }
    for interval in case.pointer("/range/affected").and_then(Value::as_array).into_iter().flatten() {
        let end = match (interval.get("fixed"), interval.get("last_affected")) {
            (Some(fixed), _) => format!("fixed {}", one_line(fixed)),
            (None, Some(last)) => format!("last affected {}", one_line(last)),
            (None, None) => "no fix".to_owned(),
        };
        lines.push(format!("{:<12} introduced {}, {end}", "affected", text(interval, "introduced")));
    }
    let list = case.get("checklist").and_then(Value::as_object).into_iter().flatten();
    let missing: Vec<&str> = list.filter(|(_, there)| **there == false).map(|(item, _)| item.as_str()).collect();
    if !missing.is_empty() {
        lines.push(format!("{:<12} {}", "missing", missing.join(", ")));
    }
    for finding in items(case, "findings") {
        lines.push(format!(
            "{:<12} {} {}: {}",
            "finding",
            text(finding, "id"),
            text(finding, "title"),
            text(finding, "state_reason")
        ));
    }
    for fix in items(case, "fixes") {
        lines.push(format!(
            "{:<12} {} {} {} {}",
            "fix",
            text(fix, "id"),
            text(fix, "kind"),
            text(fix, "version"),
            text(fix, "state")
        ));
    }
    for notice in items(case, "notices") {
        lines.push(notice_line(notice));
    }
    for event in items(case, "events") {
        lines.push(format!("{:<12} {} {}", "history", text(event, "at"), text(event, "text")));
    }
    lines
}

/// A notice in one line.
pub fn notice_line(notice: &Value) -> String {
    let due = notice.get("due").and_then(Value::as_str).map_or("on system upgrade", |d| d.get(..10).unwrap_or(d));
    format!(
        "{}  {}  {} {}  due {due}  {}  {}",
        text(notice, "id"),
        text(notice, "asset"),
        text(notice, "purl"),
        text(notice, "version"),
        text(notice, "state"),
        text(notice, "action")
    )
}
