//! What the sender thinks of the defect. Bounded strictly; what is in it is understood where it can be, and warned about
//! where it cannot: an opinion is no reason to refuse a report.

use serde_json::{Map, Value};

use super::limits::{ENRICHMENT_BYTES_MAX, ENRICHMENT_LEVELS_MAX};
use super::reading::Reading;
use super::report::{Enrichment, Verified};
use super::violation::Code;
use crate::Warning;
use crate::json::Node;

const FIELD: &str = "enrichment";

const VEX_STATUSES: [&str; 4] = ["not_affected", "affected", "fixed", "under_investigation"];

pub(super) fn read(reading: &mut Reading, node: Node) -> Option<Enrichment> {
    let Node::Object(_) = &node else {
        reading.not_a_report(format!("{FIELD} is {}, not an object", node.kind()));
        return None;
    };
    let Some(Value::Object(sent)) = node.value() else {
        let reason = format!("more than {ENRICHMENT_LEVELS_MAX} levels");
        reading.violation(Code::StructureTooDeep, FIELD, reason);
        return None;
    };
    let bytes = Value::Object(sent.clone()).to_string().len();
    if bytes > ENRICHMENT_BYTES_MAX {
        let reason = format!("{bytes} bytes, at most {ENRICHMENT_BYTES_MAX} are accepted");
        reading.violation(Code::FieldTooLarge, FIELD, reason);
        return None;
    }
    if node_has_control(&node) {
        reading.violation(Code::ControlCharacters, FIELD, "a control character in it");
        return None;
    }
    Some(understood(reading, sent))
}

fn node_has_control(node: &Node) -> bool {
    match node {
        Node::String(text) => text.chars().any(char::is_control),
        Node::Array(items) => items.iter().any(node_has_control),
        Node::Object(members) => {
            members.iter().any(|(key, value)| key.chars().any(char::is_control) || node_has_control(value))
        }
        _ => false,
    }
}

fn understood(reading: &mut Reading, sent: Map<String, Value>) -> Enrichment {
    let mut out = Enrichment::default();
    for (key, value) in &sent {
        let text = value.as_str();
        let used = match key.as_str() {
            "cvss_vector" => {
                out.cvss_vector = text.filter(|t| t.starts_with("CVSS:4.0/")).map(str::to_owned);
                out.cvss_vector.is_some()
            }
            "cwe" => {
                out.cwe = cwes(value);
                !out.cwe.is_empty()
            }
            "severity" => {
                out.severity = text.map(str::to_owned);
                out.severity.is_some()
            }
            "vex_status" => {
                out.vex_status = text.filter(|t| VEX_STATUSES.contains(t)).map(str::to_owned);
                out.vex_status.is_some()
            }
            "verified" => {
                out.verified = text.and_then(Verified::of_word);
                out.verified.is_some()
            }
            "epss" => {
                out.epss = value.as_f64().filter(|p| (0.0..=1.0).contains(p));
                out.epss.is_some()
            }
            "ssvc" => value.is_object() || value.is_string(),
            _ => false,
        };
        if !used && !value.is_null() {
            let at = if KNOWN.contains(&key.as_str()) { format!("{FIELD}.{key}") } else { FIELD.to_owned() };
            let text = "kept as sent, and not used: not a field or a value known here";
            let warning = Warning::new("enrichment_not_used", at, text);
            if !reading.warnings.contains(&warning) {
                reading.warnings.push(warning);
            }
        }
    }
    out.sent = sent;
    out
}

const KNOWN: [&str; 7] = ["cvss_vector", "cwe", "ssvc", "vex_status", "severity", "verified", "epss"];

/// One `CWE-79` or a list of them.
fn cwes(value: &Value) -> Vec<String> {
    let one = std::slice::from_ref(value);
    let all = value.as_array().map_or(one, Vec::as_slice);
    let is_cwe = |text: &&str| {
        text.strip_prefix("CWE-")
            .is_some_and(|n| !n.is_empty() && n.len() <= 6 && n.bytes().all(|b| b.is_ascii_digit()))
    };
    all.iter().filter_map(Value::as_str).filter(is_cwe).map(str::to_owned).collect()
}
