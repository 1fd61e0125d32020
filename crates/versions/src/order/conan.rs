//! Conan's versions and vcpkg's relaxed ones: any count of items between dots, a pre-release below, a build above.

use crate::key::{Key, Reason, digits_split};

const END: u8 = 2;
const NUMBER: u8 = 3;
const WORD: u8 = 4;
const PRERELEASE: u8 = 1;
const NO_PRERELEASE: u8 = 5;
const NO_BUILD: u8 = 1;
const BUILD: u8 = 2;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    if !text.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-')) {
        return Err("a character that may not stand in a Conan version");
    }
    let (rest, build) = last_split(text, b'+');
    let (release, pre) = last_split(rest, b'-');
    items_write(release, true, key)?;
    match pre {
        Some(pre) => {
            key.prerelease_note();
            key.tag(PRERELEASE);
            items_write(pre, false, key)?;
        }
        None => key.tag(NO_PRERELEASE),
    }
    match build {
        Some(build) => {
            key.tag(BUILD);
            items_write(build, false, key)
        }
        None => {
            key.tag(NO_BUILD);
            Ok(())
        }
    }
}

fn last_split(text: &[u8], separator: u8) -> (&[u8], Option<&[u8]>) {
    match text.iter().rposition(|b| *b == separator) {
        Some(at) => (text.get(..at).unwrap_or_default(), text.get(at + 1..)),
        None => (text, None),
    }
}

/// Zeros at the end do not count. An item that begins with a digit has its place by that number, then by its letters.
fn items_write(list: &[u8], release: bool, key: &mut Key) -> Result<(), Reason> {
    let mut counts = key.len();
    for item in list.split(|b| *b == b'.') {
        if item.is_empty() {
            return Err("a part is empty");
        }
        let (digits, word) = digits_split(item);
        if digits.is_empty() {
            key.tag(WORD);
        } else {
            key.tag(NUMBER);
            if release { key.release(digits) } else { key.number(digits) }
        }
        key.text(word);
        if !item.iter().all(|b| *b == b'0') {
            counts = key.len();
        }
    }
    key.cut(counts);
    key.tag(END);
    Ok(())
}

/// vcpkg: numbers between dots, or a date, then `#` and the port's own number.
pub(crate) fn write_vcpkg(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let (version, port) = last_split(text, b'#');
    if port.is_some_and(|port| port.is_empty() || !port.iter().all(u8::is_ascii_digit)) {
        return Err("the port's number behind # is no number");
    }
    let (version, _) = version.split_at(version.iter().position(|b| *b == b'+').unwrap_or(version.len()));
    let is_date = |at: usize| version.get(at) == Some(&b'-');
    let date = is_date(4) && is_date(7) && version.get(8..10).is_some_and(|day| day.iter().all(u8::is_ascii_digit));
    let hyphen = version.iter().position(|b| *b == b'-').filter(|_| !date).unwrap_or(version.len());
    let (numbers, pre) = version.split_at(hyphen);
    for number in numbers.split(|b| *b == b'.' || (date && *b == b'-')) {
        if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
            return Err("must be numbers with dots between them, or a date");
        }
        key.tag(NUMBER);
        key.release(number);
    }
    match pre.split_first() {
        Some((_, pre)) => {
            key.prerelease_note();
            key.tag(PRERELEASE);
            for part in pre.split(|b| *b == b'.') {
                if part.is_empty() || !part.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-') {
                    return Err("the pre-release must be letters, digits and hyphens with dots between them");
                }
                if part.iter().all(u8::is_ascii_digit) {
                    key.tag(NUMBER);
                    key.number(part);
                } else {
                    key.tag(WORD);
                    key.text(part);
                }
            }
        }
        None => key.tag(END),
    }
    key.tag(0);
    key.number(port.unwrap_or(b"0"));
    Ok(())
}
