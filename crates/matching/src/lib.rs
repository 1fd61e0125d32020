//! Inventories against advisories, both ways: what affects this component ([`Index::match_inventory`]), and who runs what this
//! advisory names ([`Holdings::reach`]). Both ask one function, so they cannot disagree. The index is one signed file
//! (`docs/matching.md`), read before use by whoever has it.
//!
//! Nothing is silently clean: a version, a bound or an ecosystem that cannot be read gives a finding of status `unknown`, and a
//! component that has no package at all is listed with its reason. Pure: bytes in, values out.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod alias;
mod brief;
mod build;
mod compile;
mod decide;
mod delta;
mod file;
mod finding;
mod forward;
mod holdings;
mod hot;
mod index;
mod order;
mod owner;
mod package;
mod sheet;
mod source;
mod table;
mod vex;

pub use build::{Builder, NAME_BYTES_MAX};
pub use decide::Hit;
pub use delta::{DELTA_BYTES_MAX, delta, delta_apply};
pub use file::{Built, HEADER_BYTES_MAX, INDEX_BYTES_MAX, IndexError, Opening};
pub use finding::{Finding, InventoryMatch, Statement};
pub use formats::inventory::{Component, Inventory, PackageVersion, Unmatchable};
pub use forward::unexplained_match;
pub use holdings::{Advisory, Holdings, HoldingsBuilder, Place, Reached, ReachedVersion};
pub use hot::{Asker, Hot};
pub use index::{Index, note};
pub use source::source_of;
pub use versions::osv::Status;
pub use vex::{Vex, VexAnswer};
