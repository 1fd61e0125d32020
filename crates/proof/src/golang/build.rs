//! Builds program and control of a bundle with a module, in a box without network, from nothing but what was fetched.
//!
//! `go` chooses the versions of dependencies itself; whatever it asks the proxy for and is not there yet is fetched and the build tried
//! again. Must not run what was built, nor look into archives.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use domain::proof::Reason;
use serde::{Deserialize, Serialize};

use super::gomod::GoMod;
use super::outcome::{line, log_read, missing_files, unbuilt, unresolvable};
use super::registry::{ModuleFile, Registry, STORE_PART};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::Unbuilt;
use crate::file;
use crate::npm::layer::{ClosureEntry, closure_digest};
use crate::runtime::{Ground, Toolchain};
use crate::sandbox::{BoxOutcome, BoxSpec, CopyOut, FolderOut, FolderOutcome, Limits, Mount, PlacedFile};
use crate::source::SourceError;
use crate::store::PackageStore;

/// The script of a build box.
pub const BUILD_SCRIPT: &str = include_str!("build.sh");
/// The script of the box that fills the build cache.
pub const WARM_SCRIPT: &str = include_str!("warm.sh");
/// The tool that makes modules inert.
pub const INERT_TOOL: &str = include_str!("inert.go");
/// What of the standard library is compiled ahead.
const ALL: &str = include_str!("all.go");
/// The module in which a bundle's programs are built.
const OWN_MODULE: &str = "proof.invalid/bundle";
/// The language version of programs, where the target asks for no newer one.
const LANGUAGE: (u32, u32) = (1, 21);

/// How often a build is tried again because `go` asked for more.
pub const ROUNDS_COUNT_MAX: usize = 12;
/// Most files of modules one build may need.
pub const MODULE_FILES_COUNT_MAX: usize = 2_000;
/// Wall time of one build, in milliseconds.
pub const BUILD_WALL_MS_MAX: u64 = 600_000;
/// CPU time of one build, in milliseconds.
pub const BUILD_CPU_MS_MAX: u64 = 900_000;
/// Memory of one build, its files included, in bytes.
pub const BUILD_MEMORY_BYTES_MAX: u64 = 6 << 30;
/// Bytes that a build may write.
pub const BUILD_DISK_BYTES_MAX: u64 = 3 << 30;
/// Bytes of what comes out of a build.
pub const BUILT_BYTES_MAX: u64 = 1 << 30;

/// What the target is made of.
pub enum Target<'a> {
    /// A version from the proxy, as it is.
    Module(&'a str),
    /// The same, made inert.
    Inert(&'a str),
    /// Files of our own.
    Own(&'a [(&'a str, &'a str)]),
    /// A version, with its files as they are in a folder, and what names them.
    Changed(&'a str, &'a Path, &'a Sha256Hex),
}

/// What is to be built.
pub struct Recipe<'a> {
    /// The target's path.
    pub module: &'a str,
    /// What it is made of.
    pub target: Target<'a>,
    /// Exact versions that the bundle asks for besides.
    pub pins: Vec<(String, String)>,
    /// Source of the program.
    pub program: &'a [u8],
    /// Source of the control.
    pub control: &'a [u8],
    /// The very files a receipt names, and no others.
    pub exactly: Option<&'a [ClosureEntry]>,
}

/// What was built: kept with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Built {
    /// Every file of a module that it was built from, the target's archive apart.
    pub closure: Vec<ClosureEntry>,
    /// Why the program could not be built.
    pub program: Option<Unbuilt>,
    /// Why the control could not be built.
    pub control: Option<Unbuilt>,
    /// Where the built programs are.
    #[serde(skip)]
    pub place: PathBuf,
}

/// Builds over one data folder.
pub struct Builder<'a> {
    /// What all runtimes stand on.
    pub ground: &'a Ground,
    /// Where modules come from.
    pub registry: &'a Registry,
    /// What builds.
    pub toolchain: &'a Toolchain,
    /// Held while the cache is filled, so that no two threads do.
    pub warming: &'a Mutex<()>,
}

/// What a build has to go on, growing from round to round.
struct Room {
    files: BTreeSet<ModuleFile>,
    sums: String,
}

