//! The vulnerabilities of a CSAF 2.0 or 2.1 document, VEX or advisory, one statement for each product and status.

use std::collections::HashMap;

use super::{Statements, WHAT};
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

pub(super) fn read(document: &Node) -> Result<(Document, Vec<Warning>), Unreadable> {
    let about = document.get("document");
    let version = about.and_then(|about| about.text("csaf_version")).unwrap_or_default();
    if !matches!(version, "2.0" | "2.1") {
        let version = version.chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "CSAF 2.0 and 2.1" });
    }
    let mut statements = Statements::default();
    let tree = Tree::of(document.get("product_tree").unwrap_or(&Node::Null), &mut statements);
    for (index, vulnerability) in document.items("vulnerabilities").iter().enumerate() {
        take(&mut statements, vulnerability, &format!("vulnerabilities[{index}]"), &tree)?;
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

    /// Whether an entry that names products and groups speaks of this one.
    fn speaks_of(&self, entry: &Node, id: &str) -> bool {
        let in_group = |group: &str| self.groups.get(group).is_some_and(|ids| ids.contains(&id));
        texts(entry, "product_ids").any(|one| one == id) || texts(entry, "group_ids").any(in_group)
    }
}

fn texts<'a>(node: &'a Node, field: &str) -> impl Iterator<Item = &'a str> {
    node.items(field).iter().filter_map(|item| match item {
        Node::String(text) => Some(text.as_str()),
        _ => None,
    })
}

fn take(statements: &mut Statements, vulnerability: &Node, at: &str, tree: &Tree<'_>) -> Result<(), Unreadable> {
    let ids: Vec<&str> = vulnerability.items("ids").iter().filter_map(|id| id.text("text")).collect();
    let Some(name) = vulnerability.text("cve").or_else(|| ids.first().copied()) else {
        statements.warn("wrong_shape", at, "without a CVE or another id: left out");
        return Ok(());
    };
    let aliases: Vec<String> = ids.iter().filter(|id| **id != name).map(|id| (*id).to_owned()).collect();
    let groups = vulnerability.get("product_status").unwrap_or(&Node::Null);
    for (group, status) in STATUSES {
        for id in texts(groups, group) {
            let Some(product) = tree.products.get(id) else {
                statements.warn("unknown_product", at, format!("{} is in no product tree", id.escape_debug()));
                continue;
            };
            let mut statement = Statement {
                vulnerability: name.to_owned(),
                aliases: aliases.clone(),
                products: vec![product.clone()],
                status,
                ..Statement::default()
            };
            reasons(&mut statement, vulnerability, id, tree);
            statements.push(statement)?;
        }
    }
    Ok(())
}

/// A flag's label is VEX's own word; a threat's impact says why, a remediation what to do.
fn reasons(statement: &mut Statement, vulnerability: &Node, id: &str, tree: &Tree<'_>) {
    let about = |field: &str| vulnerability.items(field).iter().filter(|entry| tree.speaks_of(entry, id));
    match statement.status {
        Status::NotAffected => {
            let label = about("flags").find_map(|flag| flag.text("label"));
            statement.justification = label.and_then(Justification::of_word);
            let impact = about("threats").find(|threat| threat.text("category") == Some("impact"));
            statement.impact_statement = impact.and_then(|threat| threat.text("details")).map(str::to_owned);
        }
        Status::Affected => {
            statement.action_statement = about("remediations").find_map(|r| r.text("details")).map(str::to_owned);
        }
        Status::Fixed | Status::UnderInvestigation => {}
    }
}
