//! Reads JSON bodies strictly: one object, no unknown and no repeated field, every violation found
//! in one pass.
//!
//! A type reads itself field by field from [`Fields`]; what it does not ask for is refused. Nesting
//! is bounded before anything is parsed. Must not know any resource.

use std::collections::HashSet;
use std::str::FromStr;

use domain::id::{Id, Kind};
use domain::time::Timestamp;
use domain::vocabulary::UnknownWord;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::problem::{Problem, ProblemError};
use crate::limits::{JSON_BODY_BYTES_MAX, JSON_LEVELS_MAX, VIOLATIONS_LISTED_MAX};

/// Bytes of an unknown field's name that an answer repeats.
const FIELD_NAME_BYTES_SHOWN_MAX: usize = 64;

/// A request body that knows how to read itself.
pub trait FromFields: Sized {
    /// Largest body, in bytes.
    const BYTES_MAX: usize = JSON_BODY_BYTES_MAX;
    /// Whether no body at all stands for `{}`.
    const MAY_BE_ABSENT: bool = false;

    /// Reads every field, whatever happens to the ones before; `None` when a violation was noted.
    fn from_fields(fields: &mut Fields<'_>) -> Option<Self>;
}

/// Reads one JSON object.
///
/// # Errors
/// 400 `malformed_json`, 413 `structure_too_deep`, or 400 `validation` with every violation.
pub fn read<T: FromFields>(bytes: &[u8]) -> Result<T, Problem> {
    levels_check(bytes)?;
    let text = std::str::from_utf8(bytes)
        .map_err(|e| Problem::malformed_json(format!("not UTF-8 from byte {} on", e.valid_up_to())))?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let members = Members
        .deserialize(&mut reader)
        .and_then(|members| reader.end().map(|()| members))
        .map_err(|e| Problem::malformed_json(format!("not one JSON object: {e}")))?;
    let mut fields = Fields { prefix: String::new(), members, asked: HashSet::new(), violations: Vec::new() };
    let value = T::from_fields(&mut fields);
    fields.refuse_unknown();
    match value {
        Some(value) if fields.violations.is_empty() => Ok(value),
        _ => Err(Problem::validation(fields.violations)),
    }
}

/// Refuses deep nesting by counting brackets outside strings, so that no parser meets it.
fn levels_check(bytes: &[u8]) -> Result<(), Problem> {
    let (mut level, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (true, b'"') => in_string = false,
            (true, _) => {}
            (false, b'"') => in_string = true,
            (false, b'{' | b'[') => level += 1,
            (false, b'}' | b']') => level = level.saturating_sub(1),
            (false, _) => {}
        }
        if level > JSON_LEVELS_MAX {
            return Err(Problem::too_deep(JSON_LEVELS_MAX));
        }
    }
    Ok(())
}

type Member<'a> = (String, &'a RawValue);

/// Keeps every member in the order sent, repeated keys too.
struct Members;

impl<'de> DeserializeSeed<'de> for Members {
    type Value = Vec<Member<'de>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Members {
    type Value = Vec<Member<'de>>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry::<String, &'de RawValue>()? {
            members.push(member);
        }
        Ok(members)
    }
}

/// The fields of one JSON object while it is being read.
#[derive(Debug)]
pub struct Fields<'a> {
    prefix: String,
    members: Vec<Member<'a>>,
    asked: HashSet<&'static str>,
    violations: Vec<ProblemError>,
}

