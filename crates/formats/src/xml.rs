//! XML without document types: no entities but XML's own five, so nothing multiplies and nothing is fetched. Knows no format.

use roxmltree::{Document, ParsingOptions};

use crate::Unreadable;

/// Elements, attributes' owners and texts that are read from one document.
const XML_NODES_COUNT_MAX: u32 = 2_000_000;
/// Levels of elements that are read.
pub(crate) const XML_DEPTH_MAX: usize = 128;

/// Attributes of one element: the parser compares each with every other, and each namespace counts in all that lies below.
const XML_ATTRIBUTES_COUNT_MAX: usize = 64;

/// Namespaces that a document may declare, in all: those of an element count again in each below that declares one.
const XML_NAMESPACES_COUNT_MAX: usize = 1_000;

/// Reads a document.
pub(crate) fn read<'a>(what: &'static str, text: &'a str) -> Result<Document<'a>, Unreadable> {
    let measured = measure(text);
    if measured.depth > XML_DEPTH_MAX {
        return Err(Unreadable::TooMany { what, entries: "levels of elements", count_max: XML_DEPTH_MAX });
    }
    if measured.attributes > XML_ATTRIBUTES_COUNT_MAX {
        let entries = "attributes of one element";
        return Err(Unreadable::TooMany { what, entries, count_max: XML_ATTRIBUTES_COUNT_MAX });
    }
    if text.matches("xmlns").nth(XML_NAMESPACES_COUNT_MAX).is_some() {
        let entries = "declared namespaces";
        return Err(Unreadable::TooMany { what, entries, count_max: XML_NAMESPACES_COUNT_MAX });
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: XML_NODES_COUNT_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            Unreadable::TooMany { what, entries: "XML nodes", count_max: XML_NODES_COUNT_MAX as usize }
        }
        error => Unreadable::Malformed { what, syntax: "XML", reason: error.to_string() },
    })
}

#[derive(Default)]
struct Measured {
    depth: usize,
    /// Of the element that has most.
    attributes: usize,
}

/// Counts before anything is built.
fn measure(text: &str) -> Measured {
    let (mut depth, mut out) = (0_usize, Measured::default());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        rest = rest.get(at..).unwrap_or_default();
        let skipped =
            [("<!--", "-->"), ("<![CDATA[", "]]>"), ("<?", "?>")].iter().find(|(open, _)| rest.starts_with(open));
        if let Some((open, close)) = skipped {
            let inner = rest.get(open.len()..).unwrap_or_default();
            rest = inner.find(close).and_then(|end| inner.get(end..)).unwrap_or_default();
            continue;
        }
        let tag = rest.get(1..).unwrap_or_default();
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !tag.starts_with('!') {
            depth += 1;
            out.depth = out.depth.max(depth);
            let (attributes, is_empty) = tag_measure(tag);
            out.attributes = out.attributes.max(attributes);
            if is_empty {
                depth -= 1;
            }
        }
        rest = tag;
    }
    out
}

/// How many attributes `a b="c"/>` has, and whether it is empty. A `>` in an attribute does not end it, and a `<` may not stand in
/// one.
fn tag_measure(tag: &str) -> (usize, bool) {
    let (mut quote, mut before, mut attributes) = (None, b' ', 0);
    for byte in tag.bytes() {
        match quote {
            _ if byte == b'<' => return (attributes, false),
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => {
                quote = Some(byte);
                attributes += 1;
            }
            None if byte == b'>' => return (attributes, before == b'/'),
            None => {}
        }
        before = byte;
    }
    (attributes, false)
}
