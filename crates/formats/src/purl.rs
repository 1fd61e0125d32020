//! Package URLs, read by the `packageurl` crate and held as the parts that reports and inventories need.
//! Must not decide whether a package exists.

use std::str::FromStr;

use packageurl::PackageUrl;

use crate::ecosystem::Ecosystem;

/// The longest purl that is read, in bytes.
pub const PURL_BYTES_MAX: usize = 512;

/// A purl in its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purl {
    /// The canonical form, without version; qualifiers and subpath stay.
    pub canonical: String,
    /// The canonical form of the package alone: no version, qualifiers or subpath.
    pub package: String,
    /// The type: `npm`.
    pub purl_type: String,
    /// The ecosystem as OSV spells it, where the type has one.
    pub ecosystem: Option<&'static str>,
    /// The name as the ecosystem writes it: `@scope/name`, `group:artifact`.
    pub name: String,
    /// The version, decoded.
    pub version: Option<String>,
    /// A `vcs_url` qualifier: it was taken from a repository, not from the registry.
    pub from_repository: bool,
    /// Set for the packages of distributions.
    pub packaged: Option<Packaged>,
}

/// What the purl of a distribution's package (`deb`, `apk`, `rpm`) says beside its name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packaged {
    /// `debian`, `alpine`.
    pub namespace: Option<String>,
    /// The qualifier `distro`: `debian-12`.
    pub distro: Option<String>,
    /// The qualifier `epoch` of an RPM.
    pub epoch: Option<String>,
    /// The name of the package it was built from, by the qualifier `upstream`.
    pub source: Option<String>,
    /// That one's version, where the qualifier says it.
    pub source_version: Option<String>,
}

impl Packaged {
    fn of(url: &PackageUrl<'_>) -> Option<Self> {
        if !matches!(url.ty(), "deb" | "apk" | "rpm") {
            return None;
        }
        let qualifier = |key: &str| url.qualifiers().get(key).map(|value| value.to_string());
        let upstream = qualifier("upstream");
        let (source, source_version) = match upstream.as_deref() {
            None => (None, None),
            // An RPM's source is a file: `openssl-3.0.7-24.el9.src.rpm`.
            Some(file) if file.ends_with(".src.rpm") => (file.rsplitn(3, '-').nth(2), None),
            Some(text) => {
                text.split_once('@').map_or((Some(text), None), |(name, version)| (Some(name), Some(version)))
            }
        };
        Some(Packaged {
            namespace: url.namespace().map(str::to_owned),
            distro: qualifier("distro"),
            epoch: qualifier("epoch").filter(|epoch| epoch != "0"),
            source: source.map(str::to_owned),
            source_version: source_version.map(str::to_owned),
        })
    }
}

/// Why a text is not a purl.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAPurl {
    /// Longer than [`PURL_BYTES_MAX`].
    #[error("longer than {PURL_BYTES_MAX} bytes")]
    TooLong,
    /// Not of the form `pkg:type/namespace/name@version`.
    #[error("not a purl: {0}")]
    Malformed(String),
}

impl FromStr for Purl {
    type Err = NotAPurl;

    fn from_str(text: &str) -> Result<Self, NotAPurl> {
        if text.len() > PURL_BYTES_MAX {
            return Err(NotAPurl::TooLong);
        }
        let malformed = |e: packageurl::Error| NotAPurl::Malformed(e.to_string());
        let mut url = PackageUrl::from_str(text).map_err(malformed)?;
        let decoded = [url.namespace(), Some(url.name()), url.version()];
        if decoded.into_iter().flatten().any(|part| part.chars().any(char::is_control)) {
            return Err(NotAPurl::Malformed("a control character in it".to_owned()));
        }
        let ecosystem = Ecosystem::of_purl_type(url.ty());
        let joined_by = ecosystem.map_or(Some('/'), |e| e.joined_by);
        let mut name = match (url.namespace(), joined_by) {
            (Some(namespace), Some(joint)) => format!("{namespace}{joint}{}", url.name()),
            _ => url.name().to_owned(),
        };
        if matches!(url.ty(), "npm" | "golang") {
            name = name_as_written(text, name);
        }
        let version = url.version().map(str::to_owned).filter(|v| !v.is_empty());
        let from_repository = url.qualifiers().contains_key("vcs_url");
        let packaged = Packaged::of(&url);
        let canonical = url.without_version().to_string();
        let package = url.clear_qualifiers().without_subpath().to_string();
        Ok(Purl {
            canonical,
            package,
            purl_type: url.ty().to_owned(),
            ecosystem: ecosystem.map(|e| e.name),
            name,
            version,
            from_repository,
            packaged,
        })
    }
}

/// The purl specification writes names of npm and Go in lower case, but npm's registry has old names with capitals (`JSONStream`,
/// which is not `jsonstream`), Go's modules have them too, advisories name them so, and most tools write them as they are.
fn name_as_written(text: &str, name: String) -> String {
    let bare = text.split(['?', '#']).next().unwrap_or_default().replace("%40", "@");
    let written =
        bare.to_ascii_lowercase().find(&format!("/{name}")).and_then(|at| bare.get(at + 1..at + 1 + name.len()));
    written.map_or(name, str::to_owned)
}

/// Makes the canonical purl of a package named as its ecosystem names it, where the ecosystem has a purl type.
#[must_use]
pub fn purl_of(ecosystem: &str, name: &str) -> Option<String> {
    let ecosystem = Ecosystem::named(ecosystem)?;
    let purl_type = ecosystem.purl_type?;
    let (namespace, name) = match ecosystem.joined_by.and_then(|joint| name.rsplit_once(joint)) {
        Some((namespace, name)) => (Some(namespace), name),
        None => (None, name),
    };
    if namespace.is_none() && is_canonical(purl_type, name) {
        return Some(["pkg:", purl_type, "/", name].concat());
    }
    let mut url = PackageUrl::new(purl_type, name).ok()?;
    if let Some(namespace) = namespace {
        url.with_namespace(namespace).ok()?;
    }
    Some(url.to_string())
}

/// Whether no purl type writes the name in another way: nearly all names are so, and need no second look.
fn is_canonical(purl_type: &str, name: &str) -> bool {
    // PyPI's is written with `-`.
    let underscore = purl_type != "pypi";
    let plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'.') || byte == b'_' && underscore
    };
    !name.is_empty() && name.bytes().all(plain)
}

/// Makes the canonical purl of a package in a namespace.
pub(crate) fn purl_in(purl_type: &str, namespace: &str, name: &str) -> Option<String> {
    let mut url = PackageUrl::new(purl_type, name).ok()?;
    url.with_namespace(namespace).ok()?;
    Some(url.to_string())
}

/// The purl of one version of what a purl names; none where it is no purl.
pub(crate) fn purl_versioned(purl: &str, version: &str) -> Option<String> {
    if purl.len() > PURL_BYTES_MAX || version.is_empty() {
        return None;
    }
    let mut url = PackageUrl::from_str(purl).ok()?;
    url.with_version(version).ok()?;
    Some(url.to_string())
}
