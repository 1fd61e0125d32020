//! Groups: the packages that are looked up by one folded name, with their sheets, as they lie in a file and in memory. Must not
//! know records beyond their numbers.

use versions::Scheme;

use crate::brief::Body;
use crate::compile::compile;
use crate::package::{ecosystem_split, fold_into};
use crate::sheet::{self, ENDLESS, Sheet, Span};

/// Folded name's length, base, count of packages.
const GROUP_HEAD_BYTES: usize = 8;
/// Ecosystem, name's length, first entry, count of entries, sheet's length.
const PACKAGE_HEAD_BYTES: usize = 16;

/// One entry on its way into a group.
#[derive(Clone, Debug)]
pub(crate) struct Row<'a> {
    pub(crate) ecosystem: &'a str,
    /// Its number among the file's ecosystems.
    pub(crate) ecosystem_number: u16,
    pub(crate) base_number: u16,
    pub(crate) name: &'a str,
    pub(crate) folded: Vec<u8>,
    pub(crate) record: u32,
    pub(crate) body: &'a [u8],
}

impl<'a> Row<'a> {
    pub(crate) fn new(ecosystem: &'a str, name: &'a str, record: u32, body: &'a [u8]) -> Self {
        let mut folded = Vec::with_capacity(name.len());
        fold_into(ecosystem_split(ecosystem).0, name, &mut folded);
        Row { ecosystem, ecosystem_number: 0, base_number: 0, name, folded, record, body }
    }

    fn group(&self) -> (&'a str, &[u8]) {
        (ecosystem_split(self.ecosystem).0, &self.folded)
    }

    /// The order of a file: by group, package, record.
    pub(crate) fn order(&self) -> (&'a str, &[u8], &'a str, &'a str, u32, &'a [u8]) {
        let (base, folded) = self.group();
        (base, folded, self.ecosystem, self.name, self.record, self.body)
    }
}

/// A group as it was written.
pub(crate) struct Group {
    pub(crate) base: String,
    pub(crate) folded: Vec<u8>,
    /// Its offset in what was written.
    pub(crate) start: usize,
}

