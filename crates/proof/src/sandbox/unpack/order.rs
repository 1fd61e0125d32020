//! What the unpacking worker in the box is told. Values only.

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
