//! What must hold between the parts of an advisory before it is written. Each refusal names the mandatory test of CSAF 2.0
//! (section 6.1) that the document would fail.

use std::collections::BTreeSet;

use super::{Advisory, ProductStatus, Vulnerability, cwe_name, filename};

/// Why an advisory cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// A text the standard requires is empty.
    #[error("write a CSAF advisory: {field} is empty")]
    Empty {
        /// Which.
        field: &'static str,
    },
    /// A time that is not RFC 3339 with a time zone.
    #[error("write a CSAF advisory: {field} is {text:?}, not a time such as 2026-11-23T04:55:00Z")]
    NotATime {
        /// Which.
        field: &'static str,
        /// What it is.
        text: String,
    },
    /// Dates of revisions that go back (6.1.14, 6.1.16).
    #[error("write a CSAF advisory: revision {number} is older than the one before it")]
    RevisionsFall {
        /// Counted from 1.
        number: usize,
    },
    /// An index without a product (6.1.1).
    #[error("write a CSAF advisory: {field} names product {index}, of {products}")]
    NoSuchProduct {
        /// Where.
        field: &'static str,
        /// Which.
        index: usize,
        /// How many there are.
        products: usize,
    },
    /// Two products with one id (6.1.2).
    #[error("write a CSAF advisory: {purl} stands twice among the products")]
    ProductTwice {
        /// Which.
        purl: String,
    },
    /// One product with two contradicting statuses (6.1.6).
    #[error("write a CSAF advisory: {purl} is both {one} and {other}")]
    Contradiction {
        /// Which product.
        purl: String,
        /// A status.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// One product with two reasons why it is not affected (6.1.33).
    #[error("write a CSAF advisory: {purl} has two flags")]
    FlagTwice {
        /// Which product.
        purl: String,
    },
    /// A weakness whose name is not known here (6.1.11).
    #[error("write a CSAF advisory: the name of {cwe} is not known")]
    UnknownCwe {
        /// Which.
        cwe: String,
    },
    /// A CVE id that is none.
    #[error("write a CSAF advisory: {cve:?} is not a CVE id")]
    NotACve {
        /// What it is.
        cve: String,
    },
    /// The link to itself does not end in the canonical file name (section 5.1).
    #[error("write a CSAF advisory: its own URL should end in /{filename}")]
    OwnUrl {
        /// What it should end in.
        filename: String,
    },
}

pub(super) fn advisory_check(advisory: &Advisory) -> Result<(), Unwritable> {
    let required = [
        ("document.title", &advisory.title),
        ("document.publisher.name", &advisory.publisher.name),
        ("document.publisher.namespace", &advisory.publisher.namespace),
        ("document.tracking.id", &advisory.tracking.id),
    ];
    if let Some((field, _)) = required.into_iter().find(|(_, text)| text.trim().is_empty()) {
        return Err(Unwritable::Empty { field });
    }
    revisions_check(advisory)?;
    if advisory.products.is_empty() {
        return Err(Unwritable::Empty { field: "product_tree" });
    }
    let mut purls = BTreeSet::new();
    for product in &advisory.products {
        if product.vendor.is_empty() || product.name.is_empty() || product.version.is_empty() {
            return Err(Unwritable::Empty { field: "product_tree.branches[].name" });
        }
        if !purls.insert(&product.purl) {
            return Err(Unwritable::ProductTwice { purl: product.purl.clone() });
        }
    }
    let name = filename(&advisory.tracking.id);
    let wrong = |url: &str| !url.ends_with(&format!("/{name}"));
    if advisory.references.iter().any(|r| r.of_itself && r.url.ends_with(".json") && wrong(&r.url)) {
        return Err(Unwritable::OwnUrl { filename: name });
    }
    if advisory.vulnerabilities.is_empty() {
        return Err(Unwritable::Empty { field: "vulnerabilities" });
    }
    advisory.vulnerabilities.iter().try_for_each(|v| vulnerability_check(advisory, v))
}

fn revisions_check(advisory: &Advisory) -> Result<(), Unwritable> {
    let revisions = &advisory.tracking.revisions;
    if revisions.is_empty() {
        return Err(Unwritable::Empty { field: "document.tracking.revision_history" });
    }
    let mut before: Option<&str> = None;
    for (index, revision) in revisions.iter().enumerate() {
        time_check("document.tracking.revision_history[].date", &revision.date)?;
        if revision.summary.trim().is_empty() {
            return Err(Unwritable::Empty { field: "document.tracking.revision_history[].summary" });
        }
        // The same form and zone, so the texts order as the times do.
        if before.is_some_and(|before| whole_seconds(before) > whole_seconds(&revision.date)) {
            return Err(Unwritable::RevisionsFall { number: index + 1 });
        }
        before = Some(&revision.date);
    }
    Ok(())
}

fn whole_seconds(time: &str) -> &str {
    time.get(..19).unwrap_or(time)
}

