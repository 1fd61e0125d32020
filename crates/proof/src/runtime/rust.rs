//! Rust programs over crates of crates.io: built by cargo in a box with the exact crate as a path dependency, then run
//! alone. Vulnerable versions are often yanked; a path dependency does not ask.
//!
//! What runs is native code, and no harness beside it could be kept from it: so nobody sees in whose hands an effect was,
//! and only silence at the declared fix tells a crate's defect. Must not run anything outside a box but rustc, to ask its
//! version.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use domain::package::Ecosystem;
use domain::proof::{OracleKind, Reason};
use semver::Version;

use super::{Ground, Held, Published, PublishedVersion, Ready, Row, Runtime, Scene, SelfTest, Toolchain};
use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::cargo::build::{self, Recipe};
use crate::cargo::config::CargoConfig;
use crate::cargo::index::{Registry, VersionDoc};
use crate::cargo::resolve::{self, Chosen, Wish};
use crate::cargo::toolchain::RustHome;
use crate::cargo::{self, self_test, vendor};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{self, Shortfall};
use crate::fix::tree::tree_digest;
use crate::harness::{HarnessError, Observed};
use crate::npm::layer::{ClosureEntry, closure_digest};
use crate::parallel;
use crate::progress::Progress;
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Duplicates, Exit, Format, Mount, UnpackLimits, UnpackSpec};
use crate::source::SourceError;
use crate::source::client::DOWNLOADS_COUNT_MAX;
use crate::store::{Stored, Wanted};

/// The part of the store with crates.
const STORE_PART: &str = "cargo";
/// The lockfile of a bundle, whose versions are chosen wherever they fit.
const LOCKFILE: &str = "Cargo.lock";
/// Status with which AddressSanitizer ends a program.
pub const SANITIZER_STATUS: i32 = 99;
/// Status of a Rust program that panicked.
const PANIC_STATUS: i32 = 101;

/// What is said of it before an engine is opened.
pub const ROW: Row = Row {
    kind: RuntimeKind::Rust,
    ecosystem: Ecosystem::CratesIo,
    endings: &[".rs"],
    oracles: &[
        OracleKind::FileRead,
        OracleKind::FileWrite,
        OracleKind::CommandExecution,
        OracleKind::CpuBlowUp,
        OracleKind::MemoryError,
        OracleKind::UncontrolledAllocation,
        OracleKind::InfiniteLoop,
        OracleKind::ServerSideRequest,
        OracleKind::XmlExternalEntity,
        OracleKind::ResponseSplitting,
        OracleKind::Assertion,
    ],
    sees_hands: false,
    version_example: "1.6.0",
    version_is_exact: |text| Version::parse(text).is_ok_and(|version| version.to_string() == text),
    name_is_valid: cargo::name_is_valid,
    open: |ground| Box::new(Rust::new(ground)),
};

/// The runtime over one data folder.
pub struct Rust {
    ground: Ground,
    registry: Registry,
    found: Mutex<Option<Arc<RustHome>>>,
}

impl Rust {
    fn new(ground: &Ground) -> Self {
        let config = ground.config.cargo.clone().unwrap_or_else(CargoConfig::load);
        let registry = Registry::new(&config, ground.home.join("cache/crates"));
        Self { ground: ground.clone(), registry, found: Mutex::default() }
    }

    fn rust(&self) -> Result<Arc<RustHome>, EngineError> {
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = &*found {
            return Ok(known.clone());
        }
        let rust = Arc::new(RustHome::find(&self.ground.home)?);
        *found = Some(rust.clone());
        Ok(rust)
    }

    fn doc(&self, name: &str, version: &str) -> Result<Arc<VersionDoc>, EngineError> {
        Ok(self.registry.version(name, &version_of(version)?)?)
    }

    fn obtain(&self, doc: &VersionDoc) -> Result<Stored, SourceError> {
        let version = doc.version.to_string();
        let key = key_of(&doc.sha256);
        let wanted =
            Wanted { ecosystem: STORE_PART, key: &key, name: &doc.name, version: &version, unpack: unpacking() };
        self.ground.store.obtain(&wanted, &self.ground.sandbox, || self.registry.archive(doc))
    }

