//! Writes a report as TAP JSON, for our own command line and for relaying. What is written reads back as the same value.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::report::{Attachment, Notify, Report, Symbol};

/// The report as one JSON document. Absent fields are left out; limits are not checked here, but by whoever reads it.
#[must_use]
pub fn write_report(report: &Report) -> Vec<u8> {
    let mut out = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(field.to_owned(), value);
        }
    };
    let text = |text: &Option<String>| text.as_ref().map(|t| json!(t));
    let list = |items: &[String]| (!items.is_empty()).then(|| json!(items));
    put("purl", text(&report.purl));
    put("software", text(&report.software));
    put("ecosystem", text(&report.ecosystem));
    put("versions", list(&report.versions));
    put("code_path", text(&report.code_path));
    put("affected_symbol", report.affected_symbol.as_ref().map(symbol));
    let attachments: Vec<Value> = report.attachments.iter().map(attachment).collect();
    put("attachments", (!attachments.is_empty()).then(|| json!(attachments)));
    put("references", list(&report.references));
    put("upstream_ids", list(&report.upstream_ids));
    put("introduced_commit", text(&report.introduced_commit));
    put("fixed_commit", text(&report.fixed_commit));
    put("package_repo_url", text(&report.package_repo_url));
    put("discovery_method", text(&report.discovery_method));
    put("discovery_tooling", text(&report.discovery_tooling));
    put("email", text(&report.email));
    let by_default = if report.email.is_some() { Notify::Milestones } else { Notify::Off };
    put("notify", (report.notify != by_default).then(|| json!(report.notify.as_str())));
    put("enrichment", report.enrichment.as_ref().map(|e| Value::Object(e.sent.clone())));
    Value::Object(out).to_string().into_bytes()
}

fn symbol(symbol: &Symbol) -> Value {
    let mut out = Map::new();
    if let Some(file) = &symbol.file {
        out.insert("file".to_owned(), json!(file));
    }
    if let Some(function) = &symbol.function {
        out.insert("function".to_owned(), json!(function));
    }
    if let Some(line) = symbol.line {
        out.insert("line".to_owned(), json!(line));
    }
    Value::Object(out)
}

fn attachment(attachment: &Attachment) -> Value {
    let data = match attachment.content_type.is_binary() {
        true => STANDARD.encode(&attachment.bytes),
        false => String::from_utf8_lossy(&attachment.bytes).into_owned(),
    };
    let mut out = json!({
        "filename": attachment.filename,
        "content_type": attachment.content_type.as_str(),
        "type": attachment.kind.as_str(),
        "data": data,
    });
    if let (Some(members), Some(description)) = (out.as_object_mut(), &attachment.description) {
        members.insert("description".to_owned(), json!(description));
    }
    out
}
