//! XML without document types: no entities but XML's own five, so nothing multiplies and nothing is fetched. Knows no format.

use roxmltree::{Document, ParsingOptions};

use crate::Unreadable;

/// Elements, attributes' owners and texts that are read from one document.
const XML_NODES_COUNT_MAX: u32 = 2_000_000;
/// Levels of elements that are read.
pub(crate) const XML_DEPTH_MAX: usize = 128;

/// Reads a document.
pub(crate) fn read<'a>(what: &'static str, text: &'a str) -> Result<Document<'a>, Unreadable> {
    if levels(text) > XML_DEPTH_MAX {
        return Err(Unreadable::TooMany { what, entries: "levels of elements", count_max: XML_DEPTH_MAX });
    }
    let options = ParsingOptions { allow_dtd: false, nodes_limit: XML_NODES_COUNT_MAX, ..ParsingOptions::default() };
    Document::parse_with_options(text, options).map_err(|error| match error {
        roxmltree::Error::NodesLimitReached => {
            Unreadable::TooMany { what, entries: "XML nodes", count_max: XML_NODES_COUNT_MAX as usize }
        }
        error => Unreadable::Malformed { what, syntax: "XML", reason: error.to_string() },
    })
}

/// The depth of a document, counted before anything is built.
fn levels(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0_usize);
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
            deepest = deepest.max(depth);
            if is_empty_element(tag) {
                depth -= 1;
            }
        }
        rest = tag;
    }
    deepest
}

/// `a b="c"/>`; a `>` in an attribute does not end it, and a `<` may not stand in one.
fn is_empty_element(tag: &str) -> bool {
    let (mut quote, mut before) = (None, b' ');
    for byte in tag.bytes() {
        match quote {
            _ if byte == b'<' => return false,
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None if byte == b'>' => return before == b'/',
            None => {}
        }
        before = byte;
    }
    false
}
