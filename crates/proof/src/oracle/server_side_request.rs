//! Server-side request: a server on the box's own loopback interface, kept by the sandbox's init, was asked for a path
//! that only this run knows.
//!
//! Must not count a connection alone: the request must hold the token.

use serde_json::json;

use super::{Hands, Sighting};
use crate::harness::Observed;

/// The server was reached.
#[must_use]
pub fn sight(observed: &Observed) -> Sighting {
    if !observed.outcome.listener_reached {
        return Sighting::quiet();
    }
    Sighting {
        fired: true,
        observation: json!({ "reached": "the server inside" }),
        hands: Hands::NotApplicable,
        trace: Vec::new(),
    }
}
