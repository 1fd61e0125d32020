//! The vulnerabilities of a CSAF 2.0 or 2.1 document, VEX or advisory, one statement for each product and status.

use std::collections::HashMap;

use super::{ALIASES_COUNT_MAX, Statements, WHAT, short};
use crate::json::Node;
use crate::openvex::{Document, Justification, Statement, Status};
use crate::purl::{Purl, purl_versioned};
use crate::{Unreadable, Warning};

/// CSAF's groups of products, and what a product in one of them is said to be.
const STATUSES: [(&str, Status); 8] = [
    ("known_not_affected", Status::NotAffected),
    ("fixed", Status::Fixed),
    ("first_fixed", Status::Fixed),
    ("known_affected", Status::Affected),
    ("first_affected", Status::Affected),
    ("last_affected", Status::Affected),
    ("under_investigation", Status::UnderInvestigation),
    ("unknown", Status::UnderInvestigation),
];

/// Products that flags, threats and remediations of one document name, those of their groups counted each time.
const MENTIONS_COUNT_MAX: usize = 10_000_000;

pub(super) fn read(document: &Node) -> Result<(Document, Vec<Warning>), Unreadable> {
    let about = document.get("document");
    let version = about.and_then(|about| about.text("csaf_version")).unwrap_or_default();
    if !matches!(version, "2.0" | "2.1") {
        let version = version.chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "CSAF 2.0 and 2.1" });
    }
    let mut statements = Statements::default();
    let tree = Tree::of(document.get("product_tree").unwrap_or(&Node::Null), &mut statements);
    let mut left = MENTIONS_COUNT_MAX;
    for (index, vulnerability) in document.items("vulnerabilities").iter().enumerate() {
        take(&mut statements, vulnerability, &format!("vulnerabilities[{index}]"), &tree, &mut left)?;
    }
    let tracking = about.and_then(|about| about.get("tracking"));
    let text = |field: &str| tracking.and_then(|tracking| tracking.text(field)).unwrap_or_default().to_owned();
    let publisher = about.and_then(|about| about.get("publisher")).and_then(|publisher| publisher.text("name"));
    let out = Document {
        id: text("id"),
        author: publisher.unwrap_or_default().to_owned(),
        timestamp: text("current_release_date"),
        version: text("version").split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0),
        statements: statements.all,
    };
    Ok((out, statements.warnings))
}

/// What stands for each product id: a purl that holds for it, or its name, which matches nothing.
struct Tree<'a> {
    products: HashMap<&'a str, String>,
    groups: HashMap<&'a str, Vec<&'a str>>,
}

impl<'a> Tree<'a> {
    fn of(tree: &'a Node, statements: &mut Statements) -> Self {
        let mut out = Tree { products: HashMap::new(), groups: HashMap::new() };
        for product in tree.items("full_product_names") {
            out.take(product, None, statements);
        }
        let mut open: Vec<&Node> = tree.items("branches").iter().collect();
        while let Some(branch) = open.pop() {
            open.extend(branch.items("branches"));
            if let Some(product) = branch.get("product") {
                let version = branch.text("category").zip(branch.text("name"));
                out.take(product, version, statements);
            }
        }
        for relationship in tree.items("relationships") {
            out.relate(relationship, statements);
        }
        for group in tree.items("product_groups") {
            if let Some(id) = group.text("group_id") {
                out.groups.insert(id, texts(group, "product_ids").collect());
            }
        }
        out
    }

    /// `version` is the category and the name of the branch that it stands at.
    fn take(&mut self, product: &'a Node, version: Option<(&str, &str)>, statements: &mut Statements) {
        let Some(id) = product.text("product_id") else { return };
        let purl = product.get("product_identification_helper").and_then(|helper| helper.text("purl"));
        let name = product.text("name").unwrap_or(id);
        let versioned = |purl: &str| purl.parse::<Purl>().is_ok_and(|purl| purl.version.is_some());
        let found = match (purl, version) {
            (Some(purl), _) if versioned(purl) => Some(purl.to_owned()),
            (Some(purl), Some(("product_version", version))) => purl_versioned(purl, version),
            (Some(_), Some(("product_version_range", range))) => {
                statements.warn("not_one_version", id, format!("{range} is a range: not applied"));
                None
            }
            (Some(purl), _) => Some(purl.to_owned()),
            (None, _) => None,
        };
        self.products.insert(id, found.unwrap_or_else(|| name.to_owned()));
    }

