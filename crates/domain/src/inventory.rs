//! Inventory: what one asset of one operator runs, and how that asset is placed.
//!
//! Reading documents is crate `formats`; deciding what is affected is crate `matching`.

use crate::words;

/// Components in one inventory, at most.
pub const INVENTORY_COMPONENTS_MAX: usize = 200_000;
/// Longest asset name or tag, in bytes.
pub const ASSET_TAG_BYTES_MAX: usize = 200;

words! {
    /// Whether an asset can be reached by unauthenticated or untrusted parties over public networks
    /// (CISA BOD 26-04, "Publicly Exposed").
    pub enum Exposure {
        /// It can. If any method says reachable, it is.
        Exposed = "exposed",
        /// It cannot.
        NotExposed = "not-exposed",
        /// Nobody said. Taken as exposed.
        Unknown = "unknown",
    }
}

/// The tags of an asset (BOD 26-04 asks agencies for the first four by 7 December 2026).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssetTags {
    /// The organisation that runs it.
    pub organisation: String,
    /// `production`, `test`, …: the operator's own word.
    pub environment: String,
    /// How exposed it is.
    pub exposure: Exposure,
    /// `web server`, `infusion pump gateway`, …: the operator's own word.
    pub asset_type: String,
    /// `hospital`, `bank`, `utility`, …: the operator's own word.
    pub sector: String,
}
