//! Versions as sortable bytes: the order of two keys, byte by byte, is the order of the versions. Must not know packages.

use sha2::{Digest, Sha256};
use versions::{Scheme, Unreadable, Version};

/// Whether a text is a version that somebody runs, or a bound that an advisory states: bounds are read more leniently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Installed or published.
    Version,
    /// Stated by an advisory.
    Bound,
}

/// Appends the key of a version.
pub(crate) fn key_push(scheme: Scheme, role: Role, text: &str, out: &mut Vec<u8>) -> Result<(), Unreadable> {
    let version = match role {
        Role::Version => Version::read(scheme, text)?,
        Role::Bound => Version::read_bound(scheme, text)?,
    };
    let (major, minor, patch) = version.numbers();
    for number in [major, minor, patch] {
        number_push(number, out);
    }
    let core = text.split('+').next().unwrap_or_default();
    match core.split_once('-').filter(|_| version.is_prerelease()) {
        None => out.push(0xff),
        Some((_, pre)) => {
            for part in pre.trim_end().split('.') {
                match part.parse::<u64>() {
                    Ok(number) if part.bytes().all(|b| b.is_ascii_digit()) => {
                        out.push(1);
                        number_push(number, out);
                    }
                    _ => {
                        out.push(2);
                        out.extend_from_slice(part.as_bytes());
                        out.push(0);
                    }
                }
            }
            out.push(0);
        }
    }
    Ok(())
}

fn number_push(number: u64, out: &mut Vec<u8>) {
    let bytes = number.to_be_bytes();
    let skipped = bytes.iter().take_while(|b| **b == 0).count();
    out.push(8 - u8::try_from(skipped).unwrap_or(8));
    out.extend(bytes.iter().skip(skipped));
}

/// What the keys of this program look like. An index holds keys: one that was built by another order must not be read.
pub(crate) fn fingerprint() -> [u8; 32] {
    const SAMPLES: [&str; 12] = [
        "0", "1.0", "1.2.3", "1.2.3-rc.1", "v1.10.0", "1:2.3-4~rc1", "2.0.0.RELEASE", "1.0b2.post3.dev4", "3.0.1-r2",
        "2024.01.02", "1.0.0+build", "r12-SNAPSHOT",
    ];
    let mut hash = Sha256::new();
    let mut key = Vec::new();
    for scheme in Scheme::ALL {
        hash.update(scheme.to_string().as_bytes());
        for (role, text) in SAMPLES.iter().flat_map(|text| [(Role::Version, *text), (Role::Bound, *text)]) {
            key.clear();
            let read = key_push(scheme, role, text, &mut key).is_ok();
            hash.update([u8::from(read), u8::try_from(key.len()).unwrap_or(u8::MAX)]);
            hash.update(if read { key.as_slice() } else { &[] });
        }
    }
    hash.finalize().into()
}
