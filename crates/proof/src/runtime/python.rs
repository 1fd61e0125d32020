//! CPython over packages of PyPI: programs are scripts, each package lies in a folder of its own on the module path, and
//! a part of ours looks on from inside the interpreter. Wheels are taken as they are, sources are built in a box.
//!
//! Must not run anything outside a box.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::package::Ecosystem;
use domain::proof::{OracleKind, Reason};
use pep440_rs::Version;

use super::{Ground, Held, Published, PublishedVersion, Ready, Row, Runtime, Scene, SelfTest, Toolchain, Unready};
use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{self, Shortfall};
use crate::fix::tree::tree_digest;
use crate::harness::{HarnessError, Observed, PROOF_FOLDER, WRITE_FOLDER};
use crate::npm::layer::{ClosureEntry, closure_digest};
use crate::progress::Progress;
use crate::pypi::build::{self, Build};
use crate::pypi::config::PipConfig;
use crate::pypi::index::{FileKind, Index, IndexFile, Project, best};
use crate::pypi::interpreter::{Tags, interpreter_kept, interpreter_obtain};
use crate::pypi::requirement::Requirement;
use crate::pypi::resolve::{Chosen, Facts, Question, resolve};
use crate::pypi::{failure as python_failure, name_is_valid, name_normal, self_test, stub};
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Duplicates, Format, Mount, PlacedFile, UnpackLimits, UnpackSpec};
use crate::source::SourceError;
use crate::store::{Stored, Wanted};
use crate::trace::{self, TraceFrame};

/// The harness's part inside the interpreter.
const BOOT: &str = include_str!("../harness/boot.py");
/// The part of the store with PyPI's packages.
const STORE_PART: &str = "pypi";
/// Where each package is in the box, in a folder of its own.
const SITE: &str = "/app/site";
/// Beginning of the path of what was only there to build another package.
const BUILD_PATH: &str = "build/";
/// Largest `METADATA` read, in bytes.
const METADATA_BYTES_MAX: u64 = 4 << 20;
/// Largest profile read, in bytes.
const PROFILE_BYTES_MAX: usize = 1 << 20;

/// What is said of it before an engine is opened.
pub const ROW: Row = Row {
    kind: RuntimeKind::Python,
    ecosystem: Ecosystem::PyPI,
    endings: &[".py"],
    oracles: &[
        OracleKind::FileRead,
        OracleKind::FileWrite,
        OracleKind::CommandExecution,
        OracleKind::CodeExecution,
        OracleKind::CpuBlowUp,
        OracleKind::SqlInjection,
        OracleKind::Assertion,
    ],
    // What looks on is Python in the same process, and Python can look at it: see docs/runtimes/python.md.
    sees_hands: false,
    version_example: "5.3.1",
    version_is_exact: |text| text.parse::<Version>().is_ok_and(|version| version.to_string() == text),
    name_is_valid,
    open: |ground| Box::new(Python::new(ground)),
};

/// The runtime over one data folder.
pub struct Python {
    ground: Ground,
    index: Index,
}

/// A version with a toolchain: what most steps need.
struct Work<'a> {
    python: &'a Python,
    toolchain: &'a Toolchain,
    tags: Tags,
    pins: BTreeMap<String, Version>,
}

impl Python {
    fn new(ground: &Ground) -> Self {
        let config = ground.config.pip.clone().unwrap_or_else(PipConfig::load);
        Self { ground: ground.clone(), index: Index::new(&config, ground.home.join("cache/pypi")) }
    }

    fn work<'a>(&'a self, bundle: &Bundle, toolchain: &'a Toolchain) -> Result<Work<'a>, EngineError> {
        let pins = bundle.manifest().dependencies.iter();
        let pins = pins.map(|(name, version)| Ok((name_normal(name), version_of(version)?)));
        let pins = pins.collect::<Result<_, EngineError>>()?;
        Ok(Work { python: self, toolchain, tags: Tags::of(toolchain), pins })
    }

