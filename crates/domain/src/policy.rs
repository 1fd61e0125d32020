//! Who may do what. One pure decision for single things; lists are filtered in SQL by the same rule
//! (a property test in crate `store` holds the two together).
//!
//! An outsider to an embargoed case gets [`Decision::Hidden`], which every door must answer exactly
//! as it answers for a case that never existed. Must not know HTTP or SQL.

use crate::party::{Actor, Role, TokenScope};
use crate::read_in::Tier;
use crate::words;

words! {
    /// What somebody wants to do.
    pub enum Action {
        /// Make parties, members and tokens; read them all.
        PartyManage = "party-manage",
        /// See what is one's own: claims, reports, proofs, inventories, notices.
        OwnRead = "own-read",
        /// Take, renew or release a claim.
        ClaimTake = "claim-take",
        /// Send a report.
        ReportSubmit = "report-submit",
        /// Send a proof.
        ProofSubmit = "proof-submit",
        /// See the case at all.
        CaseRead = "case-read",
        /// See reports, proofs and their results.
        CaseReadResearch = "case-read-research",
        /// Merge, split, retitle, close a case.
        CaseCoordinate = "case-coordinate",
        /// Give the verdict on a case.
        CaseJudge = "case-judge",
        /// Place somebody in a read-in tier, or end it.
        CaseReadIn = "case-read-in",
        /// Say at what pace one's own party takes cases.
        PaceSet = "pace-set",
        /// See which cases wait for their maintainers.
        PaceQueueRead = "pace-queue-read",
        /// Propose a fix.
        FixPropose = "fix-propose",
        /// Publish, revise or withdraw an advisory.
        AdvisoryPublish = "advisory-publish",
        /// Send an inventory.
        InventorySubmit = "inventory-submit",
        /// Answer a notice of one's own.
        NoticeAnswer = "notice-answer",
        /// Take a proof job, and post what running it showed.
        JobWork = "job-work",
        /// See where a job stands, and who holds it.
        JobRead = "job-read",
    }
}

/// The answer of the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Allow,
    /// The actor may know of the thing, and may not do this.
    Forbidden,
    /// The actor must not learn that the thing exists.
    Hidden,
}

/// What the policy needs to know of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaseStanding {
    /// Whether its advisory is published.
    pub public: bool,
    /// The tier the acting member is read into now, if any.
    pub tier: Option<Tier>,
    /// Whether the acting party maintains the package.
    pub maintains: bool,
}

/// Decides an action that concerns no case.
#[must_use]
pub fn decide(actor: &Actor, action: Action) -> Decision {
    let scope = match action {
        Action::PartyManage => TokenScope::Admin,
        Action::OwnRead | Action::CaseRead | Action::CaseReadResearch | Action::PaceQueueRead | Action::JobRead => {
            TokenScope::Read
        }
        Action::JobWork => TokenScope::Worker,
        _ => TokenScope::Write,
    };
    let role = match action {
        Action::PartyManage | Action::CaseCoordinate | Action::CaseReadIn | Action::PaceQueueRead | Action::JobRead => {
            actor.is(Role::Coordinator)
        }
        Action::JobWork => actor.is(Role::Worker),
        Action::ClaimTake | Action::ReportSubmit | Action::ProofSubmit => {
            actor.is(Role::Finder) || actor.is(Role::Maintainer) || actor.is(Role::Coordinator)
        }
        Action::InventorySubmit | Action::NoticeAnswer => actor.is(Role::Operator),
        Action::CaseJudge | Action::PaceSet => actor.is(Role::Maintainer),
        Action::AdvisoryPublish => actor.is(Role::Coordinator) || actor.is(Role::Maintainer),
        Action::OwnRead | Action::CaseRead | Action::CaseReadResearch | Action::FixPropose => true,
    };
    if role && actor.may(scope) { Decision::Allow } else { Decision::Forbidden }
}