/// Writes the groups of sorted rows; entries are numbered in the rows' order. With the vulnerability of each record, answers are
/// written out where that pays: for a file, which is asked often.
pub(crate) fn groups_write(rows: &[Row<'_>], vulnerabilities: Option<&[u32]>, out: &mut Vec<u8>) -> Vec<Group> {
    let mut groups = Vec::new();
    let mut entry = 0;
    for group in rows.chunk_by(|a, b| a.group() == b.group()) {
        let Some(first) = group.first() else { continue };
        let (base, folded) = first.group();
        groups.push(Group { base: base.to_owned(), folded: folded.to_vec(), start: out.len() });
        let same = |a: &Row<'_>, b: &Row<'_>| (a.ecosystem, a.name) == (b.ecosystem, b.name);
        let packages = group.chunk_by(same).count();
        out.extend(short(folded.len()).to_le_bytes());
        out.extend(first.base_number.to_le_bytes());
        out.extend(long(packages).to_le_bytes());
        out.extend_from_slice(folded);
        for package in group.chunk_by(same) {
            package_write(package, entry, vulnerabilities, out);
            entry += long(package.len());
        }
    }
    groups
}

fn package_write(rows: &[Row<'_>], entry: u32, vulnerabilities: Option<&[u32]>, out: &mut Vec<u8>) {
    let Some(first) = rows.first() else { return };
    let mut sheet = Vec::new();
    sheet_write(first.ecosystem, rows, vulnerabilities, &mut sheet);
    out.extend(first.ecosystem_number.to_le_bytes());
    out.extend(short(first.name.len()).to_le_bytes());
    for number in [entry, long(rows.len()), long(sheet.len())] {
        out.extend(number.to_le_bytes());
    }
    out.extend_from_slice(first.name.as_bytes());
    out.extend_from_slice(&sheet);
}

/// The entries' own keys become the package's, and their positions move with them.
fn sheet_write(ecosystem: &str, rows: &[Row<'_>], vulnerabilities: Option<&[u32]>, out: &mut Vec<u8>) {
    let scheme = Scheme::of_ecosystem(ecosystem);
    let bodies: Vec<Body<'_>> = rows.iter().map(|row| postcard::from_bytes(row.body).unwrap_or_default()).collect();
    let mut pieces: Vec<_> = bodies.iter().map(|body| compile(scheme, body)).collect();
    let mut keys: Vec<Vec<u8>> = Vec::new();
    if let [only] = pieces.as_mut_slice() {
        keys = std::mem::take(&mut only.keys);
    } else {
        keys.extend(pieces.iter().flat_map(|piece| piece.keys.iter().cloned()));
        keys.sort_unstable();
        keys.dedup();
    }
    let alone = pieces.len() == 1;
    let (mut spans, mut texts) = (Vec::new(), Vec::new());
    for (entry, piece) in pieces.iter().enumerate() {
        let entry = long(entry);
        let new_of = |old: u32| {
            let key = piece.keys.get(old as usize);
            key.and_then(|key| keys.binary_search(key).ok()).map_or(0, long)
        };
        let moved = |position: u32, is_low: bool| match position {
            _ if alone => position,
            ENDLESS => ENDLESS,
            at if at % 2 == 1 => 2 * new_of(at / 2) + 1,
            0 if is_low => 0,
            at if is_low => 2 * new_of(at / 2 - 1) + 2,
            // A span that ends after the last key has no end.
            at if at as usize / 2 >= piece.keys.len() => ENDLESS,
            at => 2 * new_of(at / 2),
        };
        let span = |s: &Span| Span { low: moved(s.low, true), high: moved(s.high, false), entry, ..*s };
        spans.extend(piece.spans.iter().map(span));
        texts.extend(piece.texts.iter().map(|text| (*text, entry)));
    }
    let vulnerability = |all: &[u32], entry: u32| {
        let record = rows.get(entry as usize).map_or(0, |row| row.record);
        all.get(record as usize).copied().unwrap_or_default()
    };
    let answers = vulnerabilities.map(|all| sheet::answers(keys.len(), &spans, |entry| vulnerability(all, entry)));
    sheet::write(&keys, &spans, &texts, &answers.unwrap_or_default(), out);
}

fn short(number: usize) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}

fn long(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A group as it lies in a file or in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GroupView<'a> {
    pub(crate) base: u16,
    pub(crate) folded: &'a [u8],
    packages: u32,
    rest: &'a [u8],
}

/// One package of a group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PackageView<'a> {
    pub(crate) ecosystem: u16,
    pub(crate) name: &'a [u8],
    /// The number of its first entry in the file.
    pub(crate) first: u32,
    pub(crate) entries: u32,
    pub(crate) sheet: Sheet<'a>,
}

#[inline]
fn short_at(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..at + 2).and_then(|b| b.try_into().ok()).map_or(0, u16::from_le_bytes)
}

impl<'a> GroupView<'a> {
    #[inline]
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (head, rest) = bytes.split_at_checked(GROUP_HEAD_BYTES)?;
        let (folded, rest) = rest.split_at_checked(usize::from(short_at(head, 0)))?;
        Some(GroupView { base: short_at(head, 2), folded, packages: sheet::word(head, 1), rest })
    }

    pub(crate) fn packages(self) -> Packages<'a> {
        Packages { left: self.packages, rest: self.rest }
    }
}

/// Walks the packages of a group; what it leaves over is the next group.
#[derive(Clone, Debug)]
pub(crate) struct Packages<'a> {
    left: u32,
    pub(crate) rest: &'a [u8],
}

impl<'a> Iterator for Packages<'a> {
    type Item = PackageView<'a>;

    #[inline]
    fn next(&mut self) -> Option<PackageView<'a>> {
        self.left = self.left.checked_sub(1)?;
        let (head, rest) = self.rest.split_at_checked(PACKAGE_HEAD_BYTES)?;
        let (name, rest) = rest.split_at_checked(usize::from(short_at(head, 2)))?;
        let (sheet, rest) = rest.split_at_checked(sheet::word(head, 3) as usize)?;
        self.rest = rest;
        Some(PackageView {
            ecosystem: short_at(head, 0),
            name,
            first: sheet::word(head, 1),
            entries: sheet::word(head, 2),
            sheet: Sheet::read(sheet)?,
        })
    }
}
