//! Maven repositories: which one, what is listed and served there, and what an artefact needs. Must not run anything
//! outside a box.

pub mod build;
pub mod config;
mod effective;
pub mod jdk;
pub mod outcome;
pub mod patched;
mod pom;
pub mod registry;
pub mod resolve;
pub mod self_test;

use std::fmt;

use versions::{Scheme, Version};

/// Longest group, artefact or version, in bytes.
pub const WORD_BYTES_MAX: usize = 128;

/// An artefact in one version: what a repository serves by path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coordinates {
    /// The group, such as `org.yaml`.
    pub group: String,
    /// The artefact, such as `snakeyaml`.
    pub artifact: String,
    /// The version, as its repository writes it.
    pub version: String,
}

impl Coordinates {
    /// Of the name `group:artifact` and a version; `None` where they cannot be part of a path.
    #[must_use]
    pub fn of(name: &str, version: &str) -> Option<Self> {
        let (group, artifact) = name.split_once(':')?;
        let found = Self { group: group.into(), artifact: artifact.into(), version: version.into() };
        found.is_plain().then_some(found)
    }

    /// The name without the version: `group:artifact`.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}:{}", self.group, self.artifact)
    }

    /// Whether each part is one plain word, so that it can stand in a path.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        word_is_plain(&self.group) && word_is_plain(&self.artifact) && word_is_plain(&self.version)
    }
}

impl fmt::Display for Coordinates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.group, self.artifact, self.version)
    }
}

fn word_is_plain(word: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._-+".contains(&b);
    (1..=WORD_BYTES_MAX).contains(&word.len())
        && word.bytes().all(fits)
        && !word.starts_with(['.', '-'])
        && !word.contains("..")
}

/// Whether this is `group:artifact`.
#[must_use]
pub fn name_is_valid(name: &str) -> bool {
    name.split_once(':').is_some_and(|(group, artifact)| word_is_plain(group) && word_is_plain(artifact))
}

/// Whether this is one exact version: no range, no word for the newest.
#[must_use]
pub fn version_is_exact(text: &str) -> bool {
    word_is_plain(text) && text.bytes().any(|b| b.is_ascii_digit()) && version_read(text).is_some()
}

/// A version in Maven's order.
#[must_use]
pub fn version_read(text: &str) -> Option<Version> {
    Version::read(Scheme::Maven, text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_words_become_parts_of_a_path() {
        assert!(name_is_valid("org.yaml:snakeyaml"));
        for bad in ["snakeyaml", "a/b:c", "..:x", "a:b:c", "a:", ".a:b", "a:b c"] {
            assert!(!name_is_valid(bad), "{bad}");
        }
        assert!(version_is_exact("3.2.1") && version_is_exact("2.0-rc1"));
        for bad in ["[1,2)", "LATEST", "", "1/2", "1..2", "${x}"] {
            assert!(!version_is_exact(bad), "{bad}");
        }
    }
}