    /// A product as part of another: by its own purl, or that of the part.
    fn relate(&mut self, relationship: &'a Node, statements: &mut Statements) {
        let Some(product) = relationship.get("full_product_name") else { return };
        self.take(product, None, statements);
        let own = product.get("product_identification_helper").is_some_and(|helper| helper.text("purl").is_some());
        let part = relationship.text("product_reference").and_then(|part| self.products.get(part)).cloned();
        if let (false, Some(id), Some(part)) = (own, product.text("product_id"), part) {
            self.products.insert(id, part);
        }
    }
}

impl<'a> Tree<'a> {
    /// What entries say of each product, named by itself or in a group; the first counts. `left` are the mentions of products that
    /// may still be looked at.
    fn said(
        &self,
        entries: impl Iterator<Item = &'a Node>,
        field: &str,
        left: &mut usize,
    ) -> Result<HashMap<&'a str, &'a str>, Unreadable> {
        let mut said = HashMap::new();
        for entry in entries {
            let Some(text) = entry.text(field) else { continue };
            let groups = texts(entry, "group_ids").filter_map(|group| self.groups.get(group)).flatten().copied();
            for id in texts(entry, "product_ids").chain(groups) {
                let entries = "mentions of products";
                let none_left = || Unreadable::TooMany { what: WHAT, entries, count_max: MENTIONS_COUNT_MAX };
                *left = left.checked_sub(1).ok_or_else(none_left)?;
                said.entry(id).or_insert(text);
            }
        }
        Ok(said)
    }
}

fn texts<'a>(node: &'a Node, field: &str) -> impl Iterator<Item = &'a str> {
    node.items(field).iter().filter_map(|item| match item {
        Node::String(text) => Some(text.as_str()),
        _ => None,
    })
}

fn take<'a>(
    statements: &mut Statements,
    vulnerability: &'a Node,
    at: &str,
    tree: &Tree<'a>,
    left: &mut usize,
) -> Result<(), Unreadable> {
    let ids: Vec<&str> = vulnerability.items("ids").iter().filter_map(|id| id.text("text")).collect();
    let Some(name) = vulnerability.text("cve").or_else(|| ids.first().copied()) else {
        statements.warn("wrong_shape", at, "without a CVE or another id: left out");
        return Ok(());
    };
    let aliases: Vec<String> =
        ids.iter().filter(|id| **id != name).map(|id| short(id)).take(ALIASES_COUNT_MAX).collect();
    let groups = vulnerability.get("product_status").unwrap_or(&Node::Null);
    let of_impact = |threat: &&Node| threat.text("category") == Some("impact");
    let labels = tree.said(vulnerability.items("flags").iter(), "label", left)?;
    let impacts = tree.said(vulnerability.items("threats").iter().filter(of_impact), "details", left)?;
    let actions = tree.said(vulnerability.items("remediations").iter(), "details", left)?;
    for (group, status) in STATUSES {
        for id in texts(groups, group) {
            let Some(product) = tree.products.get(id) else {
                statements.warn("unknown_product", at, format!("{} is in no product tree", id.escape_debug()));
                continue;
            };
            let of =
                |status_of, said: &HashMap<&'a str, &'a str>| said.get(id).copied().filter(|_| status == status_of);
            statements.push(Statement {
                vulnerability: short(name),
                aliases: aliases.clone(),
                products: vec![product.clone()],
                status,
                // A flag's label is VEX's own word; a threat's impact says why, a remediation what to do.
                justification: of(Status::NotAffected, &labels).and_then(Justification::of_word),
                impact_statement: of(Status::NotAffected, &impacts).map(short),
                action_statement: of(Status::Affected, &actions).map(short),
                timestamp: None,
            })?;
        }
    }
    Ok(())
}
