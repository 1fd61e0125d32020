//! Builds a source distribution into the files of a wheel, in a box without a network, by its own back end (PEP 517) or
//! by setuptools where it names none. Must not run anything of it outside the box.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use domain::proof::Reason;
use serde::Deserialize;

use super::requirement::Requirement;
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::npm::layer::{ClosureEntry, closure_digest};
use crate::runtime::{Ground, Toolchain, Unready};
use crate::sandbox::{BoxSpec, CopyOut, Exit, FolderOut, Limits, Mount, PlacedFile};

const SCRIPT: &str = include_str!("../harness/build.py");
/// Largest `pyproject.toml` read, in bytes.
const PYPROJECT_BYTES_MAX: u64 = 1 << 20;
/// How long a build may take, in milliseconds.
const BUILD_WALL_MS_MAX: u64 = 180_000;
/// Memory of a build, in bytes.
const BUILD_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// What a build may write, in bytes.
const BUILD_DISK_BYTES_MAX: u64 = 512 << 20;
/// Files and folders that a build may make.
const BUILD_FILES_MAX: u32 = 30_000;
/// With what a source that names no back end is built: of the time of such sources, and still good for Python 3.11.
const LEGACY_REQUIRES: [&str; 2] = ["setuptools==65.5.1", "wheel==0.38.4"];
/// The same for the interpreters that came after.
const LEGACY_REQUIRES_NEW: [&str; 2] = ["setuptools<81", "wheel==0.43.0"];
const LEGACY_BACKEND: &str = "setuptools.build_meta:__legacy__";

/// How a source is built.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct BuildSystem {
    /// What the back end needs, itself included.
    #[serde(default)]
    pub requires: Vec<String>,
    #[serde(default)]
    build_backend: Option<String>,
    #[serde(default)]
    backend_path: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Pyproject {
    build_system: Option<BuildSystem>,
}

/// Reads how a source says it is built; `minor` is Python's.
///
/// # Errors
/// What is wrong with its `pyproject.toml`.
pub fn build_system(source: &Path, minor: u64) -> Result<BuildSystem, String> {
    let legacy = if minor < 12 { LEGACY_REQUIRES } else { LEGACY_REQUIRES_NEW };
    let legacy =
        || BuildSystem { requires: legacy.map(str::to_owned).into(), build_backend: None, backend_path: Vec::new() };
    let mut text = String::new();
    match File::open(source.join("pyproject.toml")) {
        Ok(file) => file.take(PYPROJECT_BYTES_MAX).read_to_string(&mut text).map_err(|e| e.to_string())?,
        Err(_) => return Ok(legacy()),
    };
    let read: Pyproject = toml::from_str(&text).map_err(|e| format!("pyproject.toml: {}", e.message()))?;
    Ok(match read.build_system {
        Some(system) if !system.requires.is_empty() || system.build_backend.is_some() => system,
        _ => legacy(),
    })
}

impl BuildSystem {
    /// What the back end needs, read. A back end that is built by setuptools needs `wheel` too, said or not.
    ///
    /// # Errors
    /// A requirement that cannot be read.
    pub fn requirements(&self) -> Result<Vec<Requirement>, String> {
        let with_setuptools = self.build_backend.as_deref().is_none_or(|backend| backend.starts_with("setuptools"));
        let wheel = with_setuptools.then_some("wheel").into_iter();
        self.requires.iter().map(String::as_str).chain(wheel).map(Requirement::read).collect()
    }

    fn arguments(&self) -> Vec<String> {
        let backend = self.build_backend.clone().unwrap_or_else(|| LEGACY_BACKEND.into());
        std::iter::once(backend).chain(self.backend_path.iter().cloned()).collect()
    }
}

/// One build.
pub struct Build<'a> {
    /// The package, for messages.
    pub name: &'a str,
    /// The source, unpacked.
    pub source: &'a Path,
    /// Digest of its archive.
    pub sha256: &'a Sha256Hex,
    /// How.
    pub system: &'a BuildSystem,
    /// The back end and what it needs.
    pub requires: &'a [ClosureEntry],
    /// Where each of these is, unpacked.
    pub mounts: Vec<Mount>,
    /// What runs it.
    pub toolchain: &'a Toolchain,
}

