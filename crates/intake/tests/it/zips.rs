//! Archives: good, nested, and such as are meant to hurt.

use std::io::{Cursor, Write};

use intake::{ZIP_LEVELS_MAX, ZIP_RATIO_COUNT_MAX};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::{read, sample};

/// Packs files.
pub fn zipped(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

#[test]
fn each_file_is_read_for_itself() {
    let inner = zipped(&[("vdr.json", sample("vdr.json"))]);
    let odd = b"{\"a\": 1}".to_vec();
    let archive = zipped(&[("b/osv.json", sample("osv.json")), ("a.zip", inner), ("odd.json", odd)]);
    let document = read(&archive).unwrap();
    let places: Vec<&str> = document.reports.iter().map(|r| r.at.as_str()).collect();
    assert_eq!(places, ["!a.zip!vdr.json#/vulnerabilities/0", "!b/osv.json#/affected/0", "!b/osv.json#/affected/1"]);
    let left: Vec<&str> = document.left_out.iter().map(|one| one.at.as_str()).collect();
    assert_eq!(left, ["!a.zip!vdr.json#/vulnerabilities/1", "!odd.json"]);
}

#[test]
fn names_are_labels_and_links_are_no_files() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file("../../etc/\u{202e}passwd", SimpleFileOptions::default()).unwrap();
    writer.write_all(&sample("note.md")).unwrap();
    writer.add_symlink("link.json", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let document = read(&writer.finish().unwrap().into_inner()).unwrap();
    assert_eq!(document.reports[0].at, "!../../etc/ passwd");
    assert_eq!(document.left_out[0].reason, "it is a link, no file");
}

#[test]
fn bombs_do_not_go_off() {
    let bomb = zipped(&[("zeros.txt", vec![b'a'; 40 << 20]), ("note.md", sample("note.md"))]);
    assert!(bomb.len() < 64 << 10);
    let document = read(&bomb).unwrap();
    assert_eq!(document.reports.len(), 1);
    assert!(document.left_out[0].reason.contains(&format!("{ZIP_RATIO_COUNT_MAX} times")), "{:?}", document.left_out);
    let mut nested = zipped(&[("note.md", sample("note.md"))]);
    for _ in 0..ZIP_LEVELS_MAX {
        nested = zipped(&[("inner.zip", nested)]);
    }
    let document = read(&nested).unwrap();
    assert!(document.reports.is_empty() && document.left_out[0].reason.contains("deeper than"), "{document:?}");
    let many: Vec<(String, Vec<u8>)> = (0..2_001).map(|n| (format!("{n}.md"), b"# x".to_vec())).collect();
    let many: Vec<(&str, Vec<u8>)> = many.iter().map(|(name, bytes)| (name.as_str(), bytes.clone())).collect();
    assert!(read(&zipped(&many)).unwrap_err().to_string().contains("more than 2000 entries"));
}

#[test]
fn damaged_archives_are_refused_or_told() {
    let good = zipped(&[("note.md", sample("note.md")), ("osv.json", sample("osv.json"))]);
    for at in (0..good.len()).step_by(5) {
        let mut bytes = good.clone();
        bytes[at] ^= 0x41;
        let _ = read(&bytes);
        let _ = read(&good[..at]);
    }
    // A size that is a lie: the entry says that it has one byte.
    let mut lie = zipped(&[("note.md", sample("note.md"))]);
    let central = lie.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    lie[central + 24..central + 28].copy_from_slice(&1_u32.to_le_bytes());
    let document = read(&lie).unwrap();
    assert_eq!(document.reports.len() + document.left_out.len(), 1, "{document:?}");
}
