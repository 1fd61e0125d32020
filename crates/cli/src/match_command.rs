//! `proofhouse match`: advisories against inventories, on this machine alone. Sends nothing anywhere: an operator that may not
//! upload its inventory answers for itself with it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use formats::inventory::{INVENTORY_BYTES_MAX, Inventory};
use formats::osv::{self, Record};
use formats::{Warning, inventory};
use matching::{Finding, Index, InventoryMatch};
use serde::Serialize;

use crate::output::{self, EXIT_INPUT, EXIT_NEGATIVE};

/// The largest file of advisories that is read, in bytes after decompression.
const ADVISORIES_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;
/// Folders within folders that are looked into for advisories.
const FOLDER_LEVELS_MAX: usize = 8;

/// Tells which components of inventories are affected by advisories, and why; needs no server and no network.
///
/// Exit codes: 0 nothing affected, 1 something affected or not decidable, 2 bad use or an unreadable file.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse match --advisories osv/ --inventory package-lock.json\n  proofhouse match --advisories all.jsonl.zst --inventory hospital.cdx.json --json"
)]
pub struct Match {
    /// OSV records: a .json file, a .jsonl file (one a line), either with .zst behind, or a folder of them
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    advisories: Vec<PathBuf>,
    /// CycloneDX JSON (1.4 to 1.6) or package-lock.json (1 to 3)
    #[arg(long, required = true, num_args = 1.., value_name = "PATH")]
    inventory: Vec<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Match {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        match self.report() {
            Ok(report) => report_print(&report, self.json).unwrap_or_else(|code| code),
            Err(message) => {
                eprintln!("error [input]: {message}");
                ExitCode::from(EXIT_INPUT)
            }
        }
    }

