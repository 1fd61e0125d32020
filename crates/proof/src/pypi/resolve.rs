//! Which versions of what a package needs: the newest that everybody who asks for it takes. Greedy with restarts, and
//! bounded; orders by version, never by date. Must not fetch: it asks whoever calls it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use pep440_rs::{Version, VersionSpecifiers};

use super::index::{IndexFile, Project, best};
use super::interpreter::Tags;
use super::requirement::Requirement;
use crate::engine::EngineError;
use crate::source::SourceError;

/// Packages that one target may need.
pub const PACKAGES_COUNT_MAX: usize = 64;
/// How often a choice may be taken back.
const ROUNDS_COUNT_MAX: usize = 32;

/// A package that was chosen.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// Its name, as the index compares names.
    pub name: String,
    /// Its version.
    pub version: Version,
    /// The file it comes in.
    pub file: IndexFile,
}

/// Where a resolution gets its facts.
pub trait Facts {
    /// What the index has of a package.
    ///
    /// # Errors
    /// As [`super::index::Index::project`].
    fn project(&self, name: &str) -> Result<Arc<Project>, SourceError>;

    /// What a chosen package asks for, as its metadata write it.
    ///
    /// # Errors
    /// Where that cannot be known.
    fn requires(&self, chosen: &Chosen) -> Result<Vec<String>, EngineError>;
}

/// One resolution.
pub struct Question<'a> {
    /// Who asks, which is there already.
    pub target: &'a str,
    /// What it asks for: text, and which extras of the target are wanted (none).
    pub requires: Vec<Requirement>,
    /// Exact versions for some names.
    pub pins: &'a BTreeMap<String, Version>,
    /// The interpreter.
    pub tags: &'a Tags,
}

/// Everything needed, by name.
///
/// # Errors
/// [`SourceError::Unresolvable`], and whatever the facts' source says.
pub fn resolve(question: &Question<'_>, facts: &dyn Facts) -> Result<Vec<Chosen>, EngineError> {
    let mut wanted: BTreeMap<String, Vec<VersionSpecifiers>> = BTreeMap::new();
    for _ in 0..ROUNDS_COUNT_MAX {
        if let Some(found) = round(question, facts, &mut wanted)? {
            return Ok(found);
        }
    }
    Err(unresolvable(question.target, question.target, "", "the wishes of its dependencies contradict each other")
        .into())
}

/// `None` where a choice made earlier has to be taken back: `wanted` then holds why.
fn round(
    question: &Question<'_>,
    facts: &dyn Facts,
    wanted: &mut BTreeMap<String, Vec<VersionSpecifiers>>,
) -> Result<Option<Vec<Chosen>>, EngineError> {
    let mut chosen: BTreeMap<String, (Chosen, BTreeSet<String>)> = BTreeMap::new();
    let mut queue: VecDeque<(String, Requirement)> =
        question.requires.iter().map(|one| (question.target.to_owned(), one.clone())).collect();
    while let Some((who, requirement)) = queue.pop_front() {
        let name = requirement.name.clone();
        if name == question.target {
            continue;
        }
        let limits = wanted.entry(name.clone()).or_default();
        if !limits.contains(&requirement.versions) {
            limits.push(requirement.versions.clone());
        }
        if let Some((known, extras)) = chosen.get(&name) {
            let pinned = question.pins.contains_key(&name);
            if !pinned && !requirement.versions.contains(&known.version) {
                return Ok(None);
            }
            if requirement.extras.is_subset(extras) {
                continue;
            }
        }
        let known = chosen.remove(&name);
        if chosen.len() >= PACKAGES_COUNT_MAX {
            return Err(SourceError::TreeTooLarge { name: question.target.into(), max: PACKAGES_COUNT_MAX }.into());
        }
        let (one, mut extras) = match known {
            Some(known) => known,
            None => (choose(question, facts, &who, &requirement, limits)?, BTreeSet::new()),
        };
        extras.extend(requirement.extras);
        for text in facts.requires(&one)? {
            let bad = |why: String| unresolvable(&one.name, &text, "", &why);
            let asked = Requirement::read(&text).map_err(bad)?;
            if asked.holds(question.tags, &extras).map_err(bad)? {
                queue.push_back((one.name.clone(), asked));
            }
        }
        chosen.insert(name, (one, extras));
    }
    Ok(Some(chosen.into_values().map(|(one, _)| one).collect()))
}

