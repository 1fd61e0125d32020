//! Builds an index from records, in whatever order they come. Keeps a record as some hundred bytes while it collects. Must not
//! look at anything but the records: the same ones give the same bytes.

mod groups;
mod lay;

use std::collections::HashMap;

use formats::Warning;
use formats::osv::Record;
use versions::Scheme;

use crate::brief::{Body, Head};
use crate::compile::compile;
use crate::file::{Built, INDEX_BYTES_MAX, IndexError};

pub(crate) use groups::{Group, GroupView, PackageView, Packages, Row, groups_write};

/// The longest package name or ecosystem that is kept, in bytes. Inventories have none that are longer.
pub const NAME_BYTES_MAX: usize = 4096;

/// A stretch of the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stretch {
    start: u32,
    end: u32,
}

/// One `affected` with a package.
#[derive(Clone, Copy, Debug)]
struct Kept {
    ecosystem: u32,
    name: Stretch,
    body: Stretch,
}

/// One record. Its `affected` lie beside each other.
#[derive(Clone, Copy, Debug)]
struct KeptRecord {
    head: Stretch,
    first: u32,
    count: u32,
}

/// Collects records.
#[derive(Debug, Default)]
pub struct Builder {
    arena: Vec<u8>,
    records: Vec<KeptRecord>,
    affected: Vec<Kept>,
    ecosystems: Vec<String>,
    ecosystem_numbers: HashMap<String, u32>,
    overflown: bool,
}

/// A record in pieces, on its way from a file back into a builder.
pub(crate) struct Pieces<'a> {
    pub(crate) head: Head<'a>,
    /// Ecosystem, name, body.
    pub(crate) affected: Vec<(&'a str, &'a str, Body<'a>)>,
}

impl Builder {
    /// Takes one record. Of several with one id those that were modified last count, whichever comes first: an older copy says
    /// nothing more, and where two sources tell of one id at one time both are heard. A withdrawn one is remembered as such, so
    /// that an older copy does not bring it back.
    pub fn take(&mut self, record: &Record) -> Vec<Warning> {
        self.take_said(record, "")
    }

    /// The same for a record whose id does not tell who said it.
    pub fn take_said(&mut self, record: &Record, said_by: &str) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut affected = Vec::new();
        for (at, entry) in record.affected.iter().enumerate() {
            let Some(package) = &entry.package else { continue };
            if package.name.len() > NAME_BYTES_MAX || package.ecosystem.len() > NAME_BYTES_MAX {
                let text = format!("a package name of more than {NAME_BYTES_MAX} bytes: no inventory can hold it");
                warnings.push(Warning::new("name_too_long", format!("affected[{at}].package"), text));
                continue;
            }
            let mut body = Body::of(at, entry);
            let piece = compile(Scheme::of_ecosystem(&package.ecosystem), &body);
            if piece.disordered {
                let text =
                    "events overlap or stand in the wrong order: where OSV's rule says not affected, unknown is told";
                warnings.push(Warning::new("events_disordered", format!("affected[{at}].ranges"), text));
            }
            // Most listed versions repeat what the ranges say; the rest are kept as exceptions.
            let mut spared = piece.spared.iter();
            body.listed.retain(|_| !spared.next().copied().unwrap_or_default());
            affected.push((package.ecosystem.as_str(), package.name.as_str(), body));
        }
        self.take_pieces(&Pieces { head: Head::of(record, said_by), affected });
        warnings
    }

    pub(crate) fn take_pieces(&mut self, pieces: &Pieces<'_>) {
        let head = self.push_encoded(&pieces.head);
        let first = u32::try_from(self.affected.len()).unwrap_or(u32::MAX);
        let said = if pieces.head.withdrawn { &[][..] } else { pieces.affected.as_slice() };
        for (ecosystem, name, body) in said {
            let ecosystem = self.ecosystem_number(ecosystem);
            let name = self.push(name.as_bytes());
            let body = self.push_encoded(body);
            self.affected.push(Kept { ecosystem, name, body });
        }
        let count = u32::try_from(said.len()).unwrap_or(u32::MAX);
        self.records.push(KeptRecord { head, first, count });
    }

    /// A record's bytes, by which copies are known.
    fn content(&self, record: &KeptRecord) -> impl Iterator<Item = &[u8]> {
        let kept = self.kept(record).iter();
        let ecosystem = |k: &Kept| self.ecosystems.get(k.ecosystem as usize).map_or(&[][..], String::as_bytes);
        let kept = kept.flat_map(move |k| [ecosystem(k), self.bytes(k.name), self.bytes(k.body)]);
        std::iter::once(self.bytes(record.head)).chain(kept)
    }

    fn kept(&self, record: &KeptRecord) -> &[Kept] {
        let first = record.first as usize;
        self.affected.get(first..first + record.count as usize).unwrap_or_default()
    }

    fn head(&self, record: &KeptRecord) -> Option<Head<'_>> {
        postcard::from_bytes(self.bytes(record.head)).ok()
    }

    fn bytes(&self, stretch: Stretch) -> &[u8] {
        self.arena.get(stretch.start as usize..stretch.end as usize).unwrap_or_default()
    }

    fn push(&mut self, bytes: &[u8]) -> Stretch {
        let start = self.arena.len();
        if start.saturating_add(bytes.len()) > INDEX_BYTES_MAX {
            self.overflown = true;
            return Stretch::default();
        }
        self.arena.extend_from_slice(bytes);
        let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Stretch { start: number(start), end: number(self.arena.len()) }
    }

    fn push_encoded(&mut self, value: &impl serde::Serialize) -> Stretch {
        let encoded = postcard::to_stdvec(value).unwrap_or_default();
        self.push(&encoded)
    }

    fn ecosystem_number(&mut self, ecosystem: &str) -> u32 {
        if let Some(number) = self.ecosystem_numbers.get(ecosystem) {
            return *number;
        }
        let number = u32::try_from(self.ecosystems.len()).unwrap_or(u32::MAX);
        self.ecosystems.push(ecosystem.to_owned());
        self.ecosystem_numbers.insert(ecosystem.to_owned(), number);
        number
    }

    /// Lays everything out.
    ///
    /// # Errors
    /// [`IndexError::TooLarge`].
    pub fn build(self) -> Result<Built, IndexError> {
        if self.overflown {
            return Err(IndexError::TooLarge);
        }
        lay::lay(&self)
    }
}