    fn is_stored(&self, sha256: &Sha256Hex) -> bool {
        self.ground.store.find(STORE_PART, &key_of(sha256)).is_some()
    }

    fn choose(&self, bundle: &Bundle, target: &Arc<VersionDoc>, rust: &RustHome) -> Result<Chosen, EngineError> {
        let manifest = bundle.manifest();
        let mut direct = BTreeMap::new();
        for (name, version) in manifest.dependencies.iter().filter(|(name, _)| **name != target.name) {
            direct.insert(name.clone(), version_of(version)?);
        }
        let wish = Wish {
            target,
            features: &manifest.runtime.features,
            default_features: manifest.runtime.default_features,
            direct: &direct,
            locked: &locked(bundle)?,
            rust: &rust.version,
            platform: &rust.platform,
        };
        Ok(resolve::choose(&self.registry, &wish)?)
    }

    /// A version built from the crate as published, or from a changed copy of it.
    fn ready_of(&self, bundle: &Bundle, version: &str, patched: Option<&Path>) -> Result<Ready, EngineError> {
        let doc = self.doc(bundle.manifest().target.package.name(), version)?;
        let chosen = self.choose(bundle, &doc, &*self.rust()?)?;
        let missing = chosen.crates.iter().filter(|doc| !self.is_stored(&doc.sha256)).count();
        self.obtain(&doc)?;
        for stored in parallel::each(&chosen.crates, missing.min(DOWNLOADS_COUNT_MAX), |doc| self.obtain(doc)) {
            stored?;
        }
        let built = chosen.crates.iter().map(|doc| vendor::entry(vendor::BUILT_FOLDER, doc));
        let elsewhere = chosen.elsewhere.iter().map(|doc| vendor::entry(vendor::ELSEWHERE_FOLDER, doc));
        let (folder, sha256) = match patched {
            Some(tree) => (tree.to_owned(), tree_digest(tree)?),
            None => (self.ground.store.folder(STORE_PART, &doc.sha256), doc.sha256.clone()),
        };
        let source = Source { name: &doc.name, version, folder: &folder, sha256: &sha256 };
        self.made_ready(bundle, &source, built.chain(elsewhere).collect(), &chosen.elsewhere)
    }

    /// Everything is in the store: lays it out and builds.
    fn made_ready(
        &self,
        bundle: &Bundle,
        target: &Source<'_>,
        closure: Vec<ClosureEntry>,
        elsewhere: &[Arc<VersionDoc>],
    ) -> Result<Ready, EngineError> {
        let closure_digest = closure_digest(&closure);
        let layer = vendor::vendor_obtain(&self.ground.store, STORE_PART, &closure, elsewhere)?;
        let recipe = Recipe {
            bundle,
            name: target.name,
            version: target.version,
            target: target.folder,
            target_sha256: target.sha256,
            vendor: &layer,
            closure_digest: &closure_digest,
        };
        let built = recipe.build(&self.ground, &*self.rust()?)?;
        let mounts = vec![Mount { host: built.folder, at: build::BUILT_FOLDER.into() }];
        let (version, sha256) = (target.version.to_owned(), target.sha256.clone());
        Ok(Ready { version, sha256, closure, closure_digest, mounts, unbuilt: built.unbuilt })
    }

    fn elsewhere_of(&self, closure: &[ClosureEntry]) -> Result<Vec<Arc<VersionDoc>>, EngineError> {
        let there = closure.iter().filter(|entry| entry.path.starts_with(vendor::ELSEWHERE_FOLDER));
        there.map(|entry| self.doc(&entry.name, &entry.version)).collect()
    }

    fn bytes_exactly(&self, name: &str, version: &str, wanted: &Sha256Hex) -> Result<(), EngineError> {
        if self.is_stored(wanted) {
            return Ok(());
        }
        let stored = self.obtain(&*self.doc(name, version)?)?;
        if stored.sha256 == *wanted {
            return Ok(());
        }
        Err(EngineError::other_bytes(name, version, &stored.sha256, wanted))
    }
}

/// The target's own files.
struct Source<'a> {
    name: &'a str,
    version: &'a str,
    folder: &'a Path,
    sha256: &'a Sha256Hex,
}

