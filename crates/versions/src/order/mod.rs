//! One file for each way to order versions: it reads a text and writes its key. Must not do anything else with it.

mod semver;

use crate::Scheme;
use crate::key::{Key, Reason};

/// The largest number npm reads: 2^53 - 1.
const NPM_NUMBER_MAX: &str = "9007199254740991";
/// The largest number cargo reads: 2^64 - 1.
const CARGO_NUMBER_MAX: &str = "18446744073709551615";

/// Writes the key of a version; `bound` for one that an advisory states, which may lack numbers (`6.0` for `6.0.0`).
pub(crate) fn write(scheme: Scheme, text: &str, bound: bool, key: &mut Key) -> Result<(), Reason> {
    let text = text.as_bytes();
    let text = if scheme.trims() { text.trim_ascii() } else { text };
    if text.is_empty() {
        return Err("empty");
    }
    if !text.iter().all(u8::is_ascii_graphic) {
        return Err("a space, a control character or one outside ASCII in it");
    }
    let strict = semver::STRICT;
    match scheme {
        Scheme::Npm => {
            let text = text.strip_prefix(b"=").unwrap_or(text);
            let rules = semver::Rules { prefixes: &["v"], pad: bound, number_max: Some(NPM_NUMBER_MAX), ..strict };
            semver::write(text, rules, key)
        }
        Scheme::Cargo => {
            semver::write(text, semver::Rules { pad: bound, number_max: Some(CARGO_NUMBER_MAX), ..strict }, key)
        }
        Scheme::Go => semver::write(text, semver::Rules { prefixes: &["go", "v"], pad: true, ..strict }, key),
    }
}