impl Builder<'_> {
    /// Builds, or finds what was built from the same before.
    ///
    /// # Errors
    /// Where something `go` asks for is not to be had, or this machine fails. What does not compile is in the result.
    pub fn build(&self, recipe: &Recipe<'_>) -> Result<Built, EngineError> {
        let place = self.ground.store.builds().join(self.key(recipe)?.as_str());
        if self.ground.store.is_here(&place)
            && let Some(built) = built_read(&place)
        {
            return Ok(built);
        }
        let mut room = Room { files: BTreeSet::new(), sums: String::new() };
        if let Target::Module(version) | Target::Inert(version) = recipe.target {
            self.add(&mut room, &ModuleFile::of(recipe.module, version, "zip"))?;
            match recipe.exactly {
                Some(stated) => self.add_exactly(&mut room, stated)?,
                None => self.add(&mut room, &ModuleFile::of(recipe.module, version, "mod"))?,
            }
        }
        if let Target::Changed(version, ..) = recipe.target {
            self.add(&mut room, &ModuleFile::of(recipe.module, version, "mod"))?;
        }
        for _ in 0..ROUNDS_COUNT_MAX {
            let draft = self.ground.store.draft()?;
            let outcome = self.run(recipe, &room, &draft)?;
            let log = log_read(&draft.join("log"));
            let missing = missing_files(&log);
            let before = room.files.len();
            for file in missing.iter().filter(|_| recipe.exactly.is_none()) {
                self.add(&mut room, file)?;
            }
            if room.files.len() > before {
                let _ = fs::remove_dir_all(&draft);
                continue;
            }
            if log.contains("checksum mismatch") {
                let why = "an archive is not the one that the sum database vouches for".to_owned();
                let name = format!("{}@{}", recipe.module, recipe.version());
                return Err(SourceError::BadAnswer { url: name, why }.into());
            }
            let built = self.judge(recipe, &room, &draft, &outcome, &log)?;
            return self.keep(&draft, &place, built);
        }
        let detail = format!("`go` asked for more modules in each of {ROUNDS_COUNT_MAX} rounds");
        Err(unresolvable(recipe.module, "modules", &detail))
    }

    /// The cache of compiled parts of the standard library and the tools, made once for a toolchain.
    fn warm(&self) -> Result<PathBuf, EngineError> {
        let key = format!("go-cache\n{}\n{WARM_SCRIPT}\n{ALL}\n{INERT_TOOL}", self.toolchain.sha256);
        let place = self.ground.store.builds().join(Sha256Hex::of(key.as_bytes()).as_str());
        if self.ground.store.is_here(&place) {
            return Ok(place);
        }
        let _held = self.warming.lock().unwrap_or_else(PoisonError::into_inner);
        if self.ground.store.is_here(&place) {
            return Ok(place);
        }
        let draft = self.ground.store.draft()?;
        let mut spec = self.spec(WARM_SCRIPT, &draft);
        spec.env.push(("GOCACHE".into(), "/box/out/cache".into()));
        let own = format!("module {OWN_MODULE}\n\ngo {}.{}\n", LANGUAGE.0, LANGUAGE.1);
        for (name, text) in [("go.mod", own.as_str()), ("all/main.go", ALL), ("inert/main.go", INERT_TOOL)] {
            spec.files.push(placed(&format!("/box/src/{name}"), text.as_bytes()));
        }
        let outcome = self.ground.sandbox.run(&spec)?;
        if !matches!(outcome.folder, Some(FolderOutcome::Written(_))) {
            let said = outcome.stderr.text();
            let why = format!("it cannot compile its own library: {:?} {:?} {said:.500}", outcome.exit, outcome.folder);
            return Err(EngineError::Unfit { runtime: self.toolchain.label(), why });
        }
        place_folder(&self.ground.store, &draft, &place)?;
        Ok(place)
    }

    /// Everything a build depends on, dependencies apart: those follow from it and from the bytes first seen.
    fn key(&self, recipe: &Recipe<'_>) -> Result<Sha256Hex, EngineError> {
        let mut text =
            format!("go-build\n{}\n{BUILD_SCRIPT}\n{INERT_TOOL}\n{}\n", self.toolchain.sha256, recipe.module);
        match recipe.target {
            Target::Module(version) | Target::Inert(version) => {
                let zip = self.registry.obtain(&self.ground.store, &ModuleFile::of(recipe.module, version, "zip"))?;
                let inert = matches!(recipe.target, Target::Inert(_));
                text.push_str(&format!("{version}\n{}\n{inert}\n", zip.sha256));
            }
            Target::Own(files) => text.push_str(&format!("{files:?}\n")),
            Target::Changed(version, _, sha256) => text.push_str(&format!("{version}\nchanged {sha256}\n")),
        }
        text.push_str(&format!("{:?}\n{:?}\n", recipe.pins, recipe.exactly.map(closure_digest)));
        text.push_str(&format!("{}\n{}\n", Sha256Hex::of(recipe.program), Sha256Hex::of(recipe.control)));
        Ok(Sha256Hex::of(text.as_bytes()))
    }

    /// Takes a file in. With a `go.mod` come those of all that it requires, where they are to be had: `go` asks for them
    /// one level after the other.
    fn add(&self, room: &mut Room, file: &ModuleFile) -> Result<(), EngineError> {
        if !room.files.insert(file.clone()) {
            return Ok(());
        }
        let stored = match self.registry.obtain(&self.ground.store, file) {
            Ok(stored) => stored,
            Err(e) if e.is_about_the_package() => {
                let name = format!("{}@{}", file.module, file.version);
                return Err(unresolvable(&name, &file.path(), &e.to_string()));
            }
            Err(e) => return Err(e.into()),
        };
        if file.kind == "zip" {
            if let Some(sums) = self.registry.sums(&file.module, &file.version)? {
                room.sums.push_str(&sums);
            }
            return Ok(());
        }
        let mut waiting = vec![stored.sha256];
        while let Some(sha256) = waiting.pop() {
            let bytes = fs::read(self.ground.store.archive(STORE_PART, &sha256)).unwrap_or_default();
            for (module, version) in GoMod::read(&String::from_utf8_lossy(&bytes)).requires {
                let wanted = ModuleFile { module, version, kind: "mod" };
                if room.files.len() >= MODULE_FILES_COUNT_MAX || room.files.contains(&wanted) {
                    continue;
                }
                if let Ok(stored) = self.registry.obtain(&self.ground.store, &wanted) {
                    room.files.insert(wanted);
                    waiting.push(stored.sha256);
                }
            }
        }
        Ok(())
    }

    fn add_exactly(&self, room: &mut Room, stated: &[ClosureEntry]) -> Result<(), EngineError> {
        for entry in stated {
            let kind = if entry.path.ends_with(".zip") { "zip" } else { "mod" };
            let file = ModuleFile::of(&entry.name, &entry.version, kind);
            let stored = self.registry.obtain(&self.ground.store, &file)?;
            if stored.sha256 != entry.sha256 {
                return Err(EngineError::other_bytes(&entry.name, &entry.version, &stored.sha256, &entry.sha256));
            }
            if kind == "zip"
                && let Some(sums) = self.registry.sums(&file.module, &file.version)?
            {
                room.sums.push_str(&sums);
            }
            room.files.insert(file);
        }
        Ok(())
    }

    fn run(&self, recipe: &Recipe<'_>, room: &Room, draft: &Path) -> Result<BoxOutcome, EngineError> {
        let warm = self.warm()?;
        let mut spec = self.spec(BUILD_SCRIPT, draft);
        spec.env.push(("GOCACHE".into(), "/box/cache".into()));
        spec.mounts.push(Mount { host: warm.join("cache"), at: "/cache".into() });
        for file in &room.files {
            if let Some(stored) = self.registry.find(&self.ground.store, file) {
                let host = self.ground.store.archive(STORE_PART, &stored.sha256);
                spec.mounts.push(Mount { host, at: format!("/proxy/{}", file.path()) });
            }
        }
        if let Target::Inert(version) = recipe.target {
            spec.mounts.push(Mount { host: warm.join("inert"), at: "/tool/inert".into() });
            let gomod = ModuleFile::of(recipe.module, version, "mod").path();
            spec.env.push(("INERT".into(), format!("{}@{version}", recipe.module)));
            spec.env.push(("GOMOD_OF_INERT".into(), format!("/proxy/{gomod}")));
            // `go mod download` asks for this where the version is a pseudo-version; a build does not.
            let info = gomod.strip_suffix(".mod").map(|stem| format!("/proxy/{stem}.info")).unwrap_or_default();
            spec.files.push(placed(&info, serde_json::json!({ "Version": version }).to_string().as_bytes()));
        }
        if let Target::Own(files) = recipe.target {
            for (name, text) in files {
                spec.files.push(placed(&format!("/box/target/{name}"), text.as_bytes()));
            }
        }
        if let Target::Changed(_, tree, _) = recipe.target {
            spec.mounts.push(Mount { host: tree.to_owned(), at: "/target".into() });
        }
        spec.files.push(placed("/box/src/go.mod", self.gomod(recipe).as_bytes()));
        spec.files.push(placed("/box/src/go.sum", room.sums.as_bytes()));
        spec.files.push(placed("/box/src/program/main.go", recipe.program));
        spec.files.push(placed("/box/src/control/main.go", recipe.control));
        Ok(self.ground.sandbox.run(&spec)?)
    }

    fn gomod(&self, recipe: &Recipe<'_>) -> String {
        let version = recipe.version();
        let mut language = LANGUAGE;
        if let Target::Module(version) | Target::Inert(version) | Target::Changed(version, ..) = recipe.target
            && let Some(stored) = self.registry.find(&self.ground.store, &ModuleFile::of(recipe.module, version, "mod"))
        {
            let bytes = fs::read(self.ground.store.archive(STORE_PART, &stored.sha256)).unwrap_or_default();
            let asked = GoMod::read(&String::from_utf8_lossy(&bytes)).go_minor();
            language = asked.map_or(language, |asked| asked.max(language));
        }
        let mut text = format!("module {OWN_MODULE}\n\ngo {}.{}\n\n", language.0, language.1);
        text.push_str(&format!("require {} {version}\n", recipe.module));
        for (module, version) in &recipe.pins {
            text.push_str(&format!("require {module} {version}\n"));
        }
        let elsewhere = match recipe.target {
            Target::Own(_) => Some("/box/target"),
            Target::Changed(..) => Some("/target"),
            Target::Module(_) | Target::Inert(_) => None,
        };
        if let Some(folder) = elsewhere {
            text.push_str(&format!("replace {} => {folder}\n", recipe.module));
        }
        text
    }

    fn spec(&self, script: &str, draft: &Path) -> BoxSpec {
        let mut spec = BoxSpec::new(["/bin/sh", "/box/script.sh"]);
        spec.env = [
            ("PATH", "/runtime/go/bin:/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/box"),
            ("LANG", "C.UTF-8"),
            ("TMPDIR", "/box/tmp"),
            ("GOROOT", "/runtime/go"),
            ("GOENV", "off"),
            ("GOPATH", "/box/go"),
            ("GOMODCACHE", "/box/mod"),
            ("GOPROXY", "file:///proxy"),
            ("GOSUMDB", "off"),
            ("GOFLAGS", "-mod=mod -trimpath -modcacherw -buildvcs=false"),
            ("GOTOOLCHAIN", "local"),
            ("GOTELEMETRY", "off"),
            ("GOWORK", "off"),
            ("CGO_ENABLED", "0"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
        spec.mounts = vec![Mount { host: self.toolchain.root.clone(), at: "/runtime/go".into() }];
        spec.files = vec![placed("/box/script.sh", script.as_bytes())];
        spec.limits = Limits {
            wall_ms: BUILD_WALL_MS_MAX,
            cpu_ms: BUILD_CPU_MS_MAX,
            memory_bytes: BUILD_MEMORY_BYTES_MAX,
            processes: 512,
            files: 200_000,
            open_files: 2_048,
            disk_bytes: BUILD_DISK_BYTES_MAX,
            ..Limits::default()
        };
        spec.copy_out = CopyOut::Folder(FolderOut {
            path: "out".into(),
            dest: draft.to_owned(),
            bytes_max: BUILT_BYTES_MAX,
            files_max: 40_000,
        });
        spec
    }

    /// What a build left, once it asked for nothing more.
    fn judge(
        &self,
        recipe: &Recipe<'_>,
        room: &Room,
        draft: &Path,
        outcome: &BoxOutcome,
        log: &str,
    ) -> Result<Built, EngineError> {
        let closure = self.closure(recipe, room);
        let mut built = Built { closure, program: None, control: None, place: PathBuf::new() };
        if !matches!(outcome.folder, Some(FolderOutcome::Written(_))) {
            let detail = match outcome.limit_hit {
                Some(limit) => format!("the build ended at its {} limit", limit.as_str()),
                None => format!("the build ended badly: {}", line(&outcome.stderr.text())),
            };
            let unbuilt = Unbuilt::new(Reason::BuildFailed, detail);
            fs::create_dir_all(draft).map_err(|source| at("make a draft", draft, source))?;
            (built.program, built.control) = (Some(unbuilt.clone()), Some(unbuilt));
            return Ok(built);
        }
        let fate = |name: &str| {
            let own = log_read(&draft.join(format!("{name}.log")));
            let said = if own.is_empty() { log } else { &own };
            (!draft.join(name).is_file()).then(|| unbuilt(said, name))
        };
        (built.program, built.control) = (fate("program"), fate("control"));
        Ok(built)
    }

    fn closure(&self, recipe: &Recipe<'_>, room: &Room) -> Vec<ClosureEntry> {
        if let Some(stated) = recipe.exactly {
            return stated.to_vec();
        }
        let target = match recipe.target {
            Target::Module(version) | Target::Inert(version) => Some(ModuleFile::of(recipe.module, version, "zip")),
            Target::Own(_) | Target::Changed(..) => None,
        };
        let entry = |file: &ModuleFile| {
            let stored = self.registry.find(&self.ground.store, file)?;
            let vouched = self.registry.sums(&file.module, &file.version).ok().flatten().is_some();
            // Where no sum database spoke, the bytes first seen are all there is to compare with: the place says so.
            let from = if vouched { "sumdb" } else { "first-seen" };
            Some(ClosureEntry {
                path: format!("{from}/{}", file.path()),
                name: file.module.clone(),
                version: file.version.clone(),
                sha256: stored.sha256,
            })
        };
        room.files.iter().filter(|file| Some(*file) != target.as_ref()).filter_map(entry).collect()
    }

    fn keep(&self, draft: &Path, place: &Path, mut built: Built) -> Result<Built, EngineError> {
        let json = serde_json::to_vec(&built).unwrap_or_default();
        file::write_whole(&draft.join("built.json"), &json).map_err(|source| at("write build", draft, source))?;
        place_folder(&self.ground.store, draft, place)?;
        built.place = place.to_owned();
        Ok(built)
    }
}

impl Recipe<'_> {
    fn version(&self) -> &str {
        match self.target {
            Target::Module(version) | Target::Inert(version) | Target::Changed(version, ..) => version,
            Target::Own(_) => super::self_test::VERSION,
        }
    }
}

impl Built {
    /// Names what it was built from.
    #[must_use]
    pub fn closure_digest(&self) -> Sha256Hex {
        closure_digest(&self.closure)
    }
}

fn built_read(place: &Path) -> Option<Built> {
    let built: Built = serde_json::from_slice(&fs::read(place.join("built.json")).ok()?).ok()?;
    Some(Built { place: place.to_owned(), ..built })
}

fn placed(path: &str, bytes: &[u8]) -> PlacedFile {
    PlacedFile { at: path.to_owned(), bytes: bytes.to_vec(), mode: 0o644 }
}

fn place_folder(store: &PackageStore, draft: &Path, place: &Path) -> Result<(), EngineError> {
    store.place(draft, place).map_err(|source| at("keep build", place, source))
}

fn at(step: &'static str, path: &Path, source: std::io::Error) -> EngineError {
    EngineError::Home { step, path: path.to_owned(), source }
}
