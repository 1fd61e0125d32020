//! The difference of two indexes: which records left, which came or changed, and the new one's signature. Whoever holds the old
//! one makes the new one from it, byte for byte, or is told that it cannot.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::brief::{Body, Head};
use crate::build::Pieces;
use crate::file::{Built, IndexError, name_of};
use crate::index::Index;

/// Begins every delta.
const MAGIC: &[u8; 8] = b"PHDELTA2";
/// The largest delta that is read, in bytes.
pub const DELTA_BYTES_MAX: usize = 512 * 1024 * 1024;

#[derive(Serialize, Deserialize)]
struct Delta<'a> {
    /// The digests of both headers, which hold the digests of everything else.
    old: [u8; 32],
    new: [u8; 32],
    #[serde(borrow)]
    signature: &'a [u8],
    #[serde(borrow)]
    gone: Vec<&'a str>,
    #[serde(borrow)]
    came: Vec<Record<'a>>,
}

type Record<'a> = (Head<'a>, Vec<(&'a str, &'a str, Body<'a>)>);

/// Every record by its content.
fn contents(index: &Index) -> BTreeSet<Vec<u8>> {
    let mut all = BTreeSet::new();
    index.records_each(|pieces| {
        all.insert(postcard::to_stdvec(&(pieces.head, pieces.affected)).unwrap_or_default());
    });
    all
}

/// What turns `old` into `new`, which must be signed.
///
/// # Errors
/// [`IndexError`] when `new` was not read from a signed file.
pub fn delta(old: &Index, new: &Index) -> Result<Vec<u8>, IndexError> {
    let (before, after) = (contents(old), contents(new));
    let read = |bytes: &'_ Vec<u8>| postcard::from_bytes::<Record<'_>>(bytes).ok().map(|(head, _)| head.id.to_owned());
    // A record that changed goes and comes: all that is under its id.
    let mut touched: BTreeSet<String> = before.symmetric_difference(&after).filter_map(read).collect();
    touched.retain(|id| !id.is_empty());
    let came = after.iter().filter_map(|bytes| postcard::from_bytes::<Record<'_>>(bytes).ok());
    let (_, old_header) = old.hot().signed();
    let (signature, new_header) = new.hot().signed();
    if signature.is_empty() {
        return Err(IndexError::Delta("the new index is not signed"));
    }
    let delta = Delta {
        old: name_of(old_header),
        new: name_of(new_header),
        signature,
        gone: touched.iter().map(String::as_str).collect(),
        came: came.filter(|(head, _)| touched.contains(head.id)).collect(),
    };
    let mut out = MAGIC.to_vec();
    out.extend(postcard::to_stdvec(&delta).map_err(|_| IndexError::TooLarge)?);
    Ok(out)
}

/// Makes the new index of the old one; gives the whole file. Its signature is to be checked as that of any file.
///
/// # Errors
/// [`IndexError`] when the delta cannot be read, is for another index, or does not give what it promises.
pub fn delta_apply(old: &Index, delta: &[u8]) -> Result<Vec<u8>, IndexError> {
    if delta.len() > DELTA_BYTES_MAX {
        return Err(IndexError::Delta("it is too large"));
    }
    let encoded = delta.strip_prefix(MAGIC).ok_or(IndexError::Delta("it does not begin as one"))?;
    let delta: Delta<'_> = postcard::from_bytes(encoded).map_err(|_| IndexError::Delta("it cannot be read"))?;
    if delta.old != name_of(old.hot().signed().1) {
        return Err(IndexError::Delta("it is for another index"));
    }
    let gone: BTreeSet<&str> = delta.gone.iter().copied().collect();
    let mut builder = crate::Builder::default();
    old.records_each(|pieces| {
        if !gone.contains(pieces.head.id) {
            builder.take_pieces(&pieces);
        }
    });
    for (head, affected) in delta.came {
        builder.take_pieces(&Pieces { head, affected });
    }
    let built: Built = builder.build()?;
    if name_of(&built.header_bytes) != delta.new {
        return Err(IndexError::Delta("it does not give the index that it promises"));
    }
    Ok(built.with_signature(delta.signature))
}
