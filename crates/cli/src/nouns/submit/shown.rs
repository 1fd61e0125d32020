//! What was understood and what became of it, for people and as one JSON document. Must not decide anything.

use intake::{Document, Understood};
use serde_json::{Value, json};

use super::read::File;
use super::send::Sent;
use crate::api::{ApiError, text};

/// Reports of one file that are shown one by one to people; `--json` has all.
const REPORTS_SHOWN_MAX: usize = 20;
/// Parts that were left out, shown one by one.
const PARTS_SHOWN_MAX: usize = 10;

/// What was understood, before anything is sent.
pub fn before(files: &[File]) -> Vec<String> {
    let mut lines = Vec::new();
    for file in files {
        let path = file.path.display();
        let document = match &file.read {
            Ok(document) => document,
            Err(reason) => {
                lines.push(format!("{path}: not read: {reason}"));
                continue;
            }
        };
        let count = document.reports.len();
        let reports = if count == 1 { "report" } else { "reports" };
        lines.push(format!("{path}: {}, {count} {reports}", document.kind.as_str()));
        document.reports.iter().take(REPORTS_SHOWN_MAX).for_each(|report| report_lines(report, &mut lines));
        if document.reports.len() > REPORTS_SHOWN_MAX {
            lines.push(format!("  and {} more", document.reports.len() - REPORTS_SHOWN_MAX));
        }
        left_out_lines(document, &mut lines);
    }
    lines
}

fn left_out_lines(document: &Document, lines: &mut Vec<String>) {
    for one in document.left_out.iter().take(PARTS_SHOWN_MAX) {
        lines.push(format!("  left out {}: {}", one.at, one.reason));
    }
    if document.left_out.len() > PARTS_SHOWN_MAX {
        lines.push(format!("  left out: {} more", document.left_out.len() - PARTS_SHOWN_MAX));
    }
    for warning in document.warnings.iter().take(PARTS_SHOWN_MAX) {
        lines.push(format!("  note {}: {}", warning.at, warning.text));
    }
}

fn report_lines(report: &Understood, lines: &mut Vec<String>) {
    let told = &report.report;
    let place = if report.at.is_empty() { String::new() } else { format!("{} ", report.at) };
    lines.push(format!("  {place}{}", report.title).trim_end().to_owned());
    let mut put = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("      {name:<10} {value}"));
        }
    };
    put("package", package(report));
    put("versions", told.versions.join(", "));
    put("ids", told.upstream_ids.join(", "));
    let symbol = told.affected_symbol.as_ref();
    put("function", symbol.and_then(|s| s.function.clone()).unwrap_or_default());
    put("place", told.code_path.clone().unwrap_or_default());
    let enrichment = told.enrichment.as_ref();
    put("weakness", enrichment.map(|e| e.cwe.join(", ")).unwrap_or_default());
    put("severity", enrichment.and_then(|e| e.severity.clone()).unwrap_or_default());
    let credits: Vec<String> = report.provenance().iter().flat_map(|p| &p.credits).map(|c| c.name.clone()).collect();
    put("credits", credits.join(", "));
    put("files", told.attachments.iter().map(|a| a.download_name()).collect::<Vec<_>>().join(", "));
    put("missing", missing(report).join(", "));
    for warning in report.warnings.iter().take(PARTS_SHOWN_MAX) {
        put("note", format!("{}: {}", warning.at, warning.text));
    }
    if let Some(problem) = &report.problem {
        put("not ready", problem.clone());
    }
}

fn package(report: &Understood) -> String {
    let told = &report.report;
    match (&told.purl, &told.ecosystem, &told.software) {
        (Some(purl), _, _) => purl.clone(),
        (None, Some(ecosystem), Some(software)) => format!("{ecosystem}: {software}"),
        (None, _, software) => software.clone().unwrap_or_default(),
    }
}

/// Which of the six things of a report that is ready are not there.
fn missing(report: &Understood) -> Vec<&'static str> {
    report.report.checklist().into_iter().filter(|(_, there)| !there).map(|(item, _)| item.as_str()).collect()
}

