//! Fix: propose one, and have the case's own proofs run against it.
//!
//! Must not call a fix verified on anybody's word: silent proofs with passing controls do.

use domain::case::{CaseState, EventKind};
use domain::fix::{FixKind, FixState};
use domain::id::{CaseId, FixId};
use domain::policy::Action;
use domain::proof::{Grade, Verdict};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::fix::{self as table, Fix};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, internal};
use crate::identity::{new_id, now};
use crate::job::JobKind;

/// Longest note of a fix, in bytes.
pub const FIX_NOTE_BYTES_MAX: usize = 4_000;
/// Longest version, in bytes.
pub const FIX_VERSION_BYTES_MAX: usize = 64;

/// A fix to be proposed.
#[derive(Debug, Clone)]
pub struct FixInput {
    /// Of which case.
    pub case: CaseId,
    /// What kind.
    pub kind: FixKind,
    /// The version to upgrade to; needed for an upgrade.
    pub version: Option<String>,
    /// In words: what it changes, or what to do.
    pub note: String,
}

/// One line of a fix's matrix: one proof run on the fixed version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FixLine {
    /// The digest of the proof bundle.
    pub proof: String,
    /// The version that was run.
    pub version: String,
    /// The verdict word.
    pub verdict: String,
    /// Why, when inconclusive.
    pub reason: Option<String>,
}

