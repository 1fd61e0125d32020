//! A second implementation of the question, as plain and slow as the text it comes from (the pseudocode in OSV's schema), against
//! which the index is held. It asks every record about every version, one event after the other. Shares no code with it but the
//! order of two versions, which `versions` holds against the ecosystems' own tools.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use formats::osv::{Affected, Event, RangeKind, Record};
use matching::Status;
use versions::{Scheme, Version};

/// One `affected` with its versions read once: reading is not what is slow on purpose.
pub struct Entry<'a> {
    pub record: usize,
    pub affected: &'a Affected,
    scheme: Option<Scheme>,
    ranges: Vec<Vec<(&'a Event, Option<Version>)>>,
    listed: Vec<Option<Version>>,
}

/// Everything, by package.
pub struct Reference<'a> {
    pub groups: Vec<usize>,
    pub packages: BTreeMap<(String, String), Vec<Entry<'a>>>,
}

impl<'a> Reference<'a> {
    pub fn new(records: &'a [Record]) -> Self {
        let mut packages: BTreeMap<(String, String), Vec<Entry<'a>>> = BTreeMap::new();
        for (record, affected) in
            records.iter().enumerate().flat_map(|(i, r)| r.affected.iter().map(move |affected| (i, affected)))
        {
            let (Some(package), None) = (&affected.package, &records[record].withdrawn) else { continue };
            let scheme = Scheme::of_ecosystem(&package.ecosystem);
            let read = |text: &str| scheme.and_then(|s| Version::read_bound(s, text).ok());
            let ranges =
                affected.ranges.iter().map(|range| range.events.iter().map(|e| (e, read(e.parts().1))).collect());
            let entry = Entry {
                record,
                affected,
                scheme,
                ranges: ranges.collect(),
                listed: affected.versions.iter().map(|v| read(v)).collect(),
            };
            packages
                .entry((package.ecosystem.clone(), plain(&package.ecosystem, &package.name)))
                .or_default()
                .push(entry);
        }
        Reference { groups: groups(records), packages }
    }

    /// What every record of a package says, the strongest word of each vulnerability.
    pub fn ask(&self, ecosystem: &str, name: &str, version: &str) -> BTreeMap<usize, Status> {
        let mut said = BTreeMap::new();
        for entry in self.packages.get(&(ecosystem.to_owned(), plain(ecosystem, name))).into_iter().flatten() {
            let exact = entry.affected.package.as_ref().unwrap().name == name;
            let status = match exact || matches!(ecosystem, "PyPI" | "crates.io" | "NuGet") {
                true => entry.said(version),
                // A tool may have lowered the name.
                false if name.chars().any(|c| c.is_ascii_uppercase()) => Status::NotAffected,
                false => Status::Unknown,
            };
            let known = said.entry(self.groups[entry.record]).or_insert(Status::NotAffected);
            *known = status.min(*known);
        }
        said.retain(|_, status| *status != Status::NotAffected);
        said
    }
}

fn plain(ecosystem: &str, name: &str) -> String {
    let mut out = name.to_ascii_lowercase();
    if ecosystem == "PyPI" {
        out = out.replace(['_', '.'], "-");
        while out.contains("--") {
            out = out.replace("--", "-");
        }
    }
    if ecosystem == "crates.io" { out.replace('_', "-") } else { out }
}

/// Records that share an id are one: labels flow along shared ids until nothing changes.
fn groups(records: &[Record]) -> Vec<usize> {
    let mut labels: Vec<usize> = (0..records.len()).collect();
    loop {
        let mut by_id: HashMap<&str, usize> = HashMap::new();
        let live = || records.iter().enumerate().filter(|(_, r)| r.withdrawn.is_none());
        let ids = |r: &'_ Record| std::iter::once(r.id.clone()).chain(r.aliases.clone()).collect::<BTreeSet<_>>();
        for (index, record) in live() {
            for id in std::iter::once(&record.id).chain(&record.aliases) {
                let label = by_id.entry(id).or_insert(labels[index]);
                *label = labels[index].min(*label);
            }
        }
        let mut changed = false;
        for (index, record) in live() {
            let least = ids(record).iter().map(|id| by_id[id.as_str()]).min().unwrap();
            changed |= least < labels[index];
            labels[index] = least;
        }
        if !changed {
            return labels;
        }
    }
}

