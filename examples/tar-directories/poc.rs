//! Unpacks an archive that goes through a link of its own to make a folder.

mod archive;

fn main() {
    std::fs::create_dir_all("outside").unwrap();
    std::fs::create_dir_all("dest").unwrap();
    let mut bytes = Vec::new();
    archive::entry(&mut bytes, "way", b'2', "../outside", b"");
    archive::entry(&mut bytes, "way/made/file", b'0', "", b"x");
    archive::end(&mut bytes);
    // The file itself is refused by either version.
    let _ = tar::Archive::new(&bytes[..]).unpack("dest");
    std::process::exit(if std::path::Path::new("outside/made").is_dir() { 10 } else { 0 });
}
