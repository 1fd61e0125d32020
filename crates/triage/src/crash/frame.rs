//! Stack frames as sanitizers, debuggers and kernels print them. Reads single lines and whole stacks; decides nothing about them.

use super::text::{Text, number};
use super::{CRASH_FRAMES_MAX, Frame, name};

/// Lines between two frames that belong to a stack all the same: a wrapped line, a source line, a note.
const GAP_LINES_MAX: usize = 2;

/// A frame with what only its stack needs.
pub struct Numbered {
    pub index: u64,
    /// The instruction, as it was written.
    pub pc: Option<String>,
    pub frame: Frame,
}

/// The first stack at or below line `from`: its frames, innermost first, and the line behind it.
pub fn stack(text: &Text<'_>, from: usize) -> Option<(Vec<Frame>, usize)> {
    let begin = text.from(from).find(|(_, line)| numbered(line).is_some()).map(|(at, _)| at)?;
    let mut found: Vec<Numbered> = Vec::new();
    let (mut end, mut gap) = (begin, 0);
    for (at, line) in text.from(begin) {
        let Some(next) = numbered(line) else {
            gap += 1;
            if line.trim().is_empty() || gap > GAP_LINES_MAX {
                break;
            }
            continue;
        };
        if found.last().is_some_and(|last| next.index <= last.index) {
            break;
        }
        (gap, end) = (0, at + 1);
        found.push(next);
        if found.len() == CRASH_FRAMES_MAX {
            break;
        }
    }
    Some((with_inlined(found), end))
}

/// Frames that share an instruction with the next one outward were put into it.
fn with_inlined(found: Vec<Numbered>) -> Vec<Frame> {
    let pcs: Vec<Option<String>> = found.iter().map(|f| f.pc.clone()).collect();
    let mut frames: Vec<Frame> = found.into_iter().map(|f| f.frame).collect();
    for (at, frame) in frames.iter_mut().enumerate() {
        let (own, outer) = (pcs.get(at).cloned().flatten(), pcs.get(at + 1).cloned().flatten());
        frame.inlined |= own.is_some() && own == outer;
    }
    frames
}

/// `#3 0x55d7 in f(int) /src/a.c:6:66 (prog+0x12) (BuildId: …)`, ThreadSanitizer's and gdb's forms of it.
pub fn numbered(line: &str) -> Option<Numbered> {
    let rest = line.trim_start().strip_prefix('#')?;
    let index = number(rest)?;
    let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix(' ')?.trim_start();
    let (pc, rest) = match rest.strip_prefix("0x") {
        Some(hex) => {
            let end = hex.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(hex.len());
            let pc = hex.get(..end)?.trim_start_matches('0').to_owned();
            (Some(pc), hex.get(end..)?.trim_start())
        }
        None => (None, rest),
    };
    let named = rest.strip_prefix("in ");
    let body = named.unwrap_or(rest);
    let frame = debugger(body, pc.is_none() && index > 0).or_else(|| tool(body, named.is_none() && pc.is_some()))?;
    Some(Numbered { index, pc, frame })
}

/// gdb's: `f (a=1, b=0x2) at a.c:3` or `f () from lib.so`.
fn debugger(body: &str, inlined: bool) -> Option<Frame> {
    let open = body.find(" (")?;
    let (before, behind) = body.rsplit_once(") at ").or_else(|| body.rsplit_once(") from ")).or_else(|| {
        let whole = body.strip_suffix(')')?;
        // A sanitizer's frame ends with its module in brackets; a debugger's with arguments.
        (!whole.contains("+0x") && !whole.contains('/')).then_some((whole, ""))
    })?;
    let raw = before.get(..open)?;
    let mut frame = Frame { raw: raw.to_owned(), function: name::readable(raw), ..Frame::default() };
    if raw == "??" {
        frame.function.clear();
    }
    if body.contains(") from ") {
        frame.module = Some(behind.to_owned());
    } else if !behind.is_empty() {
        (frame.file, frame.line) = place(behind);
    }
    frame.inlined = inlined;
    Some(frame)
}

/// A sanitizer's: function, then file and line, then module.
fn tool(body: &str, unnamed: bool) -> Option<Frame> {
    let body = body.split(" (BuildId:").next().unwrap_or(body).trim_end();
    let mut frame = Frame::default();
    let mut rest = body;
    if let Some(open) = body.rfind('(').filter(|_| body.ends_with(')')) {
        let inside = body.get(open + 1..body.len() - 1).unwrap_or_default();
        if let Some((module, offset)) = inside.rsplit_once("+0x") {
            frame.module = Some(module.to_owned());
            frame.offset = Some(format!("0x{offset}"));
            rest = body.get(..open).unwrap_or_default().trim_end();
        } else if inside.contains('/') && open == 0 {
            frame.module = Some(inside.to_owned());
            rest = "";
        }
    }
    if unnamed && frame.module.is_none() && !rest.contains(['/', ':']) {
        // `#0 0x41 f+0x12`: a kernel's or a crash handler's own stack.
        let (function, offset) = rest.split_once("+0x").map_or((rest, None), |(f, o)| (f, Some(format!("0x{o}"))));
        frame.offset = offset;
        rest = function;
    }
    let (function, file) = function_and_file(rest);
    if let Some(file) = file {
        (frame.file, frame.line) = place(file);
    }
    let function = function.split("+0x").next().unwrap_or(function).trim();
    if function.is_empty() && frame.module.is_none() && frame.file.is_none() {
        return None;
    }
    frame.raw = function.to_owned();
    frame.function = if function == "<null>" { String::new() } else { name::readable(function) };
    Some(frame)
}

/// Splits at the last blank before a path: a path has a slash, or a line number behind it.
fn function_and_file(text: &str) -> (&str, Option<&str>) {
    // Windows paths and paths with blanks in them begin at the first blank before a slash that no bracket encloses.
    if let Some(at) = text.find(" C:\\").or_else(|| text.find(" D:\\")) {
        return (text.get(..at).unwrap_or_default(), text.get(at + 1..));
    }
    let Some((function, last)) = text.rsplit_once(' ') else {
        let is_path = text.starts_with('/') || text.starts_with("..");
        return if is_path { ("", Some(text)) } else { (text, None) };
    };
    if last == "<null>" {
        return (function, None);
    }
    let numbered = last.rsplit_once(':').is_some_and(|(path, line)| !path.ends_with(':') && number(line).is_some());
    let is_path = numbered || last.starts_with('/') || last.starts_with("../") || last.starts_with("./");
    if is_path { (function, Some(last)) } else { (text, None) }
}

/// `a.c:6:66`, `a.c:6` or `a.c`.
pub fn place(text: &str) -> (Option<String>, Option<u32>) {
    let text = text.trim();
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.rsplitn(3, ':');
    let (last, middle, first) = (parts.next(), parts.next(), parts.next());
    match (first, middle, last) {
        (Some(file), Some(line), Some(column)) if digits(line) && digits(column) => {
            (Some(file.to_owned()), line.parse().ok())
        }
        (_, Some(_), Some(line)) if digits(line) => {
            let file = text.get(..text.len() - line.len() - 1).unwrap_or_default();
            (Some(file.to_owned()), line.parse().ok())
        }
        _ if text.is_empty() => (None, None),
        _ => (Some(text.to_owned()), None),
    }
}
