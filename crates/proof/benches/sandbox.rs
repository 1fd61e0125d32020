//! What a box costs: the median time of `/bin/true` bare, in a box with and without cgroups and, where it is
//! installed, under bubblewrap; of unpacking an archive of a thousand files, and of bringing as many out of a box.
//! The rounds of all kinds are taken in turn, so that a busy machine is busy for each. Prints; judges nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use proof::sandbox::{
    Archive, BoxSpec, CopyOut, Duplicates, FolderOut, Format, Sandbox, SandboxConfig, UnpackLimits, UnpackSpec,
};

const ROUNDS: usize = 200;
/// What a start may cost over bare at the median, milliseconds.
const START_MS_MAX: u32 = 8;
const UNPACK_ROUNDS: usize = 20;
const UNPACK_FILES: usize = 1_000;
const UNPACK_FILE_BYTES: usize = 5_000;

fn main() {
    // Under `cargo test` a bench is only built and started: one round shows that it works.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let (rounds, unpack_rounds) = if bench { (ROUNDS, UNPACK_ROUNDS) } else { (1, 1) };
    starting(rounds);
    unpacking(unpack_rounds);
    bringing_out(unpack_rounds);
}

/// One way of starting `/bin/true`.
type Kind<'a> = (String, Box<dyn FnMut() + 'a>);

fn starting(rounds: usize) {
    let spec = BoxSpec::new(["/bin/true"]);
    let boxes = [sandbox(false), sandbox(true)];
    let mut kinds: Vec<Kind<'_>> = vec![(
        "bare fork and exec".into(),
        Box::new(|| {
            Command::new("/bin/true").stdin(Stdio::null()).status().unwrap();
        }),
    )];
    for sandbox in &boxes {
        let name = format!("box, every wall, {}", sandbox.walls().accounting);
        kinds.push((name, Box::new(|| assert!(sandbox.run(&spec).unwrap().ok()))));
    }
    let installed = ["/usr/bin/bwrap", "/usr/local/bin/bwrap"].into_iter().find(|path| Path::new(path).exists());
    match installed {
        Some(bwrap) => kinds.push(("bubblewrap, no limits, no filter".into(), Box::new(|| bubblewrap(bwrap)))),
        None => println!("bubblewrap is not installed here: nothing to compare with"),
    }
    let mut times = vec![Vec::new(); kinds.len()];
    for round in 0..=rounds {
        for ((_, once), times) in kinds.iter_mut().zip(&mut times) {
            let begun = Instant::now();
            once();
            // The first warms the caches.
            if round > 0 {
                times.push(begun.elapsed());
            }
        }
    }
    let medians: Vec<Duration> = times.into_iter().map(median_of).collect();
    for ((name, _), median) in kinds.iter().zip(&medians) {
        report(name, *median, medians[0]);
    }
    println!("the bar: a box is at most {START_MS_MAX} ms over bare");
}

fn bubblewrap(program: &str) {
    let arguments = "--unshare-all --ro-bind /usr /usr --symlink usr/bin /bin --symlink usr/lib /lib --symlink \
                     usr/lib64 /lib64 --proc /proc --dev /dev --tmpfs /tmp /bin/true";
    let status = Command::new(program).args(arguments.split_whitespace()).stdin(Stdio::null()).status().unwrap();
    assert!(status.success());
}

fn bringing_out(rounds: usize) {
    let script = format!(
        "for (1..{UNPACK_FILES}) {{ mkdir '/box/' . $_ % 20; open my $f, '>', '/box/' . $_ % 20 . \"/$_\"; \
         print $f 'x' x {UNPACK_FILE_BYTES} }}"
    );
    let sandbox = sandbox(false);
    let parent = tempfile::tempdir().unwrap();
    let mut number = 0;
    let mut once = |out: bool| {
        number += 1;
        let dest = parent.path().join(number.to_string());
        let folder = FolderOut { path: String::new(), dest, bytes_max: 1 << 30, files_max: 10_000 };
        let copy_out = if out { CopyOut::Folder(folder) } else { CopyOut::Nothing };
        let spec = BoxSpec { copy_out, ..BoxSpec::new(["/usr/bin/perl", "-e", script.as_str()]) };
        assert!(sandbox.run(&spec).unwrap().ok());
    };
    let (with, without) = (median(rounds, || once(true)), median(rounds, || once(false)));
    println!("bring {UNPACK_FILES} files out of a box: {:.2} ms", milliseconds(with.saturating_sub(without)));
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
    let times = (0..rounds).map(|_| {
        let begun = Instant::now();
        once();
        begun.elapsed()
    });
    median_of(times.collect())
}

fn median_of(mut times: Vec<Duration>) -> Duration {
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
