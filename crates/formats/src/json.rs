//! A JSON reader that keeps repeated keys, so that they can be refused, and that stops building at a given depth: what lies
//! deeper is checked for syntax (without recursion) and kept as [`Node::TooDeep`]. TOML and YAML are read into the same values.
//! Knows no format.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use crate::Unreadable;
use crate::refusal::node_read;

/// Reads a document of at most `bytes_max` bytes and of a bounded number of values; `what` names it in the refusal.
///
/// # Errors
/// [`Unreadable`] when it is too large, not UTF-8, or no JSON.
pub fn document(what: &'static str, bytes: &[u8], bytes_max: usize) -> Result<Node, Unreadable> {
    node_read(what, bytes, bytes_max)
}

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    /// `null`.
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// As it was written, as far as a number keeps that.
    Number(Number),
    /// Without escapes.
    String(String),
    /// Items in their order.
    Array(Vec<Node>),
    /// Members in the order sent, repeated keys too.
    Object(Vec<(String, Node)>),
    /// A value below the depth that was asked for.
    TooDeep,
}

impl Node {
    /// Reads one document, building at most `depth_max` levels of arrays and objects (below 128, where `serde_json`
    /// itself stops).
    ///
    /// # Errors
    /// What the parser says, with line and column.
    pub fn read(text: &str, depth_max: usize) -> Result<Node, serde_json::Error> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let node = Depth { left: depth_max }.deserialize(&mut reader)?;
        reader.end()?;
        Ok(node)
    }

    /// A member of an object; of repeated ones the last. `None` for every other value.
    #[must_use]
    pub fn get(&self, field: &str) -> Option<&Node> {
        let Node::Object(members) = self else { return None };
        members.iter().rev().find(|(key, _)| key == field).map(|(_, node)| node)
    }

    /// A string member that is not empty.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        match self.get(field) {
            Some(Node::String(text)) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    /// The items of an array member; none where there is no such array.
    #[must_use]
    pub fn items(&self, field: &str) -> &[Node] {
        match self.get(field) {
            Some(Node::Array(items)) => items,
            _ => &[],
        }
    }

    /// The members of an object member; none where there is no such object.
    #[must_use]
    pub fn members(&self, field: &str) -> &[(String, Node)] {
        match self.get(field) {
            Some(Node::Object(members)) => members,
            _ => &[],
        }
    }

    /// What kind of value it is, in words.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Null => "null",
            Node::Bool(_) => "a boolean",
            Node::Number(_) => "a number",
            Node::String(_) => "a string",
            Node::Array(_) => "an array",
            Node::Object(_) => "an object",
            Node::TooDeep => "too deep",
        }
    }

    /// The plain value; of repeated keys the last one counts. `None` when a part of it was too deep to be built.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        Some(match self {
            Node::Null => Value::Null,
            Node::Bool(b) => Value::Bool(*b),
            Node::Number(n) => Value::Number(n.clone()),
            Node::String(s) => Value::String(s.clone()),
            Node::Array(items) => Value::Array(items.iter().map(Node::value).collect::<Option<_>>()?),
            Node::Object(members) => {
                let pairs = members.iter().map(|(k, v)| Some((k.clone(), v.value()?)));
                Value::Object(pairs.collect::<Option<Map<_, _>>>()?)
            }
            Node::TooDeep => return None,
        })
    }

    /// A key that this or any object in it has twice.
    #[must_use]
    pub fn repeated_key_within(&self) -> Option<&str> {
        let inner = match self {
            Node::Array(items) => items.iter().find_map(Node::repeated_key_within),
            Node::Object(members) => members.iter().find_map(|(_, node)| node.repeated_key_within()),
            _ => None,
        };
        inner.or_else(|| self.repeated_key())
    }

    /// The first key that an object has twice.
    pub(crate) fn repeated_key(&self) -> Option<&str> {
        let Node::Object(members) = self else { return None };
        let mut keys: Vec<&str> = members.iter().map(|(k, _)| k.as_str()).collect();
        keys.sort_unstable();
        keys.windows(2).find_map(|pair| match pair {
            [a, b] if a == b => Some(*a),
            _ => None,
        })
    }
}

/// Builds so many levels from any self-describing source.
pub(crate) struct Depth {
    pub(crate) left: usize,
}

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Number::from_f64(value).map_or(Node::Null, Node::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let Some(left) = self.left.checked_sub(1) else {
            while items.next_element::<IgnoredAny>()?.is_some() {}
            return Ok(Node::TooDeep);
        };
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(Depth { left })? {
            all.push(item);
        }
        all.shrink_to_fit();
        Ok(Node::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let Some(left) = self.left.checked_sub(1) else {
            while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
            return Ok(Node::TooDeep);
        };
        let mut all = Vec::new();
        while let Some(key) = members.next_key::<String>()? {
            all.push((key, members.next_value_seed(Depth { left })?));
        }
        all.shrink_to_fit();
        Ok(Node::Object(all))
    }
}
