//! Lays collected records out as an index: clusters, groups, table. Must not depend on the order in which records came.

use std::collections::BTreeSet;

use super::{Builder, KeptRecord, Row, groups_write};
use crate::alias::roots;
use crate::brief::Head;
use crate::file::{Built, Header, IndexError};
use crate::package::ecosystem_split;
use crate::table;

pub(super) fn lay(builder: &Builder) -> Result<Built, IndexError> {
    let (records, heads, starts) = ordered(builder);
    let live = heads.iter().filter(|head| !head.withdrawn).count();
    let (ecosystems, bases) = names(builder, &records);
    let mut rows = rows(builder, &records, &ecosystems, &bases)?;
    rows.sort_unstable_by(|a, b| a.order().cmp(&b.order()));
    let mut groups_bytes = Vec::new();
    let clusters = cluster_numbers(&starts, live);
    let groups = groups_write(&rows, Some(&clusters), &mut groups_bytes);
    let slots = table::write(&groups)?;
    let mut hot = Vec::with_capacity(slots.len() + groups_bytes.len() + rows.len() * 8);
    hot.extend_from_slice(&slots);
    hot.extend_from_slice(&groups_bytes);
    for row in &rows {
        hot.extend(row.record.to_le_bytes());
        hot.extend(clusters.get(row.record as usize).copied().unwrap_or_default().to_le_bytes());
    }
    let header = Header {
        slots: number(slots.len() / table::SLOT_BYTES)?,
        groups_bytes: number(groups_bytes.len())?,
        entries: number(rows.len())?,
        live: number(live)?,
        withdrawn: number(heads.len() - live)?,
        clusters: number(starts.len())?,
        unnamed: heads.iter().filter(|head| !head.withdrawn).map(|head| head.unnamed).fold(0, u32::saturating_add),
        ecosystems: ecosystems.into_iter().map(str::to_owned).collect(),
        bases: bases.into_iter().map(str::to_owned).collect(),
        ..Header::default()
    };
    drop(groups_bytes);
    Built::new(header, hot, cold(builder, &records, &rows, &starts)?)
}

fn number(length: usize) -> Result<u32, IndexError> {
    u32::try_from(length).map_err(|_| IndexError::TooLarge)
}

/// Live records, those of a vulnerability beside each other; then withdrawn ones. Also where each vulnerability begins.
fn ordered(builder: &Builder) -> (Vec<KeptRecord>, Vec<Head<'_>>, Vec<u32>) {
    let (live, gone): (Vec<_>, Vec<_>) = newest(builder).into_iter().partition(|(_, head)| !head.withdrawn);
    let heads: Vec<Head<'_>> = live.iter().map(|(_, head)| head.clone()).collect();
    let roots = roots(&heads);
    let mut order: Vec<usize> = (0..live.len()).collect();
    order.sort_unstable_by_key(|index| (roots.get(*index).copied().unwrap_or_default(), *index));
    let mut starts = Vec::new();
    let mut last = None;
    for (place, index) in order.iter().enumerate() {
        let root = roots.get(*index);
        if root != last {
            starts.push(u32::try_from(place).unwrap_or(u32::MAX));
            last = root;
        }
    }
    let sorted = order.into_iter().filter_map(|index| live.get(index).cloned()).chain(gone);
    let (records, heads) = sorted.unzip();
    (records, heads, starts)
}

/// By id, and of each id those that were modified last, each once.
fn newest(builder: &Builder) -> Vec<(KeptRecord, Head<'_>)> {
    let read = |record: &KeptRecord| Some((*record, builder.head(record)?));
    let mut all: Vec<(KeptRecord, Head<'_>)> = builder.records.iter().filter_map(read).collect();
    all.sort_unstable_by(|(a, a_head), (b, b_head)| {
        let by_time = (a_head.id, b_head.modified).cmp(&(b_head.id, a_head.modified));
        by_time.then_with(|| builder.content(a).cmp(builder.content(b)))
    });
    all.dedup_by(|(later, later_head), (first, first_head)| {
        let older = later_head.id == first_head.id && later_head.modified != first_head.modified;
        older || (later_head.id == first_head.id && builder.content(later).eq(builder.content(first)))
    });
    all
}

fn cluster_numbers(starts: &[u32], live: usize) -> Vec<u32> {
    let mut numbers = Vec::with_capacity(live);
    for (cluster, start) in starts.iter().enumerate() {
        let end = starts.get(cluster + 1).map_or(live, |end| *end as usize);
        numbers.extend((*start as usize..end).map(|_| u32::try_from(cluster).unwrap_or(u32::MAX)));
    }
    numbers
}

/// The ecosystems that are named, with and without their releases.
fn names<'a>(builder: &'a Builder, records: &[KeptRecord]) -> (Vec<&'a str>, Vec<&'a str>) {
    let used: BTreeSet<u32> =
        records.iter().flat_map(|record| builder.kept(record)).map(|kept| kept.ecosystem).collect();
    let name = |number: &u32| builder.ecosystems.get(*number as usize).map(String::as_str);
    let ecosystems: BTreeSet<&str> = used.iter().filter_map(name).collect();
    let bases: BTreeSet<&str> = ecosystems.iter().map(|ecosystem| ecosystem_split(ecosystem).0).collect();
    (ecosystems.into_iter().collect(), bases.into_iter().collect())
}

fn rows<'a>(
    builder: &'a Builder,
    records: &[KeptRecord],
    ecosystems: &[&str],
    bases: &[&str],
) -> Result<Vec<Row<'a>>, IndexError> {
    // Both lists are short, but a row each would search them anew.
    let mut numbers = Vec::with_capacity(builder.ecosystems.len());
    for ecosystem in &builder.ecosystems {
        let own = ecosystems.binary_search(&ecosystem.as_str()).unwrap_or_default();
        let base = bases.binary_search(&ecosystem_split(ecosystem).0).unwrap_or_default();
        let short = |n: usize| u16::try_from(n).map_err(|_| IndexError::TooLarge);
        numbers.push((short(own)?, short(base)?));
    }
    let mut rows = Vec::new();
    for (record, number) in records.iter().zip(0u32..) {
        for kept in builder.kept(record) {
            let ecosystem = builder.ecosystems.get(kept.ecosystem as usize).map_or("", String::as_str);
            let name = std::str::from_utf8(builder.bytes(kept.name)).unwrap_or_default();
            let mut row = Row::new(ecosystem, name, number, builder.bytes(kept.body));
            (row.ecosystem_number, row.base_number) = numbers.get(kept.ecosystem as usize).copied().unwrap_or_default();
            rows.push(row);
        }
    }
    Ok(rows)
}

/// Where clusters begin, where heads and bodies end, then these themselves.
fn cold(builder: &Builder, records: &[KeptRecord], rows: &[Row<'_>], starts: &[u32]) -> Result<Vec<u8>, IndexError> {
    let heads: Vec<&[u8]> = records.iter().map(|record| builder.bytes(record.head)).collect();
    let lengths = heads.iter().map(|head| head.len()).chain(rows.iter().map(|row| row.body.len()));
    let total: usize = lengths.clone().sum();
    let mut cold = Vec::with_capacity(total + 4 * (starts.len() + heads.len() + rows.len()));
    for start in starts {
        cold.extend(start.to_le_bytes());
    }
    let mut end = 0;
    for length in lengths {
        end += length;
        cold.extend(number(end)?.to_le_bytes());
    }
    for head in heads {
        cold.extend_from_slice(head);
    }
    for row in rows {
        cold.extend_from_slice(row.body);
    }
    Ok(cold)
}
