//! Which package a report is about: `purl`, `ecosystem`, `software` and `versions`, which must agree with each other.

use super::limits::*;
use super::reading::{Members, Reading};
use super::report::Report;
use super::violation::Code;
use crate::ecosystem::Ecosystem;
use crate::purl::Purl;

/// Reads the four fields into the report.
pub(super) fn named(reading: &mut Reading, m: &mut Members, report: &mut Report) {
    let purl = m.take("purl");
    let software = m.take("software");
    let ecosystem = m.take("ecosystem");
    missing(reading, (purl.is_some(), ecosystem.is_some(), software.is_some()));
    let purl = reading.text_bounded("purl", purl, PURL_BYTES_MAX).and_then(|text| match text.parse::<Purl>() {
        Ok(purl) => Some(purl),
        Err(e) => {
            reading.violation(Code::InvalidPurl, "purl", e.to_string());
            None
        }
    });
    report.software = reading.text("software", software, SOFTWARE_BYTES_MAX);
    let ecosystem = reading.text("ecosystem", ecosystem, ECOSYSTEM_BYTES_MAX).and_then(|text| {
        let known = Ecosystem::named(&text);
        if known.is_none() {
            reading.violation(Code::UnknownEcosystem, "ecosystem", "not an ecosystem that OSV names, nor Hardware");
        }
        known.map(|e| (e, text))
    });
    report.ecosystem = ecosystem.as_ref().map(|(e, text)| {
        let release = text.split_once(':').map(|(_, release)| format!(":{release}"));
        format!("{}{}", e.name, release.unwrap_or_default())
    });
    if let Some(purl) = &purl {
        agree(reading, purl, ecosystem.map(|(e, _)| e), report.software.as_deref());
    }
    let limits = (VERSIONS_COUNT_MAX, VERSION_BYTES_MAX);
    report.versions = reading.texts("versions", m.take("versions"), limits, |reading, path, text| {
        let blank = text.trim().is_empty();
        if blank {
            reading.violation(Code::DegenerateValue, path, "it is blank");
        }
        (!blank).then_some(text)
    });
    if let Some(purl) = purl {
        version_join(reading, &purl, report);
        report.purl = Some(purl.canonical);
    }
}

/// `purl`, or both `ecosystem` and `software`.
fn missing(reading: &mut Reading, sent: (bool, bool, bool)) {
    let reason = "a report needs purl, or both ecosystem and software";
    match sent {
        (true, _, _) | (false, true, true) => {}
        (false, false, false) => reading.violation(Code::MissingField, "purl", reason),
        (false, true, false) => reading.violation_of_two(Code::MissingField, "software", "ecosystem", reason),
        (false, false, true) => reading.violation_of_two(Code::MissingField, "ecosystem", "software", reason),
    }
}

fn agree(reading: &mut Reading, purl: &Purl, ecosystem: Option<&Ecosystem>, software: Option<&str>) {
    let code = Code::PurlEcosystemMismatch;
    match ecosystem.map(|e| e.purl_type) {
        // An ecosystem without a purl type says something the purl cannot say: nothing to compare.
        Some(None) => return,
        Some(Some(purl_type)) if purl_type != purl.purl_type => {
            let reason = format!("the ecosystem's purl type is {purl_type}");
            reading.violation_of_two(code, "ecosystem", "purl", reason);
        }
        _ => {}
    }
    let differs = |software: &str| !software.trim().eq_ignore_ascii_case(&purl.name);
    if software.is_some_and(differs) {
        reading.violation_of_two(code, "software", "purl", "not the name of the package in the purl");
    }
}

/// A version in the purl joins the others, under the same limits.
fn version_join(reading: &mut Reading, purl: &Purl, report: &mut Report) {
    let Some(version) = &purl.version else { return };
    if version.len() > VERSION_BYTES_MAX {
        let reason = format!("its version has {} bytes, at most {VERSION_BYTES_MAX} are accepted", version.len());
        reading.violation_of_two(Code::FieldTooLarge, "purl", "versions", reason);
    } else if report.versions.contains(version) {
    } else if report.versions.len() >= VERSIONS_COUNT_MAX {
        let reason = format!("with the purl's own more than the {VERSIONS_COUNT_MAX} that are accepted");
        reading.violation_of_two(Code::TooManyItems, "versions", "purl", reason);
    } else {
        report.versions.push(version.clone());
    }
}
