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
    let calls = events(observed, "code");
    // The stack of the call tells who evaluated the text, unless the text was given a name of its own; then the stack
    // on which it was compiled does.
    let (mut hands, mut trace) = hands_of(observed, &calls, trace::evaluated_by);
    let from_text = calls.iter().filter_map(|e| e.frames.as_deref()).any(trace::is_evaluated);
    if from_text && !matches!(hands, Hands::Package(_)) {
        (hands, trace) = hands_of(observed, &events(observed, "compile"), trace::done_by);
    }
    if let Hands::Package(_) = hands {
        return Sighting { fired: true, observation: json!({ "ran": "the canary function" }), hands, trace };
    }
    if observed.canaries.executed {
        let (hands, trace) = hands_of(observed, &events(observed, "command"), trace::done_by);
        return Sighting { fired: true, observation: json!({ "ran": "the exec canary" }), hands, trace };
    }
    Sighting::quiet()
}
