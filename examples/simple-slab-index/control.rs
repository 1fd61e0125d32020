//! Asks for the elements that are there.

fn main() {
    let mut slab = simple_slab::Slab::new();
    slab.insert(7u8);
    slab.insert(8u8);
    assert_eq!((slab.len(), slab[0], slab[1]), (2, 7, 8));
}
