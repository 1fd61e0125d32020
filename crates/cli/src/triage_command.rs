//! `proofhouse triage`: reports of any format, sorted by the defect they are about. Needs no server and sends nothing anywhere;
//! decides nothing that a proof could decide.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use triage::sort::{self, Edge, Gathered, Gathering, POINTS_JOIN_COUNT_MIN, REPORT_BYTES_MAX};

use crate::output::{self, EXIT_INPUT};
use crate::symbol_lookup::Sources;

/// Folders within folders that are looked into.
const FOLDER_LEVELS_MAX: usize = 8;
/// Files that are read in one call.
const FILES_MAX: usize = 1_000_000;

/// Sorts reports by the defect they are about: strong evidence joins by itself, weak evidence is proposed, all with its reasons.
///
/// Reads crash outputs, SARIF 2.1.0, CASR, OSV, CSAF, CVE records, CycloneDX with vulnerabilities, OpenVEX, GitHub advisories, TAP
/// reports, text, e-mail, and zip archives of these. A file that cannot be read is named and does not stop the others. Exit codes: 0 sorted, 2 bad use or not one readable report.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse triage reports/\n  proofhouse triage crash.log scan.sarif mail.eml --json\n  proofhouse triage old.sarif new.sarif --source old.sarif=tree-1.0 --source new.sarif=tree-1.1"
)]
pub struct Triage {
    /// Files, and folders of them
    #[arg(required = true, num_args = 1.., value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    sources: Sources,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Triage {
    /// Runs the subcommand.
    pub fn run(self) -> ExitCode {
        self.answer().unwrap_or_else(|code| code)
    }

    fn answer(&self) -> Result<ExitCode, ExitCode> {
        let mut files = Vec::new();
        for path in &self.paths {
            files_find(path, FOLDER_LEVELS_MAX, &mut files)
                .map_err(|e| refused(&format!("read {}: {e}", path.display())))?;
        }
        files.sort();
        files.dedup();
        if files.len() > FILES_MAX {
            return Err(refused(&format!("{} files were given, at most {FILES_MAX} are read", files.len())));
        }
        let trees = self.sources.open(&files).map_err(|reason| refused(&reason))?;
        let mut read = Vec::new();
        let (mut unread, mut left_out) = (Vec::new(), Vec::new());
        for path in &files {
            match report_read(path) {
                Ok((mut items, parts)) => {
                    read.append(&mut items);
                    left_out.extend(
                        parts
                            .into_iter()
                            .map(|one| Unread { file: format!("{}{}", path.display(), one.at), reason: one.reason }),
                    );
                }
                Err(reason) => unread.push(Unread { file: path.display().to_string(), reason }),
            }
        }
        if read.is_empty() && !unread.is_empty() {
            for one in &unread {
                eprintln!("error [input]: {}: {}", one.file, one.reason);
            }
            return Err(refused("not one of the files is a report that can be read"));
        }
        trees.locate(&mut read).iter().for_each(|line| eprintln!("{line}"));
        let places: Vec<PlaceReport> =
            read.iter().filter(|item| item.kind == sort::Kind::Static).map(PlaceReport::of).collect();
        let mut gathering = Gathering::default();
        read.into_iter().for_each(|item| drop(gathering.add(item)));
        let gathered = gathering.gather();
        let report = TriageReport { places, ..TriageReport::new(gathering.len(), &gathered, unread, left_out) };
        if self.json {
            output::json_print(&report)?;
        } else {
            output::lines_print(&lines(&report))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn refused(message: &str) -> ExitCode {
    eprintln!("error [input]: {message}");
    ExitCode::from(EXIT_INPUT)
}

/// The files at `path`, looked for in folders down to `levels`; links are not followed within folders.
fn files_find(path: &Path, levels: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        files.push(path.to_path_buf());
        return Ok(());
    }
    if levels == 0 {
        return Err(io::Error::other(format!("folders lie deeper than {FOLDER_LEVELS_MAX} levels")));
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_symlink() {
            continue;
        }
        files_find(&entry.path(), levels - 1, files)?;
    }
    Ok(())
}

fn report_read(path: &Path) -> Result<(Vec<sort::Item>, Vec<intake::LeftOut>), String> {
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(REPORT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|e| e.to_string())?;
    intake::facts(&path.display().to_string(), &bytes).map_err(|e| e.to_string())
}

/// The JSON document. Every report that was read is in exactly one cluster.
#[derive(Serialize)]
struct TriageReport<'a> {
    reports: usize,
    clusters: Vec<ClusterReport<'a>>,
    proposals: Vec<EdgeReport<'a>>,
    proposals_left_out: usize,
    places: Vec<PlaceReport>,
    unread: Vec<Unread>,
    left_out: Vec<Unread>,
}

/// Where a static result is, and how that is known. A result at the top of its file has a source and no symbol.
#[derive(Serialize)]
struct PlaceReport {
    member: String,
    path: Option<String>,
    line: Option<u32>,
    symbol: Option<String>,
    symbol_from: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_symbol: Option<String>,
}

impl PlaceReport {
    fn of(item: &sort::Item) -> Self {
        PlaceReport {
            member: item.id.clone(),
            path: item.path.clone(),
            line: item.line,
            symbol: item.symbols.first().cloned(),
            symbol_from: item.origin.map(triage::place::Origin::as_str),
            no_symbol: item.no_symbol.map(|reason| reason.to_string()),
        }
    }
}

#[derive(Serialize)]
struct ClusterReport<'a> {
    id: &'a str,
    members: &'a [String],
    reasons: Vec<EdgeReport<'a>>,
}

