//! Integration tests of the proof engine, one module each: real programs in real boxes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod proving;
mod sandbox;
mod store;
