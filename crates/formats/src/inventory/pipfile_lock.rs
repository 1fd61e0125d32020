//! Pipfile.lock: `default`, `develop` and categories of one's own.

use super::draft::{Answer, Draft, locked};
use super::python::{ECOSYSTEM, keys_reason, pinned};
use super::{Component, Unmatchable};
use crate::Unreadable;
use crate::json::Node;

const WHAT: &str = "a Pipfile.lock";
const PIPFILE_SPEC: u64 = 6;

pub(super) fn seen(document: &Node) -> bool {
    document.get("_meta").is_some_and(|meta| meta.get("pipfile-spec").is_some() || meta.get("hash").is_some())
}

pub(super) fn read(document: &Node) -> Answer {
    let spec = document.get("_meta").and_then(|meta| meta.get("pipfile-spec"));
    if let Some(Node::Number(number)) = spec
        && number.as_u64() != Some(PIPFILE_SPEC)
    {
        return Err(Unreadable::UnknownVersion { what: WHAT, version: number.to_string(), readable: "pipfile-spec 6" });
    }
    let mut draft = Draft::new(WHAT, "Pipfile.lock");
    let Node::Object(categories) = document else { return Ok(draft.done()) };
    for (category, packages) in categories.iter().filter(|(name, _)| name != "_meta") {
        let Node::Object(packages) = packages else {
            draft.warn("wrong_type", super::draft::shown(category), "not an object: not read");
            continue;
        };
        for (name, entry) in packages {
            draft.push(package(name, entry, format!("{category}.{name}")))?;
        }
    }
    Ok(draft.done())
}

fn package(name: &str, entry: &Node, path: String) -> Component {
    let specifier = match entry {
        Node::String(specifier) => Some(specifier.as_str()),
        other => other.text("version"),
    };
    let version = specifier.and_then(pinned);
    let unpinned = specifier.is_some() && version.is_none();
    let from = match entry {
        Node::Object(_) | Node::String(_) => keys_reason(entry).or(unpinned.then_some(Unmatchable::NotPinned)),
        _ => Some(Unmatchable::MalformedEntry),
    };
    locked(ECOSYSTEM, name, version, from, path)
}
