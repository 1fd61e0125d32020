//! Advisory: the published record of a case, in revisions that are all kept.
//!
//! Documents (OSV, CSAF) are written by crate `formats`. Must not number advisories by a counter:
//! a counter would tell an outsider how many embargoed cases exist.

use crate::id::base32;
use crate::words;

words! {
    /// The life of an advisory.
    pub enum AdvisoryState {
        /// Public.
        Published = "published",
        /// Taken back; it stays readable with the reason.
        Withdrawn = "withdrawn",
    }
}

words! {
    /// The documents an advisory is published as.
    pub enum AdvisoryFormat {
        /// OSV 1.7 JSON.
        Osv = "osv",
        /// CSAF 2.0 JSON.
        Csaf = "csaf",
    }
}

/// The public name of an advisory: `PH-`, the year, and eight random characters.
#[must_use]
pub fn advisory_name(year: i16, random: [u8; 5]) -> String {
    let bits = random.iter().fold(0_u128, |acc, b| (acc << 8) | u128::from(*b));
    let body: String = base32(bits).chars().skip(18).collect();
    format!("PH-{year:04}-{body}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn names_have_one_shape() {
        assert_eq!(super::advisory_name(2026, [0; 5]), "PH-2026-00000000");
        assert_eq!(super::advisory_name(2026, [255; 5]), "PH-2026-zzzzzzzz");
    }
}