#[derive(Serialize)]
struct EdgeReport<'a> {
    between: &'a [String; 2],
    strength: &'static str,
    points: i32,
    because: Vec<BecauseReport<'a>>,
}

#[derive(Serialize)]
struct BecauseReport<'a> {
    points: i32,
    fact: &'a str,
    text: &'a str,
}

#[derive(Serialize)]
struct Unread {
    file: String,
    reason: String,
}

impl<'a> TriageReport<'a> {
    fn new(reports: usize, gathered: &'a Gathered, unread: Vec<Unread>, left_out: Vec<Unread>) -> Self {
        let cluster = |group: &'a sort::Group| ClusterReport {
            id: &group.id,
            members: &group.members,
            reasons: group.reasons.iter().map(EdgeReport::new).collect(),
        };
        TriageReport {
            reports,
            clusters: gathered.groups.iter().map(cluster).collect(),
            proposals: gathered.proposals.iter().map(EdgeReport::new).collect(),
            proposals_left_out: gathered.proposals_left_out,
            places: Vec::new(),
            unread,
            left_out,
        }
    }
}

impl<'a> EdgeReport<'a> {
    fn new(edge: &'a Edge) -> Self {
        let because =
            edge.because.iter().map(|b| BecauseReport { points: b.points, fact: b.fact, text: &b.text }).collect();
        let strength = if edge.points >= POINTS_JOIN_COUNT_MIN { "strong" } else { "weak" };
        EdgeReport { between: &edge.between, strength, points: edge.points, because }
    }
}

fn lines(report: &TriageReport<'_>) -> Vec<String> {
    let mut lines = vec![format!("{} reports, {} clusters", report.reports, report.clusters.len())];
    lines.extend(places_line(&report.places));
    for cluster in &report.clusters {
        lines.push(String::new());
        lines.push(format!("{}: {} reports", cluster.id, cluster.members.len()));
        lines.extend(cluster.members.iter().map(|member| format!("  {member}")));
        lines.extend(cluster.reasons.iter().map(edge_line));
    }
    if !report.proposals.is_empty() {
        lines.push(String::new());
        lines.push(format!("{} pairs that may be one defect:", report.proposals.len() + report.proposals_left_out));
        lines.extend(report.proposals.iter().map(edge_line));
    }
    lines.extend(report.left_out.iter().map(|one| format!("  left out: {}: {}", one.file, one.reason)));
    lines.extend(report.unread.iter().map(|one| format!("  not read: {}: {}", one.file, one.reason)));
    lines
}

/// How many symbols are known, and from where.
fn places_line(places: &[PlaceReport]) -> Option<String> {
    let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
    for place in places {
        *counted.entry(place.symbol_from.or(place.no_symbol.as_deref()).unwrap_or("unknown")).or_default() += 1;
    }
    let told: Vec<String> = counted.iter().map(|(word, count)| format!("{word} {count}")).collect();
    (!places.is_empty()).then(|| format!("symbols of {} static results: {}", places.len(), told.join(", ")))
}

fn edge_line(edge: &EdgeReport<'_>) -> String {
    let because: Vec<&str> = edge.because.iter().map(|b| b.text).collect();
    format!("    {} and {} ({} points): {}", edge.between[0], edge.between[1], edge.points, because.join("; "))
}