/// What became of what was sent.
pub fn after(sent: &[Sent], files: &[File]) -> Vec<String> {
    let mut lines = Vec::new();
    for one in sent {
        let Some((file, report)) = found(files, one) else { continue };
        let place = format!("{}{}", file.path.display(), report.at);
        match &one.answer {
            Ok(taken) => {
                let status = text(taken, "status");
                lines.push(format!("receipt      {}  {place}  {status}", text(taken, "receipt")).trim_end().to_owned());
            }
            Err(ApiError::Unreachable(_)) => lines.push(format!("not sent     {place}")),
            Err(ApiError::Refused { lines: why, .. }) => {
                lines.push(format!("refused      {place}: {}", why.join("; ")));
            }
        }
    }
    lines
}

fn found<'a>(files: &'a [File], sent: &Sent) -> Option<(&'a File, &'a Understood)> {
    let file = files.get(sent.file)?;
    Some((file, file.read.as_ref().ok()?.reports.get(sent.report)?))
}

/// All of it as one JSON document.
pub fn document(files: &[File], sent: &[Sent]) -> Value {
    let file = |(at, file): (usize, &File)| {
        let document = match &file.read {
            Ok(document) => document,
            Err(reason) => return json!({"file": file.path.display().to_string(), "refused": reason, "reports": []}),
        };
        let left_out: Vec<Value> =
            document.left_out.iter().map(|one| json!({"at": one.at, "reason": one.reason})).collect();
        let reports = document.reports.iter().enumerate().map(|(n, report)| {
            let answer = sent.iter().find(|one| (one.file, one.report) == (at, n)).map(|one| &one.answer);
            report_document(report, answer)
        });
        json!({
            "file": file.path.display().to_string(),
            "format": document.kind.as_str(),
            "reports": reports.collect::<Vec<_>>(),
            "left_out": left_out,
            "warnings": warnings(&document.warnings),
        })
    };
    json!({"files": files.iter().enumerate().map(file).collect::<Vec<_>>()})
}

fn warnings(warnings: &[formats::Warning]) -> Value {
    warnings.iter().map(|w| json!({"code": w.code, "at": w.at, "text": w.text})).collect()
}

fn report_document(report: &Understood, answer: Option<&Result<Value, ApiError>>) -> Value {
    let told = &report.report;
    let enrichment = told.enrichment.as_ref();
    let symbol = told.affected_symbol.as_ref();
    let checklist = told.checklist().into_iter().map(|(item, there)| (item.as_str().to_owned(), there.into()));
    let mut out = json!({
        "at": report.at,
        "format": report.kind.as_str(),
        "title": report.title,
        "purl": told.purl,
        "ecosystem": told.ecosystem,
        "software": told.software,
        "versions": told.versions,
        "ids": told.upstream_ids,
        "function": symbol.and_then(|s| s.function.as_ref()),
        "place": told.code_path,
        "weaknesses": enrichment.map(|e| &e.cwe),
        "severity": enrichment.and_then(|e| e.severity.as_ref()),
        "references": told.references,
        "provenance": report.provenance().map(|p| formats::provenance::write(&p)),
        "attachments": told.attachments.iter().map(|a| a.download_name()).collect::<Vec<_>>(),
        "checklist": Value::Object(checklist.collect()),
        "warnings": warnings(&report.warnings),
        "problem": report.problem,
    });
    if let Some(out) = out.as_object_mut() {
        match answer {
            None => {}
            Some(Ok(taken)) => {
                for field in ["receipt", "status"] {
                    out.extend(taken.get(field).map(|value| (field.to_owned(), value.clone())));
                }
            }
            Some(Err(ApiError::Unreachable(why))) => drop(out.insert("error".to_owned(), json!([why]))),
            Some(Err(ApiError::Refused { lines, .. })) => drop(out.insert("error".to_owned(), json!(lines))),
        }
    }
    out
}
