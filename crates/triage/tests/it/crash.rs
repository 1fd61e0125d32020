//! Crash outputs: those that our own programs made, those written by hand after a format's description, and any bytes.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use proptest::prelude::*;
use triage::crash::{self, AddressKind, CRASH_BYTES_MAX, CRASH_STATE_FRAMES_MAX, Unrecognised};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/crash").join(name)
}

fn samples(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|e| e == "txt" || e == "json"));
    files.sort();
    assert!(!files.is_empty());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// One paragraph a sample; addresses are left out, since they differ each time the samples are made.
fn told(folder: &Path) -> String {
    let mut out = String::new();
    for (name, bytes) in samples(folder) {
        writeln!(out, "{name}").unwrap();
        match crash::read(&bytes) {
            Ok(crash) => {
                let security = if crash.security { ", security" } else { "" };
                writeln!(out, "  {}: {}{security}", crash.tool, crash.crash_type).unwrap();
                let address = if crash.address.is_some() { "with" } else { "without" };
                writeln!(out, "  {} address, {address} number", crash.address_kind.as_str()).unwrap();
                writeln!(out, "  {}", crash.state.join(" | ")).unwrap();
                let inlined = crash.frames.iter().filter(|f| f.inlined).count();
                writeln!(out, "  {} frames, {inlined} inlined", crash.frames.len()).unwrap();
            }
            Err(error) => writeln!(out, "  {error}").unwrap(),
        }
    }
    out
}

#[test]
fn what_our_own_programs_printed() {
    insta::assert_snapshot!(told(&folder("")));
}

#[test]
fn what_is_written_by_hand() {
    insta::assert_snapshot!(told(&folder("by-hand")));
}

#[track_caller]
fn check(output: &str, crash_type: &str, state: &[&str]) {
    let crash = crash::read(output.as_bytes()).unwrap();
    assert_eq!((crash.crash_type.as_str(), crash.state), (crash_type, state.iter().map(ToString::to_string).collect()));
}

fn asan(frames: &str) -> String {
    format!(
        "==1==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x602000000014\nREAD of size 4 at 0x602000000014 thread T0\n{frames}\n"
    )
}

#[test]
fn names_come_out_alike_whoever_wrote_them() {
    let names = [
        ("codec::Decoder<unsigned short, 3>::row_sum(unsigned long) const", "codec::Decoder::row_sum"),
        ("_ZNK5codec7DecoderItLi3EE7row_sumEm", "codec::Decoder::row_sum"),
        ("unsigned short codec::load_at<unsigned short>(unsigned short const*, unsigned long)", "codec::load_at"),
        ("codec::(anonymous namespace)::open(char const*)", "codec::open"),
        ("codec::Decoder<int, 1>::operator()(unsigned long) const", "codec::Decoder::operator()"),
        ("std::ostream& codec::operator<< <int>(std::ostream&, codec::Row<int> const&)", "codec::operator<<"),
        ("codec::Row<std::pair<int, char> >::operator bool() const", "codec::Row::operator bool"),
        ("bool codec::operator==<int>(codec::Row<int> const&, codec::Row<int> const&)", "codec::operator=="),
        (
            "codec::run(int)::{lambda(unsigned long)#1}::operator()(unsigned long) const",
            "codec::run::{lambda#1}::operator()",
        ),
        ("codec::run(int)::$_0::operator()(unsigned long) const", "codec::run::$_0::operator()"),
        ("codec::copy(void (*)(int), int)", "codec::copy"),
        ("codec_open.constprop.0", "codec_open"),
        ("mycrate::codec::row::fill::h0123456789abcdef", "mycrate::codec::row::fill"),
        ("_ZN7mycrate5codec3row4fill17h0123456789abcdefE", "mycrate::codec::row::fill"),
        ("mycrate[e28293b1aa0f68bd]::codec::row::fill::<u8>", "mycrate::codec::row::fill"),
        ("<mycrate::Row<u8> as mycrate::Decode>::decode", "<mycrate::Row as mycrate::Decode>::decode"),
        ("mycrate::run::{closure#2}", "mycrate::run::{{closure}}"),
        ("codec::Decoder::~Decoder()", "codec::Decoder::~Decoder"),
    ];
    for (written, named) in names {
        let output = asan(&format!("    #0 0x55d1 in {written} /src/a.cc:3:1\n    #1 0x55d2 in main /src/a.cc:9:1"));
        check(&output, "Heap-buffer-overflow READ 4", &[named]);
    }
}

#[test]
fn frames_keep_what_is_no_part_of_identity() {
    let output = asan(
        "    #0 0x55d1 in load_at<short unsigned int> /src/a.cc:13\n    #1 0x55d1 in row_sum(unsigned long) /src/a b.cc:20:7 (prog+0x12) (BuildId: 77)\n    #2 0x55d2  (/src/demo/prog+0x22ba)",
    );
    let crash = crash::read(output.as_bytes()).unwrap();
    let [inner, outer, bare] = crash.frames.as_slice() else { panic!("{:?}", crash.frames) };
    assert_eq!((inner.function.as_str(), inner.inlined, inner.line), ("load_at<short unsigned int>", true, Some(13)));
    assert_eq!(inner.file.as_deref(), Some("/src/a.cc"));
    assert_eq!((outer.function.as_str(), outer.inlined, outer.line), ("row_sum", false, Some(20)));
    assert_eq!((outer.module.as_deref(), outer.offset.as_deref()), (Some("prog"), Some("0x12")));
    assert_eq!((bare.function.as_str(), bare.module.as_deref()), ("", Some("/src/demo/prog")));
    assert_eq!(crash.state, ["load_at", "row_sum", "prog+0x22ba"]);
}

