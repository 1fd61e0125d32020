//! Embargo: set its end by a rule or by the maintainer's word, and say in the case's history when it
//! has ended.
//!
//! Must not publish: when an embargo ends, a case may be published, and somebody must still do it.

use domain::case::EventKind;
use domain::embargo::{EmbargoRule, EmbargoSource, embargo_decide};
use domain::id::{CaseId, MemberId};
use domain::policy::Action;
use domain::time::Timestamp;
use store::Tx;
use store::case::{self as table, Case};

use crate::Service;
use crate::case::CaseView;
use crate::ctx::{Begun, Ctx};
use crate::error::{Result, ServiceError, Violation, url_check};
use crate::identity::now;
use crate::job::JobKind;

/// Longest URL of a rule, in bytes.
pub const EMBARGO_URL_BYTES_MAX: usize = 512;

/// A rule for the end of an embargo.
#[derive(Debug, Clone)]
pub struct EmbargoInput {
    /// Where it comes from. From the maintainer itself it is always its own word.
    pub source: EmbargoSource,
    /// When it ends the embargo.
    pub ends: Timestamp,
    /// Where it can be read; needed for a policy and for a list's rule.
    pub url: Option<String>,
}

fn input_check(input: &EmbargoInput, owner: bool, opened: Timestamp) -> Result<()> {
    let mut violations = Vec::new();
    if input.ends < opened {
        // The shortest rule wins, so a slip of the year would end the embargo at once.
        violations.push(Violation::new(
            "out_of_range",
            "ends",
            format!("not before the case was opened, {}", opened.date()),
        ));
    }
    if let Some(url) = &input.url {
        violations.extend(url_check("url", url, EMBARGO_URL_BYTES_MAX).err());
    }
    let written = matches!(input.source, EmbargoSource::UpstreamPolicy | EmbargoSource::ListRule);
    if !owner && written && input.url.is_none() {
        violations.push(Violation::new("missing_field", "url", "say where this rule can be read"));
    }
    if !owner && input.source == EmbargoSource::Default {
        let reason = "the default applies by itself; name the rule: upstream-policy, list-rule or negotiated";
        violations.push(Violation::new("source_not_a_rule", "source", reason));
    }
    if violations.is_empty() { Ok(()) } else { Err(ServiceError::Invalid(violations)) }
}

impl Service {
    /// Sets the embargo. From the maintainer it is final. From a coordinator it is one more rule: the
    /// shortest wins, and a rule of the same source as the present one takes its place.
    ///
    /// # Errors
    /// `NotFound`, `Forbidden`, `Invalid`, `Conflict` once the maintainer has spoken or the case is
    /// not live.
    pub async fn embargo_set(&self, ctx: &Ctx, id: CaseId, input: EmbargoInput) -> Result<CaseView> {
        let mut tx = self.store.write().await?;
        let standing = self.case_standing(&mut tx, &ctx.actor, id).await?;
        let owner = ctx.authorize_case(Action::CaseJudge, standing).is_ok();
        if !owner {
            ctx.authorize_case(Action::CaseCoordinate, standing)?;
        }
        let mut work = match self.begun(tx, ctx, "embargo_set").await? {
            Begun::Fresh(work) => work,
            Begun::Replayed(_) => return self.case_shown(ctx, id).await,
        };
        let mut case = table::by_id_locked(&mut work.tx, id).await?.ok_or(ServiceError::NotFound("case"))?;
        input_check(&input, owner, case.opened_at)?;
        if !case.state.is_live() {
            return Err(ServiceError::conflict("case_not_live", "only a live case is under embargo"));
        }
        let spoken = case.embargo_source == Some(EmbargoSource::Maintainer);
        if !owner && (spoken || input.source == EmbargoSource::Maintainer) {
            let why = "the maintainer's word is final, and only the maintainer gives it";
            return Err(ServiceError::conflict("maintainer_spoke", why));
        }
        let word = owner.then_some(input.ends);
        let mut rules = vec![EmbargoRule { source: input.source, ends: input.ends, url: input.url }];
        rules.extend(rule_of(&case).filter(|present| present.source != rules[0].source));
        let embargo = embargo_decide(case.opened_at, &rules, word);
        case.embargo_ends = Some(embargo.ends);
        case.embargo_source = Some(embargo.source);
        case.embargo_url = embargo.url;
        case.embargo_reason = Some(embargo.reason);
        case.updated_at = ctx.actor.now;
        self.case_update(&mut work.tx, &mut case).await?;
        self.embargo_say(&mut work.tx, &case, Some(ctx.actor.member), ctx.actor.now).await?;
        work.finish(&id.to_string()).await?;
        self.jobs_wake();
        self.case_shown(ctx, id).await
    }

    /// Writes a case's embargo into its history, and has its end written there when it comes.
    pub(crate) async fn embargo_say(
        &self,
        tx: &mut Tx,
        case: &Case,
        member: Option<MemberId>,
        at: Timestamp,
    ) -> Result<()> {
        let Some(ends) = case.embargo_ends else { return Ok(()) };
        let text = format!("embargo until {}: {}", ends.date(), case.embargo_reason.as_deref().unwrap_or_default());
        self.case_event(tx, case.id, EventKind::Embargo, member, &text, false, at).await?;
        self.job_enqueue_at(tx, JobKind::EmbargoEnd, &format!("{} {}", case.id, ends.micros()), ends).await
    }

    /// The job behind every end of an embargo. One that was moved meanwhile has its own job.
    pub(crate) async fn embargo_end(&self, id: CaseId, ends: &str) -> Result<()> {
        let now = now();
        let mut tx = self.store.write().await?;
        let case = table::by_id_locked(&mut tx, id).await?.ok_or(ServiceError::NotFound("case"))?;
        let this = case.embargo_ends.is_some_and(|e| e.micros().to_string() == ends && e <= now);
        if !this || case.public || !case.state.is_live() {
            return Ok(());
        }
        let text = "the embargo has ended: the case may be published";
        let told = table::events(&mut tx, id, false).await?;
        if told.iter().rev().find(|e| e.kind == EventKind::Embargo).is_some_and(|e| e.text == text) {
            return Ok(());
        }
        self.case_event(&mut tx, id, EventKind::Embargo, None, text, false, now).await?;
        Ok(tx.commit().await?)
    }
}

/// The rule a case is under, unless it is only the default.
fn rule_of(case: &Case) -> Option<EmbargoRule> {
    let (source, ends) = (case.embargo_source?, case.embargo_ends?);
    let rule = EmbargoRule { source, ends, url: case.embargo_url.clone() };
    (source != EmbargoSource::Default).then_some(rule)
}
