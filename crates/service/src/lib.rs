//! The use cases of the clearinghouse, one file per noun.
//!
//! Each authorises first, then opens one transaction, then enqueues jobs. Must not know HTTP: the
//! doors call it and have no rule of their own. Must not write SQL: that is crate `store`.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod advisory;
mod blob;
pub mod case;
pub mod claim;
pub mod ctx;
mod deadline;
mod embargo;
pub mod error;
pub mod feed;
pub mod fix;
mod handover;
pub mod housekeeping;
pub mod identity;
pub mod inventory;
pub mod job;
pub mod known;
mod letter;
pub mod mail;
mod measure;
mod merge;
pub mod notice;
pub mod open;
pub mod outbox;
pub mod outward;
pub mod pace;
pub mod package;
pub mod party;
pub mod proof;
mod provenance;
pub mod range;
pub mod read_in;
pub mod registration;
pub mod registration_check;
pub mod report;
pub mod seal;
pub mod standing;
mod symbol;
mod taking;
mod task;
mod telling;
mod triage;
pub mod verdict;
mod word;
pub mod work;
pub mod worker;
mod worker_check;

pub use ctx::{Ctx, Idempotency};
pub use error::{Result, ServiceError};
pub use open::{Service, ServiceConfig};
