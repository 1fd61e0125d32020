//! `proofhouse ablate`: which patch of a source package is the fix that a proof is about? Needs no server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use proof::{AblateReport, Bundle, EngineError, Watch};

use crate::output::{self, Reporter};

/// Takes each patch of a version back alone and runs the proof on what is left.
///
/// For source packages with a series of patches. A patch without which the proof fires, where the whole tree is silent, is
/// the fix. Exit codes: 0 with an answer, 2 bad use or bad bundle, 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse ablate examples/yajl-surrogate\n  proofhouse ablate examples/unzip-list-method --json"
)]
pub struct Ablate {
    /// Folder with a proof.toml, or a .tar.zst or .tar.gz of one
    bundle: PathBuf,
    /// The version whose patches are taken back [default: the declared fix]
    #[arg(long)]
    version: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Ablate {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let engine = output::engine_open(home)?;
        let bundle =
            Bundle::read(&self.bundle, engine.sandbox()).map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let report = engine.ablate(&bundle, self.version.as_deref(), watch).map_err(|e| output::failed(&e))?;
        drop(reporter);
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn lines(report: &AblateReport) -> Vec<String> {
    let mut lines = vec![
        format!("{} ({})", report.proof.title, report.proof.purl),
        format!("  {}: {}", report.whole.version, report.whole.verdict),
    ];
    for tree in &report.patches {
        let why = tree.run.detail.as_ref().map(|detail| format!(" ({detail})")).unwrap_or_default();
        lines.push(format!("  without {}: {}{why}", tree.patch, tree.run.verdict));
    }
    lines.push(match report.needed.as_slice() {
        [] => "  no single patch is seen to be the fix".to_owned(),
        needed => format!("  the fix: {}", needed.join(", ")),
    });
    lines
}
