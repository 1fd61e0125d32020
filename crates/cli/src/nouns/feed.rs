//! `proofhouse feed`: hand in what CISA says of CVEs. For coordinators.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::answer::{fields, show};
use crate::api::{Api, Server};
use crate::output::EXIT_INPUT;

/// Takes in a feed; every deadline that depends on it is computed anew.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse feed kev known_exploited_vulnerabilities.json\n  proofhouse feed ssvc points.csv"
)]
pub struct Feed {
    #[command(flatten)]
    server: Server,
    /// Which feed
    kind: Kind,
    /// The document
    file: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
    /// CISA's Known Exploited Vulnerabilities catalogue, JSON
    Kev,
    /// SSVC points per CVE, CSV
    Ssvc,
}

impl Feed {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let bytes = match std::fs::read(&self.file) {
            Ok(bytes) => bytes,
            Err(e) => {
                eprintln!("error: read {}: {e}", self.file.display());
                return ExitCode::from(EXIT_INPUT);
            }
        };
        let (path, media_type) = match self.kind {
            Kind::Kev => ("/v1/feeds/kev", "application/json"),
            Kind::Ssvc => ("/v1/feeds/ssvc", "text/csv"),
        };
        show(Api::new(&self.server).put(path, media_type, &bytes), self.json, |v| fields(v, &["rows", "warnings"]))
    }
}
