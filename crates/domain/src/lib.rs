//! The nouns of a clearinghouse and their rules: identities, claim overlap, case life, embargo
//! precedence, read-in tiers, deadlines from decision tables, and who may do what.
//!
//! Pure: no I/O, no clock, no randomness of its own, no knowledge of HTTP, SQL or JSON. Time and
//! random bytes are passed in by the caller. One file per noun; the order of the nouns is the life
//! of a finding: claim, report, proof, case, fix, advisory, notice.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod advisory;
pub mod case;
pub mod claim;
pub mod deadline;
pub mod embargo;
pub mod fix;
pub mod id;
pub mod inventory;
pub mod notice;
pub mod pace;
pub mod package;
pub mod party;
pub mod policy;
pub mod proof;
pub mod read_in;
pub mod report;
pub mod shown;
pub mod standing;
pub mod time;
pub mod vocabulary;
