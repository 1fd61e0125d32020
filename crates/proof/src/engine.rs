//! The engine's one door: opens the data folder, obtains runtimes and packages, and runs proofs.
//!
//! All calls block and may be made from several threads. Must not print: progress goes to whoever asked for it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use thiserror::Error;

use crate::bundle::{Bundle, BundleError};
use crate::cargo::config::CargoConfig;
use crate::digest::Sha256Hex;
use crate::file;
use crate::fix::patch::PatchError;
use crate::golang::config::GoConfig;
use crate::harness::{HarnessError, Stage};
use crate::maven::config::MavenConfig;
use crate::npm::config::NpmConfig;
use crate::progress::Progress;
use crate::pypi::config::PipConfig;
use crate::runtime::{Ground, Ready, Row, Runtime, TABLE, Toolchain, Unready};
use crate::sandbox::{Sandbox, SandboxConfig, SandboxError};
use crate::source::SourceError;
use crate::store::PackageStore;
use domain::proof::Reason;
use signing::{Signer, SigningError};

/// The engine's version, part of every receipt.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// Where the engine keeps things and how it makes boxes.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// The data folder: `store/`, `cache/`, `receipts/`, `bundles/`, `keys/` below it.
    pub home: PathBuf,
    /// How boxes are made.
    pub sandbox: SandboxConfig,
    /// The registry's configuration; npm's own where absent.
    pub npm: Option<NpmConfig>,
    /// The registry of crates; cargo's own configuration where absent.
    pub cargo: Option<CargoConfig>,
    /// The index's configuration; pip's own where absent.
    pub pip: Option<PipConfig>,
    /// The module proxy's configuration; Go's own where absent.
    pub go: Option<GoConfig>,
    /// The Maven repository's configuration; Maven's own where absent.
    pub maven: Option<MavenConfig>,
    /// A local repository that the operator gives in place of the one a bundle names.
    pub repo: Option<PathBuf>,
    /// Keep no bundle in the data folder: for a caller that keeps them itself, sealed.
    pub without_bundles: bool,
    /// What the store may take on disk beside what is in use, in bytes; any amount where absent.
    pub store_bytes_max: Option<u64>,
}