    fn file(&self, name: &str, version: &str, tags: &Tags) -> Result<IndexFile, EngineError> {
        let project = self.index.project(name)?;
        let absent = || SourceError::NoSuchVersion { name: name.to_owned(), version: version.to_owned() };
        let files = project.versions.get(&version_of(version)?).ok_or_else(absent)?;
        let unfit = || {
            let detail = format!("no file of {name} {version} is for CPython {} on {}", tags.version, tags.machine);
            EngineError::Unready(Unready { reason: Reason::RuntimeUnfit, detail })
        };
        best(files, tags).cloned().ok_or_else(unfit)
    }

    fn obtain(&self, name: &str, version: &str, file: &IndexFile) -> Result<Stored, SourceError> {
        let key = store_key(&file.sha256);
        let (format, strip) = match &file.kind {
            FileKind::Wheel { .. } => (Format::Zip, false),
            FileKind::Source(format) => (*format, true),
        };
        let unpack = UnpackSpec {
            archive: crate::sandbox::Archive::Bytes(&[]),
            format,
            strip,
            duplicates: Duplicates::LastWins,
            refuse_specials: false,
            limits: UnpackLimits::default(),
        };
        let wanted = Wanted { ecosystem: STORE_PART, key: &key, name, version, unpack };
        self.ground.store.obtain(&wanted, &self.ground.sandbox, || self.index.bytes(name, version, file))
    }

    /// The very bytes a receipt names.
    fn bytes_exactly(&self, name: &str, version: &str, wanted: &Sha256Hex) -> Result<(), EngineError> {
        if self.ground.store.is_here(&self.ground.store.folder(STORE_PART, wanted)) {
            return Ok(());
        }
        let project = self.index.project(name)?;
        let files = project.versions.get(&version_of(version)?).into_iter().flatten();
        let absent = || SourceError::NoSuchVersion { name: name.to_owned(), version: version.to_owned() };
        let file = files.clone().find(|file| file.sha256 == *wanted);
        let found = || files.clone().next().map(|file| EngineError::other_bytes(name, version, &file.sha256, wanted));
        match file {
            Some(file) => self.obtain(name, version, file).map(|_| ()).map_err(EngineError::from),
            None => Err(found().unwrap_or_else(|| absent().into())),
        }
    }

    /// The interpreter that a bundle's runs will have, where nothing else says: for fetching ahead.
    fn tags(&self, bundle: &Bundle) -> Result<Tags, EngineError> {
        let wanted = bundle.manifest().runtime.version.as_deref();
        interpreter_obtain(&self.ground.store, wanted).map(|toolchain| Tags::of(&toolchain))
    }
}

