//! Advisory: publish, revise and withdraw the record of a case; every revision is kept and signed.
//!
//! Must not publish what was not measured, nor against the maintainer's verdict. The documents
//! themselves are written in `osv` and `csaf` below, from one [`Content`].

mod csaf;
mod osv;
mod severity;

use domain::advisory::{AdvisoryFormat, AdvisoryState, advisory_name};
use domain::case::{CASE_TITLE_BYTES_MAX, CaseState, EventKind, MaintainerVerdict};
use domain::fix::{FixKind, FixState};
use domain::id::CaseId;
use domain::package::Package;
use domain::policy::Action;
use domain::shown::{is_invisible, is_turning};
use domain::time::Timestamp;
use signing::DetachedSignature;
use store::advisory::{self as table, Advisory, AdvisoryDocument};
use store::case::Case;
use store::{Listed, Page, Tx};

use crate::Service;
use crate::case::credits_of;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, internal, url_check};
use crate::identity::{new_id, random};
use crate::job::JobKind;
use crate::range::MeasuredRange;

/// Longest summary, in bytes.
pub const SUMMARY_BYTES_MAX: usize = 8_000;
/// Aliases of one advisory.
pub const ALIASES_COUNT_MAX: usize = 16;
/// Longest alias, in bytes.
pub const ALIAS_BYTES_MAX: usize = 128;
/// References of one advisory.
pub const REFERENCES_COUNT_MAX: usize = 16;
/// Longest reference, in bytes.
pub const REFERENCE_BYTES_MAX: usize = 512;

/// What whoever publishes adds to what was measured. What is absent stays as the case has it.
#[derive(Debug, Clone, Default)]
pub struct PublishInput {
    /// One line.
    pub title: Option<String>,
    /// What it is and what to do, in plain text.
    pub summary: Option<String>,
    /// A CVSS vector.
    pub severity: Option<String>,
    /// Such as `CWE-1321`.
    pub weakness: Option<String>,
    /// Other ids of the very same vulnerability.
    pub aliases: Vec<String>,
    /// Absolute http(s) URLs.
    pub references: Vec<String>,
    /// What changed, for a revision.
    pub change: Option<String>,
}

/// A published document with its signature.
#[derive(Debug, Clone)]
pub struct Document {
    /// The canonical file name.
    pub filename: String,
    /// `application/json` in both formats; also bound into the signature.
    pub media_type: &'static str,
    /// The document, byte for byte as signed.
    pub body: String,
    /// The detached signature, as JSON.
    pub signature: String,
    /// The revision.
    pub revision: i64,
}

/// Media type of both documents.
pub const DOCUMENT_MEDIA_TYPE: &str = "application/json";

/// Everything an advisory says, from which both documents are written.
#[derive(Debug)]
pub(crate) struct Content {
    pub name: String,
    pub package: Package,
    pub title: String,
    pub summary: String,
    pub severity: Option<String>,
    pub weakness: Option<String>,
    pub aliases: Vec<String>,
    pub references: Vec<String>,
    pub range: MeasuredRange,
    /// Verified upgrades, and mitigations in words.
    pub upgrades: Vec<String>,
    pub mitigations: Vec<String>,
    pub credits: Vec<String>,
    pub published: Timestamp,
    pub modified: Timestamp,
    pub withdrawn: Option<(Timestamp, String)>,
    /// Date and summary of each revision, oldest first.
    pub revisions: Vec<(Timestamp, String)>,
    pub publisher: String,
    pub url: String,
}

