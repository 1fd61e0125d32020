//! The lines of an output, without what terminals and logs add to them. Knows no tool.

use std::borrow::Cow;

use super::{CRASH_LINE_BYTES_MAX, CRASH_LINES_MAX};

/// Lines, cleaned.
pub struct Text<'a> {
    lines: Vec<Cow<'a, str>>,
    lines_cut: bool,
    line_cut: bool,
}

impl<'a> Text<'a> {
    /// Splits and cleans.
    pub fn of(whole: &'a str) -> Self {
        let mut text = Text { lines: Vec::new(), lines_cut: false, line_cut: false };
        for line in whole.split('\n') {
            if text.lines.len() == CRASH_LINES_MAX {
                text.lines_cut = true;
                break;
            }
            let short = start(line, CRASH_LINE_BYTES_MAX);
            text.line_cut |= short.len() < line.len();
            text.lines.push(plain(short));
        }
        text
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// One line; empty beyond the end.
    pub fn line(&self, at: usize) -> &str {
        self.lines.get(at).map_or("", Cow::as_ref)
    }

    /// Lines with their numbers, from `from` on.
    pub fn from(&self, from: usize) -> impl Iterator<Item = (usize, &str)> {
        self.lines.iter().enumerate().skip(from).map(|(at, line)| (at, line.as_ref()))
    }

    /// The first line for which `read` gives something, with its number.
    pub fn find<'s, T>(&'s self, read: impl Fn(&'s str) -> Option<T>) -> Option<(usize, T)> {
        self.from(0).find_map(|(at, line)| Some((at, read(line)?)))
    }

    /// The first line that holds `needle`.
    pub fn position(&self, needle: &str) -> Option<usize> {
        self.from(0).find(|(_, line)| line.contains(needle)).map(|(at, _)| at)
    }

    /// What was left out.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.lines_cut {
            warnings.push(format!("only the first {CRASH_LINES_MAX} lines were read"));
        }
        if self.line_cut {
            warnings.push(format!("of lines over {CRASH_LINE_BYTES_MAX} bytes only the beginning was read"));
        }
        warnings
    }
}

/// At most `bytes` of `text`, ending between characters.
pub fn start(text: &str, bytes: usize) -> &str {
    if text.len() <= bytes {
        return text;
    }
    let mut end = bytes;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

/// Without colour codes, carriage returns and other control characters.
fn plain(line: &str) -> Cow<'_, str> {
    let line = line.trim_end_matches('\r');
    if !line.bytes().any(|b| b < 0x20 && b != b'\t') {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len());
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' {
            if chars.next_if_eq(&'[').is_some() {
                for end in chars.by_ref() {
                    if end.is_ascii_alphabetic() {
                        break;
                    }
                }
            }
        } else if c == '\t' || !c.is_control() {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// What follows `before` in `line`.
pub fn after<'t>(line: &'t str, before: &str) -> Option<&'t str> {
    line.split_once(before).map(|(_, rest)| rest)
}

/// What stands between `before` and the next `behind`.
pub fn between<'t>(line: &'t str, before: &str, behind: &str) -> Option<&'t str> {
    after(line, before)?.split_once(behind).map(|(found, _)| found)
}

/// The number at the beginning, decimal.
pub fn number(text: &str) -> Option<u64> {
    let end = text.bytes().position(|b| !b.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

/// The hexadecimal number at the beginning, with or without `0x`, as it is to be shown.
pub fn hex(text: &str) -> Option<String> {
    let bare = text.strip_prefix("0x").unwrap_or(text);
    let end = bare.bytes().position(|b| !b.is_ascii_hexdigit()).unwrap_or(bare.len());
    let digits = bare.get(..end)?;
    (1..=16).contains(&digits.len()).then(|| format!("0x{digits}"))
}

/// First letter large, the rest as it is.
pub fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