impl<'a> Fields<'a> {
    fn path(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Notes a violation of a field.
    pub fn refuse(&mut self, code: &'static str, name: &str, reason: impl Into<String>) {
        let path = self.path(name);
        self.violations.push(ProblemError::new(code, path, reason));
    }

    /// The value of a field; `null` counts as absent. A repeated field is a violation.
    fn value(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.asked.insert(name);
        let mut all = self.members.iter().filter(|(key, _)| key == name).map(|(_, value)| *value);
        let first = all.next();
        if all.next().is_some() {
            self.refuse("repeated_field", name, "stands more than once");
        }
        first.filter(|value| value.get() != "null")
    }

    /// Whether a field is there and not `null`.
    pub fn has(&mut self, name: &'static str) -> bool {
        self.value(name).is_some()
    }

    fn needed(&mut self, name: &'static str) -> Option<&'a RawValue> {
        let value = self.value(name);
        if value.is_none() {
            self.refuse("missing_field", name, "must be given");
        }
        value
    }

    fn typed<T: serde::Deserialize<'a>>(&mut self, name: &str, value: &'a RawValue, kind: &str) -> Option<T> {
        match serde_json::from_str(value.get()) {
            Ok(typed) => Some(typed),
            Err(_) => {
                self.refuse("wrong_type", name, format!("should be {kind}"));
                None
            }
        }
    }

    fn text_from(&mut self, name: &str, value: &'a RawValue, rule: Text) -> Option<String> {
        let text: String = self.typed(name, value, "a string")?;
        match rule.check(&text) {
            Ok(()) => Some(text),
            Err((code, reason)) => {
                self.refuse(code, name, reason);
                None
            }
        }
    }

    /// A text that must be there.
    pub fn text(&mut self, name: &'static str, rule: Text) -> Option<String> {
        let value = self.needed(name)?;
        self.text_from(name, value, rule)
    }

    /// A text that may be left out. The outer `None` means a violation was noted.
    pub fn text_optional(&mut self, name: &'static str, rule: Text) -> Option<Option<String>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.text_from(name, value, rule).map(Some),
        }
    }

    /// A list of texts, empty when left out.
    pub fn texts(&mut self, name: &'static str, count_max: usize, rule: Text) -> Option<Vec<String>> {
        let Some(value) = self.value(name) else { return Some(Vec::new()) };
        let items: Vec<&'a RawValue> = self.typed(name, value, "a list of strings")?;
        if items.len() > count_max {
            self.refuse("too_many_items", name, format!("at most {count_max}"));
            return None;
        }
        let before = self.violations.len();
        let read: Vec<Option<String>> =
            items.iter().enumerate().map(|(i, item)| self.text_from(&format!("{name}[{i}]"), item, rule)).collect();
        if self.violations.len() == before { read.into_iter().collect() } else { None }
    }

    fn word_from<T: FromStr<Err = UnknownWord>>(&mut self, name: &str, value: &'a RawValue) -> Option<T> {
        let word: String = self.typed(name, value, "a string")?;
        match word.parse() {
            Ok(word) => Some(word),
            Err(unknown) => {
                self.refuse("unknown_word", name, format!("one of: {}", unknown.allowed));
                None
            }
        }
    }

    /// A word of a closed list that must be there.
    pub fn word<T: FromStr<Err = UnknownWord>>(&mut self, name: &'static str) -> Option<T> {
        let value = self.needed(name)?;
        self.word_from(name, value)
    }

