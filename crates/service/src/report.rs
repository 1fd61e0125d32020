//! Report: take in what a stranger sent, keep it sealed and verbatim, give a receipt after the
//! commit; and draw findings from it in a job.
//!
//! Must not judge, unpack or run anything: the attachments go to the proof engine as they are.

use domain::id::{FindingId, ReportId};
use domain::package::Package;
use domain::party::{Actor, Role};
use domain::policy::Action;
use domain::report::{FindingState, ReportState};
use domain::time::Timestamp;
use formats::Warning;
use formats::tap::{self, AttachmentType, Report};
use serde_json::json;
use store::finding::Finding;
use store::report::{self as table};
use store::{Listed, Page, Tx};

use crate::Service;
use crate::ctx::Ctx;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{digest_hex, new_id, new_receipt, now};
use crate::job::{JobKind, job_new};
use crate::known::Known;
use crate::provenance;
use crate::taking::New;
use crate::verdict::FindingVerdict;

/// What a sender gets after the commit.
#[derive(Debug, Clone)]
pub struct ReportSubmitted {
    /// The receipt: holding it is the right to poll the submission.
    pub receipt: String,
    /// What was odd about the report and accepted all the same.
    pub warnings: Vec<Warning>,
}

/// Where a submission stands.
#[derive(Debug, Clone)]
pub struct Submission {
    /// The receipt.
    pub receipt: String,
    /// Its state.
    pub state: ReportState,
    /// Since when.
    pub at: Timestamp,
    /// What maintainers said of its findings, while its sender may know.
    pub verdicts: Vec<FindingVerdict>,
}

/// A report as its sender and the coordinators see it. Attachments are listed, not shown.
#[derive(Debug, Clone)]
pub struct ReportView {
    /// The report.
    pub report: table::Report,
    /// Its attachments, without their bytes.
    pub attachments: Vec<table::Attachment>,
    /// What was drawn from it.
    pub findings: Vec<Finding>,
    /// What the actor may see and is known already: which finding, and what it is.
    pub known: Vec<Known>,
    /// What maintainers said of its findings.
    pub verdicts: Vec<FindingVerdict>,
}

impl Service {
    /// Stores one TAP report. The same bytes from the same party give the same receipt.
    ///
    /// # Errors
    /// `Forbidden`, `Tap` with every violation, `QueueFull` and `Unavailable` (then nothing was stored).
    pub async fn report_submit(&self, ctx: &Ctx, body: &[u8]) -> Result<ReportSubmitted> {
        ctx.authorize(Action::ReportSubmit)?;
        let (report, mut warnings) = tap::read_report(body).map_err(ServiceError::Tap)?;
        warnings.extend(provenance::warnings(&report));
        let receipt = self.report_accept(ctx, &report, body).await?;
        Ok(ReportSubmitted { receipt, warnings })
    }

    /// The same for one that came as `multipart/mixed`. It is kept as JSON, so the same parts between other boundaries give the
    /// same receipt.
    ///
    /// # Errors
    /// As [`Service::report_submit`].
    pub async fn report_submit_multipart(&self, ctx: &Ctx, body: &[u8], boundary: &str) -> Result<ReportSubmitted> {
        ctx.authorize(Action::ReportSubmit)?;
        let (report, mut warnings) = tap::read_multipart(body, boundary).map_err(ServiceError::Tap)?;
        warnings.extend(provenance::warnings(&report));
        let receipt = self.report_accept(ctx, &report, &tap::write_report(&report)).await?;
        Ok(ReportSubmitted { receipt, warnings })
    }

    async fn report_accept(&self, ctx: &Ctx, report: &Report, body: &[u8]) -> Result<String> {
        self.report_take(self.report_new(ctx, report, body)?).await
    }

    /// What will be stored, sealed before anybody waits for the store.
    fn report_new(&self, ctx: &Ctx, report: &Report, body: &[u8]) -> Result<New> {
        let now = ctx.actor.now;
        let id: ReportId = new_id(now)?;
        let body_blob = self.blob_seal(body, now)?;
        let row = table::Report {
            id,
            receipt: new_receipt()?,
            party_id: ctx.actor.party,
            member_id: ctx.actor.member,
            purl: report.purl.clone(),
            ecosystem: report.ecosystem.clone(),
            software: report.software.clone(),
            title: report_title(report),
            state: ReportState::Queued,
            received_at: now,
            done_at: None,
            body_blob_id: body_blob.id,
            digest: digest_hex(body),
            provenance: provenance::kept(report),
        };
        let (mut blobs, mut attachments) = (vec![body_blob], Vec::new());
        for (position, attachment) in report.attachments.iter().enumerate() {
            let blob = self.blob_seal(&attachment.bytes, now)?;
            attachments.push(table::Attachment {
                report_id: id,
                position: i64::try_from(position).map_err(|e| internal("count attachments", e))?,
                filename: attachment.download_name(),
                content_type: attachment.content_type.as_str().to_owned(),
                kind: attachment.kind.as_str().to_owned(),
                description: attachment.description.clone().unwrap_or_default(),
                bytes: i64::try_from(attachment.bytes.len()).map_err(|e| internal("measure an attachment", e))?,
                blob_id: blob.id,
            });
            blobs.push(blob);
        }
        let job = job_new(JobKind::ReportProcess, &id.to_string())?;
        Ok(New { row, attachments, blobs, job, request: ctx.request("report_submit")? })
    }

