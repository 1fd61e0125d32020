//! Where a report comes from, as far as TAP has no field for it: credits to the letter, who handed it on to whom, the terms of an
//! embargo, and what a machine had to do with it. It travels as the attachment `provenance.json` of a TAP report, so that any TAP
//! intake takes it. What TAP has fields for (`references`, `upstream_ids`, `discovery_method`, `discovery_tooling`) stays there.
//!
//! Must not judge: terms are relayed, names are never rewritten.

use serde_json::{Map, Value, json};

use crate::refusal::{json_read, text_of};
use crate::tap::{Attachment, AttachmentType, ContentType, Report};
use crate::{Unreadable, Warning};

const WHAT: &str = "a report's provenance";
/// The name of the attachment.
pub const FILENAME: &str = "provenance.json";
/// What the document says it is.
const FORMAT: &str = "proofhouse-provenance/1";
/// The largest document that is read, in bytes.
pub const PROVENANCE_BYTES_MAX: usize = 64 * 1024;
/// People and tools that are credited.
pub const CREDITS_COUNT_MAX: usize = 64;
/// Hands through which a report went.
pub const HOPS_COUNT_MAX: usize = 32;
/// One name, id or word, in bytes.
pub const NAME_BYTES_MAX: usize = 256;
/// The words of an embargo's terms, in bytes.
pub const TERMS_BYTES_MAX: usize = 4 * 1024;

/// What is known of where a report comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Provenance {
    /// In the order given, to the letter.
    pub credits: Vec<Credit>,
    /// Who handed it on, the first first. Each hop is added behind the last; none is taken out.
    pub chain: Vec<Hop>,
    /// Terms that come with it.
    pub embargo: Option<EmbargoTerms>,
    /// What a machine had to do with finding it.
    pub ai_finder: Option<AiUse>,
    /// What a machine had to do with coordinating it.
    pub ai_coordinator: Option<AiUse>,
    /// The document it was drawn from.
    pub source: Option<Source>,
}

/// Who is credited.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credit {
    /// To the letter.
    pub name: String,
    /// The source's own word: `finder`, `reporter`, `tool`; empty where it has none.
    pub role: String,
}

impl Credit {
    /// Whether the role means who found it; a credit without a role does.
    #[must_use]
    pub fn is_finder(&self) -> bool {
        self.role.is_empty() || self.role.eq_ignore_ascii_case("finder")
    }
}

/// One hand through which a report went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// Who, to the letter.
    pub party: String,
    /// What they call it.
    pub handling_id: Option<String>,
}

/// Terms that were agreed elsewhere, relayed as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EmbargoTerms {
    /// A day or a time (RFC 3339), as it was given.
    pub ends: Option<String>,
    /// In words.
    pub terms: Option<String>,
    /// Where they can be read.
    pub url: Option<String>,
}

crate::csaf::words! {
    /// What a machine that writes had to do with it.
    AiWord {
        /// Nothing.
        #[default]
        None = "none",
        /// People used one, and checked what it said.
        Assisted = "assisted",
        /// It worked by itself.
        Autonomous = "autonomous",
    }
}

/// The use of such a machine, as it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AiUse {
    /// How much.
    pub word: AiWord,
    /// Which, in free text.
    pub tooling: Option<String>,
}

/// The document that a report was drawn from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// Its format, in the word of the reader.
    pub format: String,
    /// Digest of its bytes (SHA-256, hex), where it is too large to be attached.
    pub sha256: Option<String>,
}

impl Provenance {
    /// Whether there is nothing to tell.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Provenance::default()
    }
}

/// The provenance that a report brings, if any.
#[must_use]
pub fn of_report(report: &Report) -> Option<Result<(Provenance, Vec<Warning>), Unreadable>> {
    let is_it = |a: &&Attachment| a.filename == FILENAME && a.content_type == ContentType::Json;
    report.attachments.iter().find(is_it).map(|attachment| read(&attachment.bytes))
}

/// The attachment that carries it.
#[must_use]
pub fn attachment(provenance: &Provenance) -> Attachment {
    Attachment {
        filename: FILENAME.to_owned(),
        content_type: ContentType::Json,
        kind: AttachmentType::Other,
        description: Some("where the report comes from".to_owned()),
        bytes: write(provenance).to_string().into_bytes(),
    }
}

