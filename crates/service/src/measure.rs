//! The proof engine of this process behind the use cases, off the async threads.
//!
//! Opened at first use, so that a clearinghouse whose machine has no sandbox still takes reports in
//! and says why it cannot prove. Must not decide: grades and verdicts are the engine's.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use domain::package::Package;
use domain::proof::OracleKind;
use proof::sandbox::SandboxConfig;
use proof::symbols::{FileSymbols, SymbolFinder, program_find};
use proof::{Bundle, BundleError, Engine, EngineConfig, EngineError, ErrorClass};
use tokio::sync::Semaphore;
use triage::place::Question;

use crate::Service;
use crate::error::{Result, ServiceError, Violation, internal};
use crate::work::{self, Material, Outcome, Progressing, bundle_read};

/// Bundles that are measured at once in one process.
const MEASUREMENTS_AT_ONCE_MAX: usize = 2;
/// Bundles that are unpacked at once in one process.
const UNPACKINGS_AT_ONCE_MAX: usize = 4;
/// Boxes in which strangers' source code is parsed at once: what they find is a hint, and must not hold up proofs.
const PARSINGS_AT_ONCE_MAX: usize = 1;

/// The engine, shared.
#[derive(Clone)]
pub(crate) struct Measurer(Arc<Inner>);

struct Inner {
    home: PathBuf,
    init_exe: Option<PathBuf>,
    store_bytes_max: Option<u64>,
    engine: OnceLock<Engine>,
    opening: std::sync::Mutex<()>,
    measuring: Semaphore,
    unpacking: Semaphore,
    parsing: Semaphore,
}

/// A bundle that was read.
#[derive(Debug, Clone)]
pub(crate) struct OpenedBundle {
    pub digest: String,
    pub title: String,
    pub package: Package,
    pub oracle: OracleKind,
    pub vulnerable: String,
    pub fixed: Option<String>,
    /// Its runtime's word.
    pub runtime: String,
}

/// Whether anybody still waits for a measurement: when a job is cut off, its boxes are too.
#[derive(Default)]
struct Wanted {
    cancel: Arc<AtomicBool>,
}

impl Drop for Wanted {
    fn drop(&mut self) {
        self.cancel.store(true, Ordering::Relaxed);
    }
}

impl Measurer {
    pub(crate) fn open(home: PathBuf, init_exe: Option<PathBuf>, store_bytes_max: Option<u64>) -> Result<Self> {
        Ok(Self(Arc::new(Inner {
            home,
            init_exe,
            store_bytes_max,
            engine: OnceLock::new(),
            opening: std::sync::Mutex::new(()),
            measuring: Semaphore::new(MEASUREMENTS_AT_ONCE_MAX),
            unpacking: Semaphore::new(UNPACKINGS_AT_ONCE_MAX),
            parsing: Semaphore::new(PARSINGS_AT_ONCE_MAX),
        })))
    }

    fn engine(&self) -> Result<&Engine> {
        let _one = self.0.opening.lock().map_err(|e| internal("open the proof engine", e))?;
        if let Some(engine) = self.0.engine.get() {
            return Ok(engine);
        }
        let sandbox = SandboxConfig { init_exe: self.0.init_exe.clone(), ..SandboxConfig::default() };
        // Bundles are kept sealed in the store; the engine's own folder must not hold them in the clear.
        let home = self.0.home.clone();
        let store_bytes_max = self.0.store_bytes_max;
        let config = EngineConfig { home, sandbox, without_bundles: true, store_bytes_max, ..EngineConfig::default() };
        let engine = Engine::open(config).map_err(|e| ServiceError::Unavailable(e.to_string()))?;
        Ok(self.0.engine.get_or_init(|| engine))
    }

    async fn work<T: Send + 'static>(
        &self,
        slots: &Semaphore,
        work: impl FnOnce(&Engine, &AtomicBool) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _slot = slots.acquire().await.map_err(|e| internal("wait for the proof engine", e))?;
        let measurer = self.clone();
        let wanted = Wanted::default();
        let cancel = Arc::clone(&wanted.cancel);
        let done = tokio::task::spawn_blocking(move || work(measurer.engine()?, &cancel));
        done.await.map_err(|e| internal("run the proof engine", e))?
    }
}

impl Service {
    /// Reads a bundle in the sandbox. The inner error lists every violation.
    pub(crate) async fn bundle_open(
        &self,
        bytes: Vec<u8>,
    ) -> Result<std::result::Result<OpenedBundle, Vec<Violation>>> {
        let slots = &self.measurer.0.unpacking;
        self.measurer
            .work(slots, move |engine, _| match bundle_read(engine, &bytes) {
                Ok(bundle) => Ok(Ok(opened(&bundle))),
                Err(BundleError::Invalid { violations, .. }) => {
                    let listed = violations.0.into_iter();
                    Ok(Err(listed.map(|v| Violation::new(v.code, format!("bundle {}", v.at), v.message)).collect()))
                }
                Err(error) => match EngineError::from(error) {
                    e if e.class() == ErrorClass::BadInput => {
                        Ok(Err(vec![Violation::new(e.code(), "bundle", e.to_string())]))
                    }
                    e => Err(ServiceError::Unavailable(e.to_string())),
                },
            })
            .await
    }

    /// The enclosing functions of places in source code, found in boxes. Where there is no box here, none is found.
    pub(crate) async fn symbols_find(&self, questions: Vec<Question>) -> Result<Vec<FileSymbols>> {
        let slots = &self.measurer.0.parsing;
        let init_exe = self.measurer.0.init_exe.clone();
        self.measurer
            .work(slots, move |engine, _| {
                let program = program_find(init_exe.as_deref()).map_err(ServiceError::Unavailable)?;
                let found = SymbolFinder::new(engine.sandbox(), program).hurried().find(questions);
                found.map_err(|e| ServiceError::Unavailable(e.to_string()))
            })
            .await
    }

    /// Does the work of a job in this process.
    pub(crate) async fn measure(&self, material: Material, progress: Arc<Progressing>) -> Result<Outcome> {
        let slots = &self.measurer.0.measuring;
        self.measurer.work(slots, move |engine, cancel| work::work(engine, &material, &progress, cancel)).await
    }
}

fn opened(bundle: &Bundle) -> OpenedBundle {
    let manifest = bundle.manifest();
    OpenedBundle {
        digest: bundle.digest().to_string(),
        title: manifest.title.clone(),
        package: manifest.target.package.clone(),
        oracle: manifest.oracle.kind,
        vulnerable: manifest.target.vulnerable.to_string(),
        fixed: manifest.target.fixed.as_ref().map(ToString::to_string),
        runtime: manifest.runtime.kind.to_string(),
    }
}
