//! Infinite loop: the program used up its CPU time, was given several times as much, and used that up as well, while the
//! control needed next to nothing.
//!
//! Decided on CPU time, never on wall time. Must not be taken for a proof that it never ends: only that it does not end
//! within what it was given.

use serde_json::json;

use super::{Baseline, Hands, Sighting};
use crate::harness::Observed;
use crate::sandbox::Limit;

/// CPU time of the first run, in milliseconds.
pub const FIRST_CPU_MS: u64 = 2_000;
/// CPU time of the second, in milliseconds.
pub const SECOND_CPU_MS: u64 = 8_000;
/// CPU time that the control may need at most, in microseconds.
pub const CONTROL_CPU_US_MAX: u64 = FIRST_CPU_MS * 1_000 / 2;

/// Whether a run worked until it was cut off at `cpu_ms`: one that waited for others shows nothing.
#[must_use]
pub fn is_cut_off(observed: &Observed, cpu_ms: u64) -> bool {
    match observed.outcome.limit_hit {
        Some(Limit::Cpu) => true,
        Some(Limit::Wall) => observed.outcome.cpu_us() >= cpu_ms.saturating_mul(500),
        _ => false,
    }
}

/// Both runs were cut off.
#[must_use]
pub fn sight(both_cut_off: bool, baseline: &Baseline) -> Sighting {
    if !both_cut_off || baseline.cpu_us.is_some_and(|us| us > CONTROL_CPU_US_MAX) {
        return Sighting::quiet();
    }
    let observation = json!({ "no_end_within_cpu_ms": SECOND_CPU_MS });
    Sighting { fired: true, observation, hands: Hands::NotApplicable, trace: Vec::new() }
}
