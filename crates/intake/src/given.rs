//! What the sender says beside the document: which package, whose credit, which terms. It stands before what the document says, but
//! for lists, which join. Plain data.

use std::collections::BTreeMap;

use formats::provenance::{AiUse, Credit, EmbargoTerms, Hop, Provenance};
use triage::place::Origin;

/// Said by the sender, for every report of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// The package, with or without version.
    pub purl: Option<String>,
    /// The ecosystem, where there is no purl.
    pub ecosystem: Option<String>,
    /// The software, where there is no purl.
    pub software: Option<String>,
    /// The affected function.
    pub symbol: Option<String>,
    /// The weakness.
    pub cwe: Option<String>,
    /// In the sender's word.
    pub severity: Option<String>,
    /// Other ids.
    pub aliases: Vec<String>,
    /// A description in Markdown, put before the document's own.
    pub text: Option<String>,
    /// What found it.
    pub tooling: Option<String>,
    /// Who is credited, before those that the document names.
    pub credits: Vec<Credit>,
    /// Who handed it on, before those that the document names.
    pub chain: Vec<Hop>,
    /// Terms that come with it.
    pub embargo: Option<EmbargoTerms>,
    /// What a machine had to do with finding it.
    pub ai_finder: Option<AiUse>,
    /// What a machine had to do with coordinating it.
    pub ai_coordinator: Option<AiUse>,
    /// Static results that their tool's users have suppressed become reports too.
    pub suppressed: bool,
    /// Enclosing functions that were found in the source, by the place of the static result that does not tell its own.
    pub symbols: BTreeMap<String, FoundSymbol>,
}

/// A function that was found in the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSymbol {
    /// As `triage::place` spells it.
    pub name: String,
    /// Where it was found.
    pub origin: Origin,
}

impl Given {
    /// Where a report comes from, as far as the sender says it.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        Provenance {
            credits: self.credits.clone(),
            chain: self.chain.clone(),
            embargo: self.embargo.clone(),
            ai_finder: self.ai_finder.clone(),
            ai_coordinator: self.ai_coordinator.clone(),
            source: None,
        }
    }
}
