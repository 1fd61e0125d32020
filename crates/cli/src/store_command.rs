//! `proofhouse store`: what the version store takes on disk, and eviction by hand. Needs no server and runs no proof.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use proof::store::PackageStore;

use crate::output::{self, EXIT_ENVIRONMENT};

/// Says what packages, layers of dependencies, runtimes and builds kept for proofs take on disk.
///
/// With a bound it evicts what was not used for longest until the rest fits; what a running proof uses stays. What was
/// evicted is fetched or built again when it is needed. Exit codes: 0 with an answer, 2 bad use, 3 this machine.
#[derive(Args)]
#[command(after_help = "Examples:\n  proofhouse store\n  proofhouse store --store-bytes-max 5GiB --json")]
pub struct Store {
    /// What it may take on disk beside what is in use, such as 20GiB
    #[arg(long, env = "PROOFHOUSE_STORE_BYTES_MAX", value_name = "SIZE", value_parser = output::size)]
    store_bytes_max: Option<u64>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Store {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let root = output::home_required(home)?.join("store");
        let weight = PackageStore::new(root.clone(), self.store_bytes_max).weigh().map_err(|e| {
            eprintln!("error [data-folder]: weigh {}: {e}", root.display());
            ExitCode::from(EXIT_ENVIRONMENT)
        })?;
        if self.json {
            output::json_print(&weight)?;
        } else {
            let mut lines = vec![format!("{} entries, {} bytes", weight.entries, weight.bytes)];
            if self.store_bytes_max.is_some() {
                lines.push(format!("evicted: {} entries, {} bytes", weight.evicted, weight.evicted_bytes));
            }
            output::lines_print(&lines)?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
