//! Uncontrolled allocation: the program ran into its memory limit, while the control stayed far below it.
//!
//! Seen from outside: the kernel's account of the whole box. Must not count a control that is greedy itself.

use serde_json::json;

use super::{Baseline, Hands, Sighting};
use crate::harness::Observed;
use crate::sandbox::Limit;

/// Share of the limit that the control may hold at most, in percent.
pub const CONTROL_PERCENT_MAX: u64 = 50;

/// The memory limit ended it.
#[must_use]
pub fn sight(observed: &Observed, baseline: &Baseline, memory_bytes: u64) -> Sighting {
    let modest = baseline.peak_bytes.is_none_or(|peak| peak <= memory_bytes / 100 * CONTROL_PERCENT_MAX);
    if observed.outcome.limit_hit != Some(Limit::Memory) || !modest {
        return Sighting::quiet();
    }
    let observation = json!({ "allocated": "more than the limit", "limit_bytes": memory_bytes });
    Sighting { fired: true, observation, hands: Hands::NotApplicable, trace: Vec::new() }
}
