//! Notice: one operator's copy of an advisory, for one asset: what runs there, what to do, by when,
//! and the operator's answer.
//!
//! Must not reveal other operators: a notice knows its own asset only.

use thiserror::Error;

use crate::words;

/// Longest note in an answer, in bytes.
pub const ANSWER_NOTE_BYTES_MAX: usize = 2_000;

words! {
    /// Where a notice stands.
    pub enum NoticeState {
        /// Sent, not answered.
        Open = "open",
        /// Seen by a person.
        Seen = "seen",
        /// Work is planned.
        Scheduled = "scheduled",
        /// The operator says it is fixed; the next inventory shows it.
        Fixed = "fixed",
        /// Reduced without an upgrade.
        Mitigated = "mitigated",
        /// The operator says the defect cannot be used there, with a justification.
        NotAffected = "not-affected",
        /// An inventory without the affected version closed it.
        Closed = "closed",
    }
}

words! {
    /// Why something is not affected: the justifications of OpenVEX 0.2.0, as spelled there.
    pub enum VexJustification {
        /// The component is not there.
        ComponentNotPresent = "component_not_present",
        /// The vulnerable code is not there.
        VulnerableCodeNotPresent = "vulnerable_code_not_present",
        /// The vulnerable code cannot be controlled by an adversary.
        CannotBeControlled = "vulnerable_code_cannot_be_controlled_by_adversary",
        /// The vulnerable code is not in the execute path.
        NotInExecutePath = "vulnerable_code_not_in_execute_path",
        /// Inline mitigations already exist.
        InlineMitigations = "inline_mitigations_already_exist",
    }
}

/// Why an answer is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum AnswerRefused {
    /// `not-affected` without a justification.
    #[error("`not-affected` needs a justification in OpenVEX words")]
    JustificationMissing,
    /// A justification where none belongs.
    #[error("a justification belongs to `not-affected` only")]
    JustificationMisplaced,
    /// Only an inventory closes a notice, and nobody reopens one by hand.
    #[error("an operator answers seen, scheduled, fixed, mitigated or not-affected; `{0}` is set by the clearinghouse")]
    NotAnAnswer(NoticeState),
}

/// Checks an operator's answer.
///
/// # Errors
/// [`AnswerRefused`] when the state is not an operator's to set or the justification does not fit.
pub fn answer_check(answer: NoticeState, justification: Option<VexJustification>) -> Result<(), AnswerRefused> {
    match (answer, justification) {
        (NoticeState::Open | NoticeState::Closed, _) => Err(AnswerRefused::NotAnAnswer(answer)),
        (NoticeState::NotAffected, None) => Err(AnswerRefused::JustificationMissing),
        (NoticeState::NotAffected, Some(_)) | (_, None) => Ok(()),
        (_, Some(_)) => Err(AnswerRefused::JustificationMisplaced),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_affected_says_why() {
        assert!(answer_check(NoticeState::NotAffected, None).is_err());
        assert!(answer_check(NoticeState::NotAffected, Some(VexJustification::ComponentNotPresent)).is_ok());
        assert!(answer_check(NoticeState::Fixed, Some(VexJustification::ComponentNotPresent)).is_err());
        assert!(answer_check(NoticeState::Closed, None).is_err());
    }
}