    /// Where a submission stands. Holding the receipt is the right to read it.
    ///
    /// # Errors
    /// `NotFound` for an unknown receipt.
    pub async fn submission_status(&self, receipt: &str) -> Result<Submission> {
        let mut tx = self.store.read().await?;
        let report = table::by_receipt(&mut tx, receipt).await?.ok_or(ServiceError::NotFound("submission"))?;
        let at = report.done_at.unwrap_or(report.received_at);
        let findings = store::finding::by_report(&mut tx, report.id).await?;
        // Holding the receipt is to know what its sender may know now, and nothing beyond.
        let (party, member, now) = (report.party_id, report.member_id, now());
        let sender = Actor { party, member, roles: Vec::new(), scopes: Vec::new(), now };
        let verdicts = self.verdicts_of(&mut tx, &sender, &findings).await?;
        Ok(Submission { receipt: report.receipt, state: report.state, at, verdicts })
    }

    /// The reports of the actor's party; all, for coordinators.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn report_list(&self, ctx: &Ctx, page: &Page) -> Result<Listed<table::Report>> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        let party = if ctx.actor.is(Role::Coordinator) { None } else { Some(ctx.actor.party) };
        Ok(table::list(&mut tx, party, page).await?)
    }

    /// Those of the same reports of which a finding lacks one of the six things and is in no case: the queue of what waits for
    /// its sender.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn report_list_incomplete(&self, ctx: &Ctx, page: &Page) -> Result<Listed<table::Report>> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        let party = if ctx.actor.is(Role::Coordinator) { None } else { Some(ctx.actor.party) };
        Ok(table::list_incomplete(&mut tx, party, page).await?)
    }

    /// The same with their findings, for whoever looks at the queue.
    ///
    /// # Errors
    /// As [`Service::report_list_incomplete`].
    pub async fn reports_waiting(&self, ctx: &Ctx, page: &Page) -> Result<Vec<(table::Report, Vec<Finding>)>> {
        let listed = self.report_list_incomplete(ctx, page).await?;
        let mut tx = self.store.read().await?;
        let mut waiting = Vec::new();
        for report in listed.items {
            let findings = self.findings_shown(&mut tx, ctx, report.id).await?;
            waiting.push((report, findings));
        }
        Ok(waiting)
    }

    /// One report of the actor's party, or any for coordinators.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn report_show(&self, ctx: &Ctx, id: ReportId) -> Result<ReportView> {
        ctx.authorize(Action::OwnRead)?;
        let mut tx = self.store.read().await?;
        let own = |r: &table::Report| r.party_id == ctx.actor.party || ctx.actor.is(Role::Coordinator);
        let report = table::by_id(&mut tx, id).await?.filter(own).ok_or(ServiceError::NotFound("report"))?;
        let attachments = table::attachments(&mut tx, id).await?;
        let findings = self.findings_shown(&mut tx, ctx, id).await?;
        let mut known = Vec::new();
        for finding in &findings {
            known.extend(self.known_of(&mut tx, &ctx.actor, &report, finding).await?);
        }
        let verdicts = self.verdicts_of(&mut tx, &ctx.actor, &findings).await?;
        Ok(ReportView { report, attachments, findings, known, verdicts })
    }

    /// What was drawn from a report, as the actor may see it.
    async fn findings_shown(&self, tx: &mut Tx, ctx: &Ctx, id: ReportId) -> Result<Vec<Finding>> {
        let mut findings = store::finding::by_report(tx, id).await?;
        for finding in &mut findings {
            // A reporter learns of the case its finding is in only while it is read in; nor does it
            // learn, by the reason or the time of a change, that something happens there.
            if finding.case_id.is_some() && !self.case_visible(tx, &ctx.actor, finding.case_id).await? {
                finding.case_id = None;
                finding.state_reason = None;
                finding.updated_at = finding.created_at;
            }
        }
        Ok(findings)
    }

    /// The job behind every report: draws its finding and, where a proof is attached, sends that to
    /// the engine. Running it twice makes nothing twice.
    pub(crate) async fn report_process(&self, id: ReportId) -> Result<()> {
        let (row, report) = {
            let mut tx = self.store.read().await?;
            let row = table::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("report"))?;
            let body = self.blob_get(&mut tx, row.body_blob_id).await?;
            let report = tap::read_kept(&body).map_err(|e| internal("read a stored report", e))?;
            (row, report)
        };
        let package = report.purl.as_deref().and_then(|p| Package::split(p).ok()).map(|(p, _)| p);
        let bundle = match (&package, report.proof_bundle()) {
            (Some(_), Some(attachment)) => Some(&attachment.bytes),
            _ => None,
        };
        // Unpacking runs in the sandbox and takes its time: outside any transaction.
        let opened = match bundle {
            Some(bytes) => Some((bytes, self.bundle_open(bytes.clone()).await?)),
            None => None,
        };
        let symbol = self.report_symbol(&report).await;
        let now = now();
        let mut tx = self.store.write().await?;
        let Some(finding) = self.finding_draw(&mut tx, &row, &report, package.as_ref(), symbol, now).await? else {
            return Ok(());
        };
        let proving = match opened {
            Some((bytes, opened)) => self.proof_attach(&mut tx, &finding, opened, bytes, now).await?,
            None => false,
        };
        let state = if proving { ReportState::Processing } else { ReportState::Done };
        table::set_state(&mut tx, id, state, now).await?;
        tx.commit().await?;
        self.jobs_wake();
        Ok(())
    }

    /// Draws a report's finding, or gives none when it was drawn before. The report stays locked.
    async fn finding_draw(
        &self,
        tx: &mut Tx,
        row: &table::Report,
        report: &Report,
        package: Option<&Package>,
        symbol: Option<String>,
        now: Timestamp,
    ) -> Result<Option<Finding>> {
        table::by_id_locked(tx, row.id).await?;
        if !store::finding::by_report(tx, row.id).await?.is_empty() {
            return Ok(None);
        }
        let credit = self.credit_of(tx, row.party_id).await?;
        let mut finding = finding_of(row, report, package, credit, new_id(now)?, now);
        finding.symbol = finding.symbol.or(symbol);
        store::finding::insert(tx, &finding).await?;
        Ok(Some(finding))
    }

    /// The proof of a report could not be opened in any attempt: its sender is told and may send it again.
    pub(crate) async fn report_given_up(&self, tx: &mut Tx, id: ReportId) -> Result<()> {
        let now = now();
        let row = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("report"))?;
        let body = self.blob_get(tx, row.body_blob_id).await?;
        let report = tap::read_kept(&body).map_err(|e| internal("read a stored report", e))?;
        let package = report.purl.as_deref().and_then(|p| Package::split(p).ok()).map(|(p, _)| p);
        if let Some(finding) = self.finding_draw(tx, &row, &report, package.as_ref(), None, now).await? {
            let reason = "the attached proof could not be opened here in several attempts: send it again";
            store::finding::set_state(tx, finding.id, FindingState::ProofWanted, Some(reason), now).await?;
            table::set_state(tx, id, ReportState::Done, now).await?;
        }
        Ok(())
    }

    async fn credit_of(&self, tx: &mut Tx, party: domain::id::PartyId) -> Result<String> {
        Ok(store::party::by_id(tx, party).await?.map_or_else(|| "anonymous".to_owned(), |p| p.name))
    }
}

