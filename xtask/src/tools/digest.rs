//! Digests, checked before anything downloaded is unpacked or run.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256, Sha512};

/// Checks `bytes` against npm's form of a digest: `sha512-` and base64.
pub fn check_integrity(bytes: &[u8], integrity: &str) -> Result<()> {
    let expected =
        integrity.strip_prefix("sha512-").with_context(|| format!("{integrity:?} is no sha512 integrity"))?;
    let actual = STANDARD.encode(Sha512::digest(bytes));
    ensure!(actual == expected, "the digest differs: pinned {integrity}, got sha512-{actual}");
    Ok(())
}

/// Checks `bytes` against a lower-case hex SHA-256.
pub fn check_sha256(bytes: &[u8], expected: &str) -> Result<()> {
    let actual = hex::encode(Sha256::digest(bytes));
    ensure!(actual == expected, "the digest differs: pinned sha256 {expected}, got {actual}");
    Ok(())
}

/// One digest over several byte strings, each preceded by its length, so that no two lists share one.
pub fn sha256_of_parts(parts: &[Vec<u8>]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str =
        "sha512-z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg==";

    #[test]
    fn integrity_refuses_another_byte_and_another_algorithm() {
        assert!(check_integrity(b"", EMPTY).is_ok());
        assert!(check_integrity(b"x", EMPTY).is_err());
        assert!(check_integrity(b"", "sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=").is_err());
    }

    #[test]
    fn parts_are_told_apart_by_their_lengths() {
        assert_ne!(
            sha256_of_parts(&[b"ab".to_vec(), b"c".to_vec()]),
            sha256_of_parts(&[b"a".to_vec(), b"bc".to_vec()])
        );
    }
}
