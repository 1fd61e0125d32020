//! One project's own word: the text of a `.pom`, read as values. No inheritance, nothing put in for `${…}`: that is
//! `effective`'s work. Must not fetch anything.

use std::collections::BTreeMap;

use roxmltree::{Document, Node, ParsingOptions};

use super::config::NamedAny as _;

/// Largest `.pom` read, in bytes.
pub const POM_BYTES_MAX: u64 = 2 << 20;
/// Most elements and texts of one.
pub const POM_NODES_COUNT_MAX: u32 = 200_000;
/// Most dependencies of one, managed ones included.
pub const POM_DEPENDENCIES_COUNT_MAX: usize = 10_000;

/// What a `.pom` says, as far as it is heeded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pom {
    /// Group, artefact and version; empty where the parent's counts.
    pub group: String,
    pub artifact: String,
    pub version: String,
    /// The parent's group, artefact and version.
    pub parent: Option<[String; 3]>,
    /// Its properties.
    pub properties: BTreeMap<String, String>,
    /// What it needs.
    pub dependencies: Vec<Dependency>,
    /// What it says of what it or its children may need.
    pub managed: Vec<Dependency>,
    /// Where it went: group, artefact and version, empty where they stay.
    pub relocation: Option<[String; 3]>,
}

/// One dependency; empty where nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dependency {
    pub group: String,
    pub artifact: String,
    pub version: String,
    pub scope: String,
    pub kind: String,
    pub classifier: String,
    pub optional: String,
    /// Group and artefact, each possibly `*`.
    pub exclusions: Vec<(String, String)>,
}

impl Pom {
    /// Reads the text of a `.pom`. A document type, through which entities could come, is refused.
    ///
    /// # Errors
    /// One line that says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, String> {
        let options =
            ParsingOptions { allow_dtd: false, nodes_limit: POM_NODES_COUNT_MAX, ..ParsingOptions::default() };
        let document = Document::parse_with_options(text, options).map_err(|e| e.to_string())?;
        let project = document.root_element();
        if !project.has_tag_name_any("project") {
            return Err("it is no project".into());
        }
        let mut pom = Self {
            group: word(project, "groupId"),
            artifact: word(project, "artifactId"),
            version: word(project, "version"),
            parent: child(project, "parent").map(names),
            dependencies: dependencies(project),
            ..Self::default()
        };
        if let Some(properties) = child(project, "properties") {
            for property in properties.children().filter(Node::is_element) {
                pom.properties.insert(property.tag_name().name().to_owned(), text_of(property));
            }
        }
        pom.managed = child(project, "dependencyManagement").map(dependencies).unwrap_or_default();
        let distribution = child(project, "distributionManagement");
        pom.relocation = distribution.and_then(|node| child(node, "relocation")).map(names);
        if pom.managed.len() + pom.dependencies.len() > POM_DEPENDENCIES_COUNT_MAX {
            return Err(format!("it has more than {POM_DEPENDENCIES_COUNT_MAX} dependencies"));
        }
        Ok(pom)
    }
}

fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.has_tag_name_any(name))
}

/// All text of an element: a comment may part it.
fn text_of(node: Node<'_, '_>) -> String {
    let parts: String = node.children().filter(Node::is_text).filter_map(|part| part.text()).collect();
    parts.trim().to_owned()
}

fn word(node: Node<'_, '_>, name: &str) -> String {
    child(node, name).map(text_of).unwrap_or_default()
}

fn names(node: Node<'_, '_>) -> [String; 3] {
    [word(node, "groupId"), word(node, "artifactId"), word(node, "version")]
}

fn dependencies(node: Node<'_, '_>) -> Vec<Dependency> {
    let Some(list) = child(node, "dependencies") else { return Vec::new() };
    list.children().filter(|item| item.has_tag_name_any("dependency")).map(dependency).collect()
}

fn dependency(node: Node<'_, '_>) -> Dependency {
    let excluded = child(node, "exclusions");
    let excluded = excluded.iter().flat_map(Node::children).filter(|item| item.has_tag_name_any("exclusion"));
    Dependency {
        group: word(node, "groupId"),
        artifact: word(node, "artifactId"),
        version: word(node, "version"),
        scope: word(node, "scope"),
        kind: word(node, "type"),
        classifier: word(node, "classifier"),
        optional: word(node, "optional"),
        exclusions: excluded.map(|item| (word(item, "groupId"), word(item, "artifactId"))).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pom_is_read_and_a_document_type_refused() {
        let text = "<?xml version='1.0'?><project xmlns='http://maven.apache.org/POM/4.0.0'>\
            <parent><groupId>g</groupId><artifactId>p</artifactId><version>1</version></parent>\
            <artifactId>a<!-- x --></artifactId><properties><v>2</v></properties>\
            <dependencies><dependency><groupId>h</groupId><artifactId>b</artifactId><version>${v}</version>\
            <exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>\
            <optional>true</optional></dependency></dependencies></project>";
        let pom = Pom::read(text).unwrap();
        assert_eq!((pom.artifact.as_str(), pom.group.as_str()), ("a", ""));
        assert_eq!(pom.parent, Some(["g".into(), "p".into(), "1".into()]));
        assert_eq!(pom.dependencies[0].exclusions, [("*".to_owned(), "*".to_owned())]);
        assert_eq!(pom.dependencies[0].version, "${v}");
        for bad in ["", "<project>", "<x/>", "<!DOCTYPE project [<!ENTITY e 'x'>]><project>&e;</project>"] {
            assert!(Pom::read(bad).is_err(), "{bad}");
        }
    }
}
