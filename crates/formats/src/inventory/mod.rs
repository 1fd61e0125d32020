//! What an operator runs, as software bills of materials and lock files say. A component that cannot be matched stays in the
//! list with the reason: an inventory is never silently shorter than the document. One file a format, one row a format in
//! `detect`.

mod apk_installed;
mod cargo_lock;
mod cargo_lock_lines;
mod composer_lock;
pub mod cyclonedx;
mod cyclonedx_xml;
mod detect;
mod distribution;
mod dpkg_status;
mod draft;
mod gemfile_lock;
mod go_mod;
mod gradle_lock;
mod listed;
pub mod npm_lock;
mod nuget_lock;
mod pipfile_lock;
mod pnpm_lock;
mod poetry_lock;
mod pom;
mod python;
mod requirements;
mod rpm_list;
mod spdx;
mod spdx3;
mod spdx_tag;
mod uv_lock;
mod yarn_lock;

use std::borrow::Cow;
use std::fmt;

use domain::shown::is_invisible;

use self::distribution::{Distribution, Installed};
use crate::json::Node;
use crate::purl::{Packaged, Purl, purl_of};
use crate::{Unreadable, xml};

pub use detect::{read, read_named};
pub use draft::WARNINGS_COUNT_MAX;
pub use rpm_list::QUERY_FORMAT as RPM_QUERY_FORMAT;

/// The largest inventory document that is read, in bytes.
pub const INVENTORY_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Components that are read from one document.
pub const COMPONENTS_COUNT_MAX: usize = 200_000;
/// Levels of components within components.
pub const COMPONENT_LEVELS_MAX: usize = 48;
/// The longest name or version that is read, in bytes.
pub const COMPONENT_TEXT_BYTES_MAX: usize = 1024;

/// An inventory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// `CycloneDX 1.5`, `package-lock.json v3`.
    pub format: String,
    /// What it is an inventory of: name and version, where the document says so.
    pub subject: Option<String>,
    /// In the document's order.
    pub components: Vec<Component>,
}

/// One component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    /// The name as the document has it.
    pub name: String,
    /// The version as the document has it, or as the purl has it.
    pub version: Option<String>,
    /// The purl as canonical text without version, given or made from the ecosystem and the name.
    pub purl: Option<String>,
    /// `bom-ref`, the name by which the document itself refers to it.
    pub bom_ref: Option<String>,
    /// Where in the document: `components[3].components[0]`, `node_modules/a/node_modules/b`.
    pub path: String,
    /// The package by which advisories know it, or why there is none.
    pub matchable: Result<PackageVersion, Unmatchable>,
}

/// A version of a package of an ecosystem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackageVersion {
    /// As OSV spells it.
    pub ecosystem: Cow<'static, str>,
    /// As the ecosystem spells it.
    pub name: String,
    /// As the document spells it; it may still be one that no scheme can read.
    pub version: String,
}

/// Why a component cannot be compared with advisories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unmatchable {
    /// No purl.
    NoPurl,
    /// A purl that cannot be read.
    MalformedPurl,
    /// A purl type that no ecosystem of OSV has.
    UnknownEcosystem,
    /// No version.
    NoVersion,
    /// Taken from a repository: its version says nothing of its content.
    FromRepository,
    /// Taken from a local file or folder.
    FromFile,
    /// Taken from an archive that is not the registry's.
    FromArchive,
    /// A link to another entry of the same document.
    Link,
    /// Part of the inventoried project itself.
    OwnCode,
    /// A name or version too long, or with control characters.
    MalformedText,
    /// A range of versions, or a least one.
    NotPinned,
    /// A registry that is not the one advisories speak of.
    OtherRegistry,
    /// Its version is set where the document does not reach.
    Unresolved,
    /// An entry that cannot be read.
    MalformedEntry,
    /// Named, and not there.
    NotInstalled,
    /// A distribution's package, and the document does not say of which distribution.
    UnknownDistribution,
}

impl Unmatchable {
    /// A stable word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Unmatchable::NoPurl => "no-purl",
            Unmatchable::MalformedPurl => "malformed-purl",
            Unmatchable::UnknownEcosystem => "unknown-ecosystem",
            Unmatchable::NoVersion => "no-version",
            Unmatchable::FromRepository => "from-repository",
            Unmatchable::FromFile => "from-file",
            Unmatchable::FromArchive => "from-archive",
            Unmatchable::Link => "link",
            Unmatchable::OwnCode => "own-code",
            Unmatchable::MalformedText => "malformed-text",
            Unmatchable::NotPinned => "not-pinned",
            Unmatchable::OtherRegistry => "other-registry",
            Unmatchable::Unresolved => "unresolved",
            Unmatchable::MalformedEntry => "malformed-entry",
            Unmatchable::NotInstalled => "not-installed",
            Unmatchable::UnknownDistribution => "unknown-distribution",
        }
    }
}

