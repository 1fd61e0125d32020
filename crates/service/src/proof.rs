//! Proof: take a bundle in, have the engine measure it, and keep its receipts.
//!
//! Must not run, unpack or judge a bundle here: the engine does, in its sandbox.

use domain::id::{CaseId, FindingId, ProofId};
use domain::package::Package;
use domain::party::Role;
use domain::policy::Action;
use domain::proof::Grade;
use domain::report::{ChecklistItem, FindingState, ReportState};
use domain::shown::is_invisible;
use domain::standing::Standing;
use domain::time::Timestamp;
use serde_json::json;
use store::Tx;
use store::finding::Finding;
use store::proof::{self as table, Proof, ProofOutcome, ProofState, Receipt};
use store::standing::Counted;

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation};
use crate::identity::{new_id, now};
use crate::job::{JobKind, runtime_label};
use crate::measure::OpenedBundle;
use crate::work::{Measured, MeasuredBundleRange};

/// Largest packed bundle over the API, in bytes.
pub const BUNDLE_BYTES_MAX: usize = 1024 * 1024;

/// A proof and the receipts of its verdicts.
#[derive(Debug, Clone)]
pub struct ProofView {
    /// The proof.
    pub proof: Proof,
    /// One receipt for each version that was run.
    pub receipts: Vec<Receipt>,
}

