//! pnpm-lock.yaml, lockfile versions 5 to 9. What is taken from git, a folder or an archive is listed and not matched.

use super::Unmatchable;
use super::draft::{Answer, Draft, locked, shown};
use super::npm_lock::{local, source};
use crate::Unreadable;
use crate::json::Node;

const WHAT: &str = "a pnpm-lock.yaml";
const ECOSYSTEM: &str = "npm";
const VERSIONS_READ: std::ops::RangeInclusive<u32> = 5..=9;

pub(super) fn seen(document: &Node) -> bool {
    document.get("lockfileVersion").is_some()
}

pub(super) fn read(documents: &[Node]) -> Answer {
    let first = documents.first().and_then(|d| d.text("lockfileVersion")).unwrap_or_default();
    let mut draft = Draft::new(WHAT, format!("pnpm-lock.yaml {}", shown(first)));
    for (index, document) in documents.iter().enumerate() {
        let above = if index == 0 { String::new() } else { format!("document {}: ", index + 1) };
        document_read(&mut draft, document, &above)?;
    }
    Ok(draft.done())
}

fn document_read(draft: &mut Draft, document: &Node, above: &str) -> Result<(), Unreadable> {
    let version = document.text("lockfileVersion").unwrap_or_default();
    let major = version.split('.').next().and_then(|major| major.parse::<u32>().ok()).unwrap_or(0);
    if !VERSIONS_READ.contains(&major) {
        let version = version.chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "5 to 9" });
    }
    if !matches!(document.get("packages"), None | Some(Node::Object(_) | Node::Null)) {
        return Err(Unreadable::WrongShape { what: WHAT, field: "packages".to_owned(), expected: "a mapping" });
    }
    for (key, entry) in document.members("packages") {
        let path = format!("{above}packages.{key}");
        let named = if major == 5 { named_5(key) } else { named_6(key) };
        let name = entry.text("name").or(named.map(|(name, _)| name));
        let version = entry.text("version").or(named.map(|(_, version)| version));
        match name {
            Some(name) => {
                let from = reason(name, version, named.is_none(), entry);
                let version = version.filter(|version| !version.contains(':'));
                draft.push(locked(ECOSYSTEM, name, version, from, path))?;
            }
            None => draft.push_malformed(key, path)?,
        }
    }
    links(draft, document, "", above)?;
    for (importer, entry) in document.members("importers") {
        links(draft, entry, importer, above)?;
    }
    Ok(())
}

/// `/name/1.2.3`, `/@scope/name/1.2.3_peers`. What has no slash before it is no registry's.
fn named_5(key: &str) -> Option<(&str, &str)> {
    let key = key.strip_prefix('/')?;
    let scope = if key.starts_with('@') { key.find('/')? + 1 } else { 0 };
    let name_end = key.get(scope..)?.find('/')? + scope;
    let version = key.get(name_end + 1..)?.split(['_', '/', '(']).next()?;
    Some((key.get(..name_end)?, version))
}

/// `/name@1.2.3(peer@1.0.0)` in version 6, without the slash since.
fn named_6(key: &str) -> Option<(&str, &str)> {
    let key = key.strip_prefix('/').unwrap_or(key);
    let key = key.split('(').next()?;
    let at = key.get(1..)?.find('@')? + 1;
    let (name, version) = (key.get(..at)?, key.get(at + 1..)?);
    let whole =
        !version.is_empty() && (!name.contains('/') || (name.starts_with('@') && name.matches('/').count() == 1));
    whole.then_some((name, version))
}

fn reason(name: &str, version: Option<&str>, unplaced: bool, entry: &Node) -> Option<Unmatchable> {
    if !matches!(entry, Node::Object(_)) {
        return Some(Unmatchable::MalformedEntry);
    }
    let resolution = entry.get("resolution");
    let text = |field: &str| resolution.and_then(|r| r.text(field));
    if text("repo").is_some() || text("commit").is_some() || text("type") == Some("git") {
        return Some(Unmatchable::FromRepository);
    }
    if text("directory").is_some() {
        return Some(Unmatchable::FromFile);
    }
    if let Some(tarball) = text("tarball") {
        return source(tarball, name);
    }
    let spec = version.filter(|version| version.contains(':'));
    match spec {
        Some(spec) => local(spec).or(Some(Unmatchable::FromArchive)),
        // Placed under a host's name, with nothing that says what lies there.
        None => unplaced.then_some(Unmatchable::OtherRegistry),
    }
}

/// Dependencies on other packages of the same workspace.
fn links(draft: &mut Draft, importer: &Node, name: &str, above: &str) -> Result<(), Unreadable> {
    for group in ["dependencies", "devDependencies", "optionalDependencies"] {
        for (dependency, entry) in importer.members(group) {
            let version = match entry {
                Node::String(version) => Some(version.as_str()),
                other => other.text("version"),
            };
            if version.is_some_and(|version| version.starts_with("link:")) {
                let within = if name.is_empty() { String::new() } else { format!("importers.{name}.") };
                let path = format!("{above}{within}{group}.{dependency}");
                draft.push(locked(ECOSYSTEM, dependency, None, Some(Unmatchable::Link), path))?;
            }
        }
    }
    Ok(())
}
