//! Puts one program into a box with the package it is about, and brings back what could be seen of it.
//!
//! Everything measured comes from outside the program: canaries, the box's own account, and a preload the program
//! cannot reach. Must not decide what a sighting means: that is `oracle`'s work, and `run`'s.

pub mod canary;
mod database;
pub mod report;
pub mod stub;

use domain::proof::OracleKind;
use serde::Serialize;
use thiserror::Error;

use crate::bundle::Bundle;
use crate::file;
use crate::runtime::{Ready, Runtime, Scene, Toolchain};
use crate::sandbox::{BoxOutcome, BoxSpec, CopyOut, Limits, Listener, PlacedFile, Sandbox, SandboxError};
use report::{Report, RunKey};

/// Where the bundle's files are in the box.
pub const PROOF_FOLDER: &str = "/app/proof";
/// The program's own folder in the box, which it may change.
const WORK_FOLDER: &str = "/box/work";
/// The folder whose every change is a sighting of file-write.
pub(crate) const WRITE_FOLDER: &str = "/box/canary";
/// Where the sandbox's init listens in a box that has a server.
const LISTENER_PORT: u16 = 8_377;
/// The database of `sql-injection`, in the program's own folder.
const DATABASE_FILE: &str = "/box/work/canary.db";
/// The exec canary in the box.
const EXEC_CANARY: &str = "/canary/proof-canary";
/// Name, below the box, of the file that executing the exec canary makes.
const EXECUTED_FILE: &str = "executed";
/// Name, below the box, of the file in which a program may show what it read.
const OUT_FILE: &str = "out";
/// Name, below the box, of the file that lies in the watched folder from the start.
const KEPT_FILE: &str = "canary/kept";
/// Files and folders a program may make.
const FILES_MAX: u32 = 4_096;
/// Bytes a program may write to its box.
const DISK_BYTES_MAX: u64 = 64 << 20;
/// Processes and threads; a Node.js process alone has about a dozen.
const PROCESSES_MAX: u32 = 64;
/// Bytes of output after which a run is ended.
const DRAIN_BYTES_MAX: u64 = 16 << 20;

/// Why a run could not be had at all.
#[derive(Debug, Error)]
pub enum HarnessError {
    /// The sandbox could not run it.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// No one-time secrets.
    #[error("make one-time secrets for a run: {0}")]
    Secrets(#[from] std::io::Error),
    /// No exec canary for this processor.
    #[error("no exec canary is known for this processor; x86-64 and AArch64 have one")]
    NoCanary,
}

/// What a run happens on: shared by all runs of one version.
#[derive(Clone, Copy)]
pub struct Stage<'a> {
    /// Makes the boxes.
    pub sandbox: &'a Sandbox,
    /// How programs are started.
    pub runtime: &'a dyn Runtime,
    /// Whether the harness sees in whose hands an effect was brought about.
    pub sees_hands: bool,
    /// What runs the program.
    pub toolchain: &'a Toolchain,
    /// What is run.
    pub bundle: &'a Bundle,
    /// The package it is about, or its stub.
    pub ready: &'a Ready,
}

/// A key on a shared prototype, watched for who sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trap {
    /// Such as `Object.prototype`.
    pub on: String,
    /// The key.
    pub key: String,
}

/// One run of one file of the bundle.
#[derive(Debug, Clone, Default)]
pub struct Attempt {
    /// The file.
    pub entry: String,
    /// Input size, for `cpu-blow-up`.
    pub size: Option<u64>,
    /// CPU limit in milliseconds, where it is not twice the wall limit.
    pub cpu_ms: Option<u64>,
    /// Keys to trap in a trace run.
    pub traps: Vec<Trap>,
    /// Take a CPU profile.
    pub profile: bool,
}

/// What could be seen of one run.
#[derive(Debug)]
pub struct Observed {
    /// The box's own account.
    pub outcome: BoxOutcome,
    /// The preload's last authentic word.
    pub report: Option<Report>,
    /// Lines on the report channel that were not authentic.
    pub forged: u32,
    /// The canaries after the run.
    pub canaries: CanaryState,
    /// The CPU profile, where one was asked for and taken. Hostile bytes.
    pub profile: Option<Vec<u8>>,
}

/// The canaries after a run, as seen from outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CanaryState {
    /// The content of the read canary came out of the box.
    pub read: bool,
    /// The exec canary was executed.
    pub executed: bool,
    /// A file was made, changed or removed in the watched folder.
    pub written: bool,
    /// The canary header stood on a line of its own in what the program brought out.
    pub header: bool,
}

/// The one-time values of a run.
pub struct Secrets {
    key: RunKey,
    read: String,
    kept: String,
    executed: String,
    code: String,
    tag: String,
}

impl Secrets {
    fn fresh() -> std::io::Result<Self> {
        let tag = file::random_name()?[..8].to_owned();
        Ok(Self {
            key: RunKey::fresh()?,
            read: file::random_name()?,
            kept: file::random_name()?,
            executed: file::random_name()?,
            code: file::random_name()?,
            tag,
        })
    }

