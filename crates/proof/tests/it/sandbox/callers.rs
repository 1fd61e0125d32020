//! Who makes the boxes: the same tests again as an ordinary user, and a caller that is killed in the middle.

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use proof::sandbox::{BoxSpec, Sandbox};

use super::builds::{RUST_VARIABLE, rust_folder};
use super::escapes::{SOURCES_VARIABLE, sources};
use super::{BOX_EXE_VARIABLE, WITHOUT_PROC_VARIABLE, config, is_alive, limits, marker, perl};

/// Perl that becomes a user and a group that nobody is, and then runs its arguments.
const BECOME_ORDINARY: &str = "$( = $) = \"61998 61998\"; $< = $> = 61998; exec @ARGV";
/// Set in a process that is to run a box until it is killed.
const LONG_RUN_VARIABLE: &str = "PROOFHOUSE_TEST_LONG_RUN";

/// These binaries where every user can run them.
struct Copies {
    folder: tempfile::TempDir,
}

impl Copies {
    /// None where the tests are not run by root, and so cannot become somebody else.
    fn make() -> Option<Self> {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        if !status.contains("Uid:\t0\t") {
            return None;
        }
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        std::fs::copy(std::env::current_exe().unwrap(), folder.path().join("it")).unwrap();
        std::fs::copy(config().init_exe.unwrap(), folder.path().join("proofhouse-box")).unwrap();
        let hostile = folder.path().join("hostile");
        std::fs::create_dir(&hostile).unwrap();
        for entry in std::fs::read_dir(sources()).unwrap().flatten() {
            std::fs::copy(entry.path(), hostile.join(entry.file_name())).unwrap();
        }
        Some(Self { folder })
    }

    /// Runs a command that ends in running the tests, and sees to it that this one was run.
    fn check(&self, command: &mut Command, test: &str) {
        let output = command
            .env_remove("HOME")
            .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
            .env(BOX_EXE_VARIABLE, self.folder.path().join("proofhouse-box"))
            .env(SOURCES_VARIABLE, self.folder.path().join("hostile"))
            .current_dir("/")
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
        assert!(text.contains(&format!("test {test} ... ok")), "{text}");
    }
}

#[test]
fn everything_holds_for_an_ordinary_user_too() {
    let Some(copies) = Copies::make() else { return };
    let rust = copies.folder.path().join("rust");
    std::fs::create_dir(&rust).unwrap();
    // Root's own toolchain, where the user can reach it.
    let script = format!(
        "mount --bind {} {} && exec perl -e '{BECOME_ORDINARY}' {} sandbox:: --skip sandbox::callers",
        rust_folder().display(),
        rust.display(),
        copies.folder.path().join("it").display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-c", &script]).env(RUST_VARIABLE, &rust);
    copies.check(&mut command, "sandbox::reach::no_right_is_left");
}

#[test]
fn a_user_without_a_whole_proc_gets_boxes_that_say_so() {
    let Some(copies) = Copies::make() else { return };
    let tests = copies.folder.path().join("it");
    // What a container does: something of /proc is covered, so the kernel gives nobody below a fresh one.
    let script = format!(
        "mount -t tmpfs none /proc/irq && exec perl -e '{BECOME_ORDINARY}' \
         {} --exact sandbox::honest::what_is_weaker_is_said sandbox::usage::a_sleeper_is_ended_at_its_wall_time \
         sandbox::usage::a_disk_filler_gets_no_more_than_its_disk sandbox::usage::nothing_outlives_the_program \
         sandbox::usage::one_process_is_bounded_in_any_case sandbox::reach::the_hosts_network_is_not_there \
         sandbox::reach::only_regular_files_come_out_and_no_link_is_followed sandbox::reach::read_only_is_read_only",
        tests.display()
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "/bin/sh", "-c", &script]).env(WITHOUT_PROC_VARIABLE, "1");
    copies.check(&mut command, "sandbox::honest::what_is_weaker_is_said");
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
