//! TOML into [`Node`]s, with a bound on values and on depth before anything is built. Knows no format. A key that stands twice
//! is an error in TOML itself.

use serde::de::DeserializeSeed;

use crate::Unreadable;
use crate::json::{Depth, Node};
use crate::refusal::JSON_VALUES_COUNT_MAX;

/// Levels of tables and arrays, dotted keys counted, that a TOML document may have.
pub(crate) const TOML_DEPTH_MAX: usize = 64;

/// Words, texts and signs of a TOML document: its parser keeps each of them, however wrong they are.
const TOML_TOKENS_MAX: usize = 6_000_000;

/// Reads a document.
pub(crate) fn read(what: &'static str, text: &str) -> Result<Node, Unreadable> {
    let measured = measure(text);
    if measured.values > JSON_VALUES_COUNT_MAX {
        return Err(Unreadable::TooMany { what, entries: "TOML values", count_max: JSON_VALUES_COUNT_MAX });
    }
    if measured.tokens > TOML_TOKENS_MAX {
        return Err(Unreadable::TooMany { what, entries: "TOML tokens", count_max: TOML_TOKENS_MAX });
    }
    if measured.depth > TOML_DEPTH_MAX {
        return Err(Unreadable::TooMany { what, entries: "levels of tables", count_max: TOML_DEPTH_MAX });
    }
    let malformed = |e: toml::de::Error| Unreadable::Malformed { what, syntax: "TOML", reason: one_line(&e) };
    let document = toml::de::Deserializer::parse(text).map_err(malformed)?;
    Depth { left: TOML_DEPTH_MAX * 2 }.deserialize(document).map_err(malformed)
}

fn one_line(error: &toml::de::Error) -> String {
    let at = error.span().map(|span| format!(" at byte {}", span.start)).unwrap_or_default();
    format!("{}{at}", error.message().replace('\n', " "))
}

#[derive(Default)]
struct Measured {
    values: usize,
    depth: usize,
    tokens: usize,
}

/// Counts without building: dotted keys make tables in tables, which the parser does not bound, and which are taken down
/// again by recursion.
fn measure(text: &str) -> Measured {
    let bytes = text.as_bytes();
    let mut out = Measured::default();
    // Dots since the last separator, on each level of brackets; below them those of the last table's header.
    let (mut levels, mut header) = (vec![0_usize], 0_usize);
    let (mut open_dots, mut at) = (0_usize, 0_usize);
    let (mut line_begins, mut in_word) = (true, false);
    while let Some(&byte) = bytes.get(at) {
        let is_word = byte.is_ascii_alphanumeric() || byte >= 0x80;
        out.tokens += usize::from(!(is_word && in_word));
        in_word = is_word;
        let begins = std::mem::replace(&mut line_begins, false);
        match byte {
            b'"' | b'\'' => {
                at = string_end(bytes, at);
                continue;
            }
            b'#' => {
                at += bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\n')).unwrap_or(bytes.len());
                continue;
            }
            b' ' | b'\t' | b'\r' => line_begins = begins,
            b'.' => {
                if let Some(dots) = levels.last_mut() {
                    *dots += 1;
                    open_dots += 1;
                }
            }
            b'[' | b'{' => {
                if begins && byte == b'[' {
                    header = header_dots(bytes, at);
                }
                levels.push(0);
                out.values += 1;
            }
            b']' | b'}' if levels.len() > 1 => open_dots -= levels.pop().unwrap_or(0),
            b',' | b'=' => out.values += 1,
            b'\n' => line_begins = true,
            _ => {}
        }
        let ends = byte == b',' || (byte == b'\n' && levels.len() == 1);
        if ends && let Some(dots) = levels.last_mut() {
            open_dots -= std::mem::take(dots);
        }
        out.depth = out.depth.max(header + levels.len() - 1 + open_dots);
        at += 1;
    }
    out
}

/// Dots of the table's header that begins here. An array that begins a line is taken for one too: that counts too many only.
fn header_dots(bytes: &[u8], at: usize) -> usize {
    let line = bytes.get(at..).unwrap_or_default().split(|b| *b == b'\n').next().unwrap_or_default();
    let key = line.split(|b| *b == b'=').next().unwrap_or_default();
    if key.iter().any(|b| matches!(b, b',' | b'{')) {
        return 0;
    }
    key.iter().filter(|b| **b == b'.').count() + 1
}

/// Behind the string that begins at `at`. One on a single line ends with the line at the latest, as the parser has it.
fn string_end(bytes: &[u8], at: usize) -> usize {
    let quote = bytes.get(at).copied().unwrap_or_default();
    let long = bytes.get(at..at + 3).is_some_and(|three| three.iter().all(|b| *b == quote));
    let mut here = at + if long { 3 } else { 1 };
    while let Some(&byte) = bytes.get(here) {
        if byte == b'\\' && quote == b'"' {
            here += if !long && bytes.get(here + 1) == Some(&b'\n') { 1 } else { 2 };
        } else if byte == b'\n' && !long {
            return here;
        } else if byte == quote && (!long || bytes.get(here..here + 3).is_some_and(|t| t.iter().all(|b| *b == quote))) {
            return here + if long { 3 } else { 1 };
        } else {
            here += 1;
        }
    }
    bytes.len()
}
