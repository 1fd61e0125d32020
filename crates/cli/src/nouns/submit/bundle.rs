//! A proof bundle made into a report: packed, and with what its sender says beside it. Must not run or judge a bundle.

use std::fs;
use std::path::Path;

use formats::provenance::{self, Provenance};
use formats::tap::{Attachment, AttachmentType, ContentType, Enrichment, Report, Symbol, write_report};
use serde_json::{Map, json};

/// What goes into a report made from a bundle.
#[derive(Default)]
pub struct Told {
    /// The package.
    pub purl: String,
    /// The affected function.
    pub symbol: Option<String>,
    /// The weakness.
    pub cwe: Option<String>,
    /// In the sender's word.
    pub severity: Option<String>,
    /// Other ids.
    pub aliases: Vec<String>,
    /// The description.
    pub text: Option<String>,
    /// What found it.
    pub tooling: Option<String>,
    /// Where it comes from; nothing where there is nothing to tell.
    pub provenance: Provenance,
}

/// A report with a packed bundle attached, as bytes to be sent.
pub fn report_of(bundle: &[u8], told: Told) -> Vec<u8> {
    let mut attachments = vec![Attachment {
        filename: "proof.tar.zst.bin".to_owned(),
        content_type: ContentType::OctetStream,
        kind: AttachmentType::Reproducer,
        description: Some("proof bundle".to_owned()),
        bytes: bundle.to_vec(),
    }];
    if let Some(text) = told.text {
        attachments.push(Attachment {
            filename: "description.md".to_owned(),
            content_type: ContentType::Markdown,
            kind: AttachmentType::Other,
            description: Some("what the defect is and how it is triggered".to_owned()),
            bytes: text.into_bytes(),
        });
    }
    if !told.provenance.is_empty() {
        attachments.push(provenance::attachment(&told.provenance));
    }
    let mut sent = Map::new();
    if let Some(cwe) = &told.cwe {
        sent.insert("cwe".to_owned(), json!([cwe]));
    }
    if let Some(severity) = &told.severity {
        sent.insert("severity".to_owned(), json!(severity));
    }
    let enrichment = (!sent.is_empty()).then(|| Enrichment {
        sent,
        cwe: told.cwe.into_iter().collect(),
        severity: told.severity,
        ..Enrichment::default()
    });
    write_report(&Report {
        purl: Some(told.purl),
        affected_symbol: told.symbol.map(|f| Symbol { file: None, function: Some(f), line: None }),
        attachments,
        upstream_ids: told.aliases,
        discovery_tooling: told.tooling,
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
