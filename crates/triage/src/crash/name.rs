//! Names of functions: demangled, and brought to one form whoever printed them. Knows no tool and no stack.

use std::fmt::{self, Write};

use cpp_demangle::{DemangleOptions, Symbol};

use super::Frame;
use super::text::start;

/// The longest name that is read, in bytes; also the longest that a demangler may write: a few bytes can stand for gigabytes.
const NAME_BYTES_MAX: usize = 4096;
/// What compilers put behind the name of a function that they split or copied.
const CLONES: [&str; 8] = [".constprop.", ".part.", ".isra.", ".cold", ".lto_priv.", ".llvm.", " [clone ", ".__uniq."];
/// What follows the word in an operator's name, the longer before what it begins with.
const OPERATORS: [&str; 37] = [
    "()", "[]", "<=>", "<<=", ">>=", "->*", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "++", "--", "+=", "-=",
    "*=", "/=", "%=", "^=", "&=", "|=", "->", "<", ">", "=", "!", "+", "-", "*", "/", "%", "^", "&", "|",
];

/// Writes until the limit, then refuses.
struct Bounded(String);

impl Write for Bounded {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.0.len() + text.len() > NAME_BYTES_MAX {
            return Err(fmt::Error);
        }
        self.0.push_str(text);
        Ok(())
    }
}

/// Demangled, without parameters, return type, hashes and compilers' marks; template arguments stay.
pub fn readable(raw: &str) -> String {
    let raw = start(raw.trim(), NAME_BYTES_MAX);
    let whole = demangled(raw).unwrap_or_else(|| raw.to_owned());
    let cut = CLONES.iter().filter_map(|mark| whole.find(mark)).min().unwrap_or(whole.len());
    let text = whole.get(..cut).unwrap_or(&whole);
    let text = text.replace("[abi:cxx11]", "").replace("(anonymous namespace)::", "").replace("{anonymous}::", "");
    without_return_type(&without_parameters(&without_hashes(&text))).trim().to_owned()
}

fn demangled(raw: &str) -> Option<String> {
    let mut out = Bounded(String::new());
    if raw.starts_with("_R") || raw.starts_with("__R") || raw.contains("17h") {
        let name = rustc_demangle::try_demangle(raw).ok();
        if let Some(name) = name
            && write!(out, "{name:#}").is_ok()
        {
            return Some(out.0);
        }
        out.0.clear();
    }
    let bare = raw.strip_prefix('_').filter(|rest| rest.starts_with("_Z")).unwrap_or(raw);
    if !bare.starts_with("_Z") {
        return None;
    }
    let symbol = Symbol::new(bare).ok()?;
    let options = DemangleOptions::new().no_params().no_return_type();
    symbol.structured_demangle(&mut out, &options).ok()?;
    Some(out.0)
}

