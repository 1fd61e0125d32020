//! Attachments: names that cannot mislead, types, and the bytes. `exploit` and `raw`, the old fields, become attachments.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::shown::is_invisible;
use unicode_normalization::UnicodeNormalization;

use super::limits::*;
use super::parts::{FilePart, FileParts, PAYLOAD_FIELDS};
use super::reading::{Members, Reading, name_shown};
use super::report::{Attachment, AttachmentType, ContentType, download_name};
use super::violation::Code;
use crate::Warning;
use crate::json::Node;

/// The fields that became attachments.
const OLD_FIELDS: [(&str, AttachmentType); 2] =
    [("exploit", AttachmentType::ExploitProofOfConcept), ("raw", AttachmentType::Other)];

/// Reads `attachments`, then `exploit` and `raw`; the names must differ over all of them.
pub(super) fn all(reading: &mut Reading, m: &mut Members) -> Vec<Attachment> {
    let items = reading.list("attachments", m.take("attachments"), ATTACHMENTS_COUNT_MAX);
    let mut count = items.len();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut attachments = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let path = format!("attachments[{index}]");
        if let Some(attachment) = one(reading, &path, item) {
            name_unique(reading, &mut names, &attachment, format!("{path}.filename"));
            attachments.push(attachment);
        }
    }
    for (field, kind) in OLD_FIELDS {
        let Some(attachment) = deprecated(reading, m, field, kind) else { continue };
        count += 1;
        old_count_check(reading, field, count);
        name_unique(reading, &mut names, &attachment, field.to_owned());
        attachments.push(attachment);
    }
    attachments
}

fn one(reading: &mut Reading, path: &str, item: Node) -> Option<Attachment> {
    if let Some(key) = item.repeated_key() {
        reading.not_a_report(format!("the field {} stands twice in {path}", name_shown(key)));
    }
    let before = reading.violations.len();
    let mut m = Members::new(reading.object(path, item)?);
    let at = |field: &str| format!("{path}.{field}");
    let fields = FilePart {
        filename: m.take("filename"),
        content_type: m.take("content_type"),
        kind: m.take("type"),
        description: m.take("description"),
        bytes: Vec::new(),
    };
    let described = described(reading, path, fields);
    let data = m.take("data");
    if data.is_none() {
        reading.violation(Code::MissingField, &at("data"), "an attachment needs data");
    }
    let bytes = payload(reading, &at("data"), data, described.content_type);
    reading.unknown(&format!("{path}."), &m.rest(), UNKNOWN_FIELDS_LISTED_MAX);
    if reading.violations.len() > before {
        return None;
    }
    described.with(bytes?)
}

/// What an attachment says of itself.
struct Described {
    filename: Option<String>,
    content_type: Option<ContentType>,
    kind: AttachmentType,
    description: Option<String>,
}

impl Described {
    fn with(self, bytes: Vec<u8>) -> Option<Attachment> {
        let Described { filename, content_type, kind, description } = self;
        Some(Attachment { filename: filename?, content_type: content_type?, kind, description, bytes })
    }
}

fn described(reading: &mut Reading, path: &str, fields: FilePart) -> Described {
    let at = |field: &str| format!("{path}.{field}");
    let filename = match fields.filename {
        Some(node) => filename(reading, &at("filename"), node),
        None => {
            reading.violation(Code::MissingField, &at("filename"), "an attachment needs a filename");
            None
        }
    };
    let content_type = content_type(reading, &at("content_type"), fields.content_type);
    let kind = match reading.text_bounded(&at("type"), fields.kind, ATTACHMENT_TYPE_BYTES_MAX) {
        None => AttachmentType::Other,
        Some(word) => AttachmentType::of_word(&word).unwrap_or_else(|| {
            let words: Vec<&str> = AttachmentType::ALL.iter().map(|t| t.as_str()).collect();
            let reason = format!("not one of {}", words.join(", "));
            reading.violation(Code::InvalidAttachmentType, &at("type"), reason);
            AttachmentType::Other
        }),
    };
    let description =
        reading.text(&at("description"), fields.description, ATTACHMENT_DESCRIPTION_BYTES_MAX).filter(|text| {
            let one_line = !text.contains(['\u{2028}', '\u{2029}']);
            if !one_line {
                reading.violation(Code::ControlCharacters, &at("description"), "a line separator in it");
            }
            one_line
        });
    Described { filename, content_type, kind, description }
}

