//! CISA's Known Exploited Vulnerabilities catalogue, in CISA's own JSON. Facts only: what a listing means for a deadline
//! is decided elsewhere.

use serde_json::Value;

use crate::refusal::{json_read, text_of};
use crate::{Unreadable, Warning};

const WHAT: &str = "the KEV catalogue";

/// The largest catalogue that is read, in bytes. (1,404 entries have 1.3 MB.)
pub const KEV_BYTES_MAX: usize = 64 * 1024 * 1024;

/// The catalogue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catalogue {
    /// `2025.08.25`.
    pub version: String,
    /// RFC 3339.
    pub released: Option<String>,
    /// In the catalogue's order.
    pub entries: Vec<Entry>,
}

/// One listed vulnerability.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `CVE-2025-48384`.
    pub cve: String,
    /// As CISA names it.
    pub vendor: String,
    /// As CISA names it.
    pub product: String,
    /// As CISA names it.
    pub name: String,
    /// `YYYY-MM-DD`: when it was listed.
    pub date_added: String,
    /// `YYYY-MM-DD`.
    pub due_date: Option<String>,
    /// In CISA's words.
    pub required_action: Option<String>,
    /// Known to be used in ransomware campaigns.
    pub ransomware: bool,
    /// `CWE-59`.
    pub cwes: Vec<String>,
}

/// Reads the catalogue.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON, or without its version or its list. An entry without a CVE or a date is
/// left out with a warning.
pub fn read(bytes: &[u8]) -> Result<(Catalogue, Vec<Warning>), Unreadable> {
    let document = json_read(WHAT, bytes, KEV_BYTES_MAX)?;
    let wrong = |field: &str, expected| Unreadable::WrongShape { what: WHAT, field: field.to_owned(), expected };
    let version = text_of(&document, "catalogVersion").ok_or_else(|| wrong("catalogVersion", "a version"))?;
    let listed = document.get("vulnerabilities").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| wrong("vulnerabilities", "an array"))?;
    let mut warnings = Vec::new();
    let mut entries = Vec::new();
    for (index, item) in listed.iter().enumerate() {
        match entry(item) {
            Some(entry) => entries.push(entry),
            None => {
                let at = format!("vulnerabilities[{index}]");
                warnings.push(Warning::new("wrong_shape", at, "without a CVE id or a date of listing: left out"));
            }
        }
    }
    if let Some(count) = document.get("count").and_then(Value::as_u64)
        && count != listed.len() as u64
    {
        let text = format!("says {count}, and {} are there", listed.len());
        warnings.push(Warning::new("wrong_count", "count", text));
    }
    let released = text_of(&document, "dateReleased").map(str::to_owned);
    Ok((Catalogue { version: version.to_owned(), released, entries }, warnings))
}

fn entry(item: &Value) -> Option<Entry> {
    let text = |field: &str| text_of(item, field).map(|t| t.trim().to_owned());
    let cwes = item.get("cwes").and_then(Value::as_array).into_iter().flatten();
    Some(Entry {
        cve: text("cveID").map(|c| c.to_ascii_uppercase()).filter(|c| c.starts_with("CVE-"))?,
        vendor: text("vendorProject").unwrap_or_default(),
        product: text("product").unwrap_or_default(),
        name: text("vulnerabilityName").unwrap_or_default(),
        date_added: text("dateAdded").filter(|d| is_date(d))?,
        due_date: text("dueDate").filter(|d| is_date(d)),
        required_action: text("requiredAction"),
        ransomware: text("knownRansomwareCampaignUse").is_some_and(|w| w.eq_ignore_ascii_case("known")),
        cwes: cwes.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// `YYYY-MM-DD` in digits.
pub(crate) fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() })
}
