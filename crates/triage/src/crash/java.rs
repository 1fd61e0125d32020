//! Java and Kotlin: uncaught exceptions, Jazzer's findings, and the Java machine's own crashes. Of a chain of causes the innermost
//! counts: that is where it went wrong.

use super::draft::Draft;
use super::text::{Text, after, hex};
use super::{CRASH_FRAMES_MAX, Frame};

/// Reads the first exception or crash.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    machine(text).or_else(|| exception(text))
}

fn exception(text: &Text<'_>) -> Option<Draft> {
    let first = text.from(1).find(|(_, line)| frame(line).is_some()).map(|(at, _)| at)?;
    let heading = (0..first).rev().take(4).find(|at| class(text.line(*at)).is_some())?;
    let mut said = class(text.line(heading))?;
    let whole = said.clone();
    let mut frames = Vec::new();
    for (_, line) in text.from(heading + 1) {
        let words = line.trim_start();
        if let Some(found) = frame(line) {
            if frames.len() < CRASH_FRAMES_MAX {
                frames.push(found);
            }
        } else if let Some(cause) = words.strip_prefix("Caused by: ") {
            said = cause.trim().to_owned();
            frames.clear();
        } else if !(words.starts_with("... ") || words.starts_with("Suppressed: ") || frames.is_empty()) {
            break;
        }
    }
    let name = said.split(':').next().unwrap_or(&said);
    let base = match name.rsplit('.').next().unwrap_or(name) {
        "StackOverflowError" => "Stack-overflow",
        "OutOfMemoryError" => "Out-of-memory",
        _ if whole.contains("FuzzerSecurityIssue") => "Security exception",
        _ => "Uncaught exception",
    };
    let mut draft = Draft::new(base, "Java");
    draft.message = Some(said);
    draft.frames = frames;
    Some(draft)
}

/// The exception that a heading names, with its message.
fn class(line: &str) -> Option<String> {
    let said = [" Exception: ", "Exception in thread "].iter().find_map(|words| after(line, words)).unwrap_or(line);
    let said = match said.strip_prefix('"') {
        Some(thread) => thread.split_once('"').map_or(said, |(_, rest)| rest),
        None => said,
    };
    let said = said.trim().trim_start_matches("Caused by: ");
    let name = said.split([':', ' ']).next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || "._$".contains(c);
    (name.contains('.') && name.chars().all(plain)).then(|| said.to_owned())
}

/// `\tat java.base/java.lang.Iterable.forEach(Iterable.java:75)`.
fn frame(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("at ")?.trim_end();
    let (raw, place) = rest.strip_suffix(')')?.split_once('(')?;
    let place_known = [".java", ".kt", ".scala", ".groovy", ".clj"].iter().any(|end| place.contains(end));
    if !(place_known || place == "Native Method" || place == "Unknown Source" || place == "<generated>") {
        return None;
    }
    if raw.contains(' ') || !raw.contains('.') {
        return None;
    }
    let (module, function) = raw.rsplit_once('/').map_or((None, raw), |(m, f)| (Some(m.to_owned()), f));
    let mut frame = Frame { function: stable(function), raw: raw.to_owned(), module, ..Frame::default() };
    if place_known {
        let (file, number) = place.split_once(':').unwrap_or((place, ""));
        frame.file = Some(file.to_owned());
        frame.line = number.parse().ok();
    }
    Some(frame)
}

/// Without the numbers that compilers give to lambdas and generated classes.
fn stable(function: &str) -> String {
    match function.split_once("lambda$") {
        Some((before, lambda)) => {
            let end = lambda.rfind('$').unwrap_or(lambda.len());
            format!("{before}lambda${}", lambda.get(..end).unwrap_or(lambda))
        }
        None => function.to_owned(),
    }
}

/// `# A fatal error has been detected by the Java Runtime Environment:` with its native frames.
fn machine(text: &Text<'_>) -> Option<Draft> {
    let at = text.position("A fatal error has been detected by the Java Runtime Environment")?;
    let signal = text.from(at).take(12).find_map(|(_, line)| {
        let signals = [
            ("SIGSEGV", "UNKNOWN"),
            ("SIGBUS", "UNKNOWN"),
            ("SIGABRT", "Abrt"),
            ("SIGFPE", "Floating-point-exception"),
        ];
        signals.iter().find(|(word, _)| line.contains(word)).map(|(_, base)| *base)
    });
    let mut draft = Draft::new(signal.unwrap_or("Fatal error"), "Java");
    for (_, line) in text.from(at) {
        if let Some(address) = after(line, "si_addr: 0x").and_then(hex) {
            draft.address = Some(address);
            draft.unmapped = true;
        }
        let native = ["# C  [", "# V  [", "C  [", "V  ["].iter().find_map(|begin| line.strip_prefix(begin));
        if let Some((place, function)) = native.and_then(|rest| rest.split_once(']'))
            && draft.frames.len() < CRASH_FRAMES_MAX
        {
            let (module, offset) = place.split_once('+').unwrap_or((place, ""));
            let raw = function.trim().split("+0x").next().unwrap_or_default();
            draft.frames.push(Frame {
                function: super::name::readable(raw),
                raw: raw.to_owned(),
                module: Some(module.to_owned()),
                offset: (!offset.is_empty()).then(|| offset.to_owned()),
                ..Frame::default()
            });
        }
    }
    draft.frames.dedup_by(|a, b| a.raw == b.raw && a.offset == b.offset);
    Some(draft)
}
