//! Keys: made once, kept in a file only its owner can read, named by the hash of their public half.
//!
//! Must not log, print or serialise a private key anywhere but into its own file.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey, DecodePublicKey, EncodePrivateKey, EncodePublicKey};
use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::SigningError;

/// Largest key file read, in bytes. A PEM of an Ed25519 key has about 120.
pub const KEY_FILE_BYTES_MAX: u64 = 16 << 10;

/// The name of a key: the SHA-256 of its 32 public bytes, as 64 hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// The 64 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A private key and its name.
pub struct Signer {
    key: SigningKey,
    id: KeyId,
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Signer {
    /// The key of these 32 secret bytes.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        let key = SigningKey::from_bytes(seed);
        let id = PublicKey(key.verifying_key()).id();
        Self { key, id }
    }

    /// Reads the key at `path`, or makes one there (mode 0600, folders included) where there is none. Several
    /// processes may do so at once: one key wins, and all use it.
    ///
    /// # Errors
    /// Where the file cannot be read or made, is no key, or can be read by others than its owner.
    pub fn open_or_create(path: &Path) -> Result<Self, SigningError> {
        match Self::open(path) {
            Err(SigningError::KeyFile { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Self::create(path)?;
                Self::open(path)
            }
            other => other,
        }
    }

    /// Reads the key at `path`.
    ///
    /// # Errors
    /// As [`Signer::open_or_create`], and where there is no such file.
    pub fn open(path: &Path) -> Result<Self, SigningError> {
        let at = |step| move |source| SigningError::KeyFile { step, path: path.to_owned(), source };
        let about = fs::metadata(path).map_err(at("read"))?;
        let mode = about.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(SigningError::KeyExposed { path: path.to_owned(), mode });
        }
        if about.len() > KEY_FILE_BYTES_MAX {
            let why = format!("larger than {KEY_FILE_BYTES_MAX} bytes");
            return Err(SigningError::MalformedKey { what: path.display().to_string(), why });
        }
        let pem = Zeroizing::new(fs::read_to_string(path).map_err(at("read"))?);
        let key = SigningKey::from_pkcs8_pem(&pem)
            .map_err(|e| SigningError::MalformedKey { what: path.display().to_string(), why: e.to_string() })?;
        let id = PublicKey(key.verifying_key()).id();
        Ok(Self { key, id })
    }

    fn create(path: &Path) -> Result<(), SigningError> {
        let at = |step| move |source| SigningError::KeyFile { step, path: path.to_owned(), source };
        let mut seed = Zeroizing::new([0u8; 32]);
        getrandom::fill(seed.as_mut()).map_err(|e| SigningError::NoRandomness(e.to_string()))?;
        let pem = SigningKey::from_bytes(&seed)
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|e| SigningError::MalformedKey { what: "a new key".into(), why: e.to_string() })?;
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at("make the folder of"))?;
        }
        let mut tag = [0u8; 8];
        getrandom::fill(&mut tag).map_err(|e| SigningError::NoRandomness(e.to_string()))?;
        let draft = path.with_extension(format!("new-{}", hex::encode(tag)));
        let written = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&draft)
            .and_then(|mut file| file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()));
        // A link fails where the name exists, so the first of several processes wins and no key is ever replaced.
        let placed = written.and_then(|()| match fs::hard_link(&draft, path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
        let _ = fs::remove_file(&draft);
        placed.map_err(at("write"))
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> &KeyId {
        &self.id
    }

    /// The public half.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.key.verifying_key())
    }

    /// Signs bytes as they are. Whoever signs must bind what the bytes mean, as [`crate::Envelope`] does.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }
}

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Reads the PEM form (`BEGIN PUBLIC KEY`).
    ///
    /// # Errors
    /// [`SigningError::MalformedKey`].
    pub fn from_pem(pem: &str) -> Result<Self, SigningError> {
        VerifyingKey::from_public_key_pem(pem)
            .map(Self)
            .map_err(|e| SigningError::MalformedKey { what: "the public key".into(), why: e.to_string() })
    }

    /// The PEM form, as other tools read it.
    ///
    /// # Errors
    /// None in practice: the encoder's own error is passed on.
    pub fn to_pem(&self) -> Result<String, SigningError> {
        self.0
            .to_public_key_pem(LineEnding::LF)
            .map_err(|e| SigningError::MalformedKey { what: "the public key".into(), why: e.to_string() })
    }

    /// The key's name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        KeyId(hex::encode(Sha256::digest(self.0.as_bytes())))
    }

    /// Whether `signature` is this key's over exactly these bytes. Strict: weak keys and forms that only some
    /// verifiers accept are refused.
    ///
    /// # Errors
    /// [`SigningError::Mismatch`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), SigningError> {
        let mismatch = || SigningError::Mismatch(self.id().to_string());
        let signature = ed25519_dalek::Signature::from_slice(signature).map_err(|_| mismatch())?;
        self.0.verify_strict(message, &signature).map_err(|_| mismatch())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_only_its_owner_can_read_it() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keys/receipts.pem");
        let first = Signer::open_or_create(&path).unwrap();
        let second = Signer::open_or_create(&path).unwrap();
        assert_eq!(first.id(), second.id());
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(Signer::open(&path), Err(SigningError::KeyExposed { mode: 0o644, .. })));
    }

    #[test]
    fn eight_starts_at_once_make_one_key() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("k.pem");
        let ids: Vec<String> = std::thread::scope(|s| {
            let starts: Vec<_> =
                (0..8).map(|_| s.spawn(|| Signer::open_or_create(&path).unwrap().id().to_string())).collect();
            starts.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    }

    #[test]
    fn a_public_key_survives_its_pem_form() {
        let signer = Signer::from_seed(&[7; 32]);
        let pem = signer.public().to_pem().unwrap();
        let read = PublicKey::from_pem(&pem).unwrap();
        assert_eq!(read.id(), *signer.id());
        read.verify(b"bytes", &signer.sign(b"bytes")).unwrap();
        assert!(read.verify(b"other", &signer.sign(b"bytes")).is_err());
    }
}