/// `YYYY-MM-DDTHH:MM:SS[.fraction]Z`: always UTC, so that times compare as texts.
fn time_check(field: &'static str, text: &str) -> Result<(), Unwritable> {
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let head = text.as_bytes().get(..shape.len()).unwrap_or_default();
    let fits = |(byte, shape): (&u8, &u8)| if *shape == b'd' { byte.is_ascii_digit() } else { byte == shape };
    let tail = text.get(shape.len()..).unwrap_or_default();
    let fraction = tail.strip_suffix('Z').is_some_and(|f| {
        f.is_empty() || f.strip_prefix('.').is_some_and(|d| !d.is_empty() && d.bytes().all(|b| b.is_ascii_digit()))
    });
    if head.len() == shape.len() && head.iter().zip(shape).all(fits) && fraction {
        return Ok(());
    }
    Err(Unwritable::NotATime { field, text: text.chars().take(64).collect() })
}

fn vulnerability_check(advisory: &Advisory, v: &Vulnerability) -> Result<(), Unwritable> {
    if v.notes.is_empty() || v.notes.iter().any(|n| n.text.trim().is_empty()) {
        return Err(Unwritable::Empty { field: "vulnerabilities[].notes" });
    }
    if let Some(cwe) = v.cwe.as_ref().filter(|cwe| cwe_name(cwe).is_none()) {
        return Err(Unwritable::UnknownCwe { cwe: cwe.clone() });
    }
    if let Some(cve) = v.cve.as_ref().filter(|cve| !is_cve(cve)) {
        return Err(Unwritable::NotACve { cve: cve.clone() });
    }
    let dates =
        [("vulnerabilities[].discovery_date", &v.discovery_date), ("vulnerabilities[].release_date", &v.release_date)];
    for (field, date) in dates {
        date.as_deref().map_or(Ok(()), |date| time_check(field, date))?;
    }
    let products = advisory.products.len();
    let in_tree = |field: &'static str, indices: &[usize]| match indices.iter().find(|i| **i >= products) {
        Some(index) => Err(Unwritable::NoSuchProduct { field, index: *index, products }),
        None => Ok(()),
    };
    for (field, indices) in status_lists(&v.status) {
        in_tree(field, indices)?;
    }
    if status_lists(&v.status).iter().all(|(_, indices)| indices.is_empty()) {
        return Err(Unwritable::Empty { field: "vulnerabilities[].product_status" });
    }
    for remediation in &v.remediations {
        in_tree("remediations", &remediation.products)?;
        remediation.date.as_deref().map_or(Ok(()), |d| time_check("vulnerabilities[].remediations[].date", d))?;
        if remediation.products.is_empty() {
            return Err(Unwritable::Empty { field: "vulnerabilities[].remediations[].product_ids" });
        }
    }
    let mut flagged = BTreeSet::new();
    for flag in &v.flags {
        in_tree("flags", &flag.products)?;
        if let Some(twice) = flag.products.iter().find(|index| !flagged.insert(**index)) {
            let purl = advisory.products.get(*twice).map(|p| p.purl.clone()).unwrap_or_default();
            return Err(Unwritable::FlagTwice { purl });
        }
    }
    v.impacts.iter().try_for_each(|impact| in_tree("threats", &impact.products))?;
    contradiction_check(advisory, &v.status)
}

fn is_cve(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let digits = |t: &str, min: usize| t.len() >= min && t.bytes().all(|b| b.is_ascii_digit());
    matches!(parts.as_slice(), ["CVE", year, number] if year.len() == 4 && digits(year, 4) && digits(number, 4))
}

pub(super) fn status_lists(status: &ProductStatus) -> [(&'static str, &[usize]); 6] {
    [
        ("first_fixed", &status.first_fixed),
        ("fixed", &status.fixed),
        ("known_affected", &status.affected),
        ("known_not_affected", &status.not_affected),
        ("recommended", &status.recommended),
        ("under_investigation", &status.under_investigation),
    ]
}

/// The four groups of test 6.1.6; `recommended` is in none of them.
fn contradiction_check(advisory: &Advisory, status: &ProductStatus) -> Result<(), Unwritable> {
    let groups = [
        ("affected", vec![&status.affected]),
        ("not affected", vec![&status.not_affected]),
        ("fixed", vec![&status.fixed, &status.first_fixed]),
        ("under investigation", vec![&status.under_investigation]),
    ];
    let mut seen: Vec<(usize, &'static str)> = Vec::new();
    for (group, lists) in groups {
        let members: BTreeSet<usize> = lists.into_iter().flatten().copied().collect();
        for index in members {
            if let Some((_, other)) = seen.iter().find(|(i, _)| *i == index) {
                let purl = advisory.products.get(index).map(|p| p.purl.clone()).unwrap_or_default();
                return Err(Unwritable::Contradiction { purl, one: other, other: group });
            }
            seen.push((index, group));
        }
    }
    Ok(())
}
