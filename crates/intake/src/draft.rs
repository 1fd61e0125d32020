//! What a reader knows of one defect, and the TAP report that is made of it: within every limit of TAP, with a warning for whatever
//! was cut, and the same bytes for the same document. Must not invent: a field that nothing is known of stays absent.

use formats::Warning;
use formats::ecosystem::Ecosystem;
use formats::provenance::{self, AiUse, Credit, EmbargoTerms, Hop, Provenance, Source};
use formats::purl::{Purl, purl_of};
use formats::tap::limits::*;
use formats::tap::{self, Attachment, AttachmentType, ContentType, Enrichment, Refusal, Report, Symbol};
use serde_json::{Map, json};
use sha2::{Digest, Sha256};
use triage::sort;

use crate::given::Given;
use crate::kind::Kind;
use crate::text::{CWES_COUNT_MAX, cut, line, lines};
use crate::{Document, Left, Refused};

/// Name of the description among the attachments.
const DESCRIPTION: &str = "description.md";
/// The longest title, in bytes.
const TITLE_BYTES_MAX: usize = 200;
/// The longest description that is written; the document itself goes along.
const DESCRIPTION_BYTES_MAX: usize = 256 * 1024;
/// Entries of each list of a draft: more than a report can hold of any.
pub const LIST_COUNT_MAX: usize = 256;
/// A document up to this size goes along with each report where several are drawn from it, in bytes.
const SHARED_BYTES_MAX: usize = 128 * 1024;

/// What a report is drawn from: the document, or a part of it.
#[derive(Clone, Debug)]
pub enum Original {
    /// It goes along, under this name.
    Whole(&'static str, ContentType, Vec<u8>),
    /// It is named by its digest (SHA-256, hex).
    Digest(String),
}

impl Original {
    /// Of a document from which so many reports are drawn: copied for each of them only where it is short.
    pub fn of(name: &'static str, content_type: ContentType, bytes: &[u8], reports: usize) -> Option<Self> {
        Some(match reports <= 1 || bytes.len() <= SHARED_BYTES_MAX {
            true => Original::Whole(name, content_type, bytes.to_vec()),
            false => Original::Digest(digest_hex(bytes)),
        })
    }
}

/// Facts, not yet within any limit.
#[derive(Clone, Debug, Default)]
pub struct Draft {
    pub at: String,
    pub title: String,
    /// Markdown or plain text, as the document has it.
    pub text: String,
    /// `name: value` lines below the text.
    pub notes: Vec<String>,
    pub purl: Option<String>,
    pub ecosystem: Option<String>,
    pub software: Option<String>,
    pub versions: Vec<String>,
    pub ids: Vec<String>,
    pub cwes: Vec<String>,
    pub severity: Option<String>,
    /// Vectors of any version.
    pub cvss: Vec<String>,
    pub vex_status: Option<&'static str>,
    pub references: Vec<String>,
    pub repo: Option<String>,
    pub introduced_commit: Option<String>,
    pub fixed_commit: Option<String>,
    pub symbol: Symbol,
    pub code_path: Option<String>,
    pub method: Option<&'static str>,
    pub tool: Option<String>,
    pub credits: Vec<Credit>,
    pub chain: Vec<Hop>,
    pub embargo: Option<EmbargoTerms>,
    pub ai_finder: Option<AiUse>,
    pub ai_coordinator: Option<AiUse>,
    /// Files that come with it.
    pub files: Vec<Attachment>,
    pub original: Option<Original>,
    pub warnings: Vec<Warning>,
}

/// One report that was drawn from a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// Where in the document: empty for the whole, `#/runs/0/results/3`, `!more/a.json#/affected/0`.
    pub at: String,
    /// The format it was drawn from.
    pub kind: Kind,
    /// In a line.
    pub title: String,
    /// As it is sent.
    pub report: Report,
    /// The bytes that are sent: a TAP report in JSON.
    pub body: Vec<u8>,
    /// What was cut, left out or is odd.
    pub warnings: Vec<Warning>,
    /// Why an intake would refuse it; `None` when it is ready to be sent.
    pub problem: Option<String>,
}

