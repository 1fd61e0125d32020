//! npm's package-lock.json, lockfile versions 1 to 3 (also npm-shrinkwrap.json). What does not come from a registry is
//! listed with the reason it cannot be matched: the version in a git dependency's manifest says nothing of its content.

use crate::json::Node;

use super::{
    COMPONENT_LEVELS_MAX, COMPONENTS_COUNT_MAX, Component, INVENTORY_BYTES_MAX, Inventory, PackageVersion, Unmatchable,
    is_plain, is_repository, npm_purl,
};
use crate::refusal::node_read;
use crate::{Unreadable, Warning};

const WHAT: &str = "a package-lock.json";
const MODULES: &str = "node_modules/";

/// Reads an inventory.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON, no lock file of versions 1 to 3, or has more entries or levels than are
/// read.
pub fn read(bytes: &[u8]) -> Result<(Inventory, Vec<Warning>), Unreadable> {
    read_document(&node_read(WHAT, bytes, INVENTORY_BYTES_MAX)?)
}

pub(crate) fn read_document(document: &Node) -> Result<(Inventory, Vec<Warning>), Unreadable> {
    let version = match document.get("lockfileVersion") {
        Some(Node::Number(n)) => n.as_u64().unwrap_or(0),
        _ => return Err(wrong("lockfileVersion", "1, 2 or 3")),
    };
    let mut inventory = Inventory { format: format!("package-lock.json v{version}"), ..Inventory::default() };
    inventory.subject = document.text("name").filter(|n| is_plain(n)).map(|name| {
        let version = document.text("version").filter(|v| is_plain(v));
        version.map_or_else(|| name.to_owned(), |version| format!("{name} {version}"))
    });
    let mut warnings = Vec::new();
    let object = |field: &'static str| match document.get(field) {
        None | Some(Node::Null) => Ok(None),
        Some(Node::Object(members)) => Ok(Some(members)),
        Some(_) => Err(wrong(field, "an object")),
    };
    match version {
        1 => match object("dependencies")? {
            Some(members) => tree_walk(members, &mut inventory, &mut warnings)?,
            None => warnings.push(Warning::new("no_components", "dependencies", "the document has none")),
        },
        2 | 3 => match object("packages")? {
            Some(members) => packages_read(members, &mut inventory)?,
            None => return Err(wrong("packages", "an object")),
        },
        other => {
            return Err(Unreadable::UnknownVersion { what: WHAT, version: other.to_string(), readable: "1, 2 and 3" });
        }
    }
    Ok((inventory, warnings))
}

fn wrong(field: &str, expected: &'static str) -> Unreadable {
    Unreadable::WrongShape { what: WHAT, field: field.to_owned(), expected }
}

fn room_check(inventory: &Inventory) -> Result<(), Unreadable> {
    if inventory.components.len() >= COMPONENTS_COUNT_MAX {
        return Err(Unreadable::TooMany { what: WHAT, entries: "packages", count_max: COMPONENTS_COUNT_MAX });
    }
    Ok(())
}

/// Versions 2 and 3: one flat map, keyed by where npm puts the package.
fn packages_read(packages: &[(String, Node)], inventory: &mut Inventory) -> Result<(), Unreadable> {
    for (path, entry) in packages.iter().filter(|(path, _)| !path.is_empty()) {
        room_check(inventory)?;
        let placed = path.rsplit_once(MODULES).filter(|(before, _)| before.is_empty() || before.ends_with('/'));
        let (name, from) = match placed {
            // An alias stands under its own name, and says the package's beside it.
            Some((_, under)) => (entry.text("name").unwrap_or(under), None),
            None => (entry.text("name").unwrap_or(path), Some(Unmatchable::OwnCode)),
        };
        let from = match entry.get("link") {
            Some(Node::Bool(true)) => Some(Unmatchable::Link),
            _ => from.or_else(|| entry.text("resolved").and_then(|resolved| source(resolved, name))),
        };
        inventory.components.push(component(name, entry.text("version"), from, path));
    }
    Ok(())
}

