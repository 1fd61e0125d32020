//! `proofhouse trace`: what a crash's output says. Needs no server and sends nothing anywhere; decides nothing about sameness.

use std::fs::File;
use std::io::{self, Read};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use triage::crash::{self, CRASH_BYTES_MAX, Crash, Frame, Unrecognised};

use crate::output::{self, EXIT_INPUT, EXIT_NEGATIVE};

/// Tells what a crash's output says: the kind of crash, how memory was touched, and where in the code.
///
/// Reads what sanitizers, libFuzzer, the Linux kernel, glibc, gdb, Go, Rust, Java, Python, Node and V8 print, and CASR's reports.
/// Exit codes: 0 recognised, 1 not recognised, 2 bad use or an unreadable file.
#[derive(Args)]
#[command(after_help = "Examples:\n  proofhouse trace asan.log\n  ./fuzz crash-1 2>&1 | proofhouse trace - --json")]
pub struct Trace {
    /// The output; - reads standard input
    file: String,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Trace {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        self.answer().unwrap_or_else(|code| code)
    }

    fn answer(&self) -> Result<ExitCode, ExitCode> {
        let bytes = bytes_read(&self.file).map_err(|e| {
            eprintln!("error [input]: read {}: {e}", self.file);
            ExitCode::from(EXIT_INPUT)
        })?;
        match crash::read(&bytes) {
            Ok(crash) if self.json => output::json_print(&TraceReport::new(&crash))?,
            Ok(crash) => output::lines_print(&lines(&crash))?,
            Err(refusal) => {
                eprintln!("error [{}]: {}: {refusal}", code(&refusal), self.file);
                return Err(ExitCode::from(match refusal {
                    Unrecognised::Unknown => EXIT_NEGATIVE,
                    Unrecognised::TooLarge { .. } => EXIT_INPUT,
                }));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn code(refusal: &Unrecognised) -> &'static str {
    match refusal {
        Unrecognised::Unknown => "not-recognised",
        Unrecognised::TooLarge { .. } => "input",
    }
}

/// One byte more than is read, so that too many are seen.
fn bytes_read(file: &str) -> io::Result<Vec<u8>> {
    let limit = CRASH_BYTES_MAX as u64 + 1;
    let mut bytes = Vec::new();
    if file == "-" {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// The JSON document.
#[derive(Serialize)]
pub struct TraceReport<'a> {
    crash_type: &'a str,
    crash_address: Option<&'a str>,
    crash_state: &'a [String],
    security: bool,
    access: Option<&'static str>,
    size_bytes: Option<u64>,
    address_kind: &'static str,
    tool: &'static str,
    message: Option<&'a str>,
    frames: Vec<FrameReport<'a>>,
    warnings: &'a [String],
}

#[derive(Serialize)]
struct FrameReport<'a> {
    function: &'a str,
    raw: &'a str,
    file: Option<&'a str>,
    line: Option<u32>,
    module: Option<&'a str>,
    offset: Option<&'a str>,
    inlined: bool,
}

impl<'a> TraceReport<'a> {
    fn new(crash: &'a Crash) -> Self {
        TraceReport {
            crash_type: &crash.crash_type,
            crash_address: crash.address.as_deref(),
            crash_state: &crash.state,
            security: crash.security,
            access: crash.access.map(crash::Access::as_str),
            size_bytes: crash.size_bytes,
            address_kind: crash.address_kind.as_str(),
            tool: crash.tool,
            message: crash.message.as_deref(),
            frames: crash.frames.iter().map(FrameReport::new).collect(),
            warnings: &crash.warnings,
        }
    }
}

impl<'a> FrameReport<'a> {
    fn new(frame: &'a Frame) -> Self {
        FrameReport {
            function: &frame.function,
            raw: &frame.raw,
            file: frame.file.as_deref(),
            line: frame.line,
            module: frame.module.as_deref(),
            offset: frame.offset.as_deref(),
            inlined: frame.inlined,
        }
    }
}

fn lines(crash: &Crash) -> Vec<String> {
    let security = if crash.security { "security-relevant" } else { "not security-relevant" };
    let mut lines = vec![format!("{} ({}, {security})", crash.crash_type, crash.tool)];
    if let Some(address) = &crash.address {
        lines.push(format!("  at {address} ({})", crash.address_kind.as_str()));
    }
    lines.extend(crash.message.iter().map(|message| format!("  {message}")));
    lines.extend(crash.state.iter().enumerate().map(|(at, name)| format!("  {}  {name}", at + 1)));
    lines.push(format!("  {} frames in the stack", crash.frames.len()));
    lines.extend(crash.warnings.iter().map(|warning| format!("  note: {warning}")));
    lines
}
