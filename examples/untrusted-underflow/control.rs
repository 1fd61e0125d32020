//! Skips, reads and skips to the end.

fn main() {
    let mut reader = untrusted::Reader::new(untrusted::Input::from(b"abcd"));
    assert!(reader.skip(2).is_ok());
    assert_eq!(reader.read_byte().ok(), Some(b'c'));
    let _ = reader.skip_to_end();
    assert!(reader.at_end());
}
