//! Tests of the `matching` crate: what is found, what is unknown, that both directions agree, and that a plain search over
//! everything finds the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod both_directions;
mod findings;
mod gate;
mod index_file;
mod reference;
mod traps;
