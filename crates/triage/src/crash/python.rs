//! Python: uncaught exceptions and the interpreter's fatal errors. Of exceptions raised `from` each other the first counts: that is
//! where it went wrong; of exceptions raised while another was handled the last, which nobody caught.

use super::draft::Draft;
use super::text::{Text, between, number};
use super::{CRASH_FRAMES_MAX, Frame};

const DIRECT_CAUSE: &str = "The above exception was the direct cause of the following exception:";
/// Blank lines between a traceback and the sentence that links it to the next.
const LINK_LINES_MAX: usize = 3;

struct Traceback {
    frames: Vec<Frame>,
    message: String,
    end: usize,
}

/// Reads the first chain of exceptions, or the first fatal error.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    fatal(text).or_else(|| chain(text))
}

fn chain(text: &Text<'_>) -> Option<Draft> {
    let mut chosen = traceback(text, 0)?;
    let mut end = chosen.end;
    loop {
        let link = text.from(end).take(LINK_LINES_MAX).find(|(_, line)| !line.trim().is_empty());
        let Some((at, line)) = link else { break };
        let is_direct = line.trim() == DIRECT_CAUSE;
        if !is_direct && !line.contains("another exception occurred:") {
            break;
        }
        let Some(next) = traceback(text, at) else { break };
        end = next.end;
        if !is_direct {
            chosen = next;
        }
    }
    let message = chosen.message;
    let class = message.split(':').next().unwrap_or_default();
    let base = match class.rsplit('.').next().unwrap_or(class) {
        "RecursionError" => "Stack-overflow",
        "MemoryError" => "Out-of-memory",
        "AssertionError" => "ASSERT",
        _ => "Uncaught exception",
    };
    let mut draft = Draft { frames: chosen.frames, ..Draft::new(base, "Python") };
    draft.message = Some(message);
    Some(draft)
}

fn traceback(text: &Text<'_>, from: usize) -> Option<Traceback> {
    let (begin, _) = text.from(from).find(|(_, line)| line.contains("Traceback (most recent call last):"))?;
    let indent = text.line(begin).len() - text.line(begin).trim_start().len();
    let mut frames: Vec<Frame> = Vec::new();
    for (at, line) in text.from(begin + 1) {
        if let Some(mut found) = frame(line) {
            found.inlined = false;
            frames.push(found);
            continue;
        }
        if let Some(times) = between(line, "[Previous line repeated ", " more time").and_then(number) {
            let last = frames.last().cloned();
            frames.extend(last.into_iter().cycle().take(times.min(CRASH_FRAMES_MAX as u64) as usize));
            continue;
        }
        let is_source = line.len() - line.trim_start().len() > indent;
        if is_source || line.trim().is_empty() && frames.is_empty() {
            continue;
        }
        frames.reverse();
        frames.truncate(CRASH_FRAMES_MAX);
        return Some(Traceback { frames, message: line.trim().to_owned(), end: at + 1 });
    }
    frames.reverse();
    frames.truncate(CRASH_FRAMES_MAX);
    (!frames.is_empty()).then(|| Traceback { frames, message: String::new(), end: text.len() })
}

/// `  File "a.py", line 15, in read`; faulthandler leaves the comma out.
fn frame(line: &str) -> Option<Frame> {
    let rest = line.trim_start().strip_prefix("File \"")?;
    let (file, rest) = rest.split_once("\", line ")?;
    let line_number = number(rest)?;
    let function = rest.split_once("in ").map_or("<module>", |(_, function)| function.trim());
    let mut frame = Frame { function: function.to_owned(), raw: function.to_owned(), ..Frame::default() };
    frame.file = Some(file.to_owned());
    frame.line = u32::try_from(line_number).ok();
    Some(frame)
}

fn fatal(text: &Text<'_>) -> Option<Draft> {
    let (at, said) = text.find(|line| line.strip_prefix("Fatal Python error: ").map(str::to_owned))?;
    let base = match said.as_str() {
        s if s.starts_with("Segmentation fault") || s.starts_with("Bus error") => "UNKNOWN",
        s if s.starts_with("Floating point exception") => "Floating-point-exception",
        s if s.starts_with("Illegal instruction") => "Ill",
        s if s.contains("recover from stack overflow") => "Stack-overflow",
        s if s.starts_with("Aborted") => "Abrt",
        _ => "Fatal error",
    };
    let mut draft = Draft::new(base, "Python");
    draft.message = Some(said);
    draft.frames = text.from(at + 1).filter_map(|(_, line)| frame(line)).take(CRASH_FRAMES_MAX).collect();
    Some(draft)
}
