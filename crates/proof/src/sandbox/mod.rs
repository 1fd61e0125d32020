//! Runs one hostile program in a box of the kernel's making and says what it did and what it used.
//!
//! The box has no network, nothing of the host but read-only programs, one writable folder of bounded size, bounded
//! time, memory, processes and output, and it dies whole. What it promises and what not is in `SECURITY.md`; why it is
//! built so, in `docs/adr/0002-sandbox.md`. This module must not know what a proof, an oracle or a package is.

mod cgroup;
mod error;
mod folder;
mod init;
mod launch;
pub mod limits;
mod outcome;
mod probe;
mod seccomp;
mod spares;
mod spec;
mod stronger;
mod sys;
mod unpack;
mod wire;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

pub use error::SandboxError;
pub use init::{PROGRAM_ID, init_if_asked};
pub use limits::Limits;
pub use outcome::{BoxFile, BoxOutcome, Captured, Exit, FolderOutcome, Limit, Walls};
pub use spec::{BoxSpec, CopyOut, FolderOut, Listener, Mount, PlacedFile};
pub use stronger::Stronger;
pub use unpack::{Archive, Duplicates, Format, UnpackError, UnpackLimits, UnpackReport, UnpackSpec};

use folder::Incoming;
use launch::{Collected, Input, Output};
use seccomp::Variant;
use spares::Spares;
use wire::{Caller, Instruction, Order, Work};

/// The newest version of Landlock whose walls are put up; later ones add audit only.
const LANDLOCK_ABI_NEWEST: u32 = 6;

/// What a run says of itself whose program may execute what it wrote.
const EXEC_WEAKER: &str = "the writable folder of this run is executable: what the program wrote may have run";

/// What a run says of itself whose processes have no limit on their data, where no cgroup counts.
const VAST_WEAKER: &str = "this run's memory is held by polling alone: a program may exceed it for some milliseconds";

/// How boxes are made in this process.
#[derive(Debug, Clone, Default)]
pub struct SandboxConfig {
    /// The program re-executed as the box's init; its `main` must begin with [`init_if_asked`]. Default: the running
    /// program itself.
    pub init_exe: Option<PathBuf>,
    /// Make no cgroups even where that is possible: the weaker watch counts instead, and `walls` says so.
    pub without_cgroups: bool,
    /// A cgroup v2 folder delegated to this process, under which boxes may be made. Default: found by itself.
    pub cgroup_v2_parent: Option<PathBuf>,
    /// Boxes only in this stronger kind. It is booted at the start, and refused with the reason where it cannot be used:
    /// namespaces never take its place. This version can use none.
    pub stronger: Option<Stronger>,
}

/// Makes boxes. Cheap to share behind an `Arc`; any number of runs may go on at once.
#[derive(Debug)]
pub struct Sandbox {
    spares: Spares,
    caller: Caller,
    /// Which of the program's users is next; begins anywhere, so that two processes differ.
    turn: AtomicU32,
    cgroups: cgroup::Pool,
    landlock: Option<u32>,
    proc: bool,
    filters: [Vec<Instruction>; 2],
    walls: Walls,
}

impl Sandbox {
    /// Probes the kernel for what boxes are made of, and makes one.
    ///
    /// # Errors
    /// [`SandboxError::Unfit`] in one line that says what is missing and what to do.
    pub fn new(config: SandboxConfig) -> Result<Self, SandboxError> {
        if let Some(stronger) = &config.stronger {
            return Err(stronger::refusal(stronger));
        }
        probe::kernel_check()?;
        let cgroups = cgroup::Pool::find(&config);
        let uncounted_memory = !cgroups.counts();
        let filter = |loopback| seccomp::filter(Variant { loopback, uncounted_memory });
        let mut sandbox = Self {
            spares: Spares::new(config.init_exe.unwrap_or_else(|| PathBuf::from("/proc/self/exe"))),
            caller: probe::caller(),
            turn: AtomicU32::new(std::process::id()),
            cgroups,
            landlock: sys::landlock_abi().map(|abi| abi.min(LANDLOCK_ABI_NEWEST)),
            proc: true,
            filters: [filter(false)?, filter(true)?],
            walls: Walls::default(),
        };
        match sandbox.trial() {
            Err(SandboxError::SetUp { step, .. }) if step.contains("/proc") => {
                sandbox.proc = false;
                sandbox.trial().map_err(probe::explained)?;
            }
            other => other.map_err(probe::explained)?,
        }
        sandbox.walls = sandbox.walls_found();
        Ok(sandbox)
    }

