//! What a C or C++ program, its library, its fuzzer or a debugger prints when it ends: failed assertions, the allocator's own checks,
//! uncaught exceptions, libFuzzer's timeouts and limits, signals.

use super::draft::Draft;
use super::text::{Text, after, between, hex};
use super::{Access, frame};

/// libFuzzer's messages.
const FUZZER: [(&str, &str); 6] = [
    ("timeout", "Timeout"),
    ("out-of-memory", "Out-of-memory"),
    ("deadly signal", "Fatal-signal"),
    ("fuzz target exited", "Unexpected-exit"),
    ("fuzz target overwrites its const input", "Overwrites-const-input"),
    ("EXIT_ON_", "Unexpected-exit"),
];
/// glibc's and musl's last words, and what they mean.
const LAST_WORDS: [(&str, &str); 16] = [
    ("double free or corruption", "Heap-double-free"),
    ("double free detected", "Heap-double-free"),
    ("free(): invalid pointer", "Invalid-free"),
    ("munmap_chunk(): invalid pointer", "Invalid-free"),
    ("realloc(): invalid pointer", "Invalid-free"),
    ("free(): invalid size", "Heap-corruption"),
    ("free(): invalid next size", "Heap-corruption"),
    ("free(): corrupted unsorted chunks", "Heap-corruption"),
    ("free(): unaligned chunk", "Heap-corruption"),
    ("malloc(): ", "Heap-corruption"),
    ("malloc_consolidate(): ", "Heap-corruption"),
    ("realloc(): invalid", "Heap-corruption"),
    ("corrupted size vs. prev_size", "Heap-corruption"),
    ("corrupted double-linked list", "Heap-corruption"),
    ("*** stack smashing detected ***", "Stack-buffer-overflow"),
    ("*** buffer overflow detected ***", "Buffer-overflow"),
];
const SIGNALS: [(&str, &str); 12] = [
    ("SIGSEGV", "UNKNOWN"),
    ("Segmentation fault", "UNKNOWN"),
    ("SIGBUS", "UNKNOWN"),
    ("Bus error", "UNKNOWN"),
    ("SIGABRT", "Abrt"),
    ("Aborted", "Abrt"),
    ("SIGFPE", "Floating-point-exception"),
    ("Floating point exception", "Floating-point-exception"),
    ("SIGILL", "Ill"),
    ("Illegal instruction", "Ill"),
    ("SIGTRAP", "Trap"),
    ("trap", "Trap"),
];

/// libFuzzer's own findings, and honggfuzz's or Centipede's words for the same.
pub fn read_fuzzer(text: &Text<'_>) -> Option<Draft> {
    let (at, base) = text.find(|line| {
        let said = after(line, "ERROR: libFuzzer: ");
        let centipede = [("Per-input timeout exceeded", "Timeout"), ("RSS limit exceeded", "Out-of-memory")];
        match said {
            Some(said) => FUZZER.iter().find(|(words, _)| said.starts_with(words)).map(|(_, base)| *base),
            None if line.starts_with("=========") => {
                centipede.iter().find(|(words, _)| line.contains(words)).map(|(_, base)| *base)
            }
            None => None,
        }
    })?;
    let mut draft = Draft::new(base, "libFuzzer");
    draft.security = Some(false);
    draft.frames = frame::stack(text, at + 1).map(|(frames, _)| frames).unwrap_or_default();
    Some(draft)
}

/// Why a program stopped itself: only what it printed, without a stack.
pub fn cause(text: &Text<'_>) -> Option<Draft> {
    assertion(text).or_else(|| last_words(text)).or_else(|| uncaught(text))
}

/// A debugger's output, a program's last words, or a shell's word for a signal.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    let signal = text.find(signal_debugger);
    let cause = cause(text);
    let mut draft = match (signal, cause) {
        (Some((at, base)), cause) => {
            let mut draft = Draft::new(base, "gdb");
            draft.frames = frame::stack(text, at + 1).map(|(frames, _)| frames).unwrap_or_default();
            debugger_address(&mut draft, text, at);
            match cause {
                Some(cause) if draft.is_mere_stop() => draft.caused_by(cause),
                _ => draft,
            }
        }
        (None, Some(cause)) => cause,
        (None, None) => text.find(signal_shell).map(|(_, base)| Draft::new(base, "shell"))?,
    };
    if draft.frames.is_empty() {
        draft.warnings.push("no stack was printed".to_owned());
    }
    Some(draft)
}