    /// A word of a closed list that may be left out. The outer `None` means a violation was noted.
    pub fn word_optional<T: FromStr<Err = UnknownWord>>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.word_from(name, value).map(Some),
        }
    }

    /// Words of a closed list, at least one.
    pub fn words<T: FromStr<Err = UnknownWord>>(&mut self, name: &'static str, count_max: usize) -> Option<Vec<T>> {
        let value = self.needed(name)?;
        let items: Vec<&'a RawValue> = self.typed(name, value, "a list of strings")?;
        if items.is_empty() || items.len() > count_max {
            let code = if items.is_empty() { "missing_field" } else { "too_many_items" };
            self.refuse(code, name, format!("1 to {count_max} of them"));
            return None;
        }
        let read: Vec<Option<T>> =
            items.iter().enumerate().map(|(i, item)| self.word_from(&format!("{name}[{i}]"), item)).collect();
        read.into_iter().collect()
    }

    /// A whole number that may be left out. The outer `None` means a violation was noted.
    pub fn integer_optional(&mut self, name: &'static str, min: i64, max: i64) -> Option<Option<i64>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.integer_from(name, value, min, max).map(Some),
        }
    }

    /// A whole number that must be there.
    pub fn integer(&mut self, name: &'static str, min: i64, max: i64) -> Option<i64> {
        let value = self.needed(name)?;
        self.integer_from(name, value, min, max)
    }

    fn integer_from(&mut self, name: &str, value: &'a RawValue, min: i64, max: i64) -> Option<i64> {
        let number: i64 = self.typed(name, value, "a whole number")?;
        if (min..=max).contains(&number) {
            return Some(number);
        }
        self.refuse("out_of_range", name, format!("{min} to {max}"));
        None
    }

    /// A time that must be there.
    pub fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let value = self.needed(name)?;
        self.time_from(name, value)
    }

    /// A time that may be left out. The outer `None` means a violation was noted.
    pub fn time_optional(&mut self, name: &'static str) -> Option<Option<Timestamp>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.time_from(name, value).map(Some),
        }
    }

    fn time_from(&mut self, name: &str, value: &'a RawValue) -> Option<Timestamp> {
        let text: String = self.typed(name, value, "a string")?;
        match text.parse() {
            Ok(time) => Some(time),
            Err(_) => {
                self.refuse("malformed_time", name, "a time like 2026-11-23T10:00:00Z (RFC 3339)");
                None
            }
        }
    }

    /// An id that must be there.
    pub fn id<K: Kind>(&mut self, name: &'static str) -> Option<Id<K>> {
        let value = self.needed(name)?;
        let text: String = self.typed(name, value, "a string")?;
        match text.parse() {
            Ok(id) => Some(id),
            Err(malformed) => {
                self.refuse("malformed_id", name, domain::id::MalformedId::to_string(&malformed));
                None
            }
        }
    }

    /// The JSON text of a field, as it was sent; it was checked for syntax. `None` when it is absent.
    pub fn json(&mut self, name: &'static str) -> Option<&'a str> {
        self.value(name).map(RawValue::get)
    }

    /// An object that must be there and reads itself.
    pub fn object<T: FromFields>(&mut self, name: &'static str) -> Option<T> {
        let value = self.needed(name)?;
        self.object_from(name, value)
    }

    /// An object that may be left out. The outer `None` means a violation was noted.
    pub fn object_optional<T: FromFields>(&mut self, name: &'static str) -> Option<Option<T>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.object_from(name, value).map(Some),
        }
    }

    /// A list of objects that read themselves, empty when left out.
    pub fn objects<T: FromFields>(&mut self, name: &'static str, count_max: usize) -> Option<Vec<T>> {
        let Some(value) = self.value(name) else { return Some(Vec::new()) };
        let items: Vec<&'a RawValue> = self.typed(name, value, "a list of objects")?;
        if items.len() > count_max {
            self.refuse("too_many_items", name, format!("at most {count_max}"));
            return None;
        }
        let read: Vec<Option<T>> =
            items.iter().enumerate().map(|(i, item)| self.object_from(&format!("{name}[{i}]"), item)).collect();
        read.into_iter().collect()
    }

    /// True or false, or left out. The outer `None` means a violation was noted.
    pub fn flag_optional(&mut self, name: &'static str) -> Option<Option<bool>> {
        match self.value(name) {
            None => Some(None),
            Some(value) => self.typed(name, value, "true or false").map(Some),
        }
    }

    fn object_from<T: FromFields>(&mut self, name: &str, value: &'a RawValue) -> Option<T> {
        let mut reader = serde_json::Deserializer::from_str(value.get());
        let Ok(members) = Members.deserialize(&mut reader) else {
            self.refuse("wrong_type", name, "should be an object");
            return None;
        };
        let prefix = format!("{}.", self.path(name));
        let mut inner = Fields { prefix, members, asked: HashSet::new(), violations: Vec::new() };
        let read = T::from_fields(&mut inner);
        inner.refuse_unknown();
        let clean = inner.violations.is_empty();
        self.violations.append(&mut inner.violations);
        read.filter(|_| clean)
    }

    /// Leaves the rest unread: what it should be cannot be told without a field that is wrong.
    pub fn ask_no_more(&mut self) {
        self.members.clear();
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<String> = self
            .members
            .iter()
            .filter(|(key, _)| !self.asked.contains(key.as_str()))
            .take(VIOLATIONS_LISTED_MAX)
            .map(|(key, _)| shown(key))
            .collect();
        let mut known: Vec<&str> = self.asked.iter().copied().collect();
        known.sort_unstable();
        let reason = if known.is_empty() { "no field has a place here".to_owned() } else { known.join(", ") };
        for name in unknown {
            self.refuse("field_not_allowed", &name, format!("known here: {reason}"));
        }
    }
}

/// A field's name fit for an answer: cut, and without control characters.
fn shown(key: &str) -> String {
    let plain: String = key.chars().filter(|c| !c.is_control()).collect();
    let end =
        plain.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= FIELD_NAME_BYTES_SHOWN_MAX);
    let end = end.last().unwrap_or(0);
    plain[..end].to_owned()
}

