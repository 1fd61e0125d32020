//! File write: something was made, changed or removed in a folder outside the program's work folder.
//!
//! Seen from outside after the run. Must not count what stays inside the work folder or `/tmp`.

use serde_json::json;

use super::{Sighting, events, hands_of};
use crate::harness::Observed;
use crate::trace;

/// The watched folder is not as it was.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !observed.canaries.written {
        return Sighting::quiet();
    }
    let mut seen = events(observed, "write");
    seen.extend(events(observed, "command"));
    let (hands, trace) = hands_of(observed, &seen, trace::done_by);
    Sighting { fired: true, observation: json!({ "written": "the watched folder was changed" }), hands, trace }
}
