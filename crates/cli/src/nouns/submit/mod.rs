//! `proofhouse submit`: reads documents of any format that is taken, shows what it understood, sends each report in them, and shows
//! the receipts. Packs a proof bundle into a report.
//!
//! Must not change what it is given: a TAP report goes out byte for byte. Nothing is sent before everything was understood.

mod bundle;
mod read;
mod send;
mod shown;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use crate::api::{Api, Server};
use crate::output::{self, EXIT_INPUT};
use crate::symbol_lookup::Sources;

pub use bundle::{bundle_pack, bundle_purl, report_of};
pub use send::submission_wait;

/// Sends reports. FILE is SARIF 2.1.0, crash output, CASR, OSV, CSAF, a CVE record, CycloneDX with vulnerabilities, OpenVEX, a GitHub
/// advisory, an e-mail, text, a zip of these, a TAP report, or a proof bundle (folder, .tar.zst or .tar.gz).
///
/// Each report in a file gets a receipt of its own; the same bytes get the same receipts. Shows what it understood, then sends.
///
/// Exit codes: 0 taken in (the receipts are on standard output), 2 bad input, 3 not reachable, or put off for longer than `--patience`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse submit report.json\n  proofhouse submit scan.sarif --purl pkg:npm/lodash --dry-run\n  proofhouse submit crash.log mail.eml advisories.zip --purl pkg:deb/debian/yajl@2.1.0-3 --credit 'A. Finder'\n  proofhouse submit examples/lodash-zipobjectdeep --text notes.md --alias CVE-2020-8203 --symbol zipObjectDeep --wait"
)]
pub struct Submit {
    #[command(flatten)]
    server: Server,
    /// Documents, or proof bundles
    #[arg(required = true, num_args = 1.., value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    said: read::Said,
    #[command(flatten)]
    sources: Sources,
    /// Show what is understood, and send nothing
    #[arg(long)]
    dry_run: bool,
    /// Send what can be sent, though some of it cannot
    #[arg(long)]
    partly: bool,
    /// Wait until the machine has done all it can
    #[arg(long)]
    wait: bool,
    /// Longest time that a report may be put off by a server that asks to come back later, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Submit {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        self.answer().unwrap_or_else(|code| code)
    }

    fn answer(&self) -> Result<ExitCode, ExitCode> {
        let given = self.said.given().map_err(|message| refused(&message))?;
        let trees = self.sources.open(&self.files).map_err(|message| refused(&message))?;
        let files: Vec<read::File> = self.files.iter().map(|path| read::read(path, &given, &trees)).collect();
        if !self.json {
            output::lines_print(&shown::before(&files))?;
        }
        let (good, bad) = (files.iter().map(read::File::ready).sum::<usize>(), files.iter().any(read::File::is_bad));
        if good == 0 || bad && !self.partly || self.dry_run {
            if self.json {
                output::json_print(&shown::document(&files, &[]))?;
            }
            if bad || good == 0 {
                let why = if good == 0 {
                    "there is no report to be sent"
                } else {
                    "nothing was sent: --partly sends the rest"
                };
                return Err(refused(why));
            }
            return Ok(ExitCode::SUCCESS);
        }
        let api = Api::new(&self.server);
        let patience = Duration::from_secs(self.patience);
        let sent = send::all(&send::Sending { api: &api, wait: self.wait, patience }, &files);
        if self.json {
            output::json_print(&shown::document(&files, &sent))?;
        } else {
            output::lines_print(&shown::after(&sent, &files))?;
        }
        // The first that failed says how this ends.
        Ok(sent.iter().find_map(|one| one.answer.as_ref().err()).map_or(ExitCode::SUCCESS, crate::api::ApiError::exit))
    }
}

fn refused(message: &str) -> ExitCode {
    eprintln!("error [input]: {message}");
    ExitCode::from(EXIT_INPUT)
}
