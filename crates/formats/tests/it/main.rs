//! Tests of the `formats` crate at its boundary: documents in, values, warnings and refusals out.
//!
//! Coverage-guided fuzzing needs a nightly compiler, which this workspace does not use: the readers are tried with arbitrary
//! bytes and with good documents that had bytes or fields changed instead.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod csaf;
mod csaf_advisory;
mod feeds;
mod inventory;
mod osv;
mod peers;
mod purl;
mod tap;
mod tap_any_bytes;
mod tap_multipart;
mod vex;
