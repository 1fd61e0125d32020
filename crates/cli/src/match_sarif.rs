//! Findings as SARIF 2.1.0, for tools that show results beside the files they are in. What was not compared stays in the run as
//! notifications: a result file is never silently shorter than the inventory.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::match_report::{FindingReport, Report};

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The answer as one SARIF document.
pub fn document(report: &Report) -> Value {
    let mut rules: BTreeMap<&str, Value> = BTreeMap::new();
    let (mut results, mut notes) = (Vec::new(), Vec::new());
    for inventory in &report.inventories {
        for finding in &inventory.findings {
            let id = finding.ids.first().map_or("", String::as_str);
            rules.entry(id).or_insert_with(|| json!({"id": id, "shortDescription": {"text": finding.ids.join(", ")}}));
            results.push(result(&inventory.path, id, finding));
        }
        let unmatchable = inventory.unmatchable.iter().map(|u| u.sentence());
        for text in unmatchable.chain(inventory.warnings.iter().cloned()) {
            notes.push(json!({
                "level": "note",
                "message": {"text": text},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&inventory.path)}}}],
            }));
        }
    }
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "proofhouse",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.into_values().collect::<Vec<_>>(),
            }},
            "invocations": [{"executionSuccessful": true, "toolExecutionNotifications": notes}],
            "results": results,
        }],
    })
}

fn result(path: &str, id: &str, finding: &FindingReport) -> Value {
    let component = &finding.component;
    let version = component.version.as_deref().unwrap_or("?");
    let because: Vec<&str> = finding.statements.iter().map(|s| s.because.as_str()).collect();
    let fixed =
        if finding.fixed.is_empty() { String::new() } else { format!(" Fixed in {}.", finding.fixed.join(" or ")) };
    let text =
        format!("{} {version} is {} by {id}: {}.{fixed}", component.name, word(finding.status), because.join("; "));
    let mut out = json!({
        "ruleId": id,
        "level": if finding.status == "affected" { "error" } else { "warning" },
        "message": {"text": text},
        "locations": [{
            "physicalLocation": {"artifactLocation": {"uri": uri(path)}},
            "logicalLocations": [{"fullyQualifiedName": component.path}],
        }],
        "partialFingerprints": {"vulnerabilityOfComponent/v1": format!("{id}|{}|{version}", component.path)},
    });
    if finding.is_settled() {
        out["suppressions"] = json!([{"kind": "external", "justification": "a VEX document says so"}]);
    }
    out
}

fn word(status: &str) -> &str {
    if status == "affected" { "affected" } else { "possibly affected" }
}

/// A path as a relative or absolute URI reference: what is not plain is escaped.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
