//! `proofhouse minimise`: a smaller program or input that shows the same. Needs no server.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use proof::minimise::{RUNS_COUNT_DEFAULT, RUNS_COUNT_MAX};
use proof::{Bundle, EngineError, MinimiseReport, Watch};

use crate::output::{self, EXIT_INPUT, Reporter};

/// Takes lines and words out of a bundle's program, or bytes out of its input file, as long as it shows the same.
///
/// The smaller bundle is written to a new folder beside the given one, which stays as it is. Exit codes: 0 done, 2 bad
/// use, bad bundle or a proof that does not fire, 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse minimise examples/minimist-constructor --out smaller\n  proofhouse minimise bundle --runs 1000 --json"
)]
pub struct Minimise {
    /// Folder with a proof.toml, or a .tar.zst or .tar.gz of one
    bundle: PathBuf,
    /// The new folder [default: the bundle's name with -min]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Smaller programs that are run at most
    #[arg(long, value_name = "N", default_value_t = RUNS_COUNT_DEFAULT, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..=RUNS_COUNT_MAX as u64))]
    runs: usize,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Minimise {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let out = self.out.clone().unwrap_or_else(|| beside(&self.bundle));
        // Said before minutes are spent.
        if fs::symlink_metadata(&out).is_ok() {
            return Err(unwritten(&out, &io::Error::from(io::ErrorKind::AlreadyExists)));
        }
        let engine = output::engine_open(home)?;
        let bundle =
            Bundle::read(&self.bundle, engine.sandbox()).map_err(|e| output::failed(&EngineError::Bundle(e)))?;
        let reporter = Reporter::new();
        let watch = Watch { progress: &reporter, cancel: &output::NEVER };
        let report = engine.minimise(&bundle, self.runs, watch).map_err(|e| {
            let code = output::failed(&e);
            if matches!(e, EngineError::Unready(_)) { ExitCode::from(EXIT_INPUT) } else { code }
        })?;
        drop(reporter);
        bundle_write(&report.bundle, &out).map_err(|e| unwritten(&out, &e))?;
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report, &out))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `x-min` beside `x` or `x.tar.zst`.
fn beside(bundle: &Path) -> PathBuf {
    let name = bundle.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_else(|| "bundle".into());
    let name = [".tar.zst", ".tar.gz", ".tgz", ".tar"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(&name);
    bundle.with_file_name(format!("{name}-min"))
}

/// Writes a bundle's files to a folder that must not be there yet.
fn bundle_write(bundle: &Bundle, out: &Path) -> io::Result<()> {
    fs::create_dir(out)?;
    for (name, bytes) in bundle.files() {
        let path = out.join(name);
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, bytes)?;
    }
    Ok(())
}

fn unwritten(out: &Path, e: &io::Error) -> ExitCode {
    eprintln!("error [output]: write {}: {e}", out.display());
    ExitCode::from(EXIT_INPUT)
}

fn lines(report: &MinimiseReport, out: &Path) -> Vec<String> {
    let end = if report.complete { "nothing more can go" } else { "stopped at a bound; more may go" };
    vec![
        format!("{} ({})", report.proof.title, report.proof.purl),
        format!(
            "  {}: {} -> {} bytes in {} runs; {end}",
            report.file, report.bytes_before, report.bytes_after, report.runs
        ),
        format!("  written to {}", out.display()),
    ]
}
