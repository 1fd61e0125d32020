//! What a crashing program printed, and CASR's reports: one report each. Must not read the output itself: `triage::crash` does.

use formats::json::Node;
use formats::tap::{ContentType, Symbol};
use triage::crash::{self, Crash};

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::line;
use crate::{Document, Left, Refused};

/// Frames that are told in the description.
const FRAMES_TOLD_MAX: usize = 32;

/// Puts what a crash's output says into a draft.
pub fn put(draft: &mut Draft, crash: &Crash) {
    let place = crash.state.first().map_or("an unknown place", String::as_str);
    draft.title = format!("{} in {place}", crash.crash_type);
    draft.note("crash type", &crash.crash_type);
    draft.note("address", crash.address.as_deref().unwrap_or_default());
    draft.note("state", &crash.state.join(", "));
    draft.note("message", crash.message.as_deref().unwrap_or_default());
    if !crash.frames.is_empty() {
        draft.text.push_str("\n\n```text\n");
        for (at, frame) in crash.frames.iter().take(FRAMES_TOLD_MAX).enumerate() {
            let file = frame.file.as_deref().or(frame.module.as_deref()).unwrap_or_default();
            let number = frame.line.map(|n| format!(":{n}")).unwrap_or_default();
            let told = line(&format!("#{at} {} {file}{number}", frame.function), 400);
            draft.text.push_str(&format!("{told}\n"));
        }
        draft.text.push_str("```\n");
    }
    let own = crash.state.first().and_then(|name| crash.frames.iter().find(|f| f.function.contains(name.as_str())));
    draft.symbol = Symbol {
        file: own.and_then(|frame| frame.file.clone()),
        function: crash.state.first().cloned(),
        line: own.and_then(|frame| frame.line).map(u64::from),
    };
    draft.code_path = Some(crash.state.join(" < ")).filter(|path| !path.is_empty());
    draft.tool = Some(crash.tool.to_owned());
    for warning in &crash.warnings {
        draft.warn("crash", "", warning.clone());
    }
}

/// A crash's output.
pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let found =
        crash::read(bytes).map_err(|error| Refused::Unreadable { kind: Kind::Crash, reason: error.to_string() })?;
    let mut draft = Draft { method: Some("fuzzing or testing"), ..Draft::default() };
    put(&mut draft, &found);
    let (name, content_type) = match std::str::from_utf8(bytes) {
        Ok(_) => ("crash.txt", ContentType::Plain),
        Err(_) => ("crash.bin", ContentType::OctetStream),
    };
    draft.original = Original::of(name, content_type, bytes, 1);
    let mut document = Document::new(Kind::Crash);
    left.draw(&mut document, draft, given);
    Ok(document)
}

/// A report of CASR's.
pub fn read_casr(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let (mut document, node) = Document::of_json(Kind::Casr, "a CASR report", bytes)?;
    let found =
        crash::read(bytes).map_err(|error| Refused::Unreadable { kind: Kind::Casr, reason: error.to_string() })?;
    let mut draft = Draft { method: Some("fuzzing or testing"), ..Draft::default() };
    if let Some(severity) = node.get("CrashSeverity") {
        draft.note("CASR's word", severity.text("Type").unwrap_or_default());
        draft.note("description", severity.text("Description").unwrap_or_default());
    }
    put(&mut draft, &found);
    for (name, field) in
        [("command", "ProcCmdline"), ("at", "CrashLine"), ("executable", "ExecutablePath"), ("os", "Os")]
    {
        draft.note(name, node.text(field).unwrap_or_default());
    }
    draft.software = node.text("Package").map(str::to_owned);
    draft.versions.extend(node.text("PackageVersion").map(str::to_owned));
    // CASR asks the distribution's own list of packages.
    draft.ecosystem = node.text("Os").map(str::to_owned);
    if let Some(Node::Array(_)) = node.get("AsanReport") {
        draft.tool = Some("CASR, AddressSanitizer".to_owned());
    }
    draft.original = Original::of("casr.json", ContentType::Json, bytes, 1);
    left.draw(&mut document, draft, given);
    Ok(document)
}
