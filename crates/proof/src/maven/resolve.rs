//! Which artefacts a target needs, chosen as Maven does: of several versions the one nearest to the top counts, of
//! equally near ones the first. Must not look into a `.jar`.

use std::collections::{HashSet, VecDeque};
use std::rc::Rc;

use super::effective::Projects;
use super::pom::Dependency;
use super::registry::{ArtifactFile, Registry};
use super::{Coordinates, version_is_exact, version_read};
use crate::source::SourceError;
use crate::store::PackageStore;

/// Most artefacts of one class path.
pub const ARTIFACTS_COUNT_MAX: usize = 400;
/// Most dependencies looked at while choosing.
pub const DEPENDENCIES_SEEN_COUNT_MAX: usize = 50_000;

/// What is to be resolved.
pub struct Wish<'a> {
    /// The target.
    pub target: &'a Coordinates,
    /// Exact versions of the bundle's own: as near to the top as the target, and so always chosen.
    pub pins: &'a [Coordinates],
}

/// A dependency that waits, with what is excluded on the way to it.
struct Waiting {
    asker: String,
    dependency: Dependency,
    excluded: Rc<Vec<(String, String)>>,
}

/// The files of everything the target needs, in the order of the class path, the target's own first.
///
/// # Errors
/// Where something needed is not to be had.
pub fn choose(registry: &Registry, store: &PackageStore, wish: &Wish<'_>) -> Result<Vec<ArtifactFile>, SourceError> {
    let mut projects = Projects::new(registry, store);
    let mut chosen: Vec<ArtifactFile> = Vec::new();
    let mut known: HashSet<String> = HashSet::new();
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    for top in [wish.target].into_iter().chain(wish.pins) {
        let dependency = Dependency {
            group: top.group.clone(),
            artifact: top.artifact.clone(),
            version: top.version.clone(),
            ..Dependency::default()
        };
        waiting.push_back(Waiting { asker: "the bundle".into(), dependency, excluded: Rc::default() });
    }
    let mut seen = 0;
    while let Some(Waiting { asker, dependency, excluded }) = waiting.pop_front() {
        seen += 1;
        if seen > DEPENDENCIES_SEEN_COUNT_MAX || chosen.len() > ARTIFACTS_COUNT_MAX {
            return Err(SourceError::TreeTooLarge { name: wish.target.name(), max: ARTIFACTS_COUNT_MAX });
        }
        let Some((ending, classifier)) = file_kind(&dependency) else { continue };
        // A key that is there already is nearer to the top.
        let key = format!("{}:{}:{classifier}", dependency.group, dependency.artifact);
        if !known.insert(key) {
            continue;
        }
        let refuse = |why: String| unresolvable(&asker, &dependency, &why);
        let version = version_chosen(registry, &dependency).map_err(refuse)?;
        let of = Coordinates { group: dependency.group.clone(), artifact: dependency.artifact.clone(), version };
        let project = match projects.effective(&of) {
            Ok(project) => project,
            Err(e) if e.is_about_the_package() => return Err(refuse(e.to_string())),
            Err(e) => return Err(e),
        };
        let of = project.at.clone().unwrap_or(of);
        // Under its new name it may be there already.
        known.insert(format!("{}:{}:{classifier}", of.group, of.artifact));
        if ending == "jar" {
            chosen.push(ArtifactFile { of: of.clone(), classifier, ending: "jar" });
        }
        let mut excluded = (*excluded).clone();
        excluded.extend(dependency.exclusions.iter().cloned());
        let excluded = Rc::new(excluded);
        for next in project.dependencies.iter().filter(|next| is_needed(next, &excluded)) {
            waiting.push_back(Waiting { asker: of.to_string(), dependency: next.clone(), excluded: excluded.clone() });
        }
    }
    Ok(chosen)
}

/// Which file a dependency stands for; `None` for one that no class path can hold.
fn file_kind(dependency: &Dependency) -> Option<(&'static str, String)> {
    let classifier = dependency.classifier.clone();
    match dependency.kind.as_str() {
        "" | "jar" | "bundle" | "ejb" | "maven-plugin" | "eclipse-plugin" => Some(("jar", classifier)),
        "test-jar" if classifier.is_empty() => Some(("jar", "tests".into())),
        "test-jar" => Some(("jar", classifier)),
        "pom" => Some(("pom", classifier)),
        _ => None,
    }
}

