//! Why exact bytes could not be had from a registry, or not be kept: one error for all registries. Values only; the client is in
//! `client`.

pub mod client;

use thiserror::Error;

use crate::digest::Sha256Hex;
use crate::sandbox::UnpackError;

/// Why something could not be had from the registry, or not be kept.
#[derive(Debug, Error)]
pub enum SourceError {
    /// The registry has no such package.
    #[error("package {name} is not available here: the registry does not have it")]
    NoSuchPackage {
        /// Its name.
        name: String,
    },
    /// The package is there, the version is not.
    #[error("{name}@{version} is not available here: the registry does not list it")]
    NoSuchVersion {
        /// The package.
        name: String,
        /// The version.
        version: String,
    },
    /// The version is listed, its tarball is not served.
    #[error("{name}@{version} is not available here: listed, but its tarball is not served (status {status})")]
    NoTarball {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// HTTP status.
        status: u16,
    },
    /// A dependency that no registry can serve.
    #[error("{name} asks for {dependency} as `{range}`, which is not available here: {why}")]
    Unresolvable {
        /// The package that asks.
        name: String,
        /// What it asks for.
        dependency: String,
        /// As it writes it.
        range: String,
        /// Why there is none.
        why: String,
    },
    /// The tree grew over its bound.
    #[error("the dependency tree of {name} is larger than {max} packages")]
    TreeTooLarge {
        /// The target.
        name: String,
        /// The bound.
        max: usize,
    },
    /// The bytes are not the ones the packument names.
    #[error("{name}@{version}: the tarball's digest is {found}, the registry's record says {wanted}")]
    WrongDigest {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// As computed.
        found: String,
        /// As recorded.
        wanted: String,
    },
    /// The bytes are not the ones a receipt names.
    #[error("{name}@{version}: the registry now serves other bytes ({found}) than the receipt names ({wanted})")]
    OtherBytes {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// As served.
        found: Sha256Hex,
        /// As in the receipt.
        wanted: Sha256Hex,
    },
    /// Larger than its bound.
    #[error("fetch {url}: more than {max} bytes")]
    TooLarge {
        /// What was fetched.
        url: String,
        /// The bound, in bytes.
        max: u64,
    },
    /// The registry answered something else than asked.
    #[error("fetch {url}: {why}")]
    BadAnswer {
        /// What was fetched.
        url: String,
        /// What came.
        why: String,
    },
    /// The registry could not be reached.
    #[error("fetch {url}: {why}; is the network there, and the registry of the client's configuration the right one?")]
    Unreachable {
        /// What was fetched.
        url: String,
        /// What failed.
        why: String,
    },
    /// The tarball was refused while unpacking.
    #[error("unpack {name}@{version}: {source}")]
    Unpack {
        /// The package.
        name: String,
        /// The version.
        version: String,
        /// Why.
        source: UnpackError,
    },
    /// The store could not be read or written.
    #[error("{step} {path}: {source}")]
    Store {
        /// What was attempted.
        step: &'static str,
        /// On what.
        path: std::path::PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
    /// The caller asked to stop.
    #[error("stopped on request")]
    Cancelled,
}

impl SourceError {
    /// Whether this says something about the package (it is not to be had here) rather than about this machine or
    /// its network. Only then may it become a verdict.
    #[must_use]
    pub fn is_about_the_package(&self) -> bool {
        !matches!(self, Self::Unreachable { .. } | Self::Store { .. } | Self::Cancelled)
            && !matches!(self, Self::Unpack { source: UnpackError::Sandbox(_) | UnpackError::Write { .. }, .. })
    }
}
