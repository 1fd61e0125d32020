//! `cargo xtask ranges`: every example bundle measured on all published versions and compared with its public advisory, kept
//! in `docs/ranges.json`, from which the page is written. The product measures and compares; here is only what is asked
//! of it and how it is shown.

mod entry;
mod measure;
mod page;

use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::path::Path;

pub use entry::Entry;
pub use measure::measure;

const DATA: &str = "docs/ranges.json";
const PAGE: &str = "docs/ranges.md";

/// Everything measured, by the bundle's folder.
type Entries = BTreeMap<String, Entry>;

/// Whether page, data, bundles and advisories fit together; prints what does not. A bundle that was not measured yet is
/// named and breaks nothing: it comes with its author, its measurement with a quiet machine.
pub fn check(root: &Path) -> Result<bool> {
    let entries = read(root)?;
    for name in entry::bundles(root)?.iter().filter(|name| !entries.contains_key(*name)) {
        println!("not measured yet: {name}");
    }
    let wrong = findings(root)?;
    for line in &wrong {
        println!("{line}");
    }
    Ok(wrong.is_empty())
}

fn findings(root: &Path) -> Result<Vec<String>> {
    let entries = read(root)?;
    let bundles = entry::bundles(root)?;
    let mut wrong: Vec<String> = entries
        .keys()
        .filter(|name| !bundles.contains(name))
        .map(|name| format!("{DATA}: {name} is no bundle"))
        .collect();
    for (name, entry) in &entries {
        if !bundles.contains(name) {
            continue;
        }
        let stated = entry::stated(root, name)?;
        if stated != entry.stated {
            wrong.push(format!(
                "{DATA}: {name} declares other things now, or its advisory does: `cargo xtask ranges {name}`"
            ));
        }
    }
    let found = std::fs::read_to_string(root.join(PAGE)).with_context(|| format!("read {PAGE}"))?;
    if found != page::render(&entries) {
        wrong.push(format!("{PAGE}: is not what {DATA} gives: `cargo xtask ranges none` writes it anew"));
    }
    Ok(wrong)
}

fn read(root: &Path) -> Result<Entries> {
    let path = root.join(DATA);
    if !path.exists() {
        return Ok(Entries::new());
    }
    let text = std::fs::read_to_string(&path).with_context(|| format!("read {DATA}"))?;
    serde_json::from_str(&text).with_context(|| format!("read {DATA}"))
}

fn write(root: &Path, entries: &Entries) -> Result<()> {
    let text = serde_json::to_string_pretty(entries)? + "\n";
    std::fs::write(root.join(DATA), text).with_context(|| format!("write {DATA}"))?;
    std::fs::write(root.join(PAGE), page::render(entries)).with_context(|| format!("write {PAGE}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_what_the_data_and_the_bundles_give() {
        let found = findings(&crate::root()).unwrap();
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