/// Reads the files of a multipart report: the same rules, but their bytes are what was sent.
pub(super) fn of_parts(reading: &mut Reading, m: &mut Members, files: FileParts) -> Vec<Attachment> {
    // They were refused where the parts were sorted.
    PAYLOAD_FIELDS.iter().for_each(|field| drop(m.take(field)));
    let FileParts { attachments: sent, exploit, raw } = files;
    if sent.len() > ATTACHMENTS_COUNT_MAX {
        let reason = format!("{} items, at most {ATTACHMENTS_COUNT_MAX} are accepted", sent.len());
        reading.violation(Code::TooManyItems, "attachments", reason);
    }
    let mut count = sent.len();
    let mut names: Vec<(String, String)> = Vec::new();
    let mut attachments = Vec::new();
    for (index, mut part) in sent.into_iter().take(ATTACHMENTS_COUNT_MAX).enumerate() {
        let path = format!("attachments[{index}]");
        let before = reading.violations.len();
        let bytes = std::mem::take(&mut part.bytes);
        let described = described(reading, &path, part);
        let bytes = part_payload(reading, &format!("{path}.data"), bytes, described.content_type);
        let whole = reading.violations.len() == before;
        if let Some(attachment) = bytes.filter(|_| whole).and_then(|bytes| described.with(bytes)) {
            name_unique(reading, &mut names, &attachment, format!("{path}.filename"));
            attachments.push(attachment);
        }
    }
    for ((field, kind), part) in OLD_FIELDS.into_iter().zip([exploit, raw]) {
        let Some(part) = part else { continue };
        count += 1;
        old_count_check(reading, field, count);
        let content_type = content_type(reading, &format!("{field}_content_type"), part.content_type);
        deprecated_warn(reading, field, kind);
        let bytes = part_payload(reading, field, part.bytes, content_type);
        let Some((bytes, content_type)) = bytes.zip(content_type) else { continue };
        let filename = field.to_owned();
        let attachment = Attachment { filename, content_type, kind, description: None, bytes };
        name_unique(reading, &mut names, &attachment, field.to_owned());
        attachments.push(attachment);
    }
    attachments
}

/// A part's bytes are what they are; text must be UTF-8.
fn part_payload(
    reading: &mut Reading,
    path: &str,
    bytes: Vec<u8>,
    content_type: Option<ContentType>,
) -> Option<Vec<u8>> {
    if bytes.len() > ATTACHMENT_DATA_BYTES_MAX {
        let reason = format!("{} bytes, at most {ATTACHMENT_DATA_BYTES_MAX} are accepted", bytes.len());
        reading.violation(Code::FieldTooLarge, path, reason);
        return None;
    }
    if bytes.is_empty() {
        reading.violation(Code::DegenerateValue, path, "it is empty");
        return None;
    }
    if !content_type?.is_binary() && std::str::from_utf8(&bytes).is_err() {
        reading.violation(Code::InvalidUtf8, path, "not UTF-8, which this content type needs");
        return None;
    }
    Some(bytes)
}

fn old_count_check(reading: &mut Reading, field: &str, count: usize) {
    if count > ATTACHMENTS_COUNT_MAX {
        let reason = format!("with {field} more than the {ATTACHMENTS_COUNT_MAX} that are accepted");
        reading.violation_of_two(Code::TooManyItems, "attachments", field, reason);
    }
}

fn deprecated_warn(reading: &mut Reading, field: &str, kind: AttachmentType) {
    let text = format!("deprecated: send it in attachments, with type {}", kind.as_str());
    reading.warnings.push(Warning::new("deprecated_field", field, text));
}

