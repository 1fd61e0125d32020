//! Runtimes: what differs between packages of one ecosystem and those of another. One file each, one row each in
//! [`TABLE`].
//!
//! A runtime lists versions, has them in the store with what they need, and says how a program is started on one. It
//! must not decide a verdict: what was seen is judged by `oracle` and `run`, the same for all.

pub mod go;
pub mod jvm;
pub mod native;
pub mod node;
pub mod python;
pub mod rust;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use domain::package::Ecosystem;
use domain::proof::{OracleKind, Reason};
use tempfile::TempDir;

use crate::bundle::Bundle;
use crate::bundle::manifest::RuntimeKind;
use crate::digest::Sha256Hex;
use crate::engine::{EngineConfig, EngineError};
use crate::failure::Shortfall;
use crate::harness::{Attempt, HarnessError, Observed, Secrets};
use crate::npm::layer::ClosureEntry;
use crate::progress::Progress;
use crate::receipt::{Predicate, RuntimeIdentity};
use crate::sandbox::{BoxSpec, Mount, Sandbox};
use crate::store::PackageStore;
use crate::trace::TraceFrame;

/// Every runtime there is.
pub const TABLE: &[Row] = &[node::ROW, python::ROW, rust::ROW, go::ROW, native::ROW, jvm::ROW];

/// What can be said of a runtime before an engine is opened: enough to read a bundle.
pub struct Row {
    /// Its word in `proof.toml`.
    pub kind: RuntimeKind,
    /// The packages it runs.
    pub ecosystem: Ecosystem,
    /// Endings of the files that may be program and control.
    pub endings: &'static [&'static str],
    /// The oracles that can see their effect in it.
    pub oracles: &'static [OracleKind],
    /// Whether its harness sees in whose hands an effect was brought about. Where it does not, only silence at a
    /// declared fix tells a package's defect from a program that does it all by itself.
    pub sees_hands: bool,
    /// An exact version of a package, for the refusal of what is none.
    pub version_example: &'static str,
    /// Whether this text is an exact version in its canonical form.
    pub version_is_exact: fn(&str) -> bool,
    /// Whether this can be the name of a package in `[dependencies]`.
    pub name_is_valid: fn(&str) -> bool,
    /// Makes it.
    pub open: fn(&Ground) -> Box<dyn Runtime>,
}

impl Row {
    /// Whether it runs packages of this ecosystem. C code travels with packages of every kind.
    #[must_use]
    pub fn runs(&self, ecosystem: Ecosystem) -> bool {
        self.ecosystem == ecosystem || (self.kind == RuntimeKind::Native && native::SOURCES.contains(&ecosystem))
    }
}

/// The row of a runtime.
#[must_use]
pub fn row(kind: RuntimeKind) -> &'static Row {
    // Every kind has a row: see the test below.
    TABLE.iter().find(|row| row.kind == kind).unwrap_or(&TABLE[0])
}

/// What all runtimes stand on.
#[derive(Clone)]
pub struct Ground {
    /// The data folder.
    pub home: PathBuf,
    /// Makes boxes.
    pub sandbox: Arc<Sandbox>,
    /// Keeps packages.
    pub store: Arc<PackageStore>,
    /// As the engine was configured.
    pub config: EngineConfig,
}

/// A published version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedVersion {
    /// As the registry writes it.
    pub text: String,
    /// Its release line, in which one border is expected at most: such as `4.17`.
    pub line: String,
    /// Whether it is a pre-release.
    pub prerelease: bool,
    /// When it was published, RFC 3339, where the registry says. A partial mirror gives the day it first saw it.
    pub published: Option<String>,
    /// Whether its maintainers took it back.
    pub yanked: bool,
}

/// Everything a registry lists of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// Its versions in the ecosystem's order, ascending.
    pub versions: Vec<PublishedVersion>,
}