fn is_needed(dependency: &Dependency, excluded: &[(String, String)]) -> bool {
    let is_out = |(group, artifact): &(String, String)| {
        (group == "*" || *group == dependency.group) && (artifact == "*" || *artifact == dependency.artifact)
    };
    ["", "compile", "runtime"].contains(&dependency.scope.as_str())
        && dependency.optional != "true"
        && !excluded.iter().any(is_out)
}

/// The version itself, or the newest listed one within a range.
fn version_chosen(registry: &Registry, dependency: &Dependency) -> Result<String, String> {
    let asked = dependency.version.as_str();
    if asked.starts_with(['[', '(']) {
        let name = format!("{}:{}", dependency.group, dependency.artifact);
        let listed = registry.versions(&name).map_err(|e| e.to_string())?;
        let fitting = listed.iter().filter(|version| range_holds(asked, version) == Some(true));
        let newest =
            fitting.filter_map(|text| Some((version_read(text)?, text))).max_by(|a, b| a.0.key().cmp(b.0.key()));
        return newest.map(|(_, text)| text.clone()).ok_or_else(|| "no version listed here fits".to_owned());
    }
    match version_is_exact(asked) {
        true => Ok(asked.to_owned()),
        false if asked.is_empty() => Err("no version is said anywhere".into()),
        false => Err("that is no version".into()),
    }
}

/// Whether a version lies in a range such as `[1.0,2.0)` or `(,1.0],[1.2,)`; `None` for what is no range.
fn range_holds(range: &str, version: &str) -> Option<bool> {
    let version = version_read(version)?;
    let mut rest = range.trim();
    let mut holds = false;
    while !rest.is_empty() {
        let end = rest.find([']', ')'])?;
        let (open, close) = (rest.starts_with('['), rest[end..].starts_with(']'));
        let inside = rest.get(1..end)?;
        let bound = |text: &str| match text.trim() {
            "" => Some(None),
            text => version_read(text).map(Some),
        };
        let (low, high) = match inside.split_once(',') {
            Some((low, high)) => (bound(low)?, bound(high)?),
            None => (bound(inside)?, bound(inside)?),
        };
        let above = low.is_none_or(|low| version.key() > low.key() || (open && version.key() == low.key()));
        let below = high.is_none_or(|high| version.key() < high.key() || (close && version.key() == high.key()));
        holds |= above && below;
        rest = rest[end + 1..].trim_start_matches([',', ' ']);
    }
    Some(holds)
}

fn unresolvable(asker: &str, dependency: &Dependency, why: &str) -> SourceError {
    SourceError::Unresolvable {
        name: asker.to_owned(),
        dependency: format!("{}:{}", dependency.group, dependency.artifact).chars().take(300).collect(),
        range: dependency.version.chars().take(100).collect(),
        why: why.chars().take(300).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_maven_says() {
        for (range, version, wanted) in [
            ("[1.0,2.0)", "1.0", Some(true)),
            ("[1.0,2.0)", "2.0", Some(false)),
            ("(1.0,2.0]", "2.0.0", Some(true)),
            ("[1.5]", "1.5", Some(true)),
            ("(,1.0],[1.2,)", "1.1", Some(false)),
            ("(,1.0],[1.2,)", "9", Some(true)),
            ("[1.0", "1.0", None),
        ] {
            assert_eq!(range_holds(range, version), wanted, "{range} {version}");
        }
    }

    #[test]
    fn scopes_options_and_exclusions_leave_out() {
        let of = |scope: &str, optional: &str| Dependency {
            group: "g".into(),
            artifact: "a".into(),
            scope: scope.into(),
            optional: optional.into(),
            ..Dependency::default()
        };
        assert!(is_needed(&of("", ""), &[]) && is_needed(&of("runtime", "false"), &[]));
        for out in [of("test", ""), of("provided", ""), of("system", ""), of("", "true")] {
            assert!(!is_needed(&out, &[]));
        }
        assert!(!is_needed(&of("", ""), &[("g".into(), "*".into())]));
        assert!(is_needed(&of("", ""), &[("g".into(), "b".into())]));
    }
}
