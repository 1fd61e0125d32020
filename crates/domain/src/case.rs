//! Case: one defect, which is one root cause AND one fix. Its affected range is measured.
//!
//! Must not show a case: what each tier sees is decided in `read_in` and `policy`.

use thiserror::Error;

use crate::words;

/// Longest title, in bytes.
pub const CASE_TITLE_BYTES_MAX: usize = 200;
/// Longest reason for a merge, split, verdict or closing, in bytes.
pub const CASE_REASON_BYTES_MAX: usize = 2_000;

words! {
    /// The life of a case.
    pub enum CaseState {
        /// Proved and being coordinated.
        Open = "open",
        /// A fix was verified by the proof; publication is next.
        FixVerified = "fix-verified",
        /// Its advisory is public.
        Published = "published",
        /// Ended without an advisory, on the maintainer's verdict.
        Closed = "closed",
        /// Joined into another case, which carries on.
        Merged = "merged",
    }
}

words! {
    /// The maintainer's verdict. It is final.
    pub enum MaintainerVerdict {
        /// A vulnerability.
        Vulnerability = "vulnerability",
        /// Worth hardening, not a vulnerability.
        Hardening = "hardening",
        /// Works as meant.
        NotAnIssue = "not-an-issue",
        /// Known to the maintainer under another id.
        DuplicateOfOurs = "duplicate-of-ours",
        /// Real, and will not be fixed.
        WillNotFix = "will-not-fix",
    }
}

words! {
    /// What happened in a case: one line of its timeline.
    pub enum EventKind {
        /// The case was opened by a proved finding.
        Opened = "opened",
        /// A finding joined.
        FindingJoined = "finding-joined",
        /// A finding may belong to another case as well. For coordinators only: it names that case.
        JoinProposed = "join-proposed",
        /// A finding was split off.
        FindingSplit = "finding-split",
        /// The affected range was measured.
        RangeMeasured = "range-measured",
        /// Somebody was read in, or the read-in ended.
        ReadIn = "read-in",
        /// The case was handed over to a maintainer, or is to be outside its pace.
        HandedOver = "handed-over",
        /// The maintainer gave a verdict.
        Judged = "judged",
        /// A fix was proposed or verified.
        Fix = "fix",
        /// The embargo was set or changed, or has ended.
        Embargo = "embargo",
        /// Operators were told.
        Notified = "notified",
        /// An advisory was published, revised or withdrawn.
        Advisory = "advisory",
        /// The case was merged into another.
        Merged = "merged",
        /// The case was closed.
        Closed = "closed",
    }
}

/// A change of state that the life of a case does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a case that is {from} cannot become {to}")]
pub struct IllegalChange {
    /// The state it is in.
    pub from: CaseState,
    /// The state that was wanted.
    pub to: CaseState,
}

impl CaseState {
    /// Every legal change. `fix-verified` goes back to `open` when the last verified fix fails.
    pub const CHANGES: &'static [(Self, Self)] = &[
        (Self::Open, Self::FixVerified),
        (Self::Open, Self::Published),
        (Self::Open, Self::Closed),
        (Self::Open, Self::Merged),
        (Self::FixVerified, Self::Open),
        (Self::FixVerified, Self::Published),
        (Self::FixVerified, Self::Closed),
        (Self::FixVerified, Self::Merged),
        (Self::Closed, Self::Open),
    ];

    /// Checks a change against [`Self::CHANGES`].
    ///
    /// # Errors
    /// [`IllegalChange`] when it is not listed.
    pub fn change(self, to: Self) -> Result<Self, IllegalChange> {
        if Self::CHANGES.contains(&(self, to)) { Ok(to) } else { Err(IllegalChange { from: self, to }) }
    }

    /// Whether work can still be done on it.
    #[must_use]
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Open | Self::FixVerified)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_public_stays_public() {
        for to in CaseState::ALL {
            assert!(CaseState::Published.change(*to).is_err());
        }
        assert_eq!(CaseState::Open.change(CaseState::FixVerified), Ok(CaseState::FixVerified));
    }
}
