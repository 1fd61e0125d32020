//! The loop of the workers: each task runs one job after the other, sleeps when there is none, and
//! pauses longer and longer while steps fail.
//!
//! Must not know what a job does, and must not retry one: the queue does.

use std::task::Poll;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::gate::panics::caught;
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
        tasks.spawn(work(door.clone(), worker_name("worker", number), Part::All, stopped.clone()));
    }
    for number in 0..door.config.clerks {
        tasks.spawn(work(door.clone(), worker_name("clerk", number), Part::Desk, stopped.clone()));
    }
    Workers(tasks)
}

/// Which jobs a task takes.
#[derive(Debug, Clone, Copy)]
enum Part {
    /// All.
    All,
    /// Those that run no proof.
    Desk,
}

/// Unique among all processes that share a store, so that a lease names its holder.
fn worker_name(what: &str, number: usize) -> String {
    let mut random = [0_u8; 4];
    // Two workers of one name would only make a log harder to read.
    let _ = getrandom::fill(&mut random);
    format!("{what}-{}-{number}-{}", std::process::id(), hex::encode(random))
}

async fn work(door: Door, name: String, part: Part, mut stopped: watch::Receiver<bool>) {
    let mut pause_ms = WORKER_PAUSE_MS_MIN;
    while !*stopped.borrow() {
        // Listening begins before looking, so that a job that comes in between is not slept through.
        let mut wake = Box::pin(door.service.worker_wake());
        let is_woken = std::future::poll_fn(|cx| Poll::Ready(wake.as_mut().poll(cx).is_ready())).await;
        let wait_ms = match step(&door, &name, part).await {
            Step::Ran => {
                pause_ms = WORKER_PAUSE_MS_MIN;
                continue;
            }
            Step::Idle if is_woken => continue,
            Step::Idle => {
                pause_ms = WORKER_PAUSE_MS_MIN;
                tokio::select! {
                    () = &mut wake => {}
                    () = tokio::time::sleep(Duration::from_millis(WORKER_IDLE_MS)) => {}
                    _ = stopped.changed() => {}
                }
                continue;
            }
            Step::Failed => pause_ms,
        };
        pause_ms = (pause_ms * 2).min(WORKER_PAUSE_MS_MAX);
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
            _ = stopped.changed() => {}
        }
    }
}

enum Step {
    Ran,
    Idle,
    Failed,
}

async fn step(door: &Door, name: &str, part: Part) -> Step {
    let step = async {
        match part {
            Part::All => door.service.worker_step(name).await,
            Part::Desk => door.service.clerk_step(name).await,
        }
    };
    match caught(step).await {
        Some(Ok(true)) => {
            door.metrics.worker_step(false);
            Step::Ran
        }
        Some(Ok(false)) => Step::Idle,
        Some(Err(error)) => {
            door.metrics.worker_step(true);
            tracing::warn!(worker = %name, %error, "a step failed");
            Step::Failed
        }
        None => {
            door.metrics.worker_step(true);
            tracing::error!(worker = %name, "a step panicked; its job runs again when its lease ends");
            Step::Failed
        }
    }
}
