//! Proofs that were sent, what running them showed, and the signed receipt of each verdict.
//!
//! Must not grade: the proof engine does. Outcome, range and trace are its JSON, handed through.

use domain::id::{CaseId, FindingId, ProofId, ReceiptId};
use domain::proof::{Grade, OracleKind, Reason, Verdict};
use domain::time::Timestamp;

use crate::blob::BlobId;
use crate::error::StoreError;
use crate::tx::Tx;
use crate::value::{Row, params};

domain::words! {
    /// Where a proof is on its way through the engine.
    pub enum ProofState {
        /// It waits.
        Queued = "queued",
        /// A worker runs it.
        Running = "running",
        /// It has its outcome.
        Done = "done",
    }
}

/// A proof bundle that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// Its identity.
    pub id: ProofId,
    /// What it proves.
    pub finding_id: FindingId,
    /// Digest of the bundle.
    pub digest: String,
    /// The bundle, sealed.
    pub bundle_blob_id: BlobId,
    /// The package, canonical and without version.
    pub purl: String,
    /// What the harness measures.
    pub oracle: OracleKind,
    /// The bundle's title.
    pub title: String,
    /// The version in which the finder saw it fire.
    pub vulnerable: String,
    /// The version in which the finder says it stops.
    pub fixed: Option<String>,
    /// Where it is.
    pub state: ProofState,
    /// What it has shown, once it ran.
    pub grade: Option<Grade>,
    /// Why that grade: JSON list of sentences.
    pub grade_reasons: String,
    /// The engine's report of the prove run: JSON.
    pub outcome: Option<String>,
    /// The engine's measured range: JSON.
    pub range: Option<String>,
    /// What the run passed through, for comparing defects: JSON.
    pub trace: Option<String>,
    /// When it was sent.
    pub created_at: Timestamp,
    /// When it was last measured.
    pub measured_at: Option<Timestamp>,
}

/// What one prove run showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProofOutcome {
    /// The grade.
    pub grade: Grade,
    /// Why: JSON list of sentences.
    pub grade_reasons: String,
    /// The engine's report: JSON.
    pub outcome: String,
    /// What the run passed through: JSON.
    pub trace: Option<String>,
    /// When it was measured.
    pub measured_at: Timestamp,
}

/// A signed, replayable receipt of one verdict on one version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Its identity.
    pub id: ReceiptId,
    /// Whose it is.
    pub proof_id: ProofId,
    /// The exact version that ran.
    pub version: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why it was inconclusive, if it was.
    pub reason: Option<Reason>,
    /// The DSSE envelope: JSON.
    pub envelope: String,
    /// When it was signed.
    pub created_at: Timestamp,
}

macro_rules! columns {
    () => {
        "p.id, p.finding_id, p.digest, p.bundle_blob_id, p.purl, p.oracle, p.title, p.vulnerable, p.fixed, p.state, \
         p.grade, p.grade_reasons, p.outcome, p.range, p.trace, p.created_at, p.measured_at"
    };
}

fn read(row: &Row) -> Result<Proof, StoreError> {
    let mut f = row.fields("proofs");
    Ok(Proof {
        id: f.parsed()?,
        finding_id: f.parsed()?,
        digest: f.text()?,
        bundle_blob_id: f.parsed()?,
        purl: f.text()?,
        oracle: f.parsed()?,
        title: f.text()?,
        vulnerable: f.text()?,
        fixed: f.text_opt()?,
        state: f.parsed()?,
        grade: f.parsed_opt()?,
        grade_reasons: f.text()?,
        outcome: f.text_opt()?,
        range: f.text_opt()?,
        trace: f.text_opt()?,
        created_at: f.time()?,
        measured_at: f.time_opt()?,
    })
}

fn read_receipt(row: &Row) -> Result<Receipt, StoreError> {
    let mut f = row.fields("receipts");
    Ok(Receipt {
        id: f.parsed()?,
        proof_id: f.parsed()?,
        version: f.text()?,
        verdict: f.parsed()?,
        reason: f.parsed_opt()?,
        envelope: f.text()?,
        created_at: f.time()?,
    })
}

