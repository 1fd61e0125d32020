//! Report: what somebody sent, kept verbatim and encrypted, with provenance; and the findings drawn
//! from it: what one report says of one package.
//!
//! The wire form and its limits live in `formats::tap`. Must not judge a report: a proof does.

use crate::words;

words! {
    /// Where a report is in the intake, as its sender may poll it.
    pub enum ReportState {
        /// Stored, not looked at yet.
        Queued = "queued",
        /// Being read, proved and compared.
        Processing = "processing",
        /// Everything the machine can do was done.
        Done = "done",
    }
}

words! {
    /// Where a finding is on its way to a case.
    pub enum FindingState {
        /// It has no runnable proof yet: it waits and is not shown to a maintainer.
        ProofWanted = "proof-wanted",
        /// Its proof waits for, or is in, the proof engine.
        Proving = "proving",
        /// Its proof is confirmed; which case it belongs to is being measured.
        Proved = "proved",
        /// Its proof did not hold.
        NotProved = "not-proved",
        /// It is part of a case.
        InCase = "in-case",
    }
}

words! {
    /// The six things of a report that is ready to work on.
    pub enum ChecklistItem {
        /// What the defect is.
        Description = "description",
        /// How the exploit is triggered.
        Trigger = "trigger",
        /// An estimate of its severity.
        Severity = "severity",
        /// A proof of concept.
        Proof = "proof-of-concept",
        /// A proposed patch.
        Patch = "patch",
        /// Tests that fail before the patch and pass after it.
        Tests = "tests",
    }
}
