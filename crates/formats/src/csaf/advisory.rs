//! CSAF 2.0 and 2.1 documents read as advisories: an OSV record for each vulnerability, with what the document says of each package
//! that it names by a purl. Must not guess: a range that cannot be read makes the package's entry undecidable, never clean, and a
//! product without a purl is told and left out.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use versions::vers::Vers;

use crate::inventory::{WARNINGS_COUNT_MAX, matchable_of_purl};
use crate::json::Node;
use crate::osv::{Affected, Event, Package, RECORD_BYTES_MAX, Range, RangeKind, Record};
use crate::purl::Purl;
use crate::refusal::node_read;
use crate::{Unreadable, Warning};

const WHAT: &str = "a CSAF advisory";
/// The largest document that is read, in bytes: as large as an OSV record.
pub const CSAF_BYTES_MAX: usize = RECORD_BYTES_MAX;
/// Products that the vulnerabilities of one document name, each time counted.
const MENTIONS_COUNT_MAX: usize = 4_000_000;
/// Versions and bounds in what is made of one document, in bytes of memory: a short document can name a long range very often.
const STATED_BYTES_MAX: usize = 128 * 1024 * 1024;
/// What a text of a version takes beside its bytes.
const TEXT_OWN_BYTES: usize = 64;
/// An id is no longer than this, in bytes.
const ID_BYTES_MAX: usize = 256;
/// Other ids of one vulnerability that are kept.
const ALIASES_COUNT_MAX: usize = 50;

/// What a document says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Advisories {
    /// The publisher's name, who said it.
    pub said_by: String,
    /// A record for each vulnerability, with the ids `document/vulnerability`.
    pub records: Vec<Record>,
}

/// Whether these bytes may be a CSAF document: a look at the text, not at its structure.
#[must_use]
pub fn may_be_csaf(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|text| text.contains("\"csaf_version\""))
}

/// Reads a document; `None` when it is JSON of another kind.
///
/// # Errors
/// [`Unreadable`] when it is too large, no JSON, of another version of CSAF, or names more than the limits allow.
pub fn read(bytes: &[u8]) -> Result<Option<(Advisories, Vec<Warning>)>, Unreadable> {
    let root = node_read(WHAT, bytes, CSAF_BYTES_MAX)?;
    let Some((about, version)) = root.get("document").and_then(|about| Some((about, about.get("csaf_version")?)))
    else {
        return Ok(None);
    };
    if !matches!(version, Node::String(version) if version == "2.0" || version == "2.1") {
        let version = about.text("csaf_version").unwrap_or_default().chars().take(32).collect();
        return Err(Unreadable::UnknownVersion { what: WHAT, version, readable: "CSAF 2.0 and 2.1" });
    }
    let tracking = about.get("tracking").unwrap_or(&Node::Null);
    let Some(id) = tracking.text("id").filter(|id| id.len() <= ID_BYTES_MAX) else {
        let field = "document.tracking.id".to_owned();
        return Err(Unreadable::WrongShape { what: WHAT, field, expected: "an id" });
    };
    let publisher = about.get("publisher").and_then(|publisher| publisher.text("name")).unwrap_or(id);
    let said_by: String = publisher.chars().filter(|c| !c.is_control()).take(ID_BYTES_MAX / 4).collect();
    let mut reading =
        Reading { cpes: HashMap::new(), products: HashMap::new(), warnings: Vec::new(), mentions: 0, stated_bytes: 0 };
    reading.tree_take(root.get("product_tree").unwrap_or(&Node::Null));
    let modified = instant(tracking.text("current_release_date").unwrap_or_default());
    let gone = matches!(about.text("category"), Some("csaf_withdrawn" | "csaf_superseded"));
    let mut records = Vec::new();
    for (index, vulnerability) in root.items("vulnerabilities").iter().enumerate() {
        let at = format!("vulnerabilities[{index}]");
        let Some((name, aliases)) = ids(vulnerability) else {
            reading.warn("wrong_shape", &at, "without a CVE or another id: left out".to_owned());
            continue;
        };
        // A document that is called after its vulnerability is still not the record that has the bare id.
        let document = if id == name { said_by.as_str() } else { id };
        records.push(Record {
            id: format!("{document}/{name}"),
            modified: modified.clone(),
            withdrawn: gone.then(|| modified.clone()),
            aliases,
            summary: about.text("title").map(str::to_owned),
            affected: reading.affected(vulnerability, &at)?,
            ..Record::default()
        });
    }
    if records.is_empty() {
        reading.warn("nothing_said", "vulnerabilities", "the document names no vulnerability".to_owned());
    }
    Ok(Some((Advisories { said_by, records }, reading.warnings)))
}

