//! Tests of the `formats` crate at its boundary: documents in, values, warnings and refusals out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod inventory;
mod tap;
mod tap_any_bytes;
