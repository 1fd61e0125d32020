//! The use cases from outside: one suite, run on SQLite and on PostgreSQL, with the real proof engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod advisories;
// What builds a house and a bundle serves more tests than there are today.
#[allow(dead_code)]
mod bundle;
mod coordination;
#[allow(dead_code)]
mod house;
mod life;
mod notices;
mod outsiders;
mod sending;
