//! Detached signatures: a small JSON beside a document that must itself stay byte for byte what it is.
//!
//! The signed bytes bind the document's media type as an envelope does, so that a signature over one kind of document
//! is none over another. Must not look into the document.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::dsse::pre_authentication_encoding;
use crate::{PublicKey, Signer, SigningError};

/// A signature that lies beside what it signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetachedSignature {
    /// Always `ed25519`.
    pub algorithm: String,
    /// The signer's [`crate::KeyId`].
    pub keyid: String,
    /// Media type of the signed document; part of what is signed.
    #[serde(rename = "mediaType")]
    pub media_type: String,
    /// Ed25519 over the DSSE v1 pre-authentication encoding of media type and document, standard base64.
    pub signature: String,
}

impl DetachedSignature {
    /// Signs a document of this media type.
    #[must_use]
    pub fn sign(media_type: &str, document: &[u8], signer: &Signer) -> Self {
        Self {
            algorithm: "ed25519".into(),
            keyid: signer.id().to_string(),
            media_type: media_type.to_owned(),
            signature: STANDARD.encode(signer.sign(&pre_authentication_encoding(media_type, document))),
        }
    }

    /// Whether this is `key`'s signature over exactly this document.
    ///
    /// # Errors
    /// What does not hold.
    pub fn verify(&self, document: &[u8], key: &PublicKey) -> Result<(), SigningError> {
        let wanted = key.id();
        if self.keyid != wanted.as_str() || self.algorithm != "ed25519" {
            let found = format!("{} ({})", self.keyid, self.algorithm).chars().take(160).collect();
            return Err(SigningError::NotSignedBy { wanted: wanted.to_string(), found });
        }
        let raw = STANDARD
            .decode(&self.signature)
            .map_err(|e| SigningError::MalformedEnvelope(format!("signature is not base64: {e}")))?;
        key.verify(&pre_authentication_encoding(&self.media_type, document), &raw)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_for_the_very_document_only() {
        let signer = Signer::from_seed(&[3; 32]);
        let signature = DetachedSignature::sign("application/json", b"{}", &signer);
        signature.verify(b"{}", &signer.public()).unwrap();
        assert!(signature.verify(b"{} ", &signer.public()).is_err());
        let mut retyped = signature;
        retyped.media_type = "text/plain".into();
        assert!(retyped.verify(b"{}", &signer.public()).is_err());
    }
}
