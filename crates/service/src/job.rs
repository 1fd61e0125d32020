//! Jobs: what a use case leaves to be done after its commit, and how a worker does it.
//!
//! At least once: every job is written so that a second run changes nothing. Must not hold a
//! transaction while a proof runs.

use std::sync::Arc;

use domain::standing::Standing;
use domain::time::Timestamp;
use proof::bundle::manifest::RuntimeKind;
use serde_json::json;
use store::Tx;
use store::job::{self as table, Job, JobCount, JobState, Lease, NewJob};
use tokio::task::JoinSet;

use crate::Service;
use crate::error::{Result, ServiceError, internal};
use crate::identity::{new_id, now};
use crate::task::Task;
use crate::work::{Outcome, Progressing};

/// Length of a lease unless set otherwise, in seconds. A worker that is killed loses the job after this.
pub const JOB_LEASE_S: i64 = 60;
/// Shortest lease, in seconds: a heartbeat must have time to get through.
pub const JOB_LEASE_S_MIN: i64 = 4;
/// Longest lease, in seconds.
pub const JOB_LEASE_S_MAX: i64 = 3_600;
/// Reports that a clerk looks at side by side. Most of the time each waits for its turn at the store; a bundle among them
/// is opened when there is room for it.
const REPORTS_AT_ONCE_COUNT: u32 = 32;
/// Heartbeats in the time of one lease.
const BEATS_PER_LEASE: i64 = 4;

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
        /// Say in a case's history that its embargo has ended.
        EmbargoEnd = "embargo-end",
        /// Hand over to one maintainer what its pace allows now.
        PaceRelease = "pace-release",
        /// Send one letter.
        LetterSend = "letter-send",
    }
}

/// The kinds of which a worker elsewhere can do the work.
pub(crate) const PROOF_JOBS: &[JobKind] = &[JobKind::ProofMeasure, JobKind::FixVerify];

/// The label of a runtime, which a proof in it needs and a worker that has it offers.
pub(crate) fn runtime_label(runtime: &str) -> String {
    format!("runtime={runtime}")
}

/// A job whose time is now.
pub(crate) fn job_new(kind: JobKind, key: &str) -> Result<NewJob> {
    let at = now();
    Ok(NewJob {
        id: new_id(at)?,
        kind: kind.to_string(),
        key: format!("{kind} {key}"),
        payload: key.to_owned(),
        run_after: at,
        turn_at: at,
        created_at: at,
    })
}

impl Service {
    /// Leaves a job to be done. `key` begins with the id of what it is about; the same kind and key
    /// is one job.
    pub(crate) async fn job_enqueue(&self, tx: &mut Tx, kind: JobKind, key: &str) -> Result<()> {
        self.job_enqueue_at(tx, kind, key, now()).await
    }

    /// The same for one that validates a report: its turn is put off by what its finder's standing says.
    pub(crate) async fn job_enqueue_by(&self, tx: &mut Tx, kind: JobKind, key: &str, standing: Standing) -> Result<()> {
        let at = now();
        self.job_put(tx, kind, key, at, at.plus_seconds(standing.delay_s())).await
    }

    /// Leaves a proof job to be done, by a worker that has all these labels and those that every proof
    /// of this clearinghouse needs; where it proves a report, with its finder's standing.
    pub(crate) async fn proof_job_enqueue(
        &self,
        tx: &mut Tx,
        kind: JobKind,
        key: &str,
        needs: &[String],
        standing: Option<Standing>,
    ) -> Result<()> {
        match standing {
            Some(standing) => self.job_enqueue_by(tx, kind, key, standing).await?,
            None => self.job_enqueue(tx, kind, key).await?,
        }
        let job = table::by_key(tx, &format!("{kind} {key}")).await?.ok_or(ServiceError::NotFound("job"))?;
        for label in needs.iter().chain(self.proof_needs.iter()) {
            table::need(tx, job.id, label).await?;
        }
        Ok(())
    }

