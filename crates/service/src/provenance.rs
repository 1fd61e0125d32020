//! What is kept of where a report comes from, beside its body: TAP's own fields for it, and the attachment `provenance.json`.
//!
//! Must not rewrite a name, renegotiate a term, or take other people's ids for more than hints.

use formats::Warning;
use formats::provenance::{self, Credit, EmbargoTerms};
use formats::tap::Report;
use serde_json::{Value, json};

/// Everything, as the JSON that is kept in clear: no attachment's content but this one's.
pub(crate) fn kept(report: &Report) -> String {
    let mut out = json!({
        "discovery_method": report.discovery_method,
        "discovery_tooling": report.discovery_tooling,
        "references": report.references,
        "upstream_ids": report.upstream_ids,
        "reported_versions": report.versions,
        "introduced_commit": report.introduced_commit,
        "fixed_commit": report.fixed_commit,
    });
    if let (Some(Ok((told, _))), Some(out)) = (provenance::of_report(report), out.as_object_mut())
        && let Value::Object(mut told) = provenance::write(&told)
    {
        told.remove("format");
        out.append(&mut told);
    }
    out.to_string()
}

/// What of it was not used.
pub(crate) fn warnings(report: &Report) -> Vec<Warning> {
    match provenance::of_report(report) {
        None => Vec::new(),
        Some(Ok((_, warnings))) => warnings,
        Some(Err(unreadable)) => {
            let text = format!("kept as an attachment, and not used: {unreadable}");
            vec![Warning::new("provenance_not_used", "attachments", text)]
        }
    }
}

/// Who is credited, to the letter: the finders that the report names, else the party that sent it.
pub(crate) fn credits(report: &Report, party: String) -> Vec<String> {
    let told = match provenance::of_report(report) {
        Some(Ok((told, _))) => told.credits,
        _ => Vec::new(),
    };
    let mut names: Vec<String> = told.into_iter().filter(Credit::is_finder).map(|credit| credit.name).collect();
    if names.is_empty() {
        names.push(party);
    }
    names
}

/// The terms that a report came with, in a sentence.
pub(crate) fn terms_told(kept: &str) -> Option<String> {
    let kept: Value = serde_json::from_str(kept).ok()?;
    let told = kept.get("embargo")?;
    let text = |field: &str| told.get(field).and_then(Value::as_str).map(str::to_owned);
    let terms = EmbargoTerms { ends: text("ends"), terms: text("terms"), url: text("url") };
    let mut said = Vec::new();
    said.extend(terms.ends.map(|ends| format!("kept until {ends}")));
    said.extend(terms.terms);
    said.extend(terms.url.map(|url| format!("as {url} says")));
    (!said.is_empty())
        .then(|| format!("the report came with terms, which are relayed as they are: {}", said.join("; ")))
}