fn finding_of(
    row: &table::Report,
    report: &Report,
    package: Option<&Package>,
    credit: String,
    id: FindingId,
    now: Timestamp,
) -> Finding {
    Finding {
        id,
        report_id: row.id,
        party_id: row.party_id,
        purl: package.map(|p| p.purl().to_owned()),
        title: row.title.clone(),
        summary: String::new(),
        symbol: report.affected_symbol.as_ref().and_then(|s| s.function.clone()),
        weakness: report.enrichment.as_ref().and_then(|e| e.cwe.first().cloned()),
        aliases: json!(report.upstream_ids).to_string(),
        state: FindingState::ProofWanted,
        state_reason: Some(proof_wanted_reason(report, package.is_some())),
        proof_id: None,
        case_id: None,
        credits: json!(provenance::credits(report, credit)).to_string(),
        checklist: checklist(report),
        created_at: now,
        updated_at: now,
    }
}

fn report_title(report: &Report) -> String {
    let what = report.software.clone().or_else(|| report.purl.clone()).unwrap_or_else(|| "unnamed software".to_owned());
    let symbol = report.affected_symbol.as_ref().and_then(|s| s.function.as_deref());
    let weakness = report.enrichment.as_ref().and_then(|e| e.cwe.first().map(String::as_str));
    match symbol.or(report.code_path.as_deref()).or(weakness) {
        Some(place) => format!("{what}: {}", place.chars().take(120).collect::<String>()),
        None => what,
    }
}

fn proof_wanted_reason(report: &Report, package: bool) -> String {
    if !package {
        return "no package in an ecosystem known here is named: send a purl".to_owned();
    }
    if report.attachments.iter().any(|a| a.kind == AttachmentType::ExploitProofOfConcept) {
        return "the proof of concept is not a proof bundle (.tar.zst or .tar.gz with proof.toml)".to_owned();
    }
    "no proof bundle is attached: send one and it will be run".to_owned()
}

/// The six things of a report that is ready, as a JSON object of booleans.
fn checklist(report: &Report) -> String {
    let items = report.checklist().into_iter().map(|(item, there)| (item.as_str().to_owned(), there.into()));
    serde_json::Value::Object(items.collect()).to_string()
}