    /// Leaves a job to be done when its time comes.
    pub(crate) async fn job_enqueue_at(
        &self,
        tx: &mut Tx,
        kind: JobKind,
        key: &str,
        run_after: Timestamp,
    ) -> Result<()> {
        self.job_put(tx, kind, key, run_after, run_after).await
    }

    async fn job_put(
        &self,
        tx: &mut Tx,
        kind: JobKind,
        key: &str,
        run_after: Timestamp,
        turn_at: Timestamp,
    ) -> Result<()> {
        Ok(table::enqueue_put(tx, &[NewJob { run_after, turn_at, ..job_new(kind, key)? }]).await?)
    }

    /// Tells every worker of this process that there may be something to do; also one that is only
    /// about to wait.
    pub(crate) fn jobs_wake(&self) {
        self.wake.notify_waiters();
        self.wake.notify_one();
    }

    /// Leases one job and runs it. False when there is nothing to do now.
    ///
    /// # Errors
    /// Only what concerns the queue itself; a job that fails is put back with the reason.
    pub async fn worker_step(&self, worker: &str) -> Result<bool> {
        self.step(worker, JobKind::ALL).await
    }

    /// The same without the jobs that run proofs: for a server whose proofs are run by workers elsewhere.
    ///
    /// # Errors
    /// As [`Service::worker_step`].
    pub async fn clerk_step(&self, worker: &str) -> Result<bool> {
        let reports = self.reports_step(worker).await?;
        let desk = |k: &&JobKind| !PROOF_JOBS.contains(*k);
        let kinds: Vec<JobKind> = JobKind::ALL.iter().filter(desk).copied().collect();
        Ok(self.step(worker, &kinds).await? || reports)
    }

    /// Looks at many reports side by side: they come faster than one after the other could be looked at.
    async fn reports_step(&self, worker: &str) -> Result<bool> {
        let jobs = self.job_lease(worker, &[JobKind::ReportProcess], &[], REPORTS_AT_ONCE_COUNT).await?;
        let is_any = !jobs.is_empty();
        let mut running = JoinSet::new();
        for job in jobs {
            let service = self.clone();
            running.spawn(async move { service.job_do(&job).await });
        }
        // All come to their end, also where one failed: dropped ones would wait for their leases.
        let mut failed = None;
        while let Some(ended) = running.join_next().await {
            let ended = ended.map_err(|e| internal("look at a report", e)).and_then(|done| done);
            failed = failed.or(ended.err());
        }
        failed.map_or(Ok(is_any), Err)
    }

    async fn step(&self, worker: &str, kinds: &[JobKind]) -> Result<bool> {
        // This process has every runtime, and is in no zone.
        let labels: Vec<String> = RuntimeKind::ALL.iter().map(|kind| runtime_label(kind.as_str())).collect();
        let Some(job) = self.job_lease(worker, kinds, &labels, 1).await?.into_iter().next() else {
            self.housekeep().await?;
            return Ok(false);
        };
        self.job_do(&job).await?;
        Ok(true)
    }

    async fn job_do(&self, job: &Job) -> Result<()> {
        let result = self.job_run_alive(job).await;
        self.job_end(job, result).await
    }

