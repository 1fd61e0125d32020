//! What somebody says in VEX of a vulnerability in a component: shown beside the finding, which it never removes. Knows OpenVEX.

use std::collections::HashMap;

use formats::inventory::Component;
use formats::openvex::{Document, Status};
use formats::purl::Purl;

/// What was said, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VexAnswer {
    /// The document's id.
    pub document: String,
    /// Who says so.
    pub author: String,
    /// RFC 3339.
    pub timestamp: String,
    /// What is said.
    pub status: Status,
    /// VEX's word for why not affected.
    pub justification: Option<&'static str>,
    /// Why not affected, or what to do, in the author's words.
    pub text: Option<String>,
}

impl VexAnswer {
    /// Whether it says that nothing is to be done.
    #[must_use]
    pub fn settles(&self) -> bool {
        matches!(self.status, Status::NotAffected | Status::Fixed)
    }
}

/// One statement on one product.
#[derive(Clone, Debug)]
struct Said {
    package: String,
    /// `None` is every version.
    version: Option<String>,
    answer: VexAnswer,
}

/// Statements by vulnerability.
#[derive(Clone, Debug, Default)]
pub struct Vex {
    by_id: HashMap<String, Vec<usize>>,
    said: Vec<Said>,
}

impl Vex {
    /// Takes a document. Gives, in words, what of it can never apply: statements on products that are no packages.
    pub fn take(&mut self, document: &Document) -> Vec<String> {
        let mut notes = Vec::new();
        for statement in &document.statements {
            let timestamp = statement.timestamp.as_ref().unwrap_or(&document.timestamp).clone();
            if statement.products.is_empty() {
                notes.push(format!("the statement on {} names no product: not applied", statement.vulnerability));
            }
            for product in &statement.products {
                let Ok(purl) = product.parse::<Purl>() else {
                    let shown: String = product.chars().filter(|c| !c.is_control()).take(120).collect();
                    notes.push(format!("the product {shown} of {} is no purl: not applied", statement.vulnerability));
                    continue;
                };
                let answer = VexAnswer {
                    document: document.id.clone(),
                    author: document.author.clone(),
                    timestamp: timestamp.clone(),
                    status: statement.status,
                    justification: statement.justification.map(|word| word.as_str()),
                    text: statement.impact_statement.clone().or_else(|| statement.action_statement.clone()),
                };
                self.said.push(Said { package: purl.package, version: purl.version, answer });
                let number = self.said.len() - 1;
                for id in std::iter::once(&statement.vulnerability).chain(&statement.aliases) {
                    self.by_id.entry(id.clone()).or_default().push(number);
                }
            }
        }
        notes
    }

    /// What is said of a vulnerability, known by any of these ids, in a component. The newest statement counts; of two made at
    /// once the one that asks for more.
    #[must_use]
    pub fn answer(&self, component: &Component, ids: &[String]) -> Option<&VexAnswer> {
        let numbers = ids.iter().filter_map(|id| self.by_id.get(id)).flatten();
        let mut said = numbers.filter_map(|number| self.said.get(*number)).peekable();
        said.peek()?;
        let package = component.purl.as_deref().and_then(|purl| purl.parse::<Purl>().ok())?.package;
        let applies = |said: &&Said| {
            said.package == package
                && (said.version.is_none() || said.version.as_deref() == component.version.as_deref())
        };
        said.filter(applies)
            .map(|said| &said.answer)
            .max_by(|a, b| (&a.timestamp, urgency(a.status)).cmp(&(&b.timestamp, urgency(b.status))))
    }
}

fn urgency(status: Status) -> u8 {
    match status {
        Status::Affected => 3,
        Status::UnderInvestigation => 2,
        Status::Fixed => 1,
        Status::NotAffected => 0,
    }
}
