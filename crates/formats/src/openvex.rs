//! OpenVEX 0.2.0: what an operator or maintainer says of a vulnerability in a product. Small: the fields that answers to
//! notices need. The status words and justifications are VEX's own.

use serde_json::{Map, Value, json};

use crate::refusal::{json_read, text_of};
use crate::{Unreadable, Warning};

const WHAT: &str = "an OpenVEX document";

/// The context that a document is written with.
pub const CONTEXT: &str = "https://openvex.dev/ns/v0.2.0";
/// The largest document that is read, in bytes.
pub const VEX_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Statements that are read from one document.
pub const STATEMENTS_COUNT_MAX: usize = 50_000;

/// A document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    /// An IRI.
    pub id: String,
    /// Who says so.
    pub author: String,
    /// RFC 3339.
    pub timestamp: String,
    /// Rises with every change.
    pub version: u64,
    /// In the document's order.
    pub statements: Vec<Statement>,
}

/// One statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statement {
    /// The id of the vulnerability.
    pub vulnerability: String,
    /// Its other ids.
    pub aliases: Vec<String>,
    /// Purls or other ids of products; empty where another document says which.
    pub products: Vec<String>,
    /// What is said.
    pub status: Status,
    /// Why not affected, in VEX's word.
    pub justification: Option<Justification>,
    /// Why not affected, in the author's words.
    pub impact_statement: Option<String>,
    /// What to do, when affected.
    pub action_statement: Option<String>,
    /// RFC 3339, where it differs from the document's.
    pub timestamp: Option<String>,
}

/// Makes an enum of VEX words.
macro_rules! vex_words {
    ($(#[$outer:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $word:literal,)+ }) => {
        crate::csaf::words! { $(#[$outer])* $name { $($(#[$inner])* $variant = $word,)+ } }

        impl $name {
            /// Every one.
            pub const ALL: &'static [$name] = &[$($name::$variant,)+];

            /// The one of that word, to the letter.
            #[must_use]
            pub fn of_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|w| w.as_str() == word)
            }
        }
    };
}

vex_words! {
    /// VEX's four statuses.
    Status {
        /// No action needed.
        NotAffected = "not_affected",
        /// Something is to be done.
        Affected = "affected",
        /// These versions have the fix.
        Fixed = "fixed",
        /// Not known yet.
        #[default]
        UnderInvestigation = "under_investigation",
    }
}

vex_words! {
    /// VEX's five reasons for `not_affected`.
    Justification {
        /// Not there.
        ComponentNotPresent = "component_not_present",
        /// There, without the code.
        #[default]
        VulnerableCodeNotPresent = "vulnerable_code_not_present",
        /// With the code, never run.
        VulnerableCodeNotInExecutePath = "vulnerable_code_not_in_execute_path",
        /// Run, out of an attacker's reach.
        VulnerableCodeCannotBeControlledByAdversary = "vulnerable_code_cannot_be_controlled_by_adversary",
        /// Held off by something in the product.
        InlineMitigationsAlreadyExist = "inline_mitigations_already_exist",
    }
}

/// Why a document cannot be written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// `not_affected` needs a justification or an impact statement.
    #[error("write an OpenVEX statement on {0}: not_affected needs a justification or an impact statement")]
    WhyNotAffected(String),
    /// `affected` needs an action statement.
    #[error("write an OpenVEX statement on {0}: affected needs an action statement")]
    WhatToDo(String),
}

/// The document as JSON, indented.
///
/// # Errors
/// [`Unwritable`] when a statement lacks what its status needs.
pub fn write(document: &Document) -> Result<Vec<u8>, Unwritable> {
    let statements: Vec<Value> = document.statements.iter().map(statement_write).collect::<Result<_, _>>()?;
    let out = json!({
        "@context": CONTEXT,
        "@id": document.id,
        "author": document.author,
        "timestamp": document.timestamp,
        "version": document.version,
        "statements": statements,
    });
    let mut bytes = serde_json::to_vec_pretty(&out).unwrap_or_default();
    bytes.push(b'\n');
    Ok(bytes)
}