impl Published {
    /// Where this version stands.
    #[must_use]
    pub fn position(&self, version: &str) -> Option<usize> {
        self.versions.iter().position(|listed| listed.text == version)
    }
}

/// What runs programs: an interpreter, or a compiler and what it links with.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// Its name, such as `node`.
    pub name: String,
    /// Its exact version.
    pub version: String,
    /// SHA-256 of the package or the files it came in.
    pub sha256: Sha256Hex,
    /// What a box sees of it.
    pub mounts: Vec<Mount>,
    /// Where it is on the host, for a runtime's own use.
    pub root: PathBuf,
}

impl Toolchain {
    /// Everything of it on the host.
    pub(crate) fn places(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(self.root.as_path()).chain(self.mounts.iter().map(|mount| mount.host.as_path()))
    }

    /// As reports name it: `node 22.23.3`.
    #[must_use]
    pub fn label(&self) -> String {
        format!("{} {}", self.name, self.version)
    }
}

/// A version of the target, in the store with everything it needs, for one bundle.
#[derive(Debug, Clone)]
pub struct Ready {
    /// The version.
    pub version: String,
    /// SHA-256 of the target's archive.
    pub sha256: Sha256Hex,
    /// Everything beside the target, by content.
    pub closure: Vec<ClosureEntry>,
    /// Names the closure.
    pub closure_digest: Sha256Hex,
    /// What a box sees of all that, in the order in which it is mounted.
    pub mounts: Vec<Mount>,
    /// Why program or control cannot run on this very version, where something had to be built and could not be:
    /// by the name of the file in the bundle.
    pub unbuilt: Vec<(String, Shortfall)>,
}

/// Something made for one call, with the temporary folder it lies in.
pub struct Held<T> {
    /// What was made.
    pub value: T,
    /// The folder goes with it.
    pub guard: Option<TempDir>,
}

/// The oracle's own test in a runtime: a package of ours, a proof that must fire on it and one that must not.
pub struct SelfTest {
    /// The package.
    pub ready: Ready,
    /// The package for the other proof, where it is another (compiled runtimes build a program into it).
    pub ready_quiet: Ready,
    /// Its name, which must be seen to have done it.
    pub package: String,
    /// Must fire.
    pub fires: Bundle,
    /// Must not.
    pub quiet: Bundle,
    /// The folder it lies in.
    pub guard: TempDir,
}

/// One run about to be started.
pub struct Scene<'a> {
    /// What is run.
    pub bundle: &'a Bundle,
    /// By what.
    pub toolchain: &'a Toolchain,
    /// On what.
    pub ready: &'a Ready,
    /// Which file, and how.
    pub attempt: &'a Attempt,
    /// One-time values of this run.
    pub secrets: &'a Secrets,
}

/// One runtime over one data folder. All calls block and may be made from several threads.
pub trait Runtime: Send + Sync {
    /// All published versions of the bundle's target.
    ///
    /// # Errors
    /// Where the registry does not have the package or cannot be asked.
    fn published(&self, bundle: &Bundle) -> Result<Published, EngineError>;

    /// The toolchain a bundle asks for, or the very one a receipt names.
    ///
    /// # Errors
    /// [`EngineError::Runtime`] and [`EngineError::Unfit`].
    fn toolchain(
        &self,
        bundle: &Bundle,
        stated: Option<&RuntimeIdentity>,
        progress: &dyn Progress,
    ) -> Result<Toolchain, EngineError>;

    /// Whether the target's own bytes of this version are in the store.
    fn is_here(&self, bundle: &Bundle, version: &str) -> bool;

    /// Has the target's own bytes of this version in the store: called ahead of [`Runtime::ready`], several at once.
    ///
    /// # Errors
    /// As [`Runtime::ready`].
    fn fetch(&self, bundle: &Bundle, version: &str) -> Result<(), EngineError>;

