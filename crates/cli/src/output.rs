//! What all subcommands say and how they end: one JSON document or lines for people on standard output, progress and
//! errors on standard error, and the exit codes.

use std::env;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use domain::proof::Verdict;
use indicatif::{ProgressBar, ProgressStyle};
use proof::{Engine, EngineConfig, EngineError, ErrorClass, Progress};
use serde::Serialize;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The answer is no: not confirmed, not verified.
pub const EXIT_NEGATIVE: u8 = 1;
/// Bad use or bad input.
pub const EXIT_INPUT: u8 = 2;
/// The machine or its network.
pub const EXIT_ENVIRONMENT: u8 = 3;

/// Nothing stops a call from the command line but the end of the process, and that leaves nothing half done.
pub static NEVER: AtomicBool = AtomicBool::new(false);

/// Least time between two plain progress lines, in milliseconds.
const PLAIN_LINE_MS_MIN: u64 = 2_000;

/// Logs go to standard error, warnings only unless `PROOFHOUSE_LOG` says otherwise. Libraries that would log what
/// strangers sent stay quiet whatever it says.
pub fn logs_start() {
    let asked = env::var("PROOFHOUSE_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::WARN));
    let quiet = server::LOG_TARGETS_QUIET.iter().map(|target| (*target, LevelFilter::WARN));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let _ = tracing_subscriber::registry().with(lines.with_filter(filter.with_targets(quiet))).try_init();
}

/// The data folder: as given, else by the XDG rules.
pub fn home_folder(given: Option<PathBuf>) -> Result<PathBuf, String> {
    let xdg = || env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let user = || env::home_dir().map(|home| home.join(".local/share"));
    given
        .or_else(|| xdg().or_else(user).map(|data| data.join("proofhouse")))
        .ok_or_else(|| "no data folder: give --home or set PROOFHOUSE_HOME".to_owned())
}

/// The data folder, or the exit code of bad use.
pub fn home_required(given: Option<PathBuf>) -> Result<PathBuf, ExitCode> {
    home_folder(given).map_err(|message| {
        eprintln!("error: {message}");
        ExitCode::from(EXIT_INPUT)
    })
}

/// Opens the engine over the data folder.
pub fn engine_open(home: Option<PathBuf>) -> Result<Engine, ExitCode> {
    engine_open_over(home, None, None)
}

/// The same, with a local repository in place of the one a bundle names.
pub fn engine_open_over(
    home: Option<PathBuf>,
    repo: Option<PathBuf>,
    store_bytes_max: Option<u64>,
) -> Result<Engine, ExitCode> {
    let home = home_required(home)?;
    Engine::open(EngineConfig { home, repo, store_bytes_max, ..EngineConfig::default() }).map_err(|e| failed(&e))
}

/// What the store of packages and builds may take, where a process that runs for long is not told otherwise.
pub const STORE_BYTES_DEFAULT: &str = "20GiB";

/// Reads a size: bytes, or with KiB, MiB or GiB.
///
/// # Errors
/// What one looks like.
pub fn size(text: &str) -> Result<u64, String> {
    text.parse().or_else(|_| proof::bundle::quantity::size_bytes(text))
}

/// Says what went wrong, and with which exit code the program ends.
pub fn failed(error: &EngineError) -> ExitCode {
    eprintln!("error [{}]: {error}", error.code());
    ExitCode::from(match error.class() {
        ErrorClass::BadInput => EXIT_INPUT,
        ErrorClass::Environment | ErrorClass::Cancelled => EXIT_ENVIRONMENT,
    })
}

/// Prints one JSON document on standard output.
pub fn json_print(document: &impl Serialize) -> Result<(), ExitCode> {
    let text = serde_json::to_string_pretty(document).map_err(|e| {
        eprintln!("error [output]: {e}");
        ExitCode::from(EXIT_ENVIRONMENT)
    })?;
    lines_print(&[text])
}

/// Prints lines for people on standard output.
pub fn lines_print(lines: &[String]) -> Result<(), ExitCode> {
    let mut out = io::stdout().lock();
    for line in lines {
        // A reader that has gone away wants no more lines; that is no failure.
        match writeln!(out, "{line}") {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
            Err(e) => return Err(unwritten(&e)),
        }
    }
    match out.flush() {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&e)),
        _ => Ok(()),
    }
}

fn unwritten(e: &io::Error) -> ExitCode {
    eprintln!("error [output]: write to standard output: {e}");
    ExitCode::from(EXIT_ENVIRONMENT)
}

/// A bar for so many steps of one kind, on standard error; nothing where that is no terminal.
pub fn bar(steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos}/{len}") {
        bar.set_style(style);
    }
    bar
}

/// Progress on standard error: a bar on a terminal, else a plain line now and then.
pub struct Reporter {
    bar: Option<ProgressBar>,
    last_line: Mutex<Option<Instant>>,
}

impl Reporter {
    /// For this process's standard error.
    pub fn new() -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::new(0);
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {wide_bar} {pos}/{len}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Self { bar, last_line: Mutex::new(None) }
    }

    fn plain(&self, line: &str, last: bool) {
        let Ok(mut at) = self.last_line.lock() else { return };
        let due = at.is_none_or(|at| at.elapsed() >= Duration::from_millis(PLAIN_LINE_MS_MIN));
        if due || last {
            eprintln!("{line}");
            *at = Some(Instant::now());
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Reporter {
    fn note(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(line.to_owned()),
            None => eprintln!("{line}"),
        }
    }

    fn fetched(&self, done: usize, total: usize) {
        if self.bar.is_none() {
            self.plain(&format!("fetched {done} of {total}"), done == total);
        }
    }

    fn ran(&self, version: &str, verdict: Verdict, done: usize, total: usize) {
        match &self.bar {
            Some(bar) => {
                bar.set_length(total as u64);
                bar.set_position(done as u64);
                bar.set_message(format!("{version} {verdict}"));
            }
            None => self.plain(&format!("{done} of {total}: {version} {verdict}"), done == total),
        }
    }
}