fn choose(
    question: &Question<'_>,
    facts: &dyn Facts,
    who: &str,
    requirement: &Requirement,
    limits: &[VersionSpecifiers],
) -> Result<Chosen, EngineError> {
    let name = &requirement.name;
    let range = requirement.versions.to_string();
    let project = match facts.project(name) {
        Err(SourceError::NoSuchPackage { .. }) => {
            return Err(unresolvable(who, name, &range, "the index does not have it").into());
        }
        other => other?,
    };
    let pin = question.pins.get(name);
    let fits = |version: &Version| match pin {
        Some(pin) => version == pin,
        None => limits.iter().all(|limit| limit.contains(version)),
    };
    let named =
        |version: &Version| pin.is_some() || limits.iter().flat_map(|l| l.iter()).any(|s| s.version() == version);
    let candidate = |(version, files): (&Version, &Vec<IndexFile>), any: bool| {
        let file = best(files, question.tags).filter(|_| fits(version))?;
        // A pre-release or one that was taken back only where it is named, or where there is nothing else.
        let plain = !file.yanked && !version.any_prerelease();
        (plain || any || named(version)).then(|| Chosen {
            name: name.clone(),
            version: version.clone(),
            file: file.clone(),
        })
    };
    let found = [false, true].into_iter().find_map(|any| project.versions.iter().rev().find_map(|v| candidate(v, any)));
    Ok(found.ok_or_else(|| unresolvable(who, name, &range, "no version that fits is to be had"))?)
}

fn unresolvable(name: &str, dependency: &str, range: &str, why: &str) -> SourceError {
    SourceError::Unresolvable {
        name: name.to_owned(),
        dependency: dependency.to_owned(),
        range: range.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `name version: requirement, requirement`.
    struct Listed(&'static [(&'static str, &'static str, &'static str)]);

    impl Facts for Listed {
        fn project(&self, name: &str) -> Result<Arc<Project>, SourceError> {
            let file = |version: &str| {
                let zeros = "0".repeat(64);
                format!(
                    r#"{{"filename":"{name}-{version}-py3-none-any.whl","url":"u","hashes":{{"sha256":"{zeros}"}}}}"#
                )
            };
            let files: Vec<_> = self.0.iter().filter(|one| one.0 == name).map(|one| file(one.1)).collect();
            let page = format!(r#"{{"files":[{}]}}"#, files.join(","));
            Ok(Arc::new(Project::read(name, page.as_bytes(), "https://i.example/").unwrap()))
        }

        fn requires(&self, chosen: &Chosen) -> Result<Vec<String>, EngineError> {
            let version = chosen.version.to_string();
            let found = self.0.iter().find(|one| one.0 == chosen.name && one.1 == version).unwrap();
            Ok(found.2.split(" & ").filter(|text| !text.is_empty()).map(ToOwned::to_owned).collect())
        }
    }

    const LISTED: Listed = Listed(&[
        ("a", "1.0", "c<2"),
        ("a", "2.0", "c"),
        ("a", "3.0rc1", "c"),
        ("b", "1.0", "c<2 & d[x]"),
        ("c", "1.5", ""),
        ("c", "2.0", ""),
        ("d", "1", "a; extra == 'x' & target"),
        ("e", "1", "c>1.9 & b"),
    ]);

    fn check(asked: &[&str], pins: &[(&str, &str)], expected: Result<&str, ()>) {
        let question = Question {
            target: "target",
            requires: asked.iter().map(|text| Requirement::read(text).unwrap()).collect(),
            pins: &pins.iter().map(|(name, version)| ((*name).to_owned(), version.parse().unwrap())).collect(),
            tags: &Tags { version: "3.11.2".parse().unwrap(), machine: "x86_64".into() },
        };
        let found = resolve(&question, &LISTED)
            .map(|all| all.iter().map(|one| format!("{} {}", one.name, one.version)).collect::<Vec<_>>().join(", "));
        assert_eq!(found.as_deref().map_err(|_| ()), expected, "{asked:?}");
    }

    #[test]
    fn the_newest_that_everybody_takes_is_chosen() {
        check(&["a"], &[], Ok("a 2.0, c 2.0"));
        check(&["a", "b"], &[], Ok("a 2.0, b 1.0, c 1.5, d 1"));
        check(&["a==3.0rc1"], &[], Ok("a 3.0rc1, c 2.0"));
        check(&["a"], &[("a", "1.0")], Ok("a 1.0, c 1.5"));
        check(&["c"], &[("c", "1.5")], Ok("c 1.5"));
        check(&["e"], &[], Err(()));
        check(&["nowhere"], &[], Err(()));
        check(&[], &[], Ok(""));
    }
}
