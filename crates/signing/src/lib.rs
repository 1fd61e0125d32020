//! Ed25519 keys, DSSE envelopes and detached signatures: how anything that leaves the house says who said it.
//!
//! Knows bytes only: it must not know what a receipt, an advisory or a log entry is.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod detached;
pub mod dsse;
mod error;
pub mod key;

pub use detached::DetachedSignature;
pub use dsse::Envelope;
pub use error::SigningError;
pub use key::{KeyId, PublicKey, Signer};
