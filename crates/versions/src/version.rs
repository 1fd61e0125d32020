//! One version, read by its scheme and ordered by precedence. Must not guess: what a scheme cannot read is an error.

use std::cmp::Ordering;

use crate::Scheme;

/// The longest version that is read, in bytes (node-semver's own limit).
pub const VERSION_BYTES_MAX: usize = 256;

/// The largest number npm reads in `major.minor.patch`: 2^53 - 1.
const NPM_NUMBER_MAX: u64 = (1 << 53) - 1;

/// A version string that its scheme cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {version:?} as a version of {scheme}: {reason}")]
pub struct Unreadable {
    /// The scheme that was asked.
    pub scheme: Scheme,
    /// What was to be read, cut to [`VERSION_BYTES_MAX`] bytes.
    pub version: String,
    /// Why it could not be, in words.
    pub reason: String,
}

/// A version that has been read. Two versions are equal when neither comes before the other: build metadata
/// (`+…`) does not count.
#[derive(Clone, Debug)]
pub struct Version {
    scheme: Scheme,
    number: semver::Version,
}

impl Version {
    /// Reads an installed or published version.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a version of that scheme.
    pub fn read(scheme: Scheme, text: &str) -> Result<Self, Unreadable> {
        Self::read_with(scheme, text, scheme == Scheme::Go)
    }

    /// Reads a bound that an advisory states. Advisories also write `6.0` for `6.0.0`: missing numbers read as zero.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a version of that scheme even then.
    pub fn read_bound(scheme: Scheme, text: &str) -> Result<Self, Unreadable> {
        Self::read_with(scheme, text, true)
    }

    fn read_with(scheme: Scheme, text: &str, pad: bool) -> Result<Self, Unreadable> {
        let refuse =
            |reason: String| Unreadable { scheme, version: text.chars().take(VERSION_BYTES_MAX / 4).collect(), reason };
        if text.len() > VERSION_BYTES_MAX {
            return Err(refuse(format!("longer than {VERSION_BYTES_MAX} bytes")));
        }
        let bare = prefix_drop(scheme, text);
        let number = match semver::Version::parse(bare) {
            Ok(number) => number,
            Err(_) if pad && padded(bare).is_some() => {
                let full = padded(bare).unwrap_or_default();
                semver::Version::parse(&full).map_err(|e| refuse(e.to_string()))?
            }
            Err(e) => return Err(refuse(e.to_string())),
        };
        let largest = number.major.max(number.minor).max(number.patch);
        if scheme == Scheme::Npm && largest > NPM_NUMBER_MAX {
            return Err(refuse(format!("a number is above {NPM_NUMBER_MAX}")));
        }
        Ok(Version { scheme, number })
    }

    /// The scheme it was read by.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// Whether it is a pre-release (`1.0.0-rc.1`).
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.number.pre.is_empty()
    }

    /// Major, minor, patch.
    #[must_use]
    pub fn numbers(&self) -> (u64, u64, u64) {
        (self.number.major, self.number.minor, self.number.patch)
    }

    /// The release line it belongs to: `4` for 4.17.20, `0.8` for 0.8.2, where a breaking change may sit in the
    /// first number that is not zero.
    #[must_use]
    pub fn line(&self) -> String {
        match self.number.major {
            0 => format!("0.{}", self.number.minor),
            major => major.to_string(),
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number.cmp_precedence(&other.number)
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Version {}

/// Orders two versions.
///
/// # Errors
/// [`Unreadable`] for the first of the two that the scheme cannot read.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, Unreadable> {
    Ok(Version::read(scheme, a)?.cmp(&Version::read(scheme, b)?))
}

fn prefix_drop(scheme: Scheme, text: &str) -> &str {
    match scheme {
        Scheme::Npm => {
            let text = text.trim();
            let text = text.strip_prefix('=').unwrap_or(text).trim_start();
            text.strip_prefix('v').unwrap_or(text)
        }
        Scheme::Cargo => text,
        Scheme::Go => text.strip_prefix("go").or_else(|| text.strip_prefix('v')).unwrap_or(text),
    }
}

/// `1` and `1.2`, with or without `-pre` or `+build`, filled up to three numbers; `None` when nothing is missing.
fn padded(text: &str) -> Option<String> {
    let end = text.find(['-', '+']).unwrap_or(text.len());
    let (core, rest) = text.split_at(end);
    let missing = match core.split('.').count() {
        1 => ".0.0",
        2 => ".0",
        _ => return None,
    };
    Some(format!("{core}{missing}{rest}"))
}
