//! Semantic Versioning 2.0.0, section 11, and the ecosystems that read or order a little differently. Must not pad a
//! version whose ecosystem does not.

use crate::key::{Key, Reason, digits_split, is_above};

/// How an ecosystem's semantic versions differ from the letter.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// Prefixes, of which one is dropped.
    pub(crate) prefixes: &'static [&'static str],
    /// Missing numbers read as zero.
    pub(crate) pad: bool,
    /// Numbers may begin with zeros.
    pub(crate) zeros: bool,
    /// The largest number, in decimal.
    pub(crate) number_max: Option<&'static str>,
    /// Build metadata counts: none comes first, then as pre-releases are ordered.
    pub(crate) build_counts: bool,
    /// A number alone behind the hyphen is a revision, above the version without it.
    pub(crate) revision: bool,
}

/// To the letter.
pub(crate) const STRICT: Rules =
    Rules { prefixes: &[], pad: false, zeros: false, number_max: None, build_counts: false, revision: false };

const END: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;
const RELEASE: u8 = 0xfe;
const REVISION: u8 = 0xff;

pub(crate) fn write(text: &[u8], rules: Rules, key: &mut Key) -> Result<(), Reason> {
    let prefix = rules.prefixes.iter().find_map(|prefix| text.strip_prefix(prefix.as_bytes()));
    let mut rest = numbers_write(prefix.unwrap_or(text), rules, key)?;
    match rest.split_first() {
        Some((b'-', pre)) => {
            let end = pre.iter().position(|b| *b == b'+').unwrap_or(pre.len());
            let (pre, build) = pre.split_at(end);
            rest = build;
            if rules.revision && pre.iter().all(u8::is_ascii_digit) && !pre.is_empty() {
                key.tag(REVISION);
                key.number(pre);
            } else {
                key.prerelease_note();
                identifiers_write(pre, rules.zeros, key)?;
            }
        }
        _ => key.tag(RELEASE),
    }
    match rest.split_first() {
        Some((b'+', build)) if rules.build_counts => identifiers_write(build, true, key),
        Some((b'+', build)) => identifiers_check(build),
        None if rules.build_counts => {
            key.tag(END);
            Ok(())
        }
        None => Ok(()),
        Some(_) => Err("more than three numbers, or a character that may not stand there"),
    }
}

/// Writes major, minor and patch; gives what follows them.
fn numbers_write<'a>(text: &'a [u8], rules: Rules, key: &mut Key) -> Result<&'a [u8], Reason> {
    let mut rest = text;
    for place in 0..3 {
        let (digits, behind) = digits_split(rest);
        if digits.is_empty() {
            return Err("a number is missing");
        }
        if digits.len() > 1 && digits.first() == Some(&b'0') && !rules.zeros {
            return Err("a number begins with 0");
        }
        if rules.number_max.is_some_and(|max| is_above(digits, max.as_bytes())) {
            return Err("a number is above the ecosystem's limit");
        }
        key.release(digits);
        rest = behind;
        match behind.split_first() {
            Some((b'.', behind)) if place < 2 => rest = behind,
            _ if place == 2 => {}
            None | Some((b'-' | b'+', _)) if rules.pad => {
                (place..2).for_each(|_| key.release(b"0"));
                break;
            }
            _ => return Err("needs three numbers with dots between them"),
        }
    }
    Ok(rest)
}

fn identifiers_write(list: &[u8], zeros: bool, key: &mut Key) -> Result<(), Reason> {
    identifiers_check(list)?;
    for identifier in list.split(|b| *b == b'.') {
        if identifier.iter().all(u8::is_ascii_digit) {
            if identifier.len() > 1 && identifier.first() == Some(&b'0') && !zeros {
                return Err("a number in the pre-release begins with 0");
            }
            key.tag(NUMBER);
            key.number(identifier);
        } else {
            key.tag(TEXT);
            key.text(identifier);
        }
    }
    key.tag(END);
    Ok(())
}

fn identifiers_check(list: &[u8]) -> Result<(), Reason> {
    let mut empty = true;
    for byte in list {
        match byte {
            b'.' if empty => return Err("an identifier is empty"),
            b'.' => empty = true,
            b'-' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => empty = false,
            _ => return Err("an identifier holds something other than letters, digits and hyphens"),
        }
    }
    if empty { Err("an identifier is empty") } else { Ok(()) }
}
