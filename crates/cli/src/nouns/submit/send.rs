//! Sends reports, several at a time, each under an idempotency key that its bytes decide: sent again after a broken connection, or by
//! another call, it has its effect once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use intake::Understood;
use serde_json::Value;

use super::read::File;
use crate::api::{Api, ApiError, Posted, text};
use crate::output;

/// Reports that are under way at the same time.
const SENDERS_COUNT: usize = 24;
/// Pause before a try again where nobody answered or no pause was asked for, in milliseconds, times the number of tries.
const PAUSE_MS: u64 = 300;
/// Tries where nobody answers.
const TRIES_COUNT_MAX: u32 = 3;
/// Pause between two looks at a submission, in milliseconds.
const POLL_MS: u64 = 500;

/// What became of one report.
pub struct Sent {
    /// Which file, by its place among those given.
    pub file: usize,
    /// Which report of it.
    pub report: usize,
    /// The receipt and what came with it.
    pub answer: Result<Value, ApiError>,
}

/// How it is sent.
pub struct Sending<'a> {
    /// Where to.
    pub api: &'a Api,
    /// Whether to wait for what the proof engine finds.
    pub wait: bool,
    /// How long one report may be put off by a server that asks to come back later.
    pub patience: Duration,
}

/// Sends every report that can be sent; the answers are in the reports' order.
pub fn all(sending: &Sending<'_>, files: &[File]) -> Vec<Sent> {
    let reports: Vec<(usize, usize, &Understood)> = files
        .iter()
        .enumerate()
        .filter_map(|(at, file)| Some((at, file.read.as_ref().ok()?)))
        .flat_map(|(at, document)| document.reports.iter().enumerate().map(move |(n, report)| (at, n, report)))
        .filter(|(_, _, report)| report.problem.is_none())
        .collect();
    let (next, sent) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(reports.len())));
    let (bar, told) = (output::bar(reports.len()), AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..SENDERS_COUNT.min(reports.len()) {
            scope.spawn(|| {
                while let Some((file, report, understood)) = reports.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = sending.one(understood, &told);
                    bar.inc(1);
                    let gone = matches!(answer, Err(ApiError::Unreachable(_)));
                    if let Ok(mut sent) = sent.lock() {
                        sent.push(Sent { file: *file, report: *report, answer });
                    }
                    if gone {
                        // Nobody is there: the others need not find that out too.
                        next.store(reports.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let mut sent = sent.into_inner().unwrap_or_default();
    sent.sort_by_key(|one| (one.file, one.report));
    sent
}

impl Sending<'_> {
    fn one(&self, report: &Understood, told: &AtomicBool) -> Result<Value, ApiError> {
        let mut taken = self.taken(report, told)?;
        if self.wait {
            let receipt = text(&taken, "receipt").to_owned();
            eprintln!("{receipt} is stored; waiting for the proof engine");
            let ended = submission_wait(self.api, &receipt)?;
            if let (Some(taken), Some(ended)) = (taken.as_object_mut(), ended.as_object()) {
                taken.extend(ended.iter().map(|(key, value)| (key.clone(), value.clone())));
            }
        }
        Ok(taken)
    }

    /// Sends until it is taken, or refused, or its time is over.
    fn taken(&self, report: &Understood, told: &AtomicBool) -> Result<Value, ApiError> {
        let (until, key) = (Instant::now() + self.patience, report.digest());
        let (mut tries, mut alone) = (0, 0);
        loop {
            tries += 1;
            let unasked = Duration::from_millis(PAUSE_MS * tries);
            let pause = match self.api.post_once("/v1/reports", &report.body, &key) {
                Ok(Posted::Taken(taken)) => return Ok(taken),
                Ok(Posted::Later { status, after_s, why }) => {
                    let pause = after_s.map_or(unasked, Duration::from_secs);
                    if Instant::now() + pause > until {
                        return Err(why);
                    }
                    // One line for all who are told the same.
                    if after_s.is_some() && !told.swap(true, Ordering::Relaxed) {
                        eprintln!("note: the server answered {status}; what is left is sent when it asks to come back");
                    }
                    pause
                }
                Err(ApiError::Unreachable(why)) => {
                    alone += 1;
                    if alone == TRIES_COUNT_MAX {
                        return Err(ApiError::Unreachable(why));
                    }
                    unasked
                }
                Err(refused) => return Err(refused),
            };
            std::thread::sleep(pause);
        }
    }
}

/// Waits until a submission is done; gives its last state.
///
/// # Errors
/// [`ApiError`]
pub fn submission_wait(api: &Api, receipt: &str) -> Result<Value, ApiError> {
    loop {
        let status = api.get(&format!("/v1/submissions/{receipt}"))?;
        if text(&status, "status") == "done" {
            return Ok(status);
        }
        std::thread::sleep(Duration::from_millis(POLL_MS));
    }
}
