//! poetry.lock, of every lock version 1 and 2 and of the time before they had a number.

use super::draft::{Answer, Draft, locked};
use super::python::{ECOSYSTEM, packages_take};
use super::{Component, Unmatchable};
use crate::Unreadable;
use crate::json::Node;

const WHAT: &str = "a poetry.lock";

pub(super) fn seen(document: &Node) -> bool {
    document.get("metadata").is_some_and(|metadata| {
        metadata.get("lock-version").is_some()
            || (metadata.get("content-hash").is_some() && metadata.get("python-versions").is_some())
    })
}

pub(super) fn read(document: &Node) -> Answer {
    let version = document.get("metadata").and_then(|m| m.text("lock-version"));
    if version.is_some_and(|v| !matches!(v.split('.').next(), Some("1" | "2"))) {
        let version = version.unwrap_or_default().chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "1.x and 2.x" });
    }
    let mut draft = Draft::new(WHAT, format!("poetry.lock {}", version.unwrap_or("without a version")));
    packages_take(&mut draft, document, package)?;
    Ok(draft.done())
}

/// An index of one's own (`legacy`) is mostly a mirror of PyPI, and the packages' names are looked for in PyPI's advisories.
fn package(item: &Node, name: &str, path: String) -> Component {
    let from = match item.get("source") {
        None => None,
        Some(source) => match source.text("type") {
            Some("git" | "hg" | "svn" | "bzr") => Some(Unmatchable::FromRepository),
            Some("file" | "directory") => Some(Unmatchable::FromFile),
            Some("url") => Some(Unmatchable::FromArchive),
            Some("legacy" | "pypi") => None,
            None if source.text("url").is_some() => None,
            _ => Some(Unmatchable::MalformedEntry),
        },
    };
    locked(ECOSYSTEM, name, item.text("version"), from, path)
}