fn input_check(input: &PublishInput) -> Result<()> {
    let mut violations = Vec::new();
    let mut text = |field: &str, value: &Option<String>, bytes_max: usize, one_line: bool| {
        let Some(value) = value else { return };
        let control = value
            .chars()
            .any(|c| (c.is_control() && (one_line || c != '\n')) || is_turning(c) || (one_line && is_invisible(c)));
        if value.trim().is_empty() || value.len() > bytes_max || control {
            let reason = format!("1 to {bytes_max} bytes, no control characters");
            violations.push(Violation::new("malformed_text", field, reason));
        }
    };
    text("title", &input.title, CASE_TITLE_BYTES_MAX, true);
    text("summary", &input.summary, SUMMARY_BYTES_MAX, false);
    text("change", &input.change, CASE_TITLE_BYTES_MAX, true);
    text("weakness", &input.weakness, ALIAS_BYTES_MAX, true);
    text("severity", &input.severity, ALIAS_BYTES_MAX * 2, true);
    if input.weakness.as_ref().is_some_and(|w| formats::csaf::cwe_name(w).is_none()) {
        violations.push(Violation::new(
            "unknown_weakness",
            "weakness",
            "a CWE id that is known here, such as CWE-1321",
        ));
    }
    if input.severity.as_ref().is_some_and(|s| !severity::is_vector(s)) {
        let reason = "a CVSS vector of version 3.0, 3.1 or 4.0 with every base metric";
        violations.push(Violation::new("malformed_severity", "severity", reason));
    }
    if input.aliases.len() > ALIASES_COUNT_MAX || input.references.len() > REFERENCES_COUNT_MAX {
        let reason = format!("at most {ALIASES_COUNT_MAX} aliases and {REFERENCES_COUNT_MAX} references");
        violations.push(Violation::new("too_many_items", "aliases", reason));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | ':');
    for (i, alias) in input.aliases.iter().enumerate() {
        let malformed = alias.starts_with("CVE-") && !is_cve(alias);
        if malformed || alias.is_empty() || alias.len() > ALIAS_BYTES_MAX || !alias.chars().all(plain) {
            violations.push(Violation::new("malformed_alias", format!("aliases[{i}]"), "an id such as CVE-2020-8203"));
        }
    }
    for (i, url) in input.references.iter().enumerate() {
        violations.extend(url_check(&format!("references[{i}]"), url, REFERENCE_BYTES_MAX).err());
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

/// `CVE-2020-8203`: a year, and four digits or more.
fn is_cve(text: &str) -> bool {
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let parts = text.strip_prefix("CVE-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(year, number)| year.len() == 4 && digits(year) && number.len() >= 4 && digits(number))
}

/// Whether a case may be published now. While its embargo runs, only the maintainer (`owner`) may: its
/// word ends the embargo.
fn publishable(case: &Case, owner: bool, now: Timestamp) -> Result<()> {
    let refuse = |code, reason: String| Err(ServiceError::conflict(code, reason));
    if case.range.is_none() {
        return refuse("range_missing", "nothing was measured yet: an advisory states a measured range".to_owned());
    }
    let ended = case.embargo_ends.is_some_and(|ends| ends <= now);
    let until = case.embargo_ends.map_or_else(|| "unset".to_owned(), Timestamp::date);
    match case.verdict {
        Some(MaintainerVerdict::Vulnerability | MaintainerVerdict::WillNotFix) if ended || owner => Ok(()),
        Some(MaintainerVerdict::Vulnerability | MaintainerVerdict::WillNotFix) => {
            let reason = format!("the embargo runs until {until}: the maintainer may publish before, or end it");
            refuse("embargo_runs", reason)
        }
        Some(verdict) => refuse(
            "verdict_forbids",
            format!("the maintainer's verdict is {verdict}, and only the maintainer changes it"),
        ),
        None if ended => Ok(()),
        None => {
            refuse("embargo_runs", format!("the maintainer gave no verdict yet and the embargo runs until {until}"))
        }
    }
}

impl Service {
    /// Publishes a case: signs and keeps its documents, opens it to everybody, and tells every
    /// operator that runs an affected version.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when it may not be published yet.
    pub async fn advisory_publish(&self, ctx: &Ctx, id: CaseId, input: PublishInput) -> Result<Advisory> {
        let mut work = match self.begin_on(ctx, "advisory_publish", Action::AdvisoryPublish, id).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(name) => return self.advisory_show(&name).await,
        };
        input_check(&input)?;
        let mut case = self.case_locked(&mut work.tx, id).await?;
        let standing = self.case_standing(&mut work.tx, &ctx.actor, id).await?;
        let now = ctx.actor.now;
        publishable(&case, ctx.authorize_case(Action::CaseJudge, standing).is_ok(), now)?;
        case.state = case
            .state
            .change(CaseState::Published)
            .map_err(|e| ServiceError::conflict("illegal_change", e.to_string()))?;
        case.public = true;
        apply(&mut case, &input)?;
        case.updated_at = now;
        self.case_update(&mut work.tx, &mut case).await?;
        let advisory = Advisory {
            id: new_id(now)?,
            name: advisory_name(year_of(now), random()?),
            case_id: id,
            state: AdvisoryState::Published,
            revision: 1,
            published_at: now,
            modified_at: now,
            withdrawn_at: None,
            withdrawn_reason: None,
        };
        table::insert(&mut work.tx, &advisory).await?;
        self.documents_write(&mut work.tx, &advisory, &case, &input, "Initial publication").await?;
        let text = format!("{} published", advisory.name);
        self.case_event(&mut work.tx, id, EventKind::Advisory, Some(ctx.actor.member), &text, false, now).await?;
        self.job_enqueue(&mut work.tx, JobKind::CaseNotify, &format!("{id} {}", advisory.name)).await?;
        work.finish(&advisory.name).await?;
        self.jobs_wake();
        Ok(advisory)
    }

    /// Publishes a new revision of an advisory from what is known now. Earlier ones stay.
    ///
    /// # Errors
    /// As [`Self::advisory_publish`]; `Conflict` when it is withdrawn.
    pub async fn advisory_revise(&self, ctx: &Ctx, name: &str, input: PublishInput) -> Result<Advisory> {
        let mut work = match self.begin_on_advisory(ctx, "advisory_revise", name).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(name) => return self.advisory_show(&name).await,
        };
        input_check(&input)?;
        let change = input.change.clone().unwrap_or_else(|| "Revised".to_owned());
        let (mut advisory, mut case) = self.advisory_locked(&mut work.tx, name).await?;
        if advisory.state == AdvisoryState::Withdrawn {
            return Err(ServiceError::conflict("advisory_withdrawn", "a withdrawn advisory is not revised"));
        }
        let now = ctx.actor.now.max(advisory.modified_at);
        if !table::revise(&mut work.tx, advisory.id, advisory.revision, now).await? {
            return Err(ServiceError::conflict(
                "changed_meanwhile",
                "the advisory was changed meanwhile; read it again",
            ));
        }
        advisory.revision += 1;
        advisory.modified_at = now;
        apply(&mut case, &input)?;
        case.updated_at = now;
        self.case_update(&mut work.tx, &mut case).await?;
        self.documents_write(&mut work.tx, &advisory, &case, &input, &change).await?;
        let text = format!("{} revision {}: {change}", advisory.name, advisory.revision);
        self.case_event(&mut work.tx, case.id, EventKind::Advisory, Some(ctx.actor.member), &text, false, now).await?;
        self.job_enqueue(&mut work.tx, JobKind::CaseNotify, &format!("{} {name} {}", case.id, advisory.revision))
            .await?;
        work.finish(name).await?;
        self.jobs_wake();
        Ok(advisory)
    }

    /// Takes an advisory back, with the reason. It stays readable.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when it is withdrawn already.
    pub async fn advisory_withdraw(&self, ctx: &Ctx, name: &str, reason: &str) -> Result<Advisory> {
        let mut work = match self.begin_on_advisory(ctx, "advisory_withdraw", name).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(name) => return self.advisory_show(&name).await,
        };
        if reason.trim().is_empty()
            || reason.len() > CASE_TITLE_BYTES_MAX
            || reason.chars().any(|c| c.is_control() || is_invisible(c))
        {
            let why = format!("say why on one line, in 1 to {CASE_TITLE_BYTES_MAX} bytes");
            return Err(ServiceError::invalid("missing_field", "reason", why));
        }
        let (mut advisory, case) = self.advisory_locked(&mut work.tx, name).await?;
        let now = ctx.actor.now.max(advisory.modified_at);
        let changed = table::revise(&mut work.tx, advisory.id, advisory.revision, now).await?
            && table::withdraw(&mut work.tx, advisory.id, reason, now).await?;
        if !changed {
            return Err(ServiceError::conflict("advisory_withdrawn", "the advisory is withdrawn already"));
        }
        advisory.revision += 1;
        advisory.state = AdvisoryState::Withdrawn;
        advisory.modified_at = now;
        advisory.withdrawn_at = Some(now);
        advisory.withdrawn_reason = Some(reason.to_owned());
        let change = format!("Withdrawn: {reason}");
        self.documents_write(&mut work.tx, &advisory, &case, &PublishInput::default(), &change).await?;
        let text = format!("{name} withdrawn: {reason}");
        self.case_event(&mut work.tx, case.id, EventKind::Advisory, Some(ctx.actor.member), &text, false, now).await?;
        self.job_enqueue(&mut work.tx, JobKind::CaseNotify, &format!("{} {name} withdrawn", case.id)).await?;
        work.finish(name).await?;
        self.jobs_wake();
        Ok(advisory)
    }

    /// The start of a use case on an advisory: authorised on its case. That it exists is public.
    async fn begin_on_advisory(&self, ctx: &Ctx, use_case: &str, name: &str) -> Result<Begun> {
        let mut tx = self.store.write().await?;
        let advisory = table::by_name(&mut tx, name).await?.ok_or(ServiceError::NotFound("advisory"))?;
        let standing = self.case_standing(&mut tx, &ctx.actor, advisory.case_id).await?;
        ctx.authorize_case(Action::AdvisoryPublish, standing)?;
        self.begun(tx, ctx, use_case).await
    }

    /// An advisory with its case, which is locked: whoever changes the one holds the other.
    async fn advisory_locked(&self, tx: &mut Tx, name: &str) -> Result<(Advisory, Case)> {
        let found = |a: Option<Advisory>| a.ok_or(ServiceError::NotFound("advisory"));
        let advisory = found(table::by_name(tx, name).await?)?;
        let case = self.case_locked(tx, advisory.case_id).await?;
        Ok((found(table::by_name(tx, name).await?)?, case))
    }

    /// Every advisory, newest first. Public.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn advisory_list(&self, page: &Page) -> Result<Listed<Advisory>> {
        let mut tx = self.store.read().await?;
        Ok(table::list(&mut tx, page).await?)
    }

    /// One advisory. Public.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn advisory_show(&self, name: &str) -> Result<Advisory> {
        let mut tx = self.store.read().await?;
        table::by_name(&mut tx, name).await?.ok_or(ServiceError::NotFound("advisory"))
    }

    /// One document of an advisory, the newest revision unless one is named. Public.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn advisory_document(
        &self,
        name: &str,
        format: AdvisoryFormat,
        revision: Option<i64>,
    ) -> Result<Document> {
        let mut tx = self.store.read().await?;
        let advisory = table::by_name(&mut tx, name).await?.ok_or(ServiceError::NotFound("advisory"))?;
        let wanted = revision.unwrap_or(advisory.revision);
        let documents = table::documents(&mut tx, advisory.id).await?;
        let found = documents.into_iter().find(|d| d.format == format && d.revision == wanted);
        let document = found.ok_or(ServiceError::NotFound("revision"))?;
        Ok(Document {
            filename: document.filename,
            media_type: DOCUMENT_MEDIA_TYPE,
            body: document.body,
            signature: document.signature,
            revision: document.revision,
        })
    }

    /// What the OSV record of a case would say if it were published now. It is no advisory: it has no name, and nobody signed it.
    pub(crate) async fn advisory_draft(&self, tx: &mut Tx, case: &Case) -> Result<Vec<u8>> {
        let draft = Advisory {
            id: new_id(case.opened_at)?,
            name: format!("DRAFT-{}", case.id),
            case_id: case.id,
            state: AdvisoryState::Published,
            revision: 1,
            published_at: case.opened_at,
            modified_at: case.updated_at,
            withdrawn_at: None,
            withdrawn_reason: None,
        };
        let content = self.content(tx, &draft, case, &PublishInput::default(), "Draft").await?;
        Ok(osv::write(&content))
    }

    async fn documents_write(
        &self,
        tx: &mut Tx,
        advisory: &Advisory,
        case: &Case,
        input: &PublishInput,
        change: &str,
    ) -> Result<()> {
        let content = self.content(tx, advisory, case, input, change).await?;
        let written = [
            (AdvisoryFormat::Osv, format!("{}.json", advisory.name), osv::write(&content)),
            (AdvisoryFormat::Csaf, formats::csaf::filename(&advisory.name), csaf::write(&content)?),
        ];
        for (format, filename, bytes) in written {
            let signature = DetachedSignature::sign(DOCUMENT_MEDIA_TYPE, &bytes, &self.signer);
            let document = AdvisoryDocument {
                advisory_id: advisory.id,
                revision: advisory.revision,
                format,
                filename,
                body: String::from_utf8(bytes).map_err(|e| internal("write an advisory", e))?,
                signature: serde_json::to_string(&signature).map_err(|e| internal("write a signature", e))?,
                created_at: advisory.modified_at,
            };
            table::document_insert(tx, &document).await?;
        }
        Ok(())
    }

    async fn content(
        &self,
        tx: &mut Tx,
        advisory: &Advisory,
        case: &Case,
        input: &PublishInput,
        change: &str,
    ) -> Result<Content> {
        let mut revisions: Vec<(Timestamp, String)> = Vec::new();
        let (mut severity, mut references) = (None, Vec::new());
        for document in table::documents(tx, advisory.id).await? {
            match document.format {
                AdvisoryFormat::Csaf => {
                    revisions.push((document.created_at, csaf::change_of(&document.body, document.revision)?));
                }
                // What a revision does not say again stays as the one before it had it.
                AdvisoryFormat::Osv => (severity, references) = osv::carried(&document.body)?,
            }
        }
        if !input.references.is_empty() {
            references.clone_from(&input.references);
        }
        revisions.push((advisory.modified_at, change.to_owned()));
        let fixes = store::fix::by_case(tx, case.id).await?;
        let upgrade = |f: &store::fix::Fix| f.version.clone().filter(|_| f.state == FixState::Verified);
        let mitigation = |f: &store::fix::Fix| (f.kind == FixKind::Mitigation).then(|| f.note.clone());
        let findings = store::finding::by_case(tx, case.id).await?;
        let range = case.range.as_deref().map(MeasuredRange::parse).transpose()?.unwrap_or_default();
        Ok(Content {
            name: advisory.name.clone(),
            package: case.purl.parse().map_err(|e| internal("read a stored purl", e))?,
            title: case.title.clone(),
            summary: if case.summary.trim().is_empty() { case.title.clone() } else { case.summary.clone() },
            severity: input.severity.clone().or(severity),
            weakness: case.weakness.clone().filter(|w| formats::csaf::cwe_name(w).is_some()),
            aliases: serde_json::from_str(&case.aliases).map_err(|e| internal("read stored aliases", e))?,
            references,
            range,
            upgrades: fixes.iter().filter_map(upgrade).collect(),
            mitigations: fixes.iter().filter_map(mitigation).collect(),
            credits: credits_of(&findings)?,
            published: advisory.published_at,
            modified: advisory.modified_at,
            withdrawn: advisory.withdrawn_at.map(|at| (at, advisory.withdrawn_reason.clone().unwrap_or_default())),
            revisions,
            publisher: self.publisher.to_string(),
            url: self.public_url.to_string(),
        })
    }
}

fn apply(case: &mut Case, input: &PublishInput) -> Result<()> {
    if let Some(title) = &input.title {
        case.title = title.trim().to_owned();
    }
    if let Some(summary) = &input.summary {
        case.summary = summary.trim().to_owned();
    }
    if input.weakness.is_some() {
        case.weakness = input.weakness.clone();
    }
    let mut aliases: Vec<String> =
        serde_json::from_str(&case.aliases).map_err(|e| internal("read stored aliases", e))?;
    for alias in &input.aliases {
        if !aliases.contains(alias) {
            aliases.push(alias.clone());
        }
    }
    if aliases.len() > ALIASES_COUNT_MAX {
        let reason = format!("at most {ALIASES_COUNT_MAX}, those the case has included");
        return Err(ServiceError::invalid("too_many_items", "aliases", reason));
    }
    case.aliases = serde_json::json!(aliases).to_string();
    Ok(())
}

fn year_of(at: Timestamp) -> i16 {
    at.date().get(..4).and_then(|y| y.parse().ok()).unwrap_or(1970)
}
