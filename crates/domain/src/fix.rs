//! Fix: a patch, an upgrade or a mitigation, with what was verified on which version.
//!
//! Must not verify: the proof engine runs it, this file names what may be said.

use crate::words;

words! {
    /// What kind of fix.
    pub enum FixKind {
        /// A change to the code.
        Patch = "patch",
        /// A published version that no longer has the defect.
        Upgrade = "upgrade",
        /// Something to do without changing the version.
        Mitigation = "mitigation",
    }
}

words! {
    /// What is known of a fix.
    pub enum FixState {
        /// Not run yet.
        Proposed = "proposed",
        /// Every proof of the case fell silent with a passing control.
        Verified = "verified",
        /// A proof still fires, or the entry point no longer works.
        Refuted = "refuted",
        /// The machine could not tell; the reason is in the matrix.
        Unverified = "unverified",
    }
}
