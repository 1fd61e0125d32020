//! Alpine's order, as apk-tools 3 compares: numbers, a letter, suffixes, a commit, a revision.

use crate::key::{Key, Reason, digits_split};

/// Kinds of parts, lowest first; the four suffixes of a pre-release lie below the end.
const ALPHA: u8 = 1;
const END: u8 = 5;
const REVISION: u8 = 6;
const COMMIT: u8 = 7;
const SUFFIX_NUMBER: u8 = 8;
const LETTER: u8 = 14;
const NUMBER_WITH_ZERO: u8 = 15;
const NUMBER: u8 = 16;

/// Longer ones stand before those that they begin with.
const SUFFIXES: [(&str, u8); 9] =
    [("alpha", ALPHA), ("beta", 2), ("pre", 3), ("rc", 4), ("cvs", 9), ("svn", 10), ("git", 11), ("hg", 12), ("p", 13)];

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let rest = numbers_write(text, key)?;
    let rest = match rest.split_first() {
        Some((letter, behind)) if letter.is_ascii_lowercase() => {
            key.tag(LETTER);
            key.tag(*letter);
            behind
        }
        _ => rest,
    };
    let rest = suffixes_write(rest, key)?;
    let rest = match rest.split_first() {
        Some((b'~', behind)) => {
            let hex = behind.iter().take_while(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).count();
            let (commit, behind) = behind.split_at(hex);
            if commit.is_empty() {
                return Err("the commit behind ~ is no hexadecimal number");
            }
            key.tag(COMMIT);
            key.text(commit);
            behind
        }
        _ => rest,
    };
    let rest = match rest.strip_prefix(b"-r") {
        Some(behind) => {
            let (digits, behind) = digits_split(behind);
            if digits.is_empty() {
                return Err("the revision has no number");
            }
            key.tag(REVISION);
            key.number(digits);
            behind
        }
        None => rest,
    };
    if !rest.is_empty() {
        return Err("not a version by apk's rules");
    }
    key.tag(END);
    Ok(())
}

fn numbers_write<'a>(text: &'a [u8], key: &mut Key) -> Result<&'a [u8], Reason> {
    let (digits, mut rest) = digits_split(text);
    if digits.is_empty() {
        return Err("must begin with a number");
    }
    key.release(digits);
    while let Some((b'.', behind)) = rest.split_first() {
        let (digits, behind) = digits_split(behind);
        if digits.is_empty() {
            return Err("a number is missing behind a dot");
        }
        key.release_note(digits);
        // A number that begins with 0 is compared as text, and so below all that do not.
        if digits.first() == Some(&b'0') {
            key.tag(NUMBER_WITH_ZERO);
            key.text(digits);
        } else {
            key.tag(NUMBER);
            key.number(digits);
        }
        rest = behind;
    }
    Ok(rest)
}

fn suffixes_write<'a>(text: &'a [u8], key: &mut Key) -> Result<&'a [u8], Reason> {
    let mut rest = text;
    while let Some((b'_', behind)) = rest.split_first() {
        let found = SUFFIXES.iter().find_map(|(word, place)| Some((behind.strip_prefix(word.as_bytes())?, *place)));
        let Some((behind, place)) = found else { return Err("a suffix that apk does not know") };
        if place < END {
            key.prerelease_note();
        }
        key.tag(place);
        let (digits, behind) = digits_split(behind);
        if !digits.is_empty() {
            key.tag(SUFFIX_NUMBER);
            key.number(digits);
        }
        rest = behind;
    }
    Ok(rest)
}
