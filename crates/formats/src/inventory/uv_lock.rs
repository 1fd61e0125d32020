//! uv.lock, version 1. Must not take what is no index's for the index's package of that name.

use super::draft::{Answer, Draft, locked};
use super::python::{ECOSYSTEM, keys_reason, packages_take};
use super::{Component, Unmatchable};
use crate::Unreadable;
use crate::json::Node;

const WHAT: &str = "a uv.lock";

pub(super) fn seen(document: &Node) -> bool {
    let sources =
        document.items("package").iter().any(|package| matches!(package.get("source"), Some(Node::Object(_))));
    matches!(document.get("version"), Some(Node::Number(_))) && (document.get("requires-python").is_some() || sources)
}

pub(super) fn read(document: &Node) -> Answer {
    let version = match document.get("version") {
        Some(Node::Number(number)) => number.as_u64().unwrap_or(0),
        _ => 0,
    };
    if version != 1 {
        return Err(Unreadable::UnknownVersion { what: WHAT, version: version.to_string(), readable: "1" });
    }
    let mut draft = Draft::new(WHAT, "uv.lock v1");
    packages_take(&mut draft, document, package)?;
    Ok(draft.done())
}

fn package(item: &Node, name: &str, path: String) -> Component {
    let from = match item.get("source") {
        Some(source) if source.get("registry").is_some() => None,
        Some(source) => {
            let own = ["editable", "virtual"].iter().any(|key| source.text(key) == Some("."));
            if own { Some(Unmatchable::OwnCode) } else { keys_reason(source).or(Some(Unmatchable::MalformedEntry)) }
        }
        None => Some(Unmatchable::MalformedEntry),
    };
    locked(ECOSYSTEM, name, item.text("version"), from, path)
}
