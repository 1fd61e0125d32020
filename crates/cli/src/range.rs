//! `proofhouse range`: one bundle over all published versions, beside an advisory where one is given. Needs no server.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use formats::osv::{self, RECORD_BYTES_MAX, Record};
use proof::range::compare::{self, Comparison};
use proof::{Bundle, EngineError, Method, RangeOptions, RangeReport, Watch};
use serde::Serialize;

use crate::output::{self, EXIT_INPUT, Reporter};

/// Most versions that one line for people names.
const NAMED_COUNT_MAX: usize = 8;

/// Measures on which published versions a proof fires.
///
/// Versions are ordered by semver; pre-releases are left out. Exit codes: 0 with an answer, 2 bad use or bad bundle,
/// 3 this machine or its network. That an advisory says otherwise is an answer like any other.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse range examples/lodash-zipobjectdeep\n  proofhouse range bundle.tar.zst --bisect --json\n  proofhouse range bundle --repo ../project\n  proofhouse range examples/lodash-zipobjectdeep --advisory examples/advisories/CVE-2020-8203.osv.json"
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
    /// An OSV record: tell the versions on which it and the measurement disagree
    #[arg(long, value_name = "FILE.osv.json")]
    advisory: Option<PathBuf>,
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

impl Range {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let engine = output::engine_open_over(home, self.repo, self.store_bytes_max)?;
        let bundle =
            Bundle::read(&self.bundle, engine.sandbox()).map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let package = &bundle.manifest().target.package;
        let advisory = self.advisory.as_deref().map(record_read).transpose()?;
        // A record that says nothing of the package is refused before anything runs.
        advisory.iter().try_for_each(|record| {
            compare::compare_verdicts(std::iter::empty(), package, record).map(|_| ()).map_err(|e| refused(&e))
        })?;
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
        let compared = advisory.map(|record| compare::compare(&report, package, &record));
        let comparison = compared.transpose().map_err(|e| refused(&e))?;
        if self.json {
            output::json_print(&Answer { report: &report, comparison })?;
        } else {
            let more = comparison.as_ref().map(comparison_lines).unwrap_or_default();
            output::lines_print(&lines(&report).into_iter().chain(more).collect::<Vec<_>>())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The document: the report, with the comparison beside its keys.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    report: &'a RangeReport,
    #[serde(skip_serializing_if = "Option::is_none")]
    comparison: Option<Comparison>,
}

fn refused(error: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error [advisory]: {error}");
    ExitCode::from(EXIT_INPUT)
}

fn record_read(path: &Path) -> Result<Record, ExitCode> {
    let refused_at = |e: &dyn std::fmt::Display| refused(&format!("{}: {e}", path.display()));
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|e| refused_at(&e))?;
    file.take(RECORD_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(|e| refused_at(&e))?;
    let (record, warnings) = osv::read(&bytes).map_err(|e| refused_at(&e))?;
    for warning in warnings {
        eprintln!("note: {}: {} {}: {}", path.display(), warning.code, warning.at, warning.text);
    }
    Ok(record)
}

fn comparison_lines(found: &Comparison) -> Vec<String> {
    let named = |list: &[String]| {
        let more = list.len().saturating_sub(NAMED_COUNT_MAX);
        let shown = list.iter().take(NAMED_COUNT_MAX).cloned().collect::<Vec<_>>().join(", ");
        if more > 0 { format!("{shown} and {more} more") } else { shown }
    };
    let mut lines = vec![format!(
        "  {}: {}; the same said of {} versions, one of the two says nothing of {}",
        found.advisory,
        found.result,
        found.agreed,
        found.unknown.len()
    )];
    if !found.over_claimed.is_empty() {
        let count = found.over_claimed.len();
        lines.push(format!("  over-claim: {count} called affected are silent: {}", named(&found.over_claimed)));
    }
    if !found.under_claimed.is_empty() {
        let count = found.under_claimed.len();
        lines.push(format!("  under-claim: {count} not called affected fire: {}", named(&found.under_claimed)));
    }
    lines
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
