//! An index with both its parts: asks the deciding one, and says of what it finds which record, which range and which pair of
//! events it rests on. Decides nothing itself.

use std::collections::HashMap;

use formats::Warning;
use formats::inventory::{Component, Inventory, PackageVersion, Unmatchable};
use formats::osv::Record;
use versions::Scheme;
use versions::osv::{Because, Compiled, Status};

use crate::alias::ids_sorted;
use crate::brief::{Body, Head};
use crate::build::{Builder, PackageView, Pieces};
use crate::decide::{Held, Hit, asked, ecosystem_number, package_same};
use crate::file::{Built, IndexError, Opening, cold_check};
use crate::finding::{Finding, InventoryMatch, Statement};
use crate::hot::Hot;
use crate::package::Same;
use crate::sheet::{Asked, word};

/// Advisories by package, ready to be asked and to explain.
#[derive(Debug)]
pub struct Index {
    hot: Hot,
    cold: Vec<u8>,
    heads_at: usize,
}

impl Index {
    /// Builds it in memory from records; withdrawn ones say nothing any more and are left out.
    ///
    /// # Errors
    /// [`IndexError::TooLarge`].
    pub fn build(records: impl IntoIterator<Item = Record>) -> Result<Self, IndexError> {
        let mut builder = Builder::default();
        for record in records {
            builder.take(&record);
        }
        Self::of_built(builder.build()?)
    }

    /// Takes what a [`Builder`] built; nobody need sign what was built here.
    ///
    /// # Errors
    /// None in practice: a built index is whole.
    pub fn of_built(built: Built) -> Result<Self, IndexError> {
        let (hot, cold) = Hot::of_built(built)?;
        Self::lay(hot, cold)
    }

    /// Adds the explaining part of the file that `hot` comes from.
    ///
    /// # Errors
    /// [`IndexError`] when it is not the one that was signed.
    pub fn open(hot: Hot, cold: Vec<u8>) -> Result<Self, IndexError> {
        cold_check(&hot.header, &cold)?;
        Self::lay(hot, cold)
    }

    /// Reads a whole file.
    ///
    /// # Errors
    /// [`IndexError`] when it is no index, or not one that `key` has signed.
    pub fn read(bytes: &[u8], key: &signing::PublicKey) -> Result<Self, IndexError> {
        let opening = Opening::read(bytes, key)?;
        let part = |(at, length): (u64, u64)| {
            let at = usize::try_from(at).unwrap_or(usize::MAX);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            bytes.get(at..at.saturating_add(length)).unwrap_or_default().to_vec()
        };
        let (hot, cold) = (part(opening.hot_at()), part(opening.cold_at()));
        Self::open(Hot::open(opening, hot)?, cold)
    }

    fn lay(hot: Hot, cold: Vec<u8>) -> Result<Self, IndexError> {
        let header = &hot.header;
        let words = [header.clusters, header.live, header.withdrawn, header.entries];
        let heads_at = words.iter().map(|count| 4 * *count as usize).sum();
        if cold.len() < heads_at {
            return Err(IndexError::Malformed("its explaining part is too short"));
        }
        Ok(Index { hot, cold, heads_at })
    }

    /// The part that decides.
    #[must_use]
    pub fn hot(&self) -> &Hot {
        &self.hot
    }

    /// Live records in it.
    #[must_use]
    pub fn records(&self) -> usize {
        self.hot.records()
    }

    /// Vulnerabilities in it: records that are one under several ids count once.
    #[must_use]
    pub fn vulnerabilities(&self) -> usize {
        self.hot.vulnerabilities()
    }

    /// Withdrawn records that were left out.
    #[must_use]
    pub fn withdrawn(&self) -> usize {
        self.hot.withdrawn()
    }

    fn piece(&self, number: usize) -> &[u8] {
        let ends = self.cold.get(4 * self.hot.vulnerabilities()..self.heads_at).unwrap_or_default();
        let start = if number == 0 { 0 } else { word(ends, number - 1) as usize };
        let pieces = self.cold.get(self.heads_at..).unwrap_or_default();
        pieces.get(start..word(ends, number) as usize).unwrap_or_default()
    }

