//! Grows a list to the capacity it already has.

use smallvec::SmallVec;

fn main() {
    let mut list: SmallVec<[u8; 8]> = SmallVec::new();
    list.extend_from_slice(&[1; 200]);
    let room = list.capacity();
    list.grow(room);
    // If its buffer was freed, the allocator gives the same one to the next who asks.
    let other: Vec<u8> = Vec::with_capacity(room);
    if other.as_ptr() == list.as_ptr() {
        std::process::exit(10);
    }
    assert_eq!(list.iter().map(|n| usize::from(*n)).sum::<usize>(), 200);
}
