//! Compiles program and control of a bundle against one version's class path, in a box without network. Must not run what was
//! compiled, nor look into a `.jar`.

use std::fs;
use std::path::{Path, PathBuf};

use domain::proof::Reason;
use serde::{Deserialize, Serialize};

use super::jdk::JDK_FOLDER;
use super::outcome::{log_read, unbuilt};
use crate::digest::Sha256Hex;
use crate::engine::EngineError;
use crate::failure::{Unbuilt, line};
use crate::file;
use crate::runtime::{Ground, Toolchain};
use crate::sandbox::{BoxOutcome, BoxSpec, CopyOut, FolderOut, FolderOutcome, Limits, Mount, PlacedFile};

/// The script of a build box.
pub const BUILD_SCRIPT: &str = include_str!("build.sh");
/// Where in the box program and control are, each in a folder of its own.
pub const BUILT_FOLDER: &str = "/app/build";
/// Where in the box the class path is.
pub const LIBRARY_FOLDER: &str = "/app/lib";
/// Wall time of one build, in milliseconds.
pub const BUILD_WALL_MS_MAX: u64 = 120_000;
/// CPU time of one build, in milliseconds.
pub const BUILD_CPU_MS_MAX: u64 = 120_000;
/// Memory of one build, its files included, in bytes.
pub const BUILD_MEMORY_BYTES_MAX: u64 = 1 << 30;
/// Bytes that a build may write.
pub const BUILD_DISK_BYTES_MAX: u64 = 64 << 20;
/// Files that a build may make.
pub const BUILD_FILES_COUNT_MAX: u32 = 4_096;

/// What is to be built.
pub struct Recipe<'a> {
    /// The class path, as the box sees it: files of the host and their places.
    pub class_path: &'a [Mount],
    /// Names the class path.
    pub class_path_digest: Sha256Hex,
    /// The program's file and its source.
    pub program: (&'a str, &'a [u8]),
    /// The control's file and its source.
    pub control: (&'a str, &'a [u8]),
}

/// What was built: kept with it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Built {
    /// Why the program could not be built.
    pub program: Option<Unbuilt>,
    /// Why the control could not be built.
    pub control: Option<Unbuilt>,
    /// Where the classes are.
    #[serde(skip)]
    pub place: PathBuf,
}

/// The class that a file of a bundle holds and that is started: the file's name without its ending, its first letter
/// large. `poc.java` holds `Poc`.
#[must_use]
pub fn main_class(file: &str) -> String {
    let stem = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".java");
    let mut letters = stem.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

/// The class path as `java` and `javac` take it.
#[must_use]
pub fn class_path_text(mounts: &[Mount]) -> String {
    let places: Vec<&str> =
        mounts.iter().map(|mount| mount.at.as_str()).filter(|at| at.starts_with(LIBRARY_FOLDER)).collect();
    places.join(":")
}

impl Recipe<'_> {
    /// Builds, or finds what was built from the same before.
    ///
    /// # Errors
    /// Only where this machine fails. What does not compile is in the result.
    pub fn build(&self, ground: &Ground, toolchain: &Toolchain) -> Result<Built, EngineError> {
        let place = ground.store.builds().join(self.key(toolchain).as_str());
        if ground.store.is_here(&place)
            && let Some(built) = built_read(&place)
        {
            return Ok(built);
        }
        let draft = ground.store.draft()?;
        let outcome = ground.sandbox.run(&self.spec(toolchain, &draft))?;
        let built = self.judge(&draft, &outcome);
        let step = |source| EngineError::Home { step: "keep build", path: place.clone(), source };
        let json = serde_json::to_vec(&built).unwrap_or_default();
        file::write_whole(&draft.join("built.json"), &json).map_err(step)?;
        ground.store.place(&draft, &place).map_err(step)?;
        Ok(Built { place, ..built })
    }

    /// Everything that what is built depends on.
    fn key(&self, toolchain: &Toolchain) -> Sha256Hex {
        let text = format!(
            "jvm build 1\n{}\n{BUILD_SCRIPT}\n{}\n{} {}\n{} {}\n",
            toolchain.sha256,
            self.class_path_digest,
            self.program.0,
            Sha256Hex::of(self.program.1),
            self.control.0,
            Sha256Hex::of(self.control.1),
        );
        Sha256Hex::of(text.as_bytes())
    }

    fn spec(&self, toolchain: &Toolchain, draft: &Path) -> BoxSpec {
        let (program, control) = (main_class(self.program.0), main_class(self.control.0));
        let files = [
            (format!("/box/src/program/{program}.java"), self.program.1),
            (format!("/box/src/control/{control}.java"), self.control.1),
        ];
        let words = [("PROGRAM", program.as_str()), ("CONTROL", control.as_str())];
        CompilerBox { script: BUILD_SCRIPT, class_path: self.class_path, words: &words }.spec(toolchain, &files, draft)
    }

    fn judge(&self, draft: &Path, outcome: &BoxOutcome) -> Built {
        if !matches!(outcome.folder, Some(FolderOutcome::Written(_))) || outcome.limit_hit.is_some() {
            let detail = match outcome.limit_hit {
                Some(limit) => format!("the build ended at its {} limit", limit.as_str()),
                None => format!("the build ended badly: {}", line(&outcome.stderr.text())),
            };
            let unbuilt = Unbuilt::new(Reason::BuildFailed, detail);
            return Built { program: Some(unbuilt.clone()), control: Some(unbuilt), place: PathBuf::new() };
        }
        let fate = |name: &str, file: &str| {
            let class = main_class(file);
            let there = fs::symlink_metadata(draft.join(name).join(format!("{class}.class")));
            (!there.is_ok_and(|about| about.is_file()))
                .then(|| unbuilt(&log_read(&draft.join(format!("{name}.log"))), &class))
        };
        Built {
            program: fate("program", self.program.0),
            control: fate("control", self.control.0),
            place: PathBuf::new(),
        }
    }
}