impl Entry<'_> {
    pub fn said(&self, text: &str) -> Status {
        let version = self.scheme.and_then(|s| Version::read(s, text).ok());
        for (listed, read) in self.affected.versions.iter().zip(&self.listed) {
            let same = matches!((&version, read), (Some(a), Some(b)) if a.cmp(b) == Ordering::Equal);
            if listed == text || same {
                return Status::Affected;
            }
        }
        let Some(version) = version else { return Status::Unknown };
        let mut undecided = false;
        let mut decided = !self.affected.versions.is_empty();
        for (range, events) in self.affected.ranges.iter().zip(&self.ranges) {
            let begins = events.iter().any(|(e, _)| matches!(e, Event::Introduced(_)));
            let unread = events.iter().any(|(e, read)| read.is_none() && !matches!(e.parts().1, "0" | "*"));
            match range.kind {
                RangeKind::Git => continue,
                _ if range.kind == RangeKind::Unreadable || !begins || unread => undecided = true,
                _ if before_limits(&version, events) && vulnerable(&version, events) => return Status::Affected,
                _ if before_limits(&version, events) && is_in_doubt(self.scheme, &words(events), text) => {
                    undecided = true
                }
                _ => decided = true,
            }
        }
        if undecided || !decided { Status::Unknown } else { Status::NotAffected }
    }
}

/// Walks the sorted events, as the pseudocode does.
fn vulnerable(version: &Version, events: &[(&Event, Option<Version>)]) -> bool {
    let sorted = sorted(events);
    let mut vulnerable = false;
    for (event, at) in &sorted {
        match event {
            Event::Introduced(v) if v == "0" || Some(version) >= at.as_ref() => vulnerable = true,
            Event::Fixed(_) if Some(version) >= at.as_ref() => vulnerable = false,
            Event::LastAffected(_) if Some(version) > at.as_ref() => vulnerable = false,
            _ => {}
        }
    }
    vulnerable
}

/// The events but the limits, in order: `introduced: "0"` is below everything; an insertion sort, which is stable.
fn sorted<'a>(events: &[(&'a Event, Option<Version>)]) -> Vec<(&'a Event, Option<Version>)> {
    let below = |a: &(&Event, Option<Version>), b: &(&Event, Option<Version>)| {
        let zero = |e: &Event| matches!(e, Event::Introduced(v) if v == "0");
        match (zero(a.0), zero(b.0)) {
            (true, other) => !other,
            (false, true) => false,
            (false, false) => a.1 < b.1,
        }
    };
    let mut sorted: Vec<(&Event, Option<Version>)> = Vec::new();
    for event in events.iter().filter(|(e, _)| !matches!(e, Event::Limit(_))) {
        let at = sorted.iter().position(|other| below(event, other)).unwrap_or(sorted.len());
        sorted.insert(at, event.clone());
    }
    sorted
}

fn words<'a>(events: &[(&'a Event, Option<Version>)]) -> Vec<(&'a str, &'a str)> {
    sorted(events).into_iter().map(|(event, _)| event.parts()).collect()
}

/// Stricter than OSV's rule: where an end ends nothing, the events overlap or stand in the wrong order, and between the first
/// and the last of them nothing is certain. `events` are sorted.
pub fn is_in_doubt(scheme: Option<Scheme>, events: &[(&str, &str)], version: &str) -> bool {
    let Some(scheme) = scheme else { return false };
    let (Ok(version), Some(first), Some(last)) = (Version::read(scheme, version), events.first(), events.last()) else {
        return false;
    };
    let read = |text: &str| Version::read_bound(scheme, text).unwrap();
    let (mut open, mut disordered) = (false, false);
    for (word, _) in events {
        disordered |= *word != "introduced" && !open;
        open = *word == "introduced";
    }
    let from = first.1 == "0" || version >= read(first.1);
    let to = match *last {
        (_, "0") => false,
        ("last_affected", end) => version <= read(end),
        (_, end) => version < read(end),
    };
    disordered && from && to
}

fn before_limits(version: &Version, events: &[(&Event, Option<Version>)]) -> bool {
    let mut limits = events.iter().filter(|(e, _)| matches!(e, Event::Limit(_))).peekable();
    limits.peek().is_none() || limits.any(|(e, at)| e.parts().1 == "*" || Some(version) < at.as_ref())
}
