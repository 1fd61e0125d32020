//! Unpacks an archive whose link leads to a file outside.

mod archive;

fn main() {
    let canary = std::env::var("PROOF_CANARY_WRITE").unwrap();
    // A file that lies outside the folder to unpack into.
    let folder = std::path::Path::new(&canary).parent().unwrap();
    let victim = std::fs::read_dir(folder).unwrap().next().unwrap().unwrap().path();
    let mut bytes = Vec::new();
    // A second name for it, then a file of that name.
    archive::entry(&mut bytes, "way", b'1', victim.to_str().unwrap(), b"");
    archive::entry(&mut bytes, "way", b'0', "", b"out of bounds");
    archive::end(&mut bytes);
    std::fs::create_dir("dest").unwrap();
    // A fixed version refuses: that is an error, and no panic.
    let _ = tar::Archive::new(&bytes[..]).unpack("dest");
}
