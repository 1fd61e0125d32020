//! Why something could not be signed or is not accepted as signed. Holds no secret in any message.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why something could not be signed or is not accepted as signed.
#[derive(Debug, Error)]
pub enum SigningError {
    /// A key file could not be read or made.
    #[error("{step} key file {path}: {source}")]
    KeyFile {
        /// What was attempted.
        step: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A key file holds no key of the kind wanted.
    #[error("{what} is no Ed25519 key in PEM form: {why}")]
    MalformedKey {
        /// Which text.
        what: String,
        /// What the reader said.
        why: String,
    },
    /// Others than the owner may read a private key.
    #[error("key file {path} can be read by others (mode {mode:03o}); run: chmod 600 {path}")]
    KeyExposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The machine gave no random bytes for a new key.
    #[error("make a key: no random bytes from the system: {0}")]
    NoRandomness(String),
    /// The text is no DSSE envelope.
    #[error("not a DSSE envelope: {0}")]
    MalformedEnvelope(String),
    /// No signature in it was made by the key it was checked against.
    #[error("no signature by key {wanted}; signed by: {found}")]
    NotSignedBy {
        /// The key it was checked against.
        wanted: String,
        /// The key ids that are there.
        found: String,
    },
    /// The signature does not belong to these bytes.
    #[error("the signature by key {0} does not match the content")]
    Mismatch(String),
    /// The payload is of another type than the reader wants.
    #[error("payload type is `{found}`, wanted `{wanted}`")]
    PayloadType {
        /// What the envelope says.
        found: String,
        /// What the reader wants.
        wanted: String,
    },
}
