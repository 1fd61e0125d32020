//! DSSE: an envelope that signs a payload together with its type, so that neither can be read as something else.
//!
//! After the Dead Simple Signing Envelope v1 of the secure-systems-lab; only the parts that it fixes. Must not look
//! into a payload.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{PublicKey, Signer, SigningError};

/// Largest envelope read, in bytes.
pub const ENVELOPE_BYTES_MAX: usize = 32 << 20;

/// A payload with its type and the signatures over both.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// What the payload is, as a media type.
    #[serde(rename = "payloadType")]
    pub payload_type: String,
    /// The payload, standard base64.
    pub payload: String,
    /// At least one.
    pub signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnvelopeSignature {
    /// The signer's [`crate::KeyId`].
    pub keyid: String,
    /// The signature over the pre-authentication encoding, standard base64.
    pub sig: String,
}

impl Envelope {
    /// Seals a payload.
    #[must_use]
    pub fn seal(payload_type: &str, payload: &[u8], signer: &Signer) -> Self {
        let sig = STANDARD.encode(signer.sign(&pre_authentication_encoding(payload_type, payload)));
        Self {
            payload_type: payload_type.to_owned(),
            payload: STANDARD.encode(payload),
            signatures: vec![EnvelopeSignature { keyid: signer.id().to_string(), sig }],
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// [`SigningError::MalformedEnvelope`], also where it is larger than [`ENVELOPE_BYTES_MAX`].
    pub fn from_json(json: &[u8]) -> Result<Self, SigningError> {
        if json.len() > ENVELOPE_BYTES_MAX {
            return Err(SigningError::MalformedEnvelope(format!("larger than {ENVELOPE_BYTES_MAX} bytes")));
        }
        serde_json::from_slice(json).map_err(|e| SigningError::MalformedEnvelope(e.to_string()))
    }

    /// The JSON form.
    ///
    /// # Errors
    /// None in practice: the encoder's own error is passed on.
    pub fn to_json(&self) -> Result<Vec<u8>, SigningError> {
        serde_json::to_vec(self).map_err(|e| SigningError::MalformedEnvelope(e.to_string()))
    }

    /// The payload, once a signature of `key` over it and over its type, which must be `payload_type`, holds.
    ///
    /// # Errors
    /// What does not hold.
    pub fn open(&self, payload_type: &str, key: &PublicKey) -> Result<Vec<u8>, SigningError> {
        if self.payload_type != payload_type {
            return Err(SigningError::PayloadType {
                found: self.payload_type.chars().take(128).collect(),
                wanted: payload_type.to_owned(),
            });
        }
        let payload = STANDARD
            .decode(&self.payload)
            .map_err(|e| SigningError::MalformedEnvelope(format!("payload is not base64: {e}")))?;
        let wanted = key.id();
        let Some(signature) = self.signatures.iter().find(|s| s.keyid == wanted.as_str()) else {
            let found: Vec<&str> = self.signatures.iter().take(8).map(|s| s.keyid.as_str()).collect();
            return Err(SigningError::NotSignedBy { wanted: wanted.to_string(), found: found.join(", ") });
        };
        let raw = STANDARD
            .decode(&signature.sig)
            .map_err(|e| SigningError::MalformedEnvelope(format!("signature is not base64: {e}")))?;
        key.verify(&pre_authentication_encoding(&self.payload_type, &payload), &raw)?;
        Ok(payload)
    }
}

/// What is signed: the lengths keep type and payload from running into each other.
#[must_use]
pub fn pre_authentication_encoding(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_encoding_is_the_one_of_the_specification() {
        // The example of the DSSE v1 protocol document.
        let encoded = pre_authentication_encoding("http://example.com/HelloWorld", b"hello world");
        assert_eq!(encoded, b"DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    }

    #[test]
    fn an_envelope_opens_only_unchanged_by_its_signer_and_as_its_type() {
        let signer = Signer::from_seed(&[1; 32]);
        let sealed = Envelope::seal("a/b", b"content", &signer);
        let read = Envelope::from_json(&sealed.to_json().unwrap()).unwrap();
        assert_eq!(read.open("a/b", &signer.public()).unwrap(), b"content");
        assert!(matches!(read.open("a/c", &signer.public()), Err(SigningError::PayloadType { .. })));
        let other = Signer::from_seed(&[2; 32]);
        assert!(matches!(read.open("a/b", &other.public()), Err(SigningError::NotSignedBy { .. })));
        let mut changed = read.clone();
        changed.payload = STANDARD.encode(b"Content");
        assert!(matches!(changed.open("a/b", &signer.public()), Err(SigningError::Mismatch(_))));
        let mut retyped = read;
        retyped.payload_type = "a/c".into();
        assert!(matches!(retyped.open("a/c", &signer.public()), Err(SigningError::Mismatch(_))));
    }
}
