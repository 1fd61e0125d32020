//! How ecosystems order versions, and what an OSV range says of one version. Pure: no I/O, no clock.
//! A version that a scheme cannot read is [`osv::Status::Unknown`], and must never come out as "not affected".
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod key;
mod order;
pub mod osv;
mod scheme;
pub mod vers;
mod version;

pub use scheme::{ECOSYSTEMS, Scheme};
pub use version::{Comparer, Unreadable, VERSION_BYTES_MAX, Version, compare};
