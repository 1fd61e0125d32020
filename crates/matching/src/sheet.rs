//! The sheet of one package: the borders that its advisories draw, as sorted keys, and the spans of positions between them that
//! each entry affects. Holds the one function that decides, for both directions and for the file as for memory.
//!
//! With `n` keys there are `2n + 1` positions: `2i + 1` is exactly at key `i`, `2i` lies between keys `i - 1` and `i`. A version
//! is placed once, by a binary search; after that every entry answers by comparing two numbers. Where entries are many, a file has
//! the answers of each position written out beside them, each vulnerability once: then a version costs its search and what it is
//! told. What is written out is never more than [`ANSWER_WORDS_PER_PART_MAX`] for each key and span.

use std::cmp::Ordering;
use std::collections::HashMap;

use versions::osv::Status;

/// The end of a span that has no end.
pub(crate) const ENDLESS: u32 = u32::MAX;
/// Bytes of the counts before everything else.
const HEAD_BYTES: usize = 16;
const WORD_BYTES: usize = 4;
/// Of each key: its first bytes, how long it is, and where the rest of it ends in the pool.
const KEY_BYTES: usize = 16;
/// So many bytes of a key lie in the list of keys itself, zeros behind a shorter one: most comparisons end there, in memory that
/// the search has before it anyway.
const KEY_FIRST_BYTES: usize = 8;
const SPAN_BYTES: usize = 12;
/// Spans that are looked through as fast as an answer is found.
const SPANS_SCANNED_MAX: usize = 4;
/// Words of written answers for each key and span: a package whose answers would take more has its spans looked through.
pub(crate) const ANSWER_WORDS_PER_PART_MAX: usize = 128;

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

/// A sheet as it lies in memory or in a file: counts, keys, spans, ends and entries of texts, answers, rests of keys, texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sheet<'a> {
    keys: &'a [u8],
    spans: &'a [u8],
    texts: &'a [u8],
    answers: &'a [u8],
    pool: &'a [u8],
}

