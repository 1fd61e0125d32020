//! From a proved finding to its case: joins it to the case that shows the same defect, or opens one.
//!
//! The decision is crate `triage`'s, from measured evidence; every join keeps its reasons. Must not
//! join on text, nor tell a finder of a case that its finding might also belong to: only coordinators
//! see that. Two findings of one package cannot race: the package is locked.

use domain::case::{CaseState, EventKind};
use domain::embargo::{EmbargoRule, embargo_decide};
use domain::id::{CaseId, FindingId};
use domain::package::Package;
use domain::proof::Grade;
use domain::time::Timestamp;
use proof::same::release_lines;
use store::Tx;
use store::case::Case;
use store::finding::Finding;
use store::proof::Proof;
use triage::{Decision, Evidence, Frame, Symbol, Verdict, same_defect};

use crate::Service;
use crate::advisory::ALIASES_COUNT_MAX;
use crate::error::{Result, ServiceError, internal};
use crate::identity::new_id;
use crate::job::JobKind;
use crate::range::MeasuredRange;

/// Findings of one case that a new one is compared with: they are the same defect, so a few suffice.
const FINDINGS_COMPARED_PER_CASE_MAX: usize = 16;

impl Service {
    /// Finds the case of a proved finding, or opens one.
    pub(crate) async fn finding_triage(&self, tx: &mut Tx, id: FindingId, now: Timestamp) -> Result<()> {
        let finding = store::finding::by_id(tx, id).await?.ok_or(ServiceError::NotFound("finding"))?;
        let purl = finding.purl.clone().ok_or(ServiceError::NotFound("package"))?;
        let Some(evidence) = self.evidence_of(tx, &finding).await? else { return Ok(()) };
        // Locks the live ones. Published and closed ones can be joined too: a defect that is known, or on
        // which the maintainer has spoken, does not reach the maintainer a second time.
        let live = store::case::live_by_purl(tx, &purl).await?;
        let mut candidates: Vec<CaseId> = live.iter().map(|c| c.id).collect();
        for case in self.cases_of_package(tx, &purl).await? {
            if !candidates.contains(&case) {
                candidates.push(case);
            }
        }
        let (mut same, mut perhaps) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let Some(case) = store::case::by_id_locked(tx, candidate).await? else { continue };
            if case.state == CaseState::Merged {
                continue;
            }
            match self.case_compare(tx, &evidence, candidate).await? {
                Some(decision) if decision.verdict == Verdict::Join => same.push((case, sentences(&decision))),
                Some(decision) => perhaps.push((case, sentences(&decision))),
                None => {}
            }
        }
        let mut same = same.into_iter();
        let joined = match same.next() {
            Some((case, reasons)) => {
                let id = case.id;
                self.case_join(tx, case, &finding, &reasons, now).await?;
                id
            }
            None => self.case_open(tx, &finding, "opened by a proved finding", None, now).await?,
        };
        for (case, reasons) in same.chain(perhaps) {
            let text = format!("may be the same defect as {}: {}", case.id, reasons.join("; "));
            self.case_event(tx, joined, EventKind::JoinProposed, None, &text, true, now).await?;
        }
        Ok(())
    }

    /// The strongest answer of comparing a finding with those of a case.
    async fn case_compare(&self, tx: &mut Tx, evidence: &Evidence, case: CaseId) -> Result<Option<Decision>> {
        let mut best: Option<Decision> = None;
        for member in store::finding::by_case(tx, case).await?.iter().take(FINDINGS_COMPARED_PER_CASE_MAX) {
            let Some(other) = self.evidence_of(tx, member).await? else { continue };
            let decision = same_defect(evidence, &other);
            match decision.verdict {
                Verdict::Join => return Ok(Some(decision)),
                Verdict::Propose if best.is_none() => best = Some(decision),
                Verdict::Propose | Verdict::Separate => {}
            }
        }
        Ok(best)
    }

    async fn evidence_of(&self, tx: &mut Tx, finding: &Finding) -> Result<Option<Evidence>> {
        let Some(proof) = self.confirmed_proof(tx, finding).await? else { return Ok(None) };
        let Some(range) = proof.range.as_deref().map(MeasuredRange::parse).transpose()? else { return Ok(None) };
        let trace: Vec<String> = match proof.trace.as_deref() {
            Some(json) => serde_json::from_str(json).map_err(|e| internal("read a stored trace", e))?,
            None => Vec::new(),
        };
        let package: Package = proof.purl.parse().map_err(|e| internal("read a stored purl", e))?;
        Ok(Some(evidence_from(finding, &proof, &package, &range, &trace)))
    }

    async fn confirmed_proof(&self, tx: &mut Tx, finding: &Finding) -> Result<Option<Proof>> {
        let Some(id) = finding.proof_id else { return Ok(None) };
        Ok(store::proof::by_id(tx, id).await?.filter(|p| p.grade == Some(Grade::Confirmed)))
    }

    async fn case_join(
        &self,
        tx: &mut Tx,
        mut case: Case,
        finding: &Finding,
        reasons: &[String],
        now: Timestamp,
    ) -> Result<()> {
        let mut because = with_note(&reasons.join("; "), finding);
        if let (CaseState::Closed, Some(verdict)) = (case.state, case.verdict) {
            because.push_str(&format!("; the case is closed, the maintainer's verdict is {verdict}"));
        }
        store::finding::join_case(tx, finding.id, case.id, &because, now).await?;
        let text = format!("{} joined: {because}", finding.title);
        self.case_event(tx, case.id, EventKind::FindingJoined, None, &text, true, now).await?;
        if !case.public {
            self.finder_read_in(tx, case.id, finding, now).await?;
            self.terms_say(tx, case.id, finding, now).await?;
        }
        let aliased = case.state.is_live() && aliases_join(&mut case, finding)?;
        let ranges = match self.confirmed_proof(tx, finding).await? {
            Some(proof) => case.range.iter().chain(&proof.range).cloned().collect(),
            None => Vec::new(),
        };
        let widened = self.range_combine(tx, &mut case, &ranges, now).await?;
        let reopened = self.fixes_reopen(tx, &mut case, &finding.id.to_string()).await?;
        if aliased || widened || reopened {
            case.updated_at = now;
            self.case_update(tx, &mut case).await?;
        }
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} {}", case.id, finding.id)).await
    }

    /// Sets a case's range to what these measured ranges show together, with a line in its history.
    /// True when that changes it; the caller writes the case.
    pub(crate) async fn range_combine(
        &self,
        tx: &mut Tx,
        case: &mut Case,
        ranges: &[String],
        now: Timestamp,
    ) -> Result<bool> {
        let package: Package = case.purl.parse().map_err(|e| internal("read a stored purl", e))?;
        let parsed = ranges.iter().map(|r| MeasuredRange::parse(r)).collect::<Result<Vec<_>>>()?;
        if parsed.is_empty() {
            return Ok(false);
        }
        let combined = MeasuredRange::combined(&package, &parsed);
        let before = case.range.as_deref().map(MeasuredRange::parse).transpose()?;
        if before.as_ref() == Some(&combined) {
            return Ok(false);
        }
        case.range = Some(combined.to_json()?);
        let mut text = combined.sentence();
        if case.public {
            text.push_str("; the published advisory does not say so yet: revise it");
        }
        self.case_event(tx, case.id, EventKind::RangeMeasured, None, &text, false, now).await?;
        Ok(true)
    }

    /// Has a live case's upgrades and patches run again, because a proof came that was not run on them. Until then
    /// none of them counts as verified. True when the case changed; the caller writes it.
    pub(crate) async fn fixes_reopen(&self, tx: &mut Tx, case: &mut Case, because_of: &str) -> Result<bool> {
        if !case.state.is_live() {
            return Ok(false);
        }
        for fix in store::fix::run_again(tx, case.id).await? {
            self.fix_job_enqueue(tx, case.id, &format!("{fix} {because_of}")).await?;
        }
        let verified = case.state == CaseState::FixVerified;
        case.state = CaseState::Open;
        Ok(verified)
    }

    /// Opens a case for a finding whose proof is confirmed. One that was `split` off another comes with that one, and with a detail for
    /// those who see research.
    pub(crate) async fn case_open(
        &self,
        tx: &mut Tx,
        finding: &Finding,
        reason: &str,
        split: Option<(CaseId, &str)>,
        now: Timestamp,
    ) -> Result<CaseId> {
        let proof = self.confirmed_proof(tx, finding).await?;
        let proof =
            proof.ok_or_else(|| ServiceError::conflict("not_proved", "a case is opened by a confirmed proof"))?;
        let range = proof.range.as_deref().map(MeasuredRange::parse).transpose()?;
        let policies = self.embargo_policies(tx, &proof.purl, now).await?;
        let case = case_of(finding, &proof, range.as_ref(), &policies, now)?;
        store::case::insert(tx, &case).await?;
        store::finding::join_case(tx, finding.id, case.id, &with_note(reason, finding), now).await?;
        self.case_event(tx, case.id, EventKind::Opened, None, reason, false, now).await?;
        // What the report says stays with those who see reports.
        let text = split.map_or_else(|| finding.title.clone(), |(_, d)| format!("{}: {d}", finding.title));
        self.case_event(tx, case.id, EventKind::FindingJoined, None, &text, true, now).await?;
        self.embargo_say(tx, &case, None, now).await?;
        if let Some(range) = &range {
            self.case_event(tx, case.id, EventKind::RangeMeasured, None, &range.sentence(), false, now).await?;
        }
        self.finder_read_in(tx, case.id, finding, now).await?;
        self.terms_say(tx, case.id, finding, now).await?;
        let from = split.map(|(from, _)| from);
        self.handover_begin(tx, (case.id, &case.purl), finding.party_id, from, now).await?;
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} opened", case.id)).await?;
        Ok(case.id)
    }

    /// The terms that a finding's report came with stand in the case's history: whoever sets its embargo reads them there.
    async fn terms_say(&self, tx: &mut Tx, case: CaseId, finding: &Finding, now: Timestamp) -> Result<()> {
        let report = store::report::by_id(tx, finding.report_id).await?.ok_or(ServiceError::NotFound("report"))?;
        match crate::provenance::terms_told(&report.provenance) {
            Some(text) => self.case_event(tx, case, EventKind::Embargo, None, &text, true, now).await,
            None => Ok(()),
        }
    }

    async fn finder_read_in(&self, tx: &mut Tx, case: CaseId, finding: &Finding, now: Timestamp) -> Result<()> {
        let report = store::report::by_id(tx, finding.report_id).await?.ok_or(ServiceError::NotFound("report"))?;
        self.read_in_by_right(tx, case, report.member_id, "found and proved it", now).await?;
        self.handover_own(tx, case, report.party_id, now).await
    }
}

