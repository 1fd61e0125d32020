//! Tests of the `triage` crate: each row of the decision's table, that order does not matter, and what crash outputs say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
mod decisions;
mod order;
