//! Encryption at rest: what strangers send is sealed before it reaches the store.
//!
//! XChaCha20-Poly1305 with a random 24-byte nonce in front; the blob's id is bound in as associated
//! data, so that blobs cannot be swapped. Must never log or show a key or an opened text.

use std::fmt;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use thiserror::Error;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;

/// Why sealing or opening did not work.
#[derive(Debug, Error)]
pub enum SealError {
    /// The key file cannot be read or made.
    #[error("sealing key {path}: {error}")]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The key file does not hold 32 bytes in hex.
    #[error("sealing key {0}: not 64 hex digits; restore it from your backup, a new one cannot open old reports")]
    KeyDamaged(PathBuf),
    /// Others on this machine can read the key file, or write it.
    #[error("sealing key {0}: others can read or write it; run chmod 600 on it, and think about who may have read it")]
    KeyExposed(PathBuf),
    /// The system gave no randomness.
    #[error("no randomness from the system: {0}")]
    Randomness(getrandom::Error),
    /// The text was not sealed with this key for this blob, or is damaged.
    #[error("a stored blob does not open with sealing key {0}: another key, or damaged")]
    NotOpened(String),
}

/// The key that seals and opens. Its bytes are wiped when it is dropped.
pub struct Sealer {
    cipher: XChaCha20Poly1305,
    key_id: String,
}

impl fmt::Debug for Sealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealer({})", self.key_id)
    }
}

impl Sealer {
    /// Reads the key file, or makes it (mode 0600) when there is none.
    ///
    /// # Errors
    /// [`SealError`] when it cannot be read, made, or does not hold a key.
    pub fn open_or_create(path: &Path) -> Result<Self, SealError> {
        let io = |error| SealError::KeyFile { path: path.to_owned(), error };
        if !path.exists() {
            let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
            getrandom::fill(key.as_mut_slice()).map_err(SealError::Randomness)?;
            let text = Zeroizing::new(hex::encode(key.as_slice()));
            let mut tag = [0_u8; 8];
            getrandom::fill(&mut tag).map_err(SealError::Randomness)?;
            let partial = path.with_extension(format!("new-{}", hex::encode(tag)));
            let mut file =
                fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial).map_err(io)?;
            file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
            // A link fails where a file already is: of two first starts at once, one key wins.
            match fs::hard_link(&partial, path) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(io(error)),
                _ => fs::remove_file(&partial).map_err(io)?,
            }
            // What is sealed with a key must not outlive it in a crash: the name is made durable too.
            if let Some(folder) = path.parent() {
                fs::File::open(folder).and_then(|f| f.sync_all()).map_err(io)?;
            }
        }
        let mode = fs::metadata(path).map_err(io)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(SealError::KeyExposed(path.to_owned()));
        }
        let text = Zeroizing::new(fs::read_to_string(path).map_err(io)?);
        let bytes = Zeroizing::new(hex::decode(text.trim()).map_err(|_| SealError::KeyDamaged(path.to_owned()))?);
        Self::from_key(&bytes).ok_or_else(|| SealError::KeyDamaged(path.to_owned()))
    }

    fn from_key(bytes: &[u8]) -> Option<Self> {
        let cipher = XChaCha20Poly1305::new_from_slice(bytes).ok()?;
        let key_id = hex::encode(&Sha256::digest([b"proofhouse sealing key id".as_slice(), bytes].concat())[..8]);
        Some(Self { cipher, key_id })
    }

    /// A name for the key that does not reveal it.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// Seals a text for the blob with this id.
    ///
    /// # Errors
    /// [`SealError`] when there is no randomness.
    pub fn seal(&self, blob: &str, plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(SealError::Randomness)?;
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), Payload { msg: plain, aad: blob.as_bytes() })
            .map_err(|_| SealError::NotOpened(self.key_id.clone()))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for the blob with this id.
    ///
    /// # Errors
    /// [`SealError::NotOpened`] when the key, the id or a byte differs.
    pub fn open(&self, blob: &str, sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        let refused = || SealError::NotOpened(self.key_id.clone());
        let (nonce, body) = sealed.split_at_checked(NONCE_BYTES).ok_or_else(refused)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| refused())?;
        self.cipher.decrypt(&XNonce::from(nonce), Payload { msg: body, aad: blob.as_bytes() }).map_err(|_| refused())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_for_its_blob_with_its_key_and_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing.key");
        let sealer = Sealer::open_or_create(&path).unwrap();
        let again = Sealer::open_or_create(&path).unwrap();
        assert_eq!(sealer.key_id(), again.key_id());
        let mut sealed = sealer.seal("blob_a", b"exploit").unwrap();
        assert!(!sealed.windows(7).any(|w| w == b"exploit"));
        assert_eq!(again.open("blob_a", &sealed).unwrap(), b"exploit");
        assert!(again.open("blob_b", &sealed).is_err());
        let other = Sealer::open_or_create(&folder.path().join("other.key")).unwrap();
        assert!(other.open("blob_a", &sealed).is_err());
        sealed[30] ^= 1;
        assert!(again.open("blob_a", &sealed).is_err());
        assert!(again.open("blob_a", b"short").is_err());
        assert!(!format!("{sealer:?}").contains(fs::read_to_string(&path).unwrap().trim()));
    }

    #[test]
    fn a_damaged_key_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sealing.key");
        fs::write(&path, "nonsense").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Sealer::open_or_create(&path), Err(SealError::KeyExposed(_))));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let error = Sealer::open_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("sealing.key") && error.contains("backup"), "{error}");
    }
}
