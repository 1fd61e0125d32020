//! Prototype pollution: a key was added to, changed on or removed from a prototype that all objects share.
//!
//! Any key counts: the preload compares every own key of every built-in prototype before and after. Must not count the
//! functions that a package adds to prototypes when it is merely used, which the control shows.

use serde_json::json;

use super::{Baseline, Hands, Sighting};
use crate::harness::report::Change;
use crate::harness::{Observed, Trap};

/// Whether a change looks like a package extending the language for everybody, rather than like data from an input.
#[must_use]
pub fn is_extension(change: &Change) -> bool {
    change.kind == "function" || change.kind == "accessor"
}

/// What is not as before, without what the control showed too.
#[must_use]
pub fn sight(observed: &Observed, baseline: &Baseline) -> Sighting {
    let changes = changes(observed, baseline);
    if changes.is_empty() {
        return Sighting::quiet();
    }
    let listed: Vec<_> =
        changes.iter().map(|c| json!({ "on": c.on, "key": c.key, "what": c.what, "type": c.kind })).collect();
    // Who did it is seen in a run of its own, with a trap on each key.
    Sighting { fired: true, observation: json!({ "changes": listed }), hands: Hands::Unseen, trace: Vec::new() }
}

/// The traps for a trace run after this one.
#[must_use]
pub fn traps(observed: &Observed, baseline: &Baseline) -> Vec<Trap> {
    let plain = changes(observed, baseline).into_iter().filter(|c| !c.symbol && c.what != "removed");
    plain.take(8).map(|c| Trap { on: c.on, key: c.key }).collect()
}

/// What the trace run saw.
#[must_use]
pub fn traced(observed: &Observed) -> (Hands, Vec<crate::trace::TraceFrame>) {
    super::hands_of(observed, &super::events(observed, "pollution"), crate::trace::done_by)
}

/// Whether the verdict stands whatever a control would show: nothing in it could be a package's extension.
#[must_use]
pub fn stands_without_control(observed: &Observed) -> bool {
    let mut changes = observed.report.iter().flat_map(|report| report.changes.iter());
    changes.any(|change| !is_extension(change))
}

fn changes(observed: &Observed, baseline: &Baseline) -> Vec<Change> {
    let mut changes: Vec<Change> = observed
        .report
        .iter()
        .flat_map(|report| report.changes.iter())
        .filter(|change| !(is_extension(change) && baseline.changes.contains(change)))
        .cloned()
        .collect();
    changes.sort();
    changes
}