impl Understood {
    /// Where it comes from, beyond TAP's own fields.
    #[must_use]
    pub fn provenance(&self) -> Option<Provenance> {
        provenance::of_report(&self.report)?.ok().map(|(provenance, _)| provenance)
    }

    /// Digest of what is sent (SHA-256, hex): the same report has the same.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_hex(&self.body)
    }

    /// Its facts for sorting, under an id. What was attached as it came in JSON or bytes says nothing to people and is left out.
    pub(crate) fn item(&self, id: &str) -> Option<sort::Item> {
        if self.kind == Kind::Tap {
            return sort::read(id, &self.body).ok()?.into_iter().next();
        }
        let told = |a: &&Attachment| !a.content_type.is_binary() && a.content_type != ContentType::Json;
        let attachments = self.report.attachments.iter().filter(told).cloned().collect();
        let mut report = Report { attachments, ..self.report.clone() };
        if report.purl.is_none() && report.software.is_none() {
            // A report of a package that is not named yet is read as what it says.
            let text = report.attachments.iter().map(|a| String::from_utf8_lossy(&a.bytes)).collect::<Vec<_>>();
            return sort::read(id, format!("# {}\n\n{}", self.title, text.join("\n")).as_bytes()).ok()?.pop();
        }
        report.references.clear();
        sort::read(id, &tap::write_report(&report)).ok()?.into_iter().next()
    }
}

/// SHA-256 in hex.
#[must_use]
pub fn digest_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// A TAP report is sent as it is.
pub fn read_tap(bytes: &[u8], _: &Given, left: &mut Left) -> Result<Document, Refused> {
    let mut document = Document::new(Kind::Tap);
    let (report, warnings, problem) = match tap::read_report(bytes) {
        Ok((report, warnings)) => (report, warnings, None),
        Err(refusal) => (Report::default(), Vec::new(), Some(told(&refusal))),
    };
    let title = report.software.clone().or_else(|| report.purl.clone()).unwrap_or_default();
    let body = bytes.to_vec();
    document.reports.push(Understood { at: String::new(), kind: Kind::Tap, title, report, body, warnings, problem });
    left.reports = left.reports.saturating_sub(1);
    left.report_bytes = left.report_bytes.saturating_sub(bytes.len());
    Ok(document)
}

fn told(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Invalid { violations } => {
            let all: Vec<String> = violations.iter().take(8).map(|v| format!("{}: {}", v.field, v.reason)).collect();
            all.join("; ")
        }
        other => other.to_string(),
    }
}

/// Distributions share purl types: which it is stands in the namespace.
const NAMESPACES: [(&str, &str); 9] = [
    ("Debian", "debian"),
    ("Ubuntu", "ubuntu"),
    ("Alpine", "alpine"),
    ("Wolfi", "wolfi"),
    ("Chainguard", "chainguard"),
    ("Red Hat", "redhat"),
    ("AlmaLinux", "almalinux"),
    ("SUSE", "suse"),
    ("openSUSE", "opensuse"),
];

fn purl_named(ecosystem: &str, software: &str) -> Option<String> {
    let purl = purl_of(ecosystem, software)?;
    let Some((_, namespace)) = NAMESPACES.iter().find(|(name, _)| *name == ecosystem) else { return Some(purl) };
    let (purl_type, name) = purl.split_once('/')?;
    Some(format!("{purl_type}/{namespace}/{name}"))
}