/// The vulnerability's name, and all ids by which others know it: those of trackers are no names for it.
fn ids(vulnerability: &Node) -> Option<(String, Vec<String>)> {
    let known = |id: &&str| {
        let begins = id.starts_with(|c: char| c.is_ascii_alphabetic()) && id.contains('-');
        begins && id.len() <= ID_BYTES_MAX && id.bytes().all(|b| b.is_ascii_graphic())
    };
    let all = vulnerability.items("ids").iter().filter_map(|id| id.text("text"));
    let all: Vec<String> = vulnerability
        .text("cve")
        .into_iter()
        .chain(all)
        .filter(known)
        .map(str::to_owned)
        .take(ALIASES_COUNT_MAX)
        .collect();
    Some((all.first()?.clone(), all))
}

/// RFC 3339 in UTC ends in `Z` in every record, so that times are ordered as texts.
fn instant(text: &str) -> String {
    ["+00:00", "-00:00"]
        .into_iter()
        .find_map(|zero| text.strip_suffix(zero))
        .map_or_else(|| text.to_owned(), |t| t.to_owned() + "Z")
}

/// What a product of the tree is, where a purl says it.
#[derive(Clone, Debug)]
struct Product {
    ecosystem: String,
    name: String,
    versions: Versions,
}

/// Which versions a product stands for.
#[derive(Clone, Debug)]
enum Versions {
    One(String),
    Range {
        ranges: Vec<Range>,
        listed: Vec<String>,
    },
    Every,
    /// Some, that could not be read.
    Unreadable,
}

/// What is said of one package.
#[derive(Debug, Default)]
struct Claims {
    listed: BTreeSet<String>,
    ranges: Vec<Range>,
    first: BTreeSet<String>,
    last: BTreeSet<String>,
    fixed: BTreeSet<String>,
    every: bool,
    unreadable: bool,
}

struct Reading<'a> {
    /// The CPEs of products that have one: by them Red Hat's platforms are named.
    cpes: HashMap<&'a str, &'a str>,
    products: HashMap<&'a str, Option<Product>>,
    warnings: Vec<Warning>,
    mentions: usize,
    stated_bytes: usize,
}

/// A node of the tree that is still to be looked at, with the version that the branches above it state.
type Open<'a> = (&'a Node, Option<(&'a str, &'a str)>);

impl<'a> Reading<'a> {
    fn warn(&mut self, code: &'static str, at: &str, text: String) {
        if self.warnings.len() < WARNINGS_COUNT_MAX {
            self.warnings.push(Warning::new(code, at, text));
        }
    }

    fn tree_take(&mut self, tree: &'a Node) {
        for product in tree.items("full_product_names") {
            self.product_take(product, None, None);
        }
        let mut open: Vec<Open<'a>> = tree.items("branches").iter().map(|branch| (branch, None)).collect();
        while let Some((branch, above)) = open.pop() {
            let stated = branch.text("category").zip(branch.text("name"));
            let stated =
                stated.filter(|(category, _)| matches!(*category, "product_version" | "product_version_range"));
            let version = stated.or(above);
            open.extend(branch.items("branches").iter().map(|inner| (inner, version)));
            if matches!(branch.get("branches"), Some(Node::TooDeep)) {
                self.warn("too_deep", "product_tree.branches", "branches below this level are not read".to_owned());
            }
            if let Some(product) = branch.get("product") {
                self.product_take(product, version, None);
            }
        }
        // A product as part of another one: a relationship names products that stand before it, so there is no circle to follow.
        for relationship in tree.items("relationships") {
            let part = relationship.text("product_reference").and_then(|id| self.products.get(id)).cloned().flatten();
            let platform = relationship.text("relates_to_product_reference").and_then(|id| self.cpes.get(id).copied());
            if let Some(product) = relationship.get("full_product_name") {
                self.product_take(product, None, Some((part, platform)));
            }
        }
    }