/// Why the engine could not answer. What a program does is a verdict, never an error.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The bundle is not valid.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A registry or the store.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// No boxes can be made here.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// A run could not be had.
    #[error(transparent)]
    Harness(#[from] HarnessError),
    /// Keys and signatures.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The data folder.
    #[error("{step} {path}: {source}")]
    Home {
        /// What was attempted.
        step: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// A text that is no exact version.
    #[error("`{text}` is no exact version such as {example}")]
    MalformedVersion {
        /// What was given, cut.
        text: String,
        /// What one looks like.
        example: &'static str,
    },
    /// The runtime cannot be had.
    #[error("obtain runtime {runtime}: {source}")]
    Runtime {
        /// Which, such as `node 22.1.0`.
        runtime: String,
        /// Why.
        source: Box<SourceError>,
    },
    /// This machine lacks what a runtime needs.
    #[error("runtime {runtime} cannot run here: {why}")]
    Unfit {
        /// Which.
        runtime: String,
        /// What is missing and what to do.
        why: String,
    },
    /// A version that cannot be run, for a reason that is a verdict.
    #[error("{}: {}", .0.reason, .0.detail)]
    Unready(Unready),
    /// The document is no receipt of ours.
    #[error("not a proof receipt: {0}")]
    MalformedReceipt(String),
    /// The bundle a receipt names is neither kept here nor given.
    #[error("bundle {0} is not kept here; give its folder with --bundle")]
    BundleUnknown(Sha256Hex),
    /// A patch that is not kept here.
    #[error("the patch sha256:{0} is not kept in this data folder; give it with --patch")]
    PatchUnknown(Sha256Hex),
    /// The bundle given is not the one a receipt names.
    #[error("the bundle given has digest {found}; the receipt is about {wanted}")]
    BundleOther {
        /// As given.
        found: Sha256Hex,
        /// As in the receipt.
        wanted: Sha256Hex,
    },
    /// The candidate fix is no patch that can be read.
    #[error("read the patch: {0}")]
    Patch(#[from] PatchError),
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

/// Whose fault an error is: decides exit codes and HTTP statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// What was given is wrong.
    BadInput,
    /// This machine or its network.
    Environment,
    /// Stopped on request.
    Cancelled,
}

impl EngineError {
    /// Whose fault it is.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Bundle(BundleError::Unpack { source: crate::sandbox::UnpackError::Sandbox(_), .. }) => {
                ErrorClass::Environment
            }
            Self::Bundle(_) | Self::MalformedVersion { .. } | Self::MalformedReceipt(_) => ErrorClass::BadInput,
            Self::BundleUnknown(_) | Self::PatchUnknown(_) | Self::BundleOther { .. } | Self::Patch(_) => {
                ErrorClass::BadInput
            }
            Self::Cancelled | Self::Source(SourceError::Cancelled) => ErrorClass::Cancelled,
            Self::Source(e) if e.is_about_the_package() => ErrorClass::BadInput,
            Self::Runtime { source, .. } if source.is_about_the_package() => ErrorClass::BadInput,
            _ => ErrorClass::Environment,
        }
    }

    /// What it says about the version that was asked for: an error with a verdict is no failure of the call.
    #[must_use]
    pub fn verdict(&self) -> Option<Unready> {
        match self {
            Self::Unready(unready) => Some(unready.clone()),
            Self::Source(e) if e.is_about_the_package() => {
                Some(Unready { reason: Reason::InstallFailed, detail: e.to_string() })
            }
            _ => None,
        }
    }

    pub(crate) fn malformed_version(text: &str, example: &'static str) -> Self {
        Self::MalformedVersion { text: text.chars().take(64).collect(), example }
    }

    pub(crate) fn other_bytes(name: &str, version: &str, found: &Sha256Hex, wanted: &Sha256Hex) -> Self {
        Self::Source(SourceError::OtherBytes {
            name: name.to_owned(),
            version: version.to_owned(),
            found: found.clone(),
            wanted: wanted.clone(),
        })
    }

    /// A stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bundle(BundleError::Invalid { .. }) => "invalid-bundle",
            Self::Bundle(BundleError::Unpack { .. }) => "bundle-not-unpacked",
            Self::Bundle(BundleError::Read { .. }) => "bundle-unreadable",
            Self::Source(SourceError::NoSuchPackage { .. }) => "no-such-package",
            Self::Source(SourceError::Unreachable { .. }) => "registry-unreachable",
            Self::Source(_) => "registry",
            Self::Sandbox(_) | Self::Harness(_) => "sandbox",
            Self::Signing(_) => "signature",
            Self::Home { .. } => "data-folder",
            Self::MalformedVersion { .. } => "malformed-version",
            Self::Runtime { .. } => "runtime-unavailable",
            Self::Unfit { .. } => "runtime-unfit",
            Self::Unready(_) => "version-unready",
            Self::MalformedReceipt(_) => "malformed-receipt",
            Self::BundleUnknown(_) => "bundle-unknown",
            Self::PatchUnknown(_) => "patch-unknown",
            Self::BundleOther { .. } => "bundle-other",
            Self::Patch(_) => "malformed-patch",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The proof engine over one data folder.
pub struct Engine {
    pub(crate) home: PathBuf,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) store: Arc<PackageStore>,
    pub(crate) signer: Signer,
    runtimes: Vec<(&'static Row, Box<dyn Runtime>)>,
    pub(crate) without_bundles: bool,
}

/// A bundle's runtime, and what it was found to run with.
#[derive(Clone, Copy)]
pub(crate) struct Means<'a> {
    pub(crate) row: &'static Row,
    pub(crate) runtime: &'a dyn Runtime,
    pub(crate) toolchain: &'a Toolchain,
}

/// How a call is watched and stopped.
#[derive(Clone, Copy)]
pub struct Watch<'a> {
    /// Told what is going on.
    pub progress: &'a dyn Progress,
    /// Set to stop: the call ends with [`EngineError::Cancelled`] at the next step.
    pub cancel: &'a AtomicBool,
}

