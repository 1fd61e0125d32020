//! Resolves the dependencies of one version into a tree of exact versions, as npm would lay it out.
//!
//! Reads packuments only. Same packuments and overrides, same tree: nothing depends on time or order of answers.

use std::collections::{BTreeMap, VecDeque};

use nodejs_semver::{Range, Version};

use super::packument::{Packument, VersionDoc};
use super::registry::Registry;
use crate::source::SourceError;

/// Most packages in one tree.
pub const TREE_PACKAGES_MAX: usize = 2_000;

/// A package at its place in a tree.
#[derive(Debug, Clone)]
pub struct Placed {
    /// Where, such as `node_modules/a/node_modules/b`.
    pub path: String,
    /// The package it is.
    pub name: String,
    /// Its record.
    pub doc: VersionDoc,
}

struct Node {
    parent: Option<usize>,
    /// Name of the folder it lies in (an alias differs from the package's name).
    folder: String,
    children: BTreeMap<String, usize>,
    /// `None` for the root, which stands for the place of the proof.
    package: Option<(String, VersionDoc)>,
}

struct Tree<'r> {
    registry: &'r Registry,
    overrides: &'r BTreeMap<String, Version>,
    nodes: Vec<Node>,
    target: &'r str,
}

struct Wish {
    from: usize,
    name: String,
    range: String,
    optional: bool,
}

/// The tree of everything `target` needs, without the target itself, sorted by place.
///
/// # Errors
/// [`SourceError::Unresolvable`] and what the registry says.
pub fn tree_resolve(
    registry: &Registry,
    target: &str,
    doc: &VersionDoc,
    overrides: &BTreeMap<String, Version>,
) -> Result<Vec<Placed>, SourceError> {
    let root = Node { parent: None, folder: String::new(), children: BTreeMap::new(), package: None };
    let mut tree = Tree { registry, overrides, nodes: vec![root], target };
    let at = tree.place(0, target, target.to_owned(), doc.clone());
    // What the bundle names is at the top, also where the target does not ask for it: the program may need it.
    let named = overrides.iter().filter(|(name, _)| *name != target);
    let mut wishes: VecDeque<Wish> = named
        .map(|(name, version)| Wish { from: 0, name: name.clone(), range: version.to_string(), optional: false })
        .collect();
    wishes.extend(wishes_of(at, doc));
    tree.ahead(&wishes);
    while let Some(wish) = wishes.pop_front() {
        if let Some(new) = tree.grant(&wish)? {
            if tree.nodes.len() > TREE_PACKAGES_MAX {
                return Err(SourceError::TreeTooLarge { name: target.to_owned(), max: TREE_PACKAGES_MAX });
            }
            if let Some((_, doc)) = &tree.nodes[new].package {
                let more: VecDeque<Wish> = wishes_of(new, doc).collect();
                tree.ahead(&more);
                wishes.extend(more);
            }
        }
    }
    Ok(tree.listing(at))
}

fn wishes_of(from: usize, doc: &VersionDoc) -> impl Iterator<Item = Wish> + use<> {
    let list = |map: &BTreeMap<String, String>, optional: bool| -> Vec<Wish> {
        map.iter()
            .filter(|(name, _)| !doc.bundled.contains(name))
            .map(|(name, range)| Wish { from, name: name.clone(), range: range.clone(), optional })
            .collect()
    };
    let mut all = list(&doc.dependencies, false);
    all.extend(list(&doc.optional, true));
    // Peers are wished for last: what an ordinary dependency brought is then there to satisfy them.
    all.extend(list(&doc.peers, false));
    all.into_iter()
}

