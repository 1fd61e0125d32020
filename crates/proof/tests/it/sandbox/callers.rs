//! Who makes the boxes: the same tests again as an ordinary user, and a caller that is killed in the middle.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use proof::sandbox::{BoxSpec, Sandbox};

use super::{BOX_EXE_VARIABLE, config, is_alive, limits, marker, perl};

/// A user and group that nobody is.
const ORDINARY_ID: u32 = 61_998;
/// Set in a process that is to run a box until it is killed.
const LONG_RUN_VARIABLE: &str = "PROOFHOUSE_TEST_LONG_RUN";

#[test]
fn everything_holds_for_an_ordinary_user_too() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    if !status.contains("Uid:\t0\t") {
        // They are being run as one already.
        return;
    }
    let folder = tempfile::tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let (tests, init) = (folder.path().join("it"), folder.path().join("proofhouse-box"));
    std::fs::copy(std::env::current_exe().unwrap(), &tests).unwrap();
    std::fs::copy(config().init_exe.unwrap(), &init).unwrap();
    let output = Command::new(&tests)
        .args(["sandbox::", "--skip", "everything_holds_for_an_ordinary_user_too"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env(BOX_EXE_VARIABLE, &init)
        .current_dir("/")
        .uid(ORDINARY_ID)
        .gid(ORDINARY_ID)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("test sandbox::reach::no_right_is_left ... ok"), "{text}");
}

#[test]
fn a_box_dies_with_its_caller() {
    let marker = marker("orphan");
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "sandbox::callers::a_long_run_where_asked"])
        .env(LONG_RUN_VARIABLE, &marker)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let sleeper = format!("q({marker})");
    wait_until(|| is_alive(&sleeper));
    caller.kill().unwrap();
    caller.wait().unwrap();
    wait_until(|| !is_alive(&sleeper));
}

#[test]
fn a_long_run_where_asked() {
    let Ok(marker) = std::env::var(LONG_RUN_VARIABLE) else { return };
    let sandbox = Sandbox::new(config()).unwrap();
    let script = format!("fork; setpgrp; $SIG{{TERM}} = 'IGNORE'; sleep 1000; print q({marker})");
    let _ = sandbox.run(&BoxSpec { limits: limits(), ..perl(&script) });
}

fn wait_until(is_so: impl Fn() -> bool) {
    const ROUNDS_MAX: usize = 600;
    for _ in 0..ROUNDS_MAX {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(25));
    }
    panic!("it did not come about");
}
