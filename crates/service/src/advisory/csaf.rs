//! An advisory as a CSAF 2.0 security advisory. Must not decide anything: it writes what
//! [`Content`] says.

use formats::csaf::{
    Acknowledgment, Advisory, Note, NoteCategory, Product, ProductStatus, Publisher, Reference, Remediation,
    RemediationCategory, Revision, Tracking, Vulnerability, filename, write as advisory_write,
};
use serde_json::Value;

use super::Content;
use crate::error::{Result, internal};

pub(super) fn write(content: &Content) -> Result<Vec<u8>> {
    let (products, status) = products(content);
    let advisory = Advisory {
        title: content.title.clone(),
        publisher: Publisher {
            name: content.publisher.clone(),
            namespace: content.url.clone(),
            ..Publisher::default()
        },
        tracking: Tracking {
            id: content.name.clone(),
            revisions: content
                .revisions
                .iter()
                .map(|(at, what)| Revision { date: at.to_string(), summary: what.clone() })
                .collect(),
            generator: Some(("Proofhouse".to_owned(), env!("CARGO_PKG_VERSION").to_owned())),
            ..Tracking::default()
        },
        notes: notes(content),
        references: references(content),
        vulnerabilities: vec![vulnerability(content, &products, status)],
        products,
        ..Advisory::default()
    };
    advisory_write(&advisory).map_err(|e| internal("write a CSAF advisory", e))
}

/// What a stored document says a revision changed: its history is carried on, not kept twice.
pub(super) fn change_of(body: &str, revision: i64) -> Result<String> {
    let document: Value = serde_json::from_str(body).map_err(|e| internal("read a stored advisory", e))?;
    let history = document.pointer("/document/tracking/revision_history").and_then(Value::as_array);
    let number = revision.to_string();
    let found = history.into_iter().flatten().find(|r| r.get("number").and_then(Value::as_str) == Some(&number));
    let summary = found.and_then(|r| r.get("summary")).and_then(Value::as_str);
    Ok(summary.unwrap_or("Revised").to_owned())
}

/// Every version that was run, and each with what is known of it.
fn products(content: &Content) -> (Vec<Product>, ProductStatus) {
    let package = &content.package;
    let vendor = package.name().rsplit_once(['/', ':']).map_or(package.name(), |(ns, _)| ns);
    let product = |version: &str| Product {
        vendor: vendor.to_owned(),
        name: package.name().to_owned(),
        version: version.to_owned(),
        purl: package.purl_at(version),
    };
    let range = &content.range;
    let mut products = Vec::new();
    let mut status = ProductStatus::default();
    for version in &range.fired {
        status.affected.push(products.len());
        products.push(product(version));
    }
    let fixed_at: Vec<&str> = range.affected.iter().filter_map(|i| i.fixed.as_deref()).collect();
    for version in &range.silent {
        let index = products.len();
        products.push(product(version));
        if fixed_at.contains(&version.as_str()) {
            status.first_fixed.push(index);
            status.fixed.push(index);
        } else if content.upgrades.contains(version) {
            status.fixed.push(index);
        } else {
            status.not_affected.push(index);
        }
        if content.upgrades.contains(version) {
            status.recommended.push(index);
        }
    }
    for unknown in &range.inconclusive {
        status.under_investigation.push(products.len());
        products.push(product(unknown.version()));
    }
    (products, status)
}

fn vulnerability(content: &Content, products: &[Product], status: ProductStatus) -> Vulnerability {
    let cve = content.aliases.iter().find(|a| a.starts_with("CVE-")).cloned();
    let others = content.aliases.iter().filter(|a| !a.starts_with("CVE-"));
    let mut ids = vec![(content.publisher.clone(), content.name.clone())];
    ids.extend(others.map(|id| (id.split('-').next().unwrap_or("other").to_owned(), id.clone())));
    let affected = status.affected.clone();
    let mut impacts = Vec::new();
    if !status.not_affected.is_empty() {
        impacts.push(formats::csaf::Impact {
            details: "The proof was run on this version and stayed silent, and its control passed.".to_owned(),
            products: status.not_affected.clone(),
        });
    }
    Vulnerability {
        cve,
        ids,
        cwe: content.weakness.clone(),
        title: Some(content.title.clone()),
        notes: vec![Note { category: NoteCategory::Description, title: None, text: content.summary.clone() }],
        release_date: Some(content.published.to_string()),
        remediations: remediations(content, products, &affected),
        acknowledgments: acknowledgments(content),
        impacts,
        status,
        ..Vulnerability::default()
    }
}

fn remediations(content: &Content, products: &[Product], affected: &[usize]) -> Vec<Remediation> {
    let remedy = |category, details: String| Remediation {
        category,
        details,
        products: affected.to_vec(),
        ..Remediation::default()
    };
    if affected.is_empty() || products.is_empty() {
        return Vec::new();
    }
    let name = content.package.name();
    let mut remedies: Vec<Remediation> = content
        .upgrades
        .iter()
        .map(|v| remedy(RemediationCategory::VendorFix, format!("Upgrade {name} to {v} or later. Every proof of this case is silent on {v}, and its controls passed.")))
        .collect();
    if remedies.is_empty() {
        match content.range.fixed_in() {
            Some(fixed) => remedies.push(remedy(
                RemediationCategory::VendorFix,
                format!("Upgrade {name} to {fixed} or later, measured as the first version without the defect."),
            )),
            None => remedies.push(remedy(
                RemediationCategory::NoneAvailable,
                "No published version is without the defect.".to_owned(),
            )),
        }
    }
    remedies.extend(content.mitigations.iter().map(|text| remedy(RemediationCategory::Mitigation, text.clone())));
    remedies
}

fn notes(content: &Content) -> Vec<Note> {
    let range = &content.range;
    let measured = format!(
        "Affected versions were measured by running a proof: {} published versions, {} run, {} fired, {} silent with a passing control, {} without a verdict.",
        range.versions_total,
        range.versions_run,
        range.fired.len(),
        range.silent.len(),
        range.inconclusive.len()
    );
    let mut notes = vec![
        Note { category: NoteCategory::Summary, title: Some("Summary".to_owned()), text: content.summary.clone() },
        Note { category: NoteCategory::Details, title: Some("How the range was measured".to_owned()), text: measured },
    ];
    if let Some((at, reason)) = &content.withdrawn {
        let text = format!("This advisory was withdrawn on {}: {reason}", at.date());
        notes.push(Note { category: NoteCategory::General, title: Some("Withdrawn".to_owned()), text });
    }
    notes
}

fn references(content: &Content) -> Vec<Reference> {
    let own = Reference {
        summary: "This advisory".to_owned(),
        url: format!("{}/v1/advisories/{}/{}", content.url, content.name, filename(&content.name)),
        of_itself: true,
    };
    let others = content.references.iter().map(|url| Reference {
        summary: "Further reading".to_owned(),
        url: url.clone(),
        of_itself: false,
    });
    std::iter::once(own).chain(others).collect()
}

fn acknowledgments(content: &Content) -> Vec<Acknowledgment> {
    let credit = |name: &String| Acknowledgment {
        names: vec![name.clone()],
        summary: Some("found and reported it".to_owned()),
        ..Acknowledgment::default()
    };
    content.credits.iter().map(credit).collect()
}
