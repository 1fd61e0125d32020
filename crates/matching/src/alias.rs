//! One vulnerability under several ids is told once: records that share an id or an alias, directly or through others, are
//! one cluster. Looks at ids only.

use std::collections::HashMap;

use formats::osv::Record;

/// For each record the number of its cluster, and for each cluster its ids, the best known first.
pub(crate) fn clusters(records: &[Record]) -> (Vec<usize>, Vec<Vec<String>>) {
    let mut parents: Vec<usize> = (0..records.len()).collect();
    let mut first_with: HashMap<&str, usize> = HashMap::new();
    for (index, record) in records.iter().enumerate() {
        for id in std::iter::once(&record.id).chain(&record.aliases) {
            let other = *first_with.entry(id).or_insert(index);
            let (a, b) = (root(&mut parents, index), root(&mut parents, other));
            // The smaller number is the root, so that the result does not depend on the order of joining.
            let (low, high) = (a.min(b), a.max(b));
            if let Some(parent) = parents.get_mut(high) {
                *parent = low;
            }
        }
    }
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut ids: Vec<Vec<String>> = Vec::new();
    let mut of_record = Vec::with_capacity(records.len());
    for (index, record) in records.iter().enumerate() {
        let number = *numbers.entry(root(&mut parents, index)).or_insert(ids.len());
        if number == ids.len() {
            ids.push(Vec::new());
        }
        if let Some(all) = ids.get_mut(number) {
            all.push(record.id.clone());
            all.extend(record.aliases.iter().cloned());
        }
        of_record.push(number);
    }
    for all in &mut ids {
        all.sort_by(|a, b| (rank(a), a.as_str()).cmp(&(rank(b), b.as_str())));
        all.dedup();
    }
    (of_record, ids)
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

/// CVE ids first, then GitHub's, then the others.
fn rank(id: &str) -> u8 {
    match id {
        _ if id.starts_with("CVE-") => 0,
        _ if id.starts_with("GHSA-") => 1,
        _ => 2,
    }
}
