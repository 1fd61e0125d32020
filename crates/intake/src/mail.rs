//! An e-mail (RFC 5322): one report. Its text is kept plain, its files become attachments, who sent it is the reporter. Must not
//! follow a link, show HTML, or believe a header: who a mail says it is from is a claim.

use formats::provenance::{Credit, Hop};
use formats::tap::limits::{ATTACHMENT_DATA_BYTES_MAX, ATTACHMENT_DESCRIPTION_BYTES_MAX, ATTACHMENTS_COUNT_MAX};
use formats::tap::{Attachment, AttachmentType, ContentType};
use mail_parser::decoders::html::html_to_text;

use crate::draft::Draft;
use crate::given::Given;
use crate::kind::Kind;
use crate::mime::{self, Leaf};
use crate::text::{line, lines};
use crate::{Document, Left, Refused, prose};

/// The largest mail that is read, in bytes.
pub const MAIL_BYTES_MAX: usize = 24 * 1024 * 1024;
/// The longest name of an attachment, in bytes; the content type's extension may still come behind it.
const NAME_BYTES_MAX: usize = 120;
/// HTML that is turned into text, in bytes.
const HTML_BYTES_MAX: usize = 1024 * 1024;
/// As much of the header as is looked at to tell a mail.
const HEAD_BYTES_READ: usize = 64 * 1024;
/// Fields that only mails have.
const FIELDS: [&str; 9] =
    ["from", "to", "subject", "date", "message-id", "received", "return-path", "mime-version", "delivered-to"];

/// Whether a document begins like a mail: with fields, two of which mails have (of a text that begins with one, the line after the
/// fields is empty).
pub fn is_it(bytes: &[u8]) -> bool {
    let head = bytes.get(..HEAD_BYTES_READ.min(bytes.len())).unwrap_or_default();
    let Some((end, _)) = mime::header_end(head) else { return false };
    let head = String::from_utf8_lossy(head.get(..end).unwrap_or_default());
    let mut known: Vec<&str> = Vec::new();
    for (number, one) in head.lines().enumerate() {
        if one.starts_with([' ', '\t']) && number > 0 || number == 0 && one.starts_with("From ") {
            continue;
        }
        let Some((name, _)) = one.split_once(':') else { return false };
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || !c.is_ascii_graphic()) {
            return false;
        }
        known.extend(FIELDS.iter().filter(|field| field.eq_ignore_ascii_case(name)));
    }
    known.sort_unstable();
    known.dedup();
    known.len() >= 2 || known.iter().any(|field| matches!(*field, "subject" | "from" | "received"))
}

pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    // A mailbox's line before the first header.
    let mail = match bytes.strip_prefix(b"From ") {
        Some(rest) => rest.iter().position(|b| *b == b'\n').and_then(|at| rest.get(at + 1..)).unwrap_or_default(),
        None => bytes,
    };
    let (message, _) =
        mime::header(mail).map_err(|reason| Refused::Unreadable { kind: Kind::Mail, reason: reason.to_owned() })?;
    let mut draft = Draft { title: line(message.subject().unwrap_or_default(), 200), ..Draft::default() };
    draft.note("date", &message.date().map(|date| date.to_rfc3339()).unwrap_or_default());
    let handling_id = message.message_id().map(|id| line(id, 256)).filter(|id| !id.is_empty());
    if let Some(from) = message.from().and_then(|from| from.first()) {
        let name = line(from.name().unwrap_or_default(), 120);
        let address = line(from.address().unwrap_or_default(), 120);
        let party = if name.is_empty() { address } else { format!("{name} <{address}>") };
        if !party.is_empty() {
            draft.chain.push(Hop { party, handling_id });
        }
        if !name.is_empty() {
            draft.credits.push(Credit { name, role: "reporter".to_owned() });
        }
    }
    let parts = mime::walk(mail);
    let text = body(&parts.leaves);
    prose::put(&mut draft, &text);
    draft.text = lines(&text);
    for (number, leaf) in parts.leaves.iter().enumerate() {
        if is_body(leaf) {
            continue;
        }
        file_put(&mut draft, leaf, number);
    }
    if draft.title.is_empty() {
        draft.title = prose::title(&text);
    }
    for (at, reason) in parts.warnings {
        draft.warn("mail_part", &format!("part {at}"), reason);
    }
    let mut document = Document::new(Kind::Mail);
    left.draw(&mut document, draft, given);
    Ok(document)
}

/// Text of the mail itself: plain, or HTML where there is nothing plain.
fn is_body(leaf: &Leaf) -> bool {
    let shown = leaf.media_type == "text/plain" || leaf.media_type == "text/html";
    shown && !leaf.attached && leaf.filename.is_none()
}

