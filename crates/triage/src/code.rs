//! Do two proofs fire at the same place in the code? Traces are measured and come first; the functions that reports name are
//! claims and count where a trace is missing. Looks at no borders.

use crate::decide::{Fact, Reason};
use crate::evidence::{Evidence, Frame, Symbol};

/// Frames of a trace that are compared, from the innermost outwards.
pub(crate) const FRAMES_COMPARED_MAX: usize = 8;

/// What traces and symbols say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The same innermost function, or the same function named.
    Same,
    /// Something in common, not enough.
    Partly,
    /// Two traces with nothing in common.
    Differ,
    /// Nothing to compare.
    Unknown,
}

pub(crate) fn compare(a: &Evidence, b: &Evidence, reasons: &mut Vec<Reason>) -> Code {
    let (x, y) = (named(&a.frames), named(&b.frames));
    if !x.is_empty() && !y.is_empty() {
        return traces(&x, &y, a, b, reasons);
    }
    let mut best = Code::Unknown;
    let found = [claims(&a.symbols, &b.symbols), claim_in_trace(&a.symbols, &y), claim_in_trace(&b.symbols, &x)];
    for (code, reason) in found.into_iter().flatten() {
        if code == Code::Same || best == Code::Unknown {
            best = code;
        }
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    best
}

/// Functions without a name say nothing.
fn named(frames: &[Frame]) -> Vec<&Frame> {
    let anonymous = |f: &&Frame| !matches!(function(&f.function), "" | "<anonymous>" | "anonymous");
    frames.iter().filter(anonymous).take(FRAMES_COMPARED_MAX).collect()
}

/// `Object.baseSet [as set]` and `baseSet()` are `baseSet`.
fn function(name: &str) -> &str {
    let name = name.split(" [as ").next().unwrap_or_default().trim().trim_end_matches("()");
    name.rsplit(['.', '#', ':']).next().unwrap_or_default()
}

fn file(name: &str) -> &str {
    name.trim_start_matches("./")
}

fn same_frame(x: &Frame, y: &Frame) -> bool {
    file(&x.file) == file(&y.file) && function(&x.function) == function(&y.function)
}

fn traces(x: &[&Frame], y: &[&Frame], a: &Evidence, b: &Evidence, reasons: &mut Vec<Reason>) -> Code {
    let innermost = (x.first(), y.first());
    if let (Some(one), Some(other)) = innermost
        && same_frame(one, other)
    {
        let text = format!("both fire in {}:{}", file(&one.file), function(&one.function));
        reasons.push(Reason { fact: Fact::SameFrame, text });
        return Code::Same;
    }
    let common = x.iter().find(|frame| y.iter().any(|other| same_frame(frame, other)));
    let same_name = x.iter().find(|frame| y.iter().any(|o| function(&o.function) == function(&frame.function)));
    if let Some(frame) = common.or(same_name) {
        // The smaller of the two sides' frames would differ with the order of asking: name the function only.
        let mut names: Vec<&str> = x.iter().map(|f| function(&f.function)).collect();
        names.retain(|name| y.iter().any(|o| function(&o.function) == *name));
        names.sort_unstable();
        let name = names.first().copied().unwrap_or_else(|| function(&frame.function));
        let text = format!("both pass through {name}, but fire in different functions");
        reasons.push(Reason { fact: Fact::FramesShared, text });
        return Code::Partly;
    }
    if let Some((_, reason)) = claims(&a.symbols, &b.symbols).filter(|(code, _)| *code == Code::Same) {
        reasons.push(reason);
        reasons
            .push(Reason { fact: Fact::OtherFrames, text: "yet their traces have no function in common".to_owned() });
        return Code::Partly;
    }
    let mut ends: Vec<String> = [innermost.0, innermost.1]
        .into_iter()
        .flatten()
        .map(|f| format!("{}:{}", file(&f.file), function(&f.function)))
        .collect();
    ends.sort();
    let text = format!("their traces have no function in common: {}", ends.join(" and "));
    reasons.push(Reason { fact: Fact::OtherFrames, text });
    Code::Differ
}

/// The same function named by both reports; in different files that is not enough.
fn claims(x: &[Symbol], y: &[Symbol]) -> Option<(Code, Reason)> {
    let mut best: Option<(Code, String)> = None;
    for one in x {
        for other in y {
            let name = function(&one.function);
            if name.is_empty() || name != function(&other.function) {
                continue;
            }
            let files = (one.file.as_deref().map(file), other.file.as_deref().map(file));
            let code = match files {
                (Some(f), Some(g)) if f != g => Code::Partly,
                _ => Code::Same,
            };
            let better = best.as_ref().is_none_or(|(known, named)| {
                (code == Code::Same, std::cmp::Reverse(name))
                    > (*known == Code::Same, std::cmp::Reverse(named.as_str()))
            });
            if better {
                best = Some((code, name.to_owned()));
            }
        }
    }
    best.map(|(code, name)| match code {
        Code::Same => (code, Reason { fact: Fact::SameSymbol, text: format!("both reports name the function {name}") }),
        _ => {
            let text = format!("both reports name a function {name}, in different files");
            (code, Reason { fact: Fact::SymbolsShared, text })
        }
    })
}

/// A function that the one report names, in the other's trace: innermost counts, further out is a hint.
fn claim_in_trace(symbols: &[Symbol], trace: &[&Frame]) -> Option<(Code, Reason)> {
    let named = |frame: &Frame| {
        symbols.iter().any(|s| {
            let same_file = s.file.as_deref().is_none_or(|f| file(f) == file(&frame.file));
            same_file && function(&s.function) == function(&frame.function)
        })
    };
    let at = trace.iter().position(|frame| named(frame))?;
    let name = function(&trace.get(at)?.function);
    Some(match at {
        0 => {
            let text = format!("one report names the function {name}, and the other fires in it");
            (Code::Same, Reason { fact: Fact::SameSymbol, text })
        }
        _ => {
            let text = format!("one report names the function {name}, and the other passes through it");
            (Code::Partly, Reason { fact: Fact::SymbolsShared, text })
        }
    })
}
