//! The doors, through real HTTP, on both stores.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod authorisation;
mod bodies;
mod description;
mod hidden;
mod intake;
mod journey;
mod logs;
mod pace;
mod pages;
mod rates;
mod reading;
mod registrations;
mod stopping;
mod tap;
