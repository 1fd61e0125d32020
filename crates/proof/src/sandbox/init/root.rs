//! Builds the root file system of a box and leaves the host's behind. Everything is made by relative paths in a new
//! tmpfs, which is entered by pivot_root and is read-only by the time the program runs.

use std::ffi::CString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, chown, symlink};
use std::path::{Component, Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sched::{CloneFlags, unshare};

use super::super::limits::PLACED_BYTES_MAX;
use super::super::spec::PlacedFile;
use super::super::sys::{self, ATTR_NODEV, ATTR_NOEXEC, ATTR_NOSUID, ATTR_RDONLY};
use super::super::wire::{Caller, Order, Work};
use super::{Failed, PROGRAM_ID, Step};

/// Where the new root is put before it becomes one: a folder every Linux has, and whose own content is by then held
/// by descriptor.
const NEW_ROOT_AT: &str = "/usr";
/// Folders of the host's root that are links into `/usr` on a merged system, and folders on others.
const SYSTEM_NAMES: [&str; 7] = ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"];
/// The devices a program may use: those that only give or swallow bytes.
const DEVICE_NAMES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];
/// Parts of the host's `/etc` that programs under `/usr` are lost without. Read-only, and no secret.
const ETC_NAMES: [&str; 2] = ["ld.so.cache", "alternatives"];
/// Files of `/proc` that tell of the host rather than of the box, or that act on it.
const PROC_FILES_MASKED: [&str; 25] = [
    "cmdline",
    "config.gz",
    "diskstats",
    "interrupts",
    "iomem",
    "ioports",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "kpagecgroup",
    "kpagecount",
    "kpageflags",
    "latency_stats",
    "modules",
    "mtrr",
    "partitions",
    "sched_debug",
    "slabinfo",
    "sysrq-trigger",
    "timer_list",
    "timer_stats",
    "vmallocinfo",
    "zoneinfo",
];
/// Folders of `/proc` of the same sort.
const PROC_FOLDERS_MASKED: [&str; 10] =
    ["acpi", "asound", "bus", "driver", "dynamic_debug", "fs", "irq", "pressure", "scsi", "tty"];
/// Files and folders that the root itself may hold beyond placed files.
const ROOT_INODES_MAX: u32 = 65_536;

/// Enters a mount namespace of its own, whose changes nobody else sees.
pub fn detach() -> Result<(), Failed> {
    unshare(CloneFlags::CLONE_NEWNS).step("make the mount namespace")?;
    let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
    mount(None::<&str>, "/", None::<&str>, private, None::<&str>).step("detach the mounts from the host's")
}

/// Builds the root and enters it.
pub fn build(order: &Order) -> Result<(), Failed> {
    let sources = Sources::gather(order)?;
    let size = PLACED_BYTES_MAX + (4 << 20);
    let options = format!("size={size},nr_inodes={ROOT_INODES_MAX},mode=0755");
    mount(Some("box"), NEW_ROOT_AT, Some("tmpfs"), MsFlags::MS_NOSUID | MsFlags::MS_NODEV, Some(options.as_str()))
        .step("mount the new root")?;
    nix::unistd::chdir(NEW_ROOT_AT).step("enter the new root")?;
    system_place(&sources)?;
    box_place(order)?;
    for (source, mount) in sources.asked.iter().zip(&order.mounts) {
        attach(source, &inside(&mount.at)?, order)?;
    }
    for file in &order.files {
        file_place(file, order)?;
    }
    if order.proc {
        proc_place()?;
    }
    nix::unistd::pivot_root(".", ".").step("make the new root the root")?;
    umount2(".", MntFlags::MNT_DETACH).step("let go of the host's root")?;
    nix::unistd::chdir("/").step("enter the root")?;
    let root = File::open("/").step("open the root")?;
    sys::mount_attributes(root.as_fd(), ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV, false)
        .step("make the root read-only")?;
    nix::unistd::sethostname("box").step("name the box")
}

