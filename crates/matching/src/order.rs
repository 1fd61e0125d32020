//! Versions as sortable bytes: the order of two keys, byte by byte, is the order of the versions. Must not know packages.

use std::sync::OnceLock;

use sha2::{Digest, Sha256};
use versions::{Scheme, Unreadable};

/// Whether a text is a version that somebody runs, or a bound that an advisory states: bounds are read more leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Installed or published.
    Version,
    /// Stated by an advisory.
    Bound,
}

/// Appends the key of a version; nothing where it cannot be read.
#[inline]
pub(crate) fn key_push(scheme: Scheme, role: Role, text: &str, out: &mut Vec<u8>) -> Result<(), Unreadable> {
    match role {
        Role::Version => scheme.key(text, out),
        Role::Bound => scheme.key_bound(text, out),
    }
}

/// What the keys of this program look like. An index holds keys: one that was built by another order must not be read.
pub(crate) fn fingerprint() -> [u8; 32] {
    static ONCE: OnceLock<[u8; 32]> = OnceLock::new();
    *ONCE.get_or_init(fingerprint_make)
}

fn fingerprint_make() -> [u8; 32] {
    const SAMPLES: [&str; 12] = [
        "0",
        "1.0",
        "1.2.3",
        "1.2.3-rc.1",
        "v1.10.0",
        "1:2.3-4~rc1",
        "2.0.0.RELEASE",
        "1.0b2.post3.dev4",
        "3.0.1-r2",
        "2024.01.02",
        "1.0.0+build",
        "r12-SNAPSHOT",
    ];
    let mut hash = Sha256::new();
    let mut key = Vec::new();
    for scheme in Scheme::ALL {
        hash.update(format!("{scheme:?}").as_bytes());
        for (role, text) in SAMPLES.iter().flat_map(|text| [(Role::Version, *text), (Role::Bound, *text)]) {
            key.clear();
            let read = key_push(scheme, role, text, &mut key).is_ok();
            hash.update([u8::from(read), u8::try_from(key.len()).unwrap_or(u8::MAX)]);
            hash.update(if read { key.as_slice() } else { &[] });
        }
    }
    hash.finalize().into()
}
