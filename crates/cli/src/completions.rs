//! `proofhouse completions`: the completion script of a shell, on standard output.

use std::process::ExitCode;

use clap::Args;
use clap_complete::{Shell, generate};

/// Prints a completion script.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse completions bash > ~/.local/share/bash-completion/completions/proofhouse\n  proofhouse completions zsh > ~/.zfunc/_proofhouse"
)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    /// Runs the subcommand.
    pub fn run(self, cli: &mut clap::Command) -> ExitCode {
        generate(self.shell, cli, "proofhouse", &mut std::io::stdout());
        ExitCode::SUCCESS
    }
}