/// Detached copies of everything of the host that the box will see, taken while the host's root is still the root.
struct Sources {
    system: Vec<(&'static str, SystemEntry)>,
    devices: Vec<(&'static str, OwnedFd)>,
    etc: Vec<(&'static str, OwnedFd, bool)>,
    asked: Vec<Source>,
}

enum SystemEntry {
    Link(PathBuf),
    Tree(OwnedFd),
}

struct Source {
    tree: OwnedFd,
    folder: bool,
}

impl Sources {
    fn gather(order: &Order) -> Result<Self, Failed> {
        let mut gathered = Self { system: Vec::new(), devices: Vec::new(), etc: Vec::new(), asked: Vec::new() };
        for name in DEVICE_NAMES {
            gathered
                .devices
                .push((name, tree(&Path::new("/dev").join(name), ATTR_RDONLY | ATTR_NOSUID | ATTR_NOEXEC)?));
        }
        if matches!(order.work, Work::Unpack(_)) {
            return Ok(gathered);
        }
        let read_only = ATTR_RDONLY | ATTR_NOSUID | ATTR_NODEV;
        for name in SYSTEM_NAMES {
            let path = Path::new("/").join(name);
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => {
                    let target = fs::read_link(&path).step(format!("read link {}", path.display()))?;
                    gathered.system.push((name, SystemEntry::Link(target)));
                }
                Ok(_) => gathered.system.push((name, SystemEntry::Tree(tree(&path, read_only)?))),
                Err(_) => {}
            }
        }
        for name in ETC_NAMES {
            let path = Path::new("/etc").join(name);
            if let Ok(meta) = fs::metadata(&path) {
                gathered.etc.push((name, tree(&path, read_only)?, meta.is_dir()));
            }
        }
        for mount in &order.mounts {
            let meta = fs::metadata(&mount.host).step(format!("look at {}", mount.host.display()))?;
            gathered.asked.push(Source { tree: tree(&mount.host, read_only)?, folder: meta.is_dir() });
        }
        Ok(gathered)
    }
}

fn tree(path: &Path, attributes: u64) -> Result<OwnedFd, Failed> {
    let name = c_path(path)?;
    let tree = sys::open_tree(&name).step(format!("copy the mount {}", path.display()))?;
    sys::mount_attributes(tree.as_fd(), attributes, true).step(format!("make {} read-only", path.display()))?;
    Ok(tree)
}

fn system_place(sources: &Sources) -> Result<(), Failed> {
    for folder in ["dev", "etc", "proc", "tmp", "var", "var/empty"] {
        folder_make(Path::new(folder))?;
    }
    for (name, entry) in &sources.system {
        match entry {
            SystemEntry::Link(target) => symlink(target, name).step(format!("link /{name}"))?,
            SystemEntry::Tree(tree) => {
                folder_make(Path::new(name))?;
                sys::move_mount(tree.as_fd(), &c_path(Path::new(name))?).step(format!("attach /{name}"))?;
            }
        }
    }
    for (name, device) in &sources.devices {
        let target = Path::new("dev").join(name);
        File::create(&target).step(format!("make /dev/{name}"))?;
        sys::move_mount(device.as_fd(), &c_path(&target)?).step(format!("attach /dev/{name}"))?;
    }
    for (name, target) in [("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1")] {
        symlink(target, Path::new("dev").join(name)).step(format!("link /dev/{name}"))?;
    }
    symlink("/proc/self/fd/2", "dev/stderr").step("link /dev/stderr")?;
    symlink("/tmp", "dev/shm").step("link /dev/shm")?;
    for (name, tree, folder) in &sources.etc {
        let target = Path::new("etc").join(name);
        if *folder {
            folder_make(&target)?;
        } else {
            File::create(&target).step(format!("make /etc/{name}"))?;
        }
        sys::move_mount(tree.as_fd(), &c_path(&target)?).step(format!("attach /etc/{name}"))?;
    }
    etc_write()
}

fn etc_write() -> Result<(), Failed> {
    let passwd = format!(
        "root:x:0:0:root:/:/bin/false\nbox:x:{PROGRAM_ID}:{PROGRAM_ID}:box:/tmp:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n"
    );
    let group = format!("root:x:0:\nbox:x:{PROGRAM_ID}:\nnogroup:x:65534:\n");
    let texts = [
        ("passwd", passwd.as_str()),
        ("group", group.as_str()),
        ("hosts", "127.0.0.1 localhost box\n::1 localhost box\n"),
        ("hostname", "box\n"),
        ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files\n"),
        ("resolv.conf", ""),
    ];
    for (name, text) in texts {
        let path = Path::new("etc").join(name);
        fs::write(&path, text).step(format!("write /etc/{name}"))?;
        fs::set_permissions(&path, Permissions::from_mode(0o444)).step(format!("write /etc/{name}"))?;
    }
    Ok(())
}

/// One tmpfs for the box and `/tmp`, so that one number bounds both. It is mounted where the box goes and then covered
/// by its own subfolder.
fn box_place(order: &Order) -> Result<(), Failed> {
    let at = inside(&order.box_dir)?;
    folders_make(&at, order)?;
    let limits = order.limits;
    let options = format!("size={},nr_inodes={},mode=0755", limits.disk_bytes, limits.files.saturating_add(3));
    // Unless it is there to build, nothing a program wrote can become code of a process: a runtime's own ways to load native code (add-ons, OpenSSL's
    // engines) would reach into the harness beside it.
    let mut flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    flags.set(MsFlags::MS_NOEXEC, !order.exec);
    mount(Some("box"), &at, Some("tmpfs"), flags, Some(options.as_str())).step("mount the writable folder")?;
    for (name, target) in [("tmp", PathBuf::from("tmp")), ("box", at.clone())] {
        let folder = at.join(name);
        folder_make(&folder)?;
        program_owns(&folder, order)?;
        let tree = sys::open_tree(&c_path(&folder)?).step("copy the writable folder")?;
        sys::move_mount(tree.as_fd(), &c_path(&target)?).step("attach the writable folder")?;
    }
    Ok(())
}

fn attach(source: &Source, at: &Path, order: &Order) -> Result<(), Failed> {
    if source.folder {
        folders_make(at, order)?;
    } else if fs::symlink_metadata(at).is_err() {
        if let Some(parent) = at.parent() {
            folders_make(parent, order)?;
        }
        File::create(at).step(format!("make {}", at.display()))?;
    }
    sys::move_mount(source.tree.as_fd(), &c_path(at)?).step(format!("attach {}", at.display()))
}

fn file_place(file: &PlacedFile, order: &Order) -> Result<(), Failed> {
    let at = inside(&file.at)?;
    if let Some(parent) = at.parent() {
        folders_make(parent, order)?;
    }
    let writable = is_writable(&at, order)?;
    let for_others = file.mode & 0o5;
    let mode = if writable { file.mode & 0o777 } else { for_others * 0o111 };
    let step = || format!("place {}", file.at);
    let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&at).step(step())?;
    open.write_all(&file.bytes).step(step())?;
    open.set_permissions(Permissions::from_mode(mode)).step(step())?;
    if writable { program_owns(&at, order) } else { Ok(()) }
}

/// Whether the path is below the writable folder or `/tmp`.
fn is_writable(at: &Path, order: &Order) -> Result<bool, Failed> {
    Ok(at.starts_with(inside(&order.box_dir)?) || at.starts_with("tmp"))
}

fn program_owns(path: &Path, order: &Order) -> Result<(), Failed> {
    match order.caller {
        Caller::Root { program } => {
            chown(path, Some(program), Some(program)).step(format!("give {} away", path.display()))
        }
        Caller::User { .. } => Ok(()),
    }
}

fn proc_place() -> Result<(), Failed> {
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "proc", Some("proc"), flags, Some("hidepid=invisible")).step("mount /proc")?;
    for name in PROC_FILES_MASKED {
        mask("dev/null", &Path::new("proc").join(name))?;
    }
    for name in PROC_FOLDERS_MASKED {
        mask("var/empty", &Path::new("proc").join(name))?;
    }
    let settings = sys::open_tree(c"proc/sys").step("copy /proc/sys")?;
    sys::mount_attributes(settings.as_fd(), ATTR_RDONLY, true).step("make /proc/sys read-only")?;
    sys::move_mount(settings.as_fd(), c"proc/sys").step("cover /proc/sys")
}