    /// What holds boxes here; the same as in every outcome.
    pub fn walls(&self) -> &Walls {
        &self.walls
    }

    /// Runs one program and waits for its end. Blocking: call it from a thread that may block.
    ///
    /// # Errors
    /// Only where there was no run to speak of; whatever the program did is in the outcome.
    pub fn run(&self, spec: &BoxSpec) -> Result<BoxOutcome, SandboxError> {
        spec.check()?;
        if spec.vast_address_space && !self.cgroups.counts() && !self.proc {
            return Err(SandboxError::Unfit {
                what: "nothing would bound the memory of a program that reserves a vast address space".into(),
                remedy: "give this process a delegated cgroup, or a /proc that is not covered".into(),
            });
        }
        let work = Work::Program { argv: spec.argv.clone(), env: spec.env.clone(), cwd: spec.cwd.clone() };
        let order = Order {
            mounts: spec.mounts.iter().map(resolved).collect::<Result<_, _>>()?,
            files: spec.files.clone(),
            copy_out: asked_inside(&spec.copy_out),
            listener: spec.listener.clone(),
            exec: spec.exec,
            vast_address_space: spec.vast_address_space,
            ..self.order(work, &spec.box_dir, spec.limits, spec.loopback)
        };
        let asked = match &spec.copy_out {
            CopyOut::Folder(folder) => Some(folder),
            _ => None,
        };
        let mut incoming = asked.map(Incoming::new).transpose()?;
        let input = Input::Bytes(spec.channel_in.clone());
        let collected = self.run_order(&order, input, Output::Capture, incoming.as_mut())?;
        let mut outcome = self.outcome(collected);
        if let (Some(asked), Some(incoming)) = (asked, incoming) {
            outcome.folder = Some(incoming.finish(asked, outcome.ok())?);
        }
        if spec.exec {
            outcome.walls.weaker.push(EXEC_WEAKER.to_owned());
        }
        if spec.vast_address_space && !self.cgroups.counts() {
            outcome.walls.weaker.push(VAST_WEAKER.to_owned());
        }
        Ok(outcome)
    }

    /// Unpacks a hostile archive into the new folder `dest`; its bytes are parsed inside a box. `dest` appears whole
    /// or not at all, and must not exist before.
    ///
    /// # Errors
    /// [`UnpackError`] names the entry that was refused. Nothing is left at `dest` then.
    pub fn unpack(&self, spec: &UnpackSpec<'_>, dest: &Path) -> Result<UnpackReport, UnpackError> {
        let (work, limits) = unpack::work(spec);
        let order = self.order(work, "/box", limits, false);
        unpack::unpack(spec, dest, |input, output| self.run_order(&order, input, output, None))
    }

    /// A box in which nothing runs: what cannot be set up fails here, and not in the first real run.
    fn trial(&self) -> Result<(), SandboxError> {
        let order = self.order(Work::Nothing, "/box", Limits::default(), true);
        self.run_order(&order, Input::Bytes(Vec::new()), Output::Capture, None).map(|_| ())
    }