/// Writes a proof.
///
/// # Errors
/// [`StoreError`]
pub async fn insert(tx: &mut Tx, p: &Proof) -> Result<(), StoreError> {
    let sql = "insert into proofs (id, finding_id, digest, bundle_blob_id, purl, oracle, title, vulnerable, fixed, \
               state, grade, grade_reasons, outcome, range, trace, created_at, measured_at) \
               values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    let params = params![
        p.id,
        p.finding_id,
        &p.digest,
        p.bundle_blob_id,
        &p.purl,
        p.oracle.as_str(),
        &p.title,
        &p.vulnerable,
        &p.fixed,
        p.state.as_str(),
        p.grade.map(Grade::as_str),
        &p.grade_reasons,
        &p.outcome,
        &p.range,
        &p.trace,
        p.created_at,
        p.measured_at,
    ];
    tx.execute(sql, params).await?;
    Ok(())
}

/// Reads a proof.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id(tx: &mut Tx, id: ProofId) -> Result<Option<Proof>, StoreError> {
    tx.one(concat!("select ", columns!(), " from proofs p where p.id = $1"), params![id], read).await
}

/// Reads a proof and holds its row to the end of the transaction, which must be one that writes.
///
/// # Errors
/// [`StoreError`]
pub async fn by_id_locked(tx: &mut Tx, id: ProofId) -> Result<Option<Proof>, StoreError> {
    tx.one(concat!("select ", columns!(), " from proofs p where p.id = $1 for update"), params![id], read).await
}

/// The proofs of a finding, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn by_finding(tx: &mut Tx, finding: FindingId) -> Result<Vec<Proof>, StoreError> {
    let sql = concat!("select ", columns!(), " from proofs p where p.finding_id = $1 order by p.id");
    tx.all(sql, params![finding], read).await
}

/// The proofs that speak for the findings of a case, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn by_case(tx: &mut Tx, case: CaseId) -> Result<Vec<Proof>, StoreError> {
    let sql = concat!(
        "select ",
        columns!(),
        " from proofs p join findings f on f.proof_id = p.id where f.case_id = $1 order by p.id"
    );
    tx.all(sql, params![case], read).await
}

/// Moves a proof; false when there is none.
///
/// # Errors
/// [`StoreError`]
pub async fn set_state(tx: &mut Tx, id: ProofId, state: ProofState) -> Result<bool, StoreError> {
    tx.changed("update proofs set state = $2 where id = $1", params![id, state.as_str()]).await
}

/// Writes what a prove run showed; the proof is done. False when there is none.
///
/// # Errors
/// [`StoreError`]
pub async fn set_outcome(tx: &mut Tx, id: ProofId, o: &ProofOutcome) -> Result<bool, StoreError> {
    let sql = "update proofs set state = 'done', grade = $2, grade_reasons = $3, outcome = $4, trace = $5, \
               measured_at = $6 where id = $1";
    let params = params![id, o.grade.as_str(), &o.grade_reasons, &o.outcome, &o.trace, o.measured_at];
    tx.changed(sql, params).await
}

/// Writes the measured range; false when there is no such proof.
///
/// # Errors
/// [`StoreError`]
pub async fn set_range(tx: &mut Tx, id: ProofId, range: &str, at: Timestamp) -> Result<bool, StoreError> {
    tx.changed("update proofs set range = $2, measured_at = $3 where id = $1", params![id, range, at]).await
}

/// Writes a receipt. False when this proof has one with this verdict on this version already: a
/// run that is repeated adds nothing, one that disagrees is kept beside it.
///
/// # Errors
/// [`StoreError`]
pub async fn receipt_insert(tx: &mut Tx, r: &Receipt) -> Result<bool, StoreError> {
    let sql = "insert into receipts (id, proof_id, version, verdict, reason, envelope, created_at) \
               values ($1, $2, $3, $4, $5, $6, $7) on conflict (proof_id, version, verdict) do nothing";
    let reason = r.reason.map(Reason::as_str);
    let params = params![r.id, r.proof_id, &r.version, r.verdict.as_str(), reason, &r.envelope, r.created_at];
    tx.changed(sql, params).await
}

/// Reads a receipt.
///
/// # Errors
/// [`StoreError`]
pub async fn receipt_by_id(tx: &mut Tx, id: ReceiptId) -> Result<Option<Receipt>, StoreError> {
    let sql = "select id, proof_id, version, verdict, reason, envelope, created_at from receipts where id = $1";
    tx.one(sql, params![id], read_receipt).await
}

/// The receipts of a proof, oldest first.
///
/// # Errors
/// [`StoreError`]
pub async fn receipts(tx: &mut Tx, proof: ProofId) -> Result<Vec<Receipt>, StoreError> {
    let sql = "select id, proof_id, version, verdict, reason, envelope, created_at \
               from receipts where proof_id = $1 order by id";
    tx.all(sql, params![proof], read_receipt).await
}
