//! Bad bundles: every violation at once, each with its place, and nothing run or kept.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{bundle, bundle_path, engine, error_of, made, prove, told, try_made, watch};
use proof::bundle::Violation;
use proof::sandbox::Format;
use proof::{Bundle, BundleError, ErrorClass, ProveOptions};

const GOOD: &str = "proof = 1
title = \"a test\"
[target]
purl = \"pkg:npm/minimist\"
vulnerable = \"1.2.5\"
[runtime]
kind = \"node\"
[run]
program = \"poc.js\"
control = \"control.js\"
[oracle]
kind = \"assertion\"
";

fn violations(result: Result<Bundle, BundleError>) -> Vec<Violation> {
    match result {
        Err(BundleError::Invalid { violations, .. }) => violations.0,
        other => panic!("violations were due, not {other:?}"),
    }
}

/// The good manifest with one text replaced gives exactly these violations, written `code key line`.
fn check(from: &str, to: &str, wanted: &[&str]) {
    assert!(GOOD.contains(from), "{from}");
    let found = violations(try_made(&GOOD.replacen(from, to, 1), "1", "1"));
    let told: Vec<String> = found
        .iter()
        .map(|v| format!("{} {}{}", v.code, v.at, v.line.map(|l| format!(" {l}")).unwrap_or_default()))
        .collect();
    assert_eq!(told, wanted, "{from} -> {to}");
}

#[test]
fn the_good_one_is_good() {
    try_made(GOOD, "1", "1").unwrap();
}

#[test]
fn each_violation_has_its_code_key_and_line() {
    check("control = \"control.js\"\n", "", &["missing-key run.control"]);
    check("control.js", "poc.js", &["control-is-program run.control"]);
    check("control.js", "other.js", &["file-missing run.control 10"]);
    check("poc.js", "proof.toml", &["wrong-file-type run.program 9"]);
    check("proof = 1", "proof = 2", &["unsupported-format proof 1"]);
    check("proof = 1\n", "", &["missing-key proof"]);
    check("kind = \"node\"", "kind = \"deno\"", &["unknown-runtime runtime.kind 7"]);
    check("kind = \"node\"", "kind = \"node\"\nversion = \"22\"", &["malformed-version runtime.version 8"]);
    check("minimist\"", "minimist@1.2.5\"", &["version-in-purl target.purl 4"]);
    check("pkg:npm/", "pkg:pypi/", &["wrong-ecosystem target.purl 4"]);
    check("pkg:npm/", "", &["malformed-purl target.purl 4"]);
    check("\"1.2.5\"", "\"^1.2.5\"", &["malformed-version target.vulnerable 5"]);
    check("\"1.2.5\"", "1.2", &["wrong-type target.vulnerable 5"]);
    check("[oracle]", "wall = \"1h\"\n[oracle]", &["malformed-quantity run.wall 11"]);
    check("[oracle]", "wall = \"10m\"\n[oracle]", &["out-of-range run.wall 11"]);
    check("[oracle]", "memory = \"512MB\"\n[oracle]", &["malformed-quantity run.memory 11"]);
    check("[oracle]", "memory = \"64GiB\"\n[oracle]", &["out-of-range run.memory 11"]);
    check("[oracle]", "repeat = 0\n[oracle]", &["out-of-range run.repeat 11"]);
    check("[oracle]", "repeat = 21\n[oracle]", &["out-of-range run.repeat 11"]);
    check("[oracle]", "network = true\n[oracle]", &["unknown-key run.network 11"]);
    check("\"assertion\"", "\"vibes\"", &["unknown-oracle oracle.kind 12"]);
    check("\"assertion\"", "\"assertion\"\nsizes = [1, 2, 3, 4]", &["unknown-key oracle.sizes 13"]);
    check("\"assertion\"", "\"cpu-blow-up\"\nsizes = [4, 3, 2, 1]", &["malformed-sizes oracle.sizes 13"]);
    check("[target]", "[dependencies]\n\"../x\" = \"1.0.0\"\n[target]", &["malformed-name dependencies.../x"]);
    check("title = \"a test\"", "title = \"\"", &["malformed-title title 2"]);
    check("[target]", "[target", &["malformed-toml proof.toml 3"]);
}

#[test]
fn all_violations_are_told_at_once() {
    let found = violations(try_made("proof = 7\nextra = 1\n[target]\npurl = 1\n[run]\nrepeat = \"x\"\n", "1", "1"));
    let codes: Vec<&str> = found.iter().map(|v| v.code).collect();
    assert!(codes.len() >= 9, "{found:?}");
    for code in ["unsupported-format", "unknown-key", "missing-key", "wrong-type"] {
        assert!(codes.contains(&code), "{code} in {codes:?}");
    }
}

fn with_file(name: &str) -> Vec<&'static str> {
    let mut files: BTreeMap<String, Vec<u8>> = BTreeMap::from([
        ("proof.toml".to_owned(), GOOD.as_bytes().to_vec()),
        ("poc.js".to_owned(), b"1".to_vec()),
        ("control.js".to_owned(), b"1".to_vec()),
    ]);
    files.insert(name.to_owned(), b"x".to_vec());
    match Bundle::from_files(files, Path::new("made")) {
        Ok(_) => Vec::new(),
        other => violations(other).iter().map(|v| v.code).collect(),
    }
}

