//! Pages of lists: newest first, with an opaque cursor made of the last id that was shown.
//!
//! Must not count: a total would tell an outsider about rows it may not see.

use std::fmt;
use std::str::FromStr;

use domain::id::{Id, Kind};
use thiserror::Error;

use crate::error::StoreError;

/// Rows in one page, at most.
pub const PAGE_ROWS_MAX: u32 = 100;
/// Rows in one page when nothing is said.
pub const PAGE_ROWS_DEFAULT: u32 = 25;
/// Longest cursor, in bytes.
pub const CURSOR_BYTES_MAX: usize = 128;

/// Where a list goes on. Its text form is opaque to clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

/// A text that is not a cursor given out by this store.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a cursor of this service")]
pub struct MalformedCursor;

impl Cursor {
    /// The cursor that goes on after this id.
    #[must_use]
    pub fn after<K: Kind>(last: Id<K>) -> Self {
        Self(last.to_string())
    }

    fn last<K: Kind>(&self) -> Result<Id<K>, StoreError> {
        self.0.parse().map_err(|_| StoreError::CursorForeign)
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.bytes().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl FromStr for Cursor {
    type Err = MalformedCursor;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > CURSOR_BYTES_MAX || !text.len().is_multiple_of(2) {
            return Err(MalformedCursor);
        }
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|d| u8::try_from(d).ok());
        let bytes = text.as_bytes().chunks_exact(2).map(|pair| Some((digit(pair[0])? << 4) | digit(pair[1])?));
        let bytes: Vec<u8> = bytes.collect::<Option<_>>().ok_or(MalformedCursor)?;
        let inner = String::from_utf8(bytes).map_err(|_| MalformedCursor)?;
        let plain = inner.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if plain { Ok(Self(inner)) } else { Err(MalformedCursor) }
    }
}

/// Which page of a list is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Go on after this; none for the first page.
    pub cursor: Option<Cursor>,
    /// Rows wanted; cut to 1 to [`PAGE_ROWS_MAX`].
    pub limit: u32,
}

impl Default for Page {
    fn default() -> Self {
        Self { cursor: None, limit: PAGE_ROWS_DEFAULT }
    }
}

impl Page {
    fn rows(&self) -> u32 {
        self.limit.clamp(1, PAGE_ROWS_MAX)
    }

    /// The id below which the page starts.
    pub(crate) fn before<K: Kind>(&self) -> Result<Option<Id<K>>, StoreError> {
        self.cursor.as_ref().map(Cursor::last).transpose()
    }

    /// Rows to ask for: one more than wanted shows whether there is a next page.
    pub(crate) fn fetch(&self) -> i64 {
        i64::from(self.rows()) + 1
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T> {
    /// The rows, newest first.
    pub items: Vec<T>,
    /// Where the next page starts; none at the end.
    pub next: Option<Cursor>,
}

impl<T> Listed<T> {
    /// Cuts the extra row that [`Page::fetch`] asked for.
    pub(crate) fn cut<K: Kind>(mut items: Vec<T>, page: &Page, id: impl Fn(&T) -> Id<K>) -> Self {
        let rows = usize::try_from(page.rows()).unwrap_or(usize::MAX);
        let more = items.len() > rows;
        items.truncate(rows);
        let next = if more { items.last().map(|last| Cursor::after(id(last))) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{CaseId, NoticeId};

    #[test]
    fn a_cursor_survives_its_text_and_stays_in_its_list() {
        let id = CaseId::new(1_700_000_000_000, [7; 10]);
        let cursor: Cursor = Cursor::after(id).to_string().parse().unwrap();
        let page = Page { cursor: Some(cursor), limit: 1_000 };
        assert_eq!(page.before().unwrap(), Some(id));
        assert_eq!(page.fetch(), 101);
        assert!(matches!(page.before::<domain::id::NoticeKind>(), Err(StoreError::CursorForeign)));
        let _: NoticeId = NoticeId::new(1, [0; 10]);
        for bad in ["", "0", "zz", "ff", "27", &"61".repeat(65)] {
            assert_eq!(bad.parse::<Cursor>(), Err(MalformedCursor), "{bad}");
        }
    }
}
