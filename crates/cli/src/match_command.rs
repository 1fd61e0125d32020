//! `proofhouse match` and `proofhouse reach`: advisories against inventories, on this machine alone, both ways. Sends nothing
//! anywhere: an operator that may not upload its inventory answers for itself with it.

use std::fs::File;
use std::io::Read;
use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use formats::inventory::{INVENTORY_BYTES_MAX, Inventory};
use formats::vex::VEX_DOCUMENT_BYTES_MAX;
use formats::{Warning, inventory};
use matching::{Builder, Holdings, Hot, Index, InventoryMatch, Vex};

use crate::index_file::{IndexFile, public_key};
use crate::match_report::{Advisories, InventoryReport, Report, lines};
use crate::match_sarif;
use crate::output::{self, EXIT_INPUT, EXIT_NEGATIVE};

/// Tells which components of inventories are affected by advisories, and why; needs no server and no network.
///
/// Exit codes: 0 nothing affected, 1 something affected or not decidable that no VEX document settles, 2 bad use or an unreadable
/// file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse match --advisories osv/ --inventory package-lock.json\n  proofhouse match --index all.index --inventory hospital.cdx.json --vex ours.openvex.json --json"
)]
pub struct Match {
    /// OSV records or CSAF documents: .json, .jsonl (one a line), either with .zst behind, a .zip as OSV serves them, or a folder of these
    #[arg(long, required_unless_present = "index", num_args = 1.., value_name = "PATH")]
    advisories: Vec<PathBuf>,
    /// An index made by `proofhouse index build`, instead of advisories
    #[arg(long, value_name = "FILE", conflicts_with = "advisories")]
    index: Option<PathBuf>,
    /// The public key that must have signed the index, in PEM form [default: this data folder's own]
    #[arg(long, value_name = "FILE", requires = "index")]
    index_key: Option<PathBuf>,
    /// What an operator runs: bills of materials (CycloneDX, SPDX), lock files, a distribution's list of packages
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    inventory: Vec<PathBuf>,
    #[command(flatten)]
    answer: Answer,
}

/// Tells which inventories an advisory reaches: the other direction of `match`, by the same rules.
///
/// Exit codes: 0 nobody is reached, 1 somebody is, or may be, 2 bad use or an unreadable file.
#[derive(Args)]
#[command(after_help = "Examples:\n  proofhouse reach --advisory new.osv.json --inventories fleet/*.cdx.json")]
pub struct Reach {
    /// OSV records or CSAF documents, as for `match`; those of one vulnerability are told once
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    advisory: Vec<PathBuf>,
    /// What operators run
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    inventories: Vec<PathBuf>,
    #[command(flatten)]
    answer: Answer,
}

/// How it is answered.
#[derive(Args)]
struct Answer {
    /// VEX documents (OpenVEX, CycloneDX, CSAF): shown beside the findings they speak of, which then count no more where they settle them
    #[arg(long, num_args = 1.., value_name = "PATH")]
    vex: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long, conflicts_with_all = ["sarif", "table"])]
    json: bool,
    /// Print one SARIF 2.1.0 document
    #[arg(long, conflicts_with = "table")]
    sarif: bool,
    /// Print lines for people; this is what is printed anyway
    #[arg(long)]
    table: bool,
}

/// An inventory as it was read.
struct InventoryRead {
    inventory: Inventory,
    warnings: Vec<Warning>,
}

impl Match {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        let answer = self.report(home).and_then(|report| self.answer.print(&report));
        ended(answer)
    }

    fn report(&self, home: Option<PathBuf>) -> Result<Report, String> {
        let vex = vex_read(&self.answer.vex)?;
        let read = inventories_read(&self.inventory)?;
        let index = match &self.index {
            None => build(&self.advisories)?,
            Some(path) => {
                let key = public_key(self.index_key.as_deref(), home)?;
                let file = IndexFile::open(path, &key)?;
                if !read.iter().any(|read| is_hit(&file.hot, &read.inventory)) {
                    // Nothing to explain: the larger part of the file need not be read.
                    return Ok(report(&file.hot, &self.inventory, read, &vex, |read| {
                        matching::unexplained_match(read)
                    }));
                }
                file.whole()?
            }
        };
        Ok(report(index.hot(), &self.inventory, read, &vex, |read| index.match_inventory(read)))
    }
}