impl Build<'_> {
    /// The folder of what was built, which is built if it is not here yet. That it cannot be built is kept too.
    ///
    /// # Errors
    /// [`EngineError::Unready`] with `build-failed`, or where there can be no box.
    pub fn obtain(self, ground: &Ground) -> Result<PathBuf, EngineError> {
        let text = format!(
            "build 1\n{}\n{}\n{}\n{}\n{}",
            self.sha256,
            closure_digest(self.requires),
            self.toolchain.sha256,
            Sha256Hex::of(SCRIPT.as_bytes()),
            self.system.arguments().join("\n"),
        );
        let key = Sha256Hex::of(text.as_bytes());
        let place = ground.store.builds().join(format!("pypi-{key}"));
        let refused = ground.store.builds().join(format!("pypi-{key}.refused"));
        if ground.store.is_here(&place) {
            return Ok(place);
        }
        let unready = |detail: String| EngineError::Unready(Unready { reason: Reason::BuildFailed, detail });
        if let Ok(detail) = fs::read_to_string(&refused) {
            return Err(unready(detail));
        }
        let at = |source| EngineError::Home { step: "build", path: place.clone(), source };
        fs::create_dir_all(ground.store.builds()).map_err(at)?;
        let draft = ground.store.draft()?;
        let outcome = ground.sandbox.run(&self.spec(&draft)?)?;
        if outcome.limit_hit.is_none() && outcome.exit == Exit::Code(0) && draft.is_dir() {
            return match ground.store.place(&draft, &place) {
                Err(e) if !ground.store.is_here(&place) => Err(at(e)),
                _ => Ok(place),
            };
        }
        let said = String::from_utf8_lossy(&outcome.stderr.head).into_owned();
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it says nothing");
        let last: String = last.chars().take(200).collect();
        let detail = match outcome.limit_hit {
            Some(limit) => format!("building {} ended at its {} limit", self.name, limit.as_str()),
            None => {
                let detail = format!("building {} failed: {last}", self.name);
                crate::file::write_whole(&refused, detail.as_bytes()).map_err(at)?;
                detail
            }
        };
        Err(unready(detail))
    }

    fn spec(&self, draft: &Path) -> Result<BoxSpec, EngineError> {
        let program = ["/runtime/bin/python3", "-I", "-S", "-B", "/harness/build.py"].map(str::to_owned);
        let mut spec = BoxSpec::new(program.into_iter().chain(self.system.arguments()));
        let env = [
            ("PATH", "/runtime/bin:/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/box"),
            ("LANG", "C.UTF-8"),
            ("SETUPTOOLS_USE_DISTUTILS", "local"),
            // A build of the same bytes makes the same bytes.
            ("SOURCE_DATE_EPOCH", "1577836800"),
            ("PYTHONHASHSEED", "0"),
        ];
        spec.env = env.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        spec.mounts = self.toolchain.mounts.clone();
        spec.mounts.push(Mount { host: self.source.to_owned(), at: "/src".into() });
        spec.mounts.extend(self.mounts.iter().cloned());
        spec.files =
            vec![PlacedFile { at: "/harness/build.py".into(), bytes: SCRIPT.as_bytes().to_vec(), mode: 0o444 }];
        spec.limits = Limits {
            wall_ms: BUILD_WALL_MS_MAX,
            cpu_ms: BUILD_WALL_MS_MAX,
            memory_bytes: BUILD_MEMORY_BYTES_MAX,
            processes: 64,
            files: BUILD_FILES_MAX,
            disk_bytes: BUILD_DISK_BYTES_MAX,
            ..Limits::default()
        };
        spec.exec = true;
        spec.copy_out = CopyOut::Folder(FolderOut {
            path: "out".into(),
            dest: draft.to_owned(),
            bytes_max: BUILD_DISK_BYTES_MAX,
            files_max: BUILD_FILES_MAX,
        });
        Ok(spec)
    }
}

/// The script's digest is part of every build's name, and of the harness's.
#[must_use]
pub const fn script() -> &'static str {
    SCRIPT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pyproject: Option<&str>, expected: Result<(&str, usize), ()>) {
        let folder = tempfile::tempdir().unwrap();
        if let Some(text) = pyproject {
            fs::write(folder.path().join("pyproject.toml"), text).unwrap();
        }
        let found = build_system(folder.path(), 11)
            .and_then(|system| Ok((system.arguments()[0].clone(), system.requirements()?.len())));
        assert_eq!(found.as_ref().map(|(backend, count)| (backend.as_str(), *count)).map_err(|_| ()), expected);
    }

    #[test]
    fn a_source_says_how_it_is_built() {
        check(None, Ok((LEGACY_BACKEND, 3)));
        check(Some("[tool.black]\nx = 1"), Ok((LEGACY_BACKEND, 3)));
        check(
            Some("[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\""),
            Ok(("hatchling.build", 1)),
        );
        check(Some("[build-system]\nrequires = [\"setuptools>=40\"]"), Ok((LEGACY_BACKEND, 2)));
        check(Some("[build-system]\nrequires = [\"../x\"]"), Err(()));
        check(Some("[build-system"), Err(()));
    }
}