/// A box in which a script compiles against a class path: without network, within the limits of a build. What it leaves in
/// `/box/out` comes out.
pub(super) struct CompilerBox<'a> {
    pub(super) script: &'static str,
    pub(super) class_path: &'a [Mount],
    /// What the script is told besides the class path, as variables.
    pub(super) words: &'a [(&'a str, &'a str)],
}

impl CompilerBox<'_> {
    pub(super) fn spec(&self, toolchain: &Toolchain, files: &[(String, &[u8])], draft: &Path) -> BoxSpec {
        let mut spec = BoxSpec::new(["/bin/sh", "/recipe/build.sh"]);
        let script = ("/recipe/build.sh".to_owned(), self.script.as_bytes());
        let placed = |(at, bytes): &(String, &[u8])| PlacedFile { at: at.clone(), bytes: bytes.to_vec(), mode: 0o444 };
        spec.files = std::iter::once(&script).chain(files).map(placed).collect();
        let class_path = class_path_text(self.class_path);
        let always = [
            ("PATH", "/usr/local/bin:/usr/bin:/bin"),
            ("HOME", "/box"),
            ("LANG", "C.UTF-8"),
            ("CLASS_PATH", class_path.as_str()),
        ];
        let words = always.iter().chain(self.words);
        spec.env = words.map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        spec.mounts = toolchain.mounts.iter().chain(self.class_path).cloned().collect();
        spec.limits = Limits {
            wall_ms: BUILD_WALL_MS_MAX,
            cpu_ms: BUILD_CPU_MS_MAX,
            memory_bytes: BUILD_MEMORY_BYTES_MAX,
            processes: 256,
            files: BUILD_FILES_COUNT_MAX,
            disk_bytes: BUILD_DISK_BYTES_MAX,
            open_files: 1_024,
            ..Limits::default()
        };
        spec.copy_out = CopyOut::Folder(FolderOut {
            path: "out".into(),
            dest: draft.to_owned(),
            bytes_max: BUILD_DISK_BYTES_MAX,
            files_max: BUILD_FILES_COUNT_MAX,
        });
        spec
    }
}

fn built_read(place: &Path) -> Option<Built> {
    let built: Built = serde_json::from_slice(&fs::read(place.join("built.json")).ok()?).ok()?;
    Some(Built { place: place.to_owned(), ..built })
}

/// Digest over how things are built: with another recipe, receipts are others.
#[must_use]
pub fn recipe_digest(run_flags: &[&str]) -> Sha256Hex {
    Sha256Hex::of(format!("{BUILD_SCRIPT}\n{JDK_FOLDER}\n{}", run_flags.join(" ")).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_class_has_its_name_with_a_large_letter() {
        assert_eq!(main_class("poc.java"), "Poc");
        assert_eq!(main_class("src/Control.java"), "Control");
        assert_eq!(main_class(".java"), "");
    }
}
