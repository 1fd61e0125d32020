//! Assertion: the program itself says, by exit status 10, that a property it states does not hold.
//!
//! The weakest oracle: nothing outside sees the property, so the controls and the fixed version carry the weight.

use serde_json::json;

use super::{Hands, Sighting};
use crate::harness::Observed;
use crate::sandbox::Exit;

/// The exit status that says "the property is broken".
pub const BROKEN_STATUS: i32 = 10;

/// The program ended by itself with status 10.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if observed.outcome.exit != Exit::Code(BROKEN_STATUS) || observed.outcome.limit_hit.is_some() {
        return Sighting::quiet();
    }
    Sighting {
        fired: true,
        observation: json!({ "property": "broken, says the program" }),
        hands: Hands::NotApplicable,
        trace: Vec::new(),
    }
}
