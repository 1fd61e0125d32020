//! NuGet's packages.lock.json, versions 1 and 2. Projects of the same solution are listed and not matched.

use super::draft::{Answer, Draft, locked};
use super::{Component, Unmatchable};
use crate::Unreadable;
use crate::json::Node;

const WHAT: &str = "a packages.lock.json";
const ECOSYSTEM: &str = "NuGet";

pub(super) fn seen(document: &Node) -> bool {
    let frameworks = document.members("dependencies");
    let typed = |entry: &Node| entry.text("type").is_some() && entry.get("version").is_none();
    matches!(document.get("version"), Some(Node::Number(_)))
        && matches!(document.get("dependencies"), Some(Node::Object(_)))
        && frameworks.iter().all(|(_, framework)| match framework {
            Node::Object(packages) => packages.iter().all(|(_, entry)| typed(entry)),
            _ => false,
        })
}

pub(super) fn read(document: &Node) -> Answer {
    let version = match document.get("version") {
        Some(Node::Number(number)) => number.as_u64().unwrap_or(0),
        _ => 0,
    };
    if !(1..=2).contains(&version) {
        return Err(Unreadable::UnknownVersion { what: WHAT, version: version.to_string(), readable: "1 and 2" });
    }
    let mut draft = Draft::new(WHAT, format!("packages.lock.json v{version}"));
    for (framework, packages) in document.members("dependencies") {
        let Node::Object(packages) = packages else {
            draft.warn("wrong_type", super::draft::shown(framework), "not an object: not read");
            continue;
        };
        for (name, entry) in packages {
            draft.push(package(name, entry, format!("dependencies.{framework}.{name}")))?;
        }
    }
    Ok(draft.done())
}

fn package(name: &str, entry: &Node, path: String) -> Component {
    let from = match entry.text("type") {
        Some("Project") => Some(Unmatchable::OwnCode),
        Some(_) => None,
        None => Some(Unmatchable::MalformedEntry),
    };
    locked(ECOSYSTEM, name, entry.text("resolved"), from, path)
}
