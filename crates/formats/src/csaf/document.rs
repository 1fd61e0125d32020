//! Puts the document together, field by field as section 3.2 of CSAF 2.0 has them.

use serde_json::{Map, Value, json};

use super::check::{advisory_check, status_lists};
use super::tree::{product_id, product_tree};
use super::{Acknowledgment, Advisory, Note, Product, Reference, Tracking, Unwritable, Vulnerability, cwe_name};

/// The advisory as one CSAF 2.0 document of the profile `csaf_security_advisory`, indented.
///
/// # Errors
/// [`Unwritable`] when its parts contradict each other or the standard.
pub fn write(advisory: &Advisory) -> Result<Vec<u8>, Unwritable> {
    advisory_check(advisory)?;
    let vulnerabilities: Vec<Value> =
        advisory.vulnerabilities.iter().map(|v| vulnerability(v, &advisory.products)).collect();
    let mut out = Object::default();
    out.put("document", document(advisory));
    if !advisory.products.is_empty() {
        out.put("product_tree", product_tree(&advisory.products));
    }
    out.put("vulnerabilities", json!(vulnerabilities));
    let mut bytes = serde_json::to_vec_pretty(&Value::Object(out.0)).unwrap_or_default();
    bytes.push(b'\n');
    Ok(bytes)
}

/// A JSON object that takes only what is there: CSAF allows no empty list or text.
#[derive(Default)]
struct Object(Map<String, Value>);

impl Object {
    fn put(&mut self, field: &str, value: Value) {
        self.0.insert(field.to_owned(), value);
    }

    fn text(&mut self, field: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            self.put(field, json!(text));
        }
    }

    fn list(&mut self, field: &str, items: impl Iterator<Item = Value>) {
        let items: Vec<Value> = items.collect();
        if !items.is_empty() {
            self.put(field, Value::Array(items));
        }
    }
}

fn document(advisory: &Advisory) -> Value {
    let mut out = Object::default();
    out.list("acknowledgments", advisory.acknowledgments.iter().filter_map(acknowledgment));
    out.put("category", json!("csaf_security_advisory"));
    out.put("csaf_version", json!("2.0"));
    out.put("distribution", json!({"tlp": {"label": advisory.tlp.as_str(), "url": "https://www.first.org/tlp/"}}));
    out.put("lang", json!("en"));
    if let Some(severity) = &advisory.aggregate_severity {
        out.put("aggregate_severity", json!({"text": severity}));
    }
    out.list("notes", advisory.notes.iter().map(note));
    let publisher = &advisory.publisher;
    let mut by = Object::default();
    by.put("category", json!(publisher.category.as_str()));
    by.put("name", json!(publisher.name));
    by.put("namespace", json!(publisher.namespace));
    by.text("contact_details", publisher.contact.as_deref());
    out.put("publisher", Value::Object(by.0));
    out.list("references", advisory.references.iter().map(reference));
    out.put("title", json!(advisory.title));
    out.put("tracking", tracking(&advisory.tracking));
    Value::Object(out.0)
}

fn tracking(tracking: &Tracking) -> Value {
    let mut out = Object::default();
    let revisions = &tracking.revisions;
    let date_of = |revision: Option<&super::Revision>| json!(revision.map(|r| r.date.as_str()).unwrap_or_default());
    out.list("aliases", tracking.aliases.iter().map(|t| json!(t)));
    out.put("id", json!(tracking.id));
    out.put("status", json!(tracking.status.as_str()));
    out.put("version", json!(revisions.len().to_string()));
    out.put("initial_release_date", date_of(revisions.first()));
    out.put("current_release_date", date_of(revisions.last()));
    out.list(
        "revision_history",
        revisions
            .iter()
            .enumerate()
            .map(|(i, r)| json!({"date": r.date, "number": (i + 1).to_string(), "summary": r.summary})),
    );
    if let Some((name, version)) = &tracking.generator {
        out.put("generator", json!({"engine": {"name": name, "version": version}}));
    }
    Value::Object(out.0)
}

fn note(note: &Note) -> Value {
    let mut out = Object::default();
    out.put("category", json!(note.category.as_str()));
    out.text("title", note.title.as_deref());
    out.put("text", json!(note.text));
    Value::Object(out.0)
}

fn reference(reference: &Reference) -> Value {
    let category = if reference.of_itself { "self" } else { "external" };
    json!({"category": category, "summary": reference.summary, "url": reference.url})
}

/// `None` for one that credits nobody.
fn acknowledgment(credit: &Acknowledgment) -> Option<Value> {
    let mut out = Object::default();
    out.list("names", credit.names.iter().filter(|n| !n.is_empty()).map(|t| json!(t)));
    out.text("organization", credit.organization.as_deref());
    out.text("summary", credit.summary.as_deref());
    out.list("urls", credit.urls.iter().map(|t| json!(t)));
    (!out.0.is_empty()).then_some(Value::Object(out.0))
}

fn vulnerability(v: &Vulnerability, products: &[Product]) -> Value {
    let ids_of = |indices: &[usize]| -> Vec<Value> {
        let mut indices = indices.to_vec();
        indices.sort_unstable();
        indices.dedup();
        indices.iter().filter_map(|i| products.get(*i)).map(product_id).collect()
    };
    let mut out = Object::default();
    out.list("acknowledgments", v.acknowledgments.iter().filter_map(acknowledgment));
    out.text("cve", v.cve.as_deref());
    if let Some((id, name)) = v.cwe.as_deref().and_then(|id| cwe_name(id).map(|name| (id, name))) {
        out.put("cwe", json!({"id": id, "name": name}));
    }
    out.text("discovery_date", v.discovery_date.as_deref());
    out.list("flags", v.flags.iter().map(|f| json!({"label": f.label.as_str(), "product_ids": ids_of(&f.products)})));
    out.list("ids", v.ids.iter().map(|(system, id)| json!({"system_name": system, "text": id})));
    out.list("notes", v.notes.iter().map(note));
    let mut status = Object::default();
    for (field, indices) in status_lists(&v.status) {
        status.list(field, ids_of(indices).into_iter());
    }
    if !status.0.is_empty() {
        out.put("product_status", Value::Object(status.0));
    }
    out.list("references", v.references.iter().map(reference));
    out.text("release_date", v.release_date.as_deref());
    let remediations = v.remediations.iter().map(|r| {
        let mut out = Object::default();
        out.put("category", json!(r.category.as_str()));
        out.put("details", json!(r.details));
        out.put("product_ids", json!(ids_of(&r.products)));
        out.text("date", r.date.as_deref());
        out.text("url", r.url.as_deref());
        Value::Object(out.0)
    });
    out.list("remediations", remediations);
    let impacts = v.impacts.iter();
    out.list(
        "threats",
        impacts.map(|i| json!({"category": "impact", "details": i.details, "product_ids": ids_of(&i.products)})),
    );
    out.text("title", v.title.as_deref());
    Value::Object(out.0)
}
