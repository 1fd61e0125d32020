//! Oracles: what counts as having seen the defect. One file each; a page for each under `docs/oracles/`.
//!
//! An oracle looks at what the harness observed of one run and says whether the effect was there and through whose
//! hands. It must not look at what the program says about itself, except `assertion`, which has nothing else.

pub mod assertion;
pub mod code_execution;
pub mod command_execution;
pub mod cpu_blow_up;
pub mod deserialisation;
pub mod file_read;
pub mod file_write;
pub mod infinite_loop;
pub mod memory_error;
pub mod prototype_pollution;
pub mod response_splitting;
pub mod self_test;
pub mod server_side_request;
pub mod sql_injection;
pub mod uncontrolled_allocation;
pub mod xml_external_entity;

use domain::proof::OracleKind;
use serde_json::Value;

use crate::bundle::Manifest;
use crate::bundle::manifest::RuntimeKind;
use crate::harness::Observed;
use crate::harness::report::{Change, Event, Frame};
use crate::runtime::rust::SANITIZER_STATUS;
use crate::trace::{self, TraceFrame};

/// What an oracle saw in one run.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// The effect was there.
    pub fired: bool,
    /// What exactly, the same on every repeat of the same effect: no random names, no times.
    pub observation: Value,
    /// In whose hands it was done, where the harness could see that.
    pub hands: Hands,
    /// Frames of packages on the stack at that moment, where it could be taken in this very run.
    pub trace: Vec<TraceFrame>,
}

/// In whose hands an effect was brought about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hands {
    /// A package's.
    Package(TraceFrame),
    /// Only ever the program's own.
    Program,
    /// It was not seen.
    Unseen,
    /// This oracle has no way to see it.
    NotApplicable,
}

/// What a control run left behind that is the package's way, and no effect of the program.
#[derive(Debug, Clone, Default)]
pub struct Baseline {
    /// Functions and accessors that loading the package puts on shared prototypes.
    pub changes: Vec<Change>,
    /// The most memory it held, in bytes.
    pub peak_bytes: Option<u64>,
    /// The CPU time it used, in microseconds.
    pub cpu_us: Option<u64>,
}

impl Baseline {
    /// Of a control run.
    #[must_use]
    pub fn of(control: &Observed) -> Self {
        let changes = control.report.iter().flat_map(|report| report.changes.iter());
        Self {
            changes: changes.filter(|c| prototype_pollution::is_extension(c)).cloned().collect(),
            peak_bytes: Some(control.outcome.memory_peak_bytes),
            cpu_us: Some(control.outcome.cpu_us()),
        }
    }
}

/// What the oracle of this kind sees in one run of this proof. `cpu-blow-up` and `infinite-loop` look at several
/// runs instead and see nothing here.
#[must_use]
pub fn sight(kind: OracleKind, observed: &Observed, baseline: &Baseline, manifest: &Manifest) -> Sighting {
    match kind {
        OracleKind::PrototypePollution => prototype_pollution::sight(observed, baseline),
        OracleKind::FileRead => file_read::sight(observed),
        OracleKind::FileWrite => file_write::sight(observed),
        OracleKind::CommandExecution => command_execution::sight(observed),
        OracleKind::CodeExecution => code_execution::sight(observed),
        OracleKind::Assertion => assertion::sight(observed),
        OracleKind::MemoryError if manifest.runtime.kind == RuntimeKind::Rust => {
            memory_error::sight_in_binary(observed, SANITIZER_STATUS)
        }
        OracleKind::MemoryError => memory_error::sight(observed, manifest.target.package.name()),
        OracleKind::UncontrolledAllocation => {
            uncontrolled_allocation::sight(observed, baseline, manifest.run.memory_bytes)
        }
        OracleKind::ServerSideRequest => server_side_request::sight(observed),
        OracleKind::SqlInjection => sql_injection::sight(observed),
        OracleKind::XmlExternalEntity => xml_external_entity::sight(observed),
        OracleKind::Deserialisation => deserialisation::sight(observed),
        OracleKind::ResponseSplitting => response_splitting::sight(observed),
        OracleKind::CpuBlowUp | OracleKind::InfiniteLoop => Sighting::quiet(),
    }
}

impl Sighting {
    /// Nothing was seen.
    #[must_use]
    pub fn quiet() -> Self {
        Self { fired: false, observation: Value::Null, hands: Hands::Unseen, trace: Vec::new() }
    }
}

/// Whose hands the events of one kind were in, and the stack of the first that a package did. Where text was compiled
/// under a package's name that is not the package's, no stack is a witness.
fn hands_of(
    observed: &Observed,
    events: &[&Event],
    owner: fn(&[Frame]) -> Option<TraceFrame>,
) -> (Hands, Vec<TraceFrame>) {
    if observed.report.as_ref().is_some_and(|report| report.disguised > 0) {
        return (Hands::Unseen, Vec::new());
    }
    let with_stack = || events.iter().filter_map(|event| event.frames.as_deref());
    for frames in with_stack() {
        if let Some(found) = owner(frames) {
            return (Hands::Package(found), trace::trace_of(frames));
        }
    }
    let hands = if with_stack().next().is_some() { Hands::Program } else { Hands::Unseen };
    (hands, Vec::new())
}

fn events<'o>(observed: &'o Observed, kind: &str) -> Vec<&'o Event> {
    observed.report.iter().flat_map(|report| report.events.iter()).filter(|event| event.kind == kind).collect()
}
