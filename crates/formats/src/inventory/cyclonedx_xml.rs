//! CycloneDX in XML, made into the values that its JSON form would give, for `cyclonedx` to read. Only what that reads is carried
//! over.

use roxmltree::{Document, Node as Element};

use super::draft::Answer;
use crate::Unreadable;
use crate::json::Node;
use crate::xml::XML_DEPTH_MAX;

const WHAT: &str = "a CycloneDX inventory";
const NAMESPACE: &str = "http://cyclonedx.org/schema/bom/";
/// Elements that hold a list of others.
const LISTS: [&str; 6] = ["components", "vulnerabilities", "affects", "versions", "references", "authors"];
/// Elements that are carried over as what is in them.
const OBJECTS: [&str; 4] = ["component", "metadata", "analysis", "supplier"];
/// Elements that are carried over as their text.
const TEXTS: [&str; 15] = [
    "name",
    "group",
    "version",
    "purl",
    "id",
    "ref",
    "state",
    "justification",
    "detail",
    "recommendation",
    "status",
    "timestamp",
    "updated",
    "lastUpdated",
    "range",
];

pub(super) fn seen(root: Element<'_, '_>) -> bool {
    root.tag_name().name() == "bom" && root.tag_name().namespace().is_some_and(|space| space.starts_with(NAMESPACE))
}

pub(super) fn read(document: &Document<'_>) -> Answer {
    super::cyclonedx::read_document(&of_xml(document)?)
}

/// The document as its JSON form.
pub(crate) fn of_xml(document: &Document<'_>) -> Result<Node, Unreadable> {
    let root = document.root_element();
    if !seen(root) {
        let field = "the root element".to_owned();
        return Err(Unreadable::WrongShape { what: WHAT, field, expected: "a CycloneDX bom" });
    }
    let version = root.tag_name().namespace().and_then(|space| space.strip_prefix(NAMESPACE)).unwrap_or_default();
    let text = |text: &str| Node::String(text.to_owned());
    let mut members = vec![("bomFormat".to_owned(), text("CycloneDX")), ("specVersion".to_owned(), text(version))];
    if let Some(serial) = root.attribute("serialNumber") {
        members.push(("serialNumber".to_owned(), text(serial)));
    }
    if let Node::Object(inner) = object(root, XML_DEPTH_MAX) {
        members.extend(inner);
    }
    Ok(Node::Object(members))
}

fn object(element: Element<'_, '_>, levels_left: usize) -> Node {
    let Some(levels_left) = levels_left.checked_sub(1) else { return Node::TooDeep };
    let mut members: Vec<(String, Node)> = ["bom-ref", "ref"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), Node::String(element.attribute(name)?.to_owned()))))
        .collect();
    for child in element.children().filter(Element::is_element) {
        let name = child.tag_name().name();
        let has_elements = || child.children().any(|inner| inner.is_element());
        let value = if LISTS.contains(&name) {
            let items = child.children().filter(Element::is_element);
            Node::Array(items.map(|item| item_value(item, levels_left)).collect())
        } else if OBJECTS.contains(&name) && has_elements() {
            object(child, levels_left)
        } else if TEXTS.contains(&name) {
            Node::String(text_of(child))
        } else {
            continue;
        };
        members.push((name.to_owned(), value));
    }
    Node::Object(members)
}

/// Something other than a component in a list of components keeps its place.
fn item_value(item: Element<'_, '_>, levels_left: usize) -> Node {
    match item.tag_name().name() {
        "component" | "vulnerability" | "target" | "reference" | "author" => object(item, levels_left),
        "version" if item.children().any(|inner| inner.is_element()) => object(item, levels_left),
        _ => Node::Null,
    }
}

/// All the text of an element, also where comments or CDATA part it.
fn text_of(element: Element<'_, '_>) -> String {
    let whole: String = element.children().filter_map(|child| child.text().filter(|_| child.is_text())).collect();
    whole.trim().to_owned()
}
