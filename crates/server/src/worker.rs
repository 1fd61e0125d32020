//! The loop of the workers: each task runs one job after the other, sleeps when there is none, and
//! pauses longer and longer while steps fail.
//!
//! Must not know what a job does, and must not retry one: the queue does.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::http::door::Door;
use crate::limits::{WORKER_IDLE_MS, WORKER_PAUSE_MS_MAX, WORKER_PAUSE_MS_MIN};

/// The running worker tasks.
#[derive(Debug)]
pub struct Workers(JoinSet<()>);

impl Workers {
    /// Waits until each has finished its step. Dropping instead cuts them off.
    pub async fn finish(mut self) {
        while self.0.join_next().await.is_some() {}
    }
}

/// Starts as many workers as the server is set up with.
pub fn start(door: &Door, stopped: watch::Receiver<bool>) -> Workers {
    let mut tasks = JoinSet::new();
    for number in 0..door.config.workers {
        tasks.spawn(work(door.clone(), worker_name(number), stopped.clone()));
    }
    Workers(tasks)
}

/// Unique among all processes that share a store, so that a lease names its holder.
fn worker_name(number: usize) -> String {
    let mut random = [0_u8; 4];
    // Two workers of one name would only make a log harder to read.
    let _ = getrandom::fill(&mut random);
    format!("worker-{}-{number}-{}", std::process::id(), hex::encode(random))
}

async fn work(door: Door, name: String, mut stopped: watch::Receiver<bool>) {
    let mut pause_ms = WORKER_PAUSE_MS_MIN;
    while !*stopped.borrow() {
        let wait_ms = match door.service.worker_step(&name).await {
            Ok(true) => {
                door.metrics.worker_step(false);
                pause_ms = WORKER_PAUSE_MS_MIN;
                continue;
            }
            Ok(false) => {
                pause_ms = WORKER_PAUSE_MS_MIN;
                WORKER_IDLE_MS
            }
            Err(error) => {
                door.metrics.worker_step(true);
                tracing::warn!(worker = %name, %error, pause_ms, "a step failed");
                let wait_ms = pause_ms;
                pause_ms = (pause_ms * 2).min(WORKER_PAUSE_MS_MAX);
                wait_ms
            }
        };
        let is_idle = wait_ms == WORKER_IDLE_MS;
        tokio::select! {
            () = door.service.worker_wake(), if is_idle => {}
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            _ = stopped.changed() => {}
        }
    }
}
