//! Tests of the `versions` crate at its boundary.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod advisories;
mod differential;
mod keys;
mod order;
mod peers;
mod ranges;
mod reference;
mod rising;
mod vers;
