//! Go modules: programs are built with each version of the target in a box, and run as what came out of it.
//!
//! Nothing watches from within, so nobody sees in whose hands an effect was brought about. Must not run anything outside a
//! box.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use domain::package::Ecosystem;
use domain::proof::{OracleKind, Reason};

use super::{Ground, Held, Published, PublishedVersion, Ready, Row, Runtime, Scene, SelfTest, Toolchain, Unready};
use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{self, Shortfall};
use crate::fix::tree::tree_digest;
use crate::golang::build::{BUILD_SCRIPT, Builder, Built, INERT_TOOL, Recipe, Target, WARM_SCRIPT};
use crate::golang::config::GoConfig;
use crate::golang::gomod::GoMod;
use crate::golang::registry::{ModuleFile, Registry, STORE_PART};
use crate::golang::toolchain::{self, GO_VERSION_DEFAULT};
use crate::golang::{is_pseudo, path_is_valid, self_test, version_read};
use crate::harness::{HarnessError, Observed};
use crate::npm::layer::ClosureEntry;
use crate::progress::Progress;
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Exit, Mount};
use crate::source::SourceError;

/// What is said of it before an engine is opened.
pub const ROW: Row = Row {
    kind: RuntimeKind::Go,
    ecosystem: Ecosystem::Go,
    endings: &[".go"],
    oracles: &[
        OracleKind::FileRead,
        OracleKind::FileWrite,
        OracleKind::CommandExecution,
        OracleKind::CpuBlowUp,
        OracleKind::Assertion,
    ],
    sees_hands: false,
    version_example: "v1.2.3",
    version_is_exact: |text| version_read(text).is_some(),
    name_is_valid: path_is_valid,
    open: |ground| Box::new(Go::new(ground)),
};

/// The runtime over one data folder.
pub struct Go {
    ground: Ground,
    registry: Registry,
    warming: Mutex<()>,
}

impl Go {
    fn new(ground: &Ground) -> Self {
        let config = ground.config.go.clone().unwrap_or_else(GoConfig::load);
        let registry = Registry::new(config, ground.home.join("cache/go"));
        Self { ground: ground.clone(), registry, warming: Mutex::default() }
    }

    /// A toolchain is a module like any other. Its files are compared with Go's own hash of the archive once unpacked.
    fn toolchain_obtain(&self, version: &str, progress: &dyn Progress) -> Result<PathBuf, EngineError> {
        let store = &self.ground.store;
        let place = store.runtimes().join(format!("go-{version}"));
        if store.is_here(&place) {
            return Ok(place);
        }
        let runtime = || format!("go {version}");
        let at = |e| EngineError::Runtime { runtime: runtime(), source: Box::new(e) };
        progress.note(&format!("fetching runtime go {version}"));
        let file = ModuleFile::of(toolchain::MODULE, &toolchain::module_version(version), "zip");
        let stored = self.registry.obtain(store, &file).map_err(at)?;
        let sums = self.registry.sums(&file.module, &file.version).map_err(at)?;
        let archive = store.archive(STORE_PART, &stored.sha256);
        let draft = store.draft().map_err(at)?;
        let spec = toolchain::unpacking(&archive);
        let named = |source| SourceError::Unpack { name: file.module.clone(), version: file.version.clone(), source };
        self.ground.sandbox.unpack(&spec, &draft).map_err(|e| at(named(e)))?;
        let kept = toolchain::settle(store, &draft, (&file.version, sums.as_deref()), &place);
        kept.map_err(|source| EngineError::Home { step: "keep toolchain", path: place.clone(), source })?;
        Ok(place)
    }

    fn builder<'a>(&'a self, toolchain: &'a Toolchain) -> Builder<'a> {
        Builder { ground: &self.ground, registry: &self.registry, toolchain, warming: &self.warming }
    }

    fn made_ready(&self, bundle: &Bundle, version: &str, sha256: Sha256Hex, built: Built) -> Ready {
        let run = &bundle.manifest().run;
        let mut unbuilt = Vec::new();
        let mut mounts = Vec::new();
        for (file, part, why) in [(&run.program, "program", &built.program), (&run.control, "control", &built.control)]
        {
            match why {
                Some(why) => unbuilt.push((file.clone(), why.shortfall())),
                None => mounts.push(Mount { host: built.place.join(part), at: format!("/app/bin/{part}") }),
            }
        }
        let closure_digest = built.closure_digest();
        Ready { version: version.to_owned(), sha256, closure: built.closure, closure_digest, mounts, unbuilt }
    }

