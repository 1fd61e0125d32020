//! A stronger kind of box that is named and cannot be had: said exactly, and nothing weaker in its place.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use proof::sandbox::{Sandbox, SandboxConfig, SandboxError, Stronger};

use super::config;

/// Why no sandbox was to be had.
fn refusal(program: &Path) -> String {
    let stronger = Some(Stronger { program: program.to_owned() });
    let error = Sandbox::new(SandboxConfig { stronger, ..config() }).unwrap_err();
    assert!(matches!(error, SandboxError::Unfit { .. }), "{error}");
    error.to_string()
}

fn check(program: &Path, expected: &str) {
    let said = refusal(program);
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_runtime_that_is_not_there_or_fails_is_said_so() {
    check(Path::new("/no/such/runsc"), "/no/such/runsc does not boot a container: No such file or directory");
    check(Path::new("runsc"), "its path is not absolute");
    check(Path::new("/etc/passwd"), "does not boot a container: Permission denied");
    check(Path::new("/bin/false"), "does not boot a container: it ended with exit status: 1");
    check(Path::new("/bin/true"), "it ended well, but nothing ran in its container");
}

#[test]
fn what_a_runtime_complains_of_is_passed_on() {
    let folder = tempfile::tempdir().unwrap();
    let runtime = |name: &str, script: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let complains = runtime("complains", "echo \"no KVM\nhere\" >&2; exit 3");
    check(&complains, "it ended with exit status: 3: no KVM here;");
    let dies = runtime("dies", "kill -9 $$");
    check(&dies, "it ended with signal: 9 (SIGKILL)");
    // It is told to remove what it made, whatever came of it.
    let told = folder.path().join("told");
    let keeps = runtime("keeps", &format!("echo \"$3\" >> {}; test \"$3\" = run", told.display()));
    check(&keeps, "nothing ran in its container");
    assert_eq!(std::fs::read_to_string(told).unwrap(), "run\ndelete\n");
}

#[test]
fn a_real_runtime_that_boots_is_told_apart_from_one_that_does_not() {
    for runtime in ["/usr/bin/runc", "/usr/sbin/runc", "/usr/bin/crun", "/usr/bin/runsc", "/usr/local/bin/runsc"] {
        if !Path::new(runtime).exists() {
            continue;
        }
        // Some refuse the machine's cgroups, or users without rights; none of them may pass unnamed.
        let said = refusal(Path::new(runtime));
        println!("{said}");
        let booted = said.contains("boots a container, but this version runs no box in one");
        assert!(booted || said.contains("does not boot a container: it ended with "), "{said}");
    }
}
