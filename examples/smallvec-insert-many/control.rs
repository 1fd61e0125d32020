//! Inserts as many elements as the iterator promises.

use smallvec::SmallVec;

fn main() {
    let mut list: SmallVec<[u8; 8]> = SmallVec::new();
    list.extend_from_slice(b"abcdefgh");
    list.insert_many(1, b"123".iter().copied());
    assert_eq!(&list[..], b"a123bcdefgh");
    assert!(list.len() <= list.capacity());
}
