//! Tests of the parsers: for each language which symbol encloses which place, what the same statement is, and hostile files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod boxed;
mod hostile;
mod languages;
mod statements;
