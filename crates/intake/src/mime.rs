//! A mail's parts: multiparts taken apart level by level, in one pass over the bytes of each. Header fields, transfer encodings and
//! character sets are the `mail-parser` crate's; the walk is our own, since hers recurses as deep as the mail says and looks for
//! each boundary to the end.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{HeaderName, HeaderValue, Message, MessageParser, MimeHeaders};

/// Multiparts and messages within each other.
pub const MAIL_LEVELS_MAX: usize = 8;
/// Parts of one mail, those that hold parts counted.
pub const MAIL_PARTS_COUNT_MAX: usize = 256;
/// The header of one part, in bytes.
const HEADER_BYTES_MAX: usize = 64 * 1024;
/// Fields of one header.
const HEADER_FIELDS_COUNT_MAX: usize = 512;

/// Stands for an absent header.
const NO_HEADER: &[u8] = b"X-None: -\n\n";

/// A part that holds no others, decoded.
pub struct Leaf {
    /// `text/plain`, in lower case.
    pub media_type: String,
    pub filename: Option<String>,
    pub description: Option<String>,
    /// Said to be an attachment, or inside a mail that is attached.
    pub attached: bool,
    pub bytes: Vec<u8>,
    /// Of text: in UTF-8.
    pub text: Option<String>,
    /// Other forms of the same text stand beside it.
    pub alternative: bool,
}

/// What came of the walk.
#[derive(Default)]
pub struct Parts {
    pub leaves: Vec<Leaf>,
    /// What was not taken apart or not decoded, and why.
    pub warnings: Vec<(String, String)>,
}

struct Open<'a> {
    bytes: Cow<'a, [u8]>,
    levels_left: usize,
    attached: bool,
    alternative: bool,
    at: String,
}

/// Where a header ends and what follows it begins.
pub fn header_end(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut at = 0;
    loop {
        let end = at + bytes.get(at..)?.iter().position(|b| *b == b'\n')?;
        let line = bytes.get(at..end)?;
        if line.is_empty() || line == b"\r" {
            return Some((at, end + 1));
        }
        at = end + 1;
    }
}

/// Reads the header at the beginning of a mail or a part.
pub fn header(bytes: &[u8]) -> Result<(Message<'_>, &[u8]), &'static str> {
    let (head, body) = header_end(bytes).unwrap_or((bytes.len(), bytes.len()));
    if head > HEADER_BYTES_MAX {
        return Err("its header is longer than is read");
    }
    let head = bytes.get(..body).unwrap_or_default();
    if head.iter().filter(|b| **b == b'\n').count() > HEADER_FIELDS_COUNT_MAX {
        return Err("its header has more lines than are read");
    }
    // The crate's own empty message panics when it is asked; a part without a header is one with a field that says nothing.
    let parser = MessageParser::default();
    let message = parser.parse_headers(head).or_else(|| parser.parse_headers(NO_HEADER)).ok_or("it has no header")?;
    Ok((message, bytes.get(body..).unwrap_or_default()))
}

/// All leaves of a mail, in order.
pub fn walk(mail: &[u8]) -> Parts {
    let mut out = Parts::default();
    let first = Open {
        bytes: Cow::Borrowed(mail),
        levels_left: MAIL_LEVELS_MAX,
        attached: false,
        alternative: false,
        at: "1".to_owned(),
    };
    let mut open = vec![first];
    let mut count = 0;
    while let Some(part) = open.pop() {
        count += 1;
        if count > MAIL_PARTS_COUNT_MAX {
            out.warnings
                .push((part.at, format!("this and what follows: a mail has at most {MAIL_PARTS_COUNT_MAX} parts")));
            break;
        }
        let mut inner = part_take(&part, &mut out);
        inner.reverse();
        open.append(&mut inner);
    }
    out
}

/// Takes one part: puts it among the leaves, or gives the parts within.
fn part_take<'a>(part: &Open<'a>, out: &mut Parts) -> Vec<Open<'a>> {
    let (message, body) = match header(&part.bytes) {
        Ok(read) => read,
        Err(reason) => {
            out.warnings.push((part.at.clone(), format!("{reason}: left out")));
            return Vec::new();
        }
    };
    let content_type = message.content_type();
    let main = content_type.map_or("text", |t| t.ctype()).to_ascii_lowercase();
    let sub = content_type.map_or(Some("plain"), |t| t.subtype()).unwrap_or("plain").to_ascii_lowercase();
    let boundary = content_type.and_then(|t| t.attribute("boundary")).filter(|b| !b.is_empty() && b.len() <= 200);
    let is_message = main == "message" && matches!(sub.as_str(), "rfc822" | "global");
    if let (true, Some(boundary)) = (main == "multipart", boundary) {
        return match part.levels_left.checked_sub(1) {
            Some(levels_left) => within(part, body, boundary, sub == "alternative", levels_left, out),
            None => {
                out.warnings.push((part.at.clone(), format!("more than {MAIL_LEVELS_MAX} levels of parts: left out")));
                Vec::new()
            }
        };
    }
    let bytes = decoded(&message, body, &part.at, out);
    if is_message {
        return match part.levels_left.checked_sub(1) {
            Some(levels_left) => vec![Open {
                bytes: Cow::Owned(bytes),
                levels_left,
                attached: true,
                alternative: false,
                at: format!("{}.1", part.at),
            }],
            None => {
                out.warnings.push((part.at.clone(), format!("more than {MAIL_LEVELS_MAX} levels of parts: left out")));
                Vec::new()
            }
        };
    }
    out.leaves.push(leaf(part, &message, format!("{main}/{sub}"), bytes));
    Vec::new()
}

