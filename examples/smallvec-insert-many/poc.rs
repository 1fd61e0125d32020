//! Inserts more elements than the iterator promises.

use smallvec::SmallVec;

/// An iterator that promises less than it gives, which is allowed.
struct Modest(u8);

impl Iterator for Modest {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        self.0 = self.0.checked_sub(1)?;
        Some(b'x')
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (1, None)
    }
}

fn main() {
    let mut list: SmallVec<[u8; 8]> = SmallVec::new();
    list.extend_from_slice(b"abcdefgh");
    list.insert_many(0, Modest(200));
    // More elements than the buffer has room for: they were written behind it.
    if list.len() > list.capacity() {
        std::process::exit(10);
    }
    assert_eq!(list.len(), 208);
}
