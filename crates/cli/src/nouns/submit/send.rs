//! Sends reports, several at a time, each under an idempotency key that its bytes decide: sent again after a broken connection, or by
//! another call, it has its effect once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use intake::Understood;
use serde_json::Value;

use super::read::File;
use crate::api::{Api, ApiError, text};

/// Reports that are under way at the same time.
const SENDERS_COUNT: usize = 24;
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

/// Sends every report that can be sent; the answers are in the reports' order.
pub fn all(api: &Api, files: &[File], wait: bool) -> Vec<Sent> {
    let reports: Vec<(usize, usize, &Understood)> = files
        .iter()
        .enumerate()
        .filter_map(|(at, file)| Some((at, file.read.as_ref().ok()?)))
        .flat_map(|(at, document)| document.reports.iter().enumerate().map(move |(n, report)| (at, n, report)))
        .filter(|(_, _, report)| report.problem.is_none())
        .collect();
    let (next, sent) = (AtomicUsize::new(0), Mutex::new(Vec::with_capacity(reports.len())));
    std::thread::scope(|scope| {
        for _ in 0..SENDERS_COUNT.min(reports.len()) {
            scope.spawn(|| {
                while let Some((file, report, understood)) = reports.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let answer = one(api, understood, wait);
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

fn one(api: &Api, report: &Understood, wait: bool) -> Result<Value, ApiError> {
    let mut taken = api.post_keyed("/v1/reports", "application/json", &report.body, &report.digest())?;
    if wait {
        let receipt = text(&taken, "receipt").to_owned();
        eprintln!("{receipt} is stored; waiting for the proof engine");
        let ended = submission_wait(api, &receipt)?;
        if let (Some(taken), Some(ended)) = (taken.as_object_mut(), ended.as_object()) {
            taken.extend(ended.iter().map(|(key, value)| (key.clone(), value.clone())));
        }
    }
    Ok(taken)
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
