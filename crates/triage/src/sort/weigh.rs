//! Are two reports about one defect? Weighs what they have in common and what speaks against it. The table is here and nowhere else;
//! the answer is the same whichever is named first.

use super::item::{Item, Kind, leaf};
use super::weakness::{Kinship, kinship_of};
use crate::place;

/// From here on two reports join by themselves.
pub const POINTS_JOIN_COUNT_MIN: i32 = 6;
/// From here on they are proposed to a person.
pub const POINTS_PROPOSE_COUNT_MIN: i32 = 4;

/// Names that so many functions have that one alone says little.
const COMMON: [&str; 58] = [
    "add",
    "apply",
    "call",
    "check",
    "close",
    "constructor",
    "copy",
    "create",
    "decode",
    "delete",
    "encode",
    "eval",
    "execute",
    "extend",
    "extract",
    "find",
    "flush",
    "format",
    "get",
    "handle",
    "init",
    "insert",
    "load",
    "lookup",
    "main",
    "merge",
    "new",
    "next",
    "open",
    "parse",
    "parser",
    "pop",
    "process",
    "push",
    "put",
    "read",
    "remove",
    "render",
    "request",
    "reset",
    "resize",
    "resolve",
    "run",
    "save",
    "send",
    "set",
    "size",
    "start",
    "stop",
    "test",
    "toString",
    "transform",
    "update",
    "validate",
    "value",
    "visit",
    "write",
    "index",
];
/// The shortest name that says something by itself, in bytes.
const NAME_BYTES_MIN: usize = 4;

/// What speaks for or against.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Because {
    /// For above zero, against below.
    pub points: i32,
    /// A stable word: `same-state`.
    pub fact: &'static str,
    /// A plain sentence.
    pub text: String,
}

/// The sum, and what it rests on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Of all reasons.
    pub points: i32,
    /// The strongest first.
    pub because: Vec<Because>,
}

impl Weight {
    fn say(&mut self, points: i32, fact: &'static str, text: impl Into<String>) {
        self.points += points;
        self.because.push(Because { points, fact, text: text.into() });
    }
}

/// Weighs two reports.
pub fn weigh(a: &Item, b: &Item) -> Weight {
    let (a, b) = if (a.kind, &a.id) <= (b.kind, &b.id) { (a, b) } else { (b, a) };
    let mut weight = Weight::default();
    if let (Some(one), Some(other)) = (&a.package, &b.package) {
        if one != other {
            weight.say(-100, "other-package", format!("different packages: {} and {}", one.min(other), one.max(other)));
            return weight;
        }
        weight.say(1, "same-package", format!("both are about {one}"));
    }
    identifiers_weigh(a, b, &mut weight);
    if a.kind != Kind::Static && b.kind != Kind::Static && a.content == b.content {
        weight.say(10, "same-bytes", "the same was sent twice");
    }
    place_weigh(a, b, &mut weight);
    text_weigh(a, b, &mut weight);
    match kinship_of(&a.weaknesses, &b.weaknesses) {
        Kinship::Same => weight.say(2, "same-weakness", "the same weakness"),
        Kinship::Near => {
            weight.say(2, "near-weakness", "weaknesses that are near in CWE's tree, or lead to each other")
        }
        Kinship::Far => weight.say(-4, "other-weakness", "weaknesses that have nothing in common"),
        Kinship::Unknown => {}
    }
    weight.because.sort_by(|x, y| (y.points.abs(), x).cmp(&(x.points.abs(), y)));
    weight
}

fn identifiers_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    let kinds = ["CVE-", "GHSA-", "RUSTSEC-"];
    let single = |item: &Item, kind: &str| {
        let mut all = item.identifiers.iter().filter(|id| id.starts_with(kind));
        all.next().filter(|_| all.next().is_none()).cloned()
    };
    for kind in kinds {
        let (Some(one), Some(other)) = (single(a, kind), single(b, kind)) else { continue };
        if one == other {
            weight.say(8, "same-identifier", format!("both are {one}"));
        } else {
            let text = format!("they have different identifiers: {} and {}", (&one).min(&other), (&one).max(&other));
            weight.say(-8, "other-identifier", text);
        }
        return;
    }
}

/// Whether a name says something by itself, or within one package.
fn says_much(name: &str, a: &Item, b: &Item) -> bool {
    let one_package = a.package.is_some() && a.package == b.package;
    one_package && name != "main" || name.len() >= NAME_BYTES_MIN && !COMMON.contains(&name)
}

fn file_common<'i>(a: &'i Item, b: &Item) -> Option<&'i str> {
    a.files.iter().find(|file| b.files.binary_search(file).is_ok()).map(String::as_str)
}

fn place_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    match (a.kind, b.kind) {
        (Kind::Static, Kind::Static) => static_weigh(a, b, weight),
        _ if a.crash_base.is_some() && b.crash_base.is_some() => crash_weigh(a, b, weight),
        _ => mixed_weigh(a, b, weight),
    }
}

