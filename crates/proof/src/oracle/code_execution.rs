//! Code execution: text given as data was made into code by a package and called the canary function, or executed the
//! exec canary.
//!
//! Must not count a call of the canary by the program's own code, nor by text that the program evaluated itself.

use serde_json::json;

use super::{Hands, Sighting, events, hands_of};
use crate::harness::Observed;
use crate::trace;

/// The payload ran.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    let (hands, trace) = hands_of(&events(observed, "code"), trace::evaluated_by);
    if let Hands::Package(_) = hands {
        return Sighting { fired: true, observation: json!({ "ran": "the canary function" }), hands, trace };
    }
    if observed.canaries.executed {
        let (hands, trace) = hands_of(&events(observed, "command"), trace::done_by);
        return Sighting { fired: true, observation: json!({ "ran": "the exec canary" }), hands, trace };
    }
    Sighting::quiet()
}
