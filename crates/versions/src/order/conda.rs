//! conda's order: an epoch, parts between dots, each of numbers and words in turn; what is missing is zero; `dev` lies below
//! every word and `post` above every number.

use crate::key::{Key, Reason, digits_split};

use super::padded;

/// Words lie below zero: `*`, then `dev`, then the others.
const STAR: &[u8] = &[1];
const DEVELOPMENT: &[u8] = &[2];
/// Above the count of digits of every number: `post`.
const POST: u8 = 0xfe;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let (epoch, rest) = match text.iter().position(|b| *b == b'!') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (&b"0"[..], text),
    };
    if epoch.is_empty() || !epoch.iter().all(u8::is_ascii_digit) {
        return Err("the epoch must be a number");
    }
    let (version, local) = match rest.iter().position(|b| *b == b'+') {
        Some(at) => (rest.get(..at).unwrap_or_default(), Some(rest.get(at + 1..).unwrap_or_default())),
        None => (rest, None),
    };
    key.number(epoch);
    parts_write(version, true, key)?;
    // No local version is one of zeros.
    parts_write(local.unwrap_or(b"0"), false, key)
}

fn parts_write(text: &[u8], release: bool, key: &mut Key) -> Result<(), Reason> {
    let mut zeros = 0;
    for part in text.split(|b| matches!(b, b'.' | b'_' | b'-')) {
        let at = key.len();
        part_write(part, release, key)?;
        zeros = padded::element_finish(at, zeros, key);
    }
    padded::end_write(key);
    Ok(())
}

fn part_write(part: &[u8], release: bool, key: &mut Key) -> Result<(), Reason> {
    if part.is_empty() {
        return Err("a part is empty");
    }
    let mut rest = part;
    // A word at the beginning of a part stands behind a zero.
    let mut zeros = usize::from(!part.first().is_some_and(u8::is_ascii_digit));
    while !rest.is_empty() {
        let (digits, behind) = digits_split(rest);
        if digits.is_empty() {
            let len = rest.iter().take_while(|b| !b.is_ascii_digit()).count();
            let (word, behind) = rest.split_at(len);
            if !word.iter().all(|b| b.is_ascii_alphabetic() || *b == b'*') {
                return Err("a character that may not stand in a conda version");
            }
            zeros = word_write(word, zeros, release, key);
            rest = behind;
        } else {
            if release {
                key.release_note(digits);
            }
            zeros = padded::number_write(digits, zeros, key);
            rest = behind;
        }
    }
    padded::end_write(key);
    Ok(())
}

fn word_write(word: &[u8], zeros: usize, release: bool, key: &mut Key) -> usize {
    key.release_end();
    if word.eq_ignore_ascii_case(b"post") {
        return padded::highest_write(POST, zeros, key);
    }
    if release && word != b"*" {
        key.prerelease_note();
    }
    if word == b"*" {
        padded::word_write(STAR, zeros, key)
    } else if word.eq_ignore_ascii_case(b"dev") {
        padded::word_write(DEVELOPMENT, zeros, key)
    } else {
        padded::word_lower_write(word, zeros, key)
    }
}
