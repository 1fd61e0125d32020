//! The one typed refusal and the warnings that every reader but TAP's answers with. TAP has codes of its own.

use serde_json::Value;

use crate::json::Node;

/// Why a document could not be read at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// More bytes than the reader takes.
    #[error("read {what}: {bytes} bytes, at most {bytes_max} are read")]
    TooLarge {
        /// The kind of document.
        what: &'static str,
        /// How many came.
        bytes: usize,
        /// The limit.
        bytes_max: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("read {what}: not UTF-8 from byte {byte} on")]
    NotUtf8 {
        /// The kind of document.
        what: &'static str,
        /// Offset of the first wrong byte.
        byte: usize,
    },
    /// Not one document in the format's syntax.
    #[error("read {what}: not {syntax}: {reason}")]
    Malformed {
        /// The kind of document.
        what: &'static str,
        /// `JSON`, `CSV`, `TOML`, `XML` …
        syntax: &'static str,
        /// The parser's words, with line and column.
        reason: String,
    },
    /// Well-formed, and not this kind of document.
    #[error("read {what}: {field} should be {expected}")]
    WrongShape {
        /// The kind of document.
        what: &'static str,
        /// Where in it.
        field: String,
        /// What should stand there.
        expected: &'static str,
    },
    /// Of no kind that is read.
    #[error("read an inventory: it is none of {readable}")]
    UnknownKind {
        /// Which kinds are.
        readable: String,
    },
    /// A version of the format that is not read.
    #[error("read {what}: version {version:?} is not read; {readable} are")]
    UnknownVersion {
        /// The kind of document.
        what: &'static str,
        /// What the document says it is.
        version: String,
        /// Which versions are.
        readable: &'static str,
    },
    /// More entries than the reader takes.
    #[error("read {what}: more than {count_max} {entries}")]
    TooMany {
        /// The kind of document.
        what: &'static str,
        /// What there are too many of.
        entries: &'static str,
        /// The limit.
        count_max: usize,
    },
}

/// Something in a document that was not used as it stands. The document was read all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// A stable word for the kind of warning.
    pub code: &'static str,
    /// Where in the document: `components[3].purl`.
    pub at: String,
    /// What was done about it, in words.
    pub text: String,
}

impl Warning {
    /// A warning with a stable code.
    #[must_use]
    pub fn new(code: &'static str, at: impl Into<String>, text: impl Into<String>) -> Self {
        Warning { code, at: at.into(), text: text.into() }
    }
}

/// JSON values that are read from one document. Bytes alone do not bound memory: `{"a":1},` is 8 bytes as text and some 600
/// when read.
pub(crate) const JSON_VALUES_COUNT_MAX: usize = 2_000_000;

/// Checks the size and the number of values, then reads JSON. `serde_json` stops by itself at 128 levels, so nesting cannot exhaust the stack.
pub(crate) fn json_read(what: &'static str, bytes: &[u8], bytes_max: usize) -> Result<Value, Unreadable> {
    let text = text_read(what, bytes, bytes_max)?;
    if json_values_count(text) > JSON_VALUES_COUNT_MAX {
        return Err(Unreadable::TooMany { what, entries: "JSON values", count_max: JSON_VALUES_COUNT_MAX });
    }
    serde_json::from_str(text).map_err(|e| Unreadable::Malformed { what, syntax: "JSON", reason: e.to_string() })
}

/// Levels of arrays and objects that [`node_read`] builds.
const NODE_LEVELS_READ: usize = 120;

/// The same as [`json_read`], for documents that come from strangers and may be large: as [`Node`], which takes about a
/// sixth of the memory. Values below the deepest level are [`Node::TooDeep`].
pub(crate) fn node_read(what: &'static str, bytes: &[u8], bytes_max: usize) -> Result<Node, Unreadable> {
    let text = text_read(what, bytes, bytes_max)?;
    if json_values_count(text) > JSON_VALUES_COUNT_MAX {
        return Err(Unreadable::TooMany { what, entries: "JSON values", count_max: JSON_VALUES_COUNT_MAX });
    }
    Node::read(text, NODE_LEVELS_READ).map_err(|e| Unreadable::Malformed {
        what,
        syntax: "JSON",
        reason: e.to_string(),
    })
}

/// Every value but the first stands behind a comma or an opening bracket; those in strings do not count.
fn json_values_count(text: &str) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b',' | b'[' | b'{' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// Checks the size and that it is UTF-8; a byte order mark is dropped.
pub(crate) fn text_read<'a>(what: &'static str, bytes: &'a [u8], bytes_max: usize) -> Result<&'a str, Unreadable> {
    if bytes.len() > bytes_max {
        return Err(Unreadable::TooLarge { what, bytes: bytes.len(), bytes_max });
    }
    let text = std::str::from_utf8(bytes).map_err(|e| Unreadable::NotUtf8 { what, byte: e.valid_up_to() })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// A string field that is present and not empty.
pub(crate) fn text_of<'a>(object: &'a Value, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str).filter(|s| !s.is_empty())
}
