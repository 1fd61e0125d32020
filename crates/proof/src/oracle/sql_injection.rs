//! SQL injection: a random value out of a table that the statement does not name came out of the box.
//!
//! The database is a real SQLite file, written fresh for each run. Must not count that a statement failed.

use serde_json::json;

use super::{Hands, Sighting};
use crate::harness::Observed;

/// The value came out.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !observed.canaries.read {
        return Sighting::quiet();
    }
    Sighting {
        fired: true,
        observation: json!({ "read": "the row of another table came out" }),
        hands: Hands::NotApplicable,
        trace: Vec::new(),
    }
}
