//! Finds where this process may make cgroups, out of what the kernel says of its own.

use std::fs;
use std::path::{Path, PathBuf};

use super::v1::Hierarchies;
use super::{NAME_PREFIX, Place, v2};

/// One line of `/proc/self/mountinfo` about a cgroup file system.
#[derive(Debug, PartialEq, Eq)]
struct CgroupMount {
    v2: bool,
    root: PathBuf,
    point: PathBuf,
    controllers: Vec<String>,
}

/// The best place there is: the first version where its memory controller lives there, or else the second.
pub fn find(delegated: Option<&Path>) -> Place {
    let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
    let mounts = mounts_read(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
    if delegated.is_none()
        && let Some(memory) = v1_folder(&own, &mounts, "memory")
    {
        let hierarchies = Hierarchies {
            memory,
            pids: v1_folder(&own, &mounts, "pids"),
            cpuacct: v1_folder(&own, &mounts, "cpuacct"),
        };
        for folder in
            [Some(&hierarchies.memory), hierarchies.pids.as_ref(), hierarchies.cpuacct.as_ref()].into_iter().flatten()
        {
            stale_remove(folder);
        }
        return Place::V1(hierarchies);
    }
    let Some(parent) = delegated.map(Path::to_path_buf).or_else(|| v2_folder(&own, &mounts).map(v2::delegated_folder))
    else {
        return Place::Nowhere("none are mounted".to_owned());
    };
    match v2::enable(&parent, delegated.is_some()) {
        Ok(()) => {
            stale_remove(&parent);
            Place::V2(parent)
        }
        Err(why) => Place::Nowhere(why),
    }
}

/// Removes groups of processes that were killed before they could.
fn stale_remove(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix(NAME_PREFIX)).and_then(|rest| rest.split('-').next());
        if let Some(owner) = owner.and_then(|owner| owner.parse::<u32>().ok())
            && !Path::new(&format!("/proc/{owner}")).exists()
        {
            // Refused by the kernel where it has members after all.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

fn mounts_read(text: &str) -> Vec<CgroupMount> {
    text.lines()
        .filter_map(|line| {
            let (left, right) = line.split_once(" - ")?;
            let mut left = left.split(' ').skip(3);
            let (root, point) = (PathBuf::from(left.next()?), PathBuf::from(left.next()?));
            let mut right = right.split(' ');
            let kind = right.next()?;
            let controllers = right.nth(1)?.split(',').map(str::to_owned).collect();
            matches!(kind, "cgroup" | "cgroup2").then_some(CgroupMount {
                v2: kind == "cgroup2",
                root,
                point,
                controllers,
            })
        })
        .collect()
}

/// The own folder in the hierarchy of this controller.
fn v1_folder(own: &str, mounts: &[CgroupMount], controller: &str) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| {
        let mut fields = line.splitn(3, ':').skip(1);
        let controllers = fields.next()?;
        controllers.split(',').any(|one| one == controller).then(|| fields.next()).flatten()
    })?;
    let mount = mounts.iter().find(|mount| !mount.v2 && mount.controllers.iter().any(|one| one == controller))?;
    below(mount, path)
}

fn v2_folder(own: &str, mounts: &[CgroupMount]) -> Option<PathBuf> {
    let path = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    below(mounts.iter().find(|mount| mount.v2)?, path)
}

fn below(mount: &CgroupMount, path: &str) -> Option<PathBuf> {
    let relative = Path::new(path).strip_prefix(&mount.root).ok()?;
    Some(if relative.as_os_str().is_empty() { mount.point.clone() } else { mount.point.join(relative) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID_MOUNTS: &str = "\
31 30 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:9 - cgroup cgroup rw,cpu,cpuacct
33 30 0:29 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
34 30 0:30 / /proc rw - proc proc rw
";
    const HYBRID_OWN: &str = "5:memory:/a/b\n4:cpu,cpuacct:/\n0::/user.slice\n";

    #[test]
    fn each_hierarchy_is_found_where_it_is_mounted() {
        let mounts = mounts_read(HYBRID_MOUNTS);
        assert_eq!(mounts.len(), 3);
        assert_eq!(v1_folder(HYBRID_OWN, &mounts, "memory"), Some("/sys/fs/cgroup/memory/a/b".into()));
        assert_eq!(v1_folder(HYBRID_OWN, &mounts, "cpuacct"), Some("/sys/fs/cgroup/cpu,cpuacct".into()));
        assert_eq!(v1_folder(HYBRID_OWN, &mounts, "pids"), None);
        assert_eq!(v2_folder(HYBRID_OWN, &mounts), Some("/sys/fs/cgroup/unified/user.slice".into()));
    }

    #[test]
    fn a_container_sees_its_own_folder_as_the_mount_point() {
        let mounts = mounts_read("31 30 0:27 /docker/x /sys/fs/cgroup ro - cgroup2 cgroup rw\n");
        assert_eq!(v2_folder("0::/docker/x\n", &mounts), Some("/sys/fs/cgroup".into()));
        assert_eq!(v2_folder("0::/elsewhere\n", &mounts), None);
    }
}