#[test]
fn names_that_could_mean_something_else_are_refused() {
    assert!(with_file("data/a-b_c@2+x.txt").is_empty());
    assert_eq!(with_file("node_modules/minimist/index.js"), ["shadows-target"]);
    assert_eq!(with_file("a/package.json"), ["shadows-target"]);
    assert_eq!(with_file("x.node"), ["native-code"]);
    for name in ["../x", "a/../x", "/x", "a//b", ".hidden", "-x", "a b", "a\\b", "ä", "a\u{202e}b", "a/b/c/d/e/f/g/h"]
    {
        assert_eq!(with_file(name), ["malformed-name"], "{name}");
    }
    assert_eq!(with_file(&"x".repeat(129)), ["malformed-name"]);
}

#[test]
fn native_code_under_any_name_is_refused() {
    let files = BTreeMap::from([
        ("proof.toml".to_owned(), GOOD.as_bytes().to_vec()),
        ("poc.js".to_owned(), b"1".to_vec()),
        ("control.js".to_owned(), b"1".to_vec()),
        ("data.bin".to_owned(), b"\x7fELF\x02\x01\x01".to_vec()),
    ]);
    let codes: Vec<_> = violations(Bundle::from_files(files, Path::new("made"))).iter().map(|v| v.code).collect();
    assert_eq!(codes, ["native-code"]);
}

#[test]
fn folders_with_too_much_or_with_links_are_refused() {
    let room = tempfile::tempdir().unwrap();
    let folder = room.path();
    for (name, text) in [("proof.toml", GOOD), ("poc.js", "1"), ("control.js", "1")] {
        fs::write(folder.join(name), text).unwrap();
    }
    Bundle::read(folder, engine().sandbox()).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", folder.join("link.txt")).unwrap();
    assert_eq!(violations(Bundle::read(folder, engine().sandbox()))[0].code, "special-file");
    fs::remove_file(folder.join("link.txt")).unwrap();
    fs::write(folder.join("big.bin"), vec![0; (8 << 20) + 1]).unwrap();
    assert_eq!(violations(Bundle::read(folder, engine().sandbox()))[0].code, "too-large");
    fs::remove_file(folder.join("big.bin")).unwrap();
    for n in 0..100 {
        fs::write(folder.join(format!("f{n}")), "").unwrap();
    }
    assert_eq!(violations(Bundle::read(folder, engine().sandbox()))[0].code, "too-many-files");
    assert!(matches!(Bundle::read(&folder.join("none"), engine().sandbox()), Err(BundleError::Read { .. })));
}

/// A tar with these entries, names as they are.
fn packed(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, bytes) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(bytes);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

#[test]
fn a_packed_bundle_is_the_same_bundle() {
    let wanted = bundle("minimist-prototype");
    for prefix in ["", "minimist-prototype/"] {
        let names: Vec<String> = wanted.files().keys().map(|name| format!("{prefix}{name}")).collect();
        let entries: Vec<(&str, &[u8])> =
            names.iter().map(String::as_str).zip(wanted.files().values().map(Vec::as_slice)).collect();
        let bytes = zstd::encode_all(packed(&entries).as_slice(), 3).unwrap();
        let found = Bundle::read_bytes(&bytes, Format::TarZst, "packed", engine().sandbox()).unwrap();
        assert_eq!(found.digest(), wanted.digest());
    }
}

#[test]
fn hostile_archives_are_refused() {
    let read = |bytes: &[u8]| Bundle::read_bytes(bytes, Format::Tar, "packed", engine().sandbox());
    for name in ["../x", "/x", "a/../../x"] {
        let bytes = packed(&[("proof.toml", GOOD.as_bytes()), (name, b"x")]);
        assert!(matches!(read(&bytes), Err(BundleError::Unpack { .. })), "{name}");
    }
    let twice = packed(&[("proof.toml", GOOD.as_bytes()), ("proof.toml", GOOD.as_bytes())]);
    assert!(matches!(read(&twice), Err(BundleError::Unpack { .. })));
    let bomb = zstd::encode_all(vec![0u8; 64 << 20].as_slice(), 3).unwrap();
    let read_bomb = Bundle::read_bytes(&bomb, Format::TarZst, "bomb", engine().sandbox());
    assert!(read_bomb.is_err());
    assert!(matches!(read(b"not an archive, but long enough to be taken for one"), Err(BundleError::Unpack { .. })));
}

#[test]
fn the_digest_depends_on_names_and_bytes_only() {
    let digest = |poc: &str| try_made(GOOD, poc, "1").unwrap().digest().clone();
    assert_eq!(digest("1"), digest("1"));
    assert_ne!(digest("1"), digest("2"));
    assert_ne!(*bundle("ms-cpu").digest(), digest("1"));
    assert!(bundle_path("ms-cpu").is_dir());
}

#[test]
fn a_package_that_does_not_exist() {
    let wrong = GOOD.replace("minimist", "proofhouse-no-such-package-1f9d");
    let bundle = try_made(&wrong, "1", "1").unwrap();
    let error = error_of(engine().prove(&bundle, &ProveOptions::default(), watch()));
    assert_eq!((error.code(), error.class()), ("no-such-package", ErrorClass::BadInput), "{error}");
}

#[test]
fn a_version_that_is_not_to_be_had() {
    let bundle = made("minimist@1.2.4000", "assertion", "1", "1", |m| m);
    let report = prove(&bundle);
    assert_eq!(told(&report), "unconfirmed; 1.2.4000 inconclusive install-failed");
    assert!(report.runs[0].detail.as_deref().unwrap().starts_with("not available here"));
    let options = ProveOptions { versions: vec!["one".into()], ..ProveOptions::default() };
    assert_eq!(error_of(engine().prove(&bundle, &options, watch())).code(), "malformed-version");
}
