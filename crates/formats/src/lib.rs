//! Other people's documents, read into plain values and written from them. Bytes in, values out: no I/O, no clock.
//!
//! A reader gives a value with its [`Warning`]s, or one typed refusal. It never panics, whatever the bytes, and never
//! drops what it cannot use without a warning or a reason. Nothing here decides what a document means for a case.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod csaf;
pub mod ecosystem;
pub mod inventory;
pub mod json;
pub mod kev;
pub mod openvex;
pub mod osv;
pub mod points;
pub mod provenance;
pub mod purl;
mod refusal;
pub mod tap;
mod toml_text;
pub mod vex;
mod xml;
mod yaml;

pub use inventory::{cyclonedx, npm_lock};
pub use refusal::{Unreadable, Warning};
