//! Java programs over artefacts of Maven repositories: compiled against each version of the target in a box, and run on that
//! very class path.
//!
//! Nothing watches from within, so nobody sees in whose hands an effect was brought about. Must not run anything outside a
//! box.

use std::path::{Path, PathBuf};

use domain::package::Ecosystem;
use domain::proof::{OracleKind, Reason};

use super::{Ground, Held, Published, PublishedVersion, Ready, Row, Runtime, Scene, SelfTest, Toolchain};
use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{self, Shortfall};
use crate::harness::{HarnessError, Observed};
use crate::maven::build::{self, BUILT_FOLDER, Recipe, class_path_text, main_class};
use crate::maven::config::MavenConfig;
use crate::maven::jdk::{self, JAVA_MAJOR_LEAST, JDK_FOLDER};
use crate::maven::patched::{self, Changed};
use crate::maven::registry::{ArtifactFile, Registry, STORE_PART};
use crate::maven::resolve::{self, Wish};
use crate::maven::{Coordinates, name_is_valid, outcome, self_test, version_is_exact, version_read};
use crate::npm::layer::{ClosureEntry, closure_digest};
use crate::parallel;
use crate::progress::Progress;
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Exit, Mount};
use crate::source::client::DOWNLOADS_COUNT_MAX;
use crate::store::Stored;

/// What is said of it before an engine is opened.
pub const ROW: Row = Row {
    kind: RuntimeKind::Jvm,
    ecosystem: Ecosystem::Maven,
    endings: &[".java"],
    oracles: &[
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
    sees_hands: false,
    version_example: "3.2.1",
    version_is_exact,
    name_is_valid,
    open: |ground| Box::new(Jvm::new(ground)),
};

/// How a program is started: quickly, the same every time, and without what a box cannot have.
const RUN_FLAGS: [&str; 9] = [
    "-Xshare:auto",
    "-XX:TieredStopAtLevel=1",
    "-XX:+UseSerialGC",
    "-XX:-UsePerfData",
    "-XX:-CreateCoredumpOnCrash",
    "-Xms16m",
    "-Djava.io.tmpdir=/tmp",
    "-Djava.net.preferIPv4Stack=true",
    "-Dfile.encoding=UTF-8",
];
/// Share of the memory limit that the heap may take, in percent: the virtual machine itself needs the rest.
const HEAP_PERCENT: u64 = 75;
/// The heap where the oracle is about memory: the limit of the box is to be what ends it. In bytes.
const HEAP_UNBOUNDED_BYTES: u64 = 16 << 30;

/// The runtime over one data folder.
pub struct Jvm {
    ground: Ground,
    registry: Registry,
}

impl Jvm {
    fn new(ground: &Ground) -> Self {
        let config = ground.config.maven.clone().unwrap_or_else(MavenConfig::load);
        let registry = Registry::new(&config, ground.home.join("cache/maven"));
        Self { ground: ground.clone(), registry }
    }

    fn coordinates(&self, bundle: &Bundle, version: &str) -> Result<Coordinates, EngineError> {
        let name = bundle.manifest().target.package.name();
        Coordinates::of(name, version).ok_or_else(|| EngineError::malformed_version(version, ROW.version_example))
    }

    fn obtain(&self, file: &ArtifactFile) -> Result<Stored, EngineError> {
        Ok(self.registry.obtain(&self.ground.store, file)?)
    }

    fn mount(&self, path: &str, sha256: &Sha256Hex) -> Mount {
        Mount { host: self.ground.store.archive(STORE_PART, sha256), at: format!("/app/{path}") }
    }

    /// Everything is in the store: compiles against it.
    fn made_ready(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        target: Target<'_>,
        closure: Vec<ClosureEntry>,
    ) -> Result<Ready, EngineError> {
        let digest = closure_digest(&closure);
        let mut mounts = target.mounts;
        mounts.extend(self.closure_mounts(&closure));
        let run = &bundle.manifest().run;
        let source = |name: &str| bundle.files().get(name).map(Vec::as_slice).unwrap_or_default();
        let recipe = Recipe {
            class_path: &mounts,
            class_path_digest: Sha256Hex::of(
                format!("{}\n{digest}\n{}", target.key, class_path_text(&mounts)).as_bytes(),
            ),
            program: (&run.program, source(&run.program)),
            control: (&run.control, source(&run.control)),
        };
        let built = recipe.build(&self.ground, toolchain)?;
        let mut unbuilt = Vec::new();
        for (file, part, why) in [(&run.program, "program", &built.program), (&run.control, "control", &built.control)]
        {
            match why {
                Some(why) => unbuilt.push((file.clone(), why.shortfall())),
                None => mounts.push(Mount { host: built.place.join(part), at: format!("{BUILT_FOLDER}/{part}") }),
            }
        }
        Ok(Ready {
            version: target.version.to_owned(),
            sha256: target.sha256,
            closure,
            closure_digest: digest,
            mounts,
            unbuilt,
        })
    }

    fn closure_mounts(&self, closure: &[ClosureEntry]) -> impl Iterator<Item = Mount> {
        closure.iter().map(|entry| self.mount(&entry.path, &entry.sha256))
    }

    /// Everything that the target and the bundle need beside the target, in the store.
    fn closure(&self, bundle: &Bundle, file: &ArtifactFile) -> Result<Vec<ClosureEntry>, EngineError> {
        let pins: Vec<Coordinates> = bundle
            .manifest()
            .dependencies
            .iter()
            .filter_map(|(name, version)| Coordinates::of(name, version))
            .filter(|pin| pin.name() != file.of.name())
            .collect();
        let chosen = resolve::choose(&self.registry, &self.ground.store, &Wish { target: &file.of, pins: &pins })?;
        let needed: Vec<ArtifactFile> = chosen.into_iter().filter(|needed| needed != file).collect();
        let missing = needed.iter().filter(|file| self.registry.find(&self.ground.store, file).is_none()).count();
        let mut closure = Vec::with_capacity(needed.len());
        let obtained = parallel::each(&needed, missing.min(DOWNLOADS_COUNT_MAX), |file| self.obtain(file));
        for ((index, needed), stored) in needed.iter().enumerate().zip(obtained) {
            closure.push(ClosureEntry {
                path: format!("lib/{:03}/{}", index + 1, needed.name()),
                name: needed.of.name(),
                version: needed.of.version.clone(),
                sha256: stored?.sha256,
            });
        }
        Ok(closure)
    }

    /// The target's place on the class path comes first.
    fn target<'a>(&self, file: &'a ArtifactFile, stored: Stored) -> Target<'a> {
        let mount = self.mount(&format!("lib/000/{}", file.name()), &stored.sha256);
        let key = stored.sha256.to_string();
        Target { version: &file.of.version, sha256: stored.sha256, mounts: vec![mount], key }
    }
}