    /// `version` is the category and the name of the branch that it stands at, `part` what it is made of and the CPE of the platform.
    fn product_take(
        &mut self,
        product: &'a Node,
        version: Option<(&str, &str)>,
        part: Option<(Option<Product>, Option<&str>)>,
    ) {
        let Some(id) = product.text("product_id") else { return };
        let helper = product.get("product_identification_helper");
        // CSAF 2.1 has a list of purls in place of one.
        let purl = helper.and_then(|helper| {
            let first = || {
                helper
                    .items("purls")
                    .iter()
                    .find_map(|purl| if let Node::String(purl) = purl { Some(purl.as_str()) } else { None })
            };
            helper.text("purl").or_else(first)
        });
        if let Some(cpe) = helper.and_then(|helper| helper.text("cpe")) {
            self.cpes.insert(id, cpe);
        }
        let (part, platform) = part.unwrap_or_default();
        let mut read = match purl.map(|purl| product_read(purl, version)) {
            Some(Ok(product)) => Some(product),
            Some(Err(reason)) => {
                self.warn("not_matchable", id, reason);
                None
            }
            None => part,
        };
        // OSV calls Red Hat's releases by what their CPEs have behind the vendor.
        let release = platform.and_then(|cpe| cpe.split_once(":redhat:")).map(|(_, release)| release);
        if let (Some(product), Some(release)) = (&mut read, release)
            && product.ecosystem == "Red Hat"
        {
            product.ecosystem = format!("Red Hat:{release}");
        }
        if let Some(Product { versions: Versions::Unreadable, .. }) = read {
            let range = version.map_or("", |(_, range)| range).chars().take(200).collect::<String>();
            self.warn("range_unreadable", id, format!("{range:?} is no range that can be compared: unknown is told"));
        }
        if self.products.insert(id, read).is_some() {
            self.warn("repeated_product", id, "this product stands twice in the tree: the last one counts".to_owned());
        }
    }

    fn affected(&mut self, vulnerability: &'a Node, at: &str) -> Result<Vec<Affected>, Unreadable> {
        let mut claims: BTreeMap<(String, String), Claims> = BTreeMap::new();
        let groups = vulnerability.get("product_status").unwrap_or(&Node::Null);
        let mut without = HashSet::new();
        for group in ["known_affected", "first_affected", "last_affected", "fixed", "first_fixed"] {
            let mut told = HashSet::new();
            for node in groups.items(group) {
                self.mentions += 1;
                if self.mentions > MENTIONS_COUNT_MAX {
                    let entries = "mentions of products";
                    return Err(Unreadable::TooMany { what: WHAT, entries, count_max: MENTIONS_COUNT_MAX });
                }
                let Node::String(id) = node else { continue };
                if !told.insert(id.as_str()) {
                    continue;
                }
                let Some(Some(product)) = self.products.get(id.as_str()) else {
                    without.insert(id.as_str());
                    continue;
                };
                self.stated_bytes += product.versions.bytes();
                if self.stated_bytes > STATED_BYTES_MAX {
                    let entries = "bytes of versions that its vulnerabilities name";
                    return Err(Unreadable::TooMany { what: WHAT, entries, count_max: STATED_BYTES_MAX });
                }
                let key = (product.ecosystem.clone(), product.name.clone());
                claims.entry(key).or_default().take(group, &product.versions);
            }
        }
        if !without.is_empty() {
            let mut some: Vec<&str> = without.iter().copied().take(3).collect();
            some.sort_unstable();
            let text = format!(
                "{} products have no purl that can be compared, as {}: left out",
                without.len(),
                some.join(", ")
            );
            self.warn("no_package", at, text.chars().take(500).collect());
        }
        let mut affected: Vec<Affected> = claims.into_iter().map(|(package, claims)| claims.stated(package)).collect();
        if affected.is_empty() {
            // So that an index counts it among those that name no package.
            affected.push(Affected::default());
        }
        Ok(affected)
    }
}

