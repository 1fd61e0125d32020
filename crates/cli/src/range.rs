//! `proofhouse range`: one bundle over all published versions. Needs no server.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use proof::{Bundle, EngineError, Method, RangeOptions, RangeReport, Watch};

use crate::output::{self, Reporter};

/// Measures on which published versions a proof fires.
///
/// Versions are ordered by semver; pre-releases are left out. Exit codes: 0 with an answer, 2 bad use or bad bundle,
/// 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse range examples/lodash-zipobjectdeep\n  proofhouse range bundle.tar.zst --bisect --json"
)]
pub struct Range {
    /// Folder with a proof.toml, or a .tar.zst or .tar.gz of one
    bundle: PathBuf,
    /// Run every version [default: where one takes less than a second]
    #[arg(long, conflicts_with = "bisect")]
    exhaustive: bool,
    /// Go line by line and bisect
    #[arg(long)]
    bisect: bool,
    /// Run again whatever receipts are kept
    #[arg(long)]
    fresh: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Range {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let engine = output::engine_open(home)?;
        let bundle =
            Bundle::read(&self.bundle, engine.sandbox()).map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let method = match (self.exhaustive, self.bisect) {
            (true, _) => Method::Exhaustive,
            (_, true) => Method::Bisect,
            _ => Method::Measured,
        };
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let options = RangeOptions { method, fresh: self.fresh };
        let report = engine.range(&bundle, options, watch).map_err(|e| output::failed(&e))?;
        drop(reporter);
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn lines(report: &RangeReport) -> Vec<String> {
    let mut lines = vec![format!("{} ({})", report.proof.title, report.purl)];
    for interval in &report.affected {
        let end = match (&interval.fixed, &interval.last_affected) {
            (Some(fixed), _) => format!("fixed in {fixed}"),
            (_, Some(last)) => format!("last affected {last}, no fix published"),
            _ => String::new(),
        };
        lines.push(format!("  affected from {}, {end}", interval.introduced));
    }
    lines.push(format!(
        "  {} versions: {} fired, {} silent, {} unknown; {} run ({} from receipts), {} inferred",
        report.versions_total,
        report.fired.len(),
        report.silent.len(),
        report.inconclusive.len(),
        report.versions_run,
        report.versions_from_receipts,
        report.versions_inferred,
    ));
    for border in report.borders.iter().filter(|border| !border.certain) {
        let name = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
        let unknown = border.unknown_between.len();
        lines.push(format!(
            "  uncertain: {} somewhere between {} and {}, {unknown} unknown between",
            border.kind,
            name(&border.before),
            name(&border.after),
        ));
    }
    for point in &report.disagreement {
        lines.push(format!("  {} is declared {} and {}", point.version, point.declared, point.measured));
    }
    lines.extend(report.warnings.iter().map(|warning| format!("  note: {warning}")));
    lines
}