/// The target's own part of a class path.
struct Target<'a> {
    version: &'a str,
    sha256: Sha256Hex,
    /// First on the class path; nothing where there is no target.
    mounts: Vec<Mount>,
    /// Names what is mounted.
    key: String,
}

impl Runtime for Jvm {
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError> {
        let texts = self.registry.versions(bundle.manifest().target.package.name())?;
        let mut versions: Vec<_> = texts.iter().filter_map(|text| version_read(text)).collect();
        versions.sort_by(|a, b| a.key().cmp(b.key()).then_with(|| a.text().cmp(b.text())));
        versions.dedup_by(|a, b| a.text() == b.text());
        let published = |version: versions::Version| PublishedVersion {
            text: version.text().to_owned(),
            line: version.line(),
            prerelease: version.is_prerelease(),
            published: None,
            yanked: false,
        };
        Ok(Published { versions: versions.into_iter().map(published).collect() })
    }

    fn toolchain(
        &self,
        bundle: &Bundle,
        stated: Option<&RuntimeIdentity>,
        progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError> {
        let named = bundle.manifest().runtime.version.as_deref();
        let wanted = stated.map(|stated| stated.version.as_str()).or(named);
        let Some(found) = jdk::find(wanted) else {
            let which = wanted.map_or_else(|| format!("of version {JAVA_MAJOR_LEAST} or newer"), ToOwned::to_owned);
            let why = format!("there is no Java Development Kit {which}; install one, such as openjdk-17-jdk-headless");
            return Err(EngineError::Unfit { runtime: "jvm".into(), why });
        };
        let kept = self.ground.store.runtimes();
        progress.note(&format!("looking at java {}", found.version));
        let path = found.root.clone();
        jdk::toolchain(found, &kept).map_err(|source| EngineError::Home { step: "read toolchain", path, source })
    }

    fn is_here(&self, bundle: &Bundle, version: &str) -> bool {
        let of = self.coordinates(bundle, version).ok();
        of.is_some_and(|of| self.registry.find(&self.ground.store, &ArtifactFile::jar(&of)).is_some())
    }

    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError> {
        let of = self.coordinates(bundle, version)?;
        self.obtain(&ArtifactFile::pom(&of))?;
        self.obtain(&ArtifactFile::jar(&of))?;
        Ok(())
    }

    fn ready(&self, bundle: &Bundle, toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError> {
        let file = ArtifactFile::jar(&self.coordinates(bundle, version)?);
        let stored = self.obtain(&file)?;
        let closure = self.closure(bundle, &file)?;
        self.made_ready(bundle, toolchain, self.target(&file, stored), closure)
    }

    fn ready_exactly(&self, bundle: &Bundle, toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError> {
        let file = ArtifactFile::jar(&self.coordinates(bundle, &stated.version)?);
        let stored = self.exactly(&file, &stated.target_sha256)?;
        for entry in &stated.closure {
            let of = Coordinates::of(&entry.name, &entry.version)
                .ok_or_else(|| EngineError::malformed_version(&entry.version, ROW.version_example))?;
            let start = format!("{}-{}", of.artifact, of.version);
            let classifier = entry.path.rsplit('/').next().unwrap_or_default();
            let classifier = classifier.strip_prefix(&start).unwrap_or_default().trim_end_matches(".jar");
            let classifier = classifier.trim_start_matches('-').to_owned();
            self.exactly(&ArtifactFile { of, classifier, ending: "jar" }, &entry.sha256)?;
        }
        self.made_ready(bundle, toolchain, self.target(&file, stored), stated.closure.clone())
    }

    /// The class path without the target. A program that uses the target does not compile then and is quiet by nature; one
    /// that brings its effect about without it compiles, and fires.
    fn stub(&self, bundle: &Bundle, toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError> {
        let sha256 = Sha256Hex::of(b"no artefact");
        let target = Target { version: &ready.version, sha256, mounts: Vec::new(), key: "none".into() };
        let value = self.made_ready(bundle, toolchain, target, ready.closure.clone())?;
        Ok(Held { value, guard: None })
    }

    /// The sources that were published beside the artefact.
    fn own_files(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        patched::sources(&self.ground, &self.registry, &self.coordinates(bundle, version)?)
    }

    fn ready_patched(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        let published = self.own_files(bundle, toolchain, version)?;
        let file = ArtifactFile::jar(&self.coordinates(bundle, version)?);
        let stored = self.obtain(&file)?;
        let closure = self.closure(bundle, &file)?;
        let mut target = self.target(&file, stored);
        let class_path: Vec<Mount> = target.mounts.iter().cloned().chain(self.closure_mounts(&closure)).collect();
        let class_path_digest = Sha256Hex::of(format!("{}\n{}", target.key, closure_digest(&closure)).as_bytes());
        let changed = Changed { published: &published, tree, class_path: &class_path, class_path_digest };
        let overlay = changed.build(&self.ground, toolchain)?;
        target.key = format!("{} {}", target.key, overlay.sha256);
        target.mounts.insert(0, overlay.mount);
        target.sha256 = overlay.sha256;
        Ok(Held { value: self.made_ready(bundle, toolchain, target, closure)?, guard: None })
    }

    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError> {
        let manifest = scene.bundle.manifest();
        let part = if scene.attempt.entry == manifest.run.control { "control" } else { "program" };
        let about_memory = manifest.oracle.kind == OracleKind::UncontrolledAllocation;
        let heap = match about_memory {
            true => HEAP_UNBOUNDED_BYTES,
            false => manifest.run.memory_bytes / 100 * HEAP_PERCENT,
        };
        // A heap beyond the limit is reserved, and never to be had.
        spec.vast_address_space = about_memory;
        let class_path = format!("{BUILT_FOLDER}/{part}:{}", class_path_text(&scene.ready.mounts));
        spec.argv = vec![format!("{JDK_FOLDER}/bin/java")];
        spec.argv.extend(RUN_FLAGS.map(ToOwned::to_owned));
        spec.argv.extend([format!("-Xmx{}k", heap >> 10), "-cp".into(), class_path, main_class(&scene.attempt.entry)]);
        Ok(())
    }

    fn shortfall(&self, observed: &Observed, _bundle: &Bundle) -> Option<Shortfall> {
        let outcome = &observed.outcome;
        let of = |reason, detail: String| Some(Shortfall { reason, detail });
        if let Some(short) = failure::at_limit(outcome) {
            return Some(short);
        }
        match outcome.exit {
            Exit::Code(0) => None,
            Exit::Signal(signal) => of(Reason::HarnessError, format!("ended by signal {signal}")),
            Exit::Code(status) => Some(outcome::uncaught(&outcome.stderr.text(), status)),
        }
    }

    fn self_test(&self, kind: OracleKind, toolchain: &Toolchain) -> Result<SelfTest, EngineError> {
        let (fires, quiet) = self_test::bundles(kind)?;
        let step = |source| EngineError::Home { step: "write self-test", path: self.ground.home.clone(), source };
        let guard = tempfile::tempdir().map_err(step)?;
        let ready = self_test::ready(&self.ground, toolchain, ROW.oracles)?;
        let ready_quiet = ready.clone();
        Ok(SelfTest { ready, ready_quiet, package: self_test::NAME.into(), fires, quiet, guard })
    }

    fn harness_digest(&self) -> Sha256Hex {
        build::recipe_digest(&RUN_FLAGS)
    }
}

impl Jvm {
    fn exactly(&self, file: &ArtifactFile, wanted: &Sha256Hex) -> Result<Stored, EngineError> {
        let stored = self.obtain(file)?;
        if stored.sha256 == *wanted {
            return Ok(stored);
        }
        Err(EngineError::other_bytes(&file.of.name(), &file.of.version, &stored.sha256, wanted))
    }
}
