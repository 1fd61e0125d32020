//! `proofhouse versions`: how an ecosystem orders versions. Asks nobody: no server, no network, no data folder.

mod batch;

use std::cmp::Ordering;
use std::io;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde::Serialize;
use versions::{ECOSYSTEMS, Scheme, Version};

use crate::output::{self, EXIT_ENVIRONMENT, EXIT_INPUT, EXIT_NEGATIVE};

/// Says how an ecosystem orders versions; needs no server and no network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse versions compare npm 1.2.3 1.10.0\n  proofhouse versions compare Debian:12 1.0~rc1-1 1.0-1 --json\n  printf 'PyPI\\t1.0\\t1.0.0\\n' | proofhouse versions compare --batch\n  git tag | proofhouse versions sort 'GitHub Actions'"
)]
pub struct Versions {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Which of two versions comes first: writes <, = or >
    Compare(Compare),
    /// Put versions, one a line on standard input, in order
    Sort(Sort),
    /// List the ecosystems as OSV spells them, each with the ecosystem whose order it has
    Ecosystems(Ecosystems),
}

/// Compares two versions, or with --batch as many pairs as standard input has lines.
///
/// Exit codes: 0 compared, 1 some line of a batch could not be, 2 bad use or a version that cannot be read, 3 input or output failed.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse versions compare Maven 1.0-SNAPSHOT 1.0\n  printf 'npm\\t1.0.0-rc.1\\t1.0.0\\nGo\\tv1.2\\tmain\\n' | proofhouse versions compare --batch"
)]
struct Compare {
    /// The ecosystem as OSV spells it; a :release may follow
    #[arg(required_unless_present = "batch")]
    ecosystem: Option<String>,
    /// One version
    #[arg(required_unless_present = "batch")]
    a: Option<String>,
    /// The other
    #[arg(required_unless_present = "batch")]
    b: Option<String>,
    /// Read lines of ecosystem, tab, version, tab, version; write <, =, > or ! and the reason for each
    #[arg(long, conflicts_with_all = ["ecosystem", "a", "b", "json"])]
    batch: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Sorts versions, lowest first. Equal ones stay in their order.
///
/// Exit codes: 0 sorted, 1 some could not be read (told on standard error and left out), 2 bad use, 3 input or output failed.
#[derive(Args)]
struct Sort {
    /// The ecosystem as OSV spells it; a :release may follow
    ecosystem: String,
}

/// Lists the ecosystems.
#[derive(Args)]
struct Ecosystems {
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Versions {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        match self.command {
            Command::Compare(command) => command.run(),
            Command::Sort(command) => command.run(),
            Command::Ecosystems(command) => ecosystems_print(command.json),
        }
    }
}

#[derive(Serialize)]
struct Compared<'a> {
    ecosystem: &'a str,
    /// The first ecosystem with this order.
    ordered_as: &'static str,
    a: Side<'a>,
    b: Side<'a>,
    order: &'static str,
}

#[derive(Serialize)]
struct Side<'a> {
    version: &'a str,
    prerelease: bool,
    line: String,
}

impl<'a> Side<'a> {
    fn new(version: &'a Version) -> Self {
        Side { version: version.text(), prerelease: version.is_prerelease(), line: version.line() }
    }
}

impl Compare {
    fn run(self) -> ExitCode {
        let (Some(ecosystem), Some(a), Some(b)) = (&self.ecosystem, &self.a, &self.b) else {
            return batch_run();
        };
        let scheme = match scheme_of(ecosystem) {
            Ok(scheme) => scheme,
            Err(code) => return code,
        };
        let (a, b) = match (Version::read(scheme, a), Version::read(scheme, b)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(error), _) | (_, Err(error)) => return input_refused(&error.to_string()),
        };
        let order = sign(a.cmp(&b));
        let printed = if self.json {
            let (a, b) = (Side::new(&a), Side::new(&b));
            output::json_print(&Compared { ecosystem, ordered_as: scheme.ecosystem(), a, b, order })
        } else {
            output::lines_print(&[order.to_owned()])
        };
        printed.err().unwrap_or(ExitCode::SUCCESS)
    }
}

fn batch_run() -> ExitCode {
    match batch::run(&mut io::stdin().lock(), io::stdout().lock()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(EXIT_NEGATIVE),
        // A reader that has gone away wants no more lines; that is no failure.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error [output]: compare versions from standard input: {error}");
            ExitCode::from(EXIT_ENVIRONMENT)
        }
    }
}

impl Sort {
    fn run(self) -> ExitCode {
        let scheme = match scheme_of(&self.ecosystem) {
            Ok(scheme) => scheme,
            Err(code) => return code,
        };
        let mut unread = false;
        let mut read = Vec::new();
        for line in io::stdin().lines() {
            match line.as_deref().map(|line| Version::read(scheme, line)) {
                Ok(Ok(version)) => read.push(version),
                Ok(Err(error)) => {
                    eprintln!("left out: {error}");
                    unread = true;
                }
                Err(error) => {
                    eprintln!("error [input]: read standard input: {error}");
                    return ExitCode::from(EXIT_ENVIRONMENT);
                }
            }
        }
        read.sort();
        let lines: Vec<String> = read.iter().map(ToString::to_string).collect();
        match output::lines_print(&lines) {
            Ok(()) if unread => ExitCode::from(EXIT_NEGATIVE),
            Ok(()) => ExitCode::SUCCESS,
            Err(code) => code,
        }
    }
}

fn ecosystems_print(json: bool) -> ExitCode {
    #[derive(Serialize)]
    struct Row {
        ecosystem: &'static str,
        ordered_as: &'static str,
    }
    let rows = ECOSYSTEMS.iter().map(|(ecosystem, scheme)| Row { ecosystem, ordered_as: scheme.ecosystem() });
    let printed = if json {
        output::json_print(&rows.collect::<Vec<_>>())
    } else {
        output::lines_print(&rows.map(|row| format!("{:<30}{}", row.ecosystem, row.ordered_as)).collect::<Vec<_>>())
    };
    printed.err().unwrap_or(ExitCode::SUCCESS)
}

fn scheme_of(ecosystem: &str) -> Result<Scheme, ExitCode> {
    Scheme::of_ecosystem(ecosystem).ok_or_else(|| {
        input_refused(&format!(
            "{ecosystem:?} is no ecosystem that is known; `proofhouse versions ecosystems` lists them"
        ))
    })
}

fn input_refused(message: &str) -> ExitCode {
    eprintln!("error [input]: {message}");
    ExitCode::from(EXIT_INPUT)
}

const fn sign(order: Ordering) -> &'static str {
    match order {
        Ordering::Less => "<",
        Ordering::Equal => "=",
        Ordering::Greater => ">",
    }
}
