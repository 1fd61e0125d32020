//! Maven's ComparableVersion as of Maven 3.9: numbers, qualifiers and nested lists, a list being opened by a hyphen and by
//! each change between letters and digits. Where Maven's own order runs in a circle, this one does not: `docs/versions.md`.

use crate::key::{Key, Reason};
use crate::version::VERSION_BYTES_MAX;

/// A character makes at most two items: the list it opens, and what it ends.
const ITEMS_MAX: usize = 2 * VERSION_BYTES_MAX + 4;

/// Kinds of parts, lowest first. An empty place of the shorter version is [`END`].
const BELOW_RELEASE: u8 = 1;
const LIST_BELOW: u8 = 2;
const RELEASE_BELOW: u8 = 3;
const ZERO_BELOW: u8 = 4;
const END: u8 = 5;
const RELEASE_ABOVE: u8 = 6;
const ABOVE_RELEASE: u8 = 7;
const LIST_ABOVE: u8 = 8;
const ZERO_ABOVE: u8 = 9;
const NUMBER: u8 = 10;

/// Within [`ABOVE_RELEASE`].
const SERVICE_PACK: u8 = 2;
const OTHER: u8 = 3;

#[derive(Clone, Copy)]
enum Item<'a> {
    List,
    Number(&'a [u8]),
    Zero,
    /// `""`, `ga`, `final`, `release`: the release itself.
    Release,
    /// The place in alpha, beta, milestone, rc, snapshot.
    Below(u8),
    ServicePack,
    Other(&'a [u8]),
}

struct Items<'a> {
    all: [Item<'a>; ITEMS_MAX],
    len: usize,
    /// Items put into the list that is open, before any are dropped.
    in_list: usize,
}

impl<'a> Items<'a> {
    fn push(&mut self, item: Item<'a>) {
        if let Some(place) = self.all.get_mut(self.len) {
            *place = item;
            self.len += 1;
            self.in_list += 1;
        }
    }

    fn items(&self) -> &[Item<'a>] {
        self.all.get(..self.len).unwrap_or_default()
    }

    /// What counts as nothing is dropped where a list begins or ends.
    fn nothing_drop(&mut self) {
        while let Some(Item::Zero | Item::Release) = self.items().last() {
            self.len -= 1;
        }
    }

    fn list_open(&mut self) {
        self.nothing_drop();
        self.push(Item::List);
        self.in_list = 0;
    }

    fn list_open_unless_empty(&mut self) {
        if self.in_list > 0 {
            self.list_open();
        }
    }

    fn finish(&mut self) {
        self.nothing_drop();
        while let Some(Item::List) = self.items().last() {
            self.len -= 1;
            self.nothing_drop();
        }
    }
}

pub(crate) fn write(text: &[u8], key: &mut Key) -> Result<(), Reason> {
    if text.eq_ignore_ascii_case(b"latest") || text.eq_ignore_ascii_case(b"release") {
        return Err("a word for whichever version is newest, not a version");
    }
    if text.iter().any(|b| b"$[](),{}/\\<>*^=|".contains(b)) {
        return Err("a property, a range or a path, not a version");
    }
    let mut items = Items { all: [Item::List; ITEMS_MAX], len: 0, in_list: 0 };
    items_read(text, &mut items);
    items.finish();
    items_write(items.items(), key);
    Ok(())
}

fn items_read<'a>(text: &'a [u8], items: &mut Items<'a>) {
    let (mut start, mut digits) = (0, false);
    for (i, byte) in text.iter().enumerate() {
        let part = text.get(start..i).unwrap_or_default();
        match byte {
            b'.' | b'-' => {
                items.push(if part.is_empty() { Item::Zero } else { item(part, digits, false) });
                start = i + 1;
                if *byte == b'-' {
                    items.list_open();
                }
            }
            b'0'..=b'9' => {
                if !digits && !part.is_empty() {
                    items.list_open_unless_empty();
                    items.push(item(part, false, true));
                    start = i;
                    items.list_open();
                }
                digits = true;
            }
            _ => {
                if digits && !part.is_empty() {
                    items.push(item(part, true, false));
                    start = i;
                    items.list_open();
                }
                digits = false;
            }
        }
    }
    let part = text.get(start..).unwrap_or_default();
    if !part.is_empty() {
        if !digits {
            items.list_open_unless_empty();
        }
        items.push(item(part, digits, false));
    }
}

fn item(part: &[u8], digits: bool, digit_follows: bool) -> Item<'_> {
    if digits {
        return if part.iter().all(|b| *b == b'0') { Item::Zero } else { Item::Number(part) };
    }
    let is = |word: &str| part.eq_ignore_ascii_case(word.as_bytes());
    let short = |letter: &str| digit_follows && is(letter);
    match () {
        () if is("alpha") || short("a") => Item::Below(0),
        () if is("beta") || short("b") => Item::Below(1),
        () if is("milestone") || short("m") => Item::Below(2),
        () if is("rc") || is("cr") => Item::Below(3),
        () if is("snapshot") => Item::Below(4),
        () if is("ga") || is("final") || is("release") => Item::Release,
        () if is("sp") => Item::ServicePack,
        () => Item::Other(part),
    }
}

fn items_write(items: &[Item<'_>], key: &mut Key) {
    // Whether the first thing that counts, from each place on, lies below the release: only the last run needs looking at.
    let mut below_until = 0;
    let mut below = false;
    for (i, item) in items.iter().enumerate() {
        if i >= below_until {
            let ahead = items.iter().skip(i);
            let nothing = ahead.take_while(|item| matches!(item, Item::List | Item::Zero | Item::Release)).count();
            below = matches!(items.get(i + nothing), Some(Item::Below(_)));
            below_until = i + nothing + 1;
        }
        match item {
            Item::List => key.tag(if below { LIST_BELOW } else { LIST_ABOVE }),
            Item::Zero => {
                key.release_note(b"0");
                key.tag(if below { ZERO_BELOW } else { ZERO_ABOVE });
            }
            Item::Release => key.tag(if below { RELEASE_BELOW } else { RELEASE_ABOVE }),
            Item::Below(place) => {
                key.release_end();
                key.prerelease_note();
                key.tag(BELOW_RELEASE);
                key.tag(*place);
            }
            Item::ServicePack => {
                key.release_end();
                key.tag(ABOVE_RELEASE);
                key.tag(SERVICE_PACK);
            }
            Item::Other(part) => {
                key.release_end();
                key.tag(ABOVE_RELEASE);
                key.tag(OTHER);
                key.text_lower(part);
            }
            Item::Number(digits) => {
                key.tag(NUMBER);
                key.release(digits);
            }
        }
    }
    key.tag(END);
}
