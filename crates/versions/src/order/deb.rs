//! Debian's order (deb-version(7)), for Debian and its heirs, and without epoch and revision for opam.

use crate::key::{Key, Reason, digits_split};

const TILDE: u8 = 1;
/// Neither a character nor a number goes on here.
const END: u8 = 2;
/// What is no letter comes after all letters.
const SYMBOL: u8 = 0x80;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let (epoch, rest) = match text.iter().position(|b| *b == b':') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (&b"0"[..], text),
    };
    if epoch.is_empty() || !epoch.iter().all(u8::is_ascii_digit) {
        return Err("the epoch must be a number");
    }
    let (upstream, revision) = match rest.iter().rposition(|b| *b == b'-') {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default()),
        None => (rest, &b"0"[..]),
    };
    if !upstream.first().is_some_and(u8::is_ascii_digit) {
        return Err("the version must begin with a digit");
    }
    if revision.is_empty() {
        return Err("the revision is empty");
    }
    let upstream_may = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'~' | b':');
    let revision_may = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'~');
    if !upstream.iter().all(upstream_may) || !revision.iter().all(revision_may) {
        return Err("a character that may not stand in a Debian version");
    }
    if upstream.contains(&b'~') {
        key.prerelease_note();
    }
    key.number(epoch);
    part_write(upstream, true, key);
    part_write(revision, false, key);
    Ok(())
}

/// opam orders the whole version as dpkg orders an upstream one.
pub(crate) fn write_opam(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let may = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'.' | b'~');
    if !text.iter().all(may) {
        return Err("a character that may not stand in an opam version");
    }
    if text.contains(&b'~') {
        key.prerelease_note();
    }
    part_write(text, true, key);
    Ok(())
}

/// Runs of other characters and of digits in turn, the first of which may be empty.
fn part_write(part: &[u8], release: bool, key: &mut Key) {
    let mut rest = part;
    loop {
        let others = rest.iter().take_while(|b| !b.is_ascii_digit()).count();
        let (text, behind) = rest.split_at(others);
        if text != b"." && !text.is_empty() {
            key.release_end();
        }
        for byte in text {
            key.tag(match byte {
                b'~' => TILDE,
                letter if letter.is_ascii_alphabetic() => *letter,
                symbol => *symbol | SYMBOL,
            });
        }
        key.tag(END);
        let (digits, behind) = digits_split(behind);
        if release {
            key.release(digits)
        } else {
            key.number(digits)
        }
        rest = behind;
        if rest.is_empty() {
            key.tag(END);
            return;
        }
    }
}
