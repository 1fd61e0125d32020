//! Hostile archives, and what npm's honest ones look like.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proof::sandbox::{Archive, Duplicates, Format, Sandbox, UnpackError, UnpackLimits, UnpackReport, UnpackSpec};

use super::each;

/// One entry, as raw as it gets: name, kind, link target, mode, content.
#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    kind: u8,
    link: &'static str,
    mode: u32,
    content: Vec<u8>,
}

fn file(name: &str, content: &str) -> Entry {
    Entry { name: name.into(), kind: b'0', link: "", mode: 0o644, content: content.into() }
}

fn special(name: &str, kind: u8, link: &'static str) -> Entry {
    Entry { kind, link, ..file(name, "") }
}

fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        let old = header.as_old_mut();
        old.name[..entry.name.len()].copy_from_slice(&entry.name);
        old.linkname[..entry.link.len()].copy_from_slice(entry.link.as_bytes());
        old.linkflag = [entry.kind];
        header.set_mode(entry.mode);
        header.set_size(entry.content.len() as u64);
        header.set_cksum();
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(&entry.content);
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.resize(bytes.len() + 1_024, 0);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn spec(archive: &[u8], format: Format) -> UnpackSpec<'_> {
    UnpackSpec {
        archive: Archive::Bytes(archive),
        format,
        strip: false,
        duplicates: Duplicates::LastWins,
        refuse_specials: true,
        limits: UnpackLimits::default(),
    }
}

/// Unpacks into a new place, and sees to it that a refusal leaves nothing there.
pub(super) fn unpack(
    sandbox: &Sandbox,
    spec: &UnpackSpec<'_>,
) -> Result<(UnpackReport, BTreeMap<String, String>), UnpackError> {
    let folder = tempfile::tempdir().unwrap();
    let dest = folder.path().join("dest");
    let result = sandbox.unpack(spec, &dest);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.file_name()).collect();
    match result {
        Ok(report) => {
            assert_eq!(left, ["dest"]);
            let mut files = BTreeMap::new();
            files_read(&dest, "", &mut files);
            Ok((report, files))
        }
        Err(error) => {
            assert!(left.is_empty(), "{left:?}");
            println!("{error}");
            Err(error)
        }
    }
}

