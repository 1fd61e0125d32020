//! Hostile zip archives, and honest ones as wheels, modules and jars are packed.

use std::collections::BTreeMap;
use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use proof::sandbox::{Archive, Duplicates, Format, UnpackError, UnpackLimits, UnpackSpec};

use super::each;
use super::unpack::unpack;

/// One entry, as raw as it gets.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    own_name: Vec<u8>,
    mode: u32,
    flags: u16,
    method: u16,
    content: Vec<u8>,
    size: Option<u32>,
    crc: Option<u32>,
    /// Where its own header is said to be, instead of where it is.
    at: Option<u32>,
}

fn file(name: &str, content: &str) -> Entry {
    let (name, content) = (name.as_bytes().to_vec(), content.as_bytes().to_vec());
    Entry { own_name: name.clone(), name, mode: 0, flags: 0, method: 8, content, size: None, crc: None, at: None }
}

fn with(change: impl FnOnce(&mut Entry)) -> Entry {
    let mut entry = file("a", "content");
    change(&mut entry);
    entry
}

fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_ended(entries, b"")
}

fn zip_ended(entries: &[Entry], comment: &[u8]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let mut crc = Crc::new();
        crc.update(&entry.content);
        let crc = entry.crc.unwrap_or(crc.sum());
        let size = entry.size.unwrap_or(entry.content.len() as u32);
        let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
        packer.write_all(&entry.content).unwrap();
        let packed = if entry.method == 8 { packer.finish().unwrap() } else { entry.content.clone() };
        let at = entry.at.unwrap_or(bytes.len() as u32);
        let after = entry.flags & 8 != 0;
        let sizes = [crc, packed.len() as u32, size].map(u32::to_le_bytes).concat();
        bytes.extend_from_slice(b"PK\x03\x04\x14\0");
        bytes.extend_from_slice(&[entry.flags, entry.method, 0, 0].map(u16::to_le_bytes).concat());
        bytes.extend_from_slice(if after { &[0; 12] } else { &sizes });
        bytes.extend_from_slice(&[entry.own_name.len() as u16, 0].map(u16::to_le_bytes).concat());
        bytes.extend_from_slice(&entry.own_name);
        bytes.extend_from_slice(&packed);
        if after {
            bytes.extend_from_slice(b"PK\x07\x08");
            bytes.extend_from_slice(&sizes);
        }
        directory.extend_from_slice(b"PK\x01\x02\x14\x03\x14\0");
        directory.extend_from_slice(&[entry.flags, entry.method, 0, 0].map(u16::to_le_bytes).concat());
        directory.extend_from_slice(&sizes);
        directory.extend_from_slice(&[entry.name.len() as u16, 0, 0, 0, 0].map(u16::to_le_bytes).concat());
        directory.extend_from_slice(&[entry.mode << 16, at].map(u32::to_le_bytes).concat());
        directory.extend_from_slice(&entry.name);
    }
    let at = bytes.len() as u32;
    bytes.extend_from_slice(&directory);
    bytes.extend_from_slice(b"PK\x05\x06");
    let count = entries.len() as u16;
    bytes.extend_from_slice(&[0, 0, count, count].map(u16::to_le_bytes).concat());
    bytes.extend_from_slice(&[directory.len() as u32, at].map(u32::to_le_bytes).concat());
    bytes.extend_from_slice(&(comment.len() as u16).to_le_bytes());
    bytes.extend_from_slice(comment);
    bytes
}

fn spec(archive: &[u8]) -> UnpackSpec<'_> {
    UnpackSpec {
        archive: Archive::Bytes(archive),
        format: Format::Zip,
        strip: false,
        duplicates: Duplicates::Refuse,
        refuse_specials: true,
        limits: UnpackLimits::default(),
    }
}

