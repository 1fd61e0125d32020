//! Asks for room for more headers than there can be.

use std::panic;

fn main() {
    panic::set_hook(Box::new(|_| {}));
    let wanted = usize::MAX / 2 + 2;
    let outcome = panic::catch_unwind(|| {
        let mut map = http::HeaderMap::<http::header::HeaderValue>::new();
        map.reserve(wanted);
        map.capacity()
    });
    // It has to refuse by a panic. To return without the room breaks what it promises.
    std::process::exit(if outcome.is_ok_and(|room| room < wanted) { 10 } else { 0 });
}
