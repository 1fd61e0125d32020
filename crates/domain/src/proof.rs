//! Proof: the words of a verdict. A proof is a program, an oracle and a benign control; a run of it
//! on one exact version gives a verdict, and only `fired` proves anything.
//!
//! Must not decide verdicts: the proof engine measures, this file names what it may say.

use crate::words;

words! {
    /// What one run on one exact version showed.
    pub enum Verdict {
        /// The oracle saw the defect on every repeat.
        Fired = "fired",
        /// The oracle stayed quiet on every repeat, and the control passed on that very version.
        Silent = "silent",
        /// Neither: a [`Reason`] says why. Never taken for a fix.
        Inconclusive = "inconclusive",
    }
}

words! {
    /// Why a run was inconclusive.
    pub enum Reason {
        /// The benign use of the entry point failed.
        ControlFailed = "control-failed",
        /// The entry point does not exist in this version.
        ApiAbsent = "api-absent",
        /// The package cannot be loaded.
        LoadFailed = "load-failed",
        /// The program or the package cannot be built.
        BuildFailed = "build-failed",
        /// The exact version cannot be had here.
        InstallFailed = "install-failed",
        /// No declared runtime can run this version.
        RuntimeUnfit = "runtime-unfit",
        /// The wall or CPU limit ended the run.
        Timeout = "timeout",
        /// The repeats disagree.
        Flaky = "flaky",
        /// The run ended in a way that shows nothing: a crash, an uncaught exception, a limit.
        HarnessError = "harness-error",
    }
}

words! {
    /// How much a proof has shown.
    pub enum Grade {
        /// Fired on every repeat, control passed, vacuous run quiet, silent at the fix if declared.
        Confirmed = "confirmed",
        /// Anything less.
        Unconfirmed = "unconfirmed",
    }
}

words! {
    /// What the harness measures. One page each under `docs/oracles/`.
    pub enum OracleKind {
        /// A key appeared or changed on a shared built-in prototype.
        PrototypePollution = "prototype-pollution",
        /// A file outside what the program may serve was read.
        FileRead = "file-read",
        /// A file outside the work folder was written.
        FileWrite = "file-write",
        /// A command of the attacker's was executed.
        CommandExecution = "command-execution",
        /// Source text of the attacker's was executed.
        CodeExecution = "code-execution",
        /// CPU time grows faster than the input.
        CpuBlowUp = "cpu-blow-up",
        /// Memory was taken out of all proportion to the input.
        UncontrolledAllocation = "uncontrolled-allocation",
        /// The work never ends, however long it is given.
        InfiniteLoop = "infinite-loop",
        /// A server that should not be reached was reached.
        ServerSideRequest = "server-side-request",
        /// Data became part of an SQL statement and brought out what it should not.
        SqlInjection = "sql-injection",
        /// An XML document brought in what lies outside it.
        XmlExternalEntity = "xml-external-entity",
        /// Reading serialised data executed or wrote something.
        Deserialisation = "deserialisation",
        /// Data became a header line, or a response, of its own.
        ResponseSplitting = "response-splitting",
        /// A property that the program states does not hold.
        Assertion = "assertion",
        /// Memory was touched where it must not be: a sanitizer's report or a fault of the processor.
        MemoryError = "memory-error",
    }
}

impl OracleKind {
    /// Whether the effect is seen from outside only, so that no harness can tell in whose hands it was. Then only
    /// silence at a fix tells a package's defect from a program that does it all by itself.
    #[must_use]
    pub fn is_without_hands(self) -> bool {
        matches!(
            self,
            Self::UncontrolledAllocation
                | Self::InfiniteLoop
                | Self::ServerSideRequest
                | Self::SqlInjection
                | Self::XmlExternalEntity
                | Self::ResponseSplitting
        )
    }
}
