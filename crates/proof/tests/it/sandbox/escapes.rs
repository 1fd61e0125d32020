//! The hostile programs of the folder `hostile`, each with what must happen. They are compiled here with the machine's
//! own `cc`, own root's set-user-id bits where root runs the tests, and see the box as any program does.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use proof::sandbox::{BoxOutcome, BoxSpec, CopyOut, Exit, Limit, Limits, Mount, Sandbox};

use super::{each, run, shell};

/// What must come of a program.
#[derive(Debug, Clone, Copy)]
enum Must {
    /// It gets nothing, says so, and ends by itself.
    End,
    /// The whole tree is ended for this limit.
    Hit(Limit),
    /// It ends by itself after running into this limit.
    Run(Limit),
    /// Ended for memory where a cgroup counts; where none does it gets too little to hurt, and ends by itself.
    Counted,
    /// It says its last word and dies by this signal.
    Die(i32),
}

/// Every file of the folder.
const PROGRAMS: [(&str, Must); 40] = [
    ("core_dump", Must::Die(libc::SIGABRT)),
    ("cpu_burner", Must::Hit(Limit::Cpu)),
    ("deaf", Must::Hit(Limit::Wall)),
    ("descriptor_hog", Must::End),
    ("descriptors", Must::End),
    ("devices", Must::End),
    ("disk_filler", Must::Run(Limit::Disk)),
    ("disk_reserver", Must::Run(Limit::Disk)),
    ("foreign_calls", if cfg!(target_arch = "x86_64") { Must::Die(libc::SIGSYS) } else { Must::End }),
    ("fork_bomb", Must::Hit(Limit::Processes)),
    ("huge_words", Must::End),
    ("init_proc", Must::End),
    ("inode_filler", Must::Run(Limit::Disk)),
    ("kernel_depths", Must::End),
    ("kernel_settings", Must::End),
    ("limits", Must::End),
    ("links", Must::End),
    ("memory_file", Must::Counted),
    ("memory_pipes", Must::Counted),
    ("memory_private", Must::Hit(Limit::Memory)),
    ("memory_shared", Must::Hit(Limit::Memory)),
    ("memory_zero", Must::Hit(Limit::Memory)),
    ("mounts", Must::End),
    ("namespaces", Must::End),
    ("others_proc", Must::End),
    ("output_flood", Must::Hit(Limit::Output)),
    ("page_cache", Must::End),
    ("personality", Must::End),
    ("set_user_id", Must::End),
    ("signal_storm", Must::End),
    ("sockets", Must::End),
    ("sparse_file", Must::End),
    ("stop_everyone", Must::Hit(Limit::Wall)),
    ("terminal", Must::End),
    ("thread_bomb", Must::Hit(Limit::Processes)),
    ("time_bomb", Must::End),
    ("timer_hog", Must::End),
    ("tracing", Must::End),
    ("users", Must::End),
    ("zombie_flood", Must::Hit(Limit::Processes)),
];

/// The folder with the compiled programs, made once and left to the end of the tests.
fn programs() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    FOLDER.get_or_init(compiled).path()
}

/// Where the sources are.
pub fn sources() -> PathBuf {
    // A copy of these tests runs where the sources cannot be reached.
    match std::env::var_os(SOURCES_VARIABLE) {
        Some(folder) => folder.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sandbox/hostile"),
    }
}

/// Where the sources are, for a user who cannot reach the repository.
pub const SOURCES_VARIABLE: &str = "PROOFHOUSE_TEST_HOSTILE";

fn compiled() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in PROGRAMS {
        let program = folder.path().join(name);
        let output = Command::new("cc")
            .args(["-std=gnu11", "-O1", "-Wall", "-Wno-unused-result", "-Wno-nonnull", "-pthread", "-o"])
            .arg(&program)
            .arg(sources().join(format!("{name}.c")))
            .output()
            .unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o6755)).unwrap();
    }
    folder
}

fn attempt(sandbox: &Sandbox, name: &str) -> BoxOutcome {
    let limits = Limits {
        wall_ms: 3_000,
        cpu_ms: 2_000,
        memory_bytes: 64 << 20,
        processes: 32,
        files: 256,
        open_files: 64,
        disk_bytes: 8 << 20,
        output_bytes: 64 << 10,
        drain_bytes: 1 << 20,
    };
    // What should not be hit must not be hit on a busy machine either.
    let limits = match PROGRAMS.iter().find(|(program, _)| *program == name) {
        Some((_, Must::Hit(Limit::Wall))) => limits,
        Some((_, Must::Hit(Limit::Cpu))) => Limits { wall_ms: 60_000, ..limits },
        _ => Limits { wall_ms: 60_000, cpu_ms: 60_000, ..limits },
    };
    let mounts = vec![Mount { host: programs().to_owned(), at: "/hostile".into() }];
    let argv = vec![format!("/hostile/{name}")];
    run(sandbox, &BoxSpec { argv, mounts, limits, copy_out: CopyOut::Tree, ..shell("") })
}

/// What was not as it must be.
fn complaint(sandbox: &Sandbox, name: &str, must: Must) -> Option<String> {
    let outcome = attempt(sandbox, name);
    let counted = outcome.walls.accounting != "watch";
    let (exit, limit) = match must {
        Must::End => (Some(Exit::Code(0)), None),
        Must::Hit(limit) => (None, Some(limit)),
        Must::Run(limit) => (Some(Exit::Code(0)), Some(limit)),
        Must::Counted if counted => (None, Some(Limit::Memory)),
        Must::Counted => (Some(Exit::Code(0)), None),
        Must::Die(signal) => (Some(Exit::Signal(signal)), None),
    };
    let said = outcome.stdout.text();
    let ended = exit.is_none_or(|exit| outcome.exit == exit && said == "end\n");
    let names: Vec<&str> = outcome.files.iter().map(|file| file.path.as_str()).collect();
    let left = match name {
        "core_dump" | "time_bomb" | "devices" | "mounts" => names.is_empty(),
        "links" => names == ["plain"],
        _ => true,
    };
    let good = outcome.limit_hit == limit && ended && left && !said.contains("hole");
    let seen =
        format!("{name} by {}: {:?} {:?} {names:?} {said}", outcome.walls.accounting, outcome.exit, outcome.limit_hit);
    (!good).then_some(seen)
}

#[test]
fn every_hostile_program_meets_what_it_must() {
    each(|sandbox| {
        let complaints: Vec<String> =
            PROGRAMS.iter().filter_map(|&(name, must)| complaint(sandbox, name, must)).collect();
        assert!(complaints.is_empty(), "{}", complaints.join("\n"));
        // The next box is as good as the first.
        assert!(run(sandbox, &shell("true")).ok());
    });
}

#[test]
fn a_loopback_interface_adds_its_listing_and_nothing_else() {
    let mounts = vec![Mount { host: programs().to_owned(), at: "/hostile".into() }];
    let argv = vec!["/hostile/sockets".into(), "loopback".into()];
    each(|sandbox| {
        let spec = BoxSpec { argv: argv.clone(), mounts: mounts.clone(), loopback: true, ..shell("") };
        assert_eq!(run(sandbox, &spec).stdout.text(), "end\n");
    });
}

#[test]
fn every_source_has_its_row() {
    let mut names: Vec<String> = std::fs::read_dir(sources())
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_str().and_then(|name| name.strip_suffix(".c")).map(str::to_owned)
        })
        .collect();
    names.sort();
    assert_eq!(names, PROGRAMS.map(|(name, _)| name));
}