impl Tree<'_> {
    /// Has the records of what is wished for at once: they are asked for one after the other later.
    fn ahead(&self, wishes: &VecDeque<Wish>) {
        let names: Vec<String> = wishes.iter().map(|wish| alias_split(&wish.name, &wish.range).0).collect();
        let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        self.registry.packuments_ahead(&names);
    }

    /// Grants one wish: the new node, or `None` where what is there already does.
    fn grant(&mut self, wish: &Wish) -> Result<Option<usize>, SourceError> {
        let (package, range) = alias_split(&wish.name, &wish.range);
        if let Some(found) = self.visible(wish.from, &wish.name)
            && self.satisfied(found, &package, &range)
        {
            return Ok(None);
        }
        let doc = match self.choose(wish, &package, &range) {
            Ok(doc) => doc,
            Err(e) if wish.optional && e.is_about_the_package() => return Ok(None),
            Err(e) => return Err(e),
        };
        if !platform_fits(&doc) {
            if wish.optional {
                return Ok(None);
            }
            // npm refuses these; a proof may still not need it, so it is laid out and the run decides.
            tracing::debug!(package, "a dependency is declared for another platform");
        }
        let level = self.topmost(wish.from, &wish.name);
        Ok(Some(self.place(level, &wish.name, package, doc)))
    }

    fn choose(&self, wish: &Wish, package: &str, range: &str) -> Result<VersionDoc, SourceError> {
        let unresolvable = |why: String| SourceError::Unresolvable {
            name: self.name_of(wish.from),
            dependency: wish.name.clone(),
            range: wish.range.chars().take(128).collect(),
            why,
        };
        if let Some(exact) = self.overrides.get(package) {
            let record = self.registry.packument(package).map_err(|e| about(e, &unresolvable))?;
            return record.version(exact).cloned().ok_or_else(|| unresolvable(format!("no version {exact}")));
        }
        if range.contains(':') || range.contains('/') {
            return Err(unresolvable("it does not come from the registry".into()));
        }
        let record = self.registry.packument(package).map_err(|e| about(e, &unresolvable))?;
        version_pick(&record, range).cloned().ok_or_else(|| unresolvable("no version of it satisfies the range".into()))
    }

    /// What `require(folder)` finds from a node: its own children, then those of each node above.
    fn visible(&self, from: usize, folder: &str) -> Option<usize> {
        let mut at = Some(from);
        while let Some(node) = at {
            if let Some(child) = self.nodes[node].children.get(folder) {
                return Some(*child);
            }
            at = self.nodes[node].parent;
        }
        None
    }

    fn satisfied(&self, node: usize, package: &str, range: &str) -> bool {
        let Some((name, doc)) = &self.nodes[node].package else { return false };
        if name != package {
            return false;
        }
        if let Some(exact) = self.overrides.get(package)
            && package != self.target
        {
            return doc.version == *exact;
        }
        Range::parse(range).is_ok_and(|range| doc.version.satisfies(&range))
            || self
                .registry
                .packument(package)
                .is_ok_and(|record| record.tags.get(range).is_some_and(|tagged| *tagged == doc.version.to_string()))
    }

    /// The topmost node from which `folder` would be seen by `from` without hiding another one of that name.
    fn topmost(&self, from: usize, folder: &str) -> usize {
        let mut best = from;
        let mut at = Some(from);
        while let Some(node) = at {
            if self.nodes[node].children.contains_key(folder) {
                break;
            }
            best = node;
            at = self.nodes[node].parent;
        }
        best
    }

    fn place(&mut self, parent: usize, folder: &str, package: String, doc: VersionDoc) -> usize {
        let index = self.nodes.len();
        self.nodes.push(Node {
            parent: Some(parent),
            folder: folder.to_owned(),
            children: BTreeMap::new(),
            package: Some((package, doc)),
        });
        self.nodes[parent].children.insert(folder.to_owned(), index);
        index
    }

    fn name_of(&self, node: usize) -> String {
        self.nodes[node].package.as_ref().map_or_else(String::new, |(name, doc)| format!("{name}@{}", doc.version))
    }

    fn path_of(&self, node: usize) -> String {
        let mut parts = Vec::new();
        let mut at = Some(node);
        while let Some(node) = at {
            if self.nodes[node].parent.is_some() {
                parts.push(format!("node_modules/{}", self.nodes[node].folder));
            }
            at = self.nodes[node].parent;
        }
        parts.reverse();
        parts.join("/")
    }

    fn listing(&self, without: usize) -> Vec<Placed> {
        let mut list: Vec<Placed> = self
            .nodes
            .iter()
            .enumerate()
            .filter(|(index, _)| *index != without)
            .filter_map(|(index, node)| {
                let (name, doc) = node.package.clone()?;
                Some(Placed { path: self.path_of(index), name, doc })
            })
            .collect();
        list.sort_by(|a, b| a.path.cmp(&b.path));
        list
    }
}

/// A missing dependency is a fact about the package that asks for it; a broken network is not.
fn about(error: SourceError, unresolvable: &dyn Fn(String) -> SourceError) -> SourceError {
    if error.is_about_the_package() { unresolvable(error.to_string()) } else { error }
}

/// `npm:other@^1` means the package `other` under this name.
fn alias_split(name: &str, range: &str) -> (String, String) {
    let Some(rest) = range.strip_prefix("npm:") else { return (name.to_owned(), range.trim().to_owned()) };
    match rest.rfind('@') {
        Some(at) if at > 0 => (rest[..at].to_owned(), rest[at + 1..].to_owned()),
        _ => (rest.to_owned(), "*".to_owned()),
    }
}

/// As npm picks: `latest` where it satisfies, else the highest that does and is not deprecated, else the highest.
fn version_pick<'p>(record: &'p Packument, range: &str) -> Option<&'p VersionDoc> {
    let tagged = |tag: &str| {
        let version = Version::parse(record.tags.get(tag)?).ok()?;
        record.version(&version)
    };
    let Ok(parsed) = Range::parse(range) else { return tagged(range) };
    let fits = |doc: &&VersionDoc| doc.version.satisfies(&parsed);
    if let Some(latest) = tagged("latest").filter(|doc| !doc.deprecated).filter(fits) {
        return Some(latest);
    }
    let kept = record.versions.iter().rev().filter(|doc| !doc.deprecated).find(fits);
    kept.or_else(|| record.versions.iter().rev().find(fits)).or_else(|| tagged(range))
}

fn platform_fits(doc: &VersionDoc) -> bool {
    let cpu = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    let allows = |list: &[String], here: &str| {
        let refused = list.iter().any(|word| word.strip_prefix('!') == Some(here));
        let named = list.iter().any(|word| word == here || word == "any");
        !refused && (named || list.iter().all(|word| word.starts_with('!')))
    };
    allows(&doc.os, "linux") && allows(&doc.cpu, cpu)
}
