//! `proofhouse index`: builds the one file that `proofhouse match` asks, its deltas, and applies them. Sends nothing anywhere.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use matching::{Builder, Index, delta, delta_apply};
use serde::Serialize;
use signing::PublicKey;

use crate::index_file::{bytes_read, bytes_write, public_key, signer};
use crate::output::{self, EXIT_INPUT};

/// Builds and updates the index of advisories that `match` asks: one signed file, the same bytes from the same records.
///
/// Exit codes: 0 done, 2 bad use, an unreadable file or a signature that does not hold.
#[derive(Args)]
pub struct IndexCommand {
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// Build an index from advisories, or from an older index and what changed
    Build(Build),
    /// Write what turns one index into a newer one
    Delta(Delta),
    /// Make the newer index from the older one and a delta
    Apply(Apply),
    /// Say what an index holds
    Show(Show),
}

#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse index build --advisories npm.zip PyPI.zip --out all.index\n  proofhouse index build --base all.index --advisories changed/ --out new.index"
)]
struct Build {
    /// OSV records or CSAF documents: .json, .jsonl (one a line), either with .zst behind, a .zip as OSV serves them, or a folder of these
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    advisories: Vec<PathBuf>,
    /// An older index to begin with: of records under one id those that were modified last count
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Where to write it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    keys: Keys,
    /// The private key that signs, in PEM form [default: this data folder's own, made when there is none]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// Who must have signed.
#[derive(Args)]
struct Keys {
    /// The public key that must have signed what is read, in PEM form [default: this data folder's own]
    #[arg(long, value_name = "FILE")]
    index_key: Option<PathBuf>,
}

#[derive(Args)]
struct Delta {
    /// The older index
    old: PathBuf,
    /// The newer index
    new: PathBuf,
    /// Where to write the delta
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    keys: Keys,
}

#[derive(Args)]
struct Apply {
    /// The older index
    old: PathBuf,
    /// The delta
    delta: PathBuf,
    /// Where to write the newer index
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    keys: Keys,
}

#[derive(Args)]
struct Show {
    /// The index
    index: PathBuf,
    #[command(flatten)]
    keys: Keys,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

/// What an index holds.
#[derive(Serialize)]
struct Summary {
    path: String,
    records: usize,
    vulnerabilities: usize,
    withdrawn: usize,
    /// Entries that name no package: ranges of commits alone.
    unnamed: usize,
    bytes: usize,
}

impl IndexCommand {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        let done = match self.step {
            Step::Build(step) => step.run(home),
            Step::Delta(step) => step.run(home),
            Step::Apply(step) => step.run(home),
            Step::Show(step) => step.run(home),
        };
        match done {
            Ok(code) => code,
            Err(message) => {
                eprintln!("error [input]: {message}");
                ExitCode::from(EXIT_INPUT)
            }
        }
    }
}

impl Build {
    fn run(self, home: Option<PathBuf>) -> Result<ExitCode, String> {
        let signer = signer(self.key.as_deref(), home.clone())?;
        let mut builder = match &self.base {
            Some(path) => {
                // An index that is updated was most likely signed by the key that signs its successor.
                let key = match &self.keys.index_key {
                    Some(given) => public_key(Some(given), home)?,
                    None => signer.public(),
                };
                whole(path, &key)?.to_builder()
            }
            None => Builder::default(),
        };
        crate::advisories::build(&self.advisories, &mut builder)?;
        let built = builder.build().map_err(|e| e.to_string())?;
        let file = built.to_file(&signer);
        bytes_write(&self.out, &file)?;
        let index = Index::of_built(built).map_err(|e| e.to_string())?;
        show(&Summary::new(&self.out, &index, file.len()), self.json)
    }
}

impl Delta {
    fn run(self, home: Option<PathBuf>) -> Result<ExitCode, String> {
        let key = public_key(self.keys.index_key.as_deref(), home)?;
        let (old, new) = (whole(&self.old, &key)?, whole(&self.new, &key)?);
        let delta = delta(&old, &new).map_err(|e| e.to_string())?;
        bytes_write(&self.out, &delta)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Apply {
    fn run(self, home: Option<PathBuf>) -> Result<ExitCode, String> {
        let key = public_key(self.keys.index_key.as_deref(), home)?;
        let failed = |e: matching::IndexError| format!("{}: {e}", self.delta.display());
        let file = delta_apply(&whole(&self.old, &key)?, &bytes_read(&self.delta)?).map_err(failed)?;
        // The delta brings the new signature: it counts no more than any other until it is checked.
        Index::read(&file, &key).map_err(failed)?;
        bytes_write(&self.out, &file)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    fn run(self, home: Option<PathBuf>) -> Result<ExitCode, String> {
        let key = public_key(self.keys.index_key.as_deref(), home)?;
        let bytes = bytes_read(&self.index)?;
        let index = Index::read(&bytes, &key).map_err(|e| format!("{}: {e}", self.index.display()))?;
        show(&Summary::new(&self.index, &index, bytes.len()), self.json)
    }
}

fn whole(path: &Path, key: &PublicKey) -> Result<Index, String> {
    Index::read(&bytes_read(path)?, key).map_err(|e| format!("{}: {e}", path.display()))
}

impl Summary {
    fn new(path: &Path, index: &Index, bytes: usize) -> Self {
        Summary {
            path: path.display().to_string(),
            records: index.records(),
            vulnerabilities: index.vulnerabilities(),
            withdrawn: index.withdrawn(),
            unnamed: index.hot().unnamed(),
            bytes,
        }
    }
}

fn show(summary: &Summary, json: bool) -> Result<ExitCode, String> {
    let printed = if json {
        output::json_print(summary)
    } else {
        output::lines_print(&[
            format!("{}: {} bytes", summary.path, summary.bytes),
            format!(
                "{} advisories of {} vulnerabilities; {} withdrawn left out, {} entries name no package",
                summary.records, summary.vulnerabilities, summary.withdrawn, summary.unnamed
            ),
        ])
    };
    Ok(printed.map_or_else(|code| code, |()| ExitCode::SUCCESS))
}
