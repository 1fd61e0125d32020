//! Grows a list to more than it has.

use smallvec::SmallVec;

fn main() {
    let mut list: SmallVec<[u8; 8]> = SmallVec::new();
    list.extend_from_slice(&[1; 200]);
    let room = list.capacity();
    list.grow(room * 2);
    assert!(list.capacity() >= room * 2);
    assert_eq!(list.iter().map(|n| usize::from(*n)).sum::<usize>(), 200);
}
