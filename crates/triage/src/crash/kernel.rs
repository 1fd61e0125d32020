//! The Linux kernel's reports: KASAN, KMSAN, KCSAN, page faults, general protection faults, BUG. Written after the examples in the
//! kernel's own documentation (dev-tools/kasan, kmsan, kcsan).

use super::address::AddressKind;
use super::draft::Draft;
use super::text::{Text, after, between, capital, hex, number};
use super::{Access, CRASH_FRAMES_MAX, Frame, frame, name};

/// Lines below the heading that belong to the report.
const REPORT_LINES_MAX: usize = 400;
const HEADINGS: [(&str, &str); 12] = [
    ("BUG: KASAN: ", ""),
    ("BUG: KMSAN: ", ""),
    ("BUG: KCSAN: ", ""),
    ("BUG: KFENCE: ", ""),
    ("UBSAN: ", ""),
    ("KASAN: null-ptr-deref", "Null-ptr-deref"),
    ("general protection fault", "General-protection-fault"),
    ("kernel NULL pointer dereference", "Null-ptr-deref"),
    ("unable to handle page fault", "Page-fault"),
    ("unable to handle kernel paging request", "Page-fault"),
    ("kernel BUG at ", "Kernel-bug"),
    ("blocked for more than ", "Hung-task"),
];

/// Reads the first report in a kernel's log.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    let (at, (words, base)) = text.find(|line| HEADINGS.iter().find(|(words, _)| line.contains(words)).copied())?;
    // The words alone may stand in any prose; a kernel's stack may not.
    let report = || text.from(at).take(REPORT_LINES_MAX);
    let line = text.line(at);
    let rest = after(line, words).unwrap_or_default();
    let kind = if base.is_empty() { told_kind(rest) } else { base.to_owned() };
    let mut draft = Draft::new(format!("Kernel failure {kind}"), "Linux kernel");
    if words == "BUG: KASAN: " {
        draft.tool = "KASAN";
    }
    access_read(&mut draft, report().map(|(_, line)| line));
    if draft.address.is_none() {
        draft.address =
            ["address: 0x", "address: ", "range [", "at 0x", "at "].iter().find_map(|b| kernel_hex(after(rest, b)?));
    }
    draft.message = Some(without_stamp(line).to_owned());
    if kind == "Null-ptr-deref" {
        draft.region = Some(AddressKind::Null);
    }
    draft.frames = frames(report().map(|(_, line)| line));
    if draft.frames.is_empty() {
        draft.frames = function_in_heading(rest).into_iter().collect();
    }
    (!draft.frames.is_empty()).then_some(draft)
}

fn told_kind(rest: &str) -> String {
    let word = rest.split([' ', ':']).next().unwrap_or_default();
    capital(word)
}

fn kernel_hex(text: &str) -> Option<String> {
    let digits = text.trim_start_matches("0x").bytes().take_while(u8::is_ascii_hexdigit).count();
    (digits >= 8).then(|| hex(text)).flatten()
}

/// `Read of size 8 at addr ffff888…`, `write to 0xffff… of 4 bytes`.
fn access_read<'t>(draft: &mut Draft, lines: impl Iterator<Item = &'t str>) {
    for line in lines {
        let line = without_stamp(line);
        let (access, rest) = match (line.strip_prefix("Read of size "), line.strip_prefix("Write of size ")) {
            (Some(rest), _) => (Access::Read, rest),
            (_, Some(rest)) => (Access::Write, rest),
            _ => {
                let race = [("read to 0x", Access::Read), ("write to 0x", Access::Write)];
                let Some((words, access)) = race.iter().find(|(words, _)| line.starts_with(words)) else { continue };
                draft.address = after(line, words).and_then(hex);
                draft.access = Some(*access);
                draft.size_bytes = after(line, " of ").and_then(number);
                return;
            }
        };
        draft.access = Some(access);
        draft.size_bytes = number(rest);
        draft.address = after(rest, " at addr").map(|r| r.trim_start_matches("ess").trim_start()).and_then(hex);
        return;
    }
}

/// Without `[   12.345][ T99] ` or `<4>`.
fn without_stamp(line: &str) -> &str {
    let mut rest = line.trim_start();
    for _ in 0..3 {
        let stamp = rest.strip_prefix(['[', '<']).and_then(|inner| inner.split_once([']', '>']));
        match stamp {
            Some((inside, behind))
                if inside.bytes().all(|b| b.is_ascii_digit() || b". TC".contains(&b)) && !inside.is_empty() =>
            {
                rest = behind.trim_start();
            }
            _ => break,
        }
    }
    rest
}

/// The frames of the first call trace; before it the instruction itself, where it is told.
fn frames<'t>(lines: impl Iterator<Item = &'t str>) -> Vec<Frame> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut inside = false;
    let mut instruction = None;
    for line in lines {
        let line = without_stamp(line).trim();
        if let Some(rest) = after(line, "RIP: ") {
            let symbol = rest.split_once(':').map_or(rest, |(_, symbol)| symbol);
            instruction = instruction.or_else(|| symbolised(symbol));
            continue;
        }
        if line.starts_with("Call Trace") || line.starts_with("Call trace") || line.starts_with("Backtrace") {
            inside = true;
            continue;
        }
        if !inside {
            if line.contains(" by task ") || line.contains(" by interrupt on ") {
                inside = line.starts_with("read to") || line.starts_with("write to");
            }
            continue;
        }
        match symbolised(line) {
            Some(frame) if frames.len() < CRASH_FRAMES_MAX => frames.push(frame),
            Some(_) => {}
            None if line.starts_with('<') || line.starts_with('?') || line.ends_with(':') && frames.is_empty() => {}
            None if frames.is_empty() && !line.is_empty() => {}
            None => break,
        }
    }
    let known = |frame: &Frame| frames.iter().any(|other| other.function == frame.function);
    match instruction {
        Some(instruction) if !known(&instruction) => frames.insert(0, instruction),
        _ => {}
    }
    frames
}

/// `foo+0x1a/0x2b [module] net/core/x.c:77` or `foo net/core/x.c:77 [inline]`; what begins with `?` is a guess of the kernel's.
fn symbolised(line: &str) -> Option<Frame> {
    let line = line.trim();
    let line = line.strip_prefix("[<").and_then(|rest| rest.split_once(">]")).map_or(line, |(_, rest)| rest.trim());
    if line.starts_with('?') {
        return None;
    }
    let mut words = line.split_whitespace();
    let symbol = words.next()?;
    let mut found = Frame::default();
    let is_name =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.$:<>".contains(&b));
    match symbol.split_once("+0x") {
        Some((function, offset)) => {
            found.raw = function.to_owned();
            found.offset = Some(format!("0x{}", offset.split('/').next().unwrap_or(offset)));
        }
        None if line.ends_with("[inline]") => {
            found.raw = symbol.to_owned();
            found.inlined = true;
        }
        None => return None,
    }
    if !is_name(&found.raw) {
        return None;
    }
    found.function = name::readable(&found.raw);
    for word in words {
        if let Some(module) = word.strip_prefix('[').and_then(|w| w.strip_suffix(']')).filter(|m| *m != "inline") {
            found.module = Some(module.to_owned());
        } else if word.contains(':') {
            (found.file, found.line) = frame::place(word);
        }
    }
    Some(found)
}

fn function_in_heading(rest: &str) -> Option<Frame> {
    let symbol = between(rest, " in ", " ").or_else(|| after(rest, " in "))?;
    let raw = symbol.split("+0x").next()?.trim();
    (!raw.is_empty()).then(|| Frame { raw: raw.to_owned(), function: name::readable(raw), ..Frame::default() })
}