/// Reads the document. What is too long or of the wrong type is left out with a warning.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON, or not of this format.
pub fn read(bytes: &[u8]) -> Result<(Provenance, Vec<Warning>), Unreadable> {
    let document = json_read(WHAT, bytes, PROVENANCE_BYTES_MAX)?;
    if text_of(&document, "format") != Some(FORMAT) {
        let field = "format".to_owned();
        return Err(Unreadable::WrongShape { what: WHAT, field, expected: "proofhouse-provenance/1" });
    }
    let mut reader = Reader { warnings: Vec::new() };
    let mut out = Provenance::default();
    for (at, item) in reader.items(&document, "credits", CREDITS_COUNT_MAX) {
        if let Some(name) = reader.name(&at, item, "name") {
            out.credits.push(Credit { name, role: reader.name(&at, item, "role").unwrap_or_default() });
        }
    }
    for (at, item) in reader.items(&document, "chain", HOPS_COUNT_MAX) {
        if let Some(party) = reader.name(&at, item, "party") {
            out.chain.push(Hop { party, handling_id: reader.name(&at, item, "handling_id") });
        }
    }
    if let Some(item) = document.get("embargo").filter(|item| item.is_object()) {
        let terms = EmbargoTerms {
            ends: reader.name("embargo", item, "ends"),
            terms: reader.text("embargo", item, "terms", TERMS_BYTES_MAX),
            url: reader.text("embargo", item, "url", TERMS_BYTES_MAX),
        };
        out.embargo = Some(terms).filter(|terms| *terms != EmbargoTerms::default());
    }
    let ai = document.get("ai").unwrap_or(&Value::Null);
    out.ai_finder = reader.ai(ai, "finder");
    out.ai_coordinator = reader.ai(ai, "coordinator");
    if let Some(item) = document.get("source")
        && let Some(format) = reader.name("source", item, "format")
    {
        out.source = Some(Source { format, sha256: reader.name("source", item, "sha256") });
    }
    Ok((out, reader.warnings))
}

struct Reader {
    warnings: Vec<Warning>,
}

impl Reader {
    fn warn(&mut self, at: String, text: &str) {
        self.warnings.push(Warning::new("provenance_not_used", at, text));
    }

    fn items<'a>(&mut self, document: &'a Value, field: &str, count_max: usize) -> Vec<(String, &'a Value)> {
        let items = document.get(field).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        if items.len() > count_max {
            self.warn(field.to_owned(), "more than are kept");
        }
        items.iter().take(count_max).enumerate().map(|(index, item)| (format!("{field}[{index}]"), item)).collect()
    }

    fn name(&mut self, at: &str, item: &Value, field: &str) -> Option<String> {
        self.text(at, item, field, NAME_BYTES_MAX)
    }

    fn text(&mut self, at: &str, item: &Value, field: &str, bytes_max: usize) -> Option<String> {
        let value = item.get(field).filter(|value| !value.is_null())?;
        let good = value.as_str().filter(|text| {
            !text.trim().is_empty() && text.len() <= bytes_max && !text.chars().any(|c| c.is_control() && c != '\n')
        });
        if good.is_none() {
            self.warn(format!("{at}.{field}"), "not a text of the length that is kept: left out");
        }
        good.map(str::to_owned)
    }

    fn ai(&mut self, ai: &Value, field: &str) -> Option<AiUse> {
        let item = ai.get(field)?;
        let at = format!("ai.{field}");
        let word = self.name(&at, item, "use")?;
        let Some(word) = AiWord::of_word(&word) else {
            self.warn(format!("{at}.use"), "not none, assisted or autonomous: left out");
            return None;
        };
        Some(AiUse { word, tooling: self.name(&at, item, "tooling") })
    }
}

impl AiWord {
    /// The one of that word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Self> {
        [AiWord::None, AiWord::Assisted, AiWord::Autonomous].into_iter().find(|w| w.as_str() == word)
    }
}

/// The document. What is absent is left out, so that the same provenance is the same bytes.
#[must_use]
pub fn write(provenance: &Provenance) -> Value {
    let mut out = Map::new();
    out.insert("format".to_owned(), json!(FORMAT));
    let object = |pairs: &[(&str, &Option<String>)]| {
        let there = pairs.iter().filter_map(|(key, value)| Some(((*key).to_owned(), json!(value.as_ref()?))));
        Value::Object(there.collect())
    };
    if !provenance.credits.is_empty() {
        let credit = |c: &Credit| {
            let role = Some(c.role.clone()).filter(|role| !role.is_empty());
            object(&[("name", &Some(c.name.clone())), ("role", &role)])
        };
        out.insert("credits".to_owned(), provenance.credits.iter().map(credit).collect());
    }
    if !provenance.chain.is_empty() {
        let hop = |h: &Hop| object(&[("party", &Some(h.party.clone())), ("handling_id", &h.handling_id)]);
        out.insert("chain".to_owned(), provenance.chain.iter().map(hop).collect());
    }
    if let Some(terms) = &provenance.embargo {
        let terms = object(&[("ends", &terms.ends), ("terms", &terms.terms), ("url", &terms.url)]);
        out.insert("embargo".to_owned(), terms);
    }
    let mut ai = Map::new();
    for (who, told) in [("finder", &provenance.ai_finder), ("coordinator", &provenance.ai_coordinator)] {
        if let Some(told) = told {
            let word = Some(told.word.as_str().to_owned());
            ai.insert(who.to_owned(), object(&[("use", &word), ("tooling", &told.tooling)]));
        }
    }
    if !ai.is_empty() {
        out.insert("ai".to_owned(), Value::Object(ai));
    }
    if let Some(source) = &provenance.source {
        let source = object(&[("format", &Some(source.format.clone())), ("sha256", &source.sha256)]);
        out.insert("source".to_owned(), source);
    }
    Value::Object(out)
}
