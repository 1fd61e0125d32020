//! Asks for room for some headers.

fn main() {
    let mut map = http::HeaderMap::<http::header::HeaderValue>::new();
    map.reserve(100);
    assert!(map.capacity() >= 90);
    map.insert("host", "example".parse().unwrap());
    assert_eq!(map["host"], "example");
}
