//! Values on their way into and out of the database, and how a row becomes a typed struct.
//!
//! Must not guess: a value of another type or an unknown word is [`StoreError::Column`].

use std::borrow::Cow;
use std::str::FromStr;

use domain::id::{Id, Kind};
use domain::time::Timestamp;

use crate::error::StoreError;

/// One parameter or one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    Null,
    Int(i64),
    Text(Cow<'a, str>),
    Bytes(Cow<'a, [u8]>),
}

impl From<i64> for Value<'_> {
    fn from(v: i64) -> Self {
        Self::Int(v)
    }
}
impl From<bool> for Value<'_> {
    fn from(v: bool) -> Self {
        Self::Int(i64::from(v))
    }
}
impl From<Timestamp> for Value<'_> {
    fn from(v: Timestamp) -> Self {
        Self::Int(v.micros())
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(v: &'a str) -> Self {
        Self::Text(Cow::Borrowed(v))
    }
}
impl<'a> From<&'a String> for Value<'a> {
    fn from(v: &'a String) -> Self {
        Self::Text(Cow::Borrowed(v))
    }
}
impl From<String> for Value<'_> {
    fn from(v: String) -> Self {
        Self::Text(Cow::Owned(v))
    }
}
impl<'a> From<&'a Option<String>> for Value<'a> {
    fn from(v: &'a Option<String>) -> Self {
        v.as_deref().into()
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(v: &'a [u8]) -> Self {
        Self::Bytes(Cow::Borrowed(v))
    }
}
impl Value<'_> {
    /// A copy that borrows nothing.
    pub(crate) fn to_static(&self) -> Value<'static> {
        match self {
            Self::Null => Value::Null,
            Self::Int(v) => Value::Int(*v),
            Self::Text(v) => Value::Text(Cow::Owned(v.as_ref().to_owned())),
            Self::Bytes(v) => Value::Bytes(Cow::Owned(v.as_ref().to_owned())),
        }
    }
}
impl<K: Kind> From<Id<K>> for Value<'_> {
    fn from(v: Id<K>) -> Self {
        Self::Text(Cow::Owned(v.to_string()))
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(v: Option<T>) -> Self {
        v.map_or(Self::Null, Into::into)
    }
}

/// The values of one row to be written.
macro_rules! row {
    ($($value:expr),* $(,)?) => { [$($crate::value::Value::from($value)),*] };
}
pub(crate) use row;

/// Writes a list of parameters.
macro_rules! params {
    ($($value:expr),* $(,)?) => { &$crate::value::row![$($value),*] };
}
pub(crate) use params;

/// One row of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) values: Vec<Value<'static>>,
}

impl Row {
    /// Reads the columns one after the other; `of` names what is read, for errors.
    pub(crate) const fn fields(&self, of: &'static str) -> Fields<'_> {
        Fields { row: self, next: 0, of }
    }
}

/// The columns of one row, taken from left to right.
pub(crate) struct Fields<'a> {
    row: &'a Row,
    next: usize,
    of: &'static str,
}

impl<'a> Fields<'a> {
    fn refuse(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Column {
            doing: format!("read {}", self.of),
            column: self.next.saturating_sub(1),
            reason: reason.into(),
        }
    }

    fn take(&mut self) -> Result<&'a Value<'static>, StoreError> {
        let value = self.row.values.get(self.next);
        self.next += 1;
        value.ok_or_else(|| self.refuse("is missing"))
    }

    pub(crate) fn int_opt(&mut self) -> Result<Option<i64>, StoreError> {
        match self.take()? {
            Value::Null => Ok(None),
            Value::Int(v) => Ok(Some(*v)),
            _ => Err(self.refuse("is not an integer")),
        }
    }

    pub(crate) fn text_ref(&mut self) -> Result<Option<&'a str>, StoreError> {
        match self.take()? {
            Value::Null => Ok(None),
            Value::Text(v) => Ok(Some(v)),
            _ => Err(self.refuse("is not text")),
        }
    }

    pub(crate) fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        match self.take()? {
            Value::Bytes(v) => Ok(v.to_vec()),
            _ => Err(self.refuse("is not bytes")),
        }
    }

    fn there<T>(&self, value: Option<T>) -> Result<T, StoreError> {
        value.ok_or_else(|| self.refuse("is null"))
    }

    pub(crate) fn int(&mut self) -> Result<i64, StoreError> {
        let value = self.int_opt()?;
        self.there(value)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StoreError> {
        match self.int()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.refuse("is neither 0 nor 1")),
        }
    }

    pub(crate) fn text(&mut self) -> Result<String, StoreError> {
        let value = self.text_ref()?;
        self.there(value).map(str::to_owned)
    }

    pub(crate) fn text_opt(&mut self) -> Result<Option<String>, StoreError> {
        Ok(self.text_ref()?.map(str::to_owned))
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StoreError> {
        self.int().map(Timestamp::from_micros)
    }

    pub(crate) fn time_opt(&mut self) -> Result<Option<Timestamp>, StoreError> {
        Ok(self.int_opt()?.map(Timestamp::from_micros))
    }

    /// A column that parses: an id or a word of a closed list.
    pub(crate) fn parsed_opt<T>(&mut self) -> Result<Option<T>, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        match self.text_ref()? {
            None => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|e: T::Err| self.refuse(format!("does not parse: {e}"))),
        }
    }

    pub(crate) fn parsed<T>(&mut self) -> Result<T, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let value = self.parsed_opt()?;
        self.there(value)
    }

    /// Words with commas between them.
    pub(crate) fn words<T>(&mut self) -> Result<Vec<T>, StoreError>
    where
        T: FromStr,
        T::Err: std::fmt::Display,
    {
        let text = self.text_ref()?;
        let text = self.there(text)?;
        let words = text.split(',').filter(|w| !w.is_empty()).map(str::parse).collect::<Result<_, _>>();
        words.map_err(|e: T::Err| self.refuse(format!("does not parse: {e}")))
    }
}