    fn report(&self) -> Result<Report, String> {
        let mut records = Vec::new();
        for path in &self.advisories {
            advisories_read(path, FOLDER_LEVELS_MAX, &mut records)?;
        }
        let index = Index::build(records);
        let mut inventories = Vec::new();
        for path in &self.inventory {
            let bytes = file_read(path, INVENTORY_BYTES_MAX as u64 + 1)?;
            let (read, warnings) = inventory::read(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
            let found = index.match_inventory(&read);
            inventories.push(InventoryReport::new(path, &read, &found, warnings));
        }
        let advisories = Advisories {
            records: index.records(),
            vulnerabilities: index.vulnerabilities(),
            withdrawn: index.withdrawn(),
        };
        Ok(Report { advisories, inventories })
    }
}

fn report_print(report: &Report, json: bool) -> Result<ExitCode, ExitCode> {
    if json {
        output::json_print(report)?;
    } else {
        output::lines_print(&lines(report))?;
    }
    let nothing = report.inventories.iter().all(|i| i.findings.is_empty());
    Ok(if nothing { ExitCode::SUCCESS } else { ExitCode::from(EXIT_NEGATIVE) })
}

/// The whole answer.
#[derive(Serialize)]
struct Report {
    advisories: Advisories,
    inventories: Vec<InventoryReport>,
}

/// What was matched against.
#[derive(Serialize)]
struct Advisories {
    /// Live records.
    records: usize,
    /// The same, one under several ids counted once.
    vulnerabilities: usize,
    /// Left out.
    withdrawn: usize,
}

/// What one inventory's components are affected by. Each component is in `findings`, in `unmatchable` or counted in `clean`.
#[derive(Serialize)]
struct InventoryReport {
    path: String,
    format: String,
    subject: Option<String>,
    components: usize,
    findings: Vec<FindingReport>,
    unmatchable: Vec<UnmatchableReport>,
    clean: usize,
    warnings: Vec<String>,
}

#[derive(Serialize)]
struct FindingReport {
    component: ComponentReport,
    status: &'static str,
    ids: Vec<String>,
    fixed: Vec<String>,
    disputed: bool,
    statements: Vec<StatementReport>,
}

#[derive(Serialize)]
struct ComponentReport {
    name: String,
    version: Option<String>,
    purl: Option<String>,
    path: String,
}

#[derive(Serialize)]
struct StatementReport {
    record: String,
    status: &'static str,
    because: String,
}

#[derive(Serialize)]
struct UnmatchableReport {
    component: ComponentReport,
    reason: &'static str,
    because: String,
}

impl InventoryReport {
    fn new(path: &Path, read: &Inventory, found: &InventoryMatch, warnings: Vec<Warning>) -> Self {
        let component = |index: usize| {
            let component = read.components.get(index);
            ComponentReport {
                name: component.map(|c| c.name.clone()).unwrap_or_default(),
                version: component.and_then(|c| c.version.clone()),
                purl: component.and_then(|c| c.purl.clone()),
                path: component.map(|c| c.path.clone()).unwrap_or_default(),
            }
        };
        let findings = found.findings.iter().map(|(index, f)| FindingReport::new(component(*index), f)).collect();
        let unmatchable = found.unmatchable.iter().map(|(index, reason)| UnmatchableReport {
            component: component(*index),
            reason: reason.as_str(),
            because: reason.to_string(),
        });
        InventoryReport {
            path: path.display().to_string(),
            format: read.format.clone(),
            subject: read.subject.clone(),
            components: read.components.len(),
            findings,
            unmatchable: unmatchable.collect(),
            clean: found.clean.len(),
            warnings: warnings.into_iter().map(|w| format!("{}: {}", w.at, w.text)).collect(),
        }
    }
}

impl FindingReport {
    fn new(component: ComponentReport, finding: &Finding) -> Self {
        let statement = |s: &matching::Statement| StatementReport {
            record: s.record.clone(),
            status: s.status.as_str(),
            because: s.because.clone(),
        };
        FindingReport {
            component,
            status: finding.status.as_str(),
            ids: finding.ids.clone(),
            fixed: finding.fixed().into_iter().map(str::to_owned).collect(),
            disputed: finding.is_disputed(),
            statements: finding.statements.iter().map(statement).collect(),
        }
    }
}

fn lines(report: &Report) -> Vec<String> {
    let a = &report.advisories;
    let mut lines = vec![format!(
        "{} advisories of {} vulnerabilities ({} withdrawn left out)",
        a.records, a.vulnerabilities, a.withdrawn
    )];
    for i in &report.inventories {
        lines.push(String::new());
        lines.push(format!("{} ({}): {} components", i.path, i.format, i.components));
        for f in &i.findings {
            let version = f.component.version.as_deref().unwrap_or("?");
            let id = f.ids.first().map_or("", String::as_str);
            let fixed = if f.fixed.is_empty() { String::new() } else { format!("  fixed in {}", f.fixed.join(" or ")) };
            lines.push(format!("  {:<9} {}@{version}  {id}{fixed}", f.status, f.component.name));
            lines.push(format!("            at {}", f.component.path));
            lines.extend(
                f.statements.iter().map(|s| format!("            {} says {}: {}", s.record, s.status, s.because)),
            );
        }
        lines.extend(
            i.unmatchable
                .iter()
                .map(|u| format!("  not compared: {} at {}: {}", u.component.name, u.component.path, u.because)),
        );
        lines.extend(i.warnings.iter().map(|w| format!("  note: {w}")));
        let affected = i.findings.iter().filter(|f| f.status == "affected").count();
        let unknown = i.findings.len() - affected;
        let not = i.unmatchable.len();
        lines.push(format!(
            "  {affected} findings, {unknown} undecided; {} components clean, {not} not compared",
            i.clean
        ));
    }
    lines
}

/// Reads a file, or every `.json` and `.jsonl` file (also `.zst`) under a folder, in the order of their names.
fn advisories_read(path: &Path, levels: usize, records: &mut Vec<Record>) -> Result<(), String> {
    if !path.is_dir() {
        return file_records(path, records);
    }
    let Some(levels) = levels.checked_sub(1) else {
        return Err(format!("{}: more than {FOLDER_LEVELS_MAX} folders within each other", path.display()));
    };
    let entries = fs::read_dir(path).map_err(|e| format!("read folder {}: {e}", path.display()))?;
    let mut inside: Vec<PathBuf> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    inside.sort();
    for path in inside {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let bare = name.strip_suffix(".zst").unwrap_or(name);
        if path.is_dir() || bare.ends_with(".json") || bare.ends_with(".jsonl") {
            advisories_read(&path, levels, records)?;
        }
    }
    Ok(())
}

fn file_records(path: &Path, records: &mut Vec<Record>) -> Result<(), String> {
    let bytes = file_read(path, ADVISORIES_BYTES_MAX + 1)?;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let at = |line: Option<usize>| match line {
        Some(line) => format!("{} line {line}", path.display()),
        None => path.display().to_string(),
    };
    let take = |line, read: Result<(Record, Vec<Warning>), formats::Unreadable>| {
        let (record, warnings) = read.map_err(|e| format!("{}: {e}", at(line)))?;
        for warning in warnings {
            eprintln!("note: {}: {} {}: {}", at(line), record.id, warning.at, warning.text);
        }
        Ok::<Record, String>(record)
    };
    if name.strip_suffix(".zst").unwrap_or(name).ends_with(".jsonl") {
        let bytes_max = usize::try_from(ADVISORIES_BYTES_MAX).unwrap_or(usize::MAX);
        let lines = osv::read_lines(&bytes, bytes_max).map_err(|e| format!("{}: {e}", at(None)))?;
        for (line, read) in lines {
            records.push(take(Some(line), read)?);
        }
    } else {
        records.push(take(None, osv::read(&bytes))?);
    }
    Ok(())
}

/// At most so many bytes, decompressed where the name ends in `.zst`. The readers refuse what is above their limit.
fn file_read(path: &Path, bytes_max: u64) -> Result<Vec<u8>, String> {
    let failed = |e: std::io::Error| format!("read {}: {e}", path.display());
    let file = File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    if path.extension().is_some_and(|extension| extension == "zst") {
        zstd::Decoder::new(file).map_err(failed)?.take(bytes_max).read_to_end(&mut bytes).map_err(failed)?;
    } else {
        file.take(bytes_max).read_to_end(&mut bytes).map_err(failed)?;
    }
    Ok(bytes)
}