fn leaf(part: &Open<'_>, message: &Message<'_>, media_type: String, bytes: Vec<u8>) -> Leaf {
    let text = media_type.starts_with("text/").then(|| {
        let charset = message.content_type().and_then(|t| t.attribute("charset"));
        match charset.and_then(|name| charset_decoder(name.as_bytes())) {
            Some(decode) if std::str::from_utf8(&bytes).is_err() || !is_utf8(charset) => decode(&bytes),
            _ => String::from_utf8_lossy(&bytes).into_owned(),
        }
    });
    Leaf {
        media_type,
        filename: message.attachment_name().map(str::to_owned),
        description: match message.header(HeaderName::ContentDescription) {
            Some(HeaderValue::Text(text)) => Some(text.to_string()),
            _ => None,
        },
        attached: part.attached || message.content_disposition().is_some_and(|d| d.is_attachment()),
        bytes,
        text,
        alternative: part.alternative,
    }
}

fn is_utf8(charset: Option<&str>) -> bool {
    charset.is_some_and(|name| name.eq_ignore_ascii_case("utf-8") || name.eq_ignore_ascii_case("utf8"))
}

fn decoded(message: &Message<'_>, body: &[u8], at: &str, out: &mut Parts) -> Vec<u8> {
    let encoding = match message.header(HeaderName::ContentTransferEncoding) {
        Some(HeaderValue::Text(text)) => text.trim().to_ascii_lowercase(),
        _ => String::new(),
    };
    let found = match encoding.as_str() {
        "base64" => base64_decode(body),
        "quoted-printable" => quoted_printable_decode(body),
        "" | "7bit" | "8bit" | "binary" => return body.to_vec(),
        _ => None,
    };
    found.unwrap_or_else(|| {
        out.warnings.push((at.to_owned(), "its transfer encoding cannot be undone: kept as it came".to_owned()));
        body.to_vec()
    })
}

/// The parts between the boundaries, found in one pass.
fn within<'a>(
    part: &Open<'a>,
    body: &[u8],
    boundary: &str,
    alternative: bool,
    levels_left: usize,
    out: &mut Parts,
) -> Vec<Open<'a>> {
    let mut parts = Vec::new();
    let (mut at, mut begin, mut closed) = (0, None, false);
    while at < body.len() && parts.len() <= MAIL_PARTS_COUNT_MAX {
        let rest = body.get(at..).unwrap_or_default();
        let length = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |end| end + 1);
        let line = rest.get(..length).unwrap_or_default();
        if let Some(after) = line.strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes())) {
            let after = after.trim_ascii();
            if after.is_empty() || after == b"--" {
                parts.extend(begin.map(|begin| (begin, at)));
                begin = Some(at + length);
                if after == b"--" {
                    closed = true;
                    break;
                }
            }
        }
        at += length;
    }
    if !closed {
        parts.extend(begin.map(|begin| (begin, body.len())));
        out.warnings.push((part.at.clone(), "its last boundary is missing".to_owned()));
    }
    let one = |(number, (begin, end)): (usize, (usize, usize))| Open {
        bytes: Cow::Owned(body.get(begin..end).map(trimmed).unwrap_or_default().to_vec()),
        levels_left,
        attached: part.attached,
        alternative,
        at: format!("{}.{}", part.at, number + 1),
    };
    parts.into_iter().enumerate().map(one).collect()
}

/// The line end before a boundary belongs to it.
fn trimmed(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    bytes.strip_suffix(b"\r").unwrap_or(bytes)
}