impl Work<'_> {
    /// The folder of a package, built where only its source is to be had; what that took is in `closure`.
    fn folder(&self, entry: &ClosureEntry, closure: &[ClosureEntry]) -> Result<PathBuf, EngineError> {
        self.folder_of(entry, closure, self.python.ground.store.folder(STORE_PART, &entry.sha256))
    }

    /// The same for files that lie elsewhere.
    fn folder_of(
        &self,
        entry: &ClosureEntry,
        closure: &[ClosureEntry],
        source: PathBuf,
    ) -> Result<PathBuf, EngineError> {
        let store = &self.python.ground.store;
        let start = format!("{BUILD_PATH}{}/", entry.name);
        let requires: Vec<_> = closure.iter().filter(|other| other.path.starts_with(&start)).cloned().collect();
        if requires.is_empty() {
            return Ok(source);
        }
        let mount = |one: &ClosureEntry| Mount {
            host: store.folder(STORE_PART, &one.sha256),
            at: format!("{SITE}/{}", one.name),
        };
        let system = self.build_system(&entry.name, &source)?;
        let mounts = requires.iter().map(mount).collect();
        let (name, sha256, toolchain) = (entry.name.as_str(), &entry.sha256, self.toolchain);
        Build { name, source: &source, sha256, system: &system, requires: &requires, mounts, toolchain }
            .obtain(&self.python.ground)
    }

    fn build_system(&self, name: &str, source: &Path) -> Result<build::BuildSystem, EngineError> {
        let minor = self.tags.version.release().get(1).copied().unwrap_or_default();
        build::build_system(source, minor).map_err(|why| build_refused(name, &why))
    }

    /// A chosen file in the store, with what is needed to build it where it is a source.
    fn entries(&self, chosen: &Chosen) -> Result<(ClosureEntry, Vec<ClosureEntry>), EngineError> {
        let version = chosen.version.to_string();
        let stored = self.python.obtain(&chosen.name, &version, &chosen.file)?;
        let path = format!("{SITE}/{}", chosen.name);
        let entry = ClosureEntry { path, name: chosen.name.clone(), version, sha256: stored.sha256 };
        if matches!(chosen.file.kind, FileKind::Wheel { .. }) {
            return Ok((entry, Vec::new()));
        }
        let source = self.python.ground.store.folder(STORE_PART, &entry.sha256);
        let refused = |why: String| build_refused(&chosen.name, &why);
        let mut requires = Vec::new();
        for requirement in self.build_system(&chosen.name, &source)?.requirements().map_err(refused)? {
            if requirement.holds(&self.tags, &BTreeSet::new()).map_err(refused)? {
                requires.push(requirement);
            }
        }
        let question = Question { target: &chosen.name, requires, pins: &self.pins, tags: &self.tags };
        let mut build = Vec::new();
        for one in resolve(&question, &Wheels(self))? {
            let version = one.version.to_string();
            let stored = self.python.obtain(&one.name, &version, &one.file)?;
            let path = format!("{BUILD_PATH}{}/{}", chosen.name, one.name);
            build.push(ClosureEntry { path, name: one.name, version, sha256: stored.sha256 });
        }
        Ok((entry, build))
    }

    /// What a package in the store asks for, by the metadata of the wheel it is or was built into.
    fn requires(&self, chosen: &Chosen) -> Result<Vec<String>, EngineError> {
        let (entry, build) = self.entries(chosen)?;
        Ok(metadata_requires(&self.folder(&entry, &build)?))
    }

    fn ready(&self, target: &ClosureEntry, mut closure: Vec<ClosureEntry>) -> Result<Ready, EngineError> {
        closure.sort();
        let mut mounts = Vec::new();
        for entry in std::iter::once(target).chain(closure.iter().filter(|one| one.path.starts_with(SITE))) {
            mounts.push(Mount { host: self.folder(entry, &closure)?, at: format!("{SITE}/{}", entry.name) });
        }
        let closure_digest = closure_digest(&closure);
        let (version, sha256) = (target.version.clone(), target.sha256.clone());
        Ok(Ready { version, sha256, closure, closure_digest, mounts, unbuilt: Vec::new() })
    }
}

impl Facts for Work<'_> {
    fn project(&self, name: &str) -> Result<Arc<Project>, SourceError> {
        self.python.index.project(name)
    }

    fn requires(&self, chosen: &Chosen) -> Result<Vec<String>, EngineError> {
        Work::requires(self, chosen)
    }
}

/// What builds others must itself be built already, or building would have no end.
struct Wheels<'a>(&'a Work<'a>);

impl Facts for Wheels<'_> {
    fn project(&self, name: &str) -> Result<Arc<Project>, SourceError> {
        let all = self.0.project(name)?;
        let wheels = |files: &Vec<IndexFile>| -> Vec<IndexFile> {
            files.iter().filter(|file| matches!(file.kind, FileKind::Wheel { .. })).cloned().collect()
        };
        let versions = all.versions.iter().map(|(version, files)| (version.clone(), wheels(files)));
        Ok(Arc::new(Project { versions: versions.collect() }))
    }

    fn requires(&self, chosen: &Chosen) -> Result<Vec<String>, EngineError> {
        self.0.requires(chosen)
    }
}

impl Runtime for Python {
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError> {
        let project = self.index.project(bundle.manifest().target.package.name())?;
        let versions = project.versions.iter().map(|(version, files)| PublishedVersion {
            text: version.to_string(),
            line: version.release().iter().take(2).map(ToString::to_string).collect::<Vec<_>>().join("."),
            prerelease: version.any_prerelease(),
            published: files.iter().filter_map(|file| file.published.clone()).min(),
            yanked: files.iter().all(|file| file.yanked),
        });
        Ok(Published { versions: versions.collect() })
    }

