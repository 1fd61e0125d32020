//! Finds out what boxes can be made of here, by reading what the kernel says and by making one. Decides once, at the
//! start; a run never falls back to something weaker by itself.

use std::fs;

use super::error::SandboxError;
use super::init::{PROGRAM_ID, PROGRAM_IDS};
use super::wire::Caller;

/// The oldest kernel with everything that is needed: recursive read-only mounts (5.12) and process limits counted by
/// user namespace (5.14).
const KERNEL_OLDEST: (u32, u32) = (5, 14);
/// Capabilities, by number, without which root is treated as an ordinary user: CHOWN, DAC_OVERRIDE, SETGID, SETUID,
/// SETPCAP, NET_ADMIN, SYS_ADMIN.
const ROOT_CAPABILITIES: [u32; 7] = [0, 1, 6, 7, 8, 12, 21];

/// Refuses a kernel that is too old.
pub fn kernel_check() -> Result<(), SandboxError> {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map(|part| part.trim().parse::<u32>().unwrap_or(0));
    let version = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if version < KERNEL_OLDEST {
        let (major, minor) = KERNEL_OLDEST;
        return Err(SandboxError::Unfit {
            what: format!("Linux {} is too old", release.trim()),
            remedy: format!("use Linux {major}.{minor} or newer"),
        });
    }
    Ok(())
}

/// Whose rights this process has.
pub fn caller() -> Caller {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status
        .lines()
        .find_map(|line| line.strip_prefix("CapEff:"))
        .and_then(|value| u64::from_str_radix(value.trim(), 16).ok())
        .unwrap_or(0);
    let uid = nix::unistd::geteuid();
    let mapped = ["uid_map", "gid_map"].iter().all(|name| {
        let map = fs::read_to_string(format!("/proc/self/{name}")).unwrap_or_default();
        is_mapped(&map, 0, 1) && is_mapped(&map, PROGRAM_ID, PROGRAM_IDS)
    });
    if uid.is_root() && mapped && ROOT_CAPABILITIES.iter().all(|bit| effective & (1 << bit) != 0) {
        Caller::Root { program: PROGRAM_ID }
    } else {
        Caller::User { uid: uid.as_raw(), gid: nix::unistd::getegid().as_raw() }
    }
}

/// Whether one line of the map spans the whole range.
fn is_mapped(map: &str, first_id: u32, ids: u32) -> bool {
    map.lines().any(|line| {
        let mut numbers = line.split_ascii_whitespace().map(|part| part.parse::<u64>().unwrap_or(0));
        let (first, _, count) = (numbers.next().unwrap_or(0), numbers.next(), numbers.next().unwrap_or(0));
        let (first_id, end) = (u64::from(first_id), u64::from(first_id) + u64::from(ids));
        first <= first_id && end <= first.saturating_add(count)
    })
}

/// Turns the failure of a trial box into what a person can do about it.
pub fn explained(error: SandboxError) -> SandboxError {
    let SandboxError::SetUp { step, source } = &error else { return error };
    let setting =
        |name: &str| fs::read_to_string(format!("/proc/sys/{name}")).ok().map(|value| value.trim().to_owned());
    let what = format!("{step}: {source}");
    let remedy = if setting("user/max_user_namespaces").as_deref() == Some("0") {
        "set the sysctl user.max_user_namespaces to a number above 0, or run as root"
    } else if setting("kernel/unprivileged_userns_clone").as_deref() == Some("0") {
        "set the sysctl kernel.unprivileged_userns_clone to 1, or run as root"
    } else if setting("kernel/apparmor_restrict_unprivileged_userns").as_deref() == Some("1") {
        "set the sysctl kernel.apparmor_restrict_unprivileged_userns to 0, give the program an AppArmor profile with \
         `userns,`, or run as root"
    } else if step.contains("namespace") {
        "run as root or, inside a container, with user namespaces allowed (a seccomp profile that permits unshare)"
    } else {
        "see SECURITY.md for what the sandbox needs of the kernel"
    };
    SandboxError::Unfit { what, remedy: remedy.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_holds_the_ids_it_spans() {
        let whole = "         0          0 4294967295\n";
        assert!(is_mapped(whole, 0, 1) && is_mapped(whole, PROGRAM_ID, PROGRAM_IDS));
        let rootless = "0 1000 1\n1 100000 61050\n";
        assert!(is_mapped(rootless, 0, 1) && is_mapped(rootless, PROGRAM_ID, 1));
        assert!(!is_mapped(rootless, PROGRAM_ID, PROGRAM_IDS));
    }
}
