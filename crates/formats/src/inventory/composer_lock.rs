//! composer.lock. A branch (`dev-main`), a folder, and what comes straight from a repository are listed and not matched.

use super::draft::{Answer, Draft, locked};
use super::{Component, Unmatchable};
use crate::json::Node;

const WHAT: &str = "a composer.lock";
const ECOSYSTEM: &str = "Packagist";

pub(super) fn seen(document: &Node) -> bool {
    matches!(document.get("packages"), Some(Node::Array(_)))
        && ["content-hash", "hash", "packages-dev", "minimum-stability"].iter().any(|key| document.get(key).is_some())
}

pub(super) fn read(document: &Node) -> Answer {
    let mut draft = Draft::new(WHAT, "composer.lock");
    for group in ["packages", "packages-dev"] {
        for (index, item) in document.items(group).iter().enumerate() {
            let path = format!("{group}[{index}]");
            match item.text("name") {
                Some(name) => draft.push(package(item, name, path))?,
                None => draft.push_malformed("a package without a name", path)?,
            }
        }
    }
    Ok(draft.done())
}

/// Composer writes where it tells of an installation only for packages that a registry gave it, Packagist or one like it.
fn package(item: &Node, name: &str, path: String) -> Component {
    let version = item.text("version");
    let kind = |field: &str| item.get(field).and_then(|place| place.text("type"));
    let branch = version.is_some_and(|v| v.starts_with("dev-") || v.ends_with("-dev"));
    let from = if kind("dist") == Some("path") || kind("source") == Some("path") {
        Some(Unmatchable::FromFile)
    } else if branch || (item.get("notification-url").is_none() && kind("source").is_some()) {
        Some(Unmatchable::FromRepository)
    } else if item.get("notification-url").is_none() {
        Some(Unmatchable::FromArchive)
    } else {
        None
    };
    locked(ECOSYSTEM, name, version, from, path)
}