fn mask(with: &str, at: &Path) -> Result<(), Failed> {
    if fs::symlink_metadata(at).is_err() {
        return Ok(());
    }
    let step = || format!("mask {}", at.display());
    let cover = sys::open_tree(&c_path(Path::new(with))?).step(step())?;
    sys::mount_attributes(cover.as_fd(), ATTR_RDONLY, true).step(step())?;
    sys::move_mount(cover.as_fd(), &c_path(at)?).step(step())
}

/// The path relative to the new root of an absolute path in the box.
fn inside(path: &str) -> Result<PathBuf, Failed> {
    let relative = Path::new(path).strip_prefix("/").map_err(|_| io::Error::from_raw_os_error(libc::EINVAL));
    let relative = relative.step(format!("place {path}: it is not absolute"))?;
    let plain = relative.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || relative.as_os_str().is_empty() {
        return Err(io::Error::from_raw_os_error(libc::EINVAL)).step(format!("place {path}: it is not a plain path"));
    }
    Ok(relative.to_path_buf())
}

fn folder_make(path: &Path) -> Result<(), Failed> {
    match fs::DirBuilder::new().mode(0o755).create(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.step(format!("make folder {}", path.display())),
    }
}

/// Makes a folder and its parents; those in the writable folder belong to the program.
fn folders_make(path: &Path, order: &Order) -> Result<(), Failed> {
    let mut made = PathBuf::new();
    for part in path.components() {
        made.push(part);
        if fs::symlink_metadata(&made).is_err() {
            folder_make(&made)?;
            if is_writable(&made, order)? {
                program_owns(&made, order)?;
            }
        }
    }
    Ok(())
}

fn c_path(path: &Path) -> Result<CString, Failed> {
    use std::os::unix::ffi::OsStrExt;
    CString::new(path.as_os_str().as_bytes())
        .map_err(|_| io::Error::from_raw_os_error(libc::EINVAL))
        .step(format!("use the path {}: it has a NUL", path.display()))
}
