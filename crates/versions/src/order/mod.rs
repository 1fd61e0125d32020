//! One file for each way to order versions: it reads a text and writes its key. Must not do anything else with it.

mod apk;
mod composer;
mod conan;
mod conda;
mod deb;
mod dotted;
mod gem;
mod maven;
mod natural;
mod nuget;
mod padded;
mod pypi;
mod rpm;
mod semver;

use crate::Scheme;
use crate::key::{Key, Reason};

use semver::{Rules, STRICT};

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
    if let Some(rules) = semver_rules(scheme, bound) {
        let text = if scheme == Scheme::Npm { npm_prefix_drop(text) } else { text };
        return semver::write(text, rules, key);
    }
    match scheme {
        Scheme::PyPI => pypi::write(text, key),
        Scheme::Maven => maven::write(text, key),
        Scheme::RubyGems => gem::write(text, key),
        Scheme::NuGet => nuget::write(text, key),
        Scheme::Packagist => composer::write(text, key),
        Scheme::Debian => deb::write(text, key),
        Scheme::Apk => apk::write(text, key),
        Scheme::Rpm => rpm::write(text, key),
        Scheme::Cran => dotted::write(text, b".-", key),
        Scheme::Hackage => dotted::write(text, b".", key),
        Scheme::Conda => conda::write(text, key),
        Scheme::Kernel => dotted::write_kernel(text, key),
        Scheme::Conan => conan::write(text, key),
        Scheme::Vcpkg => conan::write_vcpkg(text, key),
        Scheme::Opam => deb::write_opam(text, key),
        // Each semantic one has been answered above; the rest has no order of its own.
        _ => natural::write(text, key),
    }
}

fn semver_rules(scheme: Scheme, bound: bool) -> Option<Rules> {
    Some(match scheme {
        Scheme::Npm => Rules { prefixes: &["v"], pad: bound, number_max: Some(NPM_NUMBER_MAX), ..STRICT },
        Scheme::Cargo => Rules { pad: bound, number_max: Some(CARGO_NUMBER_MAX), ..STRICT },
        Scheme::Go => Rules { prefixes: &["go", "v"], pad: true, ..STRICT },
        Scheme::Hex => Rules { pad: bound, ..STRICT },
        Scheme::Pub => Rules { pad: bound, zeros: true, build_counts: true, ..STRICT },
        Scheme::Julia => Rules { prefixes: &["v"], pad: true, zeros: true, build_counts: true, ..STRICT },
        Scheme::Tag => Rules { prefixes: &["v"], pad: true, ..STRICT },
        Scheme::Bitnami => Rules { prefixes: &["v"], pad: true, revision: true, ..STRICT },
        _ => return None,
    })
}

fn npm_prefix_drop(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"=").unwrap_or(text)
}
