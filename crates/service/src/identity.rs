//! Time and randomness for the use cases: the only place of this crate that asks the system for them.
//!
//! Must not decide anything: it hands out timestamps, ids and secrets.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::id::{Id, Kind, base32};
use domain::time::Timestamp;
use sha2::{Digest, Sha256};

use crate::error::{Result, ServiceError};

/// The time now.
#[must_use]
pub fn now() -> Timestamp {
    let micros = match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(_) => 0,
    };
    Timestamp::from_micros(micros)
}

/// Random bytes from the system.
///
/// # Errors
/// [`ServiceError::Unavailable`] when the system has none.
pub fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|e| ServiceError::Unavailable(format!("no randomness from the system: {e}")))?;
    Ok(bytes)
}

/// A new id.
///
/// # Errors
/// [`ServiceError::Unavailable`] when the system has no randomness.
pub fn new_id<K: Kind>(now: Timestamp) -> Result<Id<K>> {
    Ok(Id::new(now.millis(), random()?))
}

/// A new bearer secret of 256 bits, `pht_` and 64 hex digits. Shown once, stored as [`secret_hash`].
///
/// # Errors
/// [`ServiceError::Unavailable`] when the system has no randomness.
pub fn new_secret() -> Result<String> {
    Ok(format!("pht_{}", hex::encode(random::<32>()?)))
}

/// What is stored of a bearer secret. The secret has 256 random bits, so a plain hash is enough.
#[must_use]
pub fn secret_hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret.as_bytes()).to_vec()
}

/// A receipt of a report: `SUB-` and 26 characters of 128 random bits. Holding it is the right to
/// poll it, so it must not be guessable, and it says nothing of time or number.
///
/// # Errors
/// [`ServiceError::Unavailable`] when the system has no randomness.
pub fn new_receipt() -> Result<String> {
    Ok(format!("SUB-{}", base32(u128::from_be_bytes(random()?)).to_uppercase()))
}

/// SHA-256 in lower-case hex.
#[must_use]
pub fn digest_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
