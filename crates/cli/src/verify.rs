//! `proofhouse verify`: a receipt's signature, and the run it tells of once more. Needs no server.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use proof::{Bundle, EngineError, VerifyOptions, VerifyReport, Watch};
use signing::PublicKey;

use crate::output::{self, EXIT_INPUT, EXIT_NEGATIVE, Reporter};
use crate::verify_fix::patch_read;

/// Checks a receipt's signature and replays it on the bytes it names; of a fix, the whole matrix.
///
/// Exit codes: 0 verified, 1 the signature or the verdict differs, 2 bad use or no receipt, 3 this machine or its
/// network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse verify receipt.json\n  proofhouse verify receipt.json --public-key other.pem --bundle bundle.tar.zst --json"
)]
pub struct Verify {
    /// The receipt's file
    receipt: PathBuf,
    /// The bundle, where it is not kept here; may be given several times
    #[arg(long = "bundle", value_name = "PATH")]
    bundles: Vec<PathBuf>,
    /// The patch that a receipt of verify-fix names, where it is not kept here; may be given several times
    #[arg(long = "patch", value_name = "FILE")]
    patches: Vec<PathBuf>,
    /// The key that must have signed, in PEM form [default: this data folder's own]
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
    /// Only check the signature
    #[arg(long)]
    no_replay: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Verify {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let receipt = read(&self.receipt)?;
        let public_key = match &self.public_key {
            Some(path) => {
                let pem = String::from_utf8(read(path)?).unwrap_or_default();
                Some(PublicKey::from_pem(&pem).map_err(|e| bad_input(&e.to_string()))?)
            }
            None => None,
        };
        let engine = output::engine_open(home)?;
        let bundles: Result<Vec<Bundle>, _> =
            self.bundles.iter().map(|path| Bundle::read(path, engine.sandbox())).collect();
        let bundles = bundles.map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let patches = self.patches.iter().map(|path| patch_read(path)).collect::<Result<Vec<_>, _>>()?;
        let options = VerifyOptions { public_key, bundles, patches, no_replay: self.no_replay };
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let report = engine.verify(&receipt, &options, watch).map_err(|e| output::failed(&e))?;
        drop(reporter);
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(if report.verified { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NEGATIVE) })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, ExitCode> {
    let unread = |e: io::Error| bad_input(&format!("read {}: {e}", path.display()));
    let max = proof::receipt::RECEIPT_BYTES_MAX;
    let mut bytes = Vec::new();
    // A device says that it is empty and never ends.
    fs::File::open(path).and_then(|file| file.take(max + 1).read_to_end(&mut bytes)).map_err(unread)?;
    if bytes.len() as u64 > max {
        return Err(bad_input(&format!("read {}: more than the {max} bytes that are allowed", path.display())));
    }
    Ok(bytes)
}

fn bad_input(message: &str) -> ExitCode {
    eprintln!("error [bad-input]: {message}");
    ExitCode::from(EXIT_INPUT)
}

fn lines(report: &VerifyReport) -> Vec<String> {
    let mut lines = Vec::new();
    match &report.signature_error {
        None => lines.push(format!("signature: valid, key {}", report.key)),
        Some(error) => lines.push(format!("signature: NOT valid: {error}")),
    }
    if let (Some(purl), Some(version), Some(stated)) = (&report.purl, &report.version, &report.stated) {
        lines.push(format!("states: {purl} {version} {stated}"));
    }
    if let Some(replayed) = &report.replayed {
        lines.push(format!("replay: {replayed}"));
    }
    lines.push(format!("verified: {}", if report.verified { "yes" } else { "no" }));
    lines.extend(report.warnings.iter().map(|warning| format!("  note: {warning}")));
    lines
}
