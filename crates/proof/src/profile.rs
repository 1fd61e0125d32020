//! The hottest package function of a V8 CPU profile: where a CPU blow-up spends its time.
//!
//! The profile comes out of the box and is hostile: it is bounded, and whatever does not fit is ignored.

use std::collections::HashMap;

use serde::Deserialize;

use crate::trace::{self, TraceFrame};

/// Largest profile read, in bytes.
pub const PROFILE_BYTES_MAX: usize = 32 << 20;
/// Deepest stack followed.
const DEPTH_MAX: usize = 512;

#[derive(Deserialize)]
struct Profile {
    nodes: Vec<Node>,
    #[serde(default)]
    samples: Vec<u32>,
}

#[derive(Deserialize)]
struct Node {
    id: u32,
    #[serde(rename = "callFrame")]
    call: CallFrame,
    #[serde(default)]
    children: Vec<u32>,
}

#[derive(Deserialize)]
struct CallFrame {
    #[serde(rename = "functionName")]
    function: String,
    url: String,
}

/// The package frames from the one in which most samples fell outwards; empty where none did.
#[must_use]
pub fn hottest(profile: &[u8]) -> Vec<TraceFrame> {
    if profile.len() > PROFILE_BYTES_MAX {
        return Vec::new();
    }
    let Ok(profile) = serde_json::from_slice::<Profile>(profile) else { return Vec::new() };
    let nodes: HashMap<u32, &Node> = profile.nodes.iter().map(|node| (node.id, node)).collect();
    let parents: HashMap<u32, u32> =
        profile.nodes.iter().flat_map(|node| node.children.iter().map(|child| (*child, node.id))).collect();
    // A regular expression's own time has a node of its own: a sample counts for the nearest package function above.
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for sample in &profile.samples {
        let mut up = outwards(*sample, &parents);
        if let Some(id) = up.find(|id| nodes.get(id).is_some_and(|node| frame_of(node).is_some())) {
            *counts.entry(id).or_default() += 1;
        }
    }
    // Ties break by id, so that one profile gives one trace.
    let Some((hottest, _)) = counts.into_iter().max_by_key(|(id, count)| (*count, std::cmp::Reverse(*id))) else {
        return Vec::new();
    };
    let mut trace: Vec<TraceFrame> = Vec::new();
    for frame in outwards(hottest, &parents).filter_map(|id| nodes.get(&id)).filter_map(|node| frame_of(node)) {
        if trace.last() != Some(&frame) && trace.len() < trace::TRACE_FRAMES_MAX {
            trace.push(frame);
        }
    }
    trace
}

fn outwards(from: u32, parents: &HashMap<u32, u32>) -> impl Iterator<Item = u32> + '_ {
    std::iter::successors(Some(from), |id| parents.get(id).copied()).take(DEPTH_MAX)
}

fn frame_of(node: &Node) -> Option<TraceFrame> {
    if node.call.function.starts_with("RegExp: ") {
        return None;
    }
    trace::package_frame(&node.call.url, &node.call.function)
}
