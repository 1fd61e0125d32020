//! Other people's servers that tests talk to, in Python: a mail server, a name server. What they are made of is installed once, in the
//! target folder, as `peers/outward/requirements.txt` says, by the `pip` of this machine and its own configuration.
//!
//! Must not stand in for our side: only for the other one.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use crate::kept_folder;

/// A running server of somebody else's; it ends with this value.
pub struct Peer {
    child: Child,
    /// The port it listens on.
    pub port: u16,
}

impl Peer {
    /// Starts a script of `peers/outward` with these arguments and waits until it says its port.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(script: &str, arguments: &[&str]) -> Self {
        let python = match PYTHON.get_or_init(python) {
            Ok(python) => python,
            Err(line) => panic!("{line}"),
        };
        let mut command = Command::new(python);
        command
            .args(["-W", "ignore"])
            .arg(peers().join(script))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(e) => panic!("start {script}: {e}"),
        };
        let mut line = String::new();
        let said = child.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        match (said, line.trim().parse()) {
            (Some(Ok(_)), Ok(port)) => Self { child, port },
            (said, _) => panic!("{script} said no port: {said:?} {line:?}"),
        }
    }

    /// Waits until it ended by itself.
    ///
    /// # Panics
    /// When the system does not say.
    pub fn ended(&mut self) {
        if let Err(e) = self.child.wait() {
            panic!("wait for a peer: {e}");
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // One that ended before needs no end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

static PYTHON: OnceLock<Result<PathBuf, String>> = OnceLock::new();

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../peers/outward")
}

fn run(command: &mut Command) -> Result<(), String> {
    let what = "set up Python's peers for the tests (python3 with venv and pip is needed, and its package index)";
    let output = command.output().map_err(|e| format!("{what}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{what}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// Python with what the peers need. Of several test programs at once, the first one makes it.
fn python() -> Result<PathBuf, String> {
    let kept = kept_folder("test-python");
    let wanted =
        std::fs::read_to_string(peers().join("requirements.txt")).map_err(|e| format!("read the list: {e}"))?;
    let (python, list) = (kept.join("bin/python"), kept.join("installed.txt"));
    let lock = std::fs::File::create(kept.join("lock")).map_err(|e| format!("make a lock: {e}"))?;
    lock.lock().map_err(|e| format!("wait for another test: {e}"))?;
    if std::fs::read_to_string(&list).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&kept))?;
    let mut pip = Command::new(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement"]);
    run(pip.arg(peers().join("requirements.txt")))?;
    std::fs::write(&list, wanted).map_err(|e| format!("note what is installed: {e}"))?;
    Ok(python)
}