fn input_check(input: &FixInput) -> Result<()> {
    let mut violations = Vec::new();
    match (input.kind, &input.version) {
        (FixKind::Upgrade, None) => {
            violations.push(Violation::new("missing_field", "version", "an upgrade names the version to upgrade to"))
        }
        (FixKind::Patch | FixKind::Mitigation, Some(_)) => {
            violations.push(Violation::new("field_not_allowed", "version", "only an upgrade has a version"))
        }
        _ => {}
    }
    if input
        .version
        .as_ref()
        .is_some_and(|v| v.is_empty() || v.len() > FIX_VERSION_BYTES_MAX || v.chars().any(char::is_control))
    {
        violations.push(Violation::new(
            "malformed_version",
            "version",
            format!("1 to {FIX_VERSION_BYTES_MAX} bytes, no control characters"),
        ));
    }
    if input.note.len() > FIX_NOTE_BYTES_MAX {
        violations.push(Violation::new("field_too_large", "note", format!("at most {FIX_NOTE_BYTES_MAX} bytes")));
    }
    if input.kind != FixKind::Upgrade && input.note.trim().is_empty() {
        violations.push(Violation::new("missing_field", "note", "say what the patch changes or what to do"));
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

impl Service {
    /// Proposes a fix. An upgrade is verified by running every confirmed proof of the case on it;
    /// a patch or a mitigation in words stays `unverified`.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when the case is not live.
    pub async fn fix_propose(&self, ctx: &Ctx, input: FixInput) -> Result<Fix> {
        input_check(&input)?;
        let mut work = match self.begin(ctx, "fix_propose").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.fix_show(ctx, self.replayed(&id)?).await,
        };
        let case = self.case_authorized(&mut work.tx, ctx, Action::FixPropose, input.case).await?;
        if !case.state.is_live() {
            return Err(ServiceError::conflict("case_not_live", "a fix belongs to a live case"));
        }
        let now = ctx.actor.now;
        let upgrade = input.kind == FixKind::Upgrade;
        let fix = Fix {
            id: new_id(now)?,
            case_id: case.id,
            kind: input.kind,
            version: input.version,
            patch_blob_id: None,
            note: input.note,
            state: if upgrade { FixState::Proposed } else { FixState::Unverified },
            matrix: None,
            member_id: Some(ctx.actor.member),
            created_at: now,
            verified_at: None,
        };
        table::insert(&mut work.tx, &fix).await?;
        let what = fix.version.as_deref().map_or_else(|| fix.kind.to_string(), |v| format!("upgrade to {v}"));
        let text = format!("{what} proposed");
        self.case_event(&mut work.tx, case.id, EventKind::Fix, Some(ctx.actor.member), &text, false, now).await?;
        if upgrade {
            self.job_enqueue(&mut work.tx, JobKind::FixVerify, &fix.id.to_string()).await?;
        }
        work.finish(&fix.id.to_string()).await?;
        self.wake.notify_waiters();
        Ok(fix)
    }

    /// One fix of a case the actor may see.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn fix_show(&self, ctx: &Ctx, id: FixId) -> Result<Fix> {
        let mut tx = self.store.read().await?;
        let hidden = || ServiceError::NotFound("fix");
        let fix = table::by_id(&mut tx, id).await?.ok_or_else(hidden)?;
        match self.fixes_visible(&mut tx, ctx, fix.case_id).await {
            Err(ServiceError::NotFound(_)) => Err(hidden()),
            other => other.map(|()| fix),
        }
    }

    /// The fixes of a case.
    ///
    /// # Errors
    /// `NotFound`, the same for an embargoed case as for one that never existed.
    pub async fn fix_list(&self, ctx: &Ctx, case: CaseId) -> Result<Vec<Fix>> {
        let mut tx = self.store.read().await?;
        self.fixes_visible(&mut tx, ctx, case).await?;
        Ok(table::by_case(&mut tx, case).await?)
    }

    async fn fixes_visible(&self, tx: &mut Tx, ctx: &Ctx, case: CaseId) -> Result<()> {
        let standing = self.case_standing(tx, &ctx.actor, case).await?;
        ctx.authorize_case(Action::CaseRead, standing)?;
        let staff = ctx.actor.is(domain::party::Role::Coordinator);
        let shown = staff || standing.public || standing.tier.is_some_and(domain::read_in::Tier::sees_fix);
        if shown { Ok(()) } else { Err(ServiceError::NotFound("case")) }
    }

    /// The job behind an upgrade: runs every confirmed proof of the case on the fixed version.
    pub(crate) async fn fix_verify(&self, id: FixId) -> Result<()> {
        let (fix, proofs) = {
            let mut tx = self.store.read().await?;
            let fix = table::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("fix"))?;
            let mut bundles = Vec::new();
            for proof in store::proof::by_case(&mut tx, fix.case_id).await? {
                if proof.grade == Some(Grade::Confirmed) {
                    bundles.push((proof.digest.clone(), self.blob_get(&mut tx, proof.bundle_blob_id).await?));
                }
            }
            (fix, bundles)
        };
        let (Some(version), FixState::Proposed) = (fix.version.clone(), fix.state) else { return Ok(()) };
        let mut lines = Vec::new();
        for (digest, bundle) in proofs {
            let run = self.measure_version(bundle, version.clone()).await?;
            lines.push(FixLine {
                proof: digest,
                version: version.clone(),
                verdict: run.verdict.to_string(),
                reason: run.reason.map(|r| r.to_string()),
            });
        }
        self.fix_conclude(&fix, &lines).await
    }

    async fn fix_conclude(&self, fix: &Fix, lines: &[FixLine]) -> Result<()> {
        let is = |v: Verdict| move |l: &FixLine| l.verdict == v.as_str();
        let state = if lines.iter().any(is(Verdict::Fired)) {
            FixState::Refuted
        } else if !lines.is_empty() && lines.iter().all(is(Verdict::Silent)) {
            FixState::Verified
        } else {
            FixState::Unverified
        };
        let now = now();
        let matrix = serde_json::to_string(lines).map_err(|e| internal("write a fix matrix", e))?;
        let mut tx = self.store.write().await?;
        let mut case = store::case::by_id_locked(&mut tx, fix.case_id).await?.ok_or(ServiceError::NotFound("case"))?;
        if !table::set_state(&mut tx, fix.id, state, &matrix, now).await? {
            return Ok(());
        }
        if state == FixState::Verified && case.state == CaseState::Open {
            case.state = CaseState::FixVerified;
            case.updated_at = now;
            self.case_update(&mut tx, &mut case).await?;
        }
        let what = fix.version.as_deref().unwrap_or_default();
        let text = match state {
            FixState::Verified => {
                format!("upgrade to {what} verified: {} of {} proofs silent, controls passed", lines.len(), lines.len())
            }
            FixState::Refuted => format!("upgrade to {what} refuted: a proof still fires"),
            FixState::Proposed | FixState::Unverified => {
                format!("upgrade to {what} could not be verified: no verdict from every proof")
            }
        };
        self.case_event(&mut tx, fix.case_id, EventKind::Fix, None, &text, false, now).await?;
        Ok(tx.commit().await?)
    }
}