fn body(leaves: &[Leaf]) -> String {
    let has_plain = leaves.iter().any(|leaf| is_body(leaf) && leaf.media_type == "text/plain");
    let mut texts = Vec::new();
    for leaf in leaves.iter().filter(|leaf| is_body(leaf)) {
        let Some(text) = &leaf.text else { continue };
        if leaf.media_type == "text/plain" {
            texts.push(text.clone());
        } else if !has_plain || !leaf.alternative {
            texts.push(html_to_text(crate::text::cut(text, HTML_BYTES_MAX)));
        }
    }
    texts.join("\n\n")
}

/// A file that came with the mail, under a name that a TAP report can have.
fn file_put(draft: &mut Draft, leaf: &Leaf, number: usize) {
    let told = leaf.filename.clone().unwrap_or_else(|| format!("part-{}", number + 1));
    let name = name_plain(&told, number);
    if name != told {
        draft.warn("renamed", &line(&told, 120), format!("attached as {name}"));
    }
    if leaf.bytes.is_empty() {
        draft.warn("cut", &name, "empty: not attached");
        return;
    }
    if leaf.bytes.len() > ATTACHMENT_DATA_BYTES_MAX / 4 * 3 || draft.files.len() >= ATTACHMENTS_COUNT_MAX {
        draft.warn("cut", &name, format!("{} bytes are too many, or files: not attached", leaf.bytes.len()));
        return;
    }
    let (content_type, bytes) = content(leaf);
    let lower = name.to_ascii_lowercase();
    let is_patch = matches!(leaf.media_type.as_str(), "text/x-patch" | "text/x-diff")
        || [".patch", ".diff"].iter().any(|end| lower.ends_with(end));
    let is_poc = ["poc", "exploit", "proof"].iter().any(|word| lower.contains(word));
    let kind = match (is_patch, is_poc) {
        (true, _) => AttachmentType::Patch,
        (_, true) => AttachmentType::ExploitProofOfConcept,
        _ if lower.contains("repro") || lower.starts_with("crash-") => AttachmentType::Reproducer,
        _ => AttachmentType::Other,
    };
    if content_type == ContentType::Plain
        && let Ok(found) = triage::crash::read(&bytes)
        && draft.symbol.function.is_none()
    {
        draft.symbol.function = found.state.first().cloned();
        draft.note("attached crash", &format!("{} in {} ({name})", found.crash_type, found.state.join(", ")));
    }
    let description = leaf.description.as_deref().map(|text| line(text, ATTACHMENT_DESCRIPTION_BYTES_MAX));
    let description = description.filter(|text| !text.is_empty());
    // Names must differ after their type's extension, in any case.
    let unique = |name: &str, files: &[Attachment]| files.iter().all(|f| !f.filename.eq_ignore_ascii_case(name));
    let filename = if unique(&name, &draft.files) { name } else { format!("{}-{name}", number + 1) };
    draft.files.push(Attachment { filename, content_type, kind, description, bytes });
}

/// Which of TAP's types fits, by the content first: a mail's word for it is a claim.
fn content(leaf: &Leaf) -> (ContentType, Vec<u8>) {
    let starts = |magic: &[u8]| leaf.bytes.starts_with(magic);
    if starts(b"PK\x03\x04") {
        return (ContentType::Zip, leaf.bytes.clone());
    }
    if starts(&[0x1f, 0x8b]) {
        return (ContentType::Gzip, leaf.bytes.clone());
    }
    if starts(b"BZh") {
        return (ContentType::Bzip2, leaf.bytes.clone());
    }
    if starts(b"%PDF-") {
        return (ContentType::Pdf, leaf.bytes.clone());
    }
    let text = leaf.text.clone().map(String::into_bytes).unwrap_or_else(|| leaf.bytes.clone());
    if std::str::from_utf8(&text).is_ok_and(|text| !text.contains('\0')) {
        let content_type = match leaf.media_type.as_str() {
            "application/json" => ContentType::Json,
            "text/markdown" => ContentType::Markdown,
            _ => ContentType::Plain,
        };
        return (content_type, text);
    }
    (ContentType::OctetStream, leaf.bytes.clone())
}

/// A name without path, controls and what cannot be seen.
fn name_plain(told: &str, number: usize) -> String {
    let last = told.rsplit(['/', '\\']).next().unwrap_or(told);
    let plain = line(last, NAME_BYTES_MAX).replace(':', "_");
    match plain.trim_matches(['.', ' ']) {
        "" => format!("part-{}", number + 1),
        _ if plain.eq_ignore_ascii_case("description.md") || plain.eq_ignore_ascii_case("provenance.json") => {
            format!("mail-{plain}")
        }
        _ => plain,
    }
}
