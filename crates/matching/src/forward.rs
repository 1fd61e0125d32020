//! What affects this inventory? Every component ends up with findings, clean, or listed with the reason it cannot be compared.

use std::collections::HashMap;

use formats::inventory::Inventory;

use crate::finding::{Finding, InventoryMatch};
use crate::index::Index;
use crate::owner;

pub(crate) fn inventory_match(index: &Index, inventory: &Inventory) -> InventoryMatch {
    let mut asker = index.hot().asker();
    let mut explained: HashMap<(&str, &str, &str), Vec<Finding>> = HashMap::new();
    let mut out = InventoryMatch::default();
    for (number, component) in inventory.components.iter().enumerate() {
        let package = match &component.matchable {
            Ok(package) => package,
            Err(reason) => {
                out.unmatchable.push((number, *reason));
                continue;
            }
        };
        let hits = asker.ask(&package.ecosystem, &package.name, &package.version);
        if hits.is_empty() {
            out.clean.push(number);
            continue;
        }
        let names = (&*package.ecosystem, package.name.as_str(), package.version.as_str());
        let findings = explained.entry(names).or_insert_with(|| index.explain(package, hits));
        out.findings.extend(findings.iter().map(|finding| (number, finding.clone())));
    }
    owner::settle(index, inventory, &mut out);
    out
}

/// The answer for an inventory of which no component is hit: nothing is there to be explained.
#[must_use]
pub fn unexplained_match(inventory: &Inventory) -> InventoryMatch {
    let mut out = InventoryMatch::default();
    for (number, component) in inventory.components.iter().enumerate() {
        match &component.matchable {
            Ok(_) => out.clean.push(number),
            Err(reason) => out.unmatchable.push((number, *reason)),
        }
    }
    out
}