    pub(crate) fn head(&self, record: u32) -> Head<'_> {
        postcard::from_bytes(self.piece(record as usize)).unwrap_or_default()
    }

    fn body(&self, entry: u32) -> Body<'_> {
        let heads = self.records() + self.withdrawn();
        postcard::from_bytes(self.piece(heads + entry as usize)).unwrap_or_default()
    }

    fn heads_of(&self, vulnerability: u32) -> impl Iterator<Item = Head<'_>> {
        let number = vulnerability as usize;
        let start = word(&self.cold, number);
        let last = number + 1 >= self.vulnerabilities();
        let end = if last { self.hot.header.live } else { word(&self.cold, number + 1) };
        (start..end).map(|record| self.head(record))
    }

    /// Every id of a vulnerability, the best known first.
    #[must_use]
    pub fn ids(&self, vulnerability: u32) -> Vec<String> {
        ids_sorted(self.heads_of(vulnerability))
    }

    /// What affects this component?
    ///
    /// # Errors
    /// [`Unmatchable`] when it is no version of a package that advisories could name.
    pub fn match_component(&self, component: &Component) -> Result<Vec<Finding>, Unmatchable> {
        component.matchable.as_ref().map(|package| self.match_package(package)).map_err(|reason| *reason)
    }

    /// What affects this version of this package? Affected first, then unknown; each by id.
    #[must_use]
    pub fn match_package(&self, package: &PackageVersion) -> Vec<Finding> {
        let mut asker = self.hot.asker();
        let hits = asker.ask(&package.ecosystem, &package.name, &package.version).to_vec();
        self.explain(package, &hits)
    }

    /// Says of each hit what it rests on.
    #[must_use]
    pub fn explain(&self, package: &PackageVersion, hits: &[Hit]) -> Vec<Finding> {
        if hits.is_empty() {
            return Vec::new();
        }
        let mut said: HashMap<u32, Vec<(u32, Statement)>> = HashMap::new();
        let group = self.hot.asker().group(&package.ecosystem, &package.name);
        for view in group.into_iter().flat_map(|group| group.packages()) {
            self.package_explain(&view, package, hits, &mut said);
        }
        let finding = |hit: &Hit| {
            let statements = said.remove(&hit.vulnerability()).unwrap_or_default();
            let statements: Vec<Statement> = statements.into_iter().map(|(_, statement)| statement).collect();
            Finding {
                ids: self.ids(hit.vulnerability()),
                status: hit.status(),
                package: package.clone(),
                statements,
                decided_by: None,
            }
        };
        let mut findings: Vec<Finding> = hits.iter().map(finding).collect();
        findings.sort_by(|a, b| (a.status, &a.ids).cmp(&(b.status, &b.ids)));
        findings
    }

    /// What the records about this very package say of a vulnerability that is known by one of these ids, or derives from it:
    /// also where they say "not affected".
    pub(crate) fn statements_about(&self, package: &PackageVersion, ids: &[String]) -> Vec<Statement> {
        let group = self.hot.asker().group(&package.ecosystem, &package.name);
        let views: Vec<PackageView<'_>> = group.into_iter().flat_map(|group| group.packages()).collect();
        let mut hits = Vec::new();
        for entry in views.iter().flat_map(|view| view.first..view.first.saturating_add(view.entries)) {
            let (record, vulnerability) = self.hot.entry(entry);
            let head = self.head(record);
            if head.ids().chain(head.upstream.iter().copied()).any(|id| ids.iter().any(|known| known == id)) {
                hits.push(Hit::new(vulnerability, Status::Unknown));
            }
        }
        let mut said = HashMap::new();
        for view in &views {
            self.package_explain(view, package, &hits, &mut said);
        }
        let mut all: Vec<Statement> = said.into_values().flatten().map(|(_, statement)| statement).collect();
        all.sort_by(|a, b| a.record.cmp(&b.record));
        all
    }

    fn package_explain(
        &self,
        view: &PackageView<'_>,
        package: &PackageVersion,
        hits: &[Hit],
        said: &mut HashMap<u32, Vec<(u32, Statement)>>,
    ) {
        let ecosystems = &self.hot.header.ecosystems;
        let number = ecosystem_number(ecosystems, &package.ecosystem);
        let same = package_same(view, ecosystems, Held { ecosystem: &package.ecosystem, name: &package.name, number });
        if same == Same::No {
            return;
        }
        let scheme = Scheme::of_ecosystem(&package.ecosystem);
        let mut key = Vec::new();
        let asked = asked(scheme, &package.version, &mut key);
        let mut statuses = vec![Status::NotAffected; view.entries as usize];
        view.sheet.decide(asked, view.entries, |entry, status| {
            if let Some(slot) = statuses.get_mut(entry as usize) {
                *slot = (*slot).min(status);
            }
        });
        for (entry, status) in (view.first..).zip(statuses) {
            let (record, vulnerability) = self.hot.entry(entry);
            if !hits.iter().any(|hit| hit.vulnerability() == vulnerability) {
                continue;
            }
            let head = self.head(record);
            let teller = (head.id, head.source());
            let (body, stated) = (self.body(entry), view_names(view, ecosystems));
            let statement = match same {
                Same::Yes => {
                    let unreadable = matches!(asked, Asked::Text(_));
                    statement(teller, scheme, &body, &package.version, (status, unreadable))
                }
                _ => elsewhere(teller, same, stated, body.at),
            };
            let statements = said.entry(vulnerability).or_default();
            // A record may name a package twice: what it says is its strongest word.
            match statements.iter_mut().find(|(other, _)| *other == record) {
                Some((_, known)) if known.status <= statement.status => {}
                Some((_, known)) => *known = statement,
                None => statements.push((record, statement)),
            }
        }
    }

    /// Matches every component; the same version of the same package is asked once.
    #[must_use]
    pub fn match_inventory(&self, inventory: &Inventory) -> InventoryMatch {
        crate::forward::inventory_match(self, inventory)
    }

    /// A builder that holds what this index holds, to be given what has changed.
    #[must_use]
    pub fn to_builder(&self) -> Builder {
        let mut builder = Builder::default();
        self.records_each(|pieces| builder.take_pieces(&pieces));
        builder
    }

    /// Every record, put together from where its pieces lie.
    pub(crate) fn records_each<'a>(&'a self, mut take: impl FnMut(Pieces<'a>)) {
        let ecosystems = &self.hot.header.ecosystems;
        let mut of_record: Vec<Vec<(&str, &str, Body<'_>)>> = vec![Vec::new(); self.records()];
        for view in self.hot.groups_walk().flat_map(|group| group.packages()) {
            let (ecosystem, name) = view_names(&view, ecosystems);
            for entry in view.first..view.first.saturating_add(view.entries) {
                if let Some(own) = of_record.get_mut(self.hot.entry(entry).0 as usize) {
                    own.push((ecosystem, name, self.body(entry)));
                }
            }
        }
        of_record.resize(self.records() + self.withdrawn(), Vec::new());
        for (record, mut affected) in (0..).zip(of_record) {
            affected.sort_by_key(|(_, _, body)| body.at);
            take(Pieces { head: self.head(record), affected });
        }
    }
}

