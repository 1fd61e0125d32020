//! XML external entity: a document brought in the content of a file, or asked a server, outside of it.
//!
//! The file's content and the server's path are new in every run. Must not count an entity that was only declared.

use serde_json::json;

use super::{Hands, Sighting};
use crate::harness::Observed;

/// The content came out, or the server was asked.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !(observed.canaries.read || observed.outcome.listener_reached) {
        return Sighting::quiet();
    }
    Sighting {
        fired: true,
        observation: json!({ "brought_in": "what lies outside the document" }),
        hands: Hands::NotApplicable,
        trace: Vec::new(),
    }
}
