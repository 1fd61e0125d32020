//! The index as one file: a signed header with the digests of two parts. The hot part decides; the cold part says why and lets
//! the index be built again. Bytes in, bytes out: whoever has the file reads it. Nothing of it is used before its signature and
//! its digest are checked.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use signing::dsse::pre_authentication_encoding;
use signing::{PublicKey, Signer, SigningError};

use crate::order::fingerprint;

/// Begins every index; the last digit is the version of the layout.
const MAGIC: &[u8; 8] = b"PHINDEX3";
/// What is signed is a header of this type.
const MEDIA_TYPE: &str = "application/vnd.proofhouse.index.header";
/// The largest header, in bytes.
pub const HEADER_BYTES_MAX: usize = 1024 * 1024;
/// The largest index, in bytes.
pub const INDEX_BYTES_MAX: usize = 2 * 1024 * 1024 * 1024;
const SIGNATURE_BYTES: usize = 64;
/// Magic and the header's length.
const START_BYTES: usize = 12;

/// Why a file is no index to go by.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// It does not begin as an index, or ends early.
    #[error("read an index: {0}")]
    Malformed(&'static str),
    /// It was written for another layout or by another order of versions.
    #[error("read an index: it was built by another version of this program; build it again")]
    OtherVersion,
    /// Its signature does not hold.
    #[error("read an index: {0}")]
    Signature(#[from] SigningError),
    /// A part is not what the header says.
    #[error("read an index: the {0} part is not the one that was signed")]
    Digest(&'static str),
    /// Too much for one index.
    #[error("build an index: more than {INDEX_BYTES_MAX} bytes")]
    TooLarge,
    /// A delta that belongs to another index.
    #[error("apply a delta: {0}")]
    Delta(&'static str),
}

/// What the header says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Of the keys, see [`fingerprint`].
    pub(crate) order: [u8; 32],
    pub(crate) hot_bytes: u64,
    pub(crate) hot_digest: [u8; 32],
    pub(crate) cold_bytes: u64,
    pub(crate) cold_digest: [u8; 32],
    pub(crate) slots: u32,
    pub(crate) groups_bytes: u32,
    pub(crate) entries: u32,
    pub(crate) live: u32,
    pub(crate) withdrawn: u32,
    pub(crate) clusters: u32,
    pub(crate) unnamed: u32,
    /// Every ecosystem with its release, sorted, and every one without.
    pub(crate) ecosystems: Vec<String>,
    pub(crate) bases: Vec<String>,
}

/// An index that was built, and is not yet signed.
#[derive(Clone, PartialEq, Eq)]
pub struct Built {
    pub(crate) header: Header,
    pub(crate) header_bytes: Vec<u8>,
    pub(crate) hot: Vec<u8>,
    pub(crate) cold: Vec<u8>,
}

impl fmt::Debug for Built {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Built").field("header", &self.header).finish_non_exhaustive()
    }
}

/// The beginning of a file, checked: what the rest must be.
#[derive(Debug)]
pub struct Opening {
    pub(crate) header: Header,
    pub(crate) header_bytes: Vec<u8>,
    pub(crate) signature: Vec<u8>,
    parts_at: usize,
}

impl Built {
    pub(crate) fn new(mut header: Header, hot: Vec<u8>, cold: Vec<u8>) -> Result<Self, IndexError> {
        if hot.len().saturating_add(cold.len()) > INDEX_BYTES_MAX {
            return Err(IndexError::TooLarge);
        }
        header.order = fingerprint();
        header.hot_bytes = hot.len() as u64;
        header.cold_bytes = cold.len() as u64;
        header.hot_digest = part_digest(&hot);
        header.cold_digest = part_digest(&cold);
        let header_bytes = postcard::to_stdvec(&header).map_err(|_| IndexError::TooLarge)?;
        if header_bytes.len() > HEADER_BYTES_MAX {
            return Err(IndexError::TooLarge);
        }
        Ok(Built { header, header_bytes, hot, cold })
    }

    /// The whole file, signed. The same records and the same key give the same bytes.
    #[must_use]
    pub fn to_file(&self, signer: &Signer) -> Vec<u8> {
        self.with_signature(&signer.sign(&pre_authentication_encoding(MEDIA_TYPE, &self.header_bytes)))
    }

    pub(crate) fn with_signature(&self, signature: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.hot.len() + self.cold.len() + self.header_bytes.len() + 128);
        out.extend_from_slice(MAGIC);
        out.extend(u32::try_from(self.header_bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        out.extend_from_slice(&self.header_bytes);
        out.extend_from_slice(signature);
        out.extend_from_slice(&self.hot);
        out.extend_from_slice(&self.cold);
        out
    }
}

impl Opening {
    /// How many bytes of a file [`Opening::read`] needs, told from its first 12.
    ///
    /// # Errors
    /// [`IndexError`] when these do not begin an index.
    pub fn bytes_wanted(start: &[u8]) -> Result<usize, IndexError> {
        let (magic, length) = start
            .split_at_checked(MAGIC.len())
            .and_then(|(magic, rest)| Some((magic, rest.get(..4)?)))
            .ok_or(IndexError::Malformed("it is shorter than its beginning"))?;
        if magic.get(..7) != MAGIC.get(..7) {
            return Err(IndexError::Malformed("it does not begin as one"));
        }
        if magic != MAGIC {
            return Err(IndexError::OtherVersion);
        }
        let length = u32::from_le_bytes(length.try_into().unwrap_or_default()) as usize;
        if length > HEADER_BYTES_MAX {
            return Err(IndexError::Malformed("its header is too long"));
        }
        Ok(START_BYTES + length + SIGNATURE_BYTES)
    }

    /// Reads the beginning of a file, and checks that `key` has signed it.
    ///
    /// # Errors
    /// [`IndexError`] when it is none, is not signed by that key, or was built by another version.
    pub fn read(bytes: &[u8], key: &PublicKey) -> Result<Self, IndexError> {
        let opening = Self::read_unchecked(bytes)?;
        key.verify(&pre_authentication_encoding(MEDIA_TYPE, &opening.header_bytes), &opening.signature)?;
        if opening.header.order != fingerprint() {
            return Err(IndexError::OtherVersion);
        }
        Ok(opening)
    }

    fn read_unchecked(bytes: &[u8]) -> Result<Self, IndexError> {
        let parts_at = Self::bytes_wanted(bytes)?;
        let short = IndexError::Malformed("it ends within its header");
        let header_bytes = bytes.get(START_BYTES..parts_at - SIGNATURE_BYTES);
        let (Some(header_bytes), Some(signature)) = (header_bytes, bytes.get(parts_at - SIGNATURE_BYTES..parts_at))
        else {
            return Err(short);
        };
        let header: Header =
            postcard::from_bytes(header_bytes).map_err(|_| IndexError::Malformed("its header cannot be read"))?;
        if header.hot_bytes.saturating_add(header.cold_bytes) > INDEX_BYTES_MAX as u64 {
            return Err(IndexError::Malformed("it is too large"));
        }
        Ok(Opening { header, header_bytes: header_bytes.to_vec(), signature: signature.to_vec(), parts_at })
    }

    /// Where in the file the part that decides lies: offset and length in bytes.
    #[must_use]
    pub fn hot_at(&self) -> (u64, u64) {
        (self.parts_at as u64, self.header.hot_bytes)
    }

    /// Where in the file the part that explains lies: offset and length in bytes.
    #[must_use]
    pub fn cold_at(&self) -> (u64, u64) {
        (self.parts_at as u64 + self.header.hot_bytes, self.header.cold_bytes)
    }

    pub(crate) fn hot_check(&self, bytes: &[u8]) -> Result<(), IndexError> {
        let holds = bytes.len() as u64 == self.header.hot_bytes && part_digest(bytes) == self.header.hot_digest;
        if holds { Ok(()) } else { Err(IndexError::Digest("deciding")) }
    }
}

/// The digest that names the whole index.
pub(crate) fn name_of(header_bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(header_bytes).into()
}

pub(crate) fn cold_check(header: &Header, bytes: &[u8]) -> Result<(), IndexError> {
    let holds = bytes.len() as u64 == header.cold_bytes && part_digest(bytes) == header.cold_digest;
    if holds { Ok(()) } else { Err(IndexError::Digest("explaining")) }
}

/// The digest of a part. BLAKE3, because every run of the program computes it over all that it is about to use.
fn part_digest(bytes: &[u8]) -> [u8; 32] {
    blake3::hash(bytes).into()
}
