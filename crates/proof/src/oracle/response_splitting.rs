//! Response splitting: a value became a header line of its own.
//!
//! Looks at the raw bytes that the program put into `PROOF_OUT`. Must not count the canary inside another line.

use serde_json::json;

use super::{Hands, Sighting};
use crate::harness::Observed;

/// A line of its own begins with the canary.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !observed.canaries.header {
        return Sighting::quiet();
    }
    Sighting {
        fired: true,
        observation: json!({ "line": "a header of its own" }),
        hands: Hands::NotApplicable,
        trace: Vec::new(),
    }
}
