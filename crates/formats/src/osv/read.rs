//! Reads OSV records of any 1.x schema. What cannot be read is warned about, and a range with anything unreadable in it
//! becomes [`RangeKind::Unreadable`]: dropping an event could turn an affected version into a clean one.

use serde_json::{Map, Value};

use super::{Affected, Credit, Event, Package, Range, RangeKind, Record, Reference, Severity};
use crate::refusal::{json_read, text_of, text_read};
use crate::{Unreadable, Warning};

const WHAT: &str = "an OSV record";

/// The largest record that is read, in bytes. (The largest known have about 3 MB, from thousands of listed versions.)
pub const RECORD_BYTES_MAX: usize = 16 * 1024 * 1024;

const KNOWN: [&str; 15] = [
    "schema_version",
    "id",
    "modified",
    "published",
    "withdrawn",
    "aliases",
    "upstream",
    "related",
    "summary",
    "details",
    "severity",
    "affected",
    "references",
    "credits",
    "database_specific",
];

/// Reads one record.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON object, or without `id` or `modified`.
pub fn read(bytes: &[u8]) -> Result<(Record, Vec<Warning>), Unreadable> {
    let document = json_read(WHAT, bytes, RECORD_BYTES_MAX)?;
    let Value::Object(members) = &document else { return Err(wrong("the document", "an object")) };
    let mut reader = Reader { warnings: Vec::new() };
    for key in members.keys().filter(|k| !KNOWN.contains(&k.as_str())) {
        let at: String = key.chars().take(64).collect();
        reader.warn("unknown_field", at, "not a field of OSV 1.7: not read");
    }
    let required = |field: &'static str| {
        text_of(&document, field).map(str::to_owned).ok_or_else(|| wrong(field, "a string that is not empty"))
    };
    let text = |field: &str| text_of(&document, field).map(str::to_owned);
    let record = Record {
        schema_version: text("schema_version"),
        id: required("id")?,
        modified: required("modified")?,
        published: text("published"),
        withdrawn: text("withdrawn"),
        aliases: reader.texts(&document, "", "aliases"),
        upstream: reader.texts(&document, "", "upstream"),
        related: reader.texts(&document, "", "related"),
        summary: text("summary"),
        details: text("details"),
        severity: reader.each(&document, "", "severity", severity),
        affected: reader.each(&document, "", "affected", affected),
        references: reader.each(&document, "", "references", reference),
        credits: reader.each(&document, "", "credits", credit),
        database_specific: object(&document, "database_specific"),
    };
    Ok((record, reader.warnings))
}

/// The number of a line, from 1, and what was read from it.
pub type Line = (usize, Result<(Record, Vec<Warning>), Unreadable>);

/// Reads one record a line (JSON Lines); blank lines are skipped. Each line answers for itself.
///
/// # Errors
/// [`Unreadable`] when the whole is too large or not UTF-8.
pub fn read_lines(bytes: &[u8], bytes_max: usize) -> Result<impl Iterator<Item = Line>, Unreadable> {
    let text = text_read("a file of OSV records", bytes, bytes_max)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(index, line)| (index + 1, read(line.as_bytes()))))
}

fn wrong(field: &str, expected: &'static str) -> Unreadable {
    Unreadable::WrongShape { what: WHAT, field: field.to_owned(), expected }
}

struct Reader {
    warnings: Vec<Warning>,
}

impl Reader {
    fn warn(&mut self, code: &'static str, at: impl Into<String>, text: &str) {
        self.warnings.push(Warning::new(code, at, text));
    }

    /// The items of a list; absent and `null` are an empty one, which the schema allows.
    fn items<'a>(&mut self, object: &'a Value, under: &str, field: &str) -> &'a [Value] {
        match object.get(field) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(items)) => items,
            Some(_) => {
                self.warn("wrong_type", format!("{under}{field}"), "not an array: not read");
                &[]
            }
        }
    }

    fn each<T>(
        &mut self,
        object: &Value,
        under: &str,
        field: &str,
        read: impl Fn(&mut Reader, &str, &Value) -> Option<T>,
    ) -> Vec<T> {
        let mut all = Vec::new();
        for (index, item) in self.items(object, under, field).iter().enumerate() {
            let at = format!("{under}{field}[{index}]");
            match read(self, &at, item) {
                Some(value) => all.push(value),
                None => self.warn("wrong_shape", at, "not read"),
            }
        }
        all
    }

    fn texts(&mut self, object: &Value, under: &str, field: &str) -> Vec<String> {
        self.each(object, under, field, |_, _, item| item.as_str().map(str::to_owned))
    }
}

