//! CycloneDX JSON 1.4 to 1.6, read for its components. Services, dependencies and vulnerabilities are not looked at.

use crate::json::Node;

use super::{
    COMPONENT_LEVELS_MAX, COMPONENTS_COUNT_MAX, Component, INVENTORY_BYTES_MAX, Inventory, Unmatchable, is_plain,
    matchable_of_purl,
};
use crate::purl::Purl;
use crate::refusal::node_read;
use crate::{Unreadable, Warning};

const WHAT: &str = "a CycloneDX inventory";

/// The versions that are read.
pub const SPEC_VERSIONS: [&str; 3] = ["1.4", "1.5", "1.6"];

/// Reads an inventory.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON, no CycloneDX document of a version that is read, or has more components
/// or levels than are read. A component that cannot be used never makes the document unreadable.
pub fn read(bytes: &[u8]) -> Result<(Inventory, Vec<Warning>), Unreadable> {
    read_document(&node_read(WHAT, bytes, INVENTORY_BYTES_MAX)?)
}

pub(crate) fn read_document(document: &Node) -> Result<(Inventory, Vec<Warning>), Unreadable> {
    if document.text("bomFormat") != Some("CycloneDX") {
        return Err(wrong("bomFormat", "\"CycloneDX\""));
    }
    let version = document.text("specVersion").ok_or_else(|| wrong("specVersion", "a version"))?;
    if !SPEC_VERSIONS.contains(&version) {
        let version = version.chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "1.4, 1.5 and 1.6" });
    }
    let mut inventory = Inventory { format: format!("CycloneDX {version}"), ..Inventory::default() };
    let mut warnings = Vec::new();
    if let Some(subject) = document.get("metadata").and_then(|m| m.get("component")) {
        inventory.subject = subject_text(subject);
    }
    match document.get("components") {
        None | Some(Node::Null) => warnings.push(Warning::new("no_components", "components", "the document has none")),
        Some(Node::Array(components)) => walk(components, &mut inventory, &mut warnings)?,
        Some(_) => return Err(wrong("components", "an array")),
    }
    Ok((inventory, warnings))
}

fn wrong(field: &str, expected: &'static str) -> Unreadable {
    Unreadable::WrongShape { what: WHAT, field: field.to_owned(), expected }
}

fn subject_text(subject: &Node) -> Option<String> {
    let name = subject.text("name").filter(|n| is_plain(n))?;
    Some(match subject.text("version").filter(|v| is_plain(v)) {
        Some(version) => format!("{name} {version}"),
        None => name.to_owned(),
    })
}

/// In document order, a component before those inside it; with a stack of its own.
fn walk(components: &[Node], inventory: &mut Inventory, warnings: &mut Vec<Warning>) -> Result<(), Unreadable> {
    let mut open = vec![("components".to_owned(), components.iter().enumerate())];
    while let Some((path, items)) = open.last_mut() {
        let Some((index, item)) = items.next() else {
            open.pop();
            continue;
        };
        if inventory.components.len() >= COMPONENTS_COUNT_MAX {
            return Err(Unreadable::TooMany { what: WHAT, entries: "components", count_max: COMPONENTS_COUNT_MAX });
        }
        let path = format!("{path}[{index}]");
        inventory.components.push(component(item, &path, warnings));
        match item.get("components") {
            None | Some(Node::Null) => {}
            Some(Node::Array(inner)) if open.len() < COMPONENT_LEVELS_MAX => {
                open.push((format!("{path}.components"), inner.iter().enumerate()));
            }
            Some(Node::Array(_) | Node::TooDeep) => {
                let entries = "levels of components";
                return Err(Unreadable::TooMany { what: WHAT, entries, count_max: COMPONENT_LEVELS_MAX });
            }
            Some(_) => {
                warnings.push(Warning::new("wrong_type", format!("{path}.components"), "not an array: not read"))
            }
        }
    }
    Ok(())
}

fn component(item: &Node, path: &str, warnings: &mut Vec<Warning>) -> Component {
    let plain = |field| item.text(field).filter(|t| is_plain(t)).map(str::to_owned);
    let malformed = ["name", "version"].into_iter().any(|f| match item.get(f) {
        None | Some(Node::Null) => false,
        Some(Node::String(text)) => !text.is_empty() && !is_plain(text),
        Some(_) => true,
    });
    let given = item.text("purl");
    let purl = given.map(str::parse::<Purl>);
    let version = plain("version");
    let matchable = match &purl {
        _ if malformed || !matches!(item, Node::Object(_)) => Err(Unmatchable::MalformedText),
        None => Err(Unmatchable::NoPurl),
        Some(Err(_)) => Err(Unmatchable::MalformedPurl),
        Some(Ok(purl)) => matchable_of_purl(purl, version.as_deref()),
    };
    let purl = purl.and_then(Result::ok);
    let own = purl.as_ref().and_then(|p| p.version.clone()).filter(|v| is_plain(v));
    if let (Some(own), Some(beside)) = (&own, &version)
        && own != beside
    {
        let text = "the purl has another version than the component; the purl's is used";
        warnings.push(Warning::new("versions_differ", format!("{path}.version"), text));
    }
    Component {
        name: plain("name").or_else(|| purl.as_ref().map(|p| p.name.clone())).unwrap_or_default(),
        version: own.or(version),
        purl: purl.map(|p| p.canonical),
        bom_ref: plain("bom-ref"),
        path: path.to_owned(),
        matchable,
    }
}
