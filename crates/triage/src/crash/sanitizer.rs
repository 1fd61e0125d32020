//! AddressSanitizer, HWAddressSanitizer, MemorySanitizer, ThreadSanitizer, LeakSanitizer, and the signals that any of them reports.
//! Written after the reports of LLVM's compiler-rt and of GCC's copy of it.

use super::Access;
use super::address::AddressKind;
use super::draft::Draft;
use super::frame;
use super::text::{Text, after, between, capital, hex, number};

/// Lines below the heading in which access, cause and place are looked for.
const HEAD_LINES_MAX: usize = 12;
/// Lines below the heading in which the description of the address is looked for.
const DESCRIPTION_LINES_MAX: usize = 700;
const TOOLS: [(&str, &str); 7] = [
    ("HWAddressSanitizer", "HWAddressSanitizer"),
    ("AddressSanitizer", "AddressSanitizer"),
    ("MemorySanitizer", "MemorySanitizer"),
    ("ThreadSanitizer", "ThreadSanitizer"),
    ("LeakSanitizer", "LeakSanitizer"),
    ("UndefinedBehaviorSanitizer", "UndefinedBehaviorSanitizer"),
    ("MemProfiler", "MemProfiler"),
];
/// What a tool says when it was refused memory, or was asked for too much.
const MEMORY_REFUSED: [&str; 8] = [
    "requested allocation size",
    "allocation-size-too-big",
    "calloc-overflow",
    "calloc parameters overflow",
    "reallocarray-overflow",
    "out of memory",
    "out-of-memory",
    "rss-limit-exceeded",
];
/// Names that ClusterFuzz writes otherwise than the tool does.
const RENAMED: [(&str, &str); 12] = [
    ("attempting double-free", "Heap-double-free"),
    ("double-free", "Heap-double-free"),
    ("attempting free on address", "Invalid-free"),
    ("bad-free", "Invalid-free"),
    ("invalid-free", "Invalid-free"),
    ("attempting to call malloc_usable_size", "Invalid-free"),
    ("access-violation", "UNKNOWN"),
    ("unknown-crash", "UNKNOWN"),
    ("wild-", "UNKNOWN"),
    ("nested bug", "UNKNOWN"),
    ("illegal-instruction", "Ill"),
    ("breakpoint", "Breakpoint"),
];
const SIGNALS: [(&str, &str); 7] = [
    ("SEGV", "UNKNOWN"),
    ("BUS", "UNKNOWN"),
    ("FPE", "Floating-point-exception"),
    ("ABRT", "Abrt"),
    ("ILL", "Ill"),
    ("TRAP", "Trap"),
    ("SYS", "Bad-system-call"),
];

/// Reads the first sanitizer's report.
pub fn read(text: &Text<'_>) -> Option<Draft> {
    let (at, (tool, said)) = text.find(heading)?;
    let mut draft = if said.starts_with("detected memory leaks") {
        leak(text, at)?
    } else {
        let mut draft = Draft { base: base(said), tool, ..Draft::default() };
        address_read(&mut draft, said);
        head_read(&mut draft, text, at);
        if let Some((frames, _)) = frame::stack(text, at + 1) {
            draft.frames = frames;
        }
        draft
    };
    draft.region = region(text, at, &draft.base);
    if said.starts_with("BUS") {
        draft.security = Some(false);
    }
    if said.contains("(pc 0x000000000000 ") || said.contains("(pc (nil) ") {
        // The program jumped to null: whoever chose the target may choose another.
        draft.security = Some(true);
    }
    Some(draft)
}

/// `ERROR: AddressSanitizer: heap-buffer-overflow on …` gives the tool and what follows it.
fn heading(line: &str) -> Option<(&'static str, &str)> {
    for level in ["ERROR: ", "WARNING: "] {
        let Some(said) = after(line, level) else { continue };
        for (word, tool) in TOOLS {
            if let Some(rest) = said.strip_prefix(word) {
                let rest = rest.trim_start_matches([':', ' ']);
                if !rest.is_empty() && !rest.starts_with("ptrace") {
                    return Some((tool, rest));
                }
            }
        }
    }
    None
}