/// A debugger's stack alone.
pub fn read_stack(text: &Text<'_>) -> Option<Draft> {
    let begin = text.from(0).find(|(_, line)| line.trim_start().starts_with("#0 ")).map(|(at, _)| at)?;
    let (frames, _) = frame::stack(text, begin)?;
    if frames.len() < 2 {
        return None;
    }
    let mut draft = Draft { frames, ..Draft::new("UNKNOWN", "stack") };
    draft.warnings.push("there is a stack, and no word of why it stopped there".to_owned());
    Some(draft)
}

fn signal_debugger(line: &str) -> Option<&'static str> {
    let said = ["received signal ", "terminated with signal ", "stop reason = signal "]
        .iter()
        .find_map(|words| after(line, words));
    let said = said.or_else(|| line.contains("stop reason = EXC_BAD_ACCESS").then_some("SIGSEGV"))?;
    SIGNALS.iter().find(|(word, _)| said.starts_with(word)).map(|(_, base)| *base)
}

fn signal_shell(line: &str) -> Option<&'static str> {
    let line = line.trim();
    // `prog: line 3: 77 Segmentation fault (core dumped) ./prog`, and no sentence that only speaks of one.
    let word = |name: &str| {
        line == name
            || line.strip_prefix(name).is_some_and(|rest| rest.starts_with(" (core dumped)"))
            || line.contains(": line ") && line.contains(name)
            || after(line, "segfault at ").is_some() && name == "Segmentation fault"
    };
    SIGNALS
        .iter()
        .find(|(name, _)| name.contains(|c: char| c.is_ascii_lowercase()) && word(name))
        .map(|(_, base)| *base)
}

fn debugger_address(draft: &mut Draft, text: &Text<'_>, at: usize) {
    for (_, line) in text.from(at) {
        let found = ["si_addr = 0x", "Cannot access memory at address 0x", "fault addr 0x", "address=0x"]
            .iter()
            .find_map(|words| after(line, words));
        if let Some(address) = found.and_then(hex) {
            draft.address = Some(address);
            draft.unmapped = true;
            return;
        }
    }
}

/// glibc's, musl's, BSD's and Apple's forms of a failed `assert`, and Chromium's and abseil's CHECK.
fn assertion(text: &Text<'_>) -> Option<Draft> {
    let (_, (base, condition)) = text.find(|line| {
        if let Some(condition) = between(line, "Assertion `", "' failed") {
            return Some(("ASSERT", condition.to_owned()));
        }
        for words in ["Assertion failed: (", "Assertion failed: ", "ASSERTION FAILED: ", "Assertion Failed: "] {
            if let Some(rest) = after(line, words) {
                let end = [", function ", " ("].iter().filter_map(|mark| rest.find(mark)).min().unwrap_or(rest.len());
                return Some(("ASSERT", rest.get(..end)?.trim_end_matches(')').to_owned()));
            }
        }
        if let Some(rest) = after(line, "Check failed: ").filter(|_| line.contains(']')) {
            return Some(("CHECK failure", rest.to_owned()));
        }
        None
    })?;
    let mut draft = Draft::new(base, "assert");
    draft.lead = Some(condition.clone());
    draft.message = Some(condition);
    Some(draft)
}

fn last_words(text: &Text<'_>) -> Option<Draft> {
    let (_, (base, message)) = text.find(|line| {
        let found = LAST_WORDS.iter().find(|(words, _)| {
            // A stack quotes the words too, as an argument.
            line.contains(words) && !line.trim_start().starts_with('#')
        })?;
        Some((found.1, line.trim().to_owned()))
    })?;
    let mut draft = Draft::new(base, "libc");
    if base.ends_with("-overflow") {
        draft.access = Some(Access::Write);
    }
    draft.message = Some(message);
    Some(draft)
}

fn uncaught(text: &Text<'_>) -> Option<Draft> {
    let (at, class) = text.find(|line| {
        between(line, "terminate called after throwing an instance of '", "'")
            .or_else(|| after(line, "terminating with uncaught exception of type "))
            .or_else(|| after(line, "terminating due to uncaught exception of type "))
            .map(str::to_owned)
    })?;
    let what = after(text.line(at + 1), "what():  ").map(|what| format!("{class}: {what}"));
    let mut draft = Draft::new("Uncaught exception", "C++");
    draft.message = Some(what.unwrap_or(class));
    Some(draft)
}
