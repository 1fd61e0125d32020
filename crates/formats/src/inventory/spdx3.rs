//! SPDX 3.0 in JSON-LD, in the compact form that SPDX's own context gives, read for its packages. Must not resolve a context.

use std::collections::HashMap;

use super::draft::{Answer, Draft};
use super::listed::Listed;
use super::spdx::{WHAT, is_stated};
use crate::Unreadable;
use crate::json::Node;

const CONTEXT: &str = "https://spdx.org/rdf/3.0";
/// Packages, and the profiles' own kinds of them.
const PACKAGE_TYPES: [&str; 3] = ["software_Package", "ai_AIPackage", "dataset_DatasetPackage"];

pub(super) fn seen(document: &Node) -> bool {
    let of_spdx = |node: &Node| matches!(node, Node::String(text) if text.starts_with("https://spdx.org/rdf/"));
    match document.get("@context") {
        Some(Node::Array(all)) => all.iter().any(of_spdx),
        Some(one) => of_spdx(one),
        None => false,
    }
}

fn context(document: &Node) -> &str {
    fn text(node: &Node) -> Option<&str> {
        match node {
            Node::String(text) if text.starts_with("https://spdx.org/rdf/") => Some(text.as_str()),
            _ => None,
        }
    }
    match document.get("@context") {
        Some(Node::Array(all)) => all.iter().find_map(text),
        Some(one) => text(one),
        None => None,
    }
    .unwrap_or_default()
}

pub(super) fn read(document: &Node) -> Answer {
    let context = context(document);
    if !context.starts_with(CONTEXT) {
        let version = context.trim_start_matches("https://spdx.org/rdf/").chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "SPDX-2.2, SPDX-2.3 and 3.0" });
    }
    let elements = match document.get("@graph") {
        Some(Node::Array(elements)) => elements.as_slice(),
        // One element alone.
        None => std::slice::from_ref(document),
        Some(_) => {
            return Err(Unreadable::WrongShape { what: WHAT, field: "@graph".to_owned(), expected: "an array" });
        }
    };
    let mut draft = Draft::new(WHAT, "SPDX 3.0");
    let root = subject(&mut draft, elements);
    let packages = || elements.iter().enumerate().filter(|(_, element)| is_package(element));
    let several = packages().nth(1).is_some();
    for (index, element) in packages() {
        let is_subject = several && root.is_some_and(|root| std::ptr::eq(root, element));
        let (component, warning) = Listed { is_subject, ..listed(element) }.component(&format!("@graph[{index}]"));
        if let Some(warning) = warning {
            draft.warn(warning.code, warning.at, warning.text);
        }
        draft.push(component)?;
    }
    Ok(draft.done())
}

fn kind(element: &Node) -> Option<&str> {
    element.text("type").or_else(|| element.text("@type"))
}

fn is_package(element: &Node) -> bool {
    kind(element).is_some_and(|kind| PACKAGE_TYPES.contains(&kind))
}

fn id(element: &Node) -> Option<&str> {
    element.text("spdxId").or_else(|| element.text("@id"))
}

/// What the document's root leads to: a package, or an SBOM whose root is one.
fn subject<'a>(draft: &mut Draft, elements: &'a [Node]) -> Option<&'a Node> {
    let by_id: HashMap<&str, &Node> = elements.iter().filter_map(|element| Some((id(element)?, element))).collect();
    let root_of = |element: &Node| match element.items("rootElement") {
        [Node::String(id)] => by_id.get(id.as_str()).copied(),
        _ => None,
    };
    let document = elements.iter().find(|element| kind(element) == Some("SpdxDocument"));
    let root = document.and_then(root_of);
    let root = root.filter(|root| kind(root) != Some("software_Sbom")).or_else(|| root.and_then(root_of));
    let root = root.filter(|root| is_package(root));
    match root {
        Some(package) => draft.subject(package.text("name"), package.text("software_packageVersion")),
        None => draft.subject(document.and_then(|document| document.text("name")), None),
    }
    root
}

fn listed(element: &Node) -> Listed<'_> {
    let identifiers = element.items("externalIdentifier").iter();
    let purl = identifiers
        .filter(|i| matches!(i.text("externalIdentifierType"), Some("packageUrl" | "purl")))
        .find_map(|i| i.text("identifier"));
    let fields = ["name", "software_packageVersion"];
    let mistyped = fields.iter().any(|f| !matches!(element.get(f), None | Some(Node::Null | Node::String(_))));
    Listed {
        name: element.text("name"),
        version: element.text("software_packageVersion").filter(|version| is_stated(version)),
        purl: element.text("software_packageUrl").or(purl),
        reference: id(element),
        fetched_from: element.text("software_downloadLocation"),
        malformed: mistyped,
        is_subject: false,
    }
}
