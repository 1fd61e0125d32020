//! Tests of the `versions` crate at its boundary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod advisories;
mod keys;
mod order;
mod ranges;
mod reference;
mod rising;