/// Rust's hashes: `::h0123456789abcdef` at the end, `core[0123456789abcdef]` within; closures written in one way.
fn without_hashes(text: &str) -> String {
    let text = match text.rsplit_once("::h") {
        Some((before, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => before,
        _ => text,
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('[') {
        out.push_str(before);
        let digits = behind.bytes().take_while(u8::is_ascii_hexdigit).count();
        if (8..=16).contains(&digits) && behind.as_bytes().get(digits) == Some(&b']') {
            rest = behind.get(digits + 1..).unwrap_or_default();
        } else {
            out.push('[');
            rest = behind;
        }
    }
    out.push_str(rest);
    closures_alike(&out)
}

fn closures_alike(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once("{closure#") {
        out.push_str(before);
        out.push_str("{{closure}}");
        rest = behind.split_once('}').map_or("", |(_, tail)| tail);
    }
    out.push_str(rest);
    out
}

/// For each opening bracket the place of its closing one, for round and for pointed ones; 0 where there is none.
fn pairs(text: &[u8], open: u8, close: u8) -> Vec<usize> {
    let mut ends = vec![0; text.len()];
    let mut stack = Vec::new();
    for (at, byte) in text.iter().enumerate() {
        if *byte == open {
            stack.push(at);
        } else if *byte == close
            && !(close == b'>' && at > 0 && text.get(at - 1) == Some(&b'-'))
            && let Some(begin) = stack.pop()
            && let Some(slot) = ends.get_mut(begin)
        {
            *slot = at;
        }
    }
    ends
}

/// Where the name of the operator that begins at `at` ends; `at` itself when there is none.
fn operator_end(text: &str, at: usize) -> usize {
    let bytes = text.as_bytes();
    let before = at.checked_sub(1).and_then(|i| bytes.get(i)).copied();
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    if before.is_some_and(is_word) || !text.get(at..).is_some_and(|rest| rest.starts_with("operator")) {
        return at;
    }
    let end = at + "operator".len();
    if bytes.get(end).copied().is_some_and(is_word) {
        return at;
    }
    let rest = text.get(end..).unwrap_or_default();
    end + OPERATORS.iter().find(|operator| rest.starts_with(**operator)).map_or(0, |operator| operator.len())
}

fn without_parameters(text: &str) -> String {
    let bytes = text.as_bytes();
    let (round, pointed) = (pairs(bytes, b'(', b')'), pairs(bytes, b'<', b'>'));
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut braces = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let operator = operator_end(text, at);
        let end = match byte {
            _ if operator > at => operator,
            b'<' => pointed.get(at).map_or(at, |end| (*end).max(at)) + 1,
            b'(' => {
                let close = round.get(at).copied().unwrap_or_default();
                let behind = text.get(close + 1..).unwrap_or_default();
                let behind = behind.strip_prefix(" const").unwrap_or(behind);
                if close == 0 || braces == 0 && !behind.starts_with("::") {
                    break;
                }
                at = text.len() - behind.len();
                continue;
            }
            _ => at + 1,
        };
        braces = if *byte == b'{' { braces + 1 } else { braces.saturating_sub(usize::from(*byte == b'}')) };
        out.extend_from_slice(bytes.get(at..end).unwrap_or_default());
        at = end;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// What stands behind the last blank that is neither within brackets nor part of an operator's name.
fn without_return_type(text: &str) -> &str {
    let bytes = text.as_bytes();
    let pointed = pairs(bytes, b'<', b'>');
    let (mut name, mut at) = (0, 0);
    while let Some(byte) = bytes.get(at) {
        if operator_end(text, at) > at {
            break;
        }
        match byte {
            b'<' => at = pointed.get(at).map_or(at, |end| (*end).max(at)),
            b' ' if at + 1 < bytes.len() => name = at + 1,
            _ => {}
        }
        at += 1;
    }
    text.get(name..).unwrap_or(text).trim_start_matches(['*', '&'])
}

/// Without template and generic arguments: one mistake in a template is one mistake, whatever it is made for. What names an
/// implementation in Rust (`<Row as Decode>::decode`) stays.
fn without_arguments(text: &str) -> String {
    let bytes = text.as_bytes();
    let pointed = pairs(bytes, b'<', b'>');
    let mut out: Vec<u8> = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let operator = operator_end(text, at);
        let close = pointed.get(at).copied().unwrap_or_default();
        if operator > at {
            out.extend_from_slice(bytes.get(at..operator).unwrap_or_default());
            // `operator<< <int>`: a blank keeps the two apart.
            let arguments = pointed.get(operator + 1).copied().unwrap_or_default();
            let has_arguments = bytes.get(operator) == Some(&b' ') && arguments > operator;
            at = if has_arguments { arguments + 1 } else { operator };
        } else if *byte == b'<' && close > at && follows_name(text, at, &mut out) {
            at = close + 1;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    String::from_utf8_lossy(&out).trim().to_owned()
}

/// Whether the bracket at `at` holds the arguments of what was written before it; takes Rust's `::` before them away.
fn follows_name(text: &str, at: usize, out: &mut Vec<u8>) -> bool {
    if out.ends_with(b"::") && !text.get(at..).is_some_and(|rest| rest.starts_with("<impl ")) {
        out.truncate(out.len() - 2);
        return true;
    }
    out.last().is_some_and(|b| b.is_ascii_alphanumeric() || b"_])>}~=".contains(b) || *b >= 0x80)
}

/// The last part of a path, of either kind of slash.
pub fn file_name(path: &str) -> &str {
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// What a frame is called in the state: its function without arguments; a fuzz target by its file; a frame without a name by its
/// place in its module.
pub fn identity(frame: &Frame) -> String {
    if frame.function.ends_with("LLVMFuzzerTestOneInput")
        && let Some(file) = &frame.file
    {
        return file_name(file).to_owned();
    }
    if !frame.function.is_empty() {
        return without_arguments(&frame.function);
    }
    match (&frame.module, &frame.offset, &frame.file) {
        (Some(module), Some(offset), _) => format!("{}+{offset}", file_name(module)),
        (Some(module), None, _) => file_name(module).to_owned(),
        (None, _, Some(file)) => file_name(file).to_owned(),
        (None, _, None) => String::new(),
    }
}