impl Service {
    /// Attaches a bundle to a finding of the actor's party that still wants a proof.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, `Invalid` with every violation of the bundle, `Conflict` when the
    /// finding has a proof already.
    pub async fn proof_submit(&self, ctx: &Ctx, finding: FindingId, bundle: &[u8]) -> Result<ProofView> {
        ctx.authorize(Action::ProofSubmit)?;
        if bundle.len() > BUNDLE_BYTES_MAX {
            let reason = format!("a packed bundle has at most {BUNDLE_BYTES_MAX} bytes");
            return Err(ServiceError::invalid("field_too_large", "bundle", reason));
        }
        {
            // Looked at before the bundle is unpacked: a stranger's request costs no sandbox.
            let mut tx = self.store.read().await?;
            own_finding(store::finding::by_id(&mut tx, finding).await?, ctx)?;
        }
        let opened = self.bundle_open(bundle.to_vec()).await?.map_err(ServiceError::Invalid)?;
        let mut work = match self.begin(ctx, "proof_submit").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.proof_view(ctx, self.replayed(&id)?).await,
        };
        let row = own_finding(store::finding::by_id_locked(&mut work.tx, finding).await?, ctx)?;
        if matches!(row.state, FindingState::Proving | FindingState::Proved | FindingState::InCase) {
            return Err(ServiceError::conflict("proof_there", "this finding has a proof already; send a new report"));
        }
        let opened = package_check(&row, opened).map_err(|v| ServiceError::Invalid(vec![v]))?;
        let now = ctx.actor.now;
        let id = self.proof_insert(&mut work.tx, &row, &opened, bundle, now).await?;
        store::report::set_state(&mut work.tx, row.report_id, ReportState::Processing, now).await?;
        work.finish(&id.to_string()).await?;
        self.jobs_wake();
        self.proof_view(ctx, id).await
    }

    /// One proof: one's own, or of a case whose research the actor may see.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn proof_show(&self, ctx: &Ctx, id: ProofId) -> Result<ProofView> {
        ctx.authorize(Action::OwnRead)?;
        self.proof_view(ctx, id).await
    }

    async fn proof_view(&self, ctx: &Ctx, id: ProofId) -> Result<ProofView> {
        let mut tx = self.store.read().await?;
        let hidden = || ServiceError::NotFound("proof");
        let proof = table::by_id(&mut tx, id).await?;
        let finding_id = proof.as_ref().map_or_else(|| FindingId::new(0, [0; 10]), |p| p.finding_id);
        let finding = store::finding::by_id(&mut tx, finding_id).await?;
        let own = |f: &Finding| f.party_id == ctx.actor.party || ctx.actor.is(Role::Coordinator);
        if !finding.as_ref().is_some_and(own) {
            let case = finding.and_then(|f| f.case_id).unwrap_or_else(|| CaseId::new(0, [0; 10]));
            match self.case_standing(&mut tx, &ctx.actor, case).await {
                Ok(standing) if ctx.authorize_case(Action::CaseReadResearch, standing).is_ok() => {}
                Ok(_) | Err(ServiceError::NotFound(_)) => return Err(hidden()),
                Err(error) => return Err(error),
            }
        }
        let proof = proof.ok_or_else(hidden)?;
        let receipts = table::receipts(&mut tx, id).await?;
        Ok(ProofView { proof, receipts })
    }

    /// Stores a bundle that came with a report; one that cannot be read is answered in the finding.
    pub(crate) async fn proof_attach(
        &self,
        tx: &mut Tx,
        finding: &Finding,
        opened: std::result::Result<OpenedBundle, Vec<Violation>>,
        bundle: &[u8],
        now: Timestamp,
    ) -> Result<bool> {
        match opened.and_then(|o| package_check(finding, o).map_err(|v| vec![v])) {
            Ok(opened) => {
                self.proof_insert(tx, finding, &opened, bundle, now).await?;
                Ok(true)
            }
            Err(violations) => {
                let listed: Vec<String> = violations.iter().map(|v| format!("{}: {}", v.field, v.reason)).collect();
                let reason = format!("the proof bundle is not valid. {}", listed.join("; "));
                store::finding::set_state(tx, finding.id, FindingState::ProofWanted, Some(&cut(&reason)), now).await?;
                Ok(false)
            }
        }
    }

    async fn proof_insert(
        &self,
        tx: &mut Tx,
        finding: &Finding,
        opened: &OpenedBundle,
        bundle: &[u8],
        now: Timestamp,
    ) -> Result<ProofId> {
        let proof = Proof {
            id: new_id(now)?,
            finding_id: finding.id,
            digest: opened.digest.clone(),
            bundle_blob_id: self.blob_put(tx, bundle, now).await?,
            purl: opened.package.purl().to_owned(),
            oracle: opened.oracle,
            title: opened.title.clone(),
            vulnerable: opened.vulnerable.clone(),
            fixed: opened.fixed.clone(),
            state: ProofState::Queued,
            grade: None,
            grade_reasons: "[]".to_owned(),
            outcome: None,
            range: None,
            trace: None,
            created_at: now,
            measured_at: None,
        };
        table::insert(tx, &proof).await?;
        store::finding::set_proof(tx, finding.id, proof.id, now).await?;
        store::finding::set_state(tx, finding.id, FindingState::Proving, None, now).await?;
        store::finding::set_checklist(tx, finding.id, &checklist_with_proof(&finding.checklist)).await?;
        let needs = [runtime_label(&opened.runtime)];
        let standing = Standing::of(store::standing::of(tx, finding.party_id).await?.record);
        self.proof_job_enqueue(tx, JobKind::ProofMeasure, &proof.id.to_string(), &needs, Some(standing)).await?;
        Ok(proof.id)
    }

    /// What the job behind every proof ends with: what was measured is kept, and the finding finds the case
    /// it belongs to. A second outcome of one proof changes nothing.
    pub(crate) async fn proof_conclude(
        &self,
        tx: &mut Tx,
        id: ProofId,
        measured: &Measured,
        range: Option<&MeasuredBundleRange>,
    ) -> Result<()> {
        let now = now();
        let proof = table::by_id_locked(tx, id).await?.ok_or(ServiceError::NotFound("proof"))?;
        if proof.state == ProofState::Done {
            return Ok(());
        }
        let outcome = ProofOutcome {
            grade: measured.grade,
            grade_reasons: json!(measured.grade_reasons).to_string(),
            outcome: measured.outcome.clone(),
            trace: Some(json!(measured.trace).to_string()),
            measured_at: now,
        };
        table::set_outcome(tx, id, &outcome).await?;
        let more = range.into_iter().flat_map(|r| r.receipts.iter());
        for receipt in measured.receipts.iter().chain(more) {
            let row = Receipt {
                id: new_id(now)?,
                proof_id: id,
                version: receipt.version.clone(),
                verdict: receipt.verdict,
                reason: receipt.reason,
                envelope: receipt.envelope.clone(),
                created_at: now,
            };
            table::receipt_insert(tx, &row).await?;
        }
        if let Some(range) = range {
            table::set_range(tx, id, &range.json, now).await?;
        }
        self.finding_conclude(tx, &proof, measured, now).await
    }

    async fn finding_conclude(&self, tx: &mut Tx, proof: &Proof, measured: &Measured, now: Timestamp) -> Result<()> {
        let found = store::finding::by_id_locked(tx, proof.finding_id).await?;
        let finding = found.ok_or(ServiceError::NotFound("finding"))?;
        if finding.state == FindingState::InCase || finding.proof_id != Some(proof.id) {
            return Ok(());
        }
        if measured.grade == Grade::Confirmed {
            let reason =
                measured.fix_refuted.as_ref().map(|v| format!("fires also on {v}, which the report declares fixed"));
            store::finding::set_state(tx, finding.id, FindingState::Proved, reason.as_deref(), now).await?;
            self.finding_triage(tx, finding.id, now).await?;
        } else {
            let reason = cut(&measured.grade_reasons.join("; "));
            store::finding::set_state(tx, finding.id, FindingState::NotProved, Some(&reason), now).await?;
        }
        store::report::set_state(tx, finding.report_id, ReportState::Done, now).await?;
        let counted = if measured.grade == Grade::Confirmed { Counted::Proved } else { Counted::Unproved };
        store::standing::count(tx, finding.id, counted).await?;
        Ok(())
    }

    /// The proof could not be run in any attempt: that says nothing of it. Its sender may send it again.
    pub(crate) async fn proof_given_up(&self, tx: &mut Tx, id: ProofId) -> Result<()> {
        let now = now();
        let proof = table::by_id_locked(tx, id).await?.ok_or(ServiceError::NotFound("proof"))?;
        let found = store::finding::by_id_locked(tx, proof.finding_id).await?;
        let finding = found.ok_or(ServiceError::NotFound("finding"))?;
        if proof.state == ProofState::Done || finding.proof_id != Some(id) {
            return Ok(());
        }
        table::set_state(tx, id, ProofState::Queued).await?;
        let reason = "the proof could not be run here in several attempts, which says nothing of it: send it again";
        store::finding::set_state(tx, finding.id, FindingState::ProofWanted, Some(reason), now).await?;
        store::report::set_state(tx, finding.report_id, ReportState::Done, now).await?;
        Ok(())
    }
}

