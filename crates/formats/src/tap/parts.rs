//! What the parts of a multipart report are: the report itself as JSON, and files whose metadata stand in their headers. Must not
//! read a field of the report.

use super::Refusal;
use super::limits::DOCUMENT_LEVELS_READ;
use super::multipart::Part;
use super::reading::{Reading, name_shown};
use super::violation::Code;
use crate::json::Node;

/// Fields of a JSON report that are parts of their own here.
pub(super) const PAYLOAD_FIELDS: [&str; 5] =
    ["attachments", "exploit", "exploit_content_type", "raw", "raw_content_type"];

/// A file as a part brings it.
#[derive(Default)]
pub(super) struct FilePart {
    pub filename: Option<Node>,
    pub content_type: Option<Node>,
    pub kind: Option<Node>,
    pub description: Option<Node>,
    pub bytes: Vec<u8>,
}

/// The files of a multipart report.
#[derive(Default)]
pub(super) struct FileParts {
    pub attachments: Vec<FilePart>,
    pub exploit: Option<FilePart>,
    pub raw: Option<FilePart>,
}

/// Sorts the parts; the JSON document of the part `report` comes back beside them.
pub(super) fn sorted(reading: &mut Reading, parts: Vec<Part<'_>>) -> Result<(Node, FileParts), Refusal> {
    let malformed = |reason: String| Refusal::Malformed { reason };
    let (mut report, mut files) = (None, FileParts::default());
    for (number, part) in (1..).zip(parts) {
        let Named { name, filename } = named(&part).map_err(|why| malformed(format!("part {number}: {why}")))?;
        headers_check(&part, &name).map_err(|why| malformed(format!("part {number}: {why}")))?;
        let field = name_shown(&name);
        if name != "attachment" && filename.is_some() {
            reading.violation(Code::FieldNotAllowed, &format!("{field}.filename"), "only attachments have filenames");
        }
        match name.as_str() {
            "report" if report.is_none() => report = Some(document(reading, &part)?),
            "exploit" if files.exploit.is_none() => files.exploit = Some(file(reading, "exploit", &part, None)),
            "raw" if files.raw.is_none() => files.raw = Some(file(reading, "raw", &part, None)),
            "attachment" => {
                let path = format!("attachments[{}]", files.attachments.len());
                files.attachments.push(file(reading, &path, &part, filename));
            }
            "report" | "exploit" | "raw" => {
                reading.violation(Code::FieldNotAllowed, &field, "the part stands twice");
            }
            _ => reading.violation(Code::FieldNotAllowed, &field, "a report has no such part"),
        }
    }
    let report = report.ok_or_else(|| malformed("no part is named report".to_owned()))?;
    Ok((report, files))
}

fn document(reading: &mut Reading, part: &Part<'_>) -> Result<Node, Refusal> {
    let malformed = |reason: String| Refusal::Malformed { reason };
    if let Some(said) = part.header("content-type") {
        let said = String::from_utf8_lossy(said).to_ascii_lowercase();
        if without_charset(&said) != "application/json" {
            reading.violation(Code::InvalidContentType, "report", "the part report is application/json");
        }
    }
    let text = std::str::from_utf8(part.bytes)
        .map_err(|e| malformed(format!("the part report is not UTF-8 from byte {} on", e.valid_up_to())))?;
    let node = Node::read(text, DOCUMENT_LEVELS_READ)
        .map_err(|e| malformed(format!("the part report is not one JSON document: {e}")))?;
    if let Node::Object(members) = &node {
        for (name, _) in members.iter().filter(|(name, _)| PAYLOAD_FIELDS.contains(&name.as_str())) {
            reading.violation(Code::FieldNotAllowed, name, "in multipart/mixed files are parts of their own");
        }
    }
    Ok(node)
}

fn file(reading: &mut Reading, path: &str, part: &Part<'_>, filename: Option<Vec<u8>>) -> FilePart {
    let mut text = |field: &str, bytes: Option<&[u8]>| match std::str::from_utf8(bytes?) {
        Ok(text) => Some(Node::String(text.to_owned())),
        Err(_) => {
            reading.violation(Code::InvalidUtf8, &format!("{path}.{field}"), "not UTF-8");
            None
        }
    };
    let content_type = text(
        "content_type",
        part.header("content-type").map(|said| {
            let text = std::str::from_utf8(said).unwrap_or_default();
            // What is not UTF-8 is refused as it stands.
            if text.is_empty() { said } else { without_charset(text).as_bytes() }
        }),
    );
    FilePart {
        filename: text("filename", filename.as_deref()),
        content_type,
        kind: text("type", part.header("content-akrites-type")),
        description: text("description", part.header("content-description")),
        bytes: part.bytes.to_vec(),
    }
}

