//! Rust: panics, with or without a backtrace, and overflowed stacks.

use super::draft::Draft;
use super::text::{Text, after, between};
use super::{CRASH_FRAMES_MAX, Frame, frame, name};

/// Lines between a panic's message and its backtrace.
const BEFORE_STACK_LINES_MAX: usize = 40;
/// What a message begins with, and what that is called.
const KINDS: [(&str, &str); 7] = [
    ("index out of bounds", "Index-out-of-bounds"),
    ("range end index", "Index-out-of-bounds"),
    ("range start index", "Index-out-of-bounds"),
    ("slice index starts at", "Index-out-of-bounds"),
    ("attempt to divide by zero", "Divide-by-zero"),
    ("attempt to calculate the remainder with a divisor of zero", "Divide-by-zero"),
    ("memory allocation of", "Out-of-memory"),
];

/// Reads the first panic.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    panic(text).or_else(|| overflowed(text)).or_else(|| memory(text))
}

fn overflowed(text: &Text<'_>) -> Option<Draft> {
    let at =
        text.position("has overflowed its stack").filter(|at| text.line(*at).trim_start().starts_with("thread "))?;
    let mut draft = Draft::new("Stack-overflow", "Rust");
    draft.message = Some(text.line(at).trim().to_owned());
    Some(draft)
}

fn memory(text: &Text<'_>) -> Option<Draft> {
    let at = text.position("memory allocation of ").filter(|at| text.line(*at).contains(" bytes failed"))?;
    let mut draft = Draft::new("Out-of-memory", "Rust");
    draft.message = Some(text.line(at).trim().to_owned());
    Some(draft)
}

fn panic(text: &Text<'_>) -> Option<Draft> {
    let (at, place) = text.find(|line| {
        let line = line.trim_start();
        line.starts_with("thread ").then_some(())?;
        after(line, " panicked at ").map(str::to_owned)
    })?;
    // Since Rust 1.73 the message has a line of its own; before, it stood in quotes before the place.
    let (message, place) = match place.strip_prefix('\'').and_then(|old| old.rsplit_once("', ")) {
        Some((message, place)) => (message.to_owned(), place.to_owned()),
        None => (text.line(at + 1).trim().to_owned(), place.trim_end_matches(':').to_owned()),
    };
    let known = KINDS.iter().find(|(begin, _)| message.starts_with(begin)).map(|(_, base)| *base);
    let base = match known {
        Some(base) => base,
        None if message.starts_with("attempt to ") && message.ends_with(" with overflow") => "Integer-overflow",
        None => "ASSERT",
    };
    let mut draft = Draft::new(base, "Rust");
    draft.message = Some(message);
    // A panic is what keeps memory from being touched.
    draft.security = Some(false);
    draft.frames = backtrace(text, at + 1);
    if draft.frames.is_empty() {
        draft.warnings.push(format!("no backtrace was printed (RUST_BACKTRACE=1 prints one); it panicked at {place}"));
    }
    Some(draft)
}

/// Pairs of lines: `  6: codec::Row<T>::cell` (before the name an address, in full backtraces) and `   at ./a.rs:7:19`.
fn backtrace(text: &Text<'_>, from: usize) -> Vec<Frame> {
    let begin = text.from(from).take(BEFORE_STACK_LINES_MAX).find(|(_, line)| line.starts_with("stack backtrace:"));
    let Some((begin, _)) = begin else { return Vec::new() };
    let mut frames: Vec<Frame> = Vec::new();
    let mut pcs: Vec<String> = Vec::new();
    for (_, line) in text.from(begin + 1) {
        let line = line.trim();
        if let Some(place) = line.strip_prefix("at ") {
            if let Some(last) = frames.last_mut() {
                (last.file, last.line) = frame::place(place);
            }
            continue;
        }
        let Some((index, raw)) = line.split_once(": ").filter(|(i, _)| i.bytes().all(|b| b.is_ascii_digit())) else {
            break;
        };
        if index.is_empty() || frames.len() == CRASH_FRAMES_MAX {
            break;
        }
        let pc = between(raw, "0x", " - ").unwrap_or_default();
        let raw = if pc.is_empty() { raw } else { after(raw, " - ").unwrap_or(raw) }.trim();
        if raw == "<unknown>" {
            continue;
        }
        if !pc.is_empty()
            && pcs.last().is_some_and(|last| last == pc)
            && let Some(inner) = frames.last_mut()
        {
            inner.inlined = true;
        }
        pcs.push(pc.to_owned());
        frames.push(Frame { function: name::readable(raw), raw: raw.to_owned(), ..Frame::default() });
    }
    frames
}
