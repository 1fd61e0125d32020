//! `proofhouse verify-fix`: does a candidate patch mend what proofs show, on every affected release line? Needs no server.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use proof::fix::matrix::Answer;
use proof::fix::patch::PATCH_BYTES_MAX;
use proof::fix::variants::{VARIANTS_COUNT_DEFAULT, VARIANTS_COUNT_MAX};
use proof::{Bundle, EngineError, FixOptions, FixReport, Watch};

use crate::output::{self, EXIT_INPUT, EXIT_NEGATIVE, Reporter};

/// Applies a patch to a copy of the last affected version of each release line, builds, and runs the proofs on it.
///
/// Verified where the patch applies everywhere, every proof is silent with its control passing, the target's own tests
/// are no worse, and no variant of a proof fires. Exit codes: 0 verified, 1 not verified, 2 bad use, bad bundle or bad
/// patch, 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse verify-fix examples/minimist-constructor --patch fix.diff\n  proofhouse verify-fix a b --patch fix.diff --version 1.2.5 --json"
)]
pub struct VerifyFix {
    /// Folders with a proof.toml, or .tar.zst or .tar.gz of such
    #[arg(required = true, value_name = "BUNDLE")]
    bundles: Vec<PathBuf>,
    /// The unified diff; of several, the first that applies to a version is used there
    #[arg(long = "patch", required = true, value_name = "FILE")]
    patches: Vec<PathBuf>,
    /// Exact version to patch; may be given several times [default: the last affected one of each release line]
    #[arg(long = "version", value_name = "V")]
    versions: Vec<String>,
    /// Runs of each program on each version [default: as the bundle says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=20))]
    repeat: Option<u32>,
    /// Variants of each proof that have to be silent too; 0 for none
    #[arg(long, value_name = "N", default_value_t = VARIANTS_COUNT_DEFAULT, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(0..=VARIANTS_COUNT_MAX as u64))]
    variants: usize,
    /// What the variants follow from, to have the same ones again [default: drawn anew]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl VerifyFix {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let patches = self.patches.iter().map(|path| patch_read(path)).collect::<Result<Vec<_>, _>>()?;
        let engine = output::engine_open(home)?;
        let read = |path: &PathBuf| Bundle::read(path, engine.sandbox());
        let bundles: Result<Vec<Bundle>, _> = self.bundles.iter().map(read).collect();
        let bundles = bundles.map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let options =
            FixOptions { versions: self.versions, repeat: self.repeat, variants: Some(self.variants), seed: self.seed };
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let report = engine.verify_fix(&bundles, &patches, &options, watch).map_err(|e| output::failed(&e))?;
        drop(reporter);
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(if report.grade == "verified" { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NEGATIVE) })
    }
}

/// A patch file, with one byte more than is taken so that too many are seen.
pub fn patch_read(path: &Path) -> Result<Vec<u8>, ExitCode> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(PATCH_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|e| {
        eprintln!("error [input]: read {}: {e}", path.display());
        ExitCode::from(EXIT_INPUT)
    })?;
    Ok(bytes)
}

fn lines(report: &FixReport) -> Vec<String> {
    let mut lines = Vec::new();
    let mut title = None;
    for row in &report.rows {
        if title != Some(&row.proof.digest) {
            lines.push(format!("{} ({})", row.proof.title, row.proof.purl));
            title = Some(&row.proof.digest);
        }
        let cells = row.cells().map(|(name, cell)| format!("{name} {}", cell.is.as_str()));
        let mark = if row.holds { "mended" } else { "not mended" };
        lines.push(format!("  {:<12} {mark:<10}  {}", row.version, cells.join(", ")));
        for (name, cell) in row.cells().iter().filter(|(_, cell)| cell.is != Answer::Nothing) {
            lines.extend(cell.detail.iter().map(|detail| format!("  {:<12} {name}: {detail}", "")));
        }
    }
    for search in report.variants.iter().filter(|search| search.tried > 0) {
        let bypasses = search.firing_at_fixed.len();
        lines.push(format!(
            "  variants: {} of {} rewritten programs count (seed {}); {bypasses} fire on the declared fix too",
            search.kept, search.tried, report.seed
        ));
    }
    lines.push(format!("grade: {}", report.grade));
    lines.extend(report.grade_reasons.iter().map(|reason| format!("  because {reason}")));
    lines.extend(report.warnings.iter().map(|warning| format!("  note: {warning}")));
    lines
}
