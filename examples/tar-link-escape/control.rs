//! Unpacks a folder and a file.

mod archive;

fn main() {
    let mut bytes = Vec::new();
    archive::entry(&mut bytes, "folder/", b'5', "", b"");
    archive::entry(&mut bytes, "folder/file", b'0', "", b"within bounds");
    archive::end(&mut bytes);
    std::fs::create_dir("dest").unwrap();
    tar::Archive::new(&bytes[..]).unpack("dest").unwrap();
    assert_eq!(std::fs::read("dest/folder/file").unwrap(), b"within bounds");
}
