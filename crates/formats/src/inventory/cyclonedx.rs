//! CycloneDX 1.2 to 1.7, read for its components: JSON, and XML once `cyclonedx_xml` has made the same values of it. Services,
//! dependencies and vulnerabilities are not looked at here.

use crate::json::Node;

use super::listed::Listed;
use super::{COMPONENT_LEVELS_MAX, COMPONENTS_COUNT_MAX, Component, INVENTORY_BYTES_MAX, Inventory, is_plain};
use crate::refusal::node_read;
use crate::{Unreadable, Warning};

const WHAT: &str = "a CycloneDX inventory";

/// The versions that are read.
pub const SPEC_VERSIONS: [&str; 6] = ["1.2", "1.3", "1.4", "1.5", "1.6", "1.7"];

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
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "1.2 to 1.7" });
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
    let malformed = ["name", "version"].into_iter().any(|f| match item.get(f) {
        None | Some(Node::Null) => false,
        Some(Node::String(text)) => !text.is_empty() && !is_plain(text),
        Some(_) => true,
    });
    let listed = Listed {
        name: item.text("name"),
        version: item.text("version"),
        purl: item.text("purl"),
        reference: item.text("bom-ref"),
        malformed: malformed || !matches!(item, Node::Object(_)),
        ..Listed::default()
    };
    let (component, warning) = listed.component(path);
    warnings.extend(warning);
    component
}
