//! Grows a list to the capacity it already has, then reads it: its buffer was freed.

use smallvec::SmallVec;

fn main() {
    let mut list: SmallVec<[u8; 8]> = SmallVec::new();
    list.extend_from_slice(&[1; 200]);
    let room = list.capacity();
    list.grow(room);
    assert_eq!(list.iter().map(|n| usize::from(*n)).sum::<usize>(), 200);
}
