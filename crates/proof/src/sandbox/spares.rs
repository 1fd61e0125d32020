//! The re-executed programs that become the inits of boxes, started ahead of the runs they are for. Must not be told what
//! will run, and must not leave one behind.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::SandboxError;
use super::limits::SPARES_COUNT_MAX;
use super::wire::MARKER;

/// Inits started ahead of the runs they are for: nothing of a run is known to them, they wait for their order.
#[derive(Debug)]
pub struct Spares {
    exe: PathBuf,
    ready: Mutex<Vec<(Init, UnixStream)>>,
}

impl Spares {
    /// None yet, of this program.
    pub fn new(exe: PathBuf) -> Self {
        Self { exe, ready: Mutex::default() }
    }

    /// One that waits for its order, and the way to talk to it.
    ///
    /// # Errors
    /// [`SandboxError::Spawn`] where none can be started.
    pub fn take(&self) -> Result<(Init, UnixStream), SandboxError> {
        while let Some((mut init, talk)) = self.ready().pop() {
            // One that was killed from outside is no use, and its end is no run's.
            if matches!(init.child.try_wait(), Ok(None)) {
                return Ok((init, talk));
            }
        }
        Init::start(&self.exe)
    }

    /// Starts one where there is none. What fails here will fail, and be told, when one is wanted.
    pub fn refill(&self) {
        if self.ready().len() < SPARES_COUNT_MAX
            && let Ok(spare) = Init::start(&self.exe)
        {
            self.ready().push(spare);
        }
    }

    fn ready(&self) -> MutexGuard<'_, Vec<(Init, UnixStream)>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The re-executed program; killed if it is dropped alive.
#[derive(Debug)]
pub struct Init {
    child: Child,
}

impl Init {
    fn start(exe: &Path) -> Result<(Self, UnixStream), SandboxError> {
        let (ours, theirs) = UnixStream::pair().map_err(SandboxError::io("make a socket for the sandbox's init"))?;
        let child = Command::new(exe)
            .arg0("proofhouse-box")
            .arg(MARKER)
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| SandboxError::Spawn { path: exe.to_path_buf(), source })?;
        Ok((Self { child }, ours))
    }

    /// Waits for the end, which by now is near; after the grace it is killed, and the kernel kills the box with it.
    pub fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        self.end();
    }
}
