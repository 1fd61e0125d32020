//! Maven's pom.xml: the dependencies that it names itself, with versions as they stand or through properties of the same file. What a
//! parent, an imported list or a profile decides is listed as unresolved. Must not fetch a parent.

use std::collections::HashMap;

use roxmltree::{Document, Node as Element};

use super::draft::{Answer, Draft, locked};
use super::{COMPONENT_TEXT_BYTES_MAX, Component, Unmatchable};
use crate::Unreadable;

const WHAT: &str = "a pom.xml";
const ECOSYSTEM: &str = "Maven";
/// Properties within properties that are followed.
const PROPERTY_DEPTH_MAX: usize = 16;

pub(super) fn seen(root: Element<'_, '_>) -> bool {
    root.tag_name().name() == "project" && child(root, "modelVersion").or_else(|| child(root, "artifactId")).is_some()
}

pub(super) fn read(document: &Document<'_>) -> Answer {
    let root = document.root_element();
    let mut draft = Draft::new(WHAT, "pom.xml");
    let pom = Pom::of(root);
    let (name, version) = (pom.value("${project.artifactId}"), pom.value("${project.version}"));
    draft.subject(name.as_deref(), version.as_deref());
    if child(root, "parent").is_some() {
        let text = "a parent may name more dependencies and set versions: it is not read";
        draft.warn("parent", "parent", text);
    }
    for (index, dependency) in dependencies(root).enumerate() {
        draft.push(component(&pom, dependency, format!("dependencies[{index}]")))?;
    }
    let profiles = child(root, "profiles").into_iter().flat_map(|all| children(all, "profile"));
    for (number, profile) in profiles.enumerate() {
        take_profile(&mut draft, &pom, profile, number)?;
    }
    Ok(draft.done())
}

fn take_profile(draft: &mut Draft, pom: &Pom<'_>, profile: Element<'_, '_>, number: usize) -> Result<(), Unreadable> {
    for (index, dependency) in dependencies(profile).enumerate() {
        let path = format!("profiles[{number}].dependencies[{index}]");
        draft.warn("profile", path.clone(), "used in one profile only: listed all the same");
        draft.push(component(pom, dependency, path))?;
    }
    Ok(())
}

fn child<'a, 'i>(element: Element<'a, 'i>, name: &str) -> Option<Element<'a, 'i>> {
    element.children().find(|inner| inner.is_element() && inner.tag_name().name() == name)
}

fn children<'a, 'i>(element: Element<'a, 'i>, name: &'static str) -> impl Iterator<Item = Element<'a, 'i>> {
    element.children().filter(move |inner| inner.is_element() && inner.tag_name().name() == name)
}

fn dependencies<'a, 'i>(element: Element<'a, 'i>) -> impl Iterator<Item = Element<'a, 'i>> {
    child(element, "dependencies").into_iter().flat_map(|all| children(all, "dependency"))
}

fn text<'a>(element: Element<'a, '_>, name: &str) -> Option<&'a str> {
    child(element, name).and_then(|inner| inner.text()).map(str::trim).filter(|text| !text.is_empty())
}

/// What the file sets.
struct Pom<'a> {
    properties: HashMap<String, &'a str>,
    /// Versions of `dependencyManagement`, by group and artifact.
    managed: HashMap<(String, String), &'a str>,
}

impl<'a> Pom<'a> {
    fn of(root: Element<'a, '_>) -> Self {
        let mut properties = HashMap::new();
        let parent = child(root, "parent");
        for field in ["groupId", "artifactId", "version"] {
            let own = text(root, field);
            let above = parent.and_then(|parent| text(parent, field));
            let inherited = if field == "artifactId" { own } else { own.or(above) };
            for (prefix, value) in [("project.", inherited), ("pom.", inherited), ("project.parent.", above)] {
                if let Some(value) = value {
                    properties.insert(format!("{prefix}{field}"), value);
                }
            }
        }
        for property in child(root, "properties").into_iter().flat_map(|all| all.children()).filter(Element::is_element)
        {
            properties.insert(property.tag_name().name().to_owned(), property.text().unwrap_or_default().trim());
        }
        let mut pom = Pom { properties, managed: HashMap::new() };
        for dependency in child(root, "dependencyManagement").into_iter().flat_map(dependencies) {
            let names = pom.names(dependency);
            if let (Some(names), Some(version)) = (names, text(dependency, "version")) {
                pom.managed.entry(names).or_insert(version);
            }
        }
        pom
    }

    fn names(&self, dependency: Element<'_, '_>) -> Option<(String, String)> {
        Some((self.value(text(dependency, "groupId")?)?, self.value(text(dependency, "artifactId")?)?))
    }

    /// With every property in it replaced; `None` where one is not set here, leads to itself, or makes it too long.
    fn value(&self, text: &str) -> Option<String> {
        let mut value = text.to_owned();
        for _ in 0..PROPERTY_DEPTH_MAX {
            if value.len() > COMPONENT_TEXT_BYTES_MAX {
                return None;
            }
            let Some((before, rest)) = value.split_once("${") else { return Some(value) };
            let (name, after) = rest.split_once('}')?;
            let property = self.properties.get(name).filter(|property| property.len() <= COMPONENT_TEXT_BYTES_MAX)?;
            value = format!("{before}{property}{after}");
        }
        None
    }
}

fn component(pom: &Pom<'_>, dependency: Element<'_, '_>, path: String) -> Component {
    let shown = |name| text(dependency, name).unwrap_or_default();
    let Some((group, artifact)) = pom.names(dependency) else {
        let name = format!("{}:{}", shown("groupId"), shown("artifactId"));
        return locked(ECOSYSTEM, &name, None, Some(Unmatchable::Unresolved), path);
    };
    let name = format!("{group}:{artifact}");
    let stated = text(dependency, "version").or_else(|| pom.managed.get(&(group, artifact)).copied());
    let version = stated.and_then(|stated| pom.value(stated));
    let (version, from) = match version.as_deref() {
        None => (None, Some(Unmatchable::Unresolved)),
        Some(version) => match exact(version) {
            Some(exact) => (Some(exact), None),
            None => (None, Some(Unmatchable::NotPinned)),
        },
    };
    let from = if text(dependency, "scope") == Some("system") { Some(Unmatchable::FromFile) } else { from };
    locked(ECOSYSTEM, &name, version, from, path)
}

/// `1.2` and `[1.2]`; ranges, `LATEST` and `RELEASE` are no one version.
fn exact(version: &str) -> Option<&str> {
    let inner = version.strip_prefix('[').and_then(|v| v.strip_suffix(']')).unwrap_or(version);
    let one = !inner.contains(['[', ']', '(', ')', ',']) && !matches!(inner, "LATEST" | "RELEASE");
    one.then_some(inner)
}
