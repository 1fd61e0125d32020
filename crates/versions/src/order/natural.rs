//! Versions of which no order is stated: numbers by size, words by letters, words for unfinished work below the release. For
//! ecosystems whose own tools compare nothing; the answer is a reasonable one, not theirs.

use crate::key::{Key, Reason, digits_split, letters_split};

const UNFINISHED: u8 = 1;
const END: u8 = 2;
const WORD: u8 = 3;
const NUMBER: u8 = 4;

/// In their order.
const UNFINISHED_WORDS: [&str; 9] = ["dev", "snapshot", "nightly", "alpha", "beta", "pre", "preview", "rc", "cr"];

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    if !text.iter().any(u8::is_ascii_digit) {
        return Err("no number in it");
    }
    if !text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+' | b'~' | b':')) {
        return Err("a character that no version holds");
    }
    let mut rest = match text {
        [b'v' | b'V', behind @ ..] if behind.first().is_some_and(u8::is_ascii_digit) => behind,
        _ => text,
    };
    while let Some((byte, behind)) = rest.split_first() {
        if byte.is_ascii_digit() {
            let (digits, behind) = digits_split(rest);
            key.tag(NUMBER);
            key.release(digits);
            rest = behind;
        } else if byte.is_ascii_alphabetic() {
            let (word, behind) = letters_split(rest);
            word_write(word, key);
            rest = behind;
        } else {
            rest = behind;
        }
    }
    key.tag(END);
    Ok(())
}

fn word_write(word: &[u8], key: &mut Key) {
    key.release_end();
    match UNFINISHED_WORDS.iter().position(|known| word.eq_ignore_ascii_case(known.as_bytes())) {
        Some(place) => {
            key.prerelease_note();
            key.tag(UNFINISHED);
            key.tag(u8::try_from(place).unwrap_or(u8::MAX));
        }
        None => {
            key.tag(WORD);
            key.text_lower(word);
        }
    }
}