/// A bundle that can be run shows how the defect is triggered, proves it, and is the test that fails before the patch.
fn checklist_with_proof(checklist: &str) -> String {
    let mut items: serde_json::Map<String, serde_json::Value> = serde_json::from_str(checklist).unwrap_or_default();
    for item in [ChecklistItem::Trigger, ChecklistItem::Proof, ChecklistItem::Tests] {
        items.insert(item.as_str().to_owned(), true.into());
    }
    serde_json::Value::Object(items).to_string()
}

fn own_finding(found: Option<Finding>, ctx: &Ctx) -> Result<Finding> {
    found.filter(|f| f.party_id == ctx.actor.party).ok_or(ServiceError::NotFound("finding"))
}

fn package_check(finding: &Finding, opened: OpenedBundle) -> std::result::Result<OpenedBundle, Violation> {
    let about: Option<Package> = finding.purl.as_deref().and_then(|p| p.parse().ok());
    if about.as_ref() == Some(&opened.package) {
        return Ok(opened);
    }
    let reported = finding.purl.as_deref().unwrap_or("no known package");
    let reason = format!("the bundle is about {}, the report is about {reported}", opened.package);
    Err(Violation::new("package_mismatch", "bundle", reason))
}

/// Longest reason that is kept with a finding, in characters.
pub(crate) const STATE_REASON_CHARACTERS_MAX: usize = 2_000;

/// A reason as it is kept: bounded, and without the control characters that a program may have printed.
pub(crate) fn cut(text: &str) -> String {
    let plain = |c: char| if c.is_control() || is_invisible(c) { ' ' } else { c };
    text.chars().take(STATE_REASON_CHARACTERS_MAX).map(plain).collect()
}
