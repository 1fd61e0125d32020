//! Tests of the `triage` crate: each row of the decision's table, and that order does not matter.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod decisions;
mod order;
