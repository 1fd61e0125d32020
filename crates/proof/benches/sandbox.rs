//! What a box costs: the median time of `/bin/true` bare, in a box with and without cgroups and, where it is
//! installed, under bubblewrap; and of unpacking an archive of a thousand files. Prints; judges nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proof::sandbox::{Archive, BoxSpec, Duplicates, Format, Sandbox, SandboxConfig, UnpackLimits, UnpackSpec};

const ROUNDS: usize = 200;
const UNPACK_ROUNDS: usize = 20;
const UNPACK_FILES: usize = 1_000;
const UNPACK_FILE_BYTES: usize = 5_000;

fn main() {
    // Under `cargo test` a bench is only built and started: one round shows that it works.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let (rounds, unpack_rounds) = if bench { (ROUNDS, UNPACK_ROUNDS) } else { (1, 1) };
    let bare = median(rounds, || {
        Command::new("/bin/true").stdin(Stdio::null()).status().unwrap();
    });
    report("bare fork and exec", bare, bare);
    for without_cgroups in [false, true] {
        let sandbox = sandbox(without_cgroups);
        let spec = BoxSpec::new(["/bin/true"]);
        let boxed = median(rounds, || assert!(sandbox.run(&spec).unwrap().ok()));
        report(&format!("box, {}", sandbox.walls().accounting), boxed, bare);
    }
    if let Some(bwrap) = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].into_iter().find(|path| Path::new(path).exists()) {
        let arguments = "--unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink \
                         usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp /bin/true";
        let wrapped = median(rounds, || {
            let status = Command::new(bwrap).args(arguments.split_whitespace()).stdin(Stdio::null()).status().unwrap();
            assert!(status.success());
        });
        report("bubblewrap", wrapped, bare);
    }
    unpacking(unpack_rounds);
}

fn sandbox(without_cgroups: bool) -> Sandbox {
    let init_exe = Some(env!("CARGO_BIN_EXE_proofhouse-box").into());
    Sandbox::new(SandboxConfig { init_exe, without_cgroups, ..SandboxConfig::default() }).unwrap()
}

fn unpacking(rounds: usize) {
    let archive = archive();
    let spec = UnpackSpec {
        archive: Archive::Bytes(&archive),
        format: Format::TarGz,
        strip: true,
        duplicates: Duplicates::LastWins,
        refuse_specials: false,
        limits: UnpackLimits::default(),
    };
    let sandbox = sandbox(false);
    let folder = tempfile::tempdir().unwrap();
    let mut number = 0;
    let time = median(rounds, || {
        number += 1;
        let report = sandbox.unpack(&spec, &folder.path().join(number.to_string())).unwrap();
        assert_eq!(report.files as usize, UNPACK_FILES);
    });
    println!("unpack {UNPACK_FILES} files, {} KiB packed: {:.2} ms", archive.len() >> 10, milliseconds(time));
}

fn archive() -> Vec<u8> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    let mut builder = tar::Builder::new(packed);
    for number in 0..UNPACK_FILES {
        let line = format!("module.exports = function number{number}(value) {{ return value * {number}; }};\n");
        let text = line.repeat(UNPACK_FILE_BYTES / line.len() + 1);
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        builder
            .append_data(&mut header, format!("package/lib{}/file{number}.js", number % 20), text.as_bytes())
            .unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

fn median(rounds: usize, mut once: impl FnMut()) -> Duration {
    once();
    let mut times: Vec<Duration> = (0..rounds)
        .map(|_| {
            let begun = Instant::now();
            once();
            begun.elapsed()
        })
        .collect();
    times.sort();
    times[times.len() / 2]
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

fn report(name: &str, time: Duration, bare: Duration) {
    let (over, ratio) = (time.saturating_sub(bare), time.as_secs_f64() / bare.as_secs_f64());
    println!("{name}: {:.2} ms, {:.2} ms over bare, {ratio:.1} x", milliseconds(time), milliseconds(over));
}
