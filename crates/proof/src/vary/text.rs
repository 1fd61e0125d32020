//! Rewrites one literal of a program, or one word wherever it stands in its literals. Pure.

use super::literal::{Literal, LiteralKind, Syntax, literals};
use super::{Dice, shown};

/// Longest text that is doubled or padded, in bytes.
const GROWN_BYTES_MAX: usize = 64 << 10;
/// Spellings that software takes for one another: what checks for one alone is no repair.
const SPELLINGS: [&[&str]; 12] = [
    &["__proto__", "constructor.prototype"],
    &["../", "./../", "..//", "../x/../../", "%2e%2e/", "..\\\\"],
    &["/", "//", "/./"],
    &["; ", " && ", " | ", " || "],
    &["true", "1", "yes"],
    &[" ", "  ", "\\t"],
    &["=", " = "],
    &["http://", "HTTP://"],
    &["127.0.0.1", "localhost", "127.1", "0x7f.0.0.1"],
    &["file://", "file:"],
    &["<", "< "],
    &["(", "( "],
];

/// The program with one thing rewritten, and what that was.
pub(super) fn rewrite(text: &str, syntax: Syntax, dice: &mut Dice) -> Option<(String, String)> {
    let all = literals(text, syntax);
    let literal = dice.pick(&all)?.clone();
    if literal.kind != LiteralKind::Number && dice.below(3) == 0 {
        return word_renamed(text, &all, &literal, dice);
    }
    let old = text.get(literal.start..literal.end)?;
    let (start, end, new) = match literal.kind {
        LiteralKind::Number => (literal.start, literal.end, number(old, dice)?),
        LiteralKind::Text { quote, around, .. } => match dice.below(8) {
            0 if matches!(syntax, Syntax::JavaScript | Syntax::Python) => {
                (literal.start - around.0, literal.end + around.1, list(old, quote)?)
            }
            _ => (literal.start, literal.end, inner(old, quote, dice)?),
        },
    };
    let whole = text.get(start..end)?;
    let changed = format!("{}{new}{}", text.get(..start)?, text.get(end..)?);
    (new != whole).then(|| (changed, format!("line {}: {} -> {}", literal.line, shown(whole), shown(&new))))
}

/// One word under another name, wherever it stands in a literal: names that have to be the same stay the same.
fn word_renamed(text: &str, all: &[Literal], literal: &Literal, dice: &mut Dice) -> Option<(String, String)> {
    let found = words(text.get(literal.start..literal.end)?);
    let (from, to) = *dice.pick(&found)?;
    let word = text.get(literal.start + from..literal.start + to)?.to_owned();
    let new = match dice.below(4) {
        0 if word.bytes().any(|byte| byte.is_ascii_lowercase()) => word.to_ascii_uppercase(),
        1 => format!("{word}{}", dice.word()),
        _ => dice.word(),
    };
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for literal in all.iter().filter(|literal| literal.kind != LiteralKind::Number) {
        let inside = text.get(literal.start..literal.end)?;
        for (from, to) in words(inside) {
            if inside.get(from..to) == Some(word.as_str()) {
                out.push_str(text.get(done..literal.start + from)?);
                out.push_str(&new);
                done = literal.start + to;
            }
        }
    }
    out.push_str(text.get(done..)?);
    Some((out, format!("the word {word} -> {new}")))
}

/// Words of a text: letters, digits and `_` from a letter on, what a backslash makes of a letter left out.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let byte = bytes[at];
        if byte == b'\\' {
            at += 2;
        } else if byte.is_ascii_alphabetic() || byte == b'_' {
            let start = at;
            while bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
                at += 1;
            }
            if at - start >= 2 {
                found.push((start, at));
            }
        } else {
            at += 1;
        }
    }
    found
}

fn number(old: &str, dice: &mut Dice) -> Option<String> {
    let n: u64 = old.parse().ok()?;
    let new = match dice.below(6) {
        0 => n.checked_add(1)?,
        1 => n.checked_sub(1)?,
        2 => n.checked_mul(2)?,
        3 => n / 2,
        4 => n.checked_mul(10)?,
        _ => n.checked_add(u64::try_from(dice.below(17)).unwrap_or_default())?,
    };
    Some(new.to_string())
}

