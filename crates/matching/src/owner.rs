//! A package of a language that a distribution ships as part of its own package: the distribution mends it under its own version,
//! so its record decides, and the upstream range does not. Looks at where components lie in their document.

use std::collections::HashMap;

use formats::inventory::{Inventory, PackageVersion};

use crate::decide::base;
use crate::finding::{Finding, InventoryMatch};
use crate::index::Index;
use crate::package::is_distribution;
use crate::{Status, finding::Statement};

/// The place that a place lies in, where that is a component: `components[3]` of `components[3].components[0]`.
fn above(path: &str) -> Option<&str> {
    path.get(..path.rfind('[')?)?.strip_suffix(".components")
}

/// For each component that lies within a distribution's package, and is of no distribution itself, the number of that package.
fn owners(inventory: &Inventory) -> HashMap<usize, usize> {
    if inventory.components.iter().all(|component| above(&component.path).is_none()) {
        return HashMap::new();
    }
    let by_path: HashMap<&str, usize> =
        inventory.components.iter().enumerate().map(|(number, component)| (component.path.as_str(), number)).collect();
    let distribution = |number: &usize| {
        let package = inventory.components.get(*number).and_then(|component| component.matchable.as_ref().ok());
        package.is_some_and(|package| is_distribution(base(&package.ecosystem)))
    };
    let mut owners = HashMap::new();
    for (number, component) in inventory.components.iter().enumerate() {
        let mut path = component.path.as_str();
        while let Some(holder) = above(path) {
            path = holder;
            if let Some(owner) = by_path.get(path).filter(|owner| distribution(owner) && !distribution(&number)) {
                owners.insert(number, *owner);
                break;
            }
        }
    }
    owners
}

/// Moves to `elsewhere` what a distribution's record decides, and makes unknown what none of its records speaks of.
pub(crate) fn settle(index: &Index, inventory: &Inventory, found: &mut InventoryMatch) {
    let owners = owners(inventory);
    if owners.is_empty() {
        return;
    }
    let mut kept = Vec::with_capacity(found.findings.len());
    for (number, mut finding) in found.findings.drain(..) {
        let owner = owners.get(&number).and_then(|owner| inventory.components.get(*owner)?.matchable.as_ref().ok());
        let Some(owner) = owner else {
            kept.push((number, finding));
            continue;
        };
        let decided = decide(index, owner, &mut finding);
        if decided {
            found.elsewhere.push((number, finding));
        } else {
            kept.push((number, finding));
        }
    }
    found.findings = kept;
}

/// Says who decides; true when it is settled by that.
fn decide(index: &Index, owner: &PackageVersion, finding: &mut Finding) -> bool {
    let holder = format!("{}'s package {} {}", base(&owner.ecosystem), owner.name, owner.version);
    let statements = index.statements_about(owner, &finding.ids);
    let strongest: Option<&Statement> = statements.iter().min_by_key(|statement| statement.status);
    let (status, said) = match strongest {
        Some(statement) => (Some(statement.status), format!("{} ({})", statement.record, statement.said_by)),
        None => (None, String::new()),
    };
    finding.decided_by = Some(match status {
        Some(Status::Affected) => format!("{holder} holds it, and is affected itself as {said} says: told there"),
        Some(Status::NotAffected) => format!("{holder} holds it, and is not affected as {said} says"),
        Some(Status::Unknown) => format!("{holder} holds it, and {said} does not decide about it"),
        None => format!("{holder} holds it, and no record of that distribution speaks of this vulnerability"),
    });
    if matches!(status, Some(Status::Affected | Status::NotAffected)) {
        return true;
    }
    finding.status = Status::Unknown;
    false
}
