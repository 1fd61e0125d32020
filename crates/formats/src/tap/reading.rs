//! Collects what is wrong with a report while it is read, and the checks every text field shares. Knows no field by name.

use super::limits::FIELD_NAME_BYTES_SHOWN_MAX;
use super::violation::{Code, Violation};
use crate::Warning;
use crate::json::Node;

/// What has been found so far.
#[derive(Default)]
pub(super) struct Reading {
    pub violations: Vec<Violation>,
    pub warnings: Vec<Warning>,
    /// The first thing that makes it not a report at all.
    pub malformed: Option<String>,
    /// It was accepted before: what a part brought as bytes is longer as a string of JSON.
    pub kept: bool,
}

/// The members of one object, taken one by one; what is left is unknown.
pub(super) struct Members {
    left: Vec<(String, Node)>,
}

impl Members {
    pub(super) fn new(members: Vec<(String, Node)>) -> Self {
        Members { left: members }
    }

    /// Takes a field out. `null` is an absent field. Of repeated ones the last counts.
    pub(super) fn take(&mut self, name: &str) -> Option<Node> {
        let mut taken = None;
        while let Some(at) = self.left.iter().position(|(key, _)| key == name) {
            taken = Some(self.left.remove(at).1);
        }
        taken.filter(|node| *node != Node::Null)
    }

    pub(super) fn rest(self) -> Vec<String> {
        self.left.into_iter().map(|(key, _)| key).collect()
    }
}

impl Reading {
    pub(super) fn violation(&mut self, code: Code, field: &str, reason: impl Into<String>) {
        self.violations.push(Violation { code, field: field.to_owned(), also_field: None, reason: reason.into() });
    }

    pub(super) fn violation_of_two(&mut self, code: Code, field: &str, also: &str, reason: impl Into<String>) {
        let also_field = Some(also.to_owned());
        self.violations.push(Violation { code, field: field.to_owned(), also_field, reason: reason.into() });
    }

    pub(super) fn not_a_report(&mut self, reason: String) {
        self.malformed.get_or_insert(reason);
    }

    /// A string as it stands, with no check but its type.
    pub(super) fn string(&mut self, field: &str, node: Option<Node>) -> Option<String> {
        match node? {
            Node::String(text) => Some(text),
            other => {
                self.not_a_report(format!("{field} is {}, not a string", other.kind()));
                None
            }
        }
    }

    /// Metadata text: of at most so many bytes, without control characters, and not blank.
    pub(super) fn text(&mut self, field: &str, node: Option<Node>, bytes_max: usize) -> Option<String> {
        let text = self.text_bounded(field, node, bytes_max)?;
        if text.trim().is_empty() {
            self.violation(Code::DegenerateValue, field, "it is blank");
            return None;
        }
        Some(text)
    }

    /// The same, but a blank value is left to the caller, whose field has a code of its own for it.
    pub(super) fn text_bounded(&mut self, field: &str, node: Option<Node>, bytes_max: usize) -> Option<String> {
        let text = self.string(field, node)?;
        if text.len() > bytes_max {
            self.violation(
                Code::FieldTooLarge,
                field,
                format!("{} bytes, at most {bytes_max} are accepted", text.len()),
            );
            return None;
        }
        if text.chars().any(char::is_control) {
            self.violation(Code::ControlCharacters, field, "a control character in it");
            return None;
        }
        Some(text)
    }

    /// The items of a list of at most so many; those past the limit are not looked at.
    pub(super) fn list(&mut self, field: &str, node: Option<Node>, count_max: usize) -> Vec<Node> {
        let mut items = match node {
            None => return Vec::new(),
            Some(Node::Array(items)) => items,
            Some(other) => {
                self.not_a_report(format!("{field} is {}, not an array", other.kind()));
                return Vec::new();
            }
        };
        if items.len() > count_max {
            self.violation(
                Code::TooManyItems,
                field,
                format!("{} items, at most {count_max} are accepted", items.len()),
            );
            items.truncate(count_max);
        }
        items
    }

    /// A list of metadata texts, each handed to `check` with its path.
    pub(super) fn texts(
        &mut self,
        field: &str,
        node: Option<Node>,
        (count_max, bytes_max): (usize, usize),
        check: impl Fn(&mut Reading, &str, String) -> Option<String>,
    ) -> Vec<String> {
        let items = self.list(field, node, count_max);
        let mut texts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let path = format!("{field}[{index}]");
            if let Some(text) = self.text_bounded(&path, Some(item), bytes_max) {
                texts.extend(check(self, &path, text));
            }
        }
        texts
    }

    /// The members of an object, or `not a report`.
    pub(super) fn object(&mut self, field: &str, node: Node) -> Option<Vec<(String, Node)>> {
        match node {
            Node::Object(members) => Some(members),
            other => {
                self.not_a_report(format!("{field} is {}, not an object", other.kind()));
                None
            }
        }
    }

    /// Lists fields that nobody took, at most `listed_max` of them by name.
    pub(super) fn unknown(&mut self, under: &str, rest: &[String], listed_max: usize) {
        for name in rest.iter().take(listed_max) {
            let path = format!("{under}{}", name_shown(name));
            self.violation(Code::FieldNotAllowed, &path, "a report has no such field");
        }
        if rest.len() > listed_max {
            let more = rest.len() - listed_max;
            let whole = if under.is_empty() { "report" } else { under.trim_end_matches('.') };
            self.violation(Code::FieldNotAllowed, whole, format!("and {more} more unknown fields"));
        }
    }
}

/// A sender's field name, cut and without what does not print.
pub(super) fn name_shown(name: &str) -> String {
    let mut shown = String::new();
    for c in name.chars() {
        if shown.len() + c.len_utf8() > FIELD_NAME_BYTES_SHOWN_MAX {
            shown.push('…');
            break;
        }
        shown.push(if c.is_control() { '\u{fffd}' } else { c });
    }
    shown
}