/// `'a.b[0]'` as `['a', 'b', '0']`, which many libraries take for the same path.
fn list(old: &str, quote: char) -> Option<String> {
    if old.contains('\\') || old.contains('\n') {
        return None;
    }
    let parts: Vec<String> = old
        .split(['.', '[', ']', '/'])
        .filter(|part| !part.is_empty())
        .map(|part| format!("{quote}{part}{quote}"))
        .collect();
    (parts.len() > 1).then(|| format!("[{}]", parts.join(", ")))
}

/// What stands between the quotes, rewritten.
fn inner(old: &str, quote: char, dice: &mut Dice) -> Option<String> {
    match dice.below(9) {
        0..=2 => respelled(old, dice),
        3 => separated(old, quote, dice),
        4 => padded(old, dice),
        5 => deepened(old, dice),
        6 => Some(swap_case(old)),
        7 => doubled(old, dice),
        _ => {
            let found = words(old);
            let (from, to) = *dice.pick(&found)?;
            Some(format!("{}{}{}", old.get(..from)?, dice.word(), old.get(to..)?))
        }
    }
}

fn respelled(old: &str, dice: &mut Dice) -> Option<String> {
    let fitting: Vec<(&str, &[&str])> = SPELLINGS
        .iter()
        .flat_map(|group| group.iter().map(|spelling| (*spelling, *group)))
        .filter(|(s, _)| old.contains(*s))
        .collect();
    let (from, group) = *dice.pick(&fitting)?;
    let to = dice.pick(group)?;
    if dice.below(2) == 0 { Some(old.replace(from, to)) } else { Some(old.replacen(from, to, 1)) }
}

/// `a.b.c` as `a[b].c`, `a["b"].c` or with another separator.
fn separated(old: &str, quote: char, dice: &mut Dice) -> Option<String> {
    let dots: Vec<usize> = old.match_indices('.').map(|(at, _)| at).collect();
    let at = *dice.pick(&dots)?;
    let rest = old.get(at + 1..)?;
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
    let (part, after) = rest.split_at(end);
    let other = if quote == '"' { '\'' } else { '"' };
    let before = old.get(..at)?;
    Some(match dice.below(4) {
        0 => format!("{before}[{part}]{after}"),
        1 => format!("{before}[{other}{part}{other}]{after}"),
        2 => format!("{before}/{rest}"),
        _ => format!("{before}..{rest}"),
    })
}

fn padded(old: &str, dice: &mut Dice) -> Option<String> {
    let word = dice.word();
    (old.len() <= GROWN_BYTES_MAX).then(|| match dice.below(4) {
        0 => format!("{old}{word}"),
        1 => format!("{word}{old}"),
        2 => format!(" {old}"),
        _ => format!("{old} "),
    })
}

/// A path with one more step.
fn deepened(old: &str, dice: &mut Dice) -> Option<String> {
    let separators: Vec<char> = ['.', '/', ':', ',', '-', '\\'].into_iter().filter(|c| old.contains(*c)).collect();
    let separator = dice.pick(&separators).copied().unwrap_or('.');
    if separator == '\\' || old.len() > GROWN_BYTES_MAX {
        return None;
    }
    let word = dice.word();
    let places: Vec<usize> = old.match_indices(separator).map(|(at, _)| at).collect();
    Some(match (dice.below(3), dice.pick(&places)) {
        (0, _) => format!("{word}{separator}{old}"),
        (1, Some(at)) => format!("{}{separator}{word}{}", old.get(..*at)?, old.get(*at..)?),
        _ => format!("{old}{separator}{word}"),
    })
}

fn doubled(old: &str, dice: &mut Dice) -> Option<String> {
    let fits = old.len() <= GROWN_BYTES_MAX && !old.contains('\\');
    fits.then(|| if dice.below(2) == 0 { old.repeat(2) } else { old.get(..old.len() / 2).unwrap_or(old).to_owned() })
}

/// Letters of words in the other case; what a backslash makes of a letter stays.
fn swap_case(old: &str) -> String {
    let mut out = String::with_capacity(old.len());
    let mut escaped = false;
    for c in old.chars() {
        match c {
            _ if escaped => out.push(c),
            c if c.is_ascii_lowercase() => out.push(c.to_ascii_uppercase()),
            c => out.push(c.to_ascii_lowercase()),
        }
        escaped = c == '\\' && !escaped;
    }
    out
}
