//! Python's PEP 440, as the `packaging` library reads it. Must not read legacy versions: nobody orders them the same.

use crate::key::{Key, Reason, digits_split};

const END: u8 = 1;
const LOCAL_TEXT: u8 = 2;
const LOCAL_NUMBER: u8 = 3;

/// Places of the pre-release, lowest first. A development release of no pre-release lies below all of them.
const DEVELOPMENT_ALONE: u8 = 1;
const ALPHA: u8 = 2;
const BETA: u8 = 3;
const CANDIDATE: u8 = 4;
const NO_PRERELEASE: u8 = 5;

const NO_POST: u8 = 1;
const NO_DEVELOPMENT: u8 = 0xff;
const NO_LOCAL: u8 = 0;

/// Longer spellings stand before those that they begin with.
const PRERELEASES: [(&str, u8); 8] = [
    ("alpha", ALPHA),
    ("a", ALPHA),
    ("beta", BETA),
    ("b", BETA),
    ("preview", CANDIDATE),
    ("pre", CANDIDATE),
    ("c", CANDIDATE),
    ("rc", CANDIDATE),
];

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let text = text.strip_prefix(b"v").or_else(|| text.strip_prefix(b"V")).unwrap_or(text);
    let rest = release_write(text, key)?;
    let (pre, rest) = match labelled(rest, &PRERELEASES) {
        Some((place, digits, rest)) => (Some((place, digits)), rest),
        None => (None, rest),
    };
    let (post, rest) = post_read(rest);
    let (development, rest) = match labelled(rest, &[("dev", 0)]) {
        Some((_, digits, rest)) => (Some(digits), rest),
        None => (None, rest),
    };
    if pre.is_some() || development.is_some() {
        key.prerelease_note();
    }
    match pre {
        Some((place, digits)) => {
            key.tag(place);
            key.number(digits);
        }
        None if post.is_none() && development.is_some() => key.tag(DEVELOPMENT_ALONE),
        None => key.tag(NO_PRERELEASE),
    }
    match post {
        Some(digits) => key.number(digits),
        None => key.tag(NO_POST),
    }
    match development {
        Some(digits) => key.number(digits),
        None => key.tag(NO_DEVELOPMENT),
    }
    local_write(rest, key)
}

/// Epoch and release, the release without the zeros behind it.
fn release_write<'a>(text: &'a [u8], key: &mut Key) -> Result<&'a [u8], Reason> {
    let (first, behind) = digits_split(text);
    let (epoch, mut rest) = match behind.split_first() {
        Some((b'!', behind)) if !first.is_empty() => (first, behind),
        _ => (&b"0"[..], text),
    };
    key.number(epoch);
    let mut counts = key.len();
    loop {
        let (digits, behind) = digits_split(rest);
        if digits.is_empty() {
            return Err("the release must be numbers with dots between them");
        }
        key.release(digits);
        if digits.iter().any(|d| *d != b'0') {
            counts = key.len();
        }
        rest = behind;
        match behind {
            [b'.', b'0'..=b'9', ..] => rest = behind.get(1..).unwrap_or_default(),
            _ => break,
        }
    }
    key.cut(counts);
    key.tag(END);
    Ok(rest)
}

fn separator_skip(text: &[u8]) -> &[u8] {
    match text.split_first() {
        Some((b'.' | b'-' | b'_', behind)) => behind,
        _ => text,
    }
}

/// `.rc-1`: an optional separator, a word, then digits, before which a separator may stand. No digits are zero.
fn labelled<'a>(text: &'a [u8], words: &[(&str, u8)]) -> Option<(u8, &'a [u8], &'a [u8])> {
    let bare = separator_skip(text);
    let (word, place) = words
        .iter()
        .find(|(word, _)| bare.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word.as_bytes())))?;
    let behind = bare.get(word.len()..).unwrap_or_default();
    let (digits, rest) = digits_split(separator_skip(behind));
    // A separator goes with the word even when no digits follow.
    Some((*place, if digits.is_empty() { b"0" } else { digits }, rest))
}

/// `-1`, or `.post1` and its other spellings.
fn post_read(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if let [b'-', b'0'..=b'9', ..] = text {
        let (digits, rest) = digits_split(text.get(1..).unwrap_or_default());
        return (Some(digits), rest);
    }
    match labelled(text, &[("post", 0), ("rev", 0), ("r", 0)]) {
        Some((_, digits, rest)) => (Some(digits), rest),
        None => (None, text),
    }
}

fn local_write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    match text.split_first() {
        None => key.tag(NO_LOCAL),
        Some((b'+', local)) => {
            for part in local.split(|b| matches!(b, b'.' | b'-' | b'_')) {
                if part.is_empty() || !part.iter().all(u8::is_ascii_alphanumeric) {
                    return Err("the local version must be letters and digits with dots between them");
                }
                if part.iter().all(u8::is_ascii_digit) {
                    key.tag(LOCAL_NUMBER);
                    key.number(part);
                } else {
                    key.tag(LOCAL_TEXT);
                    key.text_lower(part);
                }
            }
            key.tag(END);
        }
        Some(_) => return Err("not a version by PEP 440"),
    }
    Ok(())
}
