//! Tests of the program as a user runs it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod crash;
mod demo;
mod import;
mod match_command;
mod pace;
mod range;
mod register;
mod relay;
mod store_command;
mod submit;
mod tls;
mod trace;
mod triage_command;
mod verify;
mod versions_command;
mod worker;
