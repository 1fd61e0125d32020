//! Proof jobs from the store's side: which proof or fix one is about, and which bundles it needs.
//!
//! Must not run anything.

use std::sync::Arc;

use domain::fix::FixState;
use domain::id::{FixId, ProofId};
use proof::digest::Sha256Hex;
use store::Tx;
use store::blob::BlobId;
use store::job::Job;
use store::proof::ProofState;

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::job::JobKind;
use crate::work::{Material, WorkKind};
use crate::worker_check::Declared;

/// What a proof job is about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Task {
    /// Prove a bundle and measure its range.
    Prove(ProofId),
    /// Run a case's proofs on a fix.
    Verify(FixId),
}

/// A proof job about to be worked on: what it needs, without the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Begun {
    pub kind: WorkKind,
    pub version: Option<String>,
    /// Digest and place of each bundle.
    pub bundles: Vec<(String, BlobId)>,
    /// Digest and place of the patch, for [`WorkKind::Patch`].
    pub patch: Option<(String, BlobId)>,
}

impl Begun {
    /// Where the bundle or patch of this digest is.
    pub(crate) fn blob(&self, digest: &str) -> Option<BlobId> {
        self.bundles.iter().chain(&self.patch).find(|(known, _)| known == digest).map(|(_, blob)| *blob)
    }
}

impl Task {
    /// Reads it from a job.
    pub(crate) fn of(job: &Job) -> Result<Self> {
        let kind: JobKind = job.kind.parse().map_err(|e| internal("read a job", e))?;
        let subject = job.payload.split(' ').next().unwrap_or_default();
        let damaged = |e: domain::id::MalformedId| internal("read a job", e);
        match kind {
            JobKind::ProofMeasure => Ok(Self::Prove(subject.parse().map_err(damaged)?)),
            JobKind::FixVerify => Ok(Self::Verify(subject.parse().map_err(damaged)?)),
            other => Err(internal("read a proof job", other)),
        }
    }
}

impl Service {
    /// What a job needs; none when its effect is written already.
    pub(crate) async fn task_begin(&self, job: &Job) -> Result<Option<Begun>> {
        match Task::of(job)? {
            Task::Prove(id) => {
                let mut tx = self.store.write().await?;
                let proof = store::proof::by_id_locked(&mut tx, id).await?.ok_or(ServiceError::NotFound("proof"))?;
                // The outcome, the receipts and the case are written with it.
                if proof.state == ProofState::Done {
                    return Ok(None);
                }
                store::proof::set_state(&mut tx, id, ProofState::Running).await?;
                tx.commit().await?;
                let bundles = vec![(proof.digest, proof.bundle_blob_id)];
                Ok(Some(Begun { kind: WorkKind::Prove, version: None, bundles, patch: None }))
            }
            Task::Verify(id) => {
                let mut tx = self.store.read().await?;
                let fix = store::fix::by_id(&mut tx, id).await?.ok_or(ServiceError::NotFound("fix"))?;
                if fix.state != FixState::Proposed {
                    return Ok(None);
                }
                let proofs = self.proofs_of(&mut tx, fix.case_id).await?;
                let bundles = proofs.into_iter().map(|p| (p.digest, p.bundle_blob_id)).collect();
                Ok(match (fix.version, fix.patch_blob_id) {
                    (Some(version), _) => {
                        Some(Begun { kind: WorkKind::Verify, version: Some(version), bundles, patch: None })
                    }
                    (None, Some(blob)) => {
                        let digest = Sha256Hex::of(&self.blob_get(&mut tx, blob).await?).to_string();
                        Some(Begun { kind: WorkKind::Patch, version: None, bundles, patch: Some((digest, blob)) })
                    }
                    (None, None) => None,
                })
            }
        }
    }

    /// What the bundle of a job declares, where it is about one bundle.
    pub(crate) async fn declared_of(&self, tx: &mut Tx, job: &Job) -> Result<Option<Declared>> {
        let Task::Prove(id) = Task::of(job)? else { return Ok(None) };
        let proof = store::proof::by_id(tx, id).await?.ok_or(ServiceError::NotFound("proof"))?;
        Ok(Some(Declared { purl: proof.purl, vulnerable: proof.vulnerable, fixed: proof.fixed }))
    }

    /// The bytes that a job needs, opened.
    pub(crate) async fn material(&self, begun: &Begun) -> Result<Material> {
        let mut tx = self.store.read().await?;
        let mut bundles = Vec::with_capacity(begun.bundles.len());
        for (digest, blob) in &begun.bundles {
            bundles.push((digest.clone(), Arc::new(self.blob_get(&mut tx, *blob).await?)));
        }
        let patch = match &begun.patch {
            Some((_, blob)) => Some(Arc::new(self.blob_get(&mut tx, *blob).await?)),
            None => None,
        };
        Ok(Material { kind: begun.kind, version: begun.version.clone(), bundles, patch })
    }
}
