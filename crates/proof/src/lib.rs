//! The proof engine: runs a proof where it can do no harm and says what a harness measured. It must not judge by what
//! the proof says about itself.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod sandbox;
