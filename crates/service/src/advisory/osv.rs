//! An advisory as an OSV record. Must not decide anything: it writes what [`Content`] says.

use formats::osv::{
    Affected, Credit, Event, Package, Range, RangeKind, Record, Reference, Severity, write as record_write,
};
use serde_json::{Map, Value, json};

use super::Content;
use crate::error::{Result, internal};

/// Prefixes of home databases that OSV's own schema knows, as far as they occur as aliases here. A
/// record under any other id is refused by that schema until the prefix is registered.
const KNOWN_PREFIXES: [&str; 6] = ["CVE-", "GHSA-", "GO-", "RUSTSEC-", "PYSEC-", "OSV-"];

/// The record. Its id is the first alias that OSV's schema accepts as one, else our own name; the
/// other ids are aliases.
pub(super) fn write(content: &Content) -> Vec<u8> {
    let known = content.aliases.iter().find(|a| KNOWN_PREFIXES.iter().any(|p| a.starts_with(p)));
    let id = known.unwrap_or(&content.name).clone();
    let all = std::iter::once(&content.name).chain(&content.aliases);
    let aliases = all.filter(|a| **a != id).cloned().collect();
    record_write(&Record {
        id,
        modified: content.modified.to_string(),
        published: Some(content.published.to_string()),
        withdrawn: content.withdrawn.as_ref().map(|(at, _)| at.to_string()),
        aliases,
        summary: Some(content.title.clone()),
        details: Some(content.summary.clone()),
        severity: content.severity.iter().map(|v| severity(v)).collect(),
        affected: vec![affected(content)],
        references: references(content),
        credits: content.credits.iter().map(|name| credit(name)).collect(),
        database_specific: Some(database_specific(content)),
        ..Record::default()
    })
}

/// The severity and the references that a stored record states.
pub(super) fn carried(body: &str) -> Result<(Option<String>, Vec<String>)> {
    let record: Value = serde_json::from_str(body).map_err(|e| internal("read a stored advisory", e))?;
    let list = |field: &str| record.get(field).and_then(Value::as_array).into_iter().flatten();
    let text = |item: &Value, field: &str| item.get(field).and_then(Value::as_str).map(ToOwned::to_owned);
    let severity = list("severity").find_map(|s| text(s, "score"));
    let web = list("references").filter(|r| text(r, "type").as_deref() == Some("WEB"));
    let references = web.filter_map(|r| text(r, "url")).collect();
    Ok((severity, references))
}

fn severity(vector: &str) -> Severity {
    let kind = if vector.starts_with("CVSS:4") { "CVSS_V4" } else { "CVSS_V3" };
    Severity { kind: kind.to_owned(), score: vector.to_owned() }
}

fn affected(content: &Content) -> Affected {
    let mut events = Vec::new();
    for interval in &content.range.affected {
        events.push(Event::Introduced(interval.introduced.clone()));
        if let Some(fixed) = &interval.fixed {
            events.push(Event::Fixed(fixed.clone()));
        } else if let Some(last) = &interval.last_affected {
            events.push(Event::LastAffected(last.clone()));
        }
    }
    Affected {
        package: Some(Package {
            ecosystem: content.package.ecosystem().as_str().to_owned(),
            name: content.package.name().to_owned(),
            purl: Some(content.package.purl().to_owned()),
        }),
        ranges: vec![Range { kind: RangeKind::Semver, events, ..Range::default() }],
        // What fired is enumerated as well: it stands whatever order a reader gives the versions.
        versions: content.range.fired.clone(),
        ..Affected::default()
    }
}

fn references(content: &Content) -> Vec<Reference> {
    let own = format!("{}/advisories/{}", content.url, content.name);
    let own = Reference { kind: "ADVISORY".to_owned(), url: own };
    let others = content.references.iter().map(|url| Reference { kind: "WEB".to_owned(), url: url.clone() });
    std::iter::once(own).chain(others).collect()
}

fn credit(name: &str) -> Credit {
    Credit { name: name.to_owned(), contact: Vec::new(), kind: Some("FINDER".to_owned()) }
}

fn database_specific(content: &Content) -> Map<String, Value> {
    let mut own = Map::new();
    own.insert(
        "measured".to_owned(),
        json!({
            "versions_total": content.range.versions_total,
            "versions_run": content.range.versions_run,
            "silent": content.range.silent,
            "unknown": content.range.inconclusive.iter().map(crate::range::Undecided::version).collect::<Vec<_>>(),
        }),
    );
    if let Some(weakness) = &content.weakness {
        own.insert("cwe_ids".to_owned(), json!([weakness]));
    }
    if let Some((_, reason)) = &content.withdrawn {
        own.insert("withdrawn_reason".to_owned(), json!(reason));
    }
    own
}
