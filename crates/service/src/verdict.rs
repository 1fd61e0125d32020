//! The maintainer's verdict on a case: given, changed by the maintainer alone, and told to whoever found the defect.
//!
//! Must not let anybody else give or change it. Must not name, to whoever may not know of it, the case that a defect is a duplicate of.

use domain::case::{CaseState, EventKind, MaintainerVerdict};
use domain::id::{CaseId, FindingId};
use domain::party::Actor;
use domain::policy::{Action, visible};
use domain::shown::is_invisible;
use domain::time::Timestamp;
use store::Tx;
use store::case::Case;
use store::finding::Finding;

use crate::Service;
use crate::case::{CaseView, reason_check, redact};
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError};
use crate::job::JobKind;

/// Longest name of what a defect is a duplicate of, in bytes.
pub const DUPLICATE_OF_BYTES_MAX: usize = 512;

/// A verdict to be given.
#[derive(Debug, Clone)]
pub struct VerdictInput {
    /// Which.
    pub verdict: MaintainerVerdict,
    /// Why.
    pub reason: String,
    /// Of what it is a duplicate: a case here that the maintainer may see, or an id elsewhere. Needed for that verdict, and for no other.
    pub duplicate_of: Option<String>,
}

impl VerdictInput {
    /// A verdict that names no other defect.
    #[must_use]
    pub fn new(verdict: MaintainerVerdict, reason: &str) -> Self {
        Self { verdict, reason: reason.to_owned(), duplicate_of: None }
    }
}

/// What the maintainer said of the case of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingVerdict {
    /// The finding.
    pub finding: FindingId,
    /// The verdict.
    pub verdict: MaintainerVerdict,
    /// Why.
    pub reason: String,
    /// Of what it is a duplicate, where the reader may know.
    pub duplicate_of: Option<String>,
    /// Since when it is so.
    pub at: Timestamp,
}

impl Service {
    /// Gives or changes the maintainer's verdict. Nobody else can. It is told to the finders, and on a closed case the verdict that it is
    /// a vulnerability opens it again.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden` for everybody but the maintainer, `Invalid`, `Conflict` when it stands so already or the case was published
    /// or merged.
    pub async fn case_judge(&self, ctx: &Ctx, id: CaseId, input: VerdictInput) -> Result<CaseView> {
        let mut work = match self.begin_on(ctx, "case_judge", Action::CaseJudge, id).await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, id).await,
        };
        reason_check(&input.reason)?;
        self.duplicate_check(&mut work.tx, &ctx.actor, id, &input).await?;
        let mut case = self.case_locked(&mut work.tx, id).await?;
        let before = case.verdict;
        let same = before == Some(input.verdict)
            && case.verdict_reason.as_deref() == Some(&input.reason)
            && case.duplicate_of == input.duplicate_of;
        if same {
            let why = format!("your verdict is {} already, for this reason", input.verdict);
            return Err(ServiceError::conflict("verdict_given", why));
        }
        if !case.state.is_live() && case.state != CaseState::Closed {
            let why = "a verdict belongs to a case that is live or closed; an advisory is revised or withdrawn";
            return Err(ServiceError::conflict("case_not_live", why));
        }
        if case.state == CaseState::Closed && input.verdict == MaintainerVerdict::Vulnerability {
            let opened = case.state.change(CaseState::Open);
            case.state = opened.map_err(|e| ServiceError::conflict("illegal_change", e.to_string()))?;
        }
        case.verdict = Some(input.verdict);
        case.verdict_reason = Some(input.reason.clone());
        case.duplicate_of = input.duplicate_of;
        case.judged_at = Some(ctx.actor.now);
        case.updated_at = ctx.actor.now;
        self.case_update(&mut work.tx, &mut case).await?;
        let text = match before {
            None => format!("the maintainer's verdict: {}. {}", input.verdict, input.reason),
            Some(before) => {
                format!("the maintainer changed its verdict from {before} to {}. {}", input.verdict, input.reason)
            }
        };
        self.case_event(&mut work.tx, id, EventKind::Judged, Some(ctx.actor.member), &text, false, ctx.actor.now)
            .await?;
        // The verdict decides who is told.
        self.job_enqueue(&mut work.tx, JobKind::CaseNotify, &format!("{id} judged {}", case.revision)).await?;
        work.finish(&id.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, id).await
    }

    /// What a verdict names must be there for whoever names it. A case that is hidden gives the answer of one that never was.
    async fn duplicate_check(&self, tx: &mut Tx, actor: &Actor, id: CaseId, input: &VerdictInput) -> Result<()> {
        let refuse = |code, reason: String| Err(ServiceError::invalid(code, "duplicate_of", reason));
        let named = match (input.verdict, &input.duplicate_of) {
            (MaintainerVerdict::DuplicateOfOurs, Some(named)) => named,
            (MaintainerVerdict::DuplicateOfOurs, None) => {
                return refuse(
                    "missing_field",
                    "name the case here, or your own id, that it is a duplicate of".to_owned(),
                );
            }
            (_, None) => return Ok(()),
            (_, Some(_)) => return refuse("field_not_allowed", "only a duplicate is one of something".to_owned()),
        };
        let shown = |c: char| !c.is_control() && !is_invisible(c);
        if named.trim().is_empty() || named.len() > DUPLICATE_OF_BYTES_MAX || !named.chars().all(shown) {
            return refuse("malformed_text", format!("1 to {DUPLICATE_OF_BYTES_MAX} bytes, no control characters"));
        }
        if named.starts_with("case_") {
            let other = named.parse::<CaseId>().ok().filter(|other| *other != id);
            if other.is_none() || !self.case_visible(tx, actor, other).await? {
                return refuse("unknown_case", "there is no such other case for you".to_owned());
            }
        }
        Ok(())
    }

    /// Blanks the case that this one is a duplicate of where the reader may not know of it.
    pub(crate) async fn duplicate_redact(&self, tx: &mut Tx, actor: &Actor, case: &mut Case) -> Result<()> {
        let other = case.duplicate_of.as_deref().and_then(|named| named.parse::<CaseId>().ok());
        if other.is_some() && !self.case_visible(tx, actor, other).await? {
            case.duplicate_of = None;
        }
        Ok(())
    }

    /// What maintainers said of the cases of these findings, as far as the actor may know.
    pub(crate) async fn verdicts_of(
        &self,
        tx: &mut Tx,
        actor: &Actor,
        findings: &[Finding],
    ) -> Result<Vec<FindingVerdict>> {
        let mut verdicts = Vec::new();
        for finding in findings {
            let Some(id) = finding.case_id else { continue };
            let standing = self.case_standing(tx, actor, id).await?;
            let Some(mut case) = store::case::by_id(tx, id).await?.filter(|_| visible(actor, standing)) else {
                continue;
            };
            redact(&mut case, actor, standing)?;
            self.duplicate_redact(tx, actor, &mut case).await?;
            if let (Some(verdict), Some(at)) = (case.verdict, case.judged_at) {
                let reason = case.verdict_reason.unwrap_or_default();
                verdicts.push(FindingVerdict {
                    finding: finding.id,
                    verdict,
                    reason,
                    duplicate_of: case.duplicate_of,
                    at,
                });
            }
        }
        Ok(verdicts)
    }
}
