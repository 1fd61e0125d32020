//! From a proved finding to its case: joins it to the case that shows the same defect, or opens one.
//!
//! The decision is crate `triage`'s, from measured evidence; every join keeps its reasons. Must not
//! join on text. Two findings of one package cannot race: the package's live cases are locked.

use std::collections::BTreeMap;

use domain::case::{CaseState, EventKind};
use domain::embargo::embargo_decide;
use domain::id::{CaseId, FindingId};
use domain::package::Package;
use domain::proof::Grade;
use domain::time::Timestamp;
use store::Tx;
use store::case::Case;
use store::finding::Finding;
use store::proof::Proof;
use triage::{Border, Decision, Evidence, Frame, Line, Measured, Symbol, Verdict, same_defect};
use versions::{Scheme, Version};

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::identity::new_id;
use crate::job::JobKind;
use crate::range::MeasuredRange;

impl Service {
    /// Finds the case of a proved finding, or opens one.
    pub(crate) async fn finding_triage(&self, tx: &mut Tx, id: FindingId, now: Timestamp) -> Result<()> {
        let finding = store::finding::by_id(tx, id).await?.ok_or(ServiceError::NotFound("finding"))?;
        let purl = finding.purl.clone().ok_or(ServiceError::NotFound("package"))?;
        let Some(evidence) = self.evidence_of(tx, &finding).await? else { return Ok(()) };
        // Locks the live ones; published ones can still be joined: the finder is told it is known.
        let live = store::case::live_by_purl(tx, &purl).await?;
        let mut candidates: Vec<CaseId> = live.iter().map(|c| c.id).collect();
        for case in self.cases_of_package(tx, &purl).await? {
            if !candidates.contains(&case) {
                candidates.push(case);
            }
        }
        let mut proposed = Vec::new();
        for candidate in candidates {
            let Some(case) = store::case::by_id(tx, candidate).await? else { continue };
            if !case.state.is_live() && case.state != CaseState::Published {
                continue;
            }
            match self.case_compare(tx, &evidence, candidate).await? {
                Some(decision) if decision.verdict == Verdict::Join => {
                    return self.case_join(tx, case, &finding, &sentences(&decision), now).await;
                }
                Some(decision) => proposed.push((candidate, sentences(&decision))),
                None => {}
            }
        }
        let opened = self.case_open(tx, &finding, "opened by a proved finding", now).await?;
        for (candidate, reasons) in proposed {
            let text = format!("may be the same defect as {candidate}: {}", reasons.join("; "));
            self.case_event(tx, opened, EventKind::FindingJoined, None, &text, true, now).await?;
        }
        Ok(())
    }

    /// The strongest answer of comparing a finding with every finding of a case.
    async fn case_compare(&self, tx: &mut Tx, evidence: &Evidence, case: CaseId) -> Result<Option<Decision>> {
        let mut best: Option<Decision> = None;
        for member in store::finding::by_case(tx, case).await? {
            let Some(other) = self.evidence_of(tx, &member).await? else { continue };
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
        let because = reasons.join("; ");
        store::finding::join_case(tx, finding.id, case.id, &because, now).await?;
        let text = format!("{} joined: {because}", finding.title);
        self.case_event(tx, case.id, EventKind::FindingJoined, None, &text, true, now).await?;
        if case.state.is_live() {
            self.finder_read_in(tx, case.id, finding, now).await?;
        }
        if let Some(proof) = self.confirmed_proof(tx, finding).await?
            && widen(&mut case, &proof)?
        {
            case.updated_at = now;
            self.case_update(tx, &mut case).await?;
            let text = "the range was widened by a proof that fires on more versions";
            self.case_event(tx, case.id, EventKind::RangeMeasured, None, text, false, now).await?;
        }
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} {}", case.id, finding.id)).await
    }

