//! Go: panics, fatal errors and the race detector. The first goroutine's stack counts: it is the one that failed.

use super::draft::Draft;
use super::text::{Text, after, hex};
use super::{Access, CRASH_FRAMES_MAX, Frame, frame};

/// Blank lines and headings between a message and its stack.
const BEFORE_STACK_LINES_MAX: usize = 60;
/// ClusterFuzz's names of runtime errors.
const RUNTIME_ERRORS: [(&str, &str); 6] = [
    ("integer divide by zero", "Integer divide by zero"),
    ("index out of range", "Index out of range"),
    ("invalid memory address", "Invalid memory address"),
    ("makeslice: len out of range", "Makeslice: len out of range"),
    ("makeslice: cap out of range", "Makeslice: cap out of range"),
    ("slice bounds out of range", "Slice bounds out of range"),
];

/// Reads the first race, panic or fatal error.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    race(text).or_else(|| panic(text))
}

fn race(text: &Text<'_>) -> Option<Draft> {
    let at = text.position("WARNING: DATA RACE")?;
    let mut draft = Draft::new("Data race", "Go race detector");
    let access = text.line(at + 1).trim_start();
    draft.access = match access.split(' ').next() {
        Some("Read") => Some(Access::Read),
        Some("Write") => Some(Access::Write),
        _ => None,
    };
    draft.address = after(access, " at 0x").and_then(hex);
    draft.frames = frames(text, at + 2);
    Some(draft)
}

fn panic(text: &Text<'_>) -> Option<Draft> {
    let (at, (is_panic, message)) = text.find(|line| {
        let line = line.trim_start();
        let panic = line.strip_prefix("panic: ").map(|message| (true, message.to_owned()));
        panic.or_else(|| line.strip_prefix("fatal error: ").map(|message| (false, message.to_owned())))
    })?;
    let begin =
        text.from(at + 1).take(BEFORE_STACK_LINES_MAX).find(|(_, line)| is_goroutine(line)).map(|(at, _)| at)?;
    let runtime = message.strip_prefix("runtime error: ");
    let base = match (runtime, is_panic) {
        (Some(error), _) => {
            let known = RUNTIME_ERRORS.iter().find(|(begin, _)| error.starts_with(begin));
            known.map_or_else(|| "Runtime error".to_owned(), |(_, base)| (*base).to_owned())
        }
        (None, true) => "ASSERT".to_owned(),
        (None, false) if message.starts_with("stack overflow") => "Stack overflow".to_owned(),
        (None, false) if message.contains("out of memory") => "Out-of-memory".to_owned(),
        (None, false) => "Fatal error".to_owned(),
    };
    let mut draft = Draft { message: Some(message), ..Draft::new(base, "Go") };
    draft.security = Some(false);
    for (_, line) in text.from(at + 1).take(BEFORE_STACK_LINES_MAX) {
        if let Some(address) = after(line, " addr=0x").filter(|_| line.starts_with("[signal ")).and_then(hex) {
            draft.unmapped = true;
            // A pointer that is neither null nor near it was made by unsafe code or by a race.
            let null = super::address::value(&address).is_some_and(|a| a < 0x1000);
            draft.security = Some(!null);
            draft.address = Some(address);
            break;
        }
    }
    draft.frames = frames(text, begin + 1);
    Some(draft)
}

fn is_goroutine(line: &str) -> bool {
    line.starts_with("goroutine ") && line.trim_end().ends_with(':')
}

/// Pairs of lines: `main.f(0x1, ...)` and `\t/src/a.go:13 +0x5`.
fn frames(text: &Text<'_>, from: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut at = from;
    while at < text.len() && frames.len() < CRASH_FRAMES_MAX {
        let line = text.line(at).trim();
        if line.is_empty() {
            break;
        }
        at += 1;
        if line.starts_with("created by ") || line.starts_with("...") {
            break;
        }
        let place = text.line(at).trim();
        let file = place.split(' ').next().unwrap_or_default();
        if !file.contains(':') || !line.ends_with(')') {
            continue;
        }
        at += 1;
        let raw = arguments_cut(line);
        let (file, line_number) = frame::place(file);
        frames.push(Frame {
            function: function(raw),
            raw: raw.to_owned(),
            file,
            line: line_number,
            inlined: line.ends_with("(...)") && !place.contains("+0x"),
            ..Frame::default()
        });
    }
    frames
}

/// Without the last group of round brackets.
fn arguments_cut(line: &str) -> &str {
    line.rfind('(').and_then(|at| line.get(..at)).unwrap_or(line)
}

/// Type arguments are not told (`f[...]`), so they are no part of a name.
fn function(raw: &str) -> String {
    raw.replace("[...]", "")
}