impl Engine {
    /// Opens the data folder, making it and its receipt key at the first start, and probes the sandbox.
    ///
    /// # Errors
    /// Where the folder cannot be used or no boxes can be made.
    pub fn open(config: EngineConfig) -> Result<Self, EngineError> {
        let home = config.home.clone();
        fs::create_dir_all(&home).map_err(|source| EngineError::Home {
            step: "make data folder",
            path: home.clone(),
            source,
        })?;
        let home = home.canonicalize().map_err(|source| EngineError::Home {
            step: "open data folder",
            path: home.clone(),
            source,
        })?;
        let sandbox = Arc::new(Sandbox::new(config.sandbox.clone())?);
        let signer = Signer::open_or_create(&home.join("keys/receipts.pem"))?;
        let store = Arc::new(PackageStore::new(home.join("store"), config.store_bytes_max));
        let without_bundles = config.without_bundles;
        let ground = Ground { home: home.clone(), sandbox: sandbox.clone(), store: store.clone(), config };
        let runtimes = TABLE.iter().map(|row| (row, (row.open)(&ground))).collect();
        Ok(Self { home, sandbox, store, signer, runtimes, without_bundles })
    }

    /// The sandbox, for reading bundles from archives.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The store of packages, runtimes and builds.
    #[must_use]
    pub fn store(&self) -> &PackageStore {
        &self.store
    }

    /// The public half of the key that signs receipts.
    #[must_use]
    pub fn receipt_key(&self) -> signing::PublicKey {
        self.signer.public()
    }

    /// The runtime of a bundle.
    pub(crate) fn runtime(&self, bundle: &Bundle) -> (&'static Row, &dyn Runtime) {
        let kind = bundle.manifest().runtime.kind;
        let found = self.runtimes.iter().find(|(row, _)| row.kind == kind);
        // Every kind has a row, and every row was opened.
        let (row, runtime) = found.unwrap_or(&self.runtimes[0]);
        (row, runtime.as_ref())
    }

    pub(crate) fn toolchain(&self, bundle: &Bundle, progress: &dyn Progress) -> Result<Toolchain, EngineError> {
        self.runtime(bundle).1.toolchain(bundle, None, progress)
    }

    pub(crate) fn means<'a>(&'a self, bundle: &Bundle, toolchain: &'a Toolchain) -> Means<'a> {
        let (row, runtime) = self.runtime(bundle);
        Means { row, runtime, toolchain }
    }

    pub(crate) fn stage<'a>(&'a self, bundle: &'a Bundle, means: Means<'a>, ready: &'a Ready) -> Stage<'a> {
        let Means { row, runtime, toolchain } = means;
        Stage { sandbox: &self.sandbox, runtime, sees_hands: row.sees_hands, toolchain, bundle, ready }
    }

    /// Keeps a bundle by its digest, so that its receipts can be replayed.
    pub(crate) fn bundle_keep(&self, bundle: &Bundle) -> Result<(), EngineError> {
        let place = self.home.join("bundles").join(bundle.digest().as_str());
        if self.without_bundles || place.is_dir() {
            return Ok(());
        }
        let draft = self.store.draft()?;
        let kept = (|| {
            for (name, bytes) in bundle.files() {
                file::write_whole(&draft.join(name), bytes)?;
            }
            file::folder_place(&draft, &place)
        })();
        kept.map_err(|source| EngineError::Home { step: "keep bundle", path: place, source })
    }

    /// A bundle kept before, by its digest.
    ///
    /// # Errors
    /// [`EngineError::BundleUnknown`].
    pub fn bundle_kept(&self, digest: &Sha256Hex) -> Result<Bundle, EngineError> {
        let place = self.home.join("bundles").join(digest.as_str());
        if !place.is_dir() {
            return Err(EngineError::BundleUnknown(digest.clone()));
        }
        let bundle = Bundle::read(&place, &self.sandbox)?;
        if bundle.digest() != digest {
            return Err(EngineError::BundleOther { found: bundle.digest().clone(), wanted: digest.clone() });
        }
        Ok(bundle)
    }
}
