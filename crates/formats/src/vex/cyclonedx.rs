//! The `vulnerabilities` of a CycloneDX document. Must not resolve references to other documents: those name products that are not known
//! here, unless the reference is a purl itself.

use std::collections::HashMap;

use super::{ALIASES_COUNT_MAX, Statements, WHAT, short};
use crate::json::Node;
use crate::openvex::{Document, Justification, Statement, Status};
use crate::purl::purl_versioned;
use crate::{Unreadable, Warning};

/// CycloneDX's words for what was found, and OpenVEX's.
const STATES: [(&str, Status); 6] = [
    ("resolved", Status::Fixed),
    ("resolved_with_pedigree", Status::Fixed),
    ("exploitable", Status::Affected),
    ("in_triage", Status::UnderInvestigation),
    ("false_positive", Status::NotAffected),
    ("not_affected", Status::NotAffected),
];
/// CycloneDX's reasons that are one of OpenVEX's. The others stay as words in the impact statement.
const JUSTIFICATIONS: [(&str, Justification); 6] = [
    ("code_not_present", Justification::VulnerableCodeNotPresent),
    ("code_not_reachable", Justification::VulnerableCodeNotInExecutePath),
    ("protected_by_compiler", Justification::InlineMitigationsAlreadyExist),
    ("protected_at_runtime", Justification::InlineMitigationsAlreadyExist),
    ("protected_at_perimeter", Justification::InlineMitigationsAlreadyExist),
    ("protected_by_mitigating_control", Justification::InlineMitigationsAlreadyExist),
];

pub(super) fn read(document: &Node) -> Result<(Document, Vec<Warning>), Unreadable> {
    let version = document.text("specVersion").unwrap_or_default();
    if !crate::cyclonedx::SPEC_VERSIONS.contains(&version) {
        let version = version.chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "CycloneDX 1.2 to 1.7" });
    }
    let Some(Node::Array(listed)) = document.get("vulnerabilities") else {
        let field = "vulnerabilities".to_owned();
        return Err(Unreadable::WrongShape { what: WHAT, field, expected: "an array" });
    };
    let products = products(document);
    let mut statements = Statements::default();
    for (index, vulnerability) in listed.iter().enumerate() {
        take(&mut statements, vulnerability, &format!("vulnerabilities[{index}]"), &products)?;
    }
    let metadata = document.get("metadata");
    let name = |field: &str| metadata.and_then(|m| m.get(field)).and_then(|party| party.text("name"));
    let author = metadata.and_then(|m| m.items("authors").first()).and_then(|author| author.text("name"));
    let author = author.or_else(|| name("supplier")).or_else(|| name("component")).unwrap_or("CycloneDX document");
    let out = Document {
        id: document.text("serialNumber").unwrap_or_default().to_owned(),
        author: author.to_owned(),
        timestamp: metadata.and_then(|m| m.text("timestamp")).unwrap_or_default().to_owned(),
        version: 0,
        statements: statements.all,
    };
    Ok((out, statements.warnings))
}

/// The purl with version of each component that has one, by the document's own name for it.
fn products(document: &Node) -> HashMap<&str, String> {
    let mut products = HashMap::new();
    let subject = document.get("metadata").and_then(|metadata| metadata.get("component"));
    let mut open: Vec<&Node> = subject.into_iter().chain(document.items("components")).collect();
    while let Some(component) = open.pop() {
        open.extend(component.items("components"));
        if let (Some(reference), Some(purl)) = (component.text("bom-ref"), component.text("purl")) {
            let versioned = component.text("version").and_then(|version| purl_versioned(purl, version));
            products.insert(reference, versioned.unwrap_or_else(|| purl.to_owned()));
        }
    }
    products
}

fn take(
    statements: &mut Statements,
    vulnerability: &Node,
    at: &str,
    products: &HashMap<&str, String>,
) -> Result<(), Unreadable> {
    let Some(id) = vulnerability.text("id") else {
        statements.warn("wrong_shape", at, "without an id: left out");
        return Ok(());
    };
    let analysis = vulnerability.get("analysis");
    let word = analysis.and_then(|analysis| analysis.text("state"));
    let Some((_, status)) = STATES.iter().find(|(state, _)| Some(*state) == word) else {
        statements.warn("no_state", at, "without an analysis that says a state: left out");
        return Ok(());
    };
    let stated = analysis.and_then(|analysis| analysis.text("justification"));
    let justification = JUSTIFICATIONS.iter().find(|(word, _)| Some(*word) == stated).map(|(_, own)| *own);
    let detail = analysis.and_then(|analysis| analysis.text("detail"));
    let reason =
        [stated.filter(|_| justification.is_none()), detail].into_iter().flatten().collect::<Vec<_>>().join(": ");
    let updated = analysis.and_then(|analysis| analysis.text("lastUpdated")).or_else(|| vulnerability.text("updated"));
    let references = vulnerability.items("references").iter().filter_map(|reference| reference.text("id"));
    let plain = Statement {
        vulnerability: short(id),
        aliases: references.filter(|alias| *alias != id).map(short).take(ALIASES_COUNT_MAX).collect(),
        status: *status,
        justification: justification.filter(|_| *status == Status::NotAffected),
        impact_statement: Some(short(&reason)).filter(|reason| !reason.is_empty()),
        action_statement: vulnerability.text("recommendation").map(short),
        timestamp: updated.map(short),
        ..Statement::default()
    };
    for (index, target) in vulnerability.items("affects").iter().enumerate() {
        take_target(statements, &plain, target, &format!("{at}.affects[{index}]"), products)?;
    }
    if vulnerability.items("affects").is_empty() {
        statements.push(plain)?;
    }
    Ok(())
}

fn take_target(
    statements: &mut Statements,
    plain: &Statement,
    target: &Node,
    at: &str,
    products: &HashMap<&str, String>,
) -> Result<(), Unreadable> {
    let Some(reference) = target.text("ref") else {
        statements.warn("wrong_shape", at, "without a ref: left out");
        return Ok(());
    };
    // `urn:cdx:<serial>/<version>#<ref>` names a component of this document or of another.
    let inner = reference.split_once('#').filter(|_| reference.starts_with("urn:cdx:")).map(|(_, inner)| inner);
    let known = products.get(reference).or_else(|| products.get(inner?));
    let product = known.map_or(inner.unwrap_or(reference), String::as_str);
    let versions = target.items("versions");
    if versions.is_empty() {
        return statements.push(Statement { products: vec![product.to_owned()], ..plain.clone() });
    }
    for (index, entry) in versions.iter().enumerate() {
        let one = entry.text("version").and_then(|version| purl_versioned(product, version));
        let Some(product) = one else {
            let text = "a range of versions, or a version of what is no purl: not applied";
            statements.warn("not_one_version", format!("{at}.versions[{index}]"), text);
            continue;
        };
        let status = match entry.text("status") {
            Some("unaffected") => Status::NotAffected,
            Some("unknown") => Status::UnderInvestigation,
            _ => plain.status,
        };
        statements.push(Statement { products: vec![product], status, ..plain.clone() })?;
    }
    Ok(())
}