fn check_bytes_refused(archive: &[u8], expected: &str) {
    each(|sandbox| {
        let error = unpack(sandbox, &spec(archive)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    });
}

fn check_refused(entries: &[Entry], expected: &str) {
    check_bytes_refused(&zip(entries), expected);
}

#[test]
fn an_honest_archive_is_unpacked() {
    let mut program = file("lib/run", "#!");
    (program.mode, program.method) = (0o100_755, 0);
    let mut later = file("lib/später.py", &"x = 1\n".repeat(9));
    later.flags = 8 | 1 << 11;
    let entries = [file("lib/", ""), program, later, file("empty", "")];
    let archive = zip_ended(&entries, b"a comment");
    each(|sandbox| {
        let (report, files) = unpack(sandbox, &spec(&archive)).unwrap();
        let expected = [("empty", String::new()), ("lib/run*", "#!".into()), ("lib/später.py", "x = 1\n".repeat(9))];
        assert_eq!(files, BTreeMap::from(expected.map(|(name, text)| (name.to_owned(), text))));
        assert_eq!((report.files, report.folders, report.bytes), (3, 1, 56));
        let (_, stripped) = unpack(sandbox, &UnpackSpec { strip: true, ..spec(&archive) }).unwrap();
        assert_eq!(stripped.len(), 2);
    });
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    check_refused(&[file("b", ""), file("/etc/x", "")], r#"unpack: entry "/etc/x": its name is absolute"#);
    check_refused(&[file("a/../../x", "")], r#"unpack: entry "a/../../x": its name leaves the folder"#);
    check_refused(&[file("../", "")], r#"unpack: entry "../": its name leaves the folder"#);
    check_refused(&[file("a\0b", "")], "unpack: entry \"a\\0b\": its name has a NUL or too long a part");
    let cp437 = with(|entry| (entry.name, entry.own_name) = (b"a\x84".to_vec(), b"a\x84".to_vec()));
    check_refused(&[cp437], "unpack: entry \"a\u{fffd}\": its name is not UTF-8");
    check_refused(&[file("a", ""), file("a/b", "")], r#"unpack: entry "a": it is both a file and a folder"#);
    check_refused(&[file("a/", "content")], r#"unpack: entry "a/": it is a folder and has content"#);
}

#[test]
fn links_and_devices_never_come_out() {
    for mode in [0o120_777, 0o020_666, 0o010_644, 0o140_755] {
        let entries = [with(|entry| entry.mode = mode), file("good", "x")];
        check_refused(&entries, r#"unpack: entry "a": it is a link, a device or of another special kind"#);
        let archive = zip(&entries);
        each(|sandbox| {
            let (report, files) = unpack(sandbox, &UnpackSpec { refuse_specials: false, ..spec(&archive) }).unwrap();
            assert_eq!((report.specials_left_out, files.len()), (1, 1));
        });
    }
}

#[test]
fn of_two_entries_the_last_counts_or_none() {
    let archive = zip(&[file("a", "first"), file("./a", "second")]);
    check_bytes_refused(&archive, r#"unpack: entry "a": it is there twice"#);
    each(|sandbox| {
        let last = UnpackSpec { duplicates: Duplicates::LastWins, ..spec(&archive) };
        let (report, files) = unpack(sandbox, &last).unwrap();
        assert_eq!((files["a"].as_str(), report.duplicates), ("second", 1));
    });
}

#[test]
fn what_two_readers_could_read_in_two_ways_is_refused() {
    let otherwise = r#"unpack: entry "a": its own header says otherwise than the central directory"#;
    check_refused(&[with(|entry| entry.own_name = b"b".to_vec())], otherwise);
    let mut archive = zip(&[file("a", "content")]);
    archive[22] ^= 1;
    check_bytes_refused(&archive, otherwise);
    let overlap = r#"unpack: entry "a": its data is another entry's too"#;
    check_refused(&[file("a", "content"), with(|entry| entry.at = Some(0))], overlap);
    let unreadable = |why: &str| format!("unpack: not a readable Zip archive: {why}");
    let prefixed = [b"#!/bin/sh\n".to_vec(), zip(&[file("a", "")])].concat();
    check_bytes_refused(&prefixed, &unreadable("something stands before the archive or inside it"));
    let inner = zip(&[file("b", "")]);
    let comment = zip_ended(&[file("a", "")], &inner);
    check_bytes_refused(&comment, &unreadable("it has two end records"));
}

#[test]
fn content_is_what_the_directory_says() {
    check_refused(&[with(|entry| entry.flags = 1)], r#"unpack: entry "a": it is encrypted"#);
    check_refused(&[with(|entry| entry.method = 12)], r#"unpack: entry "a": it is packed by an unusual method"#);
    let unreadable = |why: &str| format!("unpack: not a readable Zip archive: {why}");
    check_refused(&[with(|entry| entry.size = Some(6))], &unreadable("an entry is longer than stated"));
    check_refused(&[with(|entry| entry.size = Some(8))], &unreadable("an entry is shorter than stated or damaged"));
    check_refused(&[with(|entry| entry.crc = Some(7))], &unreadable("an entry is shorter than stated or damaged"));
    let two = with(|entry| (entry.method, entry.size) = (0, Some(6)));
    check_refused(&[two], r#"unpack: entry "a": it is stored and has two sizes"#);
}

#[test]
fn bounds_are_kept_and_bombs_go_off_inside() {
    let limits = UnpackLimits { files: 3, total_bytes: 100, file_bytes: 60, path_bytes: 20, depth: 3 };
    let (half, much) = ("x".repeat(55), "x".repeat(61));
    let bomb = with(|entry| (entry.content, entry.size) = (vec![0; 64 << 20], Some(50)));
    let cases = [
        (vec![file("big", &much)], r#"unpack: over the bound of 60 bytes in one file at entry "big""#),
        (vec![file("a", &half), file("b", &half)], r#"unpack: over the bound of 100 bytes in all at entry "b""#),
        (vec![file("a", ""); 4], r#"unpack: over the bound of 3 files and folders at entry """#),
        (vec![file("a/b/c/d", "")], r#"unpack: entry "a/b/c/d": it lies too deep"#),
        (vec![bomb], "unpack: not a readable Zip archive: an entry is longer than stated"),
    ];
    for (entries, expected) in cases {
        let archive = zip(&entries);
        each(|sandbox| {
            let error = unpack(sandbox, &UnpackSpec { limits, ..spec(&archive) }).unwrap_err();
            assert_eq!(error.to_string(), expected);
        });
    }
}

#[test]
fn what_is_no_archive_is_unreadable() {
    let whole = zip(&[file("a", "content"), file("b", "more")]);
    for length in [0, 10, 21, whole.len() - 1] {
        each(|sandbox| {
            let error = unpack(sandbox, &spec(&whole[..length])).unwrap_err();
            assert!(matches!(error, UnpackError::Unreadable { .. }), "{error}");
        });
    }
    // Every single byte of the directory and the end turned: refused, or read without harm, and never a crash.
    let from = whole.len() - 22 - 2 * 47;
    each(|sandbox| {
        for at in (from..whole.len()).step_by(3) {
            let mut turned = whole.clone();
            turned[at] ^= 0xff;
            match unpack(sandbox, &spec(&turned)) {
                Ok(_)
                | Err(UnpackError::Entry { .. } | UnpackError::Unreadable { .. } | UnpackError::TooMuch { .. }) => {}
                Err(error) => panic!("byte {at}: {error}"),
            }
        }
    });
}
