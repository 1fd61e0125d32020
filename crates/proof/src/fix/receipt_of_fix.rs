//! The signed statement of a verified or refuted fix: an in-toto Statement in a DSSE envelope, as runs have.
//! Must not change what was measured.

use serde_json::json;
use signing::Envelope;

use super::matrix::FixReport;
use super::stated::Asked;
use crate::digest::Sha256Hex;
use crate::engine::{Engine, EngineError};
use crate::file;
use crate::receipt::{PAYLOAD_TYPE, STATEMENT_TYPE};

/// Type of the predicate, ours.
pub const FIX_PREDICATE_TYPE: &str = "tag:proofhouse.dev,2026:fix-receipt/v1";

impl Engine {
    /// Signs and keeps a report; gives it back with the file in it.
    pub(super) fn fix_receipt_keep(&self, report: FixReport, asked: &Asked) -> Result<FixReport, EngineError> {
        let named = |name: String, sha256: &Sha256Hex| json!({ "name": name, "digest": { "sha256": sha256 } });
        let mut subject: Vec<_> = report.patches_sha256.iter().map(|sha256| named("patch".into(), sha256)).collect();
        for row in &report.rows {
            let bundle = named(format!("bundle for {}", row.proof.purl), &row.proof.digest);
            if !subject.contains(&bundle) {
                subject.push(bundle);
            }
        }
        let statement = json!({
            "_type": STATEMENT_TYPE,
            "subject": subject,
            "predicateType": FIX_PREDICATE_TYPE,
            "predicate": { "finished": crate::prove::now_text(), "asked": asked, "fix": report },
        });
        let payload = serde_json::to_vec(&statement).map_err(|e| EngineError::MalformedReceipt(e.to_string()))?;
        let envelope = Envelope::seal(PAYLOAD_TYPE, &payload, &self.signer).to_json()?;
        let path = self.home.join("receipts").join(format!("fix-{}.json", Sha256Hex::of(&payload)));
        file::write_whole(&path, &envelope).map_err(|source| EngineError::Home {
            step: "keep receipt",
            path: path.clone(),
            source,
        })?;
        Ok(FixReport { receipt: Some(path.display().to_string()), ..report })
    }
}
