//! What is kept of one bundle: what it and its advisory state, read from the files; and what was measured. Values and
//! reading only.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;

/// Where bundles are.
const FOLDERS: [&str; 3] = ["examples", "examples/wrong", TEST_BUNDLES];
/// Of these only the ones that an advisory names: others show what an example shows.
const TEST_BUNDLES: &str = "crates/proof/tests/bundles";
/// Where the public advisories' facts are: records of our own with ids and events alone.
const ADVISORIES: &str = "examples/advisories";

/// One bundle.
#[derive(Serialize, Deserialize)]
pub struct Entry {
    pub stated: Stated,
    pub measured: Measured,
}

/// Read from the files.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
pub struct Stated {
    pub purl: String,
    pub oracle: String,
    pub vulnerable: String,
    pub fixed: Option<String>,
    pub advisory: Option<Advisory>,
}

/// An advisory's facts.
#[derive(Serialize, Deserialize, PartialEq, Eq)]
pub struct Advisory {
    /// Of this repository.
    pub file: String,
    pub id: String,
    /// Its events in words.
    pub ranges: String,
}

/// What the product answered.
#[derive(Serialize, Deserialize)]
pub struct Measured {
    /// Of the bundle's files.
    pub digest: String,
    pub grade: String,
    pub runtime: String,
    pub method: String,
    /// Intervals in words.
    pub ranges: String,
    pub versions: usize,
    pub run: usize,
    pub fired: usize,
    pub silent: usize,
    /// How many versions say nothing, by reason.
    pub unknown: BTreeMap<String, usize>,
    /// Absent where there is no advisory.
    pub comparison: Option<Compared>,
}

/// The product's comparison, without the versions that say nothing.
#[derive(Serialize, Deserialize)]
pub struct Compared {
    pub result: String,
    pub agreed: usize,
    pub over_claimed: Vec<String>,
    pub under_claimed: Vec<String>,
    pub unknown: usize,
}

/// The folder of every bundle, in order.
pub fn bundles(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for folder in FOLDERS {
        let read = std::fs::read_dir(root.join(folder)).with_context(|| format!("read the folder {folder}"))?;
        for item in read {
            let item = item.with_context(|| format!("read the folder {folder}"))?;
            let name = format!("{folder}/{}", item.file_name().to_string_lossy());
            let is_bundle = item.path().join("proof.toml").is_file();
            if is_bundle && (folder != TEST_BUNDLES || advisory(root, &name)?.is_some()) {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// What a bundle and the advisory that names it state.
pub fn stated(root: &Path, bundle: &str) -> Result<Stated> {
    let path = format!("{bundle}/proof.toml");
    let text = std::fs::read_to_string(root.join(&path)).with_context(|| format!("read {path}"))?;
    let manifest: toml::Table = toml::from_str(&text).with_context(|| format!("read {path}"))?;
    let get = |section: &str, key: &str| {
        manifest.get(section).and_then(|table| table.get(key)).and_then(|value| value.as_str()).map(str::to_owned)
    };
    let wanted = |section: &str, key: &str| get(section, key).with_context(|| format!("{path}: {section}.{key}"));
    Ok(Stated {
        purl: wanted("target", "purl")?,
        oracle: wanted("oracle", "kind")?,
        vulnerable: wanted("target", "vulnerable")?,
        fixed: get("target", "fixed"),
        advisory: advisory(root, bundle)?,
    })
}

/// The record that says it is shown by this bundle.
fn advisory(root: &Path, bundle: &str) -> Result<Option<Advisory>> {
    let read = std::fs::read_dir(root.join(ADVISORIES)).with_context(|| format!("read the folder {ADVISORIES}"))?;
    for item in read {
        let item = item.with_context(|| format!("read the folder {ADVISORIES}"))?;
        let file = format!("{ADVISORIES}/{}", item.file_name().to_string_lossy());
        let text = std::fs::read_to_string(item.path()).with_context(|| format!("read {file}"))?;
        let record: Value = serde_json::from_str(&text).with_context(|| format!("read {file}"))?;
        let shown_by = record["database_specific"]["shown_by"].as_array();
        if shown_by.is_some_and(|list| list.iter().any(|item| item == bundle)) {
            let id = record["id"].as_str().unwrap_or_default().to_owned();
            return Ok(Some(Advisory { id, ranges: ranges_told(&record), file }));
        }
    }
    Ok(None)
}

/// The events of a record of ours, which is about one package, in words.
fn ranges_told(record: &Value) -> String {
    let ranges = record["affected"][0]["ranges"].as_array().into_iter().flatten();
    let events = ranges.flat_map(|range| range["events"].as_array().into_iter().flatten());
    let mut stretches: Vec<(String, Option<String>)> = Vec::new();
    for event in events {
        if let Some(from) = event["introduced"].as_str() {
            stretches.push((from.to_owned(), None));
        } else if let (Some(end), Some(last)) = (event["fixed"].as_str(), stretches.last_mut()) {
            last.1 = Some(format!("< {end}"));
        } else if let (Some(end), Some(last)) = (event["last_affected"].as_str(), stretches.last_mut()) {
            last.1 = Some(format!("<= {end}"));
        }
    }
    told(stretches)
}

/// Stretches in words: `< 1.2.3; 2.0.0 to < 2.0.4`.
pub fn told(stretches: Vec<(String, Option<String>)>) -> String {
    let beginning = |from: &str| matches!(from, "0" | "0.0.0-0");
    let each = stretches.into_iter().map(|(from, end)| match (beginning(&from), end) {
        (true, Some(end)) => end,
        (true, None) => "all".to_owned(),
        (false, Some(end)) => format!("{from} to {end}"),
        (false, None) => format!("from {from} on"),
    });
    let all: Vec<String> = each.collect();
    if all.is_empty() { "none".to_owned() } else { all.join("; ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_in_words() {
        let record = serde_json::json!({"affected": [{"ranges": [
            {"events": [{"introduced": "0"}, {"fixed": "1.2"}]},
            {"events": [{"introduced": "2.0"}, {"last_affected": "2.4"}, {"introduced": "3.0"}]},
        ]}]});
        assert_eq!(ranges_told(&record), "< 1.2; 2.0 to <= 2.4; from 3.0 on");
        assert_eq!(ranges_told(&serde_json::json!({})), "none");
    }
}
