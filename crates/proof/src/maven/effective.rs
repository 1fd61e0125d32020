//! What a project says once its parents, its properties and what it imports are put together, as Maven does. Profiles are
//! not heeded: what is published is to be used without any. Must not choose between versions.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::rc::Rc;

use super::Coordinates;
use super::pom::{Dependency, Pom};
use super::registry::{ArtifactFile, Registry, STORE_PART};
use crate::source::SourceError;
use crate::store::PackageStore;

/// Most parents above each other.
pub const PARENTS_COUNT_MAX: usize = 24;
/// Most imports within each other.
pub const IMPORTS_DEPTH_MAX: usize = 8;
/// Most projects read for one resolution, parents and imports included.
pub const PROJECTS_COUNT_MAX: usize = 2_000;
/// How often properties are put into properties.
const ROUNDS_COUNT_MAX: usize = 16;
/// Longest text that comes of it, in bytes.
const TEXT_BYTES_MAX: usize = 4_096;
/// Most projects that lead on from one to another's new name.
const RELOCATIONS_COUNT_MAX: usize = 4;

/// A project with everything put together.
#[derive(Debug, Default)]
pub(super) struct Effective {
    /// Where it is, after it was led on to a new name.
    pub(super) at: Option<Coordinates>,
    /// What it needs, with versions and scopes as it manages them itself.
    pub(super) dependencies: Vec<Dependency>,
    managed: HashMap<String, Dependency>,
}

/// Reads projects from a repository.
pub(super) struct Projects<'a> {
    pub(super) registry: &'a Registry,
    pub(super) store: &'a PackageStore,
    raw: HashMap<Coordinates, Rc<Pom>>,
    whole: HashMap<Coordinates, Rc<Effective>>,
}

impl<'a> Projects<'a> {
    pub(super) fn new(registry: &'a Registry, store: &'a PackageStore) -> Self {
        Self { registry, store, raw: HashMap::new(), whole: HashMap::new() }
    }

    /// A project, followed to where it was led on.
    pub(super) fn effective(&mut self, of: &Coordinates) -> Result<Rc<Effective>, SourceError> {
        let mut at = of.clone();
        for _ in 0..RELOCATIONS_COUNT_MAX {
            let pom = self.raw(&at)?;
            let Some([group, artifact, version]) = pom.relocation.clone() else { return self.whole(&at, 0) };
            let or = |new: String, old: &String| if new.is_empty() { old.clone() } else { new };
            let next = Coordinates {
                group: or(group, &at.group),
                artifact: or(artifact, &at.artifact),
                version: or(version, &at.version),
            };
            if next == at {
                return self.whole(&at, 0);
            }
            at = next;
        }
        Err(bad(of, "it is led on to new names without end"))
    }

    fn raw(&mut self, of: &Coordinates) -> Result<Rc<Pom>, SourceError> {
        if let Some(known) = self.raw.get(of) {
            return Ok(known.clone());
        }
        if self.raw.len() >= PROJECTS_COUNT_MAX {
            return Err(SourceError::TreeTooLarge { name: of.name(), max: PROJECTS_COUNT_MAX });
        }
        if !of.is_plain() {
            let version = of.version.chars().take(100).collect();
            return Err(SourceError::NoSuchVersion { name: of.name().chars().take(200).collect(), version });
        }
        let stored = self.registry.obtain(self.store, &ArtifactFile::pom(of))?;
        let path = self.store.archive(STORE_PART, &stored.sha256);
        let bytes = fs::read(&path).map_err(|source| SourceError::Store { step: "read", path, source })?;
        // Old ones are in Latin-1; what counts in them is ASCII.
        let pom = Pom::read(&String::from_utf8_lossy(&bytes)).map_err(|why| bad(of, &why))?;
        let pom = Rc::new(pom);
        self.raw.insert(of.clone(), pom.clone());
        Ok(pom)
    }

    fn whole(&mut self, of: &Coordinates, depth: usize) -> Result<Rc<Effective>, SourceError> {
        if let Some(known) = self.whole.get(of) {
            return Ok(known.clone());
        }
        let merged = self.merged(of)?;
        let put = |dependency: &Dependency| interpolated(dependency, &merged.properties);
        let mut managed: HashMap<String, Dependency> = HashMap::new();
        let mut imports = Vec::new();
        for dependency in merged.managed.iter().map(put) {
            if dependency.scope == "import" && dependency.kind == "pom" {
                imports.push(dependency);
            } else {
                managed.entry(dependency.key()).or_insert(dependency);
            }
        }
        for import in imports {
            if depth >= IMPORTS_DEPTH_MAX {
                return Err(bad(of, "its imports go too deep"));
            }
            let from = Coordinates { group: import.group, artifact: import.artifact, version: import.version };
            for (key, dependency) in &self.whole(&from, depth + 1)?.managed {
                managed.entry(key.clone()).or_insert_with(|| dependency.clone());
            }
        }
        let mut dependencies: Vec<Dependency> = merged.dependencies.iter().map(put).collect();
        for dependency in &mut dependencies {
            if let Some(by) = managed.get(&dependency.key()) {
                dependency.fill(by);
            }
        }
        let effective = Rc::new(Effective { at: Some(of.clone()), dependencies, managed });
        self.whole.insert(of.clone(), effective.clone());
        Ok(effective)
    }

