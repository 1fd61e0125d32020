//! RPM's order: epoch, then version, then release, each by `rpmvercmp`.

use crate::key::{Key, Reason, digits_split, letters_split};

const TILDE: u8 = 1;
const END: u8 = 2;
const CARET: u8 = 3;
const LETTERS: u8 = 4;
const NUMBER: u8 = 5;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let (epoch, rest) = match text.iter().position(|b| *b == b':') {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..).unwrap_or_default()),
        None => (&b"0"[..], text),
    };
    if epoch.is_empty() || !epoch.iter().all(u8::is_ascii_digit) {
        return Err("the epoch must be a number");
    }
    let (version, release) = match rest.iter().rposition(|b| *b == b'-') {
        Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..).unwrap_or_default()),
        None => (rest, &b""[..]),
    };
    if !version.first().is_some_and(u8::is_ascii_alphanumeric) {
        return Err("the version must begin with a letter or a digit");
    }
    let may = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'~' | b'^' | b'-');
    if !version.iter().chain(release).all(may) {
        return Err("a character that may not stand in an RPM version");
    }
    if version.contains(&b'~') {
        key.prerelease_note();
    }
    key.number(epoch);
    part_write(version, true, key);
    part_write(release, false, key);
    Ok(())
}

fn part_write(part: &[u8], release: bool, key: &mut Key) {
    let mut rest = part;
    while let Some((byte, behind)) = rest.split_first() {
        match byte {
            b'~' => {
                key.release_end();
                key.tag(TILDE);
                rest = behind;
            }
            b'^' => {
                key.release_end();
                key.tag(CARET);
                rest = behind;
            }
            b'0'..=b'9' => {
                let (digits, behind) = digits_split(rest);
                key.tag(NUMBER);
                if release {
                    key.release(digits)
                } else {
                    key.number(digits)
                }
                rest = behind;
            }
            letter if letter.is_ascii_alphabetic() => {
                let (letters, behind) = letters_split(rest);
                key.release_end();
                key.tag(LETTERS);
                key.text(letters);
                rest = behind;
            }
            _ => rest = behind,
        }
    }
    key.tag(END);
}
