//! Text for people, plain or Markdown: one report, whose facts `triage::sort` draws out. Must not take a name for certain that the
//! text only mentions.

use formats::tap::{ContentType, Symbol};
use triage::{crash, sort};

use crate::draft::{Draft, Original};
use crate::given::Given;
use crate::kind::Kind;
use crate::text::{cwes, line, purl, urls};
use crate::{Document, Left, Refused};

/// URLs of a text that are taken as references.
const URLS_COUNT_MAX: usize = 16;

/// Puts what a text says into a draft.
pub fn put(draft: &mut Draft, text: &str) {
    let Some(item) = sort::read("text", text.as_bytes()).ok().and_then(|items| items.into_iter().next()) else {
        return;
    };
    draft.purl = purl(text).map(str::to_owned);
    if draft.purl.is_none() {
        draft.software = item.package.clone();
    }
    draft.ids.extend(item.identifiers.iter().cloned());
    draft.versions.extend(item.versions.iter().cloned());
    draft.cwes.extend(cwes(text));
    draft.severity = field(text, "severity");
    draft.cvss.extend(
        text.split_whitespace()
            .map(|word| word.trim_matches(['`', '*', '(', ')', ',', '.']))
            .find(|w| w.starts_with("CVSS:") && w.contains('/'))
            .map(str::to_owned),
    );
    draft.references.extend(urls(text, URLS_COUNT_MAX));
    draft.ecosystem = field(text, "ecosystem");
    let credit = ["credit", "credits", "reported by", "found by"].iter().find_map(|word| field(text, word));
    draft.credits.extend(credit.map(|name| formats::provenance::Credit { name, role: String::new() }));
    if item.placed
        && let Ok(found) = crash::read(text.as_bytes())
        && let Some(function) = found.state.first()
    {
        draft.symbol = Symbol { function: Some(function.clone()), ..Symbol::default() };
        draft.note("quoted crash", &format!("{} in {}", found.crash_type, found.state.join(", ")));
    }
}

/// The value of a line `name: value`, whatever marks of Markdown stand around it.
fn field(text: &str, name: &str) -> Option<String> {
    text.lines().take(500).find_map(|one| {
        let (word, value) = one.trim_start_matches(['*', '#', '-', ' ', '>', '|']).split_once(':')?;
        let is_it = word.trim_matches(['*', '_', ' ']).eq_ignore_ascii_case(name);
        let value = line(value.trim_matches(['*', '_', ' ', '`']), 200);
        (is_it && !value.is_empty()).then_some(value)
    })
}

/// The first heading, or the first line that is not blank.
pub fn title(text: &str) -> String {
    let first = text.lines().map(str::trim).find(|one| !one.is_empty() && !one.starts_with("```"));
    line(first.unwrap_or_default().trim_start_matches('#'), 200)
}

/// A text.
pub fn read(bytes: &[u8], given: &Given, left: &mut Left) -> Result<Document, Refused> {
    let text = String::from_utf8_lossy(bytes);
    let mut draft = Draft { title: title(&text), ..Draft::default() };
    put(&mut draft, &text);
    let rest = text.trim_start();
    let heading = rest.lines().next().filter(|one| one.starts_with('#')).map_or(0, str::len);
    draft.text = rest.get(heading..).unwrap_or_default().trim_start().to_owned();
    if draft.text.is_empty() {
        draft.original = Original::of("report.txt", ContentType::Plain, bytes, 1);
    }
    let mut document = Document::new(Kind::Prose);
    left.draw(&mut document, draft, given);
    Ok(document)
}
