//! Fix: propose one, and have the case's own proofs run against it.
//!
//! Must not call a fix verified on anybody's word: silent proofs with passing controls do.

use domain::case::{CaseState, EventKind};
use domain::fix::{FixKind, FixState};
use domain::id::{CaseId, FixId};
use domain::package::Package;
use domain::party::Role;
use domain::policy::Action;
use domain::proof::{Grade, Verdict};
use domain::read_in::Tier;
use proof::fix::patch::patch_read;
use proof::fix::stated::StatedFix;
pub use proof::fix::stated::{StatedCell, StatedRow};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::fix::{self as table, Fix};
use store::proof::Proof;
use versions::{Scheme, Version};

use crate::Service;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, internal, prose_check};
use crate::identity::{new_id, now};
use crate::job::JobKind;
use crate::work::VersionRun;

/// Longest note of a fix, in bytes.
pub const FIX_NOTE_BYTES_MAX: usize = 4_000;
/// Fixes of one case: each upgrade among them is run with every proof.
pub const FIXES_PER_CASE_COUNT_MAX: usize = 100;
/// Largest patch, in bytes.
pub const FIX_PATCH_BYTES_MAX: usize = 128 * 1_024;
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
    /// The patch itself: a unified diff. One that is only told in words is not run.
    pub patch: Option<Vec<u8>>,
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

