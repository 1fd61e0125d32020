//! Memory error: a sanitizer's report, or a fault that the processor raised, as the harness's own part heard it.
//!
//! What a program prints counts for nothing: the report comes on the harness's channel, authenticated. Whose hands it was
//! in follows from the innermost frame that is neither the sanitizer's nor the C library's.

use serde_json::json;
use triage::crash::{self, Crash, Frame};

use super::{Hands, Sighting, events};
use crate::harness::Observed;
use crate::runtime::native::build::{TARGET_FOLDER, TREE_FOLDER};
use crate::sandbox::Exit;
use crate::trace::{TRACE_FRAMES_MAX, TraceFrame};

/// Findings about how much memory is asked for: no memory is touched where it must not be.
const NO_ACCESS: [&str; 5] =
    ["Out-of-memory", "Allocation-size-too-big", "Calloc-overflow", "Reallocarray-overflow", "Pvalloc-overflow"];

/// Signals that a processor's fault ends a program with: illegal instruction, bus error, segmentation fault.
const FAULTS: [i32; 3] = [4, 7, 11];

/// A memory error in the package of this name; traces have its last part.
#[must_use]
pub fn sight(observed: &Observed, name: &str) -> Sighting {
    let package = if name.starts_with('@') { name } else { name.rsplit('/').next().unwrap_or(name) };
    let Some(crash) =
        events(observed, "memory-error").first().and_then(|event| crash::read(event.detail.as_bytes()).ok())
    else {
        return Sighting::quiet();
    };
    if NO_ACCESS.contains(&crash.type_base()) {
        return Sighting::quiet();
    }
    let trace = trace(&crash, package);
    let hands = match in_hands(&crash) {
        Whose::Target => trace.first().cloned().map_or(Hands::Unseen, Hands::Package),
        Whose::Other => Hands::Program,
        Whose::Nobody => Hands::Unseen,
    };
    Sighting { fired: true, observation: observation(&crash), hands, trace }
}

/// A memory error in a program that was built into one binary with its package: what AddressSanitizer printed as it ended
/// the run with `status`, else the fault's signal. No part of ours could be kept from such a program, which can print what it
/// likes: silence at the declared fix carries the proof, as with every oracle there.
#[must_use]
pub fn sight_in_binary(observed: &Observed, status: i32) -> Sighting {
    let outcome = &observed.outcome;
    let observation = match outcome.exit {
        Exit::Code(code) if code == status => match crash::read(outcome.stderr.text().as_bytes()) {
            Ok(crash) if !NO_ACCESS.contains(&crash.type_base()) => observation(&crash),
            _ => return Sighting::quiet(),
        },
        Exit::Signal(signal) if FAULTS.contains(&signal) && outcome.limit_hit.is_none() => {
            json!({ "class": "fault", "signal": signal, "tool": "the processor" })
        }
        _ => return Sighting::quiet(),
    };
    Sighting { fired: true, observation, hands: Hands::Unseen, trace: Vec::new() }
}

fn observation(crash: &Crash) -> serde_json::Value {
    json!({
        "class": crash.crash_type,
        "access": crash.access.map(crash::Access::as_str),
        "size_bytes": crash.size_bytes,
        "address": crash.address_kind.as_str(),
        "security": crash.security,
        "stack": crash.state,
        "tool": crash.tool,
    })
}

enum Whose {
    Target,
    Other,
    Nobody,
}

/// The innermost code that somebody brought: a file of the target's tree, or a built program's part without one.
fn in_hands(crash: &Crash) -> Whose {
    for frame in &crash.frames {
        if in_tree(frame).is_some() {
            return Whose::Target;
        }
        let within = |place: &Option<String>| place.as_ref().is_some_and(|text| text.starts_with(TARGET_FOLDER));
        if within(&frame.module) || within(&frame.file) {
            return Whose::Other;
        }
    }
    Whose::Nobody
}

/// The file, relative to the tree. A name that is relative as it stands is the compiler's own word for one below the
/// folder it was called in; those of the C library and the sanitizers lead up and away.
fn in_tree(frame: &Frame) -> Option<&str> {
    let file = frame.file.as_deref()?;
    let relative = || (!file.starts_with(['/', '<', '(']) && !file.split('/').any(|part| part == "..")).then_some(file);
    let found = file.strip_prefix(TREE_FOLDER).or_else(relative)?;
    Some(found.strip_prefix("./").unwrap_or(found))
}

/// The target's frames, neighbours that repeat written once, without lines.
fn trace(crash: &Crash, package: &str) -> Vec<TraceFrame> {
    let mut out: Vec<TraceFrame> = Vec::new();
    for frame in &crash.frames {
        let Some(file) = in_tree(frame) else { continue };
        let frame = TraceFrame { package: package.to_owned(), file: file.to_owned(), function: frame.function.clone() };
        if out.last() != Some(&frame) && out.len() < TRACE_FRAMES_MAX {
            out.push(frame);
        }
    }
    out
}
