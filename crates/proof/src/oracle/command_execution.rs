//! Command execution: the exec canary, a program that cannot be read, was executed and brought its secret to light.
//!
//! Must not count an attempt: only the secret does.

use serde_json::json;

use super::{Sighting, events, hands_of};
use crate::harness::Observed;
use crate::trace;

/// The canary's secret is there.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !observed.canaries.executed {
        return Sighting::quiet();
    }
    let (hands, trace) = hands_of(observed, &events(observed, "command"), trace::done_by);
    Sighting { fired: true, observation: json!({ "executed": "the exec canary" }), hands, trace }
}