    fn built(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        target: Target<'_>,
        exactly: Option<&[ClosureEntry]>,
    ) -> Result<Built, EngineError> {
        let manifest = bundle.manifest();
        let source = |name: &str| bundle.files().get(name).map(Vec::as_slice).unwrap_or_default();
        let pins: BTreeMap<String, String> = manifest.dependencies.clone();
        self.builder(toolchain).build(&Recipe {
            module: manifest.target.package.name(),
            target,
            pins: pins.into_iter().collect(),
            program: source(&manifest.run.program),
            control: source(&manifest.run.control),
            exactly,
        })
    }

    /// What its maintainers took back, as the newest version says.
    fn retractions(&self, module: &str, newest: Option<&str>) -> GoMod {
        let file = newest.map(|version| ModuleFile::of(module, version, "mod"));
        let stored = file.and_then(|file| self.registry.obtain(&self.ground.store, &file).ok());
        let text = stored.and_then(|stored| std::fs::read(self.ground.store.archive(STORE_PART, &stored.sha256)).ok());
        GoMod::read(&String::from_utf8_lossy(&text.unwrap_or_default()))
    }
}

impl Runtime for Go {
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError> {
        let target = &bundle.manifest().target;
        let module = target.package.name();
        let mut texts = self.registry.versions(module)?;
        // Pseudo-versions are in no list, or only where a mirror happens to hold them.
        for declared in [Some(&target.vulnerable), target.fixed.as_ref()].into_iter().flatten() {
            if texts.contains(declared) {
                continue;
            }
            match self.registry.time(module, declared).map_err(EngineError::from) {
                Ok(Some(_)) => texts.push(declared.clone()),
                Ok(None) => {}
                // What a mirror refuses is not listed, and says nothing about the others.
                Err(e) if e.verdict().is_some() => {}
                Err(e) => return Err(e),
            }
        }
        let mut versions: Vec<_> = texts.iter().filter_map(|text| Some((version_read(text)?, text))).collect();
        versions.sort();
        versions.dedup();
        let newest = versions.iter().rev().find(|(version, _)| version.pre.is_empty()).map(|(_, text)| text.as_str());
        let newest = self.retractions(module, newest);
        // A pseudo-version is a commit that somebody uses, and all that there is of many modules.
        let published = |(version, text): &(semver::Version, &String)| PublishedVersion {
            text: (*text).clone(),
            line: format!("{}.{}", version.major, version.minor),
            prerelease: !version.pre.is_empty() && !is_pseudo(version),
            published: None,
            yanked: newest.is_retracted(version),
        };
        Ok(Published { versions: versions.iter().map(published).collect() })
    }

