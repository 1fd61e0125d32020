//! What a file holds, read before anything is sent. Must not send anything.

use std::collections::BTreeMap;
use std::fs::{self, File as Opened};
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;
use formats::provenance::{AiUse, AiWord, Credit, EmbargoTerms, Hop};
use formats::tap;
use intake::{DOCUMENT_BYTES_MAX, Document, FoundSymbol, Given, Kind, Understood};
use triage::place::Origin;

use crate::symbol_lookup::Trees;

use super::bundle::{bundle_pack, bundle_purl, report_of};

/// How a packed bundle begins: zstd, gzip.
const PACKED: [&[u8]; 2] = [&[0x28, 0xb5, 0x2f, 0xfd], &[0x1f, 0x8b]];

/// What the sender says beside the files.
#[derive(Args)]
pub struct Said {
    /// The package [default: the one the file is about]
    #[arg(long, value_name = "PURL")]
    purl: Option<String>,
    /// The ecosystem, as OSV spells it, where there is no purl
    #[arg(long)]
    ecosystem: Option<String>,
    /// The software, where there is no purl
    #[arg(long)]
    software: Option<String>,
    /// The affected function
    #[arg(long)]
    symbol: Option<String>,
    /// The weakness, such as CWE-1321
    #[arg(long)]
    cwe: Option<String>,
    /// How severe you think it is, in your own word
    #[arg(long)]
    severity: Option<String>,
    /// Another id of the same vulnerability; may be given several times
    #[arg(long = "alias", value_name = "ID")]
    aliases: Vec<String>,
    /// A text file with the description
    #[arg(long, value_name = "FILE")]
    text: Option<PathBuf>,
    /// What found it, in your own words
    #[arg(long)]
    tooling: Option<String>,
    /// Who found it, to be named so wherever it is published; may be given several times
    #[arg(long = "credit", value_name = "NAME")]
    credits: Vec<String>,
    /// Who handed it to you, the first first; may be given several times
    #[arg(long = "reporter", value_name = "PARTY")]
    reporters: Vec<String>,
    /// What a machine that writes had to do with finding it: none, assisted or autonomous
    #[arg(long, value_name = "WORD", value_parser = ["none", "assisted", "autonomous"])]
    ai: Option<String>,
    /// Which machine that was
    #[arg(long, value_name = "TEXT", requires = "ai")]
    ai_tooling: Option<String>,
    /// Until when it is to be kept: a day or a time
    #[arg(long, value_name = "TIME")]
    embargo_ends: Option<String>,
    /// The terms under which it was given to you, in words
    #[arg(long, value_name = "TEXT")]
    embargo_terms: Option<String>,
    /// Where those terms can be read
    #[arg(long, value_name = "URL")]
    embargo_url: Option<String>,
    /// Static results that were suppressed become reports too
    #[arg(long)]
    suppressed: bool,
}

impl Said {
    /// The same, with the text read.
    ///
    /// # Errors
    /// One line that says what could not be read.
    pub fn given(&self) -> Result<Given, String> {
        let read = |path: &PathBuf| fs::read_to_string(path).map_err(|e| format!("read {}: {e}", path.display()));
        let terms = EmbargoTerms {
            ends: self.embargo_ends.clone(),
            terms: self.embargo_terms.clone(),
            url: self.embargo_url.clone(),
        };
        let word = self.ai.as_deref().and_then(AiWord::of_word);
        Ok(Given {
            purl: self.purl.clone(),
            ecosystem: self.ecosystem.clone(),
            software: self.software.clone(),
            symbol: self.symbol.clone(),
            cwe: self.cwe.clone(),
            severity: self.severity.clone(),
            aliases: self.aliases.clone(),
            text: self.text.as_ref().map(read).transpose()?,
            tooling: self.tooling.clone(),
            credits: self.credits.iter().map(|name| Credit { name: name.clone(), role: "finder".to_owned() }).collect(),
            chain: self.reporters.iter().map(|party| Hop { party: party.clone(), handling_id: None }).collect(),
            embargo: (terms != EmbargoTerms::default()).then_some(terms),
            ai_finder: word.map(|word| AiUse { word, tooling: self.ai_tooling.clone() }),
            ai_coordinator: None,
            suppressed: self.suppressed,
            symbols: BTreeMap::new(),
        })
    }
}

/// One file, and what was understood of it.
pub struct File {
    /// As it was named.
    pub path: PathBuf,
    /// Its reports, or why there are none.
    pub read: Result<Document, String>,
}

impl File {
    /// Reports that can be sent.
    pub fn ready(&self) -> usize {
        self.read.as_ref().map_or(0, |document| document.reports.iter().filter(|r| r.problem.is_none()).count())
    }

    /// Whether something in it cannot be sent.
    pub fn is_bad(&self) -> bool {
        self.read.as_ref().map_or(true, |document| document.reports.iter().any(|r| r.problem.is_some()))
    }
}

/// Reads a file or a bundle.
pub fn read(path: &Path, given: &Given, trees: &Trees) -> File {
    File { path: path.to_owned(), read: document(path, given, trees) }
}

fn document(path: &Path, given: &Given, trees: &Trees) -> Result<Document, String> {
    if path.is_dir() {
        return bundle(path, given);
    }
    let failed = |e: std::io::Error| format!("read {}: {e}", path.display());
    let mut bytes = Vec::new();
    let most = DOCUMENT_BYTES_MAX as u64 + 1;
    Opened::open(path).map_err(failed)?.take(most).read_to_end(&mut bytes).map_err(failed)?;
    if PACKED.iter().any(|magic| bytes.starts_with(magic)) {
        return bundle(path, given);
    }
    let symbols = symbols(path, &bytes, trees);
    intake::read(&bytes, &Given { symbols, ..given.clone() }).map_err(|refused| refused.to_string())
}

/// The enclosing functions of a SARIF log's results that the log does not tell, by their places in it.
fn symbols(path: &Path, bytes: &[u8], trees: &Trees) -> BTreeMap<String, FoundSymbol> {
    let with_texts = || std::str::from_utf8(bytes).is_ok_and(|text| text.contains("\"contents\""));
    if intake::kind_of(bytes) != Ok(Kind::Sarif) || trees.is_empty() && !with_texts() {
        return BTreeMap::new();
    }
    let id = path.display().to_string();
    let Ok((mut items, _)) = intake::facts(&id, bytes) else { return BTreeMap::new() };
    trees.locate(&mut items).iter().for_each(|line| eprintln!("{line}"));
    let found = items.into_iter().filter_map(|item| {
        let origin = item.origin.filter(|origin| *origin != Origin::Document)?;
        Some((item.id.strip_prefix(&id)?.to_owned(), FoundSymbol { name: item.symbols.into_iter().next()?, origin }))
    });
    found.collect()
}

/// A proof bundle as a report.
fn bundle(path: &Path, given: &Given) -> Result<Document, String> {
    let purl = given.purl.clone().map_or_else(|| bundle_purl(path), Ok)?;
    let body = report_of(&bundle_pack(path)?, &Given { purl: Some(purl), ..given.clone() });
    let (report, warnings, problem) = match tap::read_report(&body) {
        Ok((report, warnings)) => (report, warnings, None),
        Err(refusal) => (tap::Report::default(), Vec::new(), Some(refusal.to_string())),
    };
    let title = format!("proof bundle for {}", report.purl.as_deref().unwrap_or_default());
    let report = Understood { at: String::new(), kind: Kind::Tap, title, report, body, warnings, problem };
    Ok(Document { kind: Kind::Tap, reports: vec![report], left_out: Vec::new(), warnings: Vec::new() })
}