/// What proving the finding showed beside the defect, such as a declared fix that does not hold, stays told.
fn with_note(reason: &str, finding: &Finding) -> String {
    match &finding.state_reason {
        Some(note) => format!("{reason}; {note}"),
        None => reason.to_owned(),
    }
}

fn sentences(decision: &Decision) -> Vec<String> {
    decision.reasons.iter().map(|r| r.text.clone()).collect()
}

fn evidence_from(
    finding: &Finding,
    proof: &Proof,
    package: &Package,
    range: &MeasuredRange,
    trace: &[String],
) -> Evidence {
    // Frames of dependencies say where the package calls, not where its defect is.
    let own = format!("{}/", package.name());
    let frames = trace.iter().filter_map(|f| f.strip_prefix(&own)).filter_map(Frame::of_text).collect();
    let inconclusive: Vec<&str> = range.inconclusive.iter().map(|unknown| unknown.version()).collect();
    Evidence {
        report: finding.id.to_string(),
        package: package.purl().to_owned(),
        oracle: proof.oracle.as_str().to_owned(),
        lines: release_lines(package, &range.fired, &range.silent, &inconclusive),
        declared_fix: proof.fixed.clone(),
        frames,
        symbols: finding.symbol.iter().map(|f| Symbol { file: None, function: f.clone() }).collect(),
        ..Evidence::default()
    }
}

