//! File read: the random content of a canary file outside the program's reach by right came out of the box.
//!
//! The content exists nowhere else, so seeing it on standard output or in `PROOF_OUT` proves the read; the hooks say
//! whether a package did it. Must not count a read alone: a package may open a file and refuse to serve it.

use serde_json::json;

use super::{Sighting, events, hands_of};
use crate::harness::Observed;
use crate::trace;

/// The canary's content came out.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !observed.canaries.read {
        return Sighting::quiet();
    }
    let mut seen = events(observed, "read");
    seen.extend(events(observed, "command").into_iter().filter(|e| e.detail.contains("/canary/")));
    let (hands, trace) = hands_of(observed, &seen, trace::done_by);
    Sighting { fired: true, observation: json!({ "read": "the canary file's content came out" }), hands, trace }
}
