//! Tests of the `triage` crate: each row of the decision's table, that order does not matter, what crash outputs say, and reports
//! of several formats sorted by defect.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
mod decisions;
mod labelled;
mod order;
mod places;
mod sorting;
