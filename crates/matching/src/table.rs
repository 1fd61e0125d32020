//! The table that finds a group by its name: open addressing over a power of two of slots, each a tag and an offset. Must not
//! know what a group holds.

use crate::build::Group;
use crate::file::IndexError;
use crate::sheet::word;

/// A tag and an offset plus one; zero is empty.
pub(crate) const SLOT_BYTES: usize = 8;

/// Where to begin to look, and what to look for there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    start: u64,
    tag: u32,
}

/// The part of a place that an ecosystem gives; computed once for many names.
pub(crate) fn seed(base: &str) -> u64 {
    mixed(0, base.as_bytes())
}

pub(crate) fn place(seed: u64, folded: &[u8]) -> Place {
    let mut hash = mixed(seed, folded);
    hash ^= hash >> 32;
    hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    hash ^= hash >> 29;
    Place { start: hash & 0xffff_ffff, tag: u32::try_from(hash >> 32).unwrap_or_default() }
}

/// Eight bytes at a time; the length ends it, so that no name is another's beginning.
fn mixed(mut hash: u64, bytes: &[u8]) -> u64 {
    const ODD: u64 = 0x517c_c1b7_2722_0a95;
    let mut step = |chunk: u64| hash = (hash.rotate_left(5) ^ chunk).wrapping_mul(ODD);
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        step(chunk.try_into().map_or(0, u64::from_le_bytes));
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(chunks.remainder()) {
        *to = *from;
    }
    step(u64::from_le_bytes(last));
    step(bytes.len() as u64);
    hash
}

/// Lays out the table of these groups.
pub(crate) fn write(groups: &[Group]) -> Result<Vec<u8>, IndexError> {
    let count = (groups.len() + groups.len() / 3 + 1).next_power_of_two();
    let mut slots: Vec<(u32, u32)> = vec![(0, 0); count];
    let mut last_base: Option<(&str, u64)> = None;
    for group in groups {
        let seed = match last_base {
            Some((base, seed)) if base == group.base => seed,
            _ => seed(&group.base),
        };
        last_base = Some((&group.base, seed));
        let place = place(seed, &group.folded);
        let mut at = usize::try_from(place.start).unwrap_or_default() & (count - 1);
        while slots.get(at).is_some_and(|slot| slot.1 != 0) {
            at = (at + 1) & (count - 1);
        }
        let offset = u32::try_from(group.start + 1).map_err(|_| IndexError::TooLarge)?;
        if let Some(slot) = slots.get_mut(at) {
            *slot = (place.tag, offset);
        }
    }
    Ok(slots.iter().flat_map(|(tag, offset)| [tag.to_le_bytes(), offset.to_le_bytes()]).flatten().collect())
}

/// The offsets of groups that may be the one at this place.
#[inline]
pub(crate) fn candidates(slots: &[u8], place: Place) -> impl Iterator<Item = usize> {
    let count = slots.len() / SLOT_BYTES;
    let mask = count.wrapping_sub(1);
    let start = usize::try_from(place.start).unwrap_or_default();
    (0..count)
        .map(move |step| (start.wrapping_add(step)) & mask)
        .map(move |at| (word(slots, 2 * at), word(slots, 2 * at + 1)))
        .take_while(|(_, offset)| *offset != 0)
        .filter(move |(tag, _)| *tag == place.tag)
        .map(|(_, offset)| offset as usize - 1)
}
