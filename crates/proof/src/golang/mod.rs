//! Go's module proxy as a source of exact bytes, and the boxes in which programs are built from them.
//!
//! Modules are kept as the archives they come in and are unpacked by `go` itself, in a box. Nothing here runs a module's
//! code.

pub mod build;
pub mod config;
pub mod gomod;
mod outcome;
pub mod registry;
pub mod self_test;
pub mod toolchain;

use semver::Version;

/// Longest path of a module, in bytes.
pub const PATH_BYTES_MAX: usize = 200;

/// Whether this can be the path of a module: also what keeps paths inside their folder.
#[must_use]
pub fn path_is_valid(path: &str) -> bool {
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && !part.ends_with('.')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~'))
    };
    path.len() <= PATH_BYTES_MAX
        && path.split('/').all(part)
        && path.split('/').next().is_some_and(|host| host.contains('.') && !host.starts_with('-'))
}

/// A version as Go writes it, such as `v1.2.3`, `v2.0.0+incompatible` or a pseudo-version.
#[must_use]
pub fn version_read(text: &str) -> Option<Version> {
    let version = Version::parse(text.strip_prefix('v')?).ok()?;
    (version.build.is_empty() || version.build.as_str() == "incompatible").then_some(version)
}

/// Whether a version names a commit: it ends in a time and the beginning of a hash.
#[must_use]
pub fn is_pseudo(version: &Version) -> bool {
    let Some((rest, hash)) = version.pre.rsplit_once('-') else { return false };
    let time = rest.rsplit('.').next().unwrap_or(rest);
    time.len() == 14
        && time.bytes().all(|b| b.is_ascii_digit())
        && hash.len() == 12
        && hash.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A path or version as the proxy's addresses and the module cache write it: capitals become `!` and the small letter.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_uppercase() {
            out.push('!');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The reverse of [`escaped`].
#[must_use]
pub fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut capital = false;
    for c in text.chars() {
        match c {
            '!' => capital = true,
            c if capital => {
                out.push(c.to_ascii_uppercase());
                capital = false;
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_versions_and_capitals() {
        for good in ["golang.org/x/text", "gopkg.in/yaml.v2", "github.com/Masterminds/semver/v3"] {
            assert!(path_is_valid(good), "{good}");
            assert_eq!(unescaped(&escaped(good)), good);
        }
        for bad in ["", "text", "a.b/../c", "/a.b", "a.b/", "a.b//c", "a.b/c d", "a.b/.c", "a.b/c!d"] {
            assert!(!path_is_valid(bad), "{bad}");
        }
        assert_eq!(escaped("github.com/Azure/x"), "github.com/!azure/x");
        for good in ["v0.3.7", "v3.2.0+incompatible", "v0.0.0-20160617170158-f0777076321a"] {
            assert!(version_read(good).is_some(), "{good}");
        }
        for (text, yes) in [
            ("v0.0.0-20160617170158-f0777076321a", true),
            ("v0.3.8-0.20211004125949-5bd84dd9b33b", true),
            ("v1.0.0-rc.1", false),
        ] {
            assert_eq!(is_pseudo(&version_read(text).unwrap()), yes, "{text}");
        }
        for bad in ["0.3.7", "v1", "v1.2", "v1.2.3+meta", "latest"] {
            assert!(version_read(bad).is_none(), "{bad}");
        }
        let order = ["v0.0.0-20160617170158-f0777076321a", "v0.3.7", "v0.3.8-0.20211004125949-5bd84dd9b33b", "v0.3.8"];
        assert!(order.map(|text| version_read(text).unwrap()).is_sorted());
    }
}