    /// Has a version in the store with everything it needs, built where this runtime builds.
    ///
    /// # Errors
    /// An error whose [`EngineError::verdict`] says something becomes that verdict; any other ends the call.
    fn ready(&self, bundle: &Bundle, toolchain: &Toolchain, version: &str) -> Result<Ready, EngineError>;

    /// The bytes a receipt names and no others.
    ///
    /// # Errors
    /// As [`Runtime::ready`], and where other bytes are served now.
    fn ready_exactly(&self, bundle: &Bundle, toolchain: &Toolchain, stated: &Predicate) -> Result<Ready, EngineError>;

    /// The same with the target replaced by an inert stub.
    ///
    /// # Errors
    /// As [`Runtime::ready`].
    fn stub(&self, bundle: &Bundle, toolchain: &Toolchain, ready: &Ready) -> Result<Held<Ready>, EngineError>;

    /// Says how the program is started: its arguments, environment, mounts, and orders to the harness.
    ///
    /// # Errors
    /// Where there can be no run.
    fn dress(&self, scene: &Scene<'_>, spec: &mut BoxSpec) -> Result<(), HarnessError>;

    /// The patches of a version, each with the version that is the same tree without it.
    ///
    /// # Errors
    /// [`EngineError::Unfit`] where versions of this runtime are no series of patches.
    fn ablations(&self, bundle: &Bundle, version: &str) -> Result<Vec<(String, String)>, EngineError> {
        let runtime = bundle.manifest().runtime.kind.to_string();
        Err(EngineError::Unfit { runtime, why: format!("{version} is no series of patches that could be taken back") })
    }

    /// The folder of a version's own files, as a patch finds them: the sources where this runtime builds. Never to be
    /// changed: it is the store's.
    ///
    /// # Errors
    /// As [`Runtime::ready`], and [`EngineError::Unfit`] where this runtime cannot patch.
    fn own_files(&self, bundle: &Bundle, _toolchain: &Toolchain, version: &str) -> Result<PathBuf, EngineError> {
        let runtime = bundle.manifest().runtime.kind.to_string();
        Err(EngineError::Unfit { runtime, why: format!("{version} cannot be patched in this runtime yet") })
    }

    /// As [`Runtime::ready`], with the target's own files taken from `tree`: a changed copy of what [`Runtime::own_files`] gave,
    /// which stays where it is as long as what comes back is used.
    ///
    /// # Errors
    /// As [`Runtime::ready`], and [`EngineError::Unfit`] where this runtime cannot patch.
    fn ready_patched(
        &self,
        bundle: &Bundle,
        toolchain: &Toolchain,
        version: &str,
        _tree: &Path,
    ) -> Result<Held<Ready>, EngineError> {
        self.own_files(bundle, toolchain, version)?;
        let runtime = bundle.manifest().runtime.kind.to_string();
        Err(EngineError::Unfit { runtime, why: format!("{version} cannot be patched in this runtime yet") })
    }

    /// Whether a program is built with each version, so that another program needs another [`Ready`].
    fn builds_programs(&self) -> bool {
        true
    }

    /// Why a run shows nothing; `None` where it ended well.
    fn shortfall(&self, observed: &Observed, bundle: &Bundle) -> Option<Shortfall>;

    /// The package frames in which most time went, of a profile that came out of a box.
    fn hottest(&self, _profile: &[u8]) -> Vec<TraceFrame> {
        Vec::new()
    }

    /// The oracle's own test.
    ///
    /// # Errors
    /// Where it cannot be made.
    fn self_test(&self, kind: OracleKind, toolchain: &Toolchain) -> Result<SelfTest, EngineError>;

    /// Digest of the harness's part that runs inside the box.
    fn harness_digest(&self) -> Sha256Hex;
}

/// A reason with one line on it, for a version that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unready {
    /// The word.
    pub reason: Reason,
    /// One line for a person.
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_runtime_has_a_row() {
        for kind in RuntimeKind::ALL {
            assert!(TABLE.iter().any(|row| row.kind == *kind), "{kind}");
        }
    }
}
