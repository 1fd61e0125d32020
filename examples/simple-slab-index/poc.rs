//! Asks for an element behind the last one.

use std::panic;

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let outcome = panic::catch_unwind(|| {
        let mut slab = simple_slab::Slab::new();
        slab.insert(7u8);
        let behind = slab.len();
        slab[behind]
    });
    std::process::exit(if outcome.is_ok() { 10 } else { 0 });
}
