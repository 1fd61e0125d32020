//! crates.io as a source of exact bytes, and cargo in a box as what builds programs of them.
//!
//! Index, digests and resolution are read here; nothing of a crate is unpacked, parsed or built outside a box.

pub mod build;
pub mod cfg;
pub mod config;
pub mod index;
pub mod outcome;
pub mod resolve;
pub mod self_test;
pub mod toolchain;
pub mod vendor;

/// Longest name of a crate, in bytes; the registry's own rule.
pub const NAME_BYTES_MAX: usize = 64;

/// Whether this can be the name of a crate: also what keeps names from being paths.
#[must_use]
pub fn name_is_valid(name: &str) -> bool {
    name.len() <= NAME_BYTES_MAX
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
}

/// Whether this can be the name of a feature of a crate, written into a manifest.
#[must_use]
pub fn feature_is_valid(name: &str) -> bool {
    (1..=NAME_BYTES_MAX * 2).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '.'))
}

#[cfg(test)]
mod tests {
    use super::name_is_valid;

    #[test]
    fn names() {
        for good in ["smallvec", "serde_json", "a", "rust-embed", "Inflector"] {
            assert!(name_is_valid(good), "{good}");
        }
        for bad in ["", ".", "..", "../x", "a/b", "-a", "1a", "a b", "a.b", "a\"b", &"x".repeat(65)] {
            assert!(!name_is_valid(bad), "{bad}");
        }
    }
}