impl Draft {
    /// Once, however often it is said.
    pub fn warn(&mut self, code: &'static str, at: &str, text: impl Into<String>) {
        let warning = Warning::new(code, at, text);
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    pub fn note(&mut self, name: &str, value: &str) {
        let value = line(value, 2_000);
        if !value.is_empty() {
            self.notes.push(format!("- {name}: {value}"));
        }
    }

    /// Cut to what a report can hold at the very most: what several reports share is cut before it is copied for each.
    pub fn bounded(mut self) -> Self {
        let before = [self.ids.len(), self.references.len(), self.notes.len(), self.credits.len(), self.chain.len()];
        if self.text.len() > DESCRIPTION_BYTES_MAX || before.iter().any(|count| *count > LIST_COUNT_MAX) {
            let text =
                format!("at most {DESCRIPTION_BYTES_MAX} bytes of text and {LIST_COUNT_MAX} of each list are taken");
            self.warn("cut", "", text);
        }
        self.text.truncate(cut(&self.text, DESCRIPTION_BYTES_MAX).len());
        self.notes.truncate(LIST_COUNT_MAX);
        for list in [&mut self.ids, &mut self.references, &mut self.cwes, &mut self.cvss] {
            list.truncate(LIST_COUNT_MAX);
        }
        self.credits.truncate(LIST_COUNT_MAX);
        self.chain.truncate(LIST_COUNT_MAX);
        self
    }

    /// The report, with what the sender says.
    pub fn understood(self, kind: Kind, given: &Given) -> Understood {
        self.bounded().drawn(kind, given)
    }

    fn drawn(mut self, kind: Kind, given: &Given) -> Understood {
        self.take(given);
        let title = line(&self.title, TITLE_BYTES_MAX);
        let mut report = Report::default();
        self.package_put(&mut report);
        self.fields_put(&mut report);
        report.enrichment = self.enrichment();
        let original = self.original.take();
        self.attachments_put(&mut report, kind, &title, original);
        let mut body = tap::write_report(&report);
        let mut refusal = tap::read_report(&body).err();
        if refusal.as_ref().is_some_and(Refusal::is_size) && self.shrink(&mut report) {
            body = tap::write_report(&report);
            refusal = tap::read_report(&body).err();
        }
        let named = report.purl.is_some() || report.software.is_some() && report.ecosystem.is_some();
        let problem = refusal.map(|refusal| match named {
            true => told(&refusal),
            false => "it names no package in an ecosystem that is known: give --purl, or --ecosystem and --software"
                .to_owned(),
        });
        Understood { at: self.at, kind, title, report, body, warnings: self.warnings, problem }
    }

    /// What the sender says comes first.
    fn take(&mut self, given: &Given) {
        if given.purl.is_some() {
            self.purl.clone_from(&given.purl);
            (self.ecosystem, self.software) = (None, None);
        }
        if given.software.is_some() {
            self.purl = given.purl.clone();
            self.ecosystem.clone_from(&given.ecosystem);
            self.software.clone_from(&given.software);
        } else if given.ecosystem.is_some() && self.purl.is_none() {
            self.ecosystem.clone_from(&given.ecosystem);
        }
        if given.symbol.is_some() {
            self.symbol.function.clone_from(&given.symbol);
        }
        self.cwes.splice(0..0, given.cwe.iter().cloned());
        self.severity = given.severity.clone().or(self.severity.take());
        self.ids.splice(0..0, given.aliases.iter().cloned());
        self.tool = given.tooling.clone().or(self.tool.take());
        self.credits.splice(0..0, given.credits.iter().cloned());
        self.chain.splice(0..0, given.chain.iter().cloned());
        self.embargo = given.embargo.clone().or(self.embargo.take());
        self.ai_finder = given.ai_finder.clone().or(self.ai_finder.take());
        self.ai_coordinator = given.ai_coordinator.clone().or(self.ai_coordinator.take());
        if let Some(text) = &given.text {
            self.text = if self.text.is_empty() { text.clone() } else { format!("{text}\n\n{}", self.text) };
        }
    }

    fn package_put(&mut self, report: &mut Report) {
        let purl = self.purl.take().and_then(|purl| match purl.parse::<Purl>() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.warn("invalid_purl", "purl", format!("{error}: left out"));
                None
            }
        });
        if let Some(purl) = purl {
            if let Some(version) = &purl.version
                && !self.versions.contains(version)
            {
                self.versions.push(version.clone());
            }
            report.purl = Some(purl.canonical);
        } else if let Some(software) = self.software.take() {
            let software = line(&software, SOFTWARE_BYTES_MAX);
            let known = self.ecosystem.as_deref().and_then(Ecosystem::named);
            if let (None, Some(ecosystem)) = (known, &self.ecosystem) {
                let text = format!("{} is no ecosystem that is known", line(ecosystem, 64));
                self.warn("unknown_ecosystem", "ecosystem", text);
            }
            match known.and_then(|known| purl_named(known.name, &software)) {
                Some(purl) => report.purl = purl.parse::<Purl>().ok().map(|purl| purl.canonical),
                None => {
                    report.ecosystem = known.map(|known| known.name.to_owned());
                    report.software = Some(software).filter(|software| !software.is_empty());
                }
            }
        }
        report.versions =
            self.list("versions", VERSIONS_COUNT_MAX, VERSION_BYTES_MAX, |d| std::mem::take(&mut d.versions));
    }

    /// Lines of at most so many bytes, none twice, at most so many; longer ones are left out with a warning.
    fn list(
        &mut self,
        field: &str,
        count_max: usize,
        bytes_max: usize,
        of: impl Fn(&mut Draft) -> Vec<String>,
    ) -> Vec<String> {
        let (mut kept, mut left): (Vec<String>, usize) = (Vec::new(), 0);
        for text in of(self) {
            let one = line(&text, bytes_max + 1);
            if one.is_empty() || kept.contains(&one) {
                continue;
            }
            if one.len() > bytes_max || kept.len() == count_max {
                left += 1;
            } else {
                kept.push(one);
            }
        }
        if left > 0 {
            let text = format!("{left} left out: at most {count_max} of {bytes_max} bytes are taken");
            self.warn("cut", field, text);
        }
        kept
    }

    fn fields_put(&mut self, report: &mut Report) {
        let ids = self.list("upstream_ids", usize::MAX, UPSTREAM_ID_BYTES_MAX, |d| std::mem::take(&mut d.ids));
        for id in ids {
            match tap::upstream_id_canonical(&id) {
                Some(id) if report.upstream_ids.contains(&id) => {}
                Some(id) if report.upstream_ids.len() < UPSTREAM_IDS_COUNT_MAX => report.upstream_ids.push(id),
                Some(_) => self.warn("cut", "upstream_ids", format!("more than {UPSTREAM_IDS_COUNT_MAX}")),
                None => self.note("also known as", &id),
            }
        }
        let references = self.list("references", usize::MAX, usize::MAX / 4, |d| std::mem::take(&mut d.references));
        for url in references {
            if report.references.len() == REFERENCES_COUNT_MAX
                || url.len() > REFERENCE_BYTES_MAX
                || !tap::is_http_url(&url)
            {
                self.note("reference", &url);
            } else {
                report.references.push(url);
            }
        }
        let commit = |text: Option<String>| {
            text.map(|t| t.trim().to_ascii_lowercase()).filter(|t| {
                (COMMIT_DIGITS_MIN..=COMMIT_DIGITS_MAX).contains(&t.len()) && t.bytes().all(|b| b.is_ascii_hexdigit())
            })
        };
        report.introduced_commit = commit(self.introduced_commit.take());
        report.fixed_commit = commit(self.fixed_commit.take());
        let repo = self.repo.take().map(|url| line(&url, REPO_URL_BYTES_MAX + 1));
        report.package_repo_url = repo.filter(|url| url.len() <= REPO_URL_BYTES_MAX && tap::is_http_url(url));
        let some = |text: Option<String>, bytes_max| text.map(|t| line(&t, bytes_max)).filter(|t| !t.is_empty());
        report.code_path = some(self.code_path.take(), CODE_PATH_BYTES_MAX);
        let symbol = Symbol {
            file: some(self.symbol.file.take(), SYMBOL_FILE_BYTES_MAX),
            function: some(self.symbol.function.take(), SYMBOL_FUNCTION_BYTES_MAX),
            line: self.symbol.line,
        };
        report.affected_symbol = (symbol != Symbol::default()).then_some(symbol);
        report.discovery_method = some(self.method.map(str::to_owned), DISCOVERY_METHOD_BYTES_MAX);
        report.discovery_tooling = some(self.tool.take(), DISCOVERY_TOOLING_BYTES_MAX);
    }

    fn enrichment(&mut self) -> Option<Enrichment> {
        let mut sent = Map::new();
        let four = self.cvss.iter().position(|vector| vector.starts_with("CVSS:4.0/"));
        let cvss_vector = four.map(|at| line(&self.cvss.remove(at), 512));
        for vector in std::mem::take(&mut self.cvss) {
            self.note("CVSS", &vector);
        }
        let mut cwe: Vec<String> = Vec::new();
        for found in std::mem::take(&mut self.cwes).iter().flat_map(|text| crate::text::cwes(text)) {
            if cwe.len() < CWES_COUNT_MAX && !cwe.contains(&found) {
                cwe.push(found);
            }
        }
        let severity = self.severity.take().map(|word| line(&word, 64)).filter(|word| !word.is_empty());
        if let Some(vector) = &cvss_vector {
            sent.insert("cvss_vector".to_owned(), json!(vector));
        }
        if !cwe.is_empty() {
            sent.insert("cwe".to_owned(), json!(cwe));
        }
        if let Some(word) = &severity {
            sent.insert("severity".to_owned(), json!(word));
        }
        if let Some(word) = self.vex_status {
            sent.insert("vex_status".to_owned(), json!(word));
        }
        let vex_status = self.vex_status.map(str::to_owned);
        (!sent.is_empty()).then(|| Enrichment { sent, cvss_vector, cwe, severity, vex_status, ..Enrichment::default() })
    }

    fn attachments_put(&mut self, report: &mut Report, kind: Kind, title: &str, original: Option<Original>) {
        let description = self.description(title);
        if !description.trim().is_empty() {
            report.attachments.push(Attachment {
                filename: DESCRIPTION.to_owned(),
                content_type: ContentType::Markdown,
                kind: AttachmentType::Other,
                description: Some("what the defect is".to_owned()),
                bytes: description.into_bytes(),
            });
        }
        let mut source = Source { format: kind.as_str().to_owned(), sha256: None };
        let mut reserved = 1;
        if let Some(Original::Digest(digest)) = &original {
            source.sha256 = Some(digest.clone());
        }
        if let Some(Original::Whole(name, content_type, bytes)) = original {
            let readable = content_type.is_binary() || std::str::from_utf8(&bytes).is_ok();
            if bytes.len() <= ATTACHMENT_DATA_BYTES_MAX / 4 * 3 && !bytes.is_empty() && readable {
                reserved += 1;
                let description = Some("what this report was drawn from".to_owned());
                let (filename, kind) = (name.to_owned(), AttachmentType::Other);
                report.attachments.push(Attachment { filename, content_type, kind, description, bytes });
            } else {
                source.sha256 = Some(digest_hex(&bytes));
                let text = format!("{} bytes are too many to be attached: its digest is kept", bytes.len());
                self.warn("original_not_attached", name, text);
            }
        }
        for file in std::mem::take(&mut self.files) {
            if report.attachments.len() + reserved > ATTACHMENTS_COUNT_MAX {
                let text = format!("not attached: a report has at most {ATTACHMENTS_COUNT_MAX} files");
                self.warn("cut", &file.filename.clone(), text);
            } else {
                report.attachments.push(file);
            }
        }
        let provenance = Provenance {
            credits: std::mem::take(&mut self.credits),
            chain: std::mem::take(&mut self.chain),
            embargo: self.embargo.take(),
            ai_finder: self.ai_finder.take(),
            ai_coordinator: self.ai_coordinator.take(),
            source: Some(source),
        };
        report.attachments.push(provenance::attachment(&provenance));
    }

    fn description(&self, title: &str) -> String {
        let mut out = String::new();
        if !title.is_empty() {
            out.push_str(&format!("# {title}\n"));
        }
        let text = lines(&self.text);
        if !text.trim().is_empty() {
            out.push_str(&format!("\n{}\n", text.trim_end()));
        }
        if !self.notes.is_empty() {
            out.push_str(&format!("\n{}\n", self.notes.join("\n")));
        }
        cut(&out, DESCRIPTION_BYTES_MAX).to_owned()
    }

    /// A report that is too large as a whole loses its largest files, which are told by name. True when it lost one.
    fn shrink(&mut self, report: &mut Report) -> bool {
        let mut lost = false;
        while tap::read_report(&tap::write_report(report)).is_err_and(|refusal| refusal.is_size()) {
            let largest = report.attachments.iter().enumerate().filter(|(_, a)| a.filename != provenance::FILENAME);
            let Some((at, _)) = largest.max_by_key(|(_, a)| a.bytes.len()) else { break };
            let file = report.attachments.remove(at);
            let text = format!("{} bytes are too many: not attached", file.bytes.len());
            self.warn("cut", &file.filename, text);
            lost = true;
        }
        lost
    }
}
