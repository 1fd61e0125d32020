//! What the unpacking worker in the box is told, and what it may answer instead of entries. Values only.

use serde::{Deserialize, Serialize};

use super::{Duplicates, Format, UnpackLimits};

/// One unpacking, as it travels into the box. The archive itself is descriptor 3 there.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct UnpackOrder {
    pub format: Format,
    pub strip: bool,
    pub duplicates: Duplicates,
    pub refuse_specials: bool,
    pub limits: UnpackLimits,
}

/// Why the worker stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    Entry { entry: String, why: String },
    Unreadable { why: String },
    TooMuch { entry: String, bound: u64, unit: String },
}
