//! CASR's crash reports (JSON). What it kept of a tool's own output is read like that output; its own words serve where there is none.

use serde_json::Value;

use super::address::AddressKind;
use super::draft::Draft;
use super::text::Text;
use super::{Access, frame, read_text};

/// Fields that keep a tool's output, line by line.
const KEPT: [&str; 12] = [
    "AsanReport",
    "UbsanReport",
    "MsanReport",
    "TsanReport",
    "PythonReport",
    "GoReport",
    "RustReport",
    "JavaReport",
    "JsReport",
    "CSharpReport",
    "LuaReport",
    "SanReport",
];
/// CASR's short descriptions, and what they are called here.
const DESCRIPTIONS: [(&str, &str); 17] = [
    ("SegFaultOnPc", "UNKNOWN"),
    ("ReturnAv", "UNKNOWN"),
    ("BranchAv", "UNKNOWN"),
    ("CallAv", "UNKNOWN"),
    ("DestAv", "UNKNOWN"),
    ("SourceAv", "UNKNOWN"),
    ("AccessViolation", "UNKNOWN"),
    ("AbortSignal", "Abrt"),
    ("TrapSignal", "Trap"),
    ("BadInstruction", "Ill"),
    ("FPE", "Floating-point-exception"),
    ("StackOverflow", "Stack-overflow"),
    ("stack-overflow", "Stack-overflow"),
    ("StackGuard", "Stack-buffer-overflow"),
    ("HeapError", "Heap-corruption"),
    ("SafeFunctionCheck", "Buffer-overflow"),
    ("double-free", "Heap-double-free"),
];

/// A report of CASR's, if that is what it is.
pub fn read(whole: &str) -> Option<Draft> {
    let trimmed = whole.trim_start();
    if !trimmed.starts_with('{') || !trimmed.contains("\"CrashSeverity\"") {
        return None;
    }
    let value: Value = serde_json::from_str(trimmed.trim_end()).ok()?;
    let severity = value.get("CrashSeverity")?;
    let word = |field: &str| severity.get(field).and_then(Value::as_str).unwrap_or_default();
    let kept = KEPT.iter().find_map(|field| lines(value.get(field)?).and_then(|text| read_text(&text)));
    let mut draft = match kept {
        Some(draft) => draft,
        None => described(word("ShortDescription")),
    };
    if draft.frames.is_empty()
        && let Some(stack) = value.get("Stacktrace").and_then(lines)
    {
        draft.frames = frame::stack(&Text::of(&stack), 0).map(|(frames, _)| frames).unwrap_or_default();
    }
    if word("Type") == "EXPLOITABLE" {
        draft.security = Some(true);
    }
    draft.message = draft.message.or_else(|| Some(word("Description").to_owned()));
    Some(draft)
}

fn lines(value: &Value) -> Option<String> {
    let lines: Vec<&str> = value.as_array()?.iter().filter_map(Value::as_str).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// `heap-buffer-overflow(read)`, `DestAvNearNull`.
fn described(short: &str) -> Draft {
    let (name, access) = match short.split_once('(') {
        Some((name, access)) => (name, access.trim_end_matches(')')),
        None => (short, ""),
    };
    let known = DESCRIPTIONS.iter().find(|(begin, _)| name.starts_with(begin)).map(|(_, base)| *base);
    let base = match known {
        Some("UNKNOWN") if name.ends_with("NearNull") => "Null-dereference".to_owned(),
        Some(base) => base.to_owned(),
        None if name.is_empty() => "UNKNOWN".to_owned(),
        None => super::text::capital(name),
    };
    let mut draft = Draft::new(base, "CASR");
    draft.region = name.ends_with("NearNull").then_some(AddressKind::Null);
    draft.access = match access {
        "read" => Some(Access::Read),
        "write" => Some(Access::Write),
        _ if name.starts_with("SourceAv") => Some(Access::Read),
        _ if name.starts_with("DestAv") => Some(Access::Write),
        _ => None,
    };
    draft
}
