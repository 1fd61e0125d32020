//! The use cases from outside: one suite, run on SQLite and on PostgreSQL, with the real proof engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod advisories;
mod bad_bundles;
mod bundle;
mod coordination;
mod house;
mod jobs;
mod keys;
mod life;
mod mail;
mod notices;
mod outsiders;
mod pace;
mod package;
mod registrations;
mod sealed;
mod sending;
mod standing;
mod symbols;
mod verdicts;
