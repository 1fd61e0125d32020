//! The sheet of one package: the borders that its advisories draw, as sorted keys, and the spans of positions between them that
//! each entry affects. Holds the one function that decides, for both directions and for the file as for memory.
//!
//! With `n` keys there are `2n + 1` positions: `2i + 1` is exactly at key `i`, `2i` lies between keys `i - 1` and `i`. A version
//! is placed once, by a binary search; after that every entry answers by comparing two numbers.

use std::cmp::Ordering;

use versions::osv::Status;

/// The end of a span that has no end.
pub(crate) const ENDLESS: u32 = u32::MAX;
/// Set in a span's entry number when the span says "unknown" and not "affected".
const UNKNOWN_BIT: u32 = 1 << 31;
/// Bytes of the counts before everything else.
const HEAD_BYTES: usize = 12;
const WORD_BYTES: usize = 4;
const SPAN_BYTES: usize = 12;

/// Positions `low..=high` of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Span {
    pub(crate) low: u32,
    pub(crate) high: u32,
    pub(crate) entry: u32,
    /// `Affected` or `Unknown`.
    pub(crate) status: Status,
}

/// What is asked about.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked<'a> {
    /// A version that could be read, as its key.
    Key(&'a [u8]),
    /// A version that could not: only texts that are listed word for word can name it.
    Text(&'a str),
}

/// A sheet as it lies in memory or in a file: counts, ends of keys, spans, ends and entries of texts, keys, texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet<'a> {
    ends: &'a [u8],
    spans: &'a [u8],
    texts: &'a [u8],
    pool: &'a [u8],
}

pub(crate) fn word(bytes: &[u8], index: usize) -> u32 {
    let at = index * WORD_BYTES;
    bytes.get(at..at + WORD_BYTES).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<'a> Sheet<'a> {
    /// `None` when the bytes are too few for the counts they begin with.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (ends, rest) = rest.split_at_checked(size(word(head, 0)).checked_mul(WORD_BYTES)?)?;
        let (spans, rest) = rest.split_at_checked(size(word(head, 1)).checked_mul(SPAN_BYTES)?)?;
        let (texts, pool) = rest.split_at_checked(size(word(head, 2)).checked_mul(2 * WORD_BYTES)?)?;
        Some(Sheet { ends, spans, texts, pool })
    }

    /// Tells of every entry that affects what is asked, or may do so; an entry may be named more than once. `entries` is how
    /// many there are.
    #[inline]
    pub(crate) fn decide(&self, asked: Asked<'_>, entries: u32, mut tell: impl FnMut(u32, Status)) {
        match asked {
            Asked::Key(key) => {
                let at = self.position(key);
                for span in self.spans.chunks_exact(SPAN_BYTES) {
                    if word(span, 0) <= at && at <= word(span, 1) {
                        let entry = word(span, 2);
                        let status = if entry & UNKNOWN_BIT == 0 { Status::Affected } else { Status::Unknown };
                        tell(entry & !UNKNOWN_BIT, status);
                    }
                }
            }
            Asked::Text(text) => {
                for entry in 0..entries {
                    tell(entry, Status::Unknown);
                }
                let count = self.texts.len() / (2 * WORD_BYTES);
                for index in (0..count).filter(|index| self.text(*index) == text.as_bytes()) {
                    tell(word(self.texts, 2 * index + 1), Status::Affected);
                }
            }
        }
    }

    fn keys_count(&self) -> usize {
        self.ends.len() / WORD_BYTES
    }

    fn key(&self, index: usize) -> &'a [u8] {
        let start = if index == 0 { 0 } else { size(word(self.ends, index - 1)) };
        self.pool.get(start..size(word(self.ends, index))).unwrap_or_default()
    }

    fn text(&self, index: usize) -> &'a [u8] {
        let keys = self.keys_count();
        let start = match (index, keys) {
            (0, 0) => 0,
            (0, _) => size(word(self.ends, keys - 1)),
            _ => size(word(self.texts, 2 * (index - 1))),
        };
        self.pool.get(start..size(word(self.texts, 2 * index))).unwrap_or_default()
    }

    fn position(&self, key: &[u8]) -> u32 {
        let (mut low, mut high) = (0, self.keys_count());
        while low < high {
            let middle = low.midpoint(high);
            match self.key(middle).cmp(key) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return u32::try_from(2 * middle + 1).unwrap_or(ENDLESS),
            }
        }
        u32::try_from(2 * low).unwrap_or(ENDLESS)
    }
}

/// Writes a sheet. `keys` are sorted and without repetition.
pub(crate) fn write(keys: &[Vec<u8>], spans: &[Span], texts: &[(&str, u32)], out: &mut Vec<u8>) {
    let mut push = |number: usize| out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    push(keys.len());
    push(spans.len());
    push(texts.len());
    let mut end = 0;
    for key in keys {
        end += key.len();
        push(end);
    }
    for span in spans {
        push(size(span.low));
        push(size(span.high));
        push(size(span.entry | if span.status == Status::Unknown { UNKNOWN_BIT } else { 0 }));
    }
    for (text, entry) in texts {
        end += text.len();
        push(end);
        push(size(*entry));
    }
    for key in keys {
        out.extend_from_slice(key);
    }
    for (text, _) in texts {
        out.extend_from_slice(text.as_bytes());
    }
}