fn object(value: &Value, field: &str) -> Option<Map<String, Value>> {
    value.get(field).and_then(Value::as_object).cloned()
}

fn severity(_: &mut Reader, _: &str, item: &Value) -> Option<Severity> {
    Some(Severity { kind: text_of(item, "type")?.to_owned(), score: text_of(item, "score")?.to_owned() })
}

fn reference(_: &mut Reader, _: &str, item: &Value) -> Option<Reference> {
    Some(Reference { kind: text_of(item, "type").unwrap_or("WEB").to_owned(), url: text_of(item, "url")?.to_owned() })
}

fn credit(reader: &mut Reader, at: &str, item: &Value) -> Option<Credit> {
    let name = text_of(item, "name")?.to_owned();
    let contact = reader.texts(item, &format!("{at}."), "contact");
    Some(Credit { name, contact, kind: text_of(item, "type").map(str::to_owned) })
}

fn affected(reader: &mut Reader, at: &str, item: &Value) -> Option<Affected> {
    let under = format!("{at}.");
    let package = match item.get("package") {
        None | Some(Value::Null) => None,
        Some(package) => Some(Package {
            ecosystem: text_of(package, "ecosystem")?.to_owned(),
            name: text_of(package, "name")?.to_owned(),
            purl: text_of(package, "purl").map(str::to_owned),
        }),
    };
    let mut ranges = Vec::new();
    for (index, range) in reader.items(item, &under, "ranges").iter().enumerate() {
        ranges.push(range_read(reader, &format!("{under}ranges[{index}]"), range));
    }
    if item.get("ranges").is_some_and(|r| !r.is_array() && !r.is_null()) {
        ranges.push(Range::default());
    }
    let listed = reader.items(item, &under, "versions").len();
    let versions = reader.texts(item, &under, "versions");
    if versions.len() < listed || item.get("versions").is_some_and(|v| !v.is_array() && !v.is_null()) {
        ranges.push(Range::default());
    }
    Some(Affected {
        package,
        severity: reader.each(item, &under, "severity", severity),
        ranges,
        versions,
        ecosystem_specific: object(item, "ecosystem_specific"),
        database_specific: object(item, "database_specific"),
    })
}

fn range_read(reader: &mut Reader, at: &str, item: &Value) -> Range {
    let kinds = [RangeKind::Semver, RangeKind::Ecosystem, RangeKind::Git];
    let kind = text_of(item, "type").and_then(|word| kinds.into_iter().find(|k| k.as_str() == word));
    if kind.is_none() {
        reader.warn("unknown_range", format!("{at}.type"), "not SEMVER, ECOSYSTEM or GIT: it decides nothing");
    }
    let under = format!("{at}.");
    let mut events = Vec::new();
    let mut whole = item.get("events").is_some_and(Value::is_array);
    for (index, event) in reader.items(item, &under, "events").iter().enumerate() {
        let at = format!("{under}events[{index}]");
        match events_of(event) {
            Some(found) => {
                if found.len() > 1 {
                    reader.warn("joined_events", at, "several events in one object: read one after the other");
                }
                events.extend(found);
            }
            None => {
                reader.warn("unknown_event", at, "not an event that is known: the range decides nothing");
                whole = false;
            }
        }
    }
    Range {
        kind: kind.filter(|_| whole).unwrap_or_default(),
        repo: text_of(item, "repo").map(str::to_owned),
        events,
        database_specific: object(item, "database_specific"),
    }
}

/// Old records join `introduced` and `fixed` in one object, which the schema no longer allows.
fn events_of(event: &Value) -> Option<Vec<Event>> {
    let members = event.as_object()?;
    let text = |word| text_of(event, word).map(str::to_owned);
    let found: Vec<Event> = [
        text("introduced").map(Event::Introduced),
        text("fixed").map(Event::Fixed),
        text("last_affected").map(Event::LastAffected),
        text("limit").map(Event::Limit),
    ]
    .into_iter()
    .flatten()
    .collect();
    (!found.is_empty() && found.len() == members.len()).then_some(found)
}
