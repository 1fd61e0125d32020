//! The part of an index that decides. Answers with numbers only: what they mean, the cold part says.

use versions::Scheme;

use crate::build::{GroupView, Packages};
use crate::decide::{Held, Hit, Sheets, asked, base, ecosystem_number, group_decide};
use crate::file::{Built, Header, IndexError, Opening};
use crate::package::{Folding, fold_by, folding};
use crate::sheet::word;
use crate::table::{self, SLOT_BYTES};

/// A record's and a vulnerability's number.
const ENTRY_BYTES: usize = 8;

/// Ecosystems that an asker remembers: inventories hold a few.
const ECOSYSTEMS_MET_MAX: usize = 32;

/// The deciding part of an index.
#[derive(Debug)]
pub struct Hot {
    pub(crate) header: Header,
    header_bytes: Vec<u8>,
    signature: Vec<u8>,
    bytes: Vec<u8>,
    groups_at: usize,
    entries_at: usize,
}

impl Hot {
    /// Takes the deciding part of the file of which `opening` is the beginning.
    ///
    /// # Errors
    /// [`IndexError`] when it is not the one that was signed.
    pub fn open(opening: Opening, bytes: Vec<u8>) -> Result<Self, IndexError> {
        opening.hot_check(&bytes)?;
        Self::lay(opening.header, opening.header_bytes, opening.signature, bytes)
    }

    pub(crate) fn of_built(built: Built) -> Result<(Self, Vec<u8>), IndexError> {
        Ok((Self::lay(built.header, built.header_bytes, Vec::new(), built.hot)?, built.cold))
    }

    fn lay(header: Header, header_bytes: Vec<u8>, signature: Vec<u8>, bytes: Vec<u8>) -> Result<Self, IndexError> {
        let groups_at = (header.slots as usize).saturating_mul(SLOT_BYTES);
        let entries_at = groups_at.saturating_add(header.groups_bytes as usize);
        let end = entries_at.saturating_add((header.entries as usize).saturating_mul(ENTRY_BYTES));
        if end != bytes.len() || !header.slots.is_power_of_two() {
            return Err(IndexError::Malformed("its parts do not fit"));
        }
        Ok(Hot { header, header_bytes, signature, bytes, groups_at, entries_at })
    }

    /// Live records in it.
    #[must_use]
    pub fn records(&self) -> usize {
        self.header.live as usize
    }

    /// Vulnerabilities in it: records that are one under several ids count once.
    #[must_use]
    pub fn vulnerabilities(&self) -> usize {
        self.header.clusters as usize
    }

    /// Withdrawn records that were left out.
    #[must_use]
    pub fn withdrawn(&self) -> usize {
        self.header.withdrawn as usize
    }

    /// Entries that name no package, and so can match none.
    #[must_use]
    pub fn unnamed(&self) -> usize {
        self.header.unnamed as usize
    }

    /// Its size in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The signature of its header, and the header.
    pub(crate) fn signed(&self) -> (&[u8], &[u8]) {
        (&self.signature, &self.header_bytes)
    }

    pub(crate) fn slots(&self) -> &[u8] {
        self.bytes.get(..self.groups_at).unwrap_or_default()
    }

    pub(crate) fn groups(&self) -> &[u8] {
        self.bytes.get(self.groups_at..self.entries_at).unwrap_or_default()
    }

    /// The record and the vulnerability of an entry.
    pub(crate) fn entry(&self, entry: u32) -> (u32, u32) {
        let entries = self.bytes.get(self.entries_at..).unwrap_or_default();
        (word(entries, 2 * entry as usize), word(entries, 2 * entry as usize + 1))
    }

    /// Every group, in the file's order.
    pub(crate) fn groups_walk(&self) -> impl Iterator<Item = GroupView<'_>> {
        let mut rest = self.groups();
        std::iter::from_fn(move || {
            let group = GroupView::read(rest)?;
            let mut packages: Packages<'_> = group.packages();
            (&mut packages).for_each(drop);
            rest = packages.rest;
            Some(group)
        })
    }

    /// Somebody who asks: keeps what it needs between questions.
    #[must_use]
    pub fn asker(&self) -> Asker<'_> {
        Asker {
            hot: self,
            known: Known::default(),
            met: Vec::new(),
            folded: Vec::new(),
            key: Vec::new(),
            hits: Vec::new(),
        }
    }
}

impl Sheets for Hot {
    fn ecosystems(&self) -> &[String] {
        &self.header.ecosystems
    }

    #[inline]
    fn vulnerability(&self, entry: u32) -> u32 {
        self.entry(entry).1
    }
}

/// What is known of an ecosystem.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    base: Option<u16>,
    number: Option<u16>,
    scheme: Option<Scheme>,
    folding: Folding,
    seed: u64,
}

/// Asks an index many times.
#[derive(Debug)]
pub struct Asker<'i> {
    hot: &'i Hot,
    /// Of the last question.
    known: Known,
    /// The ecosystems that were asked for, at most [`ECOSYSTEMS_MET_MAX`].
    met: Vec<(String, Known)>,
    folded: Vec<u8>,
    key: Vec<u8>,
    hits: Vec<Hit>,
}

impl<'i> Asker<'i> {
    /// The vulnerabilities of this version, each once. Does not allocate once its buffers are warm.
    #[inline]
    pub fn ask(&mut self, ecosystem: &str, name: &str, version: &str) -> &[Hit] {
        self.hits.clear();
        if let Some(group) = self.group(ecosystem, name) {
            let held = Held { ecosystem, name, number: self.known.number };
            let asked = asked(self.known.scheme, version, &mut self.key);
            group_decide(group, self.hot, held, asked, &mut self.hits);
        }
        &self.hits
    }

    /// The group that a name falls into.
    #[inline]
    pub(crate) fn group(&mut self, ecosystem: &str, name: &str) -> Option<GroupView<'i>> {
        self.known = self.ecosystem_known(ecosystem);
        let base_number = self.known.base?;
        self.folded.clear();
        fold_by(self.known.folding, name, &mut self.folded);
        let place = table::place(self.known.seed, &self.folded);
        let groups = self.hot.groups();
        let views = table::candidates(self.hot.slots(), place).filter_map(|at| GroupView::read(groups.get(at..)?));
        views.into_iter().find(|group| group.base == base_number && group.folded == self.folded)
    }

    #[inline]
    fn ecosystem_known(&mut self, ecosystem: &str) -> Known {
        match self.met.iter().find(|(name, _)| name == ecosystem) {
            Some((_, known)) => *known,
            None => self.ecosystem_meet(ecosystem),
        }
    }

    #[cold]
    fn ecosystem_meet(&mut self, ecosystem: &str) -> Known {
        let header = &self.hot.header;
        let known = Known {
            base: ecosystem_number(&header.bases, base(ecosystem)),
            number: ecosystem_number(&header.ecosystems, ecosystem),
            scheme: Scheme::of_ecosystem(ecosystem),
            folding: folding(base(ecosystem)),
            seed: table::seed(base(ecosystem)),
        };
        if self.met.len() == ECOSYSTEMS_MET_MAX {
            self.met.clear();
        }
        self.met.push((ecosystem.to_owned(), known));
        known
    }
}