#[test]
fn two_runs_of_one_defect_have_one_state() {
    let here =
        "    #0 0x55d1 in field_read /src/one/native.c:13:7\n    #1 0x55d2 in packet_parse /src/one/native.c:18:3";
    let there = "    #0 0x7ff1 in field_read native.c:19\n    #1 0x7ff2 in packet_parse native.c:40";
    let states = [here, there].map(|frames| crash::read(asan(frames).as_bytes()).unwrap().state);
    assert_eq!(states[0], states[1]);
}

#[test]
fn addresses_have_kinds() {
    let kinds = [
        ("0x000000000010", "Null-dereference WRITE", AddressKind::Null, false),
        ("0x000000010008", "UNKNOWN WRITE", AddressKind::Small, true),
        ("0x414141414141", "UNKNOWN WRITE", AddressKind::Wild, true),
        ("0x4141414141414141", "UNKNOWN WRITE", AddressKind::Wild, true),
        ("0xffffffffffffffe8", "UNKNOWN WRITE", AddressKind::Kernel, true),
    ];
    for (address, crash_type, kind, security) in kinds {
        let output = format!(
            "==1==ERROR: AddressSanitizer: SEGV on unknown address {address} (pc 0x55d1 bp 0x1 sp 0x2 T0)\n==1==The signal is caused by a WRITE memory access.\n    #0 0x55d1 in f /src/a.c:1:1\n"
        );
        let crash = crash::read(output.as_bytes()).unwrap();
        assert_eq!((crash.crash_type.as_str(), crash.address_kind, crash.security), (crash_type, kind, security));
        assert_eq!(crash.address.as_deref(), Some(address));
    }
}

#[test]
fn prose_and_other_documents_are_not_recognised() {
    let none: [&[u8]; 7] = [
        b"",
        b"{}",
        b"The parser has a heap overflow, see line 3. It ends with Segmentation fault in my view.",
        b"{\"CrashSeverity\": 3",
        b"# Title\n\n#1 is fixed\n",
        b"all tests passed\n",
        &[0xff, 0xfe, 0x00],
    ];
    for bytes in none {
        assert_eq!(crash::read(bytes), Err(Unrecognised::Unknown), "{}", String::from_utf8_lossy(bytes));
    }
    let large = vec![b'x'; CRASH_BYTES_MAX + 1];
    assert_eq!(crash::read(&large), Err(Unrecognised::TooLarge { bytes: CRASH_BYTES_MAX + 1 }));
}

#[test]
fn what_is_left_out_is_told() {
    let mut output = asan("    #0 0x55d1 in f /src/a.c:1:1");
    output.push_str(&"x".repeat(crash::CRASH_LINE_BYTES_MAX + 1));
    output.push_str(&"\n".repeat(crash::CRASH_LINES_MAX));
    let crash = crash::read(output.as_bytes()).unwrap();
    assert_eq!(crash.warnings.len(), 2, "{:?}", crash.warnings);
}

/// Inputs on which a reader that looks back would not come to an end.
#[test]
fn long_hostile_inputs_are_read() {
    let head = asan("    #0 0x55d1 in ");
    for piece in [
        "<",
        "(",
        "[",
        "operator<",
        "_ZN",
        "S_S_S_",
        "{lambda(",
        "::h0",
        "{closure#",
        "#0 0x1 in f\n",
        "#1\n",
        "at a.b(C.java:1)\nCaused by: x\n",
        "Traceback (most recent call last):\nThe above exception was the direct cause of the following exception:\n",
        "panic: x\n",
        "\u{1b}[",
        "BUG: KASAN: ",
    ] {
        let mut output = head.clone();
        output.push_str(&piece.repeat(HOSTILE_BYTES / piece.len()));
        let _ = crash::read(output.as_bytes());
        let _ = crash::read(&output.as_bytes()[head.len()..]);
    }
    let nested = format!("_ZN{}E", "1aIS_".repeat(900));
    let _ = crash::read(asan(&format!("    #0 0x55d1 in {nested} /src/a.c:1")).as_bytes());
}

/// Enough that a reader whose time grows with the square of the length would not come back.
const HOSTILE_BYTES: usize = 1024 * 1024;

static SAMPLES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = crash::read(&bytes);
    }

    #[test]
    fn damaged_outputs_are_read_or_refused(which in any::<prop::sample::Index>(), cuts in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20), from in any::<prop::sample::Index>()) {
        let all = SAMPLES.get_or_init(|| [samples(&folder("")), samples(&folder("by-hand"))].concat());
        let (_, mut bytes) = which.get(all).clone();
        for (at, byte) in cuts {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        let bytes = &bytes[from.index(bytes.len())..];
        if let Ok(crash) = crash::read(bytes) {
            prop_assert!(crash.state.len() <= CRASH_STATE_FRAMES_MAX);
            prop_assert!(crash.state.iter().all(|name| !name.is_empty()));
            prop_assert!(!crash.crash_type.is_empty());
        }
    }
}