    /// Opens a case for a finding whose proof is confirmed.
    pub(crate) async fn case_open(
        &self,
        tx: &mut Tx,
        finding: &Finding,
        reason: &str,
        now: Timestamp,
    ) -> Result<CaseId> {
        let proof = self.confirmed_proof(tx, finding).await?;
        let proof =
            proof.ok_or_else(|| ServiceError::conflict("not_proved", "a case is opened by a confirmed proof"))?;
        let embargo = embargo_decide(now, &[], None);
        let case = Case {
            id: new_id(now)?,
            purl: proof.purl.clone(),
            title: proof.title.clone(),
            summary: String::new(),
            state: CaseState::Open,
            public: false,
            verdict: None,
            verdict_reason: None,
            embargo_ends: Some(embargo.ends),
            embargo_source: Some(embargo.source),
            embargo_url: embargo.url.clone(),
            embargo_reason: Some(embargo.reason.clone()),
            range: proof.range.clone(),
            aliases: finding.aliases.clone(),
            weakness: finding.weakness.clone(),
            merged_into: None,
            opened_at: now,
            updated_at: now,
            revision: 1,
        };
        store::case::insert(tx, &case).await?;
        store::finding::join_case(tx, finding.id, case.id, reason, now).await?;
        let text = format!("{reason}: {}", finding.title);
        self.case_event(tx, case.id, EventKind::Opened, None, &text, false, now).await?;
        let text = format!("embargo until {}: {}", embargo.ends.date(), embargo.reason);
        self.case_event(tx, case.id, EventKind::Embargo, None, &text, false, now).await?;
        if let Some(range) = proof.range.as_deref().map(MeasuredRange::parse).transpose()? {
            let text = format!(
                "{} of {} published versions run: {} fired, {} silent with a passing control, {} unknown",
                range.versions_run,
                range.versions_total,
                range.fired.len(),
                range.silent.len(),
                range.inconclusive.len()
            );
            self.case_event(tx, case.id, EventKind::RangeMeasured, None, &text, false, now).await?;
        }
        self.finder_read_in(tx, case.id, finding, now).await?;
        for maintainer in store::party::maintainers(tx, &case.purl).await? {
            self.read_in_by_right(tx, case.id, maintainer.member_id, "maintains the package", now).await?;
        }
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} opened", case.id)).await?;
        Ok(case.id)
    }

    async fn finder_read_in(&self, tx: &mut Tx, case: CaseId, finding: &Finding, now: Timestamp) -> Result<()> {
        let report = store::report::by_id(tx, finding.report_id).await?.ok_or(ServiceError::NotFound("report"))?;
        self.read_in_by_right(tx, case, report.member_id, "found and proved it", now).await
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
    Evidence {
        report: finding.id.to_string(),
        package: package.purl().to_owned(),
        oracle: proof.oracle.as_str().to_owned(),
        lines: lines_of(package, range),
        declared_fix: proof.fixed.clone(),
        frames,
        symbols: finding.symbol.iter().map(|f| Symbol { file: None, function: f.clone() }).collect(),
        ..Evidence::default()
    }
}

/// Each release line with the place where the proof falls silent in it.
fn lines_of(package: &Package, range: &MeasuredRange) -> Vec<Line> {
    let Some(scheme) = Scheme::of_ecosystem(package.ecosystem().as_str()) else { return Vec::new() };
    let fired = range.fired.iter().map(|v| (v.as_str(), Measured::Fired));
    let silent = range.silent.iter().map(|v| (v.as_str(), Measured::Silent));
    let unknown = range.inconclusive.iter().map(|u| (u.version(), Measured::Unknown));
    let mut lines: BTreeMap<String, Vec<(Version, String, Measured)>> = BTreeMap::new();
    for (text, measured) in fired.chain(silent).chain(unknown) {
        // The engine only runs versions it can read.
        if let Ok(version) = Version::read(scheme, text) {
            lines.entry(version.line()).or_default().push((version, text.to_owned(), measured));
        }
    }
    let border = |mut verdicts: Vec<(Version, String, Measured)>| {
        verdicts.sort_by(|a, b| a.0.cmp(&b.0));
        let named: Vec<(String, Measured)> = verdicts.into_iter().map(|(_, v, m)| (v, m)).collect();
        Border::of_verdicts(&named)
    };
    lines.into_iter().filter_map(|(name, verdicts)| Some(Line { name, border: border(verdicts)? })).collect()
}

/// Takes over a joining proof's range when it fires on everything the case's range has, and more.
fn widen(case: &mut Case, proof: &Proof) -> Result<bool> {
    let (Some(old), Some(new)) = (&case.range, &proof.range) else { return Ok(false) };
    let (old, wider) = (MeasuredRange::parse(old)?, MeasuredRange::parse(new)?);
    if wider.fired.len() <= old.fired.len() || !old.fired.iter().all(|v| wider.fired.contains(v)) {
        return Ok(false);
    }
    case.range = Some(new.clone());
    Ok(true)
}