impl Reach {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        let answer = self.report().and_then(|report| self.answer.print(&report));
        ended(answer)
    }

    fn report(&self) -> Result<Report, String> {
        let vex = vex_read(&self.answer.vex)?;
        let read = inventories_read(&self.inventories)?;
        let index = build(&self.advisory)?;
        let inventories: Vec<Inventory> = read.iter().map(|read| read.inventory.clone()).collect();
        let mut found = Holdings::build(&inventories).reach_inventories(&index, &inventories).into_iter();
        Ok(report(index.hot(), &self.inventories, read, &vex, |_| found.next().unwrap_or_default()))
    }
}

impl Answer {
    fn print(&self, report: &Report) -> Result<ExitCode, String> {
        let printed = if self.json {
            output::json_print(report)
        } else if self.sarif {
            output::json_print(&match_sarif::document(report))
        } else {
            output::lines_print(&lines(report))
        };
        if let Err(code) = printed {
            return Ok(code);
        }
        let open = report.inventories.iter().flat_map(|i| &i.findings).any(|finding| !finding.is_settled());
        Ok(if open { ExitCode::from(EXIT_NEGATIVE) } else { ExitCode::SUCCESS })
    }
}

fn ended(answer: Result<ExitCode, String>) -> ExitCode {
    answer.unwrap_or_else(|message| {
        eprintln!("error [input]: {message}");
        ExitCode::from(EXIT_INPUT)
    })
}

fn report(
    hot: &Hot,
    paths: &[PathBuf],
    read: Vec<InventoryRead>,
    vex: &Vex,
    mut found: impl FnMut(&Inventory) -> InventoryMatch,
) -> Report {
    let advisories =
        Advisories { records: hot.records(), vulnerabilities: hot.vulnerabilities(), withdrawn: hot.withdrawn() };
    let one = |(path, read): (&PathBuf, InventoryRead)| {
        // The process ends with the report: giving back each text of each component would be a tenth of what it does.
        let inventory = ManuallyDrop::new(read.inventory);
        InventoryReport::new(path, &inventory, &found(&inventory), read.warnings, vex)
    };
    Report { advisories, inventories: paths.iter().zip(read).map(one).collect() }
}

fn is_hit(hot: &Hot, inventory: &Inventory) -> bool {
    let mut asker = hot.asker();
    let packages = inventory.components.iter().filter_map(|component| component.matchable.as_ref().ok());
    packages.into_iter().any(|package| !asker.ask(&package.ecosystem, &package.name, &package.version).is_empty())
}

fn build(paths: &[PathBuf]) -> Result<Index, String> {
    let mut builder = Builder::default();
    crate::advisories::build(paths, &mut builder)?;
    Index::of_built(builder.build().map_err(|e| e.to_string())?).map_err(|e| e.to_string())
}

fn inventories_read(paths: &[PathBuf]) -> Result<Vec<InventoryRead>, String> {
    let one = |path: &PathBuf| {
        let bytes = file_read(path, INVENTORY_BYTES_MAX as u64 + 1)?;
        let (inventory, warnings) = inventory::read_named(name_inside(path).as_deref(), &bytes)
            .map_err(|e| format!("{}: {e}", path.display()))?;
        Ok(InventoryRead { inventory, warnings })
    };
    paths.iter().map(one).collect()
}

/// The file's name, without the `.zst` behind it.
fn name_inside(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    Some(name.strip_suffix(".zst").unwrap_or(&name).to_owned())
}

fn vex_read(paths: &[PathBuf]) -> Result<Vex, String> {
    let mut vex = Vex::default();
    for path in paths {
        let bytes = file_read(path, VEX_DOCUMENT_BYTES_MAX as u64 + 1)?;
        let (document, warnings) = formats::vex::read(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
        for warning in warnings {
            eprintln!("note: {}: {}: {}", path.display(), warning.at, warning.text);
        }
        for note in vex.take(&document) {
            eprintln!("note: {}: {note}", path.display());
        }
    }
    Ok(vex)
}

/// At most so many bytes, decompressed where the name ends in `.zst`. The readers refuse what is above their limit.
fn file_read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("read {}: {e}", path.display());
    let file = File::open(path).map_err(failed)?;
    // A file that says how long it is is read into room for that, one that lies into no more than the limit.
    let length = file.metadata().map_err(failed)?.len().min(bytes_max);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    if path.extension().is_some_and(|extension| extension == "zst") {
        zstd::Decoder::new(file).map_err(failed)?.take(bytes_max).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        file.take(bytes_max).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}