fn crash_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    let common = a.symbols.iter().zip(&b.symbols).take_while(|(x, y)| x == y).count();
    let shorter = a.symbols.len().min(b.symbols.len());
    let first = a.symbols.first().map(|s| leaf(s)).unwrap_or_default();
    match common {
        _ if common >= 2 || common == 1 && shorter == 1 && says_much(first, a, b) => {
            let named: Vec<&str> = a.symbols.iter().take(common.min(3)).map(String::as_str).collect();
            weight.say(
                if common >= 2 { 7 } else { 4 },
                "same-state",
                format!("both crash in {}", named.join(" called by ")),
            );
        }
        1 if says_much(first, a, b) => {
            weight.say(4, "same-function", format!("both crash in {first}, called from different functions"));
        }
        _ => {
            let shared = a.symbols.iter().take(3).any(|x| b.symbols.iter().take(3).any(|y| x == y));
            if shared {
                weight.say(2, "functions-shared", "their innermost functions have one in common");
            } else if shorter >= 1 {
                weight.say(-4, "other-functions", "they crash in different functions");
            }
        }
    }
}

fn static_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    let fingerprint = a.fingerprints.iter().find(|one| b.fingerprints.binary_search(one).is_ok());
    let same_path = a.path.is_some() && a.path == b.path;
    if let Some(fingerprint) = fingerprint {
        let points = if same_path || a.rule == b.rule { 6 } else { 3 };
        weight.say(
            points,
            "same-fingerprint",
            format!("the same fingerprint, {}", fingerprint.split(':').next().unwrap_or_default()),
        );
    } else if a.run == b.run && a.run.is_some() {
        weight.say(-6, "one-run", "one run of one tool tells them apart");
    }
    rules_weigh(a, b, weight);
    let known = a.origin.is_some() && b.origin.is_some();
    match (a.symbols.first(), b.symbols.first()) {
        (Some(x), Some(y)) if place::same(x, y) => {
            let points = if same_path { 4 } else { 2 };
            weight.say(points, "same-function", format!("both are in {}", x.max(y)));
        }
        (Some(_), Some(_)) => weight.say(-4, "other-functions", "they are in different functions"),
        (None, None) if known && same_path => weight.say(2, "same-top", "both are in no function of the same file"),
        (Some(_), None) | (None, Some(_)) if known => {
            weight.say(-4, "other-functions", "one is in a function, the other is not")
        }
        _ if same_path => weight.say(1, "same-file", "both are in the same file"),
        _ => {}
    }
    let same_code = match (a.statement, b.statement, a.context, b.context) {
        (Some(x), Some(y), _, _) | (_, _, Some(x), Some(y)) => Some(x == y),
        _ => None,
    };
    match same_code {
        Some(true) if a.rule == b.rule && a.turn != b.turn => weight.say(
            -3,
            "other-turn",
            "the same code stands there several times, and they are not the same one of these",
        ),
        Some(true) => weight.say(4, "same-code", "the code at the place is the same"),
        Some(false) => weight.say(-3, "other-code", "the code at the place differs"),
        None if same_path && a.line.is_some() && a.line == b.line => {
            weight.say(3, "same-line", "they are on the same line")
        }
        None => {}
    }
}

/// One tool that has a rule for each of two things holds them apart.
fn rules_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    let (Some(x), Some(y)) = (&a.rule, &b.rule) else { return };
    let tool = |rule: &str| rule.split_once('/').map(|(tool, _)| tool.to_owned()).filter(|tool| !tool.is_empty());
    if x != y && tool(x).is_some() && tool(x) == tool(y) {
        weight.say(-5, "other-rule", format!("one tool has two rules for them: {} and {}", x.min(y), x.max(y)));
    }
}

/// Different kinds of reports, or two texts: a place in one, and a name in the other.
fn mixed_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    let file = file_common(a, b);
    let (place_a, place_b) = (a.place(), b.place());
    let named = |place: &str, other: &Item| other.symbols.iter().any(|symbol| leaf(symbol) == place);
    let found = match (place_a, place_b) {
        (Some(x), Some(y)) if x == y => Some((x, 4, "same-function", "both go wrong in")),
        (Some(x), None) if named(x, b) => {
            Some((x, 4, "function-named", "one goes wrong in a function that the other names,"))
        }
        (None, Some(y)) if named(y, a) => {
            Some((y, 4, "function-named", "one goes wrong in a function that the other names,"))
        }
        (Some(x), Some(y)) if named(x, b) || named(y, a) => {
            let name = if named(x, b) { x } else { y };
            Some((name, 2, "functions-shared", "one passes through, and the other goes wrong in"))
        }
        (Some(_), Some(_)) => {
            weight.say(-4, "other-functions", "they go wrong in different functions");
            None
        }
        _ => {
            let both = a.symbols.iter().map(|s| leaf(s)).filter(|name| named(name, b) && says_much(name, a, b));
            let mut both: Vec<&str> = both.collect();
            both.sort_unstable();
            both.dedup();
            both.first().map(|name| (*name, if both.len() > 1 { 4 } else { 3 }, "function-named", "both name"))
        }
    };
    if let Some((name, points, fact, text)) = found {
        let points = if says_much(name, a, b) { points } else { points.min(1) };
        weight.say(points, fact, format!("{text} {name}"));
    }
    if let Some(file) = file {
        weight.say(1, "same-file", format!("both name {file}"));
    }
}

fn text_weigh(a: &Item, b: &Item, weight: &mut Weight) {
    let (Some(one), Some(other)) = (&a.sketch, &b.sketch) else { return };
    let shared = one.shared_percent(other);
    let points = match shared {
        80.. => 6,
        55.. => 3,
        35.. => 1,
        _ => 0,
    };
    if points > 0 {
        weight.say(points, "similar-text", format!("about {shared} % of their three-word sequences are the same"));
    }
}