#[inline]
pub(crate) fn word(bytes: &[u8], index: usize) -> u32 {
    let at = index * WORD_BYTES;
    bytes.get(at..at + WORD_BYTES).and_then(|b| b.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// A number, and in its lowest bit whether it is affected or not known to be: in the order of the numbers, the stronger word first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Told(u32);

impl Told {
    #[inline]
    pub(crate) fn new(number: u32, status: Status) -> Self {
        Told(number << 1 | u32::from(status != Status::Affected))
    }

    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0 >> 1
    }

    #[inline]
    pub(crate) fn status(self) -> Status {
        if self.0 & 1 == 0 { Status::Affected } else { Status::Unknown }
    }
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

impl<'a> Sheet<'a> {
    /// `None` when the bytes are too few for the counts they begin with.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(HEAD_BYTES)?;
        let (keys, rest) = rest.split_at_checked(size(word(head, 0)).checked_mul(KEY_BYTES)?)?;
        let (spans, rest) = rest.split_at_checked(size(word(head, 1)).checked_mul(SPAN_BYTES)?)?;
        let (texts, rest) = rest.split_at_checked(size(word(head, 2)).checked_mul(2 * WORD_BYTES)?)?;
        let (answers, pool) = rest.split_at_checked(size(word(head, 3)).checked_mul(WORD_BYTES)?)?;
        Some(Sheet { keys, spans, texts, answers, pool })
    }

    /// Each vulnerability that affects what is asked, or may do so, once and ascending, where answers are written out.
    #[inline]
    pub(crate) fn answer(&self, asked: Asked<'_>) -> Option<impl Iterator<Item = Told> + use<'a>> {
        let Asked::Key(key) = asked else { return None };
        if self.answers.is_empty() {
            return None;
        }
        let at = size(word(self.answers, size(self.position(key))));
        let start = (at + 1) * WORD_BYTES;
        let list = self.answers.get(start..start + size(word(self.answers, at)) * WORD_BYTES).unwrap_or_default();
        Some(list.as_chunks::<WORD_BYTES>().0.iter().map(|bytes| Told(u32::from_le_bytes(*bytes))))
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
                        let told = Told(word(span, 2));
                        tell(told.number(), told.status());
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
        self.keys.len() / KEY_BYTES
    }

    /// Where the rests of so many keys end in the pool.
    fn rests_end(&self, keys: usize) -> usize {
        keys.checked_sub(1).map_or(0, |last| size(word(self.keys, last * KEY_BYTES / WORD_BYTES + 3)))
    }

    fn text(&self, index: usize) -> &'a [u8] {
        let start = match index.checked_sub(1) {
            None => self.rests_end(self.keys_count()),
            Some(before) => size(word(self.texts, 2 * before)),
        };
        self.pool.get(start..size(word(self.texts, 2 * index))).unwrap_or_default()
    }

    #[inline]
    fn position(&self, key: &[u8]) -> u32 {
        let first = key_first(key);
        let (mut low, mut high) = (0, self.keys_count());
        while low < high {
            let middle = low.midpoint(high);
            let known = self.keys.get(middle * KEY_BYTES..).and_then(|keys| keys.first_chunk::<KEY_FIRST_BYTES>());
            let known = known.map_or(0, |first| u64::from_be_bytes(*first));
            let order = known.cmp(&first).then_with(|| self.rest_compare(middle, key));
            match order {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => return u32::try_from(2 * middle + 1).unwrap_or(ENDLESS),
            }
        }
        u32::try_from(2 * low).unwrap_or(ENDLESS)
    }

    /// The order of a key of the sheet and another one, of which the first bytes are the same. Where one of them has no more than
    /// those, what the other has more than that is zeros and then its rest: it is the longer one, and the greater.
    #[inline]
    fn rest_compare(&self, index: usize, key: &[u8]) -> Ordering {
        let length = size(word(self.keys, index * KEY_BYTES / WORD_BYTES + 2));
        match key.get(KEY_FIRST_BYTES..) {
            Some(rest) if length > KEY_FIRST_BYTES && !rest.is_empty() => {
                let known = self.pool.get(self.rests_end(index)..self.rests_end(index + 1)).unwrap_or_default();
                known.cmp(rest)
            }
            _ => length.cmp(&key.len()),
        }
    }
}

/// The first bytes of a key as a number.
#[inline]
fn key_first(key: &[u8]) -> u64 {
    if let Some(first) = key.first_chunk::<KEY_FIRST_BYTES>() {
        return u64::from_be_bytes(*first);
    }
    let mut first = [0; KEY_FIRST_BYTES];
    for (to, from) in first.iter_mut().zip(key) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

/// What each position answers: for each the place of its list, then the lists, each behind its length. Nothing where a look through
/// the spans is as good, or where there would be too much.
pub(crate) fn answers(keys: usize, spans: &[Span], vulnerability: impl Fn(u32) -> u32) -> Vec<u32> {
    let positions = 2 * keys + 1;
    let last = u32::try_from(positions - 1).unwrap_or(ENDLESS);
    let length = |span: &Span| size(span.high.min(last)).saturating_sub(size(span.low)).saturating_add(1);
    let total = spans.iter().map(length).fold(positions, usize::saturating_add);
    if spans.len() <= SPANS_SCANNED_MAX || total > ANSWER_WORDS_PER_PART_MAX * (keys + spans.len()) {
        return Vec::new();
    }
    let mut lists: Vec<Vec<Told>> = vec![Vec::new(); positions];
    for span in spans {
        let word = Told::new(vulnerability(span.entry), span.status);
        for list in lists.get_mut(size(span.low)..=size(span.high.min(last))).unwrap_or_default() {
            list.push(word);
        }
    }
    let (mut words, mut places) = (vec![0; positions], HashMap::new());
    for (at, mut list) in lists.into_iter().enumerate() {
        // The stronger word of a vulnerability comes first.
        list.sort_unstable();
        list.dedup_by_key(|word| word.number());
        let end = words.len();
        let place = *places.entry(list).or_insert_with_key(|list| {
            words.push(u32::try_from(list.len()).unwrap_or_default());
            words.extend(list.iter().map(|told| told.0));
            u32::try_from(end).unwrap_or_default()
        });
        if let Some(slot) = words.get_mut(at) {
            *slot = place;
        }
    }
    words
}

/// Writes a sheet. `keys` are sorted and without repetition.
pub(crate) fn write(keys: &[Vec<u8>], spans: &[Span], texts: &[(&str, u32)], answers: &[u32], out: &mut Vec<u8>) {
    let mut push = |number: usize| out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    push(keys.len());
    push(spans.len());
    push(texts.len());
    push(answers.len());
    let mut end = 0;
    for key in keys {
        out.extend(key_first(key).to_be_bytes());
        out.extend(u32::try_from(key.len()).unwrap_or(u32::MAX).to_le_bytes());
        end += key.len().saturating_sub(KEY_FIRST_BYTES);
        out.extend(u32::try_from(end).unwrap_or(u32::MAX).to_le_bytes());
    }
    let mut push = |number: usize| out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
    for span in spans {
        push(size(span.low));
        push(size(span.high));
        push(size(Told::new(span.entry, span.status).0));
    }
    for (text, entry) in texts {
        end += text.len();
        push(end);
        push(size(*entry));
    }
    for word in answers {
        push(size(*word));
    }
    for key in keys {
        out.extend_from_slice(key.get(KEY_FIRST_BYTES..).unwrap_or_default());
    }
    for (text, _) in texts {
        out.extend_from_slice(text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Short keys, long ones, zeros in them and behind them: the place is that of a plain search.
        #[test]
        fn a_key_is_placed_as_a_plain_search_places_it(
            keys in proptest::collection::btree_set(proptest::collection::vec(0u8..2, 0..12), 0..30),
            asked in proptest::collection::vec(0u8..2, 0..12),
        ) {
            let keys: Vec<Vec<u8>> = keys.into_iter().collect();
            let mut bytes = Vec::new();
            write(&keys, &[], &[("text", 7)], &[], &mut bytes);
            let sheet = Sheet::read(&bytes).unwrap();
            prop_assert_eq!(sheet.text(0), b"text");
            for key in keys.iter().chain([&asked]) {
                let plain = match keys.binary_search(key) {
                    Ok(at) => 2 * at + 1,
                    Err(at) => 2 * at,
                };
                prop_assert_eq!(sheet.position(key) as usize, plain);
            }
        }
    }
}