    /// Writes how an attempt ended. One whose lease is lost changes nothing.
    pub(crate) async fn job_end(&self, job: &Job, result: Result<()>) -> Result<()> {
        let mut tx = self.store.write().await?;
        let mut given_up = false;
        match result {
            Ok(()) => {
                table::done(&mut tx, job, now()).await?;
            }
            Err(error) => {
                // Only a refusal of the input itself cannot get better by trying again.
                let for_good = matches!(error, ServiceError::Invalid(_) | ServiceError::NotFound(_));
                tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempts, %error, "a job failed");
                let state = table::fail(&mut tx, job, &error.to_string(), for_good, now()).await?;
                given_up = state == Some(JobState::Failed);
            }
        }
        tx.commit().await?;
        if given_up {
            self.job_given_up(job).await;
        }
        Ok(())
    }

    /// Leases so many jobs of these kinds to a worker with these labels.
    pub(crate) async fn job_lease(
        &self,
        worker: &str,
        kinds: &[JobKind],
        labels: &[String],
        limit: u32,
    ) -> Result<Vec<Job>> {
        let at = now();
        let lease = Lease {
            worker: worker.to_owned(),
            now: at,
            until: at.plus_seconds(self.lease_s),
            kinds: kinds.iter().map(ToString::to_string).collect(),
            limit,
        };
        let mut tx = self.store.write().await?;
        let given_up = table::give_up(&mut tx, at).await?;
        let leased = table::claim_with(&mut tx, &lease, Some(labels)).await?;
        tx.commit().await?;
        for job in given_up {
            tracing::warn!(job = %job.id, kind = %job.kind, attempt = job.attempts, "a job was given up");
            self.job_given_up(&job).await;
        }
        Ok(leased)
    }

    /// Runs a job and lengthens its lease meanwhile. Both go on side by side: the job must not wait for
    /// the heartbeat, which may wait for a transaction of the job.
    async fn job_run_alive(&self, job: &Job) -> Result<()> {
        let progress = Arc::new(Progressing::default());
        let heartbeat = async {
            loop {
                tokio::time::sleep(std::time::Duration::from_secs(self.heartbeat_s())).await;
                match self.job_heartbeat(job, &progress_text(&progress)).await {
                    Ok(Some(_)) => {}
                    Ok(None) => return ServiceError::Unavailable("another worker took the job over".to_owned()),
                    // The lease still runs; the next beat may get through.
                    Err(error) => tracing::warn!(job = %job.id, %error, "a heartbeat failed"),
                }
            }
        };
        tokio::select! {
            result = self.job_run(job, &progress) => result,
            error = heartbeat => Err(error),
        }
    }

    /// Lengthens a lease and says how far its job is; until when it runs, none when it is lost.
    pub(crate) async fn job_heartbeat(&self, job: &Job, progress: &str) -> Result<Option<Timestamp>> {
        let until = now().plus_seconds(self.lease_s);
        let mut tx = self.store.write().await?;
        let ours = table::heartbeat(&mut tx, job, until).await? && table::progress(&mut tx, job, progress).await?;
        tx.commit().await?;
        Ok(ours.then_some(until))
    }

    /// How often a worker lengthens its lease, in seconds.
    pub(crate) fn heartbeat_s(&self) -> u64 {
        u64::try_from(self.lease_s / BEATS_PER_LEASE).unwrap_or(1).max(1)
    }

    /// What waits for a job that was given up is told, and can be sent again. What goes wrong here
    /// must not stop the queue.
    async fn job_given_up(&self, job: &Job) {
        if let Err(error) = self.job_conclude(job).await {
            tracing::error!(job = %job.id, kind = %job.kind, %error, "nobody could be told that a job was given up");
        }
    }

    async fn job_conclude(&self, job: &Job) -> Result<()> {
        let kind: JobKind = job.kind.parse().map_err(|e| internal("read a job", e))?;
        let subject = job.payload.split(' ').next().unwrap_or_default();
        let damaged = |e: domain::id::MalformedId| internal("read a job", e);
        let mut tx = self.store.write().await?;
        match kind {
            JobKind::ReportProcess => self.report_given_up(&mut tx, subject.parse().map_err(damaged)?).await?,
            JobKind::ProofMeasure => self.proof_given_up(&mut tx, subject.parse().map_err(damaged)?).await?,
            JobKind::FixVerify => self.fix_given_up(&mut tx, subject.parse().map_err(damaged)?).await?,
            JobKind::PaceRelease => self.pace_given_up(&mut tx, subject.parse().map_err(damaged)?).await?,
            JobKind::LetterSend => self.letter_given_up(&mut tx, subject.parse().map_err(damaged)?).await?,
            JobKind::CaseNotify | JobKind::InventoryMatch | JobKind::DeadlinesRecompute | JobKind::EmbargoEnd => {}
        }
        Ok(tx.commit().await?)
    }

    async fn job_run(&self, job: &Job, progress: &Arc<Progressing>) -> Result<()> {
        let kind: JobKind = job.kind.parse().map_err(|e| internal("read a job", e))?;
        let mut words = job.payload.split(' ');
        let subject = words.next().unwrap_or_default();
        let damaged = |e: domain::id::MalformedId| internal("read a job", e);
        match kind {
            JobKind::ReportProcess => self.report_process(subject.parse().map_err(damaged)?).await,
            JobKind::ProofMeasure | JobKind::FixVerify => self.proof_job_run(job, progress).await,
            JobKind::CaseNotify => self.case_notify(subject.parse().map_err(damaged)?).await,
            JobKind::InventoryMatch => self.inventory_match(subject.parse().map_err(damaged)?).await,
            JobKind::DeadlinesRecompute => self.deadlines_recompute().await,
            JobKind::PaceRelease => self.pace_release(subject.parse().map_err(damaged)?).await,
            // On the heap: the conversation with a mail server would make the future of every job large.
            JobKind::LetterSend => Box::pin(self.letter_send(subject.parse().map_err(damaged)?)).await,
            JobKind::EmbargoEnd => {
                let ends = words.next().unwrap_or_default();
                self.embargo_end(subject.parse().map_err(damaged)?, ends).await
            }
        }
    }

    /// What a worker elsewhere does over HTTP, done here: the task, its material, the work, the outcome.
    async fn proof_job_run(&self, job: &Job, progress: &Arc<Progressing>) -> Result<()> {
        let Some(task) = self.task_begin(job).await? else { return Ok(()) };
        let material = self.material(&task).await?;
        let outcome = self.measure(material, progress.clone()).await?;
        self.outcome_take(job, outcome).await
    }

    /// Writes what a proof job showed, and that it is done, in one transaction. Nothing is written when the
    /// lease is lost.
    pub(crate) async fn outcome_take(&self, job: &Job, outcome: Outcome) -> Result<()> {
        let mut tx = self.store.write().await?;
        match (Task::of(job)?, outcome) {
            (Task::Prove(id), Outcome::Prove { measured, range }) => {
                self.proof_conclude(&mut tx, id, &measured, range.as_ref()).await?;
            }
            (Task::Verify(id), Outcome::Verify { runs }) => self.fix_conclude(&mut tx, id, &runs).await?,
            (Task::Verify(id), Outcome::Patch { proofs, envelope }) => {
                self.patch_conclude(&mut tx, id, &proofs, &envelope).await?;
            }
            (task, _) => {
                let reason = format!("not the outcome of {task:?}");
                return Err(ServiceError::invalid("malformed_outcome", "outcome", reason));
            }
        }
        if !table::done(&mut tx, job, now()).await? {
            return Err(lease_lost());
        }
        tx.commit().await?;
        self.jobs_wake();
        Ok(())
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
            // The feeds are about CVEs: nothing else can change a deadline.
            for case in listed.items.iter().filter(|c| c.aliases.contains("CVE-")) {
                self.case_notify(case.id).await?;
            }
            match listed.next {
                Some(cursor) => page.cursor = Some(cursor),
                None => return Ok(()),
            }
        }
    }
}

/// What is written of a lease that ran out, or never was.
pub(crate) fn lease_lost() -> ServiceError {
    ServiceError::conflict("lease_lost", "this lease is not, or no longer, yours: drop the job and ask for another")
}

/// How far a job is, as it is kept and shown.
pub(crate) fn progress_text(progress: &Progressing) -> String {
    let (stage, done, total) = progress.now();
    progress_json(stage.as_str(), i64::from(done), i64::from(total))
}

/// The same of numbers that were sent.
pub(crate) fn progress_json(stage: &str, done: i64, total: i64) -> String {
    json!({"stage": stage, "done": done, "total": total, "at": now().to_string()}).to_string()
}
