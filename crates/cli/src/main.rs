//! The one program. Each subcommand has a file of its own; this one only says which there are.

mod ablate;
mod advisories;
mod answer;
mod api;
mod completions;
mod demo;
mod import;
mod index_command;
mod index_file;
mod mail_options;
mod match_command;
mod match_report;
mod match_sarif;
mod minimise;
mod nouns;
mod output;
mod prove;
mod range;
mod receipt_key;
mod same;
mod serve;
mod store_command;
mod symbol_lookup;
mod trace;
mod triage_command;
mod verify;
mod verify_fix;
mod versions_command;
mod worker;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

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
    /// Show one real vulnerability's whole life, on real packages, on this machine
    Demo(demo::Demo),
    /// Run the clearinghouse: the API, the pages and the workers
    Serve(serve::Serve),
    /// Run proofs for a clearinghouse on another machine
    Worker(worker::Worker),
    /// Say what you look at before you look
    Claim(nouns::claim::Claim),
    /// Send a report or a proof bundle
    Submit(nouns::submit::Submit),
    /// Hand a case to another clearinghouse
    Relay(nouns::relay::Relay),
    /// What became of your reports
    Report(nouns::report::Report),
    /// List, show and move cases
    Case(nouns::case::Case),
    /// At what pace a maintainer takes cases, and what waits
    Pace(nouns::pace::Pace),
    /// Propose a fix and see it verified
    Fix(nouns::fix::Fix),
    /// Publish, revise or withdraw an advisory
    Publish(nouns::publish::Publish),
    /// Say what an asset runs
    Inventory(nouns::inventory::Inventory),
    /// What of yours is affected, what to do and by when
    Notices(nouns::notices::Notices),
    /// Ask to take part as a maintainer
    Register(nouns::register::Register),
    /// Who takes part
    Party(nouns::party::Party),
    /// Make and end tokens
    Token(nouns::token::Token),
    /// Hand in what CISA says of CVEs
    Feed(nouns::feed::Feed),
    /// Tell which components of inventories are affected by advisories
    Match(match_command::Match),
    /// Say how an ecosystem orders versions
    Versions(versions_command::Versions),
    /// Tell what a crash's output says
    Trace(trace::Trace),
    /// Sort reports of any format by the defect they are about
    Triage(triage_command::Triage),
    /// Tell which inventories an advisory reaches
    Reach(match_command::Reach),
    /// Build and update the index that `match` asks
    Index(index_command::IndexCommand),
    /// Tell which patch of a source package is the fix
    Ablate(ablate::Ablate),
    /// Run a proof on exact versions and grade it
    Prove(prove::Prove),
    /// Make a proof bundle of a fuzzer's reproducer or of a test
    Import(import::Import),
    /// Measure on which published versions a proof fires
    Range(range::Range),
    /// Check a receipt's signature and replay it
    Verify(verify::Verify),
    /// Print the public key of this data folder's receipts
    ReceiptKey(receipt_key::ReceiptKey),
    /// Tell whether two proofs show one defect
    Same(same::Same),
    /// Make a proof smaller that shows the same
    Minimise(minimise::Minimise),
    /// Tell whether a patch mends what proofs show
    VerifyFix(verify_fix::VerifyFix),
    /// Say what packages, runtimes and builds take on disk, or evict some
    Store(store_command::Store),
    /// Print a completion script for your shell
    Completions(completions::Completions),
}

fn main() -> ExitCode {
    proof::sandbox::init_if_asked();
    output::logs_start();
    let cli = Cli::parse();
    match cli.command {
        Command::Demo(command) => command.run(cli.home),
        Command::Serve(command) => command.run(cli.home),
        Command::Worker(command) => command.run(cli.home),
        Command::Claim(command) => command.run(),
        Command::Submit(command) => command.run(),
        Command::Relay(command) => command.run(cli.home),
        Command::Report(command) => command.run(),
        Command::Case(command) => command.run(),
        Command::Pace(command) => command.run(),
        Command::Fix(command) => command.run(),
        Command::Publish(command) => command.run(),
        Command::Inventory(command) => command.run(),
        Command::Notices(command) => command.run(),
        Command::Register(command) => command.run(),
        Command::Party(command) => command.run(),
        Command::Token(command) => command.run(cli.home),
        Command::Feed(command) => command.run(),
        Command::Versions(command) => command.run(),
        Command::Trace(command) => command.run(),
        Command::Triage(command) => command.run(),
        Command::Match(command) => command.run(cli.home),
        Command::Reach(command) => command.run(),
        Command::Index(command) => command.run(cli.home),
        Command::Ablate(command) => command.run(cli.home),
        Command::Prove(command) => command.run(cli.home),
        Command::Import(command) => command.run(),
        Command::Range(command) => command.run(cli.home),
        Command::Verify(command) => command.run(cli.home),
        Command::ReceiptKey(command) => command.run(cli.home),
        Command::Same(command) => command.run(cli.home),
        Command::Minimise(command) => command.run(cli.home),
        Command::VerifyFix(command) => command.run(cli.home),
        Command::Store(command) => command.run(cli.home),
        Command::Completions(command) => command.run(&mut Cli::command()),
    }
}
