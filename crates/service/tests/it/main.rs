//! The use cases from outside: one suite, run on SQLite and on PostgreSQL, with the real proof engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bundle;
mod house;
mod life;
