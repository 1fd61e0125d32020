//! SPDX 2.2 and 2.3 in JSON, read for their packages. Files, snippets and licences are not looked at.

use std::collections::BTreeSet;

use super::draft::{Answer, Draft};
use super::listed::Listed;
use crate::Unreadable;
use crate::json::Node;

pub(super) const WHAT: &str = "an SPDX document";

pub(super) fn seen(document: &Node) -> bool {
    document.get("spdxVersion").is_some()
}

/// Whether a version of the second edition is one that is read.
pub(super) fn version_check(version: &str) -> Result<(), Unreadable> {
    if matches!(version, "SPDX-2.2" | "SPDX-2.3") {
        return Ok(());
    }
    let version = version.chars().take(32).collect();
    Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "SPDX-2.2, SPDX-2.3 and 3.0" })
}

pub(super) fn read(document: &Node) -> Answer {
    let version = document.text("spdxVersion").unwrap_or_default();
    version_check(version)?;
    let mut draft = Draft::new(WHAT, version.replace('-', " "));
    let packages = match document.get("packages") {
        None | Some(Node::Null) => &[],
        Some(Node::Array(packages)) => packages.as_slice(),
        Some(_) => {
            let field = "packages".to_owned();
            return Err(Unreadable::WrongShape { what: WHAT, field, expected: "an array" });
        }
    };
    let described = subject(&mut draft, document, packages);
    for (index, item) in packages.iter().enumerate() {
        let path = format!("packages[{index}]");
        let is_subject = described.is_some_and(|described| std::ptr::eq(described, item)) && packages.len() > 1;
        let (component, warning) = Listed { is_subject, ..listed(item) }.component(&path);
        if let Some(warning) = warning {
            draft.warn(warning.code, warning.at, warning.text);
        }
        draft.push(component)?;
    }
    Ok(draft.done())
}

/// The one package that the document says it describes. Its name, or the document's own, is the subject's.
fn subject<'a>(draft: &mut Draft, document: &Node, packages: &'a [Node]) -> Option<&'a Node> {
    let stated = document.items("documentDescribes").iter().filter_map(|id| match id {
        Node::String(id) => Some(id.as_str()),
        _ => None,
    });
    let related = document.items("relationships").iter().filter(|relationship| {
        relationship.text("relationshipType") == Some("DESCRIBES")
            && relationship.text("spdxElementId") == Some("SPDXRef-DOCUMENT")
    });
    let ids: BTreeSet<&str> = stated.chain(related.filter_map(|r| r.text("relatedSpdxElement"))).collect();
    let id = ids.first().filter(|_| ids.len() == 1);
    let package = id.and_then(|id| packages.iter().find(|package| package.text("SPDXID") == Some(*id)));
    match package {
        Some(package) => draft.subject(package.text("name"), package.text("versionInfo")),
        None => draft.subject(document.text("name"), None),
    }
    package
}

fn listed(item: &Node) -> Listed<'_> {
    let purls = item.items("externalRefs").iter().filter(|r| r.text("referenceType").is_some_and(is_purl_type));
    let mistyped =
        ["name", "versionInfo"].iter().any(|f| !matches!(item.get(f), None | Some(Node::Null | Node::String(_))));
    Listed {
        name: item.text("name"),
        version: item.text("versionInfo").filter(|version| is_stated(version)),
        purl: purls.into_iter().find_map(|r| r.text("referenceLocator")),
        reference: item.text("SPDXID"),
        fetched_from: item.text("downloadLocation"),
        malformed: mistyped || !matches!(item, Node::Object(_)),
        is_subject: false,
    }
}

/// As a word, or as the last part of an address.
pub(super) fn is_purl_type(word: &str) -> bool {
    word.rsplit(['/', '#']).next() == Some("purl")
}

/// SPDX's two words for "nothing".
pub(super) fn is_stated(text: &str) -> bool {
    !matches!(text, "NOASSERTION" | "NONE")
}
