//! Sequences that go on with zeros for ever, words lying below zero and numbers above it: a run of zeros is counted by a byte
//! whose place depends on what follows the run. Knows no scheme.

use crate::key::Key;

/// The zeros that go on for ever.
const END: u8 = 0x80;
/// Most zeros before a word or a number that are counted apart.
const ZEROS_MAX: u8 = 0x7d;

/// So many zeros and then something below zero: the fewer the zeros, the lower.
fn below(zeros: usize) -> u8 {
    u8::try_from(zeros).unwrap_or(ZEROS_MAX).min(ZEROS_MAX) + 1
}

/// So many zeros and then something above zero: the fewer the zeros, the higher.
fn above(zeros: usize) -> u8 {
    u8::MAX - u8::try_from(zeros).unwrap_or(ZEROS_MAX).min(ZEROS_MAX)
}

/// Writes a number behind `zeros` zeros that are not yet written; gives how many are not yet written then.
pub(super) fn number_write(digits: &[u8], zeros: usize, key: &mut Key) -> usize {
    if digits.iter().all(|d| *d == b'0') {
        return zeros + 1;
    }
    if zeros > usize::from(ZEROS_MAX) {
        key.overflow();
    }
    key.tag(above(zeros));
    key.number(digits);
    0
}

/// The same for a word.
pub(super) fn word_write(word: &[u8], zeros: usize, key: &mut Key) -> usize {
    if zeros > usize::from(ZEROS_MAX) {
        key.overflow();
    }
    key.tag(below(zeros));
    key.text(word);
    0
}

/// The same for a word in lower case.
pub(super) fn word_lower_write(word: &[u8], zeros: usize, key: &mut Key) -> usize {
    if zeros > usize::from(ZEROS_MAX) {
        key.overflow();
    }
    key.tag(below(zeros));
    key.text_lower(word);
    0
}

/// The same for something above every number.
pub(super) fn highest_write(place: u8, zeros: usize, key: &mut Key) -> usize {
    if zeros > usize::from(ZEROS_MAX) {
        key.overflow();
    }
    key.tag(above(zeros));
    key.tag(place);
    0
}

/// Zeros before the end do not count.
pub(super) fn end_write(key: &mut Key) {
    key.tag(END);
}

/// Puts the count of zeros before an element that was written at `at`, by whether that lies below or above zero; an element
/// that is zero is taken back and counted.
pub(super) fn element_finish(at: usize, zeros: usize, key: &mut Key) -> usize {
    if zeros > usize::from(ZEROS_MAX) {
        key.overflow();
    }
    match key.byte_at(at) {
        Some(END) | None => {
            key.cut(at);
            zeros + 1
        }
        Some(first) if first < END => {
            key.tag_insert(at, below(zeros));
            0
        }
        Some(_) => {
            key.tag_insert(at, above(zeros));
            0
        }
    }
}
