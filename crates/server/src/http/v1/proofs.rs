//! `/v1/proofs`: send a proof bundle to a finding, and read what the engine measured.
//!
//! Must not open a bundle: it goes to the proof engine as it is.

use axum::extract::{Path, State};
use axum::response::Response;
use domain::id::FindingId;
use serde::Serialize;
use service::proof::ProofView;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::wire::{Grade, InconclusiveReason, Oracle, ProofState, Time, Verdict, path_id, texts, value};
use crate::http::answer;
use crate::http::asked::{Document, Sent};
use crate::http::body::BodyRule;
use crate::http::caller::{Caller, Shows};
use crate::http::door::Door;
use crate::http::problem::Problem;
use crate::http::query::{FromQuery, Parameters, Query};
use crate::limits::BUNDLE_BODY_BYTES_MAX;

pub(super) fn routes() -> OpenApiRouter<Door> {
    OpenApiRouter::new().routes(routes!(proof_submit)).routes(routes!(proof_show))
}

/// The body of a proof: a packed bundle.
#[derive(Debug)]
pub(crate) struct Bundle;

impl Document for Bundle {
    const RULE: BodyRule = BodyRule {
        media_type: "application/zstd",
        or_multipart: false,
        bytes_max: BUNDLE_BODY_BYTES_MAX,
        may_be_absent: false,
    };
}

/// Which finding a proof is for.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct ProofTarget {
    /// The finding's id.
    #[param(value_type = String)]
    finding: FindingId,
}

impl FromQuery for ProofTarget {
    fn from_query(query: &mut Parameters) -> Option<Self> {
        let finding = query.needed("finding", "malformed_id")?;
        Some(Self { finding })
    }
}

/// A proof and what was measured.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProofShown {
    /// Its id.
    id: String,
    /// The finding it is for.
    finding: String,
    /// SHA-256 of the bundle's content.
    digest: String,
    /// The package.
    purl: String,
    /// What the harness measures.
    oracle: Oracle,
    /// In a line.
    title: String,
    /// The version on which the finder saw it fire.
    vulnerable: String,
    /// The version on which the finder says it stops.
    #[schema(required)]
    fixed: Option<String>,
    /// Where it is in the engine.
    state: ProofState,
    /// How much it has shown, once measured.
    #[schema(required)]
    grade: Option<Grade>,
    /// Why it has this grade, a sentence each.
    grade_reasons: Vec<String>,
    /// The runs at the declared versions, as `proofhouse prove --json` gives them.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    outcome: Option<serde_json::Value>,
    /// The measured range, as `proofhouse range --json` gives it.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    range: Option<serde_json::Value>,
    /// When it came.
    created_at: Time,
    /// When it was measured.
    #[schema(required)]
    measured_at: Option<Time>,
}

impl From<store::proof::Proof> for ProofShown {
    fn from(row: store::proof::Proof) -> Self {
        Self {
            id: row.id.to_string(),
            finding: row.finding_id.to_string(),
            digest: row.digest,
            purl: row.purl,
            oracle: row.oracle.into(),
            title: row.title,
            vulnerable: row.vulnerable,
            fixed: row.fixed,
            state: row.state.into(),
            grade: row.grade.map(Grade),
            grade_reasons: texts(&row.grade_reasons),
            outcome: value(row.outcome.as_deref()),
            range: value(row.range.as_deref()),
            created_at: row.created_at.into(),
            measured_at: row.measured_at.map(Time),
        }
    }
}

/// The receipt of one verdict on one exact version.
#[derive(Debug, Serialize, ToSchema)]
struct ReceiptShown {
    /// Its id.
    id: String,
    /// The version.
    version: String,
    /// What the runs showed.
    verdict: Verdict,
    /// Why they were inconclusive.
    #[schema(required)]
    reason: Option<InconclusiveReason>,
    /// The signed receipt: an in-toto statement in a DSSE envelope.
    #[schema(required, value_type = Option<serde_json::Map<String, serde_json::Value>>)]
    envelope: Option<serde_json::Value>,
}

/// A proof with its receipts.
#[derive(Debug, Serialize, ToSchema)]
struct ProofFull {
    #[serde(flatten)]
    proof: ProofShown,
    /// One for each version that was run.
    receipts: Vec<ReceiptShown>,
}

impl From<ProofView> for ProofFull {
    fn from(view: ProofView) -> Self {
        let receipt = |r: store::proof::Receipt| ReceiptShown {
            id: r.id.to_string(),
            version: r.version,
            verdict: r.verdict.into(),
            reason: r.reason.map(InconclusiveReason),
            envelope: value(Some(&r.envelope)),
        };
        Self { proof: view.proof.into(), receipts: view.receipts.into_iter().map(receipt).collect() }
    }
}

/// Send a proof bundle (`.tar.zst` with `proof.toml`) to a finding of your party that wants one. It is
/// run in the sandbox; ask again at `Location` for what was measured.
#[utoipa::path(post, path = "/v1/proofs", tag = "proofs", operation_id = "proof_submit", security(("bearer" = [])),
    params(ProofTarget), request_body(content = Vec<u8>, content_type = "application/zstd"),
    responses((status = 201, description = "Stored; it will be run.", body = ProofFull)))]
async fn proof_submit(
    State(door): State<Door>,
    query: Result<Query<ProofTarget>, Problem>,
    sent: Sent<Bundle>,
) -> Result<Response, Problem> {
    let Query(target) = query?;
    let view = door.service.proof_submit(&sent.ctx, target.finding, &sent.body.bytes).await?;
    let location = format!("/v1/proofs/{}", view.proof.id);
    Ok(answer::created(&location, &ProofFull::from(view)))
}

/// One proof: of your party, or of a case whose research you may see.
#[utoipa::path(get, path = "/v1/proofs/{id}", tag = "proofs", operation_id = "proof_show", security(("bearer" = [])),
    params(("id" = String, Path, description = "A proof's id.")),
    responses((status = 200, description = "The proof.", body = ProofFull)))]
async fn proof_show(State(door): State<Door>, caller: Caller, Path(id): Path<String>) -> Result<Response, Problem> {
    let view = door.service.proof_show(&caller.ctx, path_id(&id, "proof")?).await?;
    Ok(caller.shown(&ProofFull::from(view)))
}