/// A new case, embargoed by its maintainers' policies, or by the default rule.
fn case_of(
    finding: &Finding,
    proof: &Proof,
    range: Option<&MeasuredRange>,
    policies: &[EmbargoRule],
    now: Timestamp,
) -> Result<Case> {
    let embargo = embargo_decide(now, policies, None);
    Ok(Case {
        id: new_id(now)?,
        purl: proof.purl.clone(),
        title: proof.title.clone(),
        summary: String::new(),
        state: CaseState::Open,
        public: false,
        verdict: None,
        verdict_reason: None,
        judged_at: None,
        duplicate_of: None,
        embargo_ends: Some(embargo.ends),
        embargo_source: Some(embargo.source),
        embargo_url: embargo.url,
        embargo_reason: Some(embargo.reason),
        range: range.map(MeasuredRange::to_json).transpose()?,
        aliases: finding.aliases.clone(),
        weakness: finding.weakness.clone(),
        merged_into: None,
        opened_at: now,
        updated_at: now,
        revision: 1,
    })
}

/// Adds what a joining finding knows of ids elsewhere, so that the order of arrival does not decide.
fn aliases_join(case: &mut Case, finding: &Finding) -> Result<bool> {
    let read = |json: &str| -> Result<Vec<String>> {
        serde_json::from_str(json).map_err(|e| internal("read stored aliases", e))
    };
    let mut aliases = read(&case.aliases)?;
    let before = aliases.len();
    for alias in read(&finding.aliases)? {
        if !aliases.contains(&alias) && aliases.len() < ALIASES_COUNT_MAX {
            aliases.push(alias);
        }
    }
    let weaker = case.weakness.is_none() && finding.weakness.is_some();
    if weaker {
        case.weakness = finding.weakness.clone();
    }
    if aliases.len() > before {
        case.aliases = serde_json::json!(aliases).to_string();
    }
    Ok(weaker || aliases.len() > before)
}
