//! Ours, to show which symbol each place is in: what stands behind the at sign.
use std::fmt;
static LIMIT: usize = 3; // @ LIMIT
fn outer(a: usize) -> usize { // @ outer
    fn inner(b: usize) -> usize {
        b + 1 // @ outer::inner
    }
    let twice = |c: usize| {
        c * 2 // @ outer::twice
    };
    inner(twice(a)) // @ outer
}
pub struct Shelf<T> {
    items: Vec<T>, // @ Shelf
}
impl<T: Clone> Shelf<T> {
    pub fn first(&self) -> T {
        self.items.first().cloned().unwrap() // @ Shelf::first
    }
}
impl<T> fmt::Display for Shelf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.items.len()) // @ Shelf::fmt
    }
}
mod deep {
    pub trait Keep {
        fn keep(&self) -> usize {
            3 // @ deep::Keep::keep
        }
    }
}
macro_rules! twice {
    ($a:expr) => {
        $a * 2 // @ twice
    };
}
