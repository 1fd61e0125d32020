//! `proofhouse prove`: one bundle, a few exact versions, a grade. Needs no server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use proof::{Bundle, EngineError, ProveOptions, ProveReport, Watch};

use crate::output::{self, EXIT_NEGATIVE, Reporter};

/// Runs the program of a bundle in the sandbox, with its controls, on exact published versions.
///
/// Exit codes: 0 confirmed, 1 not confirmed, 2 bad use or bad bundle, 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse prove examples/lodash-zipobjectdeep\n  proofhouse prove bundle.tar.zst --version 4.17.15 --version 4.17.21 --json"
)]
pub struct Prove {
    /// Folder with a proof.toml, or a .tar.zst or .tar.gz of one
    bundle: PathBuf,
    /// Exact version to run; may be given several times [default: the two that the bundle declares]
    #[arg(long = "version", value_name = "V")]
    versions: Vec<String>,
    /// Runs of the program on each version [default: as the bundle says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    repeat: Option<u32>,
    /// Answer from kept receipts where they cover what is asked
    #[arg(long)]
    receipts: bool,
    /// A local repository in place of the one the bundle names in `target.repo`
    #[arg(long, value_name = "FOLDER")]
    repo: Option<PathBuf>,
    /// What packages, runtimes and builds kept in the data folder may take on disk, such as 20GiB [default: any amount]
    #[arg(long, env = "PROOFHOUSE_STORE_BYTES_MAX", value_name = "SIZE", value_parser = output::size)]
    store_bytes_max: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Prove {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let engine = output::engine_open_over(home, self.repo, self.store_bytes_max)?;
        let bundle =
            Bundle::read(&self.bundle, engine.sandbox()).map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let options = ProveOptions { versions: self.versions, repeat: self.repeat, receipts: self.receipts };
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let report = engine.prove(&bundle, &options, watch).map_err(|e| output::failed(&e))?;
        drop(reporter);
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(if report.grade == "confirmed" { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NEGATIVE) })
    }
}

fn lines(report: &ProveReport) -> Vec<String> {
    let mut lines = vec![format!("{} ({}, {})", report.proof.title, report.proof.purl, report.proof.oracle)];
    for run in &report.runs {
        let why = [run.reason.as_deref(), run.detail.as_deref()];
        let why: Vec<&str> = why.into_iter().flatten().collect();
        let why = if why.is_empty() { String::new() } else { format!("  {}", why.join(": ")) };
        lines.push(format!("  {:<12} {}{why}", run.version, run.verdict));
        if let Some(frame) = run.trace.first() {
            lines.push(format!("  {:<12} in {frame}", ""));
        }
    }
    lines.push(format!("grade: {}", report.grade));
    lines.extend(report.grade_reasons.iter().map(|reason| format!("  because {reason}")));
    lines.extend(report.warnings.iter().map(|warning| format!("  note: {warning}")));
    lines
}
