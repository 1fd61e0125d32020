//! The one program. Each subcommand has a file of its own; this one only says which there are.

mod match_command;
mod output;
mod prove;
mod range;
mod verify;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Proves vulnerabilities by running them, coordinates their fixes, and tells those who run the code.
#[derive(Parser)]
#[command(name = "proofhouse", version, about, max_term_width = 120)]
struct Cli {
    /// Data folder [default: $XDG_DATA_HOME/proofhouse or ~/.local/share/proofhouse]
    #[arg(long, global = true, env = "PROOFHOUSE_HOME", value_name = "DIR")]
    home: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Tell which components of inventories are affected by advisories
    Match(match_command::Match),
    /// Run a proof on exact versions and grade it
    Prove(prove::Prove),
    /// Measure on which published versions a proof fires
    Range(range::Range),
    /// Check a receipt's signature and replay it
    Verify(verify::Verify),
}

fn main() -> ExitCode {
    proof::sandbox::init_if_asked();
    output::logs_start();
    let cli = Cli::parse();
    match cli.command {
        Command::Match(command) => command.run(),
        Command::Prove(command) => command.run(cli.home),
        Command::Range(command) => command.run(cli.home),
        Command::Verify(command) => command.run(cli.home),
    }
}