    /// The project with everything its parents add; nothing is put in for `${…}` yet.
    fn merged(&mut self, of: &Coordinates) -> Result<Pom, SourceError> {
        let mut merged = (*self.raw(of)?).clone();
        let mut parent = merged.parent.clone();
        let mut said: BTreeMap<String, String> = BTreeMap::new();
        for (key, value) in [("groupId", &of.group), ("artifactId", &of.artifact), ("version", &of.version)] {
            for prefix in ["project.", "pom.", ""] {
                said.insert(format!("{prefix}{key}"), value.clone());
            }
        }
        if let Some([group, _, version]) = &parent {
            said.insert("project.parent.groupId".into(), group.clone());
            said.insert("project.parent.version".into(), version.clone());
        }
        let mut above = 0;
        while let Some([group, artifact, version]) = parent {
            above += 1;
            if above > PARENTS_COUNT_MAX {
                return Err(bad(of, "it has too many parents"));
            }
            let pom = self.raw(&Coordinates { group, artifact, version })?;
            for (key, value) in &pom.properties {
                merged.properties.entry(key.clone()).or_insert_with(|| value.clone());
            }
            add_missing(&mut merged.dependencies, &pom.dependencies);
            // Of two managed ones the first counts.
            merged.managed.extend(pom.managed.iter().cloned());
            parent = pom.parent.clone();
        }
        merged.properties.extend(said);
        Ok(merged)
    }
}

impl Dependency {
    /// What tells one dependency from another.
    pub(super) fn key(&self) -> String {
        let kind = if self.kind.is_empty() { "jar" } else { &self.kind };
        format!("{}:{}:{kind}:{}", self.group, self.artifact, self.classifier)
    }

    /// Takes what it does not say itself.
    fn fill(&mut self, by: &Self) {
        let pairs =
            [(&mut self.version, &by.version), (&mut self.scope, &by.scope), (&mut self.optional, &by.optional)];
        for (own, managed) in pairs {
            if own.is_empty() {
                own.clone_from(managed);
            }
        }
        if self.exclusions.is_empty() {
            self.exclusions.clone_from(&by.exclusions);
        }
    }
}

fn add_missing(own: &mut Vec<Dependency>, inherited: &[Dependency]) {
    for dependency in inherited {
        if !own.iter().any(|known| known.key() == dependency.key()) {
            own.push(dependency.clone());
        }
    }
}

fn interpolated(dependency: &Dependency, properties: &BTreeMap<String, String>) -> Dependency {
    let put = |text: &String| interpolate(text, properties);
    Dependency {
        group: put(&dependency.group),
        artifact: put(&dependency.artifact),
        version: put(&dependency.version),
        scope: put(&dependency.scope),
        kind: put(&dependency.kind),
        classifier: put(&dependency.classifier),
        optional: put(&dependency.optional),
        exclusions: dependency.exclusions.iter().map(|(group, artifact)| (put(group), put(artifact))).collect(),
    }
}

/// Puts properties in for `${…}`; what is not known stays as it is.
fn interpolate(text: &str, properties: &BTreeMap<String, String>) -> String {
    let mut text = text.to_owned();
    for _ in 0..ROUNDS_COUNT_MAX {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.as_str();
        let mut changed = false;
        while let Some(start) = rest.find("${") {
            let Some(end) = rest[start..].find('}') else { break };
            let name = &rest[start + 2..start + end];
            out.push_str(&rest[..start]);
            match properties.get(name) {
                Some(value) => {
                    out.push_str(value);
                    changed = true;
                }
                None => out.push_str(&rest[start..=start + end]),
            }
            rest = &rest[start + end + 1..];
        }
        out.push_str(rest);
        if !changed || out.len() > TEXT_BYTES_MAX {
            return text;
        }
        text = out;
    }
    text
}

fn bad(of: &Coordinates, why: &str) -> SourceError {
    let why: String = why.chars().take(300).collect();
    SourceError::BadAnswer { url: format!("{of}, its .pom"), why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_put_in_and_circles_end() {
        let properties: BTreeMap<String, String> =
            [("a", "1.${b}"), ("b", "2"), ("x", "${y}"), ("y", "${x}${x}")].map(|(k, v)| (k.into(), v.into())).into();
        assert_eq!(interpolate("v${a}-${c}", &properties), "v1.2-${c}");
        assert!(interpolate("${x}", &properties).len() <= TEXT_BYTES_MAX);
        assert_eq!(interpolate("${a", &properties), "${a");
    }

    #[test]
    fn what_is_managed_fills_and_does_not_replace() {
        let mut own = Dependency { version: "1".into(), ..Dependency::default() };
        own.fill(&Dependency { version: "2".into(), scope: "test".into(), ..Dependency::default() });
        assert_eq!((own.version.as_str(), own.scope.as_str()), ("1", "test"));
    }
}
