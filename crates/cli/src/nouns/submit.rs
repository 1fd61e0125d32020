//! `proofhouse submit`: sends a report, or packs a proof bundle into one and sends that.
//!
//! Must not change what it is given: a report in JSON goes out byte for byte.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use formats::tap::{Attachment, AttachmentType, ContentType, Enrichment, Report, Symbol, write_report};
use serde_json::{Map, Value, json};

use crate::answer::{fields, show};
use crate::api::{Api, ApiError, Server, text};
use crate::output::EXIT_INPUT;

/// Largest report that is read from a file, in bytes; the intake takes no larger one.
const REPORT_BYTES_MAX: u64 = 3 << 20;
/// Pause between two looks at a submission, in milliseconds.
const POLL_MS: u64 = 500;

/// Sends a report. FILE is a TAP report in JSON, or a proof bundle (folder, .tar.zst or .tar.gz).
///
/// Exit codes: 0 taken in (the receipt is on standard output), 2 bad input, 3 not reachable.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse submit report.json\n  proofhouse submit examples/lodash-zipobjectdeep --text notes.md --alias CVE-2020-8203 --symbol zipObjectDeep --wait"
)]
pub struct Submit {
    #[command(flatten)]
    server: Server,
    /// A report in JSON, or a proof bundle
    file: PathBuf,
    /// The package [default: the one the bundle is about]
    #[arg(long, value_name = "PURL")]
    purl: Option<String>,
    /// The affected function
    #[arg(long)]
    symbol: Option<String>,
    /// The weakness, such as CWE-1321
    #[arg(long)]
    cwe: Option<String>,
    /// How severe you think it is, in your own word
    #[arg(long)]
    severity: Option<String>,
    /// Another id of the same vulnerability; may be given several times
    #[arg(long = "alias", value_name = "ID")]
    aliases: Vec<String>,
    /// A text file with the description
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// What found it, in your own words
    #[arg(long)]
    tooling: Option<String>,
    /// Wait until the machine has done all it can
    #[arg(long)]
    wait: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

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

/// Waits until a submission is done; gives its last state.
///
/// # Errors
/// [`ApiError`]
pub fn submission_wait(api: &Api, receipt: &str) -> Result<Value, ApiError> {
    loop {
        let status = api.get(&format!("/v1/submissions/{receipt}"))?;
        if text(&status, "status") == "done" {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
}

impl Submit {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let body = match self.body() {
            Ok(body) => body,
            Err(message) => {
                eprintln!("error: {message}");
                return ExitCode::from(EXIT_INPUT);
            }
        };
        let api = Api::new(&self.server);
        let mut answer = api.post_bytes("/v1/reports", "application/json", &body);
        if let (Ok(taken), true) = (&answer, self.wait) {
            let receipt = text(taken, "receipt").to_owned();
            eprintln!("{receipt} is stored; waiting for the proof engine");
            answer = submission_wait(&api, &receipt);
        }
        show(answer, self.json, |v| fields(v, &["receipt", "message", "status", "at", "warnings"]))
    }

    fn body(&self) -> Result<Vec<u8>, String> {
        let is_report = self.file.extension().is_some_and(|e| e == "json");
        if is_report {
            let about = fs::metadata(&self.file).map_err(|e| format!("read {}: {e}", self.file.display()))?;
            if about.len() > REPORT_BYTES_MAX {
                return Err(format!(
                    "{} has {} bytes; a report has at most {REPORT_BYTES_MAX}",
                    self.file.display(),
                    about.len()
                ));
            }
            return fs::read(&self.file).map_err(|e| format!("read {}: {e}", self.file.display()));
        }
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|e| format!("read {}: {e}", path.display()));
        let told = Told {
            purl: match &self.purl {
                Some(purl) => purl.clone(),
                None => bundle_purl(&self.file)?,
            },
            symbol: self.symbol.clone(),
            cwe: self.cwe.clone(),
            severity: self.severity.clone(),
            aliases: self.aliases.clone(),
            text: self.text.as_ref().map(read).transpose()?,
            tooling: self.tooling.clone(),
        };
        Ok(report_of(&bundle_pack(&self.file)?, told))
    }
}
