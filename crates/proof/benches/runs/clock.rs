//! Wall and CPU time of a stretch of work, with that of everything it started, from `/proc`.
// Each bench uses its part.
#![allow(dead_code)]

use std::fmt;
use std::time::Instant;

use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// Ticks of a second in `/proc`, the same on every Linux that Rust's own tools run on.
const TICKS_OF_A_SECOND: f64 = 100.0;

/// What a stretch of work took, in seconds.
#[derive(Debug, Clone, Copy)]
pub struct Spent {
    pub wall_s: f64,
    /// Of this process and all that it started.
    pub cpu_s: f64,
    /// Of all others on this machine, the kernel's own workers among them.
    pub others_s: f64,
}

impl Spent {
    /// Of `work`.
    pub fn by(work: impl FnOnce()) -> Self {
        let (begun, own, all) = (Instant::now(), own_ticks(), all_ticks());
        work();
        orphans_bury();
        let wall_s = begun.elapsed().as_secs_f64();
        let cpu_s = (own_ticks() - own) / TICKS_OF_A_SECOND;
        let others_s = ((all_ticks() - all) / TICKS_OF_A_SECOND - cpu_s).max(0.0);
        Self { wall_s, cpu_s, others_s }
    }
}

/// Has processes whose parent is gone, such as a box's first, become this one's children, so that their time is counted.
pub fn orphans_adopt() {
    nix::sys::prctl::set_child_subreaper(true).unwrap();
}

/// Reaps every child that has ended. To be called while nobody waits for one.
fn orphans_bury() {
    let flags = Some(WaitPidFlag::WNOHANG);
    while matches!(waitpid(None::<Pid>, flags), Ok(status) if status != WaitStatus::StillAlive) {}
}

/// User and system time, own and of ended children.
fn own_ticks() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    after_name.split_whitespace().skip(11).take(4).map(|ticks| ticks.parse::<f64>().unwrap()).sum()
}

/// Time in which the machine's cores did anything.
fn all_ticks() -> f64 {
    let stat = std::fs::read_to_string("/proc/stat").unwrap();
    let first = stat.lines().next().unwrap();
    let ticks: Vec<f64> = first.split_whitespace().skip(1).map(|ticks| ticks.parse().unwrap()).collect();
    // User, nice, system; then interrupts. Idling and waiting for disks stand between.
    ticks[0] + ticks[1] + ticks[2] + ticks[5] + ticks[6]
}

/// Median, least and most of what was measured.
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

/// Of at least one value.
pub fn spread(values: impl Iterator<Item = f64>) -> Spread {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    Spread { median: values[values.len() / 2], min: values[0], max: values[values.len() - 1] }
}

impl fmt::Display for Spread {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "median {:.1} (min {:.1}, max {:.1})", self.median, self.min, self.max)
    }
}