fn statement_write(statement: &Statement) -> Result<Value, Unwritable> {
    let reasoned = statement.justification.is_some() || statement.impact_statement.is_some();
    if statement.status == Status::NotAffected && !reasoned {
        return Err(Unwritable::WhyNotAffected(statement.vulnerability.clone()));
    }
    if statement.status == Status::Affected && statement.action_statement.is_none() {
        return Err(Unwritable::WhatToDo(statement.vulnerability.clone()));
    }
    let mut out = Map::new();
    let mut put = |field: &str, value: Value| out.insert(field.to_owned(), value);
    let mut vulnerability = json!({"name": statement.vulnerability});
    if !statement.aliases.is_empty() {
        vulnerability["aliases"] = json!(statement.aliases);
    }
    put("vulnerability", vulnerability);
    if !statement.products.is_empty() {
        let product = |id: &String| match id.starts_with("pkg:") {
            true => json!({"@id": id, "identifiers": {"purl": id}}),
            false => json!({"@id": id}),
        };
        put("products", statement.products.iter().map(product).collect());
    }
    put("status", json!(statement.status.as_str()));
    if let Some(justification) = statement.justification.filter(|_| statement.status == Status::NotAffected) {
        put("justification", json!(justification.as_str()));
    }
    let texts = [
        ("impact_statement", &statement.impact_statement),
        ("action_statement", &statement.action_statement),
        ("timestamp", &statement.timestamp),
    ];
    for (field, text) in texts {
        if let Some(text) = text {
            put(field, json!(text));
        }
    }
    Ok(Value::Object(out))
}

/// Reads a document. A statement without a vulnerability or with a status that is not VEX's is left out with a warning.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON, or not OpenVEX.
pub fn read(bytes: &[u8]) -> Result<(Document, Vec<Warning>), Unreadable> {
    let document = json_read(WHAT, bytes, VEX_BYTES_MAX)?;
    let wrong = |field: &str, expected| Unreadable::WrongShape { what: WHAT, field: field.to_owned(), expected };
    let context = text_of(&document, "@context").unwrap_or_default();
    if !context.starts_with("https://openvex.dev/ns") {
        return Err(wrong("@context", "an OpenVEX context"));
    }
    let listed = document.get("statements").and_then(Value::as_array);
    let listed = listed.ok_or_else(|| wrong("statements", "an array"))?;
    if listed.len() > STATEMENTS_COUNT_MAX {
        return Err(Unreadable::TooMany { what: WHAT, entries: "statements", count_max: STATEMENTS_COUNT_MAX });
    }
    let mut warnings = Vec::new();
    let mut statements = Vec::new();
    for (index, item) in listed.iter().enumerate() {
        let at = format!("statements[{index}]");
        match statement_read(item, &at, &mut warnings) {
            Some(statement) => statements.push(statement),
            None => warnings.push(Warning::new("wrong_shape", at, "without a vulnerability or a VEX status: left out")),
        }
    }
    let text = |field: &str| text_of(&document, field).unwrap_or_default().to_owned();
    let version = document.get("version").and_then(|v| v.as_u64().or_else(|| v.as_str()?.parse().ok())).unwrap_or(0);
    let (id, author, timestamp) = (text("@id"), text("author"), text("timestamp"));
    Ok((Document { id, author, timestamp, version, statements }, warnings))
}

fn statement_read(item: &Value, at: &str, warnings: &mut Vec<Warning>) -> Option<Statement> {
    let vulnerability = item.get("vulnerability")?;
    let name = vulnerability.as_str().filter(|t| !t.is_empty()).or_else(|| text_of(vulnerability, "name"))?;
    let status = text_of(item, "status").and_then(Status::of_word)?;
    let word = text_of(item, "justification");
    let justification = word.and_then(Justification::of_word);
    if word.is_some() && justification.is_none() {
        warnings.push(Warning::new("unknown_word", format!("{at}.justification"), "not one of VEX's five: left out"));
    }
    let text = |field: &str| text_of(item, field).map(str::to_owned);
    if status == Status::NotAffected && justification.is_none() && text("impact_statement").is_none() {
        let text = "not_affected without a justification or an impact statement";
        warnings.push(Warning::new("no_reason", at.to_owned(), text));
    }
    let products = item.get("products").and_then(Value::as_array).into_iter().flatten();
    let product = |p: &Value| {
        let purl = p.get("identifiers").and_then(|i| text_of(i, "purl"));
        purl.or_else(|| p.as_str()).or_else(|| text_of(p, "@id")).map(str::to_owned)
    };
    let aliases = vulnerability.get("aliases").and_then(Value::as_array).into_iter().flatten();
    Some(Statement {
        vulnerability: name.to_owned(),
        aliases: aliases.filter_map(Value::as_str).map(str::to_owned).collect(),
        products: products.filter_map(product).collect(),
        status,
        justification,
        impact_statement: text("impact_statement"),
        action_statement: text("action_statement"),
        timestamp: text("timestamp"),
    })
}