    fn toolchain(
        &self,
        bundle: &Bundle,
        stated: Option<&RuntimeIdentity>,
        progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError> {
        let named = bundle.manifest().runtime.version.as_deref().map(|text| text.trim_start_matches('v'));
        let version = stated.map_or(named.unwrap_or(GO_VERSION_DEFAULT), |stated| stated.version.as_str());
        let root = match toolchain::host_root(version) {
            Some(root) => root,
            None => self.toolchain_obtain(version, progress)?,
        };
        toolchain::toolchain_read(&root, version, &self.ground.store.runtimes()).map_err(|source| EngineError::Home {
            step: "read toolchain",
            path: root,
            source,
        })
    }

    fn is_here(&self, bundle: &Bundle, version: &str) -> bool {
        let file = ModuleFile::of(bundle.manifest().target.package.name(), version, "zip");
        self.registry.find(&self.ground.store, &file).is_some()
    }

    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError> {
        let module = bundle.manifest().target.package.name();
        for kind in ["mod", "zip"] {
            self.registry.obtain(&self.ground.store, &ModuleFile::of(module, version, kind))?;
        }
        self.registry.sums(module, version)?;
        Ok(())
    }

    fn ready(&self, bundle: &Bundle, toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError> {
        let file = ModuleFile::of(bundle.manifest().target.package.name(), version, "zip");
        let target = self.registry.obtain(&self.ground.store, &file)?;
        let built = self.built(bundle, toolchain, Target::Module(version), None)?;
        Ok(self.made_ready(bundle, version, target.sha256, built))
    }

    fn ready_exactly(&self, bundle: &Bundle, toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError> {
        let module = bundle.manifest().target.package.name();
        let version = &stated.version;
        let target = self.registry.obtain(&self.ground.store, &ModuleFile::of(module, version, "zip"))?;
        if target.sha256 != stated.target_sha256 {
            return Err(EngineError::other_bytes(module, version, &target.sha256, &stated.target_sha256));
        }
        let built = self.built(bundle, toolchain, Target::Module(version), Some(&stated.closure))?;
        Ok(self.made_ready(bundle, version, target.sha256, built))
    }

    fn stub(&self, bundle: &Bundle, toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError> {
        let built = self.built(bundle, toolchain, Target::Inert(&ready.version), None)?;
        // Inert, a module has every name it had: what compiled against it still does, or it is no stub.
        if let (Some(why), true) = (&built.program, ready.unbuilt.is_empty()) {
            let detail = format!("the inert module: {}", why.shortfall().detail);
            return Err(EngineError::Unready(Unready { reason: Reason::BuildFailed, detail }));
        }
        let value = self.made_ready(bundle, &ready.version, ready.sha256.clone(), built);
        Ok(Held { value, guard: None })
    }

    /// The module's archive, unpacked once and kept, with a `go.mod` also where the archive has none.
    fn own_files(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        let module = bundle.manifest().target.package.name();
        let store = &self.ground.store;
        let stored = self.registry.obtain(store, &ModuleFile::of(module, version, "zip"))?;
        let gomod = self.registry.obtain(store, &ModuleFile::of(module, version, "mod"))?;
        let place = store.builds().join(format!("go-tree-{}", stored.sha256));
        let root = place.join(format!("{module}@{version}"));
        if store.is_here(&place) {
            return Ok(root);
        }
        let draft = store.draft()?;
        let archive = store.archive(STORE_PART, &stored.sha256);
        let named = |source| SourceError::Unpack { name: module.to_owned(), version: version.to_owned(), source };
        self.ground.sandbox.unpack(&toolchain::unpacking(&archive), &draft).map_err(named)?;
        let home = |source| EngineError::Home { step: "keep module", path: place.clone(), source };
        let inside = draft.join(format!("{module}@{version}")).join("go.mod");
        if !inside.is_file() {
            std::fs::copy(store.archive(STORE_PART, &gomod.sha256), &inside).map_err(home)?;
        }
        store.place(&draft, &place).map_err(home)?;
        Ok(root)
    }

    fn ready_patched(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        let sha256 = tree_digest(tree)?;
        let built = self.built(bundle, toolchain, Target::Changed(version, tree, &sha256), None)?;
        Ok(Held { value: self.made_ready(bundle, version, sha256, built), guard: None })
    }

    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError> {
        let is_control = scene.attempt.entry == scene.bundle.manifest().run.control;
        spec.argv = vec![format!("/app/bin/{}", if is_control { "control" } else { "program" })];
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
            Exit::Code(code) => {
                let said = outcome.stderr.text();
                let panicked =
                    said.lines().find(|line| line.starts_with("panic: ") || line.starts_with("fatal error: "));
                let said: String = panicked.unwrap_or_default().chars().take(200).collect();
                of(Reason::HarnessError, format!("ended with status {code}: {said}"))
            }
        }
    }

    fn self_test(&self, kind: OracleKind, toolchain: &Toolchain) -> Result<SelfTest, EngineError> {
        let (fires, quiet) = self_test::bundles(kind)?;
        let ready = |bundle: &Bundle| -> Result<Ready, EngineError> {
            let built = self.built(bundle, toolchain, Target::Own(&self_test::FILES), None)?;
            Ok(self.made_ready(bundle, self_test::VERSION, Sha256Hex::of(b""), built))
        };
        let step = |source| EngineError::Home { step: "write self-test", path: PathBuf::from("self-test"), source };
        let guard = tempfile::tempdir().map_err(step)?;
        let (ready, ready_quiet) = (ready(&fires)?, ready(&quiet)?);
        Ok(SelfTest { ready, ready_quiet, package: self_test::MODULE.into(), fires, quiet, guard })
    }

    fn harness_digest(&self) -> Sha256Hex {
        Sha256Hex::of(format!("{BUILD_SCRIPT}\n{WARM_SCRIPT}\n{INERT_TOOL}").as_bytes())
    }
}
