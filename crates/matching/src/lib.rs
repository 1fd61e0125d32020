//! Inventories against advisories, both ways: what affects this component ([`Index::match_inventory`]), and who runs what this
//! advisory names ([`Holdings::reach`]). Both ask one function, so they cannot disagree.
//!
//! Nothing is silently clean: a version, a bound or an ecosystem that cannot be read gives a finding of status `unknown`, and a
//! component that has no package at all is listed with its reason. Pure: the index lives in memory.
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod alias;
mod finding;
mod holdings;
mod index;
mod package;

pub use finding::{Finding, InventoryMatch, Statement};
pub use formats::inventory::{Component, Inventory, PackageVersion, Unmatchable};
pub use holdings::{Holdings, Place, Reached};
pub use index::Index;
pub use versions::osv::Status;
