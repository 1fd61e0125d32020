//! JavaScript: uncaught errors of V8 and Node, and V8's own fatal errors.

use super::draft::Draft;
use super::text::{Text, after};
use super::{CRASH_FRAMES_MAX, Frame, frame};

/// Lines above the first frame in which the error stands: messages may have several.
const MESSAGE_LINES_MAX: usize = 6;

/// Reads V8's fatal errors: `# Fatal error in a.cc, line 3` with what follows it, and memory that ran out.
pub fn read_check(text: &Text<'_>) -> Option<Draft> {
    if let Some((at, said)) = text.find(|line| after(line, "FATAL ERROR: ").map(str::to_owned)) {
        let base = if said.contains("out of memory") { "Out-of-memory" } else { "V8 API error" };
        let mut draft = Draft { message: Some(said), ..Draft::new(base, "V8") };
        draft.security = Some(false);
        if base != "Out-of-memory" {
            // Where memory ran out is chance; where the interface was misused is not.
            draft.frames = native(text, at + 1);
        }
        return Some(draft);
    }
    let (at, _) = text.find(|line| line.trim_start().starts_with("# Fatal error in ").then_some(()))?;
    let said = text.line(at + 1).trim_start_matches(['#', ' ']).trim().to_owned();
    let known = [
        ("Debug check failed: ", "DCHECK failure"),
        ("Check failed: ", "CHECK failure"),
        ("unreachable code", "Unreachable code"),
        ("unimplemented code", "Unreachable code"),
        ("Fatal process out of memory", "Out-of-memory"),
    ];
    let (words, base) = known.iter().find(|(words, _)| said.starts_with(words)).copied().unwrap_or(("", "Fatal error"));
    let mut draft = Draft::new(base, "V8");
    draft.security = Some(base == "DCHECK failure");
    let condition = said.strip_prefix(words).filter(|rest| !rest.is_empty()).unwrap_or(&said);
    // `a < b (9 vs. 4)`: the values are the input's.
    let condition = condition.split(" (").next().filter(|_| condition.contains(" vs. ")).unwrap_or(condition);
    draft.lead = Some(condition.trim_end_matches('.').to_owned());
    draft.frames = native(text, at + 2);
    draft.message = Some(said);
    Some(draft)
}

/// Reads the first uncaught error.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    let (first, _) = text.find(frame)?;
    let said = (first.saturating_sub(MESSAGE_LINES_MAX)..first).rev().find_map(|at| error(text.line(at)))?;
    let mut frames = Vec::new();
    for (_, line) in text.from(first) {
        match frame(line) {
            Some(found) if frames.len() < CRASH_FRAMES_MAX => frames.push(found),
            Some(_) => {}
            None => break,
        }
    }
    let base = if said.contains("Maximum call stack size exceeded") || said.contains("too much recursion") {
        "Stack-overflow"
    } else if said.contains("Array buffer allocation failed") || said.contains("Invalid array length") {
        "Out-of-memory"
    } else {
        "Uncaught exception"
    };
    Some(Draft { frames, message: Some(said), ..Draft::new(base, "JavaScript") })
}

/// `TypeError: Cannot read …`, `Uncaught Error [ERR_X]: …`.
fn error(line: &str) -> Option<String> {
    let said = line.trim().trim_start_matches("Uncaught ").trim_start_matches("(in promise) ");
    let said = after(said, "Uncaught Exception: Jazzer.js: ").unwrap_or(said);
    let name = said.split([':', ' ']).next().unwrap_or_default();
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "._$".contains(c));
    (plain && (name.ends_with("Error") || name.ends_with("Exception") || name.ends_with("Warning")))
        .then(|| said.to_owned())
}

/// `    at Frame.cell (/src/a.js:4:35)` or `    at /src/a.js:4:35`.
fn frame(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("at ")?.trim_end().trim_end_matches(" {");
    let (raw, place) = match rest.strip_suffix(')').and_then(|r| r.rsplit_once(" (")) {
        Some((raw, place)) => (raw, place),
        None => ("<anonymous>", rest.trim_start_matches("async ")),
    };
    let native = place == "<anonymous>" || place == "native";
    let (file, line) = frame::place(place);
    if !native && line.is_none() || place.contains(' ') && !place.contains('/') && !place.contains('\\') {
        return None;
    }
    let mut frame = Frame { function: stable(raw), raw: raw.to_owned(), ..Frame::default() };
    if !native {
        frame.file = file.map(|f| f.strip_prefix("file://").map(str::to_owned).unwrap_or(f));
        frame.line = line;
    }
    Some(frame)
}

fn stable(raw: &str) -> String {
    let name = raw.split(" [as ").next().unwrap_or(raw);
    let name = name.trim_start_matches("async ").trim_start_matches("new ");
    name.to_owned()
}

/// `==== C stack trace ===` and ` 3: 0xee85e7 v8::f(int) [node]`.
fn native(text: &Text<'_>, from: usize) -> Vec<Frame> {
    let mut frames = Vec::new();
    for (_, line) in text.from(from) {
        let line = line.trim();
        let rest = line.split_once(": 0x").filter(|(i, _)| i.bytes().all(|b| b.is_ascii_digit()));
        if let Some((_, rest)) = rest {
            let raw = rest.split_once(' ').map_or("", |(_, raw)| raw).trim();
            let (raw, module) =
                raw.rsplit_once(" [").or_else(|| raw.strip_prefix('[').map(|m| ("", m))).unwrap_or((raw, ""));
            frames.push(Frame {
                function: super::name::readable(raw),
                raw: raw.to_owned(),
                module: (!module.is_empty()).then(|| module.trim_end_matches(']').to_owned()),
                ..Frame::default()
            });
        } else if let Some((module, raw)) = line.rsplit_once("+0x").and_then(|(before, _)| before.split_once('(')) {
            frames.push(Frame {
                function: super::name::readable(raw),
                raw: raw.to_owned(),
                module: Some(module.to_owned()),
                ..Frame::default()
            });
        }
        if frames.len() == CRASH_FRAMES_MAX {
            break;
        }
    }
    if frames.is_empty() {
        frames = frame::stack(text, from).map(|(frames, _)| frames).unwrap_or_default();
    }
    frames
}