    /// The key that authenticates the harness's own reports, in hexadecimal.
    pub(crate) fn key_hex(&self) -> String {
        self.key.to_hex()
    }

    /// Where in the box the read canary is.
    pub(crate) fn file_canary(&self) -> String {
        format!("/canary/{}.txt", self.tag)
    }

    /// Where in the box a file is to appear that proves a write.
    pub(crate) fn write_canary(&self) -> String {
        format!("{WRITE_FOLDER}/{}.txt", self.tag)
    }

    /// The address of the server inside.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{LISTENER_PORT}/{}", self.code)
    }

    /// The name of a header that nobody else sends.
    pub(crate) fn header_name(&self) -> String {
        format!("X-Proof-{}", self.tag)
    }

    /// The name of the function that a payload calls.
    pub(crate) fn code_name(&self) -> String {
        format!("proofCanary_{}", self.tag)
    }

    /// What that function is to be called with.
    pub(crate) fn code(&self) -> &str {
        &self.code
    }
}

impl Stage<'_> {
    /// Runs one file of the bundle and brings back what could be seen.
    ///
    /// # Errors
    /// Only where there was no run: whatever the program does is an observation.
    pub fn attempt(&self, attempt: &Attempt) -> Result<Observed, HarnessError> {
        let secrets = Secrets::fresh()?;
        let spec = self.spec(attempt, &secrets)?;
        let outcome = self.sandbox.run(&spec)?;
        let (report, forged) = report::channel_read(&outcome.channel_out, &secrets.key);
        let canaries = canaries_after(&outcome, &secrets);
        let profile = outcome.file("profile/p.cpuprofile").map(|file| file.bytes.clone());
        Ok(Observed { outcome, report, forged, canaries, profile })
    }

    fn spec(&self, attempt: &Attempt, secrets: &Secrets) -> Result<BoxSpec, HarnessError> {
        let manifest = self.bundle.manifest();
        let mut spec = BoxSpec::new(Vec::<String>::new());
        spec.env = self.env(attempt, secrets);
        spec.cwd = WORK_FOLDER.into();
        spec.mounts = self.toolchain.mounts.iter().chain(&self.ready.mounts).cloned().collect();
        spec.files = self.files(secrets)?;
        spec.limits = self.limits(attempt);
        let listens = matches!(manifest.oracle.kind, OracleKind::ServerSideRequest | OracleKind::XmlExternalEntity);
        spec.loopback = manifest.run.loopback || listens;
        spec.listener = listens.then(|| Listener {
            port: LISTENER_PORT,
            token: secrets.code.clone(),
            answer: secrets.read.clone().into_bytes(),
        });
        spec.copy_out = copy_out(manifest.oracle.kind, attempt);
        let (bundle, toolchain, ready) = (self.bundle, self.toolchain, self.ready);
        self.runtime.dress(&Scene { bundle, toolchain, ready, attempt, secrets }, &mut spec)?;
        Ok(spec)
    }

    fn env(&self, attempt: &Attempt, secrets: &Secrets) -> Vec<(String, String)> {
        let mut env: Vec<(String, String)> = [
            ("PATH", "/canary:/runtime/bin:/usr/local/bin:/usr/bin:/bin"),
            ("HOME", WORK_FOLDER),
            ("LANG", "C.UTF-8"),
            ("NO_COLOR", "1"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        let mut set = |key: &str, value: String| env.push((key.to_owned(), value));
        set("PROOF_OUT", format!("/box/{OUT_FILE}"));
        match self.bundle.manifest().oracle.kind {
            OracleKind::FileRead => set("PROOF_CANARY_FILE", secrets.file_canary()),
            OracleKind::FileWrite => set("PROOF_CANARY_WRITE", secrets.write_canary()),
            OracleKind::CommandExecution | OracleKind::CodeExecution => {
                set("PROOF_CANARY_EXEC", EXEC_CANARY.into());
            }
            OracleKind::CpuBlowUp => {
                set("PROOF_SIZE", attempt.size.unwrap_or(crate::oracle::cpu_blow_up::SIZE_FIRST).to_string());
            }
            OracleKind::ServerSideRequest => set("PROOF_CANARY_URL", secrets.url()),
            OracleKind::XmlExternalEntity => {
                set("PROOF_CANARY_FILE", secrets.file_canary());
                set("PROOF_CANARY_URL", secrets.url());
            }
            OracleKind::SqlInjection => set("PROOF_CANARY_DB", DATABASE_FILE.into()),
            OracleKind::Deserialisation => {
                set("PROOF_CANARY_EXEC", EXEC_CANARY.into());
                set("PROOF_CANARY_WRITE", secrets.write_canary());
            }
            OracleKind::ResponseSplitting => {
                set("PROOF_CANARY_HEADER", secrets.header_name());
                set("PROOF_CANARY_VALUE", secrets.code.clone());
            }
            OracleKind::PrototypePollution
            | OracleKind::UncontrolledAllocation
            | OracleKind::InfiniteLoop
            | OracleKind::MemoryError
            | OracleKind::Assertion => {}
        }
        env
    }

    fn files(&self, secrets: &Secrets) -> Result<Vec<PlacedFile>, HarnessError> {
        let placed = |at: String, bytes: &[u8], mode| PlacedFile { at, bytes: bytes.to_vec(), mode };
        let mut files = vec![placed(format!("{WORK_FOLDER}/.proof"), b"", 0o644)];
        for (name, bytes) in self.bundle.files() {
            files.push(placed(format!("{PROOF_FOLDER}/{name}"), bytes, 0o444));
        }
        let kept = || placed(format!("/box/{KEPT_FILE}"), secrets.kept.as_bytes(), 0o644);
        let canary = || -> Result<PlacedFile, HarnessError> {
            let program = canary::program(&format!("/box/{EXECUTED_FILE}"), &secrets.executed);
            Ok(placed(EXEC_CANARY.into(), &program.ok_or(HarnessError::NoCanary)?, 0o111))
        };
        match self.bundle.manifest().oracle.kind {
            OracleKind::FileRead | OracleKind::XmlExternalEntity => {
                files.push(placed(secrets.file_canary(), secrets.read.as_bytes(), 0o444));
            }
            OracleKind::FileWrite => files.push(kept()),
            OracleKind::CommandExecution | OracleKind::CodeExecution => files.push(canary()?),
            OracleKind::Deserialisation => files.extend([kept(), canary()?]),
            OracleKind::SqlInjection => {
                files.push(placed(DATABASE_FILE.into(), &database::file(&secrets.read), 0o644));
            }
            OracleKind::PrototypePollution
            | OracleKind::CpuBlowUp
            | OracleKind::UncontrolledAllocation
            | OracleKind::InfiniteLoop
            | OracleKind::ServerSideRequest
            | OracleKind::ResponseSplitting
            | OracleKind::MemoryError
            | OracleKind::Assertion => {}
        }
        Ok(files)
    }

    fn limits(&self, attempt: &Attempt) -> Limits {
        let run = &self.bundle.manifest().run;
        Limits {
            wall_ms: run.wall_ms,
            cpu_ms: attempt.cpu_ms.unwrap_or(run.wall_ms.saturating_mul(2)),
            memory_bytes: run.memory_bytes,
            processes: PROCESSES_MAX,
            files: FILES_MAX,
            disk_bytes: DISK_BYTES_MAX,
            drain_bytes: DRAIN_BYTES_MAX,
            ..Limits::default()
        }
    }
}

fn copy_out(kind: OracleKind, attempt: &Attempt) -> CopyOut {
    let mut files = Vec::new();
    match kind {
        // What is made in the watched folder has any name.
        OracleKind::FileWrite | OracleKind::Deserialisation => return CopyOut::Tree,
        OracleKind::FileRead
        | OracleKind::SqlInjection
        | OracleKind::XmlExternalEntity
        | OracleKind::ResponseSplitting => files.push(OUT_FILE.to_owned()),
        OracleKind::CommandExecution | OracleKind::CodeExecution => files.push(EXECUTED_FILE.to_owned()),
        OracleKind::PrototypePollution
        | OracleKind::CpuBlowUp
        | OracleKind::UncontrolledAllocation
        | OracleKind::InfiniteLoop
        | OracleKind::ServerSideRequest
        | OracleKind::MemoryError
        | OracleKind::Assertion => {}
    }
    if attempt.profile {
        files.push("profile/p.cpuprofile".to_owned());
    }
    if files.is_empty() { CopyOut::Nothing } else { CopyOut::Files(files) }
}

fn canaries_after(outcome: &BoxOutcome, secrets: &Secrets) -> CanaryState {
    let shows = |bytes: &[u8], secret: &str| bytes.windows(secret.len()).any(|w| w == secret.as_bytes());
    let file = |name: &str| outcome.file(name).map(|file| file.bytes.as_slice());
    let watched: Vec<_> = outcome.files.iter().filter(|file| file.path.starts_with("canary/")).collect();
    let kept = watched.iter().any(|file| file.path == KEPT_FILE && file.bytes == secrets.kept.as_bytes());
    CanaryState {
        read: shows(&outcome.stdout.head, &secrets.read) || file(OUT_FILE).is_some_and(|b| shows(b, &secrets.read)),
        executed: file(EXECUTED_FILE).is_some_and(|bytes| shows(bytes, &secrets.executed)),
        written: watched.len() != 1 || !kept,
        header: file(OUT_FILE).is_some_and(|bytes| {
            let line = format!("{}: {}", secrets.header_name(), secrets.code);
            bytes.split(|b| *b == b'\n').any(|found| found.strip_suffix(b"\r").unwrap_or(found) == line.as_bytes())
        }),
    }
}