    fn toolchain(
        &self,
        bundle: &Bundle,
        stated: Option<&RuntimeIdentity>,
        progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError> {
        let store = &self.ground.store;
        let Some(stated) = stated else {
            progress.note("taking in the interpreter");
            return interpreter_obtain(store, bundle.manifest().runtime.version.as_deref());
        };
        match interpreter_kept(store, &stated.sha256) {
            Some(kept) => Ok(kept),
            None => interpreter_obtain(store, Some(&stated.version)),
        }
    }

    fn is_here(&self, bundle: &Bundle, version: &str) -> bool {
        let file =
            self.tags(bundle).and_then(|tags| self.file(bundle.manifest().target.package.name(), version, &tags));
        file.is_ok_and(|file| self.ground.store.find(STORE_PART, &store_key(&file.sha256)).is_some())
    }

    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError> {
        let name = bundle.manifest().target.package.name();
        self.obtain(name, version, &self.file(name, version, &self.tags(bundle)?)?)?;
        Ok(())
    }

    fn ready(&self, bundle: &Bundle, toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError> {
        let work = self.work(bundle, toolchain)?;
        let name = bundle.manifest().target.package.name().to_owned();
        let file = self.file(&name, version, &work.tags)?;
        let chosen = Chosen { name: name.clone(), version: version_of(version)?, file };
        let (target, mut closure) = work.entries(&chosen)?;
        let bad = |text: &str, why: String| SourceError::Unresolvable {
            name: name.clone(),
            dependency: text.to_owned(),
            range: String::new(),
            why,
        };
        let mut requires = Vec::new();
        for text in metadata_requires(&work.folder(&target, &closure)?) {
            let asked = Requirement::read(&text).map_err(|why| bad(&text, why))?;
            if asked.holds(&work.tags, &BTreeSet::new()).map_err(|why| bad(&text, why))? {
                requires.push(asked);
            }
        }
        // What the bundle names and nobody asks for is added, so that the program can import it.
        let added = work.pins.keys().filter(|name| !closure.iter().any(|entry| entry.name == **name));
        for name in added {
            requires.push(Requirement::read(name).map_err(|why| bad(name, why))?);
        }
        let question = Question { target: &name, requires, pins: &work.pins, tags: &work.tags };
        for one in resolve(&question, &work)? {
            let (entry, build) = work.entries(&one)?;
            closure.push(entry);
            closure.extend(build);
        }
        work.ready(&target, closure)
    }

    fn ready_exactly(&self, bundle: &Bundle, toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError> {
        let name = bundle.manifest().target.package.name().to_owned();
        self.bytes_exactly(&name, &stated.version, &stated.target_sha256)?;
        for entry in &stated.closure {
            self.bytes_exactly(&entry.name, &entry.version, &entry.sha256)?;
        }
        let (version, sha256) = (stated.version.clone(), stated.target_sha256.clone());
        let target = ClosureEntry { path: format!("{SITE}/{name}"), name, version, sha256 };
        self.work(bundle, toolchain)?.ready(&target, stated.closure.clone())
    }

    fn stub(&self, bundle: &Bundle, _toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError> {
        let step = |source| EngineError::Home { step: "write stub", path: self.ground.home.clone(), source };
        let room = tempfile::tempdir().map_err(step)?;
        let place = room.path().join("stub");
        let at = format!("{SITE}/{}", bundle.manifest().target.package.name());
        let mut ready = ready.clone();
        for mount in ready.mounts.iter_mut().filter(|mount| mount.at == at) {
            stub::stub_write(&mount.host, &place).map_err(step)?;
            mount.host.clone_from(&place);
        }
        Ok(Held { value: ready, guard: Some(room) })
    }

    fn own_files(&self, bundle: &Bundle, toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        let work = self.work(bundle, toolchain)?;
        let name = bundle.manifest().target.package.name();
        let stored = self.obtain(name, version, &self.file(name, version, &work.tags)?)?;
        Ok(self.ground.store.folder(STORE_PART, &stored.sha256))
    }

    fn ready_patched(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        let mut ready = self.ready(bundle, toolchain, version)?;
        let name = bundle.manifest().target.package.name().to_owned();
        let (path, sha256) = (format!("{SITE}/{name}"), tree_digest(tree)?);
        let target = ClosureEntry { path: path.clone(), name, version: version.to_owned(), sha256 };
        let folder = self.work(bundle, toolchain)?.folder_of(&target, &ready.closure, tree.to_owned())?;
        for mount in ready.mounts.iter_mut().filter(|mount| mount.at == path) {
            mount.host.clone_from(&folder);
        }
        ready.sha256 = target.sha256;
        Ok(Held { value: ready, guard: None })
    }

    fn builds_programs(&self) -> bool {
        false
    }

    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError> {
        let kind = scene.bundle.manifest().oracle.kind;
        let secrets = scene.secrets;
        let target = scene.bundle.manifest().target.package.name();
        let mut orders = vec![format!("key {}", secrets.key_hex()), format!("target {target}")];
        match kind {
            OracleKind::FileRead => orders.push(format!("file-read {}", secrets.file_canary())),
            OracleKind::FileWrite => orders.push(format!("write-folder {WRITE_FOLDER}")),
            OracleKind::CodeExecution => {
                orders.push(format!("code-name {}", secrets.code_name()));
                orders.push(format!("code-token {}", secrets.code()));
                let call = format!("{}(\"{}\")", secrets.code_name(), secrets.code());
                spec.env.push(("PROOF_CANARY_CODE".into(), call));
            }
            _ => {}
        }
        orders.push("commands yes".into());
        if scene.attempt.profile {
            orders.push("profile yes".into());
        }
        spec.channel_in = orders.join("\n").into_bytes();
        spec.argv = ["/runtime/bin/python3", "-I", "-S", "-B", "/harness/boot.py"].map(str::to_owned).into();
        spec.argv.push(format!("{PROOF_FOLDER}/{}", scene.attempt.entry));
        spec.files.push(PlacedFile { at: "/harness/boot.py".into(), bytes: BOOT.as_bytes().to_vec(), mode: 0o444 });
        Ok(())
    }

    fn shortfall(&self, observed: &Observed, _bundle: &Bundle) -> Option<Shortfall> {
        failure::shortfall_by(observed, python_failure::exception)
    }

    fn hottest(&self, profile: &[u8]) -> Vec<TraceFrame> {
        if profile.len() > PROFILE_BYTES_MAX {
            return Vec::new();
        }
        let frames: Vec<(String, String)> = serde_json::from_slice(profile).unwrap_or_default();
        let found = frames.iter().filter_map(|(file, function)| trace::package_frame(file, function));
        let mut out: Vec<TraceFrame> = found.take(trace::TRACE_FRAMES_MAX).collect();
        out.dedup();
        out
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
            mounts: vec![Mount { host: target, at: format!("{SITE}/{}", self_test::PACKAGE) }],
            unbuilt: Vec::new(),
        };
        let package = self_test::PACKAGE.to_owned();
        Ok(SelfTest { ready_quiet: ready.clone(), ready, package, fires, quiet, guard })
    }

    fn harness_digest(&self) -> Sha256Hex {
        Sha256Hex::of([BOOT, build::script()].concat().as_bytes())
    }
}

fn store_key(sha256: &Sha256Hex) -> String {
    format!("sha256-{sha256}")
}

fn version_of(text: &str) -> Result<Version, EngineError> {
    text.parse().map_err(|_| EngineError::malformed_version(text, ROW.version_example))
}

fn build_refused(name: &str, why: &str) -> EngineError {
    EngineError::Unready(Unready { reason: Reason::BuildFailed, detail: format!("building {name}: {why}") })
}

/// The lines `Requires-Dist` of a package's metadata.
fn metadata_requires(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut infos: Vec<PathBuf> = entries.map(|entry| entry.path().join("METADATA")).filter(|p| p.is_file()).collect();
    infos.sort();
    let mut text = Vec::new();
    if let Some(file) = infos.first().and_then(|path| File::open(path).ok()) {
        let _ = file.take(METADATA_BYTES_MAX).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    let head = text.lines().take_while(|line| !line.is_empty());
    head.filter_map(|line| line.strip_prefix("Requires-Dist:")).map(|line| line.trim().to_owned()).collect()
}
