//! One version, read by its scheme and ordered by its key. Must not guess: what a scheme cannot read is an error.

use std::cmp::Ordering;
use std::fmt;

use crate::key::Key;
use crate::{Scheme, order};

/// The longest version that is read, in bytes (node-semver's own limit).
pub const VERSION_BYTES_MAX: usize = 256;

/// A version string that its scheme cannot read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("read {version:?} as a version of {scheme}: {reason}")]
pub struct Unreadable {
    /// The scheme that was asked.
    pub scheme: Scheme,
    /// What was to be read, cut to a quarter of [`VERSION_BYTES_MAX`] characters.
    pub version: String,
    /// Why it could not be, in words.
    pub reason: &'static str,
}

impl Unreadable {
    fn new(scheme: Scheme, text: &str, reason: &'static str) -> Self {
        Unreadable { scheme, version: text.chars().take(VERSION_BYTES_MAX / 4).collect(), reason }
    }
}

/// A version that has been read, with its text. Two are equal when neither comes before the other, however they are
/// written: `1.0` and `1.0.0` of PyPI are.
#[derive(Clone)]
pub struct Version {
    scheme: Scheme,
    prerelease: bool,
    numbers: [u64; 3],
    text: Box<str>,
    key: Box<[u8]>,
}

impl Version {
    /// Reads an installed or published version.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a version of that scheme.
    pub fn read(scheme: Scheme, text: &str) -> Result<Self, Unreadable> {
        Self::read_with(scheme, text, false)
    }

    /// Reads a bound that an advisory states. Advisories also write `6.0` for `6.0.0`: missing numbers read as zero.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a version of that scheme even then.
    pub fn read_bound(scheme: Scheme, text: &str) -> Result<Self, Unreadable> {
        Self::read_with(scheme, text, true)
    }

    fn read_with(scheme: Scheme, text: &str, bound: bool) -> Result<Self, Unreadable> {
        let mut key = Key::new();
        key_write(scheme, text, bound, &mut key).map_err(|reason| Unreadable::new(scheme, text, reason))?;
        Ok(Version {
            scheme,
            prerelease: key.is_prerelease(),
            numbers: key.numbers(),
            text: text.into(),
            key: key.bytes().into(),
        })
    }

    /// The scheme it was read by.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The text it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Its sortable key: byte by byte, keys of one scheme are ordered as the versions are.
    #[must_use]
    pub fn key(&self) -> &[u8] {
        &self.key
    }

    /// Whether it is a pre-release (`1.0.0-rc.1`, `1.0a1`, `1.0~rc1`), by its scheme's own idea of one.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        self.prerelease
    }

    /// Its first three numbers (major, minor, patch); missing ones are zero, and those that do not fit are the largest.
    #[must_use]
    pub fn numbers(&self) -> (u64, u64, u64) {
        let [major, minor, patch] = self.numbers;
        (major, minor, patch)
    }

    /// The release line it belongs to. Where versions are semantic ones, a breaking change may sit in the first number that
    /// is not zero: `4` for 4.17.20, `0.8` for 0.8.2. Elsewhere fixes are brought back to each second number: `4.2` for 4.2.7.
    #[must_use]
    pub fn line(&self) -> String {
        let [major, minor, _] = self.numbers;
        if major > 0 && self.scheme.is_semantic() { major.to_string() } else { format!("{major}.{minor}") }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.scheme, self.text)
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        // Versions of two schemes have no order between them; what this gives is at least the same every time.
        self.scheme.cmp(&other.scheme).then_with(|| self.key.cmp(&other.key))
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

impl Scheme {
    /// Appends the version's sortable key to `out`: `a < b` as versions exactly when `a`'s key is below `b`'s byte by byte,
    /// and equal keys are equal versions. No key of a scheme is the beginning of another one, so a key may be followed by
    /// anything. Keys of different schemes have nothing to do with each other. `out` is untouched on an error.
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a version of that scheme.
    pub fn key(self, text: &str, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        self.key_with(text, false, out)
    }

    /// The same for a bound that an advisory states: see [`Version::read_bound`].
    ///
    /// # Errors
    /// [`Unreadable`] when it is not a version of that scheme even then.
    pub fn key_bound(self, text: &str, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        self.key_with(text, true, out)
    }

    fn key_with(self, text: &str, bound: bool, out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let mut key = Key::new();
        key_write(self, text, bound, &mut key).map_err(|reason| Unreadable::new(self, text, reason))?;
        out.extend_from_slice(key.bytes());
        Ok(())
    }
}

/// Compares many pairs; never allocates, and says why a version cannot be read without copying it.
pub struct Comparer {
    a: Key,
    b: Key,
}

impl Default for Comparer {
    fn default() -> Self {
        Self::new()
    }
}

impl Comparer {
    /// With its two keys on the stack.
    #[must_use]
    pub const fn new() -> Self {
        Comparer { a: Key::new(), b: Key::new() }
    }

    /// Orders two versions.
    ///
    /// # Errors
    /// `(false, reason)` when the first cannot be read, `(true, reason)` when it is the second.
    pub fn compare(&mut self, scheme: Scheme, a: &str, b: &str) -> Result<Ordering, (bool, &'static str)> {
        key_write(scheme, a, false, &mut self.a).map_err(|reason| (false, reason))?;
        key_write(scheme, b, false, &mut self.b).map_err(|reason| (true, reason))?;
        Ok(self.a.bytes().cmp(self.b.bytes()))
    }
}

/// Orders two versions. Allocates for an error only.
///
/// # Errors
/// [`Unreadable`] for the first of the two that the scheme cannot read.
pub fn compare(scheme: Scheme, a: &str, b: &str) -> Result<Ordering, Unreadable> {
    Comparer::new().compare(scheme, a, b).map_err(|(second, reason)| {
        let text = if second { b } else { a };
        Unreadable::new(scheme, text, reason)
    })
}

fn key_write(scheme: Scheme, text: &str, bound: bool, key: &mut Key) -> Result<(), &'static str> {
    key.clear();
    if text.len() > VERSION_BYTES_MAX {
        return Err("longer than 256 bytes");
    }
    order::write(scheme, text, bound, key)?;
    if key.is_full() { Err("too many parts") } else { Ok(()) }
}
