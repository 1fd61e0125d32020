//! `proofhouse same`: do two proofs show one defect? Needs no server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use proof::{Bundle, EngineError, SameReport, Sameness, Watch};

use crate::output::{self, EXIT_NEGATIVE, Reporter};
use crate::verify_fix::patch_read;

/// The evidence says neither yes nor no.
const EXIT_UNSURE: u8 = 4;

/// Tells whether two bundles show one defect, and by what evidence.
///
/// Evidence in order: the same change silences both (a border between published versions, or a patch), the same stack at
/// the moment of firing, the same function. Exit codes: 0 yes, 1 no, 4 unsure, 2 bad use, bad bundle or bad patch,
/// 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse same examples/lodash-set-proto examples/lodash-zipobjectdeep\n  proofhouse same a b --patch fix.diff --json"
)]
pub struct Same {
    /// Folder with a proof.toml, or a .tar.zst or .tar.gz of one
    a: PathBuf,
    /// The other
    b: PathBuf,
    /// A unified diff tried on both; may be given several times
    #[arg(long = "patch", value_name = "FILE")]
    patches: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Same {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let patches = self.patches.iter().map(|path| patch_read(path)).collect::<Result<Vec<_>, _>>()?;
        let engine = output::engine_open(home)?;
        let read =
            |path: &PathBuf| Bundle::read(path, engine.sandbox()).map_err(|e| output::failed(&EngineError::Bundle(e)));
        let bundles = [read(&self.a)?, read(&self.b)?];
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let report = engine.same(&bundles, &patches, watch).map_err(|e| output::failed(&e))?;
        drop(reporter);
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(match report.same {
            Sameness::Yes => ExitCode::SUCCESS,
            Sameness::No => ExitCode::from(EXIT_NEGATIVE),
            Sameness::Unsure => ExitCode::from(EXIT_UNSURE),
        })
    }
}

fn lines(report: &SameReport) -> Vec<String> {
    let mut lines = vec![format!("one defect: {}", report.same.as_str())];
    for (proof, frames) in report.proofs.iter().zip(&report.frames) {
        lines.push(format!("  {} ({})", proof.title, proof.purl));
        lines.extend(frames.first().map(|frame| format!("    in {frame}")));
    }
    lines.extend(report.evidence.iter().map(|one| format!("  {}: {}", one.fact, one.text)));
    for (n, [a, b]) in report.patches.iter().enumerate() {
        lines.push(format!("  patch {}: the first {a}; the second {b}", n + 1));
    }
    lines
}
