//! NuGet: up to four numbers, then labels as in semantic versions, compared without regard to case. Metadata does not count.

use crate::key::{Key, Reason, digits_split, is_above};

/// NuGet's numbers are 32-bit integers.
const NUMBER_MAX: &[u8] = b"2147483647";
/// Numbers of one version.
const NUMBERS_COUNT_MAX: usize = 4;

const END: u8 = 1;
const NUMBER: u8 = 2;
const TEXT: u8 = 3;
const RELEASE: u8 = 0xfe;

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let mut rest = text;
    let mut count = 0;
    loop {
        let (digits, behind) = digits_split(rest);
        if digits.is_empty() {
            return Err("a number is missing");
        }
        let zeros = digits.iter().take_while(|d| **d == b'0').count();
        if is_above(digits.get(zeros..).unwrap_or_default(), NUMBER_MAX) {
            return Err("a number is above 2147483647");
        }
        key.release(digits);
        count += 1;
        match behind.split_first() {
            Some((b'.', behind)) if count < NUMBERS_COUNT_MAX => rest = behind,
            _ => {
                rest = behind;
                break;
            }
        }
    }
    (count..NUMBERS_COUNT_MAX).for_each(|_| key.release(b"0"));
    let plus = rest.iter().position(|b| *b == b'+').unwrap_or(rest.len());
    let (labels, metadata) = rest.split_at(plus);
    match labels.split_first() {
        None => key.tag(RELEASE),
        Some((b'-', labels)) => {
            key.prerelease_note();
            labels_write(labels, key)?;
        }
        Some(_) => return Err("more than four numbers, or a character that may not stand there"),
    }
    match metadata.split_first() {
        Some((_, metadata)) => labels_check(metadata),
        None => Ok(()),
    }
}

fn labels_write(labels: &[u8], key: &mut Key) -> Result<(), Reason> {
    labels_check(labels)?;
    for label in labels.split(|b| *b == b'.') {
        let zeros = label.iter().take_while(|d| **d == b'0').count();
        let digits = label.get(zeros..).unwrap_or_default();
        // A number that does not fit is ordered as text.
        if label.iter().all(u8::is_ascii_digit) && !is_above(digits, NUMBER_MAX) {
            key.tag(NUMBER);
            key.number(digits);
        } else {
            key.tag(TEXT);
            key.text_lower(label);
        }
    }
    key.tag(END);
    Ok(())
}

fn labels_check(labels: &[u8]) -> Result<(), Reason> {
    let good = |label: &[u8]| !label.is_empty() && label.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'-');
    if labels.split(|b| *b == b'.').all(good) { Ok(()) } else { Err("a label must be letters, digits and hyphens") }
}
