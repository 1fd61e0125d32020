//! Deserialisation: reading serialised data executed the exec canary or changed the watched folder.
//!
//! Seen from outside, as `command-execution` and `file-write` see it. Must not count an object of an odd type alone.

use serde_json::json;

use super::{Sighting, events, hands_of};
use crate::harness::Observed;
use crate::trace;

/// Something was executed or written.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    let done = match observed.canaries {
        canaries if canaries.executed => "the exec canary",
        canaries if canaries.written => "a write to the watched folder",
        _ => return Sighting::quiet(),
    };
    let mut seen = events(observed, "command");
    seen.extend(events(observed, "write"));
    let (hands, trace) = hands_of(observed, &seen, trace::done_by);
    Sighting { fired: true, observation: json!({ "executed": done }), hands, trace }
}
