//! Jobs: what a use case leaves to be done after its commit, and how a worker does it.
//!
//! At least once: every job is written so that a second run changes nothing. Must not hold a
//! transaction while a proof runs.

use domain::time::Timestamp;
use store::Tx;
use store::job::{self as table, Job, JobCount, Lease, NewJob};

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{new_id, now};

/// Length of a lease, in seconds. A worker that is killed loses the job after this.
pub const JOB_LEASE_S: i64 = 60;
/// How often a worker lengthens its lease, in seconds.
pub const JOB_HEARTBEAT_S: u64 = 15;

domain::words! {
    /// What there is to do.
    pub enum JobKind {
        /// Draw findings from a report.
        ReportProcess = "report-process",
        /// Prove a bundle, measure its range, find its case.
        ProofMeasure = "proof-measure",
        /// Run a case's proofs on a proposed upgrade.
        FixVerify = "fix-verify",
        /// Bring the notices of one case up to date.
        CaseNotify = "case-notify",
        /// Compare one inventory with every case.
        InventoryMatch = "inventory-match",
        /// Bring the deadlines of every notice up to date after a feed changed.
        DeadlinesRecompute = "deadlines-recompute",
    }
}

impl Service {
    /// Leaves a job to be done. `key` begins with the id of what it is about; the same kind and key
    /// is one job.
    pub(crate) async fn job_enqueue(&self, tx: &mut Tx, kind: JobKind, key: &str) -> Result<()> {
        let at = now();
        let job = NewJob {
            id: new_id(at)?,
            kind: kind.to_string(),
            key: format!("{kind} {key}"),
            payload: key.to_owned(),
            run_after: at,
            created_at: at,
        };
        table::enqueue(tx, &job).await?;
        Ok(())
    }

    /// Leases one job and runs it. False when there is nothing to do now.
    ///
    /// # Errors
    /// Only what concerns the queue itself; a job that fails is put back with the reason.
    pub async fn worker_step(&self, worker: &str) -> Result<bool> {
        let Some(job) = self.job_lease(worker).await? else { return Ok(false) };
        let result = self.job_run_alive(&job).await;
        let mut tx = self.store.write().await?;
        match result {
            Ok(()) => {
                table::done(&mut tx, &job, now()).await?;
            }
            Err(error) => {
                // Only a refusal of the input itself cannot get better by trying again.
                let for_good = matches!(error, ServiceError::Invalid(_) | ServiceError::NotFound(_));
                tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempts, %error, "a job failed");
                table::fail(&mut tx, &job, &error.to_string(), for_good, now()).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }

    async fn job_lease(&self, worker: &str) -> Result<Option<Job>> {
        let at = now();
        let lease = Lease {
            worker: worker.to_owned(),
            now: at,
            until: at.plus_seconds(JOB_LEASE_S),
            kinds: JobKind::ALL.iter().map(ToString::to_string).collect(),
            limit: 1,
        };
        let mut tx = self.store.write().await?;
        let leased = table::claim(&mut tx, &lease).await?;
        tx.commit().await?;
        Ok(leased.into_iter().next())
    }

    async fn job_run_alive(&self, job: &Job) -> Result<()> {
        let run = self.job_run(job);
        tokio::pin!(run);
        loop {
            tokio::select! {
                result = &mut run => return result,
                () = tokio::time::sleep(std::time::Duration::from_secs(JOB_HEARTBEAT_S)) => {
                    let mut tx = self.store.write().await?;
                    let ours = table::heartbeat(&mut tx, job, now().plus_seconds(JOB_LEASE_S)).await?;
                    tx.commit().await?;
                    if !ours {
                        return Err(ServiceError::Unavailable("another worker took the job over".to_owned()));
                    }
                }
            }
        }
    }

    async fn job_run(&self, job: &Job) -> Result<()> {
        let kind: JobKind = job.kind.parse().map_err(|e| internal("read a job", e))?;
        let subject = job.payload.split(' ').next().unwrap_or_default();
        let damaged = |e: domain::id::MalformedId| internal("read a job", e);
        match kind {
            JobKind::ReportProcess => self.report_process(subject.parse().map_err(damaged)?).await,
            JobKind::ProofMeasure => self.proof_measure(subject.parse().map_err(damaged)?).await,
            JobKind::FixVerify => self.fix_verify(subject.parse().map_err(damaged)?).await,
            JobKind::CaseNotify => self.case_notify(subject.parse().map_err(damaged)?).await,
            JobKind::InventoryMatch => self.inventory_match(subject.parse().map_err(damaged)?).await,
            JobKind::DeadlinesRecompute => self.deadlines_recompute().await,
        }
    }

    /// Waits until a use case leaves a job, or never: combine it with a timer.
    pub async fn worker_wake(&self) {
        self.wake.notified().await;
    }

    /// How many jobs there are by kind and state. For coordinators and the machine's own owner only:
    /// the numbers tell of embargoed work.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn job_counts(&self) -> Result<Vec<JobCount>> {
        let mut tx = self.store.read().await?;
        Ok(table::counts(&mut tx).await?)
    }

    /// When the next job that waits is due.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn job_next_at(&self) -> Result<Option<Timestamp>> {
        let mut tx = self.store.read().await?;
        Ok(table::next_at(&mut tx).await?)
    }

    /// Every notice is computed anew from the feeds as they are now.
    async fn deadlines_recompute(&self) -> Result<()> {
        let mut page = store::Page { cursor: None, limit: store::page::PAGE_ROWS_MAX };
        loop {
            let listed = {
                let at = now();
                let staff = store::case::Viewer { member: new_id(at)?, staff: true, now: at };
                let mut tx = self.store.read().await?;
                store::case::list_visible(&mut tx, staff, &store::case::CaseFilter::default(), &page).await?
            };
            for case in &listed.items {
                self.case_notify(case.id).await?;
            }
            match listed.next {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(()),
            }
        }
    }
}