fn files_read(folder: &Path, prefix: &str, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let name = format!("{prefix}{}", entry.file_name().into_string().unwrap());
        let meta = entry.path().symlink_metadata().unwrap();
        if meta.is_dir() {
            assert_eq!(meta.permissions().mode() & 0o7777, 0o755, "{name}");
            files_read(&entry.path(), &format!("{name}/"), files);
        } else {
            assert!(meta.is_file(), "{name}");
            let mark = match meta.permissions().mode() & 0o7777 {
                0o644 => "",
                0o755 => "*",
                mode => panic!("{name} has mode {mode:o}"),
            };
            files.insert(name + mark, std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn check_refused(entries: &[Entry], expected: &str) {
    let archive = tar(entries);
    each(|sandbox| {
        let error = unpack(sandbox, &spec(&archive, Format::Tar)).unwrap_err();
        assert_eq!(error.to_string(), expected);
    });
}

#[test]
fn an_npm_tarball_is_unpacked_in_every_packing() {
    let program = Entry { mode: 0o4777, ..file("package/bin/cli.js", "#!") };
    let folder = special("package/empty/", b'5', "");
    let plain = tar(&[special("pax_global_header", b'g', ""), file("package/package.json", "{}"), program, folder]);
    let packed = [
        (Format::Tar, plain.clone()),
        (Format::TarGz, gzip(&plain)),
        (Format::TarZst, zstd::stream::encode_all(plain.as_slice(), 3).unwrap()),
    ];
    for (format, archive) in packed {
        each(|sandbox| {
            let (report, files) = unpack(sandbox, &UnpackSpec { strip: true, ..spec(&archive, format) }).unwrap();
            let expected = [("bin/cli.js*".to_owned(), "#!".to_owned()), ("package.json".into(), "{}".into())];
            assert_eq!(files, BTreeMap::from(expected));
            assert_eq!((report.files, report.folders, report.bytes), (2, 2, 4));
        });
    }
}

#[test]
fn an_archive_is_read_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.tar"), tar(&[file("a", "b")])).unwrap();
    each(|sandbox| {
        let path = folder.path().join("a.tar");
        let (_, files) =
            unpack(sandbox, &UnpackSpec { archive: Archive::File(&path), ..spec(&[], Format::Tar) }).unwrap();
        assert_eq!(files["a"], "b");
        let archive = Archive::File(folder.path());
        assert!(unpack(sandbox, &UnpackSpec { archive, ..spec(&[], Format::Tar) }).is_err());
    });
}

#[test]
fn long_names_of_both_kinds_are_read() {
    let long = format!("package/{}/{}.js", "d".repeat(150), "f".repeat(150));
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(1);
    header.set_mode(0o644);
    builder.append_data(&mut header, &long, b"x".as_slice()).unwrap();
    let gnu = builder.into_inner().unwrap();
    let record = format!(" path={long}\n");
    let length = record.len() + 3;
    let pax = Entry { kind: b'x', ..file("PaxHeader/x", &format!("{length}{record}")) };
    let posix = tar(&[pax, file("package/short.js", "x")]);
    for archive in [gnu, posix] {
        each(|sandbox| {
            let (_, files) = unpack(sandbox, &spec(&archive, Format::Tar)).unwrap();
            assert_eq!(files[&long], "x");
        });
    }
}

#[test]
fn names_that_lead_elsewhere_are_refused() {
    check_refused(&[file("a", ""), file("/etc/x", "")], r#"unpack: entry "/etc/x": its name is absolute"#);
    check_refused(&[file("a/../../x", "")], r#"unpack: entry "a/../../x": its name leaves the folder"#);
    check_refused(&[file("..", "")], r#"unpack: entry "..": its name leaves the folder"#);
    let bytes = Entry { name: b"a\xff".to_vec(), ..file("", "") };
    check_refused(&[bytes], "unpack: entry \"a\u{fffd}\": its name is not UTF-8");
    check_refused(&[file("a", ""), file("a/b", "")], r#"unpack: entry "a": it is both a file and a folder"#);
    check_refused(&[file("a/b", ""), file("a", "")], r#"unpack: entry "a": it is both a file and a folder"#);
    let record = "20 path=/etc/passwd\n";
    let pax = Entry { kind: b'x', ..file("PaxHeader/x", record) };
    check_refused(&[pax, file("harmless", "")], r#"unpack: entry "/etc/passwd": its name is absolute"#);
}

#[test]
fn links_and_devices_never_come_out() {
    for (kind, link) in [(b'1', "/etc/passwd"), (b'2', "/"), (b'3', ""), (b'4', ""), (b'6', "")] {
        let entries = [special("evil", kind, link), file("good", "x")];
        check_refused(&entries, r#"unpack: entry "evil": it is a link, a device or of another special kind"#);
        let archive = tar(&entries);
        each(|sandbox| {
            let spec = UnpackSpec { refuse_specials: false, ..spec(&archive, Format::Tar) };
            let (report, files) = unpack(sandbox, &spec).unwrap();
            assert_eq!((report.specials_left_out, files.len()), (1, 1));
        });
    }
}

#[test]
fn a_file_through_a_link_lands_beside_it() {
    let archive = tar(&[special("link", b'2', "/tmp"), file("link/x", "inside")]);
    each(|sandbox| {
        let (_, files) =
            unpack(sandbox, &UnpackSpec { refuse_specials: false, ..spec(&archive, Format::Tar) }).unwrap();
        assert_eq!(files["link/x"], "inside");
    });
}

#[test]
fn of_two_entries_the_last_counts_or_none() {
    let archive = tar(&[file("a", "first"), file("./a", "second"), file("b", "")]);
    each(|sandbox| {
        let (report, files) = unpack(sandbox, &spec(&archive, Format::Tar)).unwrap();
        assert_eq!((files["a"].as_str(), report.files, report.duplicates), ("second", 2, 1));
        let error = unpack(sandbox, &UnpackSpec { duplicates: Duplicates::Refuse, ..spec(&archive, Format::Tar) });
        assert_eq!(error.unwrap_err().to_string(), r#"unpack: entry "a": it is there twice"#);
    });
}

#[test]
fn bounds_are_kept_and_named() {
    let limits = UnpackLimits { files: 3, total_bytes: 100, file_bytes: 60, path_bytes: 20, depth: 3 };
    let (half, much) = ("x".repeat(55), "x".repeat(61));
    let cases = [
        (vec![file("big", &much)], r#"unpack: over the bound of 60 bytes in one file at entry "big""#),
        (vec![file("a", &half), file("b", &half)], r#"unpack: over the bound of 100 bytes in all at entry "b""#),
        (
            vec![file("a", ""), file("b", ""), file("c", ""), file("d", "")],
            r#"unpack: over the bound of 3 files and folders at entry "d""#,
        ),
        (vec![file("a/b/c", ""), file("d/e", "")], r#"unpack: over the bound of 3 files and folders at entry "d""#),
        (vec![file("a/b/c/d", "")], r#"unpack: entry "a/b/c/d": it lies too deep"#),
        (vec![file("aaaaaaaaaaaaaaaaaaaaa", "")], r#"unpack: entry "aaaaaaaaaaaaaaaaaaaaa": its name is too long"#),
    ];
    for (entries, expected) in cases {
        let archive = tar(&entries);
        each(|sandbox| {
            let error = unpack(sandbox, &UnpackSpec { limits, ..spec(&archive, Format::Tar) }).unwrap_err();
            assert_eq!(error.to_string(), expected);
        });
    }
}

#[test]
fn bombs_go_off_inside() {
    let zeros = vec![0u8; 64 << 20];
    let bomb = tar(&[Entry { content: zeros.clone(), ..file("zeros", "") }]);
    // Nothing of this one would be written: the entry is of a kind that is left out.
    let hidden = tar(&[Entry { kind: b'6', content: zeros.clone(), ..file("hidden", "") }]);
    let header = tar(&[Entry { kind: b'x', content: zeros, ..file("header", "") }]);
    let limits = UnpackLimits { total_bytes: 1 << 20, files: 10, ..UnpackLimits::default() };
    for plain in [bomb, hidden, header] {
        let packed =
            [(Format::TarGz, gzip(&plain)), (Format::TarZst, zstd::stream::encode_all(plain.as_slice(), 1).unwrap())];
        for (format, archive) in packed {
            each(|sandbox| {
                let spec = UnpackSpec { limits, refuse_specials: false, ..spec(&archive, format) };
                assert!(matches!(unpack(sandbox, &spec).unwrap_err(), UnpackError::TooMuch { .. }));
            });
        }
    }
}

#[test]
fn what_is_no_archive_is_unreadable() {
    let whole = gzip(&tar(&[file("a", &"text ".repeat(1_000))]));
    let cut = &whole[..whole.len() / 2];
    let noise: Vec<u8> = (0..5_000u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let cases: [(&[u8], Format); 6] = [
        (cut, Format::TarGz),
        (&noise, Format::TarGz),
        (&noise, Format::TarZst),
        (&noise, Format::Tar),
        (&whole, Format::TarZst),
        (b"", Format::TarGz),
    ];
    for (archive, format) in cases {
        each(|sandbox| {
            let error = unpack(sandbox, &spec(archive, format)).unwrap_err();
            assert!(matches!(error, UnpackError::Unreadable { .. }), "{error}");
        });
    }
}

#[test]
fn a_place_that_is_taken_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let archive = tar(&[file("a", "b")]);
    each(|sandbox| {
        let error = sandbox.unpack(&spec(&archive, Format::Tar), folder.path()).unwrap_err();
        assert!(matches!(error, UnpackError::Write { .. }), "{error}");
        let error = sandbox.unpack(&spec(&archive, Format::Tar), &folder.path().join("no/such/parent")).unwrap_err();
        assert!(matches!(error, UnpackError::Write { .. }), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    });
}
