//! The demo's last screen: what came in, what it was, who was told, and where to look.
//!
//! Must not ask anything: it shows what the story brought back.

use std::path::Path;
use std::process::ExitCode;

use serde_json::{Value, json};

use super::story::{Outcome, affected};
use crate::api::{items, text};
use crate::output;

/// Prints the summary.
pub fn print(outcome: &Outcome, base: &str, home: &Path, as_json: bool) -> ExitCode {
    let printed =
        if as_json { output::json_print(&document(outcome)) } else { output::lines_print(&lines(outcome, base, home)) };
    match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(code) => code,
    }
}

fn document(outcome: &Outcome) -> Value {
    let operators: Vec<Value> =
        outcome.operators.iter().map(|(name, notices)| json!({"name": name, "notices": notices})).collect();
    json!({"reports": outcome.reports, "cases": outcome.cases, "operators": operators, "seconds": outcome.seconds})
}

fn lines(outcome: &Outcome, base: &str, home: &Path) -> Vec<String> {
    let in_case = outcome.reports.iter().filter(|r| state_of(r) == "in-case").count();
    let mut lines = vec![
        String::new(),
        "────────────────────────────────────────────────────────────────────────────────────────────".to_owned(),
        format!(
            "{} reports → {in_case} proved → {} cases → {} advisories, in {:.0} s",
            outcome.reports.len(),
            outcome.cases.len(),
            outcome.cases.iter().filter(|c| c["advisory"].is_object()).count(),
            outcome.seconds
        ),
        String::new(),
    ];
    for case in &outcome.cases {
        let advisory = case.pointer("/advisory/name").and_then(Value::as_str).unwrap_or("not published");
        lines.push(format!(
            "{advisory}  {:<20} {} report(s)  affected {}",
            text(case, "purl"),
            items(case, "findings").len(),
            affected(case)
        ));
        lines.push(format!("  {}   {base}/cases/{}", strip(case), text(case, "id")));
    }
    lines.push(String::new());
    for report in outcome.reports.iter().filter(|r| state_of(r) != "in-case") {
        lines.push(format!("not proved: {}: {}", text(report, "title"), reason_of(report)));
    }
    for report in outcome.reports.iter().filter(|r| reason_of(r).contains("declares fixed")) {
        lines.push(format!("wrong fix:  {}: {}", text(report, "title"), reason_of(report)));
    }
    lines.push(String::new());
    for (name, notices) in &outcome.operators {
        let open = notices.iter().filter(|n| text(n, "state") != "closed").count();
        let soonest = notices.iter().filter(|n| text(n, "state") != "closed").filter_map(|n| n["due"].as_str()).min();
        let due = soonest.map_or_else(String::new, |d| format!(", soonest due {}", d.get(..10).unwrap_or(d)));
        lines.push(format!("{name:<26} {} notice(s), {open} open{due}", notices.len()));
    }
    lines.push(String::new());
    let program = std::env::args().next().unwrap_or_else(|| "proofhouse".to_owned());
    lines.push(format!("To look at the pages: {program} --home {} demo --look", home.display()));
    lines
}

fn finding_of(report: &Value) -> Value {
    items(report, "findings").first().cloned().unwrap_or_default()
}

fn state_of(report: &Value) -> String {
    text(&finding_of(report), "state").to_owned()
}

fn reason_of(report: &Value) -> String {
    text(&finding_of(report), "state_reason").to_owned()
}

/// The versions of a case as one small strip: fired, silent, unknown.
fn strip(case: &Value) -> String {
    let count = |field: &str| case.pointer(&format!("/range/{field}")).and_then(Value::as_array).map_or(0, Vec::len);
    let (fired, silent, unknown) = (count("fired"), count("silent"), count("inconclusive"));
    format!("{fired} fired █  {silent} silent ░  {unknown} unknown ·")
}