/// A textual type may say once more that it is UTF-8; any other parameter stays, and is refused where types are read.
fn without_charset(said: &str) -> &str {
    let Some((essence, parameter)) = said.split_once(';') else { return said.trim() };
    let essence = essence.trim();
    let textual = ["text/plain", "text/markdown", "application/json"].iter().any(|t| essence.eq_ignore_ascii_case(t));
    let parameter = parameter.trim();
    let utf8 = ["charset=utf-8", "charset=\"utf-8\""].iter().any(|p| parameter.eq_ignore_ascii_case(p));
    if textual && utf8 { essence } else { said.trim() }
}

/// `Content-*` fields other than those that say something of a file are refused, and what would have to be decoded.
fn headers_check(part: &Part<'_>, name: &str) -> Result<(), &'static str> {
    for header in part.header_names().filter(|header| header.starts_with("content-")) {
        match header {
            "content-disposition" | "content-type" => {}
            "content-description" | "content-akrites-type" if name == "attachment" => {}
            "content-transfer-encoding" => {
                let said = part.header(header).unwrap_or_default();
                if ![&b"7bit"[..], b"8bit", b"binary"].iter().any(|known| said.eq_ignore_ascii_case(known)) {
                    return Err("a transfer encoding that would have to be undone");
                }
            }
            _ => return Err("a Content- header field that has no place here"),
        }
    }
    Ok(())
}

struct Named {
    name: String,
    filename: Option<Vec<u8>>,
}

/// Reads `attachment; name="…"; filename="…"`.
fn named(part: &Part<'_>) -> Result<Named, &'static str> {
    let said = part.header("content-disposition").ok_or("no Content-Disposition")?;
    let (kind, mut rest) = match said.iter().position(|b| *b == b';') {
        Some(at) => (said.get(..at).unwrap_or_default(), said.get(at..).unwrap_or_default()),
        None => (said, &[][..]),
    };
    if !kind.trim_ascii().eq_ignore_ascii_case(b"attachment") {
        return Err("a Content-Disposition other than attachment");
    }
    let (mut name, mut filename) = (None, None);
    while let Some(after) = rest.strip_prefix(b";") {
        let equals = after.iter().position(|b| *b == b'=').ok_or("a parameter without a value")?;
        let key = after.get(..equals).unwrap_or_default().trim_ascii().to_ascii_lowercase();
        let (value, left) = value_read(after.get(equals + 1..).unwrap_or_default().trim_ascii_start())?;
        rest = left;
        let slot = match key.as_slice() {
            b"name" => &mut name,
            b"filename" => &mut filename,
            // `name*=` of RFC 2231 and `name*0=` are among them.
            _ => return Err("a parameter of Content-Disposition that has no place here"),
        };
        if slot.replace(value).is_some() {
            return Err("a parameter of Content-Disposition stands twice");
        }
    }
    if !rest.is_empty() {
        return Err("a Content-Disposition that cannot be read");
    }
    let name = String::from_utf8(name.ok_or("no name")?).map_err(|_| "a name that is not UTF-8")?;
    Ok(Named { name, filename })
}

/// A token or a quoted string, and what follows it.
fn value_read(text: &[u8]) -> Result<(Vec<u8>, &[u8]), &'static str> {
    let Some(quoted) = text.strip_prefix(b"\"") else {
        let end = text.iter().position(|b| *b == b';').unwrap_or(text.len());
        let (value, rest) = text.split_at(end);
        let value = value.trim_ascii_end();
        let plain = !value.is_empty() && value.iter().all(|b| b.is_ascii_graphic() && !b"\"(),/:<=>?@[\\]".contains(b));
        return if plain { Ok((value.to_vec(), rest)) } else { Err("a value that needs quotes") };
    };
    let (mut value, mut bytes) = (Vec::new(), quoted.iter().enumerate());
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return Ok((value, quoted.get(at + 1..).unwrap_or_default().trim_ascii_start())),
            b'\\' => value.push(*bytes.next().ok_or("a quoted value that never ends")?.1),
            other => value.push(*other),
        }
    }
    Err("a quoted value that never ends")
}