/// Decides an action on one case.
#[must_use]
pub fn decide_case(actor: &Actor, action: Action, case: CaseStanding) -> Decision {
    if !visible(actor, case) {
        return Decision::Hidden;
    }
    if decide(actor, action) != Decision::Allow {
        return Decision::Forbidden;
    }
    let staff = actor.is(Role::Coordinator);
    let allowed = match action {
        Action::CaseRead => true,
        Action::CaseReadResearch => staff || case.tier.is_some_and(Tier::sees_research),
        Action::FixPropose => staff || case.tier.is_some_and(Tier::sees_research),
        Action::CaseJudge => case.maintains && case.tier == Some(Tier::Full),
        Action::AdvisoryPublish => staff || (case.maintains && case.tier == Some(Tier::Full)),
        Action::CaseCoordinate | Action::CaseReadIn => staff,
        _ => true,
    };
    if allowed { Decision::Allow } else { Decision::Forbidden }
}

/// The rule that lists must repeat in SQL: staff, a live read-in, or a published case.
#[must_use]
pub fn visible(actor: &Actor, case: CaseStanding) -> bool {
    case.public || actor.is(Role::Coordinator) || case.tier.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{MemberId, PartyId};
    use crate::time::Timestamp;

    fn actor(roles: &[Role]) -> Actor {
        Actor {
            party: PartyId::new(1, [1; 10]),
            member: MemberId::new(1, [1; 10]),
            roles: roles.to_vec(),
            scopes: TokenScope::ALL.to_vec(),
            now: Timestamp::from_micros(0),
        }
    }

    #[test]
    fn an_outsider_learns_nothing_whatever_the_action() {
        let secret = CaseStanding { public: false, tier: None, maintains: true };
        for role in [Role::Finder, Role::Maintainer, Role::Operator] {
            for action in Action::ALL {
                assert_eq!(decide_case(&actor(&[role]), *action, secret), Decision::Hidden, "{role} {action}");
            }
        }
    }

    #[test]
    fn only_the_maintainer_owns_the_verdict() {
        for tier in Tier::ALL {
            let case = CaseStanding { public: false, tier: Some(*tier), maintains: true };
            let expected = if *tier == Tier::Full { Decision::Allow } else { Decision::Forbidden };
            assert_eq!(decide_case(&actor(&[Role::Maintainer]), Action::CaseJudge, case), expected);
            assert_eq!(decide_case(&actor(&[Role::Coordinator]), Action::CaseJudge, case), Decision::Forbidden);
        }
    }

    #[test]
    fn a_worker_works_and_does_nothing_else() {
        let mut worker = actor(&[Role::Worker]);
        worker.scopes = vec![TokenScope::Worker];
        for action in Action::ALL {
            let expected = if *action == Action::JobWork { Decision::Allow } else { Decision::Forbidden };
            assert_eq!(decide(&worker, *action), expected, "{action}");
            let mut other = actor(&[Role::Finder, Role::Maintainer, Role::Operator, Role::Coordinator]);
            other.scopes = vec![TokenScope::Worker];
            assert_eq!(decide(&other, *action), Decision::Forbidden, "{action}");
        }
        let every = actor(&[Role::Finder, Role::Maintainer, Role::Operator, Role::Coordinator]);
        assert_eq!(decide(&every, Action::JobWork), Decision::Forbidden);
    }

    #[test]
    fn distributors_see_no_research_and_a_read_token_writes_nothing() {
        let case = CaseStanding { public: false, tier: Some(Tier::Distribution), maintains: false };
        assert_eq!(decide_case(&actor(&[Role::Operator]), Action::CaseReadResearch, case), Decision::Forbidden);
        assert_eq!(decide_case(&actor(&[Role::Operator]), Action::CaseRead, case), Decision::Allow);
        let mut reader = actor(&[Role::Finder]);
        reader.scopes = vec![TokenScope::Read];
        assert_eq!(decide(&reader, Action::ReportSubmit), Decision::Forbidden);
        assert_eq!(decide(&reader, Action::OwnRead), Decision::Allow);
        reader.scopes = vec![TokenScope::Write];
        assert_eq!(decide(&reader, Action::OwnRead), Decision::Forbidden);
    }
}
