//! Toolchains and sanitizers in build boxes: what every machine that builds this repository has, a C compiler and Rust.

use std::path::PathBuf;
use std::process::Command;

use proof::sandbox::{BoxSpec, CopyOut, Exit, FolderOut, FolderOutcome, Limit, Limits, Mount, PlacedFile, Sandbox};

use super::{each, limits, run, shell};

/// Set where the tests run as a user who cannot reach the toolchain of who started them.
pub const RUST_VARIABLE: &str = "PROOFHOUSE_TEST_RUST";

/// The folder of the Rust toolchain that builds these tests.
pub fn rust_folder() -> PathBuf {
    match std::env::var_os(RUST_VARIABLE) {
        Some(folder) => folder.into(),
        None => {
            let output = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().into()
        }
    }
}

/// A box in which a compiler finds room.
fn build(script: &str, files: &[(&str, &str)]) -> BoxSpec {
    let limits = Limits {
        wall_ms: 300_000,
        cpu_ms: 300_000,
        memory_bytes: 2 << 30,
        disk_bytes: 1 << 30,
        processes: 256,
        files: 20_000,
        open_files: 1_024,
        ..limits()
    };
    let place = |&(at, text): &(&str, &str)| PlacedFile { at: at.into(), bytes: text.into(), mode: 0o644 };
    let env = vec![
        ("PATH".into(), "/rust/bin:/usr/bin:/bin".into()),
        ("HOME".into(), "/box".into()),
        // The leak checker would trace the program from beside it, which nothing in a box may.
        ("ASAN_OPTIONS".into(), "detect_leaks=0".into()),
    ];
    let files = files.iter().map(place).collect();
    BoxSpec { exec: true, vast_address_space: true, env, limits, files, ..shell(script) }
}

/// Builds, runs where it was built, and runs what came out in a box that can write nothing there.
fn check(sandbox: &Sandbox, build: BoxSpec, program: &str, expected: &str) {
    let parent = tempfile::tempdir().unwrap();
    let dest = parent.path().join("built");
    let folder = FolderOut { path: "out".into(), dest: dest.clone(), bytes_max: 256 << 20, files_max: 1_000 };
    let outcome = run(sandbox, &BoxSpec { copy_out: CopyOut::Folder(folder), ..build.clone() });
    assert!(outcome.ok(), "{}", outcome.stderr.text());
    assert!(matches!(outcome.folder, Some(FolderOutcome::Written(_))), "{:?}", outcome.folder);
    let mounts = vec![Mount { host: dest, at: "/built".into() }];
    let argv = vec![format!("/built/{program}"), "more".into()];
    let outcome = run(sandbox, &BoxSpec { argv, mounts, exec: false, files: Vec::new(), ..build });
    assert_eq!(outcome.exit, Exit::Code(1));
    let said = outcome.stderr.text();
    assert!(said.contains(expected), "{said}");
}

#[test]
fn c_is_built_and_its_memory_errors_are_seen() {
    let source = "#include <stdlib.h>\n#include <string.h>\nint main(int count, char **words) {\n  char *place = malloc(8);\n  \
        memset(place, 0, 7 + count);\n  return place[0];\n}\n";
    let script = "mkdir out && cc -g -fsanitize=address,undefined -o out/over over.c && ./out/over";
    each(|sandbox| {
        let expected = "AddressSanitizer: heap-buffer-overflow";
        check(sandbox, build(script, &[("/box/over.c", source)]), "over", expected);
    });
}

#[test]
fn a_vast_address_space_is_bounded_by_what_is_used_of_it() {
    let source = "#include <stdlib.h>\n#include <string.h>\n#include <sys/mman.h>\nint main(void) {\n  size_t step = 1 << 20;\n  \
        char *vast = mmap(0, (size_t)1 << 40, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);\n  \
        if (vast == MAP_FAILED) return 9;\n  for (;;) { memset(vast, 1, step); vast += step; }\n}\n";
    each(|sandbox| {
        let mut spec = build("cc -o a a.c && exec ./a", &[("/box/a.c", source)]);
        spec.limits.memory_bytes = 256 << 20;
        let outcome = run(sandbox, &spec);
        assert_eq!(outcome.limit_hit, Some(Limit::Memory));
        assert!(outcome.memory_peak_bytes < 1 << 30, "{}", outcome.memory_peak_bytes);
        let watched = outcome.walls.accounting == "watch";
        assert_eq!(outcome.walls.weaker.iter().any(|line| line.contains("polling alone")), watched);
    });
}

#[test]
fn c_without_a_sanitizer_ends_by_its_signal() {
    let source = "#include <stdlib.h>\nint main(void) { int *nowhere = 0; *(volatile int *)nowhere = 1; return 0; }\n";
    each(|sandbox| {
        let outcome = run(sandbox, &build("cc -o a a.c && exec ./a", &[("/box/a.c", source)]));
        assert_eq!((outcome.exit, outcome.limit_hit), (Exit::Signal(11), None));
    });
}

#[test]
fn rust_is_built_offline_by_cargo_and_its_memory_errors_are_seen() {
    let manifest = "[package]\nname = \"over\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nbeside = { path = \"../beside\" }\n";
    let beside = "[package]\nname = \"beside\"\nversion = \"0.1.0\"\nedition = \"2021\"\n";
    let library = "pub fn at(bytes: &[u8], place: usize) -> u8 { unsafe { *bytes.as_ptr().add(place) } }\n";
    let source = "fn main() {\n  let thread = std::thread::spawn(|| vec![1u8; 8]);\n  let bytes = thread.join().unwrap();\n  \
        std::process::exit(i32::from(beside::at(&bytes, 6 + std::env::args().count()) - 1));\n}\n";
    let files = [
        ("/box/over/Cargo.toml", manifest),
        ("/box/over/src/main.rs", source),
        ("/box/beside/Cargo.toml", beside),
        ("/box/beside/src/lib.rs", library),
    ];
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let script = format!(
        "cd over && RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo build --offline --release --target {target} && \
         cp -r target/{target}/release /box/out && rm -r /box/out/deps && /box/out/over"
    );
    each(|sandbox| {
        let mut spec = build(&script, &files);
        spec.mounts.push(Mount { host: rust_folder(), at: "/rust".into() });
        check(sandbox, spec, "over", "AddressSanitizer: heap-buffer-overflow");
    });
}
