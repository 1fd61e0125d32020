//! Lists of numbers, the shorter of two coming first: CRAN and Bioconductor, Hackage and GHC; and, with zeros for what is
//! missing and `-rc` below, the Linux kernel.

use crate::key::{Key, Reason, digits_split};

const CANDIDATE: u8 = 1;
const END: u8 = 2;
const NUMBER: u8 = 3;

/// Numbers with one of `separators` between them, and nothing else.
pub(crate) fn write(text: &[u8], separators: &[u8], key: &mut Key) -> Result<(), Reason> {
    for part in text.split(|b| separators.contains(b)) {
        if part.is_empty() || !part.iter().all(u8::is_ascii_digit) {
            return Err("must be numbers with one separator between each two");
        }
        key.tag(NUMBER);
        key.release(part);
    }
    key.tag(END);
    Ok(())
}

/// `6.1`, `v6.1.9`, `6.2-rc3`; what a distribution appends to its kernel's number is not the kernel's own version.
pub(crate) fn write_kernel(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    let mut rest = text.strip_prefix(b"v").unwrap_or(text);
    let mut counts = key.len();
    loop {
        let (digits, behind) = digits_split(rest);
        if digits.is_empty() {
            return Err("a number is missing");
        }
        key.tag(NUMBER);
        key.release(digits);
        if digits.iter().any(|d| *d != b'0') {
            counts = key.len();
        }
        match behind.split_first() {
            Some((b'.', behind)) => rest = behind,
            _ => {
                rest = behind;
                break;
            }
        }
    }
    key.cut(counts);
    match rest.strip_prefix(b"-rc") {
        Some(digits) if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) => {
            key.prerelease_note();
            key.tag(CANDIDATE);
            key.number(digits);
        }
        None if rest.is_empty() => {}
        _ => return Err("only -rc and a number may follow the kernel's version"),
    }
    key.tag(END);
    Ok(())
}
