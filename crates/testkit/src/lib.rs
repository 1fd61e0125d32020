//! For tests only: both stores, each test on data of its own, and rows to begin with.
//!
//! A missing PostgreSQL fails the test with one line that says how to get one; nothing is skipped.
//! Must not be a dependency of a program.
// A test kit reports by panicking: that is how a test fails.
#![allow(clippy::panic)]

#[cfg(feature = "clearinghouse")]
pub mod clearinghouse;
#[cfg(feature = "clearinghouse")]
pub mod http;
#[cfg(feature = "clearinghouse")]
pub mod measured;
pub mod peer;
pub mod postgres;
mod program;
pub mod seed;
mod stores;

pub use program::{kept_folder, proofhouse_box, proofhouse_symbols};
pub use stores::{TempStore, both_stores, postgres_store, sqlite_store};