    fn order(&self, work: Work, box_dir: &str, limits: Limits, loopback: bool) -> Order {
        Order {
            caller: self.caller_next(),
            work,
            box_dir: box_dir.to_owned(),
            mounts: Vec::new(),
            files: Vec::new(),
            limits: limits.clamped(),
            loopback,
            listener: None,
            copy_out: CopyOut::Nothing,
            seccomp: self.filters[usize::from(loopback)].clone(),
            uncounted: !self.cgroups.counts(),
            processes_counted: self.cgroups.counts_processes(),
            exec: false,
            vast_address_space: false,
            proc: self.proc,
            landlock: self.landlock,
        }
    }

    /// The caller, with the next of the program's users on the host.
    fn caller_next(&self) -> Caller {
        match self.caller {
            Caller::Root { program } => {
                let turn = self.turn.fetch_add(1, Ordering::Relaxed) % init::PROGRAM_IDS;
                Caller::Root { program: program + turn }
            }
            user => user,
        }
    }

    fn run_order<'a>(
        &self,
        order: &Order,
        input: Input,
        output: Output<'a>,
        folder: Option<&'a mut Incoming>,
    ) -> Result<Collected, SandboxError> {
        let lease = self.cgroups.take(&order.limits)?;
        launch::run(&self.spares, order, lease.group(), input, output, folder)
    }

    fn outcome(&self, collected: Collected) -> BoxOutcome {
        let report = collected.report;
        let (cpu_user_us, cpu_sys_us) = collected.cpu_us_best();
        BoxOutcome {
            exit: report.exit,
            limit_hit: collected.limit_hit,
            cpu_user_us,
            cpu_sys_us,
            wall_us: report.wall_us,
            memory_peak_bytes: collected.memory_peak_bytes.unwrap_or(report.memory_peak_bytes),
            stdout: collected.stdout,
            stderr: collected.stderr,
            channel_out: collected.channel_out,
            files: collected.files,
            files_left_out: report.files_left_out,
            listener_reached: report.listener_reached,
            folder: None,
            walls: self.walls.clone(),
        }
    }

    fn walls_found(&self) -> Walls {
        let mut weaker = self.cgroups.weaker();
        if self.landlock.is_none() {
            weaker.push("the kernel has no Landlock: mounts and users alone keep files apart".to_owned());
        }
        if !self.proc {
            weaker.push("the kernel refuses a fresh /proc here: programs have none".to_owned());
            if !self.cgroups.counts() {
                weaker.push(
                    "with neither cgroups nor /proc, memory and CPU time are bounded for each process and not for all \
                     together"
                        .to_owned(),
                );
            }
        }
        if let Caller::User { uid, .. } = self.caller {
            weaker.push(format!("the program keeps the caller's own user id {uid} and groups outside the namespace"));
        }
        Walls {
            caller: if matches!(self.caller, Caller::Root { .. }) { "root" } else { "user" }.to_owned(),
            namespaces: "user, mount, pid, net, ipc, uts, cgroup".to_owned(),
            accounting: match (self.cgroups.counts(), self.proc) {
                (false, false) => "each process alone".to_owned(),
                _ => self.cgroups.describe(),
            },
            seccomp: format!("filter of {} instructions", self.filters[0].len()),
            landlock: self.landlock.map_or("absent".to_owned(), |abi| format!("abi {abi}")),
            proc: if self.proc { "masked" } else { "absent" }.to_owned(),
            weaker,
        }
    }
}

/// What is asked for, without the host's path: the inside has no use for it.
fn asked_inside(copy_out: &CopyOut) -> CopyOut {
    match copy_out {
        CopyOut::Folder(folder) => CopyOut::Folder(FolderOut { dest: PathBuf::new(), ..folder.clone() }),
        other => other.clone(),
    }
}

/// The mount with its source as the caller's rights resolve it, links followed.
fn resolved(mount: &Mount) -> Result<Mount, SandboxError> {
    let host = mount.host.canonicalize();
    let host = host.map_err(|source| SandboxError::Mount { path: mount.host.clone(), source })?;
    Ok(Mount { host, at: mount.at.clone() })
}