/// What a text may be.
#[derive(Debug, Clone, Copy)]
pub enum Text {
    /// One line of at most this many bytes, not blank.
    Line(usize),
    /// Several lines of at most this many bytes together, not blank.
    Prose(usize),
}

impl Text {
    fn check(self, text: &str) -> Result<(), (&'static str, String)> {
        let (bytes_max, breaks) = match self {
            Self::Line(bytes_max) => (bytes_max, false),
            Self::Prose(bytes_max) => (bytes_max, true),
        };
        if text.len() > bytes_max {
            return Err(("field_too_large", format!("at most {bytes_max} bytes")));
        }
        if text.trim().is_empty() {
            return Err(("missing_field", "must not be blank".to_owned()));
        }
        let is_refused = |c: char| c.is_control() && !(breaks && matches!(c, '\n' | '\r' | '\t'));
        if text.chars().any(is_refused) {
            return Err(("control_characters", "has control characters".to_owned()));
        }
        Ok(())
    }
}

/// A body without fields: `{}` or nothing at all.
#[derive(Debug, Clone, Copy)]
pub struct Nothing;

impl FromFields for Nothing {
    const MAY_BE_ABSENT: bool = true;

    fn from_fields(_: &mut Fields<'_>) -> Option<Self> {
        Some(Self)
    }
}

/// The fields that a type asks for, for the test that holds it against its schema.
#[cfg(test)]
pub(crate) fn asked<T: FromFields>() -> Vec<&'static str> {
    let mut fields = Fields { prefix: String::new(), members: vec![], asked: HashSet::new(), violations: vec![] };
    let _ = T::from_fields(&mut fields);
    let mut names: Vec<_> = fields.asked.into_iter().collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::party::Role;

    #[derive(Debug)]
    struct Inner(i64);
    impl FromFields for Inner {
        fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
            Some(Self(f.integer("n", 0, 9)?))
        }
    }

    #[derive(Debug)]
    struct Outer {
        name: String,
        roles: Vec<Role>,
        inner: Inner,
    }
    impl FromFields for Outer {
        fn from_fields(f: &mut Fields<'_>) -> Option<Self> {
            let (name, roles, inner) = (f.text("name", Text::Line(5)), f.words("roles", 4), f.object("inner"));
            Some(Self { name: name?, roles: roles?, inner: inner? })
        }
    }

    fn codes(body: &str) -> Vec<String> {
        let problem = serde_json::to_value(read::<Outer>(body.as_bytes()).unwrap_err()).unwrap();
        let errors = problem["errors"].as_array().cloned().unwrap_or_default();
        let line = |e: &serde_json::Value| format!("{} {}", e["field"].as_str().unwrap(), e["code"].as_str().unwrap());
        if errors.is_empty() {
            vec![problem["code"].as_str().unwrap().to_owned()]
        } else {
            errors.iter().map(line).collect()
        }
    }

    #[test]
    fn reads_or_lists_everything_that_is_wrong() {
        let good = read::<Outer>(br#"{"name":"a","roles":["finder"],"inner":{"n":3}}"#).unwrap();
        assert_eq!((good.name.as_str(), good.roles.len(), good.inner.0), ("a", 1, 3));
        assert_eq!(codes("{}"), ["name missing_field", "roles missing_field", "inner missing_field"]);
        assert_eq!(
            codes(r#"{"name":"toolong","roles":["king"],"inner":{"n":10,"m":1},"x":{},"name":null}"#),
            [
                "name repeated_field",
                "name field_too_large",
                "roles[0] unknown_word",
                "inner.n out_of_range",
                "inner.m field_not_allowed",
                "x field_not_allowed"
            ]
        );
        assert_eq!(
            codes(r#"{"name":"a\u0000","roles":5,"inner":[]}"#),
            ["name control_characters", "roles wrong_type", "inner wrong_type"]
        );
        for malformed in ["", "[]", "{", "{} {}", "{\"a\":01}", "null"] {
            assert_eq!(codes(malformed), ["malformed_json"], "{malformed}");
        }
    }

    #[test]
    fn nesting_is_refused_before_parsing() {
        let deep = format!("{{\"name\":{}", "[".repeat(3_000_000));
        assert_eq!(codes(&deep), [" structure_too_deep"]);
        assert_eq!(codes(&format!("{{\"x\":\"{}\"}}", "[".repeat(100))).len(), 4);
    }
}