fn product_read(purl: &str, version: Option<(&str, &str)>) -> Result<Product, String> {
    let shown: String = purl.chars().take(200).collect();
    let purl: Purl = purl.parse().map_err(|e| format!("{shown:?}: {e}"))?;
    // The purl's own version comes first; what has none is asked about as if it had one.
    let beside = version.filter(|(category, _)| *category == "product_version").map(|(_, version)| version);
    let package = matchable_of_purl(&purl, Some(beside.unwrap_or("0"))).map_err(|e| format!("{shown:?}: {e:?}"))?;
    let versions = match (&purl.version, version) {
        (None, Some(("product_version_range", range))) => range_read(range),
        (None, None) => Versions::Every,
        _ => Versions::One(package.version),
    };
    Ok(Product { ecosystem: package.ecosystem.into_owned(), name: package.name, versions })
}

fn range_read(text: &str) -> Versions {
    let read = text.trim().parse::<Vers>().ok().and_then(|range| range.to_osv().ok());
    let Some((ranges, listed)) = read else { return Versions::Unreadable };
    let event = |event: versions::osv::Event| match event {
        versions::osv::Event::Introduced(v) => Event::Introduced(v),
        versions::osv::Event::Fixed(v) => Event::Fixed(v),
        versions::osv::Event::LastAffected(v) => Event::LastAffected(v),
        versions::osv::Event::Limit(v) => Event::Limit(v),
    };
    let ranges = ranges.into_iter().map(|range| range_of(range.events.into_iter().map(event).collect())).collect();
    Versions::Range { ranges, listed }
}

fn range_of(events: Vec<Event>) -> Range {
    Range { kind: RangeKind::Ecosystem, events, ..Range::default() }
}

impl Versions {
    fn bytes(&self) -> usize {
        match self {
            Versions::One(version) => version.len() + TEXT_OWN_BYTES,
            Versions::Every | Versions::Unreadable => TEXT_OWN_BYTES,
            Versions::Range { ranges, listed } => {
                let events =
                    ranges.iter().flat_map(|range| &range.events).map(|event| event.parts().1.len() + TEXT_OWN_BYTES);
                events.chain(listed.iter().map(|version| version.len() + TEXT_OWN_BYTES)).sum()
            }
        }
    }
}

impl Claims {
    fn take(&mut self, group: &str, versions: &Versions) {
        let set = match group {
            "first_affected" => &mut self.first,
            "last_affected" => &mut self.last,
            "fixed" | "first_fixed" => &mut self.fixed,
            _ => &mut self.listed,
        };
        match versions {
            Versions::One(version) => drop(set.insert(version.clone())),
            Versions::Range { ranges, listed } if group == "known_affected" => {
                self.ranges.extend(ranges.iter().cloned());
                self.listed.extend(listed.iter().cloned());
            }
            // Where what is fixed begins, is what counts.
            Versions::Range { ranges, listed } if group.ends_with("fixed") => {
                let begins = ranges.iter().flat_map(|range| &range.events).filter_map(|event| match event {
                    Event::Introduced(version) if version != "0" => Some(version.clone()),
                    _ => None,
                });
                self.fixed.extend(begins.chain(listed.iter().cloned()));
            }
            Versions::Every if group == "known_affected" => self.every = true,
            // Every version fixed, the first affected of all, or what could not be read.
            Versions::Every if group.ends_with("fixed") => {}
            _ => self.unreadable = true,
        }
    }

    /// What the package's entry says. Where a document names fixes and no more, what lies below them is affected; where it
    /// names several, what lies between them is not certain, as for every range whose ends do not pair.
    fn stated(mut self, (ecosystem, name): (String, String)) -> Affected {
        let bounded = !self.first.is_empty() || !self.last.is_empty();
        let fixes_alone = !self.fixed.is_empty() && self.listed.is_empty() && self.ranges.is_empty();
        if bounded || self.every || (fixes_alone && !self.unreadable) {
            let mut events: Vec<Event> = self.first.into_iter().map(Event::Introduced).collect();
            if events.is_empty() {
                events.push(Event::Introduced("0".to_owned()));
            }
            events.extend(self.last.into_iter().map(Event::LastAffected));
            events.extend(self.fixed.into_iter().map(Event::Fixed));
            self.ranges.push(range_of(events));
        }
        if self.unreadable {
            self.ranges.push(Range { kind: RangeKind::Unreadable, ..Range::default() });
        }
        Affected {
            package: Some(Package { ecosystem, name, purl: None }),
            ranges: self.ranges,
            versions: self.listed.into_iter().collect(),
            ..Affected::default()
        }
    }
}