impl Runtime for Rust {
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError> {
        let doc = self.registry.doc(bundle.manifest().target.package.name())?;
        let versions = doc.versions.iter().map(|doc| PublishedVersion {
            text: doc.version.to_string(),
            line: format!("{}.{}", doc.version.major, doc.version.minor),
            prerelease: !doc.version.pre.is_empty(),
            published: doc.published.clone(),
            yanked: doc.yanked,
        });
        Ok(Published { versions: versions.collect() })
    }

    fn toolchain(
        &self,
        bundle: &Bundle,
        _stated: Option<&RuntimeIdentity>,
        _progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError> {
        let rust = self.rust()?;
        let runtime = &bundle.manifest().runtime;
        let unfit = |why: String| Err(EngineError::Unfit { runtime: "rust".into(), why });
        if let Some(wanted) = runtime.version.as_deref().filter(|wanted| **wanted != rust.version.to_string()) {
            return unfit(format!("the bundle wants Rust {wanted}, and this machine's is {}", rust.version));
        }
        if runtime.sanitizer && !rust.has_address_sanitizer() {
            return unfit(format!("Rust {} here does not bring AddressSanitizer's run-time", rust.version));
        }
        let how = if runtime.sanitizer { " with AddressSanitizer" } else { "" };
        Ok(Toolchain {
            name: "rust".into(),
            version: format!("{}{how}", rust.version),
            sha256: rust.sha256.clone(),
            // What runs is a program of its own: no box that runs one sees a compiler.
            mounts: Vec::new(),
            root: rust.root.clone(),
        })
    }

    fn is_here(&self, bundle: &Bundle, version: &str) -> bool {
        self.doc(bundle.manifest().target.package.name(), version).is_ok_and(|doc| self.is_stored(&doc.sha256))
    }

    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError> {
        self.obtain(&*self.doc(bundle.manifest().target.package.name(), version)?)?;
        Ok(())
    }

    fn ready(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError> {
        self.ready_of(bundle, version, None)
    }

    fn own_files(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        let doc = self.doc(bundle.manifest().target.package.name(), version)?;
        self.obtain(&doc)?;
        Ok(self.ground.store.folder(STORE_PART, &doc.sha256))
    }

    fn ready_patched(
        &self,
        bundle: &Bundle,
        _toolchain: &Toolchain,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        Ok(Held { value: self.ready_of(bundle, version, Some(tree))?, guard: None })
    }

    fn ready_exactly(&self, bundle: &Bundle, _toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError> {
        let name = bundle.manifest().target.package.name();
        self.bytes_exactly(name, &stated.version, &stated.target_sha256)?;
        for entry in stated.closure.iter().filter(|entry| entry.path.starts_with(vendor::BUILT_FOLDER)) {
            self.bytes_exactly(&entry.name, &entry.version, &entry.sha256)?;
        }
        let folder = self.ground.store.folder(STORE_PART, &stated.target_sha256);
        let source = Source { name, version: &stated.version, folder: &folder, sha256: &stated.target_sha256 };
        let elsewhere = self.elsewhere_of(&stated.closure)?;
        self.made_ready(bundle, &source, stated.closure.clone(), &elsewhere)
    }

    /// A crate of the same name and features with nothing in it. A program that uses the crate does not build against
    /// it and is quiet by nature; one that brings its effect about without the crate builds, and fires.
    fn stub(&self, bundle: &Bundle, _toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError> {
        let step = |source| EngineError::Home { step: "write stub", path: self.ground.home.clone(), source };
        let name = bundle.manifest().target.package.name();
        let features = vendor::feature_names(&*self.doc(name, &ready.version)?);
        let room = tempfile::tempdir().map_err(step)?;
        let folder = room.path().join("stub");
        vendor::empty_write(&folder, name, &ready.version, &features).map_err(step)?;
        let sha256 = Sha256Hex::of(b"an empty crate");
        let source = Source { name, version: &ready.version, folder: &folder, sha256: &sha256 };
        let elsewhere = self.elsewhere_of(&ready.closure)?;
        let value = self.made_ready(bundle, &source, ready.closure.clone(), &elsewhere)?;
        Ok(Held { value, guard: Some(room) })
    }

    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError> {
        let manifest = scene.bundle.manifest();
        let is_control = scene.attempt.entry == manifest.run.control;
        let program = build::PROGRAMS[usize::from(is_control)];
        spec.argv = vec![format!("{}/{program}", build::BUILT_FOLDER)];
        if manifest.runtime.sanitizer {
            spec.vast_address_space = true;
            // Leaks are no defect here, and looking for them takes rights that a box does not give.
            let options = format!("detect_leaks=0:abort_on_error=0:exitcode={SANITIZER_STATUS}:symbolize=0");
            spec.env.push(("ASAN_OPTIONS".into(), options));
        }
        Ok(())
    }

    fn shortfall(&self, observed: &Observed, _bundle: &Bundle) -> Option<Shortfall> {
        let outcome = &observed.outcome;
        let harness = |detail: String| Some(Shortfall { reason: Reason::HarnessError, detail });
        if let Some(short) = failure::at_limit(outcome) {
            return Some(short);
        }
        match outcome.exit {
            Exit::Code(0) => None,
            Exit::Code(PANIC_STATUS) => harness(format!("uncaught panic: {}", panic_line(&outcome.stderr.text()))),
            Exit::Code(code) => harness(format!("ended with status {code}")),
            Exit::Signal(signal) => harness(format!("ended by signal {signal}")),
        }
    }

    fn self_test(&self, kind: OracleKind, _toolchain: &Toolchain) -> Result<SelfTest, EngineError> {
        let step = |source| EngineError::Home { step: "write self-test", path: self.ground.home.clone(), source };
        let guard = tempfile::tempdir().map_err(step)?;
        let folder = guard.path().join("crate");
        self_test::crate_write(&folder).map_err(step)?;
        let (fires, quiet) = self_test::bundles(kind)?;
        let sha256 = Sha256Hex::of(b"the crate of the self-test");
        let source = Source { name: self_test::CRATE, version: self_test::VERSION, folder: &folder, sha256: &sha256 };
        let ready = self.made_ready(&fires, &source, Vec::new(), &[])?;
        let ready_quiet = self.made_ready(&quiet, &source, Vec::new(), &[])?;
        Ok(SelfTest { ready, ready_quiet, package: self_test::CRATE.to_owned(), fires, quiet, guard })
    }

    fn harness_digest(&self) -> Sha256Hex {
        build::recipe_digest()
    }
}

/// The line that names a panic, or the first line of all.
fn panic_line(stderr: &str) -> String {
    let mut lines = stderr.lines().skip_while(|line| !line.contains("panicked at"));
    let (first, second) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    format!("{first} {second}").trim().chars().filter(|c| !c.is_control()).take(200).collect()
}

/// The versions of the bundle's lockfile.
fn locked(bundle: &Bundle) -> Result<BTreeMap<String, Vec<Version>>, EngineError> {
    let mut versions: BTreeMap<String, Vec<Version>> = BTreeMap::new();
    let Some(bytes) = bundle.files().get(LOCKFILE) else { return Ok(versions) };
    let unreadable = |why: String| {
        let detail = format!("the bundle's {LOCKFILE} cannot be read: {why}");
        EngineError::Unready(super::Unready { reason: Reason::InstallFailed, detail })
    };
    let text = std::str::from_utf8(bytes).map_err(|e| unreadable(e.to_string()))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| unreadable(e.message().to_owned()))?;
    for package in table.get("package").and_then(toml::Value::as_array).into_iter().flatten() {
        let field = |name: &str| package.get(name).and_then(toml::Value::as_str);
        if let (Some(name), Some(version)) = (field("name"), field("version").and_then(|v| Version::parse(v).ok())) {
            versions.entry(name.to_owned()).or_default().push(version);
        }
    }
    Ok(versions)
}

fn key_of(sha256: &Sha256Hex) -> String {
    format!("sha256-{sha256}")
}

/// As cargo unpacks: the one folder at the top dropped, links left out.
fn unpacking() -> UnpackSpec<'static> {
    UnpackSpec {
        archive: crate::sandbox::Archive::Bytes(&[]),
        format: Format::TarGz,
        strip: true,
        duplicates: Duplicates::LastWins,
        refuse_specials: false,
        limits: UnpackLimits::default(),
    }
}

fn version_of(text: &str) -> Result<Version, EngineError> {
    Version::parse(text).map_err(|_| EngineError::malformed_version(text, ROW.version_example))
}
