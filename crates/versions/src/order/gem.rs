//! RubyGems' `Gem::Version`: numbers and words, a word making a pre-release; what is missing is zero.

use crate::key::{Key, Reason, digits_split, letters_split};

use super::padded;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return Err("must begin with a number");
    }
    check(text)?;
    let mut zeros = 0;
    let mut words = false;
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                let (digits, behind) = digits_split(rest);
                if !words {
                    key.release_note(digits);
                }
                zeros = padded::number_write(digits, zeros, key);
                rest = behind;
            }
            b'.' => rest = behind,
            // RubyGems reads a hyphen as `.pre.`.
            b'-' => {
                // Zeros directly before the first word do not count.
                zeros = padded::word_write(b"pre", if words { zeros } else { 0 }, key);
                words = true;
                rest = behind;
            }
            _ => {
                let (letters, behind) = letters_split(rest);
                zeros = padded::word_write(letters, if words { zeros } else { 0 }, key);
                words = true;
                rest = behind;
            }
        }
    }
    if words {
        key.prerelease_note();
    }
    padded::end_write(key);
    Ok(())
}

/// Dots stand between parts that are not empty; behind the first hyphen, parts may hold more hyphens.
fn check(text: &[u8]) -> Result<(), Reason> {
    let hyphen = text.iter().position(|b| *b == b'-').unwrap_or(text.len());
    let (release, pre) = text.split_at(hyphen);
    if release.split(|b| *b == b'.').any(|part| part.is_empty() || !part.iter().all(u8::is_ascii_alphanumeric)) {
        return Err("parts must be letters and digits with dots between them");
    }
    if !release.split(|b| *b == b'.').next().is_some_and(|first| first.iter().all(u8::is_ascii_digit)) {
        return Err("the first part must be a number");
    }
    let may = |b: &u8| b.is_ascii_alphanumeric() || *b == b'-';
    let mut pre = pre.iter().skip(1).copied();
    let (mut part_len, mut any) = (0, false);
    for byte in pre.by_ref() {
        any = true;
        match byte {
            b'.' if part_len == 0 => return Err("a part of the pre-release is empty"),
            b'.' => part_len = 0,
            byte if may(&byte) => part_len += 1,
            _ => return Err("the pre-release must be letters, digits and hyphens with dots between them"),
        }
    }
    if hyphen < text.len() && (!any || part_len == 0) { Err("a part of the pre-release is empty") } else { Ok(()) }
}