/// `package` decides what an exact version looks like.
fn input_check(input: &FixInput, package: &Package) -> Result<()> {
    let mut violations = Vec::new();
    match (input.kind, &input.version) {
        (FixKind::Upgrade, None) => {
            violations.push(Violation::new("missing_field", "version", "an upgrade names the version to upgrade to"));
        }
        (FixKind::Patch | FixKind::Mitigation, Some(_)) => {
            violations.push(Violation::new("field_not_allowed", "version", "only an upgrade has a version"));
        }
        (FixKind::Upgrade, Some(version)) if !is_exact(version, package) => {
            let reason = format!("an exact version such as 4.17.21, 1 to {FIX_VERSION_BYTES_MAX} bytes");
            violations.push(Violation::new("malformed_version", "version", reason));
        }
        _ => {}
    }
    match &input.patch {
        Some(_) if input.kind != FixKind::Patch => {
            violations.push(Violation::new("field_not_allowed", "patch", "only a patch has one"));
        }
        Some(patch) if patch.len() > FIX_PATCH_BYTES_MAX => {
            violations.push(Violation::new("field_too_large", "patch", format!("at most {FIX_PATCH_BYTES_MAX} bytes")));
        }
        Some(patch) => {
            let read = patch_read(patch).map(drop);
            violations.extend(read.map_err(|e| Violation::new("malformed_patch", "patch", e.to_string())).err());
        }
        None => {}
    }
    let noted = !input.note.trim().is_empty();
    if noted {
        violations.extend(prose_check("note", &input.note, FIX_NOTE_BYTES_MAX).err());
    } else if input.kind != FixKind::Upgrade && input.patch.is_none() {
        violations.push(Violation::new("missing_field", "note", "say what the patch changes or what to do"));
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

fn is_exact(version: &str, package: &Package) -> bool {
    let plain = !version.is_empty() && version.len() <= FIX_VERSION_BYTES_MAX && !version.chars().any(char::is_control);
    let scheme = Scheme::of_ecosystem(package.ecosystem().as_str());
    plain && scheme.is_none_or(|s| Version::read(s, version).is_ok())
}

impl Service {
    /// Proposes a fix. An upgrade is verified by running every confirmed proof of the case on it, a patch by running
    /// them with it on every affected release line; what is only told in words stays `unverified`.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` when the case is not live.
    pub async fn fix_propose(&self, ctx: &Ctx, input: FixInput) -> Result<Fix> {
        let mut work = match self.begin_on(ctx, "fix_propose", Action::FixPropose, input.case).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(id) => return self.fix_view(ctx, self.replayed(&id)?).await,
        };
        let case = self.case_locked(&mut work.tx, input.case).await?;
        input_check(&input, &case.purl.parse().map_err(|e| internal("read a stored purl", e))?)?;
        if !case.state.is_live() {
            return Err(ServiceError::conflict("case_not_live", "a fix belongs to a live case"));
        }
        if table::by_case(&mut work.tx, case.id).await?.len() >= FIXES_PER_CASE_COUNT_MAX {
            let why = format!("a case has at most {FIXES_PER_CASE_COUNT_MAX} fixes");
            return Err(ServiceError::conflict("too_many_fixes", why));
        }
        let now = ctx.actor.now;
        let is_run = input.kind == FixKind::Upgrade || input.patch.is_some();
        let patch_blob_id = match &input.patch {
            Some(patch) => Some(self.blob_put(&mut work.tx, patch, now).await?),
            None => None,
        };
        let fix = Fix {
            id: new_id(now)?,
            case_id: case.id,
            kind: input.kind,
            version: input.version,
            patch_blob_id,
            note: input.note,
            state: if is_run { FixState::Proposed } else { FixState::Unverified },
            matrix: None,
            member_id: Some(ctx.actor.member),
            created_at: now,
            verified_at: None,
        };
        table::insert(&mut work.tx, &fix).await?;
        let what = fix.version.as_deref().map_or_else(|| fix.kind.to_string(), |v| format!("upgrade to {v}"));
        let text = format!("{what} proposed");
        self.case_event(&mut work.tx, case.id, EventKind::Fix, Some(ctx.actor.member), &text, false, now).await?;
        if is_run {
            self.fix_job_enqueue(&mut work.tx, case.id, &fix.id.to_string()).await?;
        }
        work.finish(&fix.id.to_string()).await?;
        self.jobs_wake();
        Ok(fix)
    }

    /// One fix of a case the actor may see.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`.
    pub async fn fix_show(&self, ctx: &Ctx, id: FixId) -> Result<Fix> {
        ctx.authorize(Action::CaseRead)?;
        self.fix_view(ctx, id).await
    }

    async fn fix_view(&self, ctx: &Ctx, id: FixId) -> Result<Fix> {
        let mut tx = self.store.read().await?;
        let fix = table::by_id(&mut tx, id).await?;
        let case = fix.as_ref().map_or_else(|| CaseId::new(0, [0; 10]), |f| f.case_id);
        match self.fixes_visible(&mut tx, ctx, case).await {
            Err(ServiceError::NotFound(_)) => Err(ServiceError::NotFound("fix")),
            shown => shown.and(fix.ok_or(ServiceError::NotFound("fix"))),
        }
    }

    /// The fixes of a case.
    ///
    /// # Errors
    /// `Forbidden`, `NotFound`, the same for an embargoed case as for one that never existed.
    pub async fn fix_list(&self, ctx: &Ctx, case: CaseId) -> Result<Vec<Fix>> {
        ctx.authorize(Action::CaseRead)?;
        let mut tx = self.store.read().await?;
        self.fixes_visible(&mut tx, ctx, case).await?;
        Ok(table::by_case(&mut tx, case).await?)
    }

    async fn fixes_visible(&self, tx: &mut Tx, ctx: &Ctx, case: CaseId) -> Result<()> {
        let standing = self.case_standing(tx, &ctx.actor, case).await?;
        let shown = standing.public || standing.tier.is_some_and(Tier::sees_fix) || ctx.actor.is(Role::Coordinator);
        if shown { Ok(()) } else { Err(ServiceError::NotFound("case")) }
    }

    /// The proofs a fix of this case must silence.
    pub(crate) async fn proofs_of(&self, tx: &mut Tx, case: CaseId) -> Result<Vec<Proof>> {
        let mut proofs = store::proof::by_case(tx, case).await?;
        proofs.retain(|p| p.grade == Some(Grade::Confirmed));
        Ok(proofs)
    }

    /// No attempt to run the proofs on the fixed version came to an end.
    pub(crate) async fn fix_given_up(&self, tx: &mut Tx, id: FixId) -> Result<()> {
        let now = now();
        let fix = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("fix"))?;
        if fix.state != FixState::Proposed {
            return Ok(());
        }
        table::set_state(tx, id, FixState::Unverified, "[]", now).await?;
        let what = fix.version.as_deref().map_or_else(|| fix.kind.to_string(), |v| format!("upgrade to {v}"));
        let text = format!("{what} could not be run here in several attempts: propose it again");
        self.case_event(tx, fix.case_id, EventKind::Fix, None, &text, false, now).await
    }

    /// What the job behind an upgrade ends with: the matrix is kept, and the case follows from it.
    pub(crate) async fn fix_conclude(&self, tx: &mut Tx, id: FixId, runs: &[VersionRun]) -> Result<()> {
        let fix = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("fix"))?;
        let version = fix.version.clone().unwrap_or_default();
        let line = |run: &VersionRun| FixLine {
            proof: run.proof.clone(),
            version: version.clone(),
            verdict: run.verdict.to_string(),
            reason: run.reason.map(|r| r.to_string()),
        };
        let lines: Vec<FixLine> = runs.iter().map(line).collect();
        let is = |v: Verdict| move |l: &FixLine| l.verdict == v.as_str();
        let state = if lines.iter().any(is(Verdict::Fired)) {
            FixState::Refuted
        } else if !lines.is_empty() && lines.iter().all(is(Verdict::Silent)) {
            FixState::Verified
        } else {
            FixState::Unverified
        };
        let now = now();
        let matrix = serde_json::to_string(&lines).map_err(|e| internal("write a fix matrix", e))?;
        let mut case = self.case_locked(tx, fix.case_id).await?;
        let proofs = self.proofs_of(tx, case.id).await?;
        let still = table::by_id(tx, fix.id).await?.is_some_and(|f| f.state == FixState::Proposed);
        // A proof that came or went meanwhile left a job of its own.
        if !still || !proofs.iter().map(|p| &p.digest).eq(lines.iter().map(|l| &l.proof)) {
            return Ok(());
        }
        table::set_state(tx, fix.id, state, &matrix, now).await?;
        if state == FixState::Verified && case.state == CaseState::Open {
            case.state = CaseState::FixVerified;
            case.updated_at = now;
            self.case_update(tx, &mut case).await?;
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
        self.case_event(tx, case.id, EventKind::Fix, None, &text, false, now).await?;
        // Notices name the verified version.
        self.job_enqueue(tx, JobKind::CaseNotify, &format!("{} {} {}", case.id, fix.id, now.micros())).await
    }

    /// What the job behind a patch ends with: the matrix of the signed statement is kept.
    pub(crate) async fn patch_conclude(&self, tx: &mut Tx, id: FixId, run: &[String], envelope: &str) -> Result<()> {
        let stated = StatedFix::read(envelope.as_bytes()).map_err(|e| internal("read a statement about a fix", e))?;
        let fix = table::by_id(tx, id).await?.ok_or(ServiceError::NotFound("fix"))?;
        let mut case = self.case_locked(tx, fix.case_id).await?;
        let proofs = self.proofs_of(tx, case.id).await?;
        let still = table::by_id(tx, id).await?.is_some_and(|f| f.state == FixState::Proposed);
        // A proof that came or went meanwhile left a job of its own.
        if !still || !proofs.iter().map(|p| &p.digest).eq(run) {
            return Ok(());
        }
        let measured = |digest: &str| stated.rows.iter().any(|row| row.proof.digest.as_str() == digest);
        let verified = stated.grade == "verified" && proofs.iter().all(|p| measured(&p.digest));
        let no = |row: &StatedRow| row.cells().iter().any(|(_, cell)| cell.is == "no");
        let state = match (verified, stated.rows.iter().any(no)) {
            (true, _) => FixState::Verified,
            (false, true) => FixState::Refuted,
            (false, false) => FixState::Unverified,
        };
        let now = now();
        let matrix = serde_json::to_string(&stated.rows).map_err(|e| internal("write a fix matrix", e))?;
        table::set_state(tx, id, state, &matrix, now).await?;
        if state == FixState::Verified && case.state == CaseState::Open {
            case.state = CaseState::FixVerified;
            case.updated_at = now;
            self.case_update(tx, &mut case).await?;
        }
        let text = match state {
            FixState::Verified => format!("patch verified on {} release lines and proofs", stated.rows.len()),
            FixState::Refuted => "patch refuted: what it must do does not hold everywhere".to_owned(),
            FixState::Proposed | FixState::Unverified => "patch could not be verified".to_owned(),
        };
        self.case_event(tx, case.id, EventKind::Fix, None, &text, false, now).await
    }

    /// Leaves a fix to be verified, by a worker that has what each proof of its case needs.
    pub(crate) async fn fix_job_enqueue(&self, tx: &mut Tx, case: CaseId, key: &str) -> Result<()> {
        let mut needs = Vec::new();
        for proof in self.proofs_of(tx, case).await? {
            let job = store::job::by_key(tx, &format!("{} {}", JobKind::ProofMeasure, proof.id)).await?;
            if let Some(job) = job {
                needs.extend(store::job::needs(tx, job.id).await?);
            }
        }
        self.proof_job_enqueue(tx, JobKind::FixVerify, key, &needs, None).await
    }
}