impl fmt::Display for Unmatchable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Unmatchable::NoPurl => "it has no purl",
            Unmatchable::MalformedPurl => "its purl cannot be read",
            Unmatchable::UnknownEcosystem => "advisories know no ecosystem of its purl type",
            Unmatchable::NoVersion => "it has no version",
            Unmatchable::FromRepository => "it comes from a repository, and its version says nothing of its content",
            Unmatchable::FromFile => "it comes from a local file or folder",
            Unmatchable::FromArchive => "it comes from an archive that is not the registry's",
            Unmatchable::Link => "it is a link to another entry",
            Unmatchable::OwnCode => "it is part of the inventoried project itself",
            Unmatchable::MalformedText => {
                "its name or version is too long, or has characters that control or cannot be seen"
            }
            Unmatchable::NotPinned => "the document gives no one version of it",
            Unmatchable::OtherRegistry => "it comes from a registry that advisories do not speak of",
            Unmatchable::Unresolved => "its version is set where the document does not reach",
            Unmatchable::MalformedEntry => "its entry cannot be read",
            Unmatchable::NotInstalled => "it is named, and not installed",
            Unmatchable::UnknownDistribution => "the document does not say which distribution's package it is",
        })
    }
}

/// A CycloneDX document in XML, in the values of its JSON form.
pub(crate) fn document_of_xml(what: &'static str, text: &str) -> Result<Node, Unreadable> {
    cyclonedx_xml::of_xml(&xml::read(what, text)?)
}

/// Whether a name or version is one to go on with.
pub(crate) fn is_plain(text: &str) -> bool {
    let odd = |c: char| c.is_control() || is_invisible(c);
    // Nearly every name and version is of ASCII's letters, digits and signs alone.
    let ordinary = text.bytes().all(|byte| byte.is_ascii_graphic());
    !text.is_empty() && text.len() <= COMPONENT_TEXT_BYTES_MAX && (ordinary || !text.chars().any(odd))
}

/// From a purl and the version beside it. The purl's own version comes first.
pub(crate) fn matchable_of_purl(purl: &Purl, version: Option<&str>) -> Result<PackageVersion, Unmatchable> {
    let version = purl.version.as_deref().or(version);
    if purl.from_repository || version.is_some_and(is_repository) {
        return Err(Unmatchable::FromRepository);
    }
    if let Some(packaged) = &purl.packaged {
        return matchable_packaged(purl, packaged, version);
    }
    let ecosystem = purl.ecosystem.ok_or(Unmatchable::UnknownEcosystem)?;
    let version = version.ok_or(Unmatchable::NoVersion)?;
    if !is_plain(version) {
        return Err(Unmatchable::MalformedText);
    }
    Ok(PackageVersion { ecosystem: ecosystem.into(), name: purl.name.clone(), version: version.to_owned() })
}

/// From the purl of a distribution's package: its namespace or its `distro` says of which.
fn matchable_packaged(purl: &Purl, packaged: &Packaged, version: Option<&str>) -> Result<PackageVersion, Unmatchable> {
    let id = packaged.distro.as_deref().map(|distro| distro.split('-').next().unwrap_or_default());
    let mut names = packaged.namespace.as_deref().into_iter().chain(id);
    let distribution = names.find_map(|name| Distribution::of_purl(&purl.purl_type, name));
    let with_epoch = packaged.epoch.as_ref().zip(version).map(|(epoch, version)| format!("{epoch}:{version}"));
    let installed = Installed {
        name: &purl.name,
        version: with_epoch.as_deref().or(version),
        source: packaged.source.as_deref(),
        source_version: packaged.source_version.as_deref(),
    };
    distribution::matchable(distribution, packaged.distro.as_deref(), &installed)
}

/// From an npm name and version.
pub(crate) fn npm_purl(name: &str) -> Option<String> {
    purl_of("npm", name)
}

/// `git+ssh://…`, `github:a/b`, `a/b#c`: how npm writes that something comes from a repository.
pub(crate) fn is_repository(spec: &str) -> bool {
    let prefixes = ["git+", "git:", "git@", "github:", "gitlab:", "bitbucket:", "gist:", "hg+", "svn+", "ssh://"];
    prefixes.iter().any(|p| spec.starts_with(p))
}
