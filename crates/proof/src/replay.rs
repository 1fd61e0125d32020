//! `verify`: is a receipt signed by whom it should be, and does running it again give the same verdict?
//!
//! A replay uses the very bytes the receipt names, from the store or from the registry, whatever would be resolved
//! today. Must not accept other bytes under the same version.

use domain::proof::Verdict;
use serde::Serialize;
use signing::{Envelope, PublicKey, SigningError};

use crate::bundle::Bundle;
use crate::engine::{ENGINE_VERSION, Engine, EngineError, Watch};
use crate::fix::stated;
use crate::receipt::{self, EngineIdentity, PAYLOAD_TYPE, Statement};
use crate::run::{self, Plan};

/// How `verify` is called.
#[derive(Debug, Clone, Default)]
pub struct VerifyOptions {
    /// The key that must have signed; this engine's own where absent.
    pub public_key: Option<PublicKey>,
    /// The bundles, where they are not kept here.
    pub bundles: Vec<Bundle>,
    /// The patches that a statement about a fix names, where they are not kept here.
    pub patches: Vec<Vec<u8>>,
    /// Only check the signature.
    pub no_replay: bool,
}

/// The answer of `verify`.
#[derive(Debug, Clone, Serialize, PartialEq)]
pub struct VerifyReport {
    /// The signature holds and, where it was replayed, the verdict is the same.
    pub verified: bool,
    /// The signature holds.
    pub signature_valid: bool,
    /// What is wrong with the signature.
    pub signature_error: Option<String>,
    /// The key it was checked against.
    pub key: String,
    /// The package, from the statement (of several, the first); null where the signature does not hold.
    pub purl: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The verdict the receipt states; for a fix, its grade.
    pub stated: Option<String>,
    /// The verdict of the replay; null where there was none.
    pub replayed: Option<String>,
    /// The oracle saw the very same; null where there was no replay.
    pub same_observation: Option<bool>,
    /// Things worth telling that decide nothing.
    pub warnings: Vec<String>,
}

impl Engine {
    /// Checks a receipt's signature and replays it.
    ///
    /// # Errors
    /// Where the document is no receipt, or the replay cannot be run. A signature that does not hold and a verdict
    /// that differs are answers, not errors.
    pub fn verify(
        &self,
        receipt: &[u8],
        options: &VerifyOptions,
        watch: Watch<'_>,
    ) -> Result<VerifyReport, EngineError> {
        let key = options.public_key.clone().unwrap_or_else(|| self.receipt_key());
        let envelope = Envelope::from_json(receipt).map_err(|e| EngineError::MalformedReceipt(e.to_string()))?;
        let mut report = VerifyReport {
            verified: false,
            signature_valid: false,
            signature_error: None,
            key: key.id().to_string(),
            purl: None,
            version: None,
            stated: None,
            replayed: None,
            same_observation: None,
            warnings: Vec::new(),
        };
        let payload = match envelope.open(PAYLOAD_TYPE, &key) {
            Ok(payload) => payload,
            Err(
                e @ (SigningError::NotSignedBy { .. } | SigningError::Mismatch(_) | SigningError::PayloadType { .. }),
            ) => {
                report.signature_error = Some(e.to_string());
                return Ok(report);
            }
            Err(e) => return Err(EngineError::MalformedReceipt(e.to_string())),
        };
        if let Some(statement) = stated::Predicate::of_payload(&payload) {
            self.fix_replay(&statement, options, &mut report, watch)?;
            return Ok(report);
        }
        let statement = receipt::statement_read(&payload)?;
        let stated = statement.predicate.verdict.clone();
        report.signature_valid = true;
        report.purl = Some(statement.predicate.proof.purl.clone());
        report.version = Some(statement.predicate.version.clone());
        report.stated = Some(stated.clone());
        if options.no_replay {
            report.verified = true;
            return Ok(report);
        }
        let _call = self.store.call()?;
        self.replay(&statement, options, &mut report, watch)?;
        report.verified = report.replayed.as_deref() == Some(stated.as_str());
        Ok(report)
    }

    fn replay(
        &self,
        statement: &Statement,
        options: &VerifyOptions,
        report: &mut VerifyReport,
        watch: Watch<'_>,
    ) -> Result<(), EngineError> {
        let stated = &statement.predicate;
        let wanted = &stated.proof.digest;
        let bundle = match (options.bundles.iter().find(|given| given.digest() == wanted), options.bundles.first()) {
            (Some(given), _) => given.clone(),
            (None, Some(other)) => {
                return Err(EngineError::BundleOther { found: other.digest().clone(), wanted: wanted.clone() });
            }
            (None, None) => self.bundle_kept(wanted)?,
        };
        let (_, runtime) = self.runtime(&bundle);
        let here = EngineIdentity { version: ENGINE_VERSION.into(), harness_sha256: runtime.harness_digest() };
        if stated.engine != here {
            report
                .warnings
                .push(format!("made by engine {}, replayed by another ({ENGINE_VERSION})", stated.engine.version));
        }
        let toolchain = runtime.toolchain(&bundle, Some(&stated.runtime), watch.progress)?;
        if toolchain.sha256 != stated.runtime.sha256 {
            let wanted = &stated.runtime.sha256;
            return Err(EngineError::other_bytes("the runtime", &stated.runtime.version, &toolchain.sha256, wanted));
        }
        let ready = runtime.ready_exactly(&bundle, &toolchain, stated)?;
        let stage = self.stage(&bundle, self.means(&bundle, &toolchain), &ready);
        let plan = Plan { repeats: stated.plan.repeats, control_always: stated.plan.control_always, trace: false };
        let shown = run::version_run(&stage, plan, watch.cancel)?;
        report.same_observation = Some(shown.observation == stated.observation);
        report.replayed = Some(shown.verdict.as_str().to_owned());
        if let (Verdict::Inconclusive, Some(detail)) = (shown.verdict, shown.detail) {
            report.warnings.push(format!("the replay is inconclusive: {detail}"));
        }
        Ok(())
    }
}
