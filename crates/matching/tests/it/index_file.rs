//! The file: the same from the same records, refused when anything about it is not as it was signed, updated to the very bytes
//! that a new one has.

use formats::osv::Record;
use matching::{Builder, Built, Index, IndexError, delta, delta_apply};
use proptest::prelude::*;
use serde_json::json;
use signing::Signer;

use crate::findings::record;

fn one(id: &str, fixed: &str, modified: &str) -> Record {
    let range = json!({"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": fixed}]}], "versions": ["9.0.0"]});
    Record { modified: modified.into(), ..record(id, &[], "npm", &format!("package-{id}"), range) }
}

fn build(records: &[Record], mut builder: Builder) -> Built {
    records.iter().for_each(|record| drop(builder.take(record)));
    builder.build().unwrap()
}

#[test]
fn updates_and_deltas_give_the_bytes_of_a_new_index() {
    let signer = Signer::from_seed(&[1; 32]);
    let mut before: Vec<Record> = (0..30).map(|n| one(&format!("A-{n}"), "1.0.0", "2026-01-01T00:00:00Z")).collect();
    let old = build(&before, Builder::default()).to_file(&signer);
    let mut withdrawn = one("A-3", "1.0.0", "2026-02-01T00:00:00Z");
    withdrawn.withdrawn = Some("2026-02-01T00:00:00Z".into());
    let changes = [one("A-7", "2.0.0", "2026-02-01T00:00:00Z"), one("B-1", "1.0.0", "2026-02-01T00:00:00Z"), withdrawn];
    let read = Index::read(&old, &signer.public()).unwrap();
    let updated = build(&changes, read.to_builder()).to_file(&signer);
    before.extend(changes);
    let new = build(&before, Builder::default()).to_file(&signer);
    assert!(updated == new, "an update is a new index");
    let newer = Index::read(&new, &signer.public()).unwrap();
    assert_eq!((newer.records(), newer.withdrawn()), (30, 1));
    let small = delta(&read, &newer).unwrap();
    assert!(small.len() * 4 < new.len(), "{} of {}", small.len(), new.len());
    assert!(delta_apply(&read, &small).unwrap() == new);
    assert!(matches!(delta_apply(&newer, &small), Err(IndexError::Delta(_))), "for another index");
    // An older copy does not bring a withdrawn record back.
    let again = build(&[one("A-3", "1.0.0", "2026-01-01T00:00:00Z")], newer.to_builder());
    assert!(again.to_file(&signer) == new);
}

#[test]
fn what_was_not_signed_so_is_refused() {
    let signer = Signer::from_seed(&[1; 32]);
    let file = build(&[one("A-1", "1.0.0", "2026-01-01T00:00:00Z")], Builder::default()).to_file(&signer);
    assert!(Index::read(&file, &signer.public()).is_ok());
    assert!(matches!(Index::read(&file, &Signer::from_seed(&[2; 32]).public()), Err(IndexError::Signature(_))));
    for at in 0..file.len() {
        let mut changed = file.clone();
        changed[at] ^= 1;
        assert!(Index::read(&changed, &signer.public()).is_err(), "byte {at}");
        assert!(Index::read(&file[..at], &signer.public()).is_err(), "cut at {at}");
    }
}

#[test]
fn another_layout_or_order_of_versions_is_named_as_such() {
    let signer = Signer::from_seed(&[1; 32]);
    let file = build(&[one("A-1", "1.0.0", "2026-01-01T00:00:00Z")], Builder::default()).to_file(&signer);
    for digit in [b'1', b'2', b'4', b'9'] {
        let mut other = file.clone();
        other[7] = digit;
        let read = Index::read(&other, &signer.public());
        assert!(matches!(read, Err(IndexError::OtherVersion)), "{}", char::from(digit));
    }
    let foreign = [b"SQLite format 3".as_slice(), &file].concat();
    assert!(matches!(Index::read(&foreign, &signer.public()), Err(IndexError::Malformed(_))));
}

proptest! {
    #[test]
    fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..300), start in any::<bool>()) {
        let signer = Signer::from_seed(&[1; 32]);
        let index = Index::build([one("A-1", "1.0.0", "2026-01-01T00:00:00Z")]).unwrap();
        let with = |magic: &[u8]| if start { [magic, &bytes].concat() } else { bytes.clone() };
        prop_assert!(Index::read(&with(b"PHINDEX3"), &signer.public()).is_err());
        prop_assert!(delta_apply(&index, &with(b"PHDELTA2")).is_err());
    }
}