fn view_names<'a>(view: &PackageView<'a>, ecosystems: &'a [String]) -> (&'a str, &'a str) {
    let ecosystem = ecosystems.get(usize::from(view.ecosystem)).map_or("", String::as_str);
    (ecosystem, std::str::from_utf8(view.name).unwrap_or_default())
}

/// What a record says that is about another name or another release.
fn elsewhere((record, said_by): (&str, &str), same: Same, stated: (&str, &str), at: u32) -> Statement {
    let because = match same {
        Same::CaseDiffers => format!("the record names {}: the same but for case, which counts here", stated.1),
        _ => format!("the record is about {}, and the inventory does not name that release", stated.0),
    };
    Statement {
        record: record.to_owned(),
        said_by: said_by.to_owned(),
        status: Status::Unknown,
        at: format!("affected[{at}]"),
        because,
        introduced: None,
        fixed: None,
        last_affected: None,
        comparer: None,
    }
}

fn statement(
    (record, said_by): (&str, &str),
    scheme: Option<Scheme>,
    body: &Body<'_>,
    version: &str,
    (status, unreadable): (Status, bool),
) -> Statement {
    let listed: Vec<String> = body.listed.iter().map(|version| (*version).to_owned()).collect();
    let evaluation = Compiled::new(scheme, &body.ranges(), &listed).evaluate(version);
    let mut because = evaluation.because;
    for reason in &mut because {
        if let Because::NotListed { versions } = reason {
            *versions = body.listed_count as usize;
        }
    }
    let mut sentence: Vec<String> = because.iter().map(ToString::to_string).collect();
    match (evaluation.status, status) {
        (Status::Affected, Status::Unknown) => {
            let known = body.last_known.unwrap_or_default();
            sentence.push(format!("no fix is stated, and the last version known to be affected is {known}"));
        }
        (Status::NotAffected, Status::Unknown) if !unreadable => {
            sentence.push("the range's events overlap or stand in the wrong order, so this is not certain".to_owned());
        }
        _ => {}
    }
    let at = match because.first() {
        Some(Because::Inside { range, .. } | Because::Outside { range, .. } | Because::PastLimit { range }) => {
            format!("affected[{}].ranges[{range}]", body.at)
        }
        Some(Because::BoundUnreadable { range, .. } | Because::RangeUndecidable { range, .. }) => {
            format!("affected[{}].ranges[{range}]", body.at)
        }
        Some(Because::Listed { .. } | Because::NotListed { .. }) => format!("affected[{}].versions", body.at),
        _ => format!("affected[{}]", body.at),
    };
    let bounds = because.into_iter().find_map(|reason| match reason {
        Because::Inside { bounds, .. } => Some(bounds),
        _ => None,
    });
    let bounds = bounds.unwrap_or_default();
    Statement {
        record: record.to_owned(),
        said_by: said_by.to_owned(),
        status,
        at,
        because: sentence.join("; "),
        introduced: bounds.introduced,
        fixed: bounds.fixed,
        last_affected: bounds.last_affected,
        comparer: scheme.map(|scheme| scheme.to_string()),
    }
}

/// Turns notes on records into lines for people.
#[must_use]
pub fn note(record: &Record, warning: &Warning) -> String {
    format!("{} {}: {}", record.id, warning.at, warning.text)
}
