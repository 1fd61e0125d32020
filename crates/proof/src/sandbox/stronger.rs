//! A kind of box stronger than namespaces (gVisor's `runsc`, a microVM behind an OCI runtime), named by the configuration
//! and tried by really booting a container of it. Says exactly why one is unfit; never lets anything weaker take its place.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::error::SandboxError;

/// How long a container may take to boot and end, in milliseconds.
const BOOT_MS_MAX: u64 = 20_000;
/// How often its end is looked for, in milliseconds.
const LOOK_MS: u64 = 5;
/// Bytes of a runtime's complaint that are shown.
const COMPLAINT_BYTES_MAX: usize = 400;
/// What the container says when it really ran.
const WORD: &str = "booted";
/// Top folders that are links into `/usr`, or that programs there need.
const LIBRARY_FOLDERS: [&str; 3] = ["lib", "lib64", "bin"];

/// A runtime that takes OCI bundles: `PROGRAM --root STATE run --bundle FOLDER ID`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stronger {
    /// Path of the runtime, absolute.
    pub program: PathBuf,
}

/// Boots a container, and says why no box will be run in one: it does not boot, or it does and this version cannot use it.
pub fn refusal(stronger: &Stronger) -> SandboxError {
    let name = stronger.program.display();
    SandboxError::Unfit {
        what: match boot(&stronger.program) {
            Err(why) => format!("the stronger kind {name} does not boot a container: {why}"),
            Ok(()) => format!("the stronger kind {name} boots a container, but this version runs no box in one"),
        },
        remedy: "mend it, or take the stronger kind out of the configuration to use namespaces".into(),
    }
}

/// Boots a container that says one word, and takes nothing else for a boot.
fn boot(program: &Path) -> Result<(), String> {
    if !program.is_absolute() {
        return Err("its path is not absolute".into());
    }
    let bundle = Bundle::make().map_err(|error| format!("make its bundle: {error}"))?;
    let mut running = Running::start(program, &bundle).map_err(|error| error.to_string())?;
    let (status, said, complaint) = running.end()?;
    drop(running);
    if !status.success() {
        return Err(format!("it ended with {status}{}", after_colon(&complaint)));
    }
    if said != WORD.as_bytes() {
        return Err(format!("it ended well, but nothing ran in its container{}", after_colon(&complaint)));
    }
    Ok(())
}

fn after_colon(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let text: String = text.trim().chars().take(COMPLAINT_BYTES_MAX).map(|c| if c == '\n' { ' ' } else { c }).collect();
    if text.is_empty() { String::new() } else { format!(": {text}") }
}

/// A bundle in a temporary folder, with the state of its runtime.
struct Bundle {
    folder: tempfile::TempDir,
}

impl Bundle {
    fn make() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("proofhouse-stronger-").tempdir()?;
        let root = folder.path().join("rootfs");
        fs::create_dir(&root)?;
        fs::create_dir(folder.path().join("state"))?;
        let mut mounts = vec![
            serde_json::json!({ "destination": "/proc", "type": "proc", "source": "proc", "options": ["nosuid", "noexec", "nodev"] }),
        ];
        let mut bind = |path: &str| {
            let options = ["rbind", "ro", "nosuid", "nodev"];
            mounts.push(serde_json::json!({ "destination": path, "type": "bind", "source": path, "options": options }));
        };
        bind("/usr");
        for name in LIBRARY_FOLDERS {
            let path = Path::new("/").join(name);
            match fs::read_link(&path) {
                Ok(target) => std::os::unix::fs::symlink(target, root.join(name))?,
                Err(_) if path.exists() => bind(&format!("/{name}")),
                Err(_) => {}
            }
        }
        let namespaces = ["pid", "mount", "network", "ipc", "uts"].map(|kind| serde_json::json!({ "type": kind }));
        let config = serde_json::json!({
            "ociVersion": "1.0.2",
            "hostname": "box",
            "root": { "path": "rootfs", "readonly": true },
            "process": {
                "terminal": false,
                "user": { "uid": super::PROGRAM_ID, "gid": super::PROGRAM_ID },
                "args": ["/usr/bin/printf", "%s", WORD],
                "env": ["PATH=/usr/bin:/bin"],
                "cwd": "/",
                "noNewPrivileges": true,
                "capabilities": {},
            },
            "mounts": mounts,
            "linux": { "namespaces": namespaces },
        });
        fs::write(folder.path().join("config.json"), config.to_string())?;
        Ok(Self { folder })
    }

    /// A name that no other container of this runtime has.
    fn id(&self) -> String {
        let name = self.folder.path().file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }
}

/// A runtime at work; whatever it leaves is removed when this goes.
struct Running<'a> {
    program: &'a Path,
    bundle: &'a Bundle,
    child: Child,
}

impl<'a> Running<'a> {
    fn start(program: &'a Path, bundle: &'a Bundle) -> io::Result<Self> {
        let child = command(program, bundle)
            .args(["run", "--bundle"])
            .arg(bundle.folder.path())
            .arg(bundle.id())
            // Into files: a container that lives on cannot hold a pipe open and keep us waiting.
            .stdout(Stdio::from(fs::File::create(bundle.folder.path().join("said"))?))
            .stderr(Stdio::from(fs::File::create(bundle.folder.path().join("complaint"))?))
            .spawn()?;
        Ok(Self { program, bundle, child })
    }

    /// Waits for its end; gives what it said and what it complained of.
    fn end(&mut self) -> Result<(ExitStatus, Vec<u8>, Vec<u8>), String> {
        let begun = Instant::now();
        let status = loop {
            match self.child.try_wait().map_err(|error| format!("wait for it: {error}"))? {
                Some(status) => break status,
                None if begun.elapsed() > Duration::from_millis(BOOT_MS_MAX) => {
                    return Err(format!("it did not end within {BOOT_MS_MAX} ms"));
                }
                None => std::thread::sleep(Duration::from_millis(LOOK_MS)),
            }
        };
        let read = |name: &str| -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            let file = fs::File::open(self.bundle.folder.path().join(name))?;
            file.take(COMPLAINT_BYTES_MAX as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let failed = |error: io::Error| format!("read what it said: {error}");
        Ok((status, read("said").map_err(failed)?, read("complaint").map_err(failed)?))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Where the container is still there; one that ended is gone already and this says so to nobody.
        let gone = command(self.program, self.bundle).args(["delete", "--force"]).arg(self.bundle.id()).spawn();
        if let Ok(mut gone) = gone {
            let until = Instant::now() + Duration::from_millis(BOOT_MS_MAX);
            while matches!(gone.try_wait(), Ok(None)) && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(LOOK_MS));
            }
            let _ = gone.kill();
            let _ = gone.wait();
        }
    }
}

fn command(program: &Path, bundle: &Bundle) -> Command {
    let mut command = Command::new(program);
    command.arg("--root").arg(bundle.folder.path().join("state"));
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}
