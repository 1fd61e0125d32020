//! Writes an OSV record. Absent and empty fields are left out, so that older schemas accept it too.

use serde_json::{Map, Value, json};

use super::{Affected, Credit, Range, RangeKind, Record, Severity};

/// The schema a record is written by, unless it says another.
pub const SCHEMA_VERSION: &str = "1.7.0";

/// The record as one JSON document, indented.
#[must_use]
pub fn write(record: &Record) -> Vec<u8> {
    let mut out = Object::default();
    out.put("schema_version", json!(record.schema_version.as_deref().unwrap_or(SCHEMA_VERSION)));
    out.put("id", json!(record.id));
    out.put("modified", json!(record.modified));
    out.text("published", record.published.as_deref());
    out.text("withdrawn", record.withdrawn.as_deref());
    out.list("aliases", record.aliases.iter().map(|t| json!(t)));
    out.list("upstream", record.upstream.iter().map(|t| json!(t)));
    out.list("related", record.related.iter().map(|t| json!(t)));
    out.text("summary", record.summary.as_deref());
    out.text("details", record.details.as_deref());
    out.list("severity", record.severity.iter().map(severity));
    out.list("affected", record.affected.iter().map(affected));
    out.list("references", record.references.iter().map(|r| json!({"type": r.kind, "url": r.url})));
    out.list("credits", record.credits.iter().map(credit));
    out.object("database_specific", record.database_specific.as_ref());
    let mut bytes = serde_json::to_vec_pretty(&Value::Object(out.0)).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A JSON object that takes only what is there.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn put(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    fn text(&mut self, field: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.put(field, json!(text));
        }
    }

    fn list(&mut self, field: &str, items: impl Iterator<Item = Value>) {
        let items: Vec<Value> = items.collect();
        if !items.is_empty() {
            self.put(field, Value::Array(items));
        }
    }

    fn object(&mut self, field: &str, members: Option<&Map<String, Value>>) {
        if let Some(members) = members {
            self.put(field, Value::Object(members.clone()));
        }
    }
}

fn severity(severity: &Severity) -> Value {
    json!({"type": severity.kind, "score": severity.score})
}

fn credit(credit: &Credit) -> Value {
    let mut out = Object::default();
    out.put("name", json!(credit.name));
    out.list("contact", credit.contact.iter().map(|t| json!(t)));
    out.text("type", credit.kind.as_deref());
    Value::Object(out.0)
}

fn affected(affected: &Affected) -> Value {
    let mut out = Object::default();
    if let Some(package) = &affected.package {
        let mut named = Object::default();
        named.put("ecosystem", json!(package.ecosystem));
        named.put("name", json!(package.name));
        named.text("purl", package.purl.as_deref());
        out.put("package", Value::Object(named.0));
    }
    out.list("severity", affected.severity.iter().map(severity));
    // A range that could not be read cannot be written either: whoever relays such a record relays the original bytes.
    out.list("ranges", affected.ranges.iter().filter(|r| r.kind != RangeKind::Unreadable).map(range));
    out.list("versions", affected.versions.iter().map(|t| json!(t)));
    out.object("ecosystem_specific", affected.ecosystem_specific.as_ref());
    out.object("database_specific", affected.database_specific.as_ref());
    Value::Object(out.0)
}

fn range(range: &Range) -> Value {
    let mut out = Object::default();
    out.put("type", json!(range.kind.as_str()));
    out.text("repo", range.repo.as_deref());
    let events = range.events.iter().map(|event| {
        let (word, version) = event.parts();
        json!({word: version})
    });
    out.list("events", events);
    out.object("database_specific", range.database_specific.as_ref());
    Value::Object(out.0)
}
