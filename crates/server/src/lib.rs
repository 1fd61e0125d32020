//! The doors of the clearinghouse: the HTTP API (`/v1`, with the TAP intake), the web pages, and the
//! loop of the workers.
//!
//! A door turns a request into a use case and its result into an answer. Must not have a rule of its
//! own: who may do what, and what follows from what, is crate `service`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod config;
pub mod gate;
pub mod http;
pub mod limits;
pub mod metrics;
pub mod serve;
mod web;
mod worker;

pub use config::{Limits, ServerConfig};
pub use serve::{ServeError, serve};

/// Log targets that write statements with their parameters below level `info`, and so would put
/// receipts and sealed bytes into a log. A program must keep them at `info` whatever it is asked for.
pub const LOG_TARGETS_QUIET: &[&str] = &["tokio_postgres"];
