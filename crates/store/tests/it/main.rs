//! The store from outside: one suite, run on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod conformance;
mod durability;
mod fsck;
mod jobs;
mod letters;
mod opening;
mod pace;
mod standing;
mod transactions;
mod visibility;