/// Version 1: dependencies inside dependencies.
fn tree_walk(
    dependencies: &[(String, Node)],
    inventory: &mut Inventory,
    warnings: &mut Vec<Warning>,
) -> Result<(), Unreadable> {
    let mut open = vec![(String::new(), dependencies.iter())];
    while let Some((above, members)) = open.last_mut() {
        let Some((name, entry)) = members.next() else {
            open.pop();
            continue;
        };
        room_check(inventory)?;
        let path = format!("{above}{MODULES}{name}");
        inventory.components.push(tree_component(name, entry, &path));
        match entry.get("dependencies") {
            None | Some(Node::Null | Node::Bool(_)) => {}
            Some(Node::Object(inner)) if open.len() < COMPONENT_LEVELS_MAX => {
                open.push((format!("{path}/"), inner.iter()));
            }
            Some(Node::Object(_) | Node::TooDeep) => {
                let entries = "levels of dependencies";
                return Err(Unreadable::TooMany { what: WHAT, entries, count_max: COMPONENT_LEVELS_MAX });
            }
            Some(_) => warnings.push(Warning::new("wrong_type", path, "dependencies is not an object: not read")),
        }
    }
    Ok(())
}

/// In version 1 `version` may also be an alias (`npm:name@1.0.0`), a repository, a file or an archive.
fn tree_component(name: &str, entry: &Node, path: &str) -> Component {
    let version = entry.text("version");
    if let Some((real, version)) = version.and_then(|v| v.strip_prefix("npm:")).and_then(|v| v.rsplit_once('@')) {
        return component(real, Some(version), None, path);
    }
    let from = version
        .and_then(|v| if v.starts_with("http:") || v.starts_with("https:") { source(v, name) } else { local(v) });
    let from = from.or_else(|| entry.text("resolved").and_then(|resolved| source(resolved, name)));
    component(name, version, from, path)
}

pub(super) fn local(spec: &str) -> Option<Unmatchable> {
    if is_repository(spec) {
        Some(Unmatchable::FromRepository)
    } else if spec.starts_with("file:") || spec.starts_with("link:") {
        Some(Unmatchable::FromFile)
    } else {
        None
    }
}

/// Where `resolved` says it came from; `None` is a registry. A registry's tarball, on whatever host, lies at
/// `…/<name>/-/<file>.tgz`.
pub(super) fn source(resolved: &str, name: &str) -> Option<Unmatchable> {
    if !resolved.starts_with("http:") && !resolved.starts_with("https:") {
        return local(resolved).or(Some(Unmatchable::FromFile));
    }
    let path = resolved.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2f", "/");
    let decoded = path.replace("%40", "@");
    let registry = decoded.contains(&format!("/{}/-/", name.to_ascii_lowercase()));
    (!registry).then_some(Unmatchable::FromArchive)
}

fn component(name: &str, version: Option<&str>, from: Option<Unmatchable>, path: &str) -> Component {
    let plain = is_plain(name) && version.is_none_or(is_plain);
    let purl = if plain { npm_purl(name) } else { None };
    let matchable = match (from, version) {
        _ if !plain => Err(Unmatchable::MalformedText),
        (Some(reason), _) => Err(reason),
        (None, None) => Err(Unmatchable::NoVersion),
        (None, Some(_)) if purl.is_none() => Err(Unmatchable::MalformedText),
        (None, Some(version)) => {
            Ok(PackageVersion { ecosystem: "npm".into(), name: name.to_owned(), version: version.to_owned() })
        }
    };
    Component {
        name: if plain { name.to_owned() } else { String::new() },
        version: version.filter(|_| plain).map(str::to_owned),
        purl,
        bom_ref: None,
        path: path.chars().take(4096).collect(),
        matchable,
    }
}