fn base(said: &str) -> String {
    if MEMORY_REFUSED.iter().any(|words| said.contains(words)) || said.contains("failed to allocate") {
        return "Out-of-memory".to_owned();
    }
    if said.contains("CHECK failed") {
        return "Sanitizer CHECK failure".to_owned();
    }
    let renamed = RENAMED.iter().find(|(begin, _)| said.starts_with(begin)).map(|(_, name)| (*name).to_owned());
    let signal = |word: &str| SIGNALS.iter().find(|(name, _)| *name == word).map(|(_, base)| (*base).to_owned());
    renamed.unwrap_or_else(|| {
        let word = said.split([' ', ':', '(', ';', ',']).next().unwrap_or_default();
        match (word, said) {
            ("data", _) if said.starts_with("data race") => "Data race".to_owned(),
            ("lock-order-inversion", _) => "Lock-order-inversion".to_owned(),
            ("thread", _) => "Thread-leak".to_owned(),
            ("unlock" | "double" | "read" | "destroy" | "invalid", _) => {
                capital(&said.split(['(', ':']).next().unwrap_or(said).trim().replace(' ', "-"))
            }
            _ => signal(word).unwrap_or_else(|| capital(word)),
        }
    })
}

fn address_read(draft: &mut Draft, said: &str) {
    draft.unmapped = said.contains("unknown address");
    if matches!(draft.base.as_str(), "Floating-point-exception" | "Abrt" | "Ill" | "Trap" | "Out-of-memory") {
        return;
    }
    let behind = ["unknown address ", "on address ", "malloc()-ed: ", "double-free on ", " on 0x", "ranges ["];
    for words in behind {
        let Some(rest) = after(said, words) else { continue };
        let rest = if words.ends_with("0x") { rest } else { rest.trim_start_matches('[') };
        if !rest.starts_with("(pc") {
            draft.address = hex(rest);
        }
        if draft.address.is_some() {
            return;
        }
    }
}

/// `READ of size 4 at 0x602… thread T0`, `Previous atomic write of size 8`, `The signal is caused by a WRITE memory access.`
fn head_read(draft: &mut Draft, text: &Text<'_>, at: usize) {
    for (_, line) in text.from(at + 1).take(HEAD_LINES_MAX) {
        let lower = line.trim_start().to_ascii_lowercase();
        if lower.starts_with("#0") || lower.starts_with("summary") {
            break;
        }
        if let Some((before, behind)) = lower.split_once(" of size ") {
            let word = before.trim_start_matches("racy ").trim_start_matches("atomic ");
            draft.access = match word {
                "read" => Some(Access::Read),
                "write" => Some(Access::Write),
                _ => draft.access,
            };
            draft.size_bytes = number(behind);
            if let Some(address) = after(behind, " at ").and_then(hex) {
                draft.address = Some(address);
            }
            break;
        }
        if lower.contains("caused by a read") {
            draft.access = Some(Access::Read);
        }
        if lower.contains("caused by a write") {
            draft.access = Some(Access::Write);
        }
        if lower.contains("high value address") || lower.contains("non-canonical") {
            draft.region = Some(AddressKind::Wild);
        }
        if let Some(object) = between(&lower, "does not point to a ", " object") {
            draft.message = Some(object.to_owned());
        }
    }
}

/// What the tool says of the address, or what the type implies.
fn region(text: &Text<'_>, at: usize, base: &str) -> Option<AddressKind> {
    let told = [
        (" region [", AddressKind::Heap),
        ("Location is heap block", AddressKind::Heap),
        ("allocated heap chunk", AddressKind::Heap),
        ("is located in stack of thread", AddressKind::Stack),
        ("Location is stack", AddressKind::Stack),
        (" global variable '", AddressKind::Global),
        ("Location is global", AddressKind::Global),
        ("high value address", AddressKind::Wild),
        ("is a wild pointer", AddressKind::Wild),
    ];
    for (_, line) in text.from(at + 1).take(DESCRIPTION_LINES_MAX) {
        if line.contains("SUMMARY: ") {
            break;
        }
        if let Some((_, kind)) = told.iter().find(|(words, _)| line.contains(words)) {
            return Some(*kind);
        }
    }
    let implied = [
        ("Heap-", AddressKind::Heap),
        ("Stack-", AddressKind::Stack),
        ("Dynamic-stack-", AddressKind::Stack),
        ("Global-", AddressKind::Global),
    ];
    implied.iter().find(|(begin, _)| base.starts_with(begin)).map(|(_, kind)| *kind)
}

/// The first leak; its size is the sum of what leaked there, and no access.
fn leak(text: &Text<'_>, at: usize) -> Option<Draft> {
    let kinds = [("Direct leak of ", "Direct-leak"), ("Indirect leak of ", "Indirect-leak")];
    let (line, size, base) = text.from(at).find_map(|(line, words)| {
        let (begin, base) = kinds.iter().find(|(begin, _)| words.trim_start().starts_with(begin))?;
        Some((line, after(words, begin).and_then(number), *base))
    })?;
    let mut draft = Draft { size_bytes: size, ..Draft::new(base, "LeakSanitizer") };
    draft.frames = frame::stack(text, line + 1).map(|(frames, _)| frames).unwrap_or_default();
    Some(draft)
}
