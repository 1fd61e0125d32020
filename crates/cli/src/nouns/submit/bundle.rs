//! A proof bundle made into a report: packed, and with what its sender says beside it. Must not run or judge a bundle.

use std::fs;
use std::path::Path;

use formats::provenance;
use formats::tap::{Attachment, AttachmentType, ContentType, Enrichment, Report, Symbol, write_report};
use intake::Given;
use serde_json::{Map, json};

/// A report with a packed bundle attached, as bytes to be sent. `given` names the package.
pub fn report_of(bundle: &[u8], given: &Given) -> Vec<u8> {
    let mut attachments = vec![Attachment {
        filename: "proof.tar.zst.bin".to_owned(),
        content_type: ContentType::OctetStream,
        kind: AttachmentType::Reproducer,
        description: Some("proof bundle".to_owned()),
        bytes: bundle.to_vec(),
    }];
    if let Some(text) = &given.text {
        attachments.push(Attachment {
            filename: "description.md".to_owned(),
            content_type: ContentType::Markdown,
            kind: AttachmentType::Other,
            description: Some("what the defect is and how it is triggered".to_owned()),
            bytes: text.clone().into_bytes(),
        });
    }
    let provenance = given.provenance();
    if !provenance.is_empty() {
        attachments.push(provenance::attachment(&provenance));
    }
    let mut sent = Map::new();
    if let Some(cwe) = &given.cwe {
        sent.insert("cwe".to_owned(), json!([cwe]));
    }
    if let Some(severity) = &given.severity {
        sent.insert("severity".to_owned(), json!(severity));
    }
    let enrichment = (!sent.is_empty()).then(|| Enrichment {
        sent,
        cwe: given.cwe.iter().cloned().collect(),
        severity: given.severity.clone(),
        ..Enrichment::default()
    });
    write_report(&Report {
        purl: given.purl.clone(),
        affected_symbol: given.symbol.clone().map(|f| Symbol { file: None, function: Some(f), line: None }),
        attachments,
        upstream_ids: given.aliases.clone(),
        discovery_tooling: given.tooling.clone(),
        enrichment,
        ..Report::default()
    })
}

/// Packs a folder as `.tar.zst`; an archive is taken as it is.
///
/// # Errors
/// One line that says what could not be read.
pub fn bundle_pack(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("pack proof bundle {}: {e}", path.display());
    if !path.is_dir() {
        return fs::read(path).map_err(failed);
    }
    let mut packer = tar::Builder::new(zstd::Encoder::new(Vec::new(), 9).map_err(failed)?);
    packer.mode(tar::HeaderMode::Deterministic);
    packer.follow_symlinks(false);
    packer.append_dir_all(".", path).map_err(failed)?;
    packer.into_inner().and_then(zstd::Encoder::finish).map_err(failed)
}

/// The package that a bundle's own `proof.toml` names.
///
/// # Errors
/// One line that says what to do instead.
pub fn bundle_purl(path: &Path) -> Result<String, String> {
    let manifest = path.join("proof.toml");
    let ask = |what: String| format!("{what}; name the package with --purl");
    let text = fs::read_to_string(&manifest).map_err(|e| ask(format!("read {}: {e}", manifest.display())))?;
    let table: toml::Table = text.parse().map_err(|e| ask(format!("read {}: {e}", manifest.display())))?;
    let purl = table.get("target").and_then(|t| t.get("purl")).and_then(toml::Value::as_str);
    purl.map(ToOwned::to_owned).ok_or_else(|| ask(format!("{} names no target.purl", manifest.display())))
}
