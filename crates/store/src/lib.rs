//! The only SQL and the only blobs: one [`Store`] over SQLite or PostgreSQL, one module per noun.
//!
//! Every function takes a transaction and says in its name what it does to which noun. What comes
//! out is typed: a column that cannot be read as its type is an error, never a default. Must not
//! decide: who may do what is `domain::policy`, what follows from what is crate `service`. Must not
//! read a clock or make an id: both are passed in. JSON columns are text, handed through.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod advisory;
pub mod blob;
pub mod case;
pub mod claim;
pub mod feed;
pub mod finding;
pub mod fix;
pub mod idempotency;
pub mod inventory;
pub mod job;
pub mod letter;
pub mod meta;
pub mod notice;
pub mod pace;
pub mod page;
pub mod party;
pub mod proof;
pub mod read_in;
pub mod registration;
pub mod report;
pub mod standing;
pub mod worker;

mod dialect;
mod error;
mod fsck;
mod migration;
mod open;
mod postgres;
mod sqlite;
mod tx;
mod value;

pub use error::StoreError;
pub use fsck::{fsck, fsck_job_kinds};
pub use open::{Store, StoreConfig};
pub use page::{Cursor, Listed, Page};
pub use tx::Tx;
