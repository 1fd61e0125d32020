//! Hostile programs in real boxes: what each may use, reach and outlive. Every check runs with cgroups (where this
//! user may make them) and with the watch alone; `callers` runs them all again as an ordinary user.

mod builds;
mod callers;
mod escapes;
mod folder;
mod honest;
mod reach;
mod stronger;
mod unpack;
mod unpack_zip;
mod usage;

use proof::sandbox::{BoxOutcome, BoxSpec, Limits, Sandbox, SandboxConfig};

/// Set where the tests run from a copy that another user can reach.
const BOX_EXE_VARIABLE: &str = "PROOFHOUSE_TEST_BOX";

/// Set where the kernel gives this user no fresh `/proc`.
const WITHOUT_PROC_VARIABLE: &str = "PROOFHOUSE_TEST_WITHOUT_PROC";

fn config() -> SandboxConfig {
    let copy = std::env::var_os(BOX_EXE_VARIABLE).map(Into::into);
    SandboxConfig {
        init_exe: Some(copy.unwrap_or_else(|| env!("CARGO_BIN_EXE_proofhouse-box").into())),
        ..SandboxConfig::default()
    }
}

/// Both ways of counting that this user has.
fn each(check: impl Fn(&Sandbox)) {
    for without_cgroups in [false, true] {
        check(&Sandbox::new(SandboxConfig { without_cgroups, ..config() }).unwrap());
    }
}

fn shell(script: &str) -> BoxSpec {
    BoxSpec { limits: limits(), ..BoxSpec::new(["/bin/sh", "-c", script]) }
}

fn perl(script: &str) -> BoxSpec {
    BoxSpec { limits: limits(), ..BoxSpec::new(["/usr/bin/perl", "-e", script]) }
}

/// Enough for anything small; the wall is there for tests that would otherwise hang.
fn limits() -> Limits {
    Limits { wall_ms: 30_000, cpu_ms: 30_000, memory_bytes: 256 << 20, ..Limits::default() }
}

/// Runs and shows what was said when a check on it fails.
fn run(sandbox: &Sandbox, spec: &BoxSpec) -> BoxOutcome {
    let outcome = sandbox.run(spec).unwrap();
    println!(
        "{:?}\n  {:?} {:?} cpu {} us, peak {} bytes, by {}\n  out: {}\n  err: {}",
        spec.argv.last(),
        outcome.exit,
        outcome.limit_hit,
        outcome.cpu_us(),
        outcome.memory_peak_bytes,
        outcome.walls.accounting,
        outcome.stdout.text().chars().take(2_000).collect::<String>(),
        outcome.stderr.text().chars().take(2_000).collect::<String>()
    );
    outcome
}

/// Whether a process whose command line holds this text is alive anywhere on the host.
fn is_alive(marker: &str) -> bool {
    std::fs::read_dir("/proc").unwrap().flatten().any(|entry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|line| String::from_utf8_lossy(&line).replace('\0', " ").contains(marker))
    })
}

/// A text that no other test and no other run has.
fn marker(name: &str) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    format!("{name}{}x{}", std::process::id(), now.as_nanos())
}
