//! One vulnerability under several ids is told once: records that share an id or an alias, directly or through others, are
//! one cluster. Looks at ids only.

use std::collections::HashMap;

use crate::brief::Head;

/// For each record the smallest number of a record of its cluster.
pub(crate) fn roots(heads: &[Head<'_>]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..heads.len()).collect();
    let mut first_with: HashMap<&str, usize> = HashMap::with_capacity(heads.len() * 2);
    for (index, head) in heads.iter().enumerate() {
        for id in head.ids() {
            let other = *first_with.entry(id).or_insert(index);
            let (a, b) = (root(&mut parents, index), root(&mut parents, other));
            // The smaller number is the root, so that the result does not depend on the order of joining.
            let (low, high) = (a.min(b), a.max(b));
            if let Some(parent) = parents.get_mut(high) {
                *parent = low;
            }
        }
    }
    (0..heads.len()).map(|index| root(&mut parents, index)).collect()
}

fn root(parents: &mut [usize], mut index: usize) -> usize {
    while let Some(&parent) = parents.get(index) {
        if parent == index {
            break;
        }
        // Halve the path on the way up.
        let grandparent = parents.get(parent).copied().unwrap_or(parent);
        if let Some(slot) = parents.get_mut(index) {
            *slot = grandparent;
        }
        index = grandparent;
    }
    index
}

/// Every id of a cluster, the best known first.
pub(crate) fn ids_sorted<'a>(heads: impl Iterator<Item = Head<'a>>) -> Vec<String> {
    let mut all: Vec<&str> = heads.flat_map(|head| head.ids().collect::<Vec<_>>()).collect();
    all.sort_unstable_by_key(|id| (rank(id), *id));
    all.dedup();
    all.into_iter().map(str::to_owned).collect()
}

/// CVE ids first, then GitHub's, then the others.
fn rank(id: &str) -> u8 {
    match id {
        _ if id.starts_with("CVE-") => 0,
        _ if id.starts_with("GHSA-") => 1,
        _ => 2,
    }
}