fn deprecated(reading: &mut Reading, m: &mut Members, field: &str, kind: AttachmentType) -> Option<Attachment> {
    let data = m.take(field);
    let type_field = format!("{field}_content_type");
    let type_node = m.take(&type_field);
    if data.is_none() && type_node.is_some() {
        let reason = "a content type without the field it is for";
        reading.violation_of_two(Code::MissingField, field, &type_field, reason);
    }
    let content_type = content_type(reading, &type_field, type_node);
    data.as_ref()?;
    deprecated_warn(reading, field, kind);
    let bytes = payload(reading, field, data, content_type)?;
    Some(Attachment { filename: field.to_owned(), content_type: content_type?, kind, description: None, bytes })
}

/// Absent is text/plain. Media types are compared without regard to case; parameters are refused.
fn content_type(reading: &mut Reading, path: &str, node: Option<Node>) -> Option<ContentType> {
    let Some(node) = node else { return Some(ContentType::Plain) };
    let word = reading.text_bounded(path, Some(node), CONTENT_TYPE_BYTES_MAX)?;
    let known = ContentType::of_word(&word.to_ascii_lowercase());
    if known.is_none() {
        let words: Vec<&str> = ContentType::ALL.iter().map(|t| t.as_str()).collect();
        let reason = match word.contains(';') {
            true => "parameters are not accepted".to_owned(),
            false => format!("not one of {}", words.join(", ")),
        };
        reading.violation(Code::InvalidContentType, path, reason);
    }
    known
}

/// Limits count the string as sent. Without a known content type nothing is decoded.
fn payload(
    reading: &mut Reading,
    path: &str,
    node: Option<Node>,
    content_type: Option<ContentType>,
) -> Option<Vec<u8>> {
    let text = reading.string(path, node)?;
    let bytes_max = if reading.kept { KEPT_DATA_BYTES_MAX } else { ATTACHMENT_DATA_BYTES_MAX };
    if text.len() > bytes_max {
        let reason = format!("{} bytes, at most {bytes_max} are accepted", text.len());
        reading.violation(Code::FieldTooLarge, path, reason);
        return None;
    }
    if text.is_empty() {
        reading.violation(Code::DegenerateValue, path, "it is empty");
        return None;
    }
    if !content_type?.is_binary() {
        return Some(text.into_bytes());
    }
    let joined: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let decoded = STANDARD.decode(joined).ok().filter(|bytes| !bytes.is_empty());
    if decoded.is_none() {
        reading.violation(Code::InvalidBase64, path, "not padded standard base64, which this content type needs");
    }
    decoded
}

fn filename(reading: &mut Reading, path: &str, node: Node) -> Option<String> {
    let name = reading.text_bounded(path, Some(node), ATTACHMENT_FILENAME_BYTES_MAX)?;
    let drive = matches!(name.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    let wrong = if name.trim().is_empty() || name == "." || name == ".." {
        Some("not a name")
    } else if name.contains(['/', '\\']) || drive {
        Some("a path, not a name")
    } else if name.chars().any(is_invisible) {
        Some("a character in it that cannot be seen or turns the direction of writing")
    } else {
        None
    };
    match wrong {
        Some(reason) => {
            reading.violation(Code::InvalidFilename, path, reason);
            None
        }
        None => Some(name),
    }
}

/// Two names that a file system, or a reader's eye, would take for one are one.
fn name_unique(reading: &mut Reading, names: &mut Vec<(String, String)>, attachment: &Attachment, field: String) {
    let folded = name_folded(&download_name(&attachment.filename, attachment.content_type));
    match names.iter().find(|(name, _)| *name == folded) {
        Some((_, other)) => {
            let reason = "the same download name as another attachment, but for case or Unicode form";
            reading.violation_of_two(Code::InvalidFilename, &field, &other.clone(), reason);
        }
        None => names.push((folded, field)),
    }
}

/// Compatibility caseless form (Unicode, section 3.13, D146).
fn name_folded(name: &str) -> String {
    let once: String = caseless::default_case_fold_str(&name.nfd().collect::<String>()).nfkd().collect();
    caseless::default_case_fold_str(&once).nfkd().collect()
}
