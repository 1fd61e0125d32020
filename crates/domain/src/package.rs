//! Packages by purl: the identity that reports, proofs, advisories and inventories share.
//!
//! Must not order versions: that is crate `versions`.

use std::fmt;
use std::str::FromStr;

use packageurl::PackageUrl;
use thiserror::Error;

use crate::shown::is_invisible;

/// Longest purl accepted, in bytes.
pub const PURL_BYTES_MAX: usize = 512;

/// A package without a version, in canonical purl form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Package {
    canonical: String,
    ecosystem: Ecosystem,
    name: String,
}

crate::words! {
    /// An ecosystem, spelled as OSV spells it.
    pub enum Ecosystem {
        /// The npm registry.
        Npm = "npm",
        /// The Python package index.
        PyPI = "PyPI",
        /// The Rust registry.
        CratesIo = "crates.io",
        /// Go modules.
        Go = "Go",
        /// Maven repositories.
        Maven = "Maven",
        /// Debian source packages.
        Debian = "Debian",
    }
}

impl Ecosystem {
    /// The purl type of this ecosystem.
    #[must_use]
    pub const fn purl_type(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::PyPI => "pypi",
            Self::CratesIo => "cargo",
            Self::Go => "golang",
            Self::Maven => "maven",
            Self::Debian => "deb",
        }
    }
}

/// Why a text is not a package.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MalformedPackage {
    /// Longer than [`PURL_BYTES_MAX`].
    #[error("a purl has at most {PURL_BYTES_MAX} bytes")]
    TooLong,
    /// Not a purl by the specification.
    #[error("`{0}` is not a purl such as pkg:npm/lodash")]
    NotAPurl(String),
    /// A purl type for which no ecosystem is known here.
    #[error("purl type `{0}` is not known here; known: npm, pypi, cargo, golang, maven, deb")]
    UnknownType(String),
    /// A version where none may stand.
    #[error("`{0}` has a version; name the package alone and give the version in its own field")]
    HasVersion(String),
}

impl Package {
    /// Splits a purl into the package and its version, if any.
    ///
    /// # Errors
    /// [`MalformedPackage`] when it is too long, no purl, or of an unknown type.
    pub fn split(purl: &str) -> Result<(Self, Option<String>), MalformedPackage> {
        if purl.len() > PURL_BYTES_MAX {
            return Err(MalformedPackage::TooLong);
        }
        let (canonical, ecosystem, name, version) = Self::parts(purl)?;
        // The canonical text must read as itself: a namespace of dots or slashes would name another package.
        match Self::parts(&canonical) {
            Ok((again, _, same, None)) if again == canonical && same == name => {}
            _ => return Err(MalformedPackage::NotAPurl(purl.to_owned())),
        }
        let parts = || name.split(['/', ':']);
        let shown = !name.chars().any(|c| c.is_control() || c.is_whitespace() || is_invisible(c));
        if !shown || parts().any(|part| matches!(part, "" | "." | "..")) {
            return Err(MalformedPackage::NotAPurl(purl.to_owned()));
        }
        Ok((Self { canonical, ecosystem, name }, version))
    }

    /// Canonical text, ecosystem, name as the ecosystem writes it, and version.
    fn parts(purl: &str) -> Result<(String, Ecosystem, String, Option<String>), MalformedPackage> {
        let parsed = PackageUrl::from_str(purl).map_err(|_| MalformedPackage::NotAPurl(purl.to_owned()))?;
        let ecosystem = Ecosystem::ALL
            .iter()
            .copied()
            .find(|e| e.purl_type() == parsed.ty())
            .ok_or_else(|| MalformedPackage::UnknownType(parsed.ty().to_owned()))?;
        let mut bare = PackageUrl::new(parsed.ty().to_owned(), parsed.name().to_owned())
            .map_err(|_| MalformedPackage::NotAPurl(purl.to_owned()))?;
        if let Some(namespace) = parsed.namespace() {
            bare.with_namespace(namespace.to_owned()).map_err(|_| MalformedPackage::NotAPurl(purl.to_owned()))?;
        }
        let name = match (parsed.namespace(), ecosystem) {
            (Some(ns), Ecosystem::Maven) => format!("{ns}:{}", parsed.name()),
            (Some(ns), _) => format!("{ns}/{}", parsed.name()),
            (None, _) => parsed.name().to_owned(),
        };
        Ok((bare.to_string(), ecosystem, name, parsed.version().map(ToOwned::to_owned)))
    }

    /// The canonical purl, without version.
    #[must_use]
    pub fn purl(&self) -> &str {
        &self.canonical
    }

    /// The purl of one version.
    #[must_use]
    pub fn purl_at(&self, version: &str) -> String {
        let mut out = self.canonical.clone();
        out.push('@');
        for c in version.chars() {
            match c {
                'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' | '~' | ':' => out.push(c),
                other => {
                    let mut buffer = [0; 4];
                    for b in other.encode_utf8(&mut buffer).bytes() {
                        out.push_str(&format!("%{b:02X}"));
                    }
                }
            }
        }
        out
    }

    /// The ecosystem, as OSV spells it.
    #[must_use]
    pub fn ecosystem(&self) -> Ecosystem {
        self.ecosystem
    }

    /// The name as the ecosystem writes it (`@scope/name`, `group:artifact`).
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl FromStr for Package {
    type Err = MalformedPackage;

    fn from_str(purl: &str) -> Result<Self, Self::Err> {
        match Self::split(purl)? {
            (package, None) => Ok(package),
            (_, Some(_)) => Err(MalformedPackage::HasVersion(purl.to_owned())),
        }
    }
}

impl fmt::Display for Package {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_and_named_as_the_ecosystem_names_it() {
        let (p, v) = Package::split("pkg:npm/%40scope/thing@1.0.0?x=y").unwrap();
        assert_eq!((p.purl(), p.name(), v.as_deref()), ("pkg:npm/%40scope/thing", "@scope/thing", Some("1.0.0")));
        assert_eq!(p.purl_at("1.0.0+b"), "pkg:npm/%40scope/thing@1.0.0%2Bb");
        let (m, _) = Package::split("pkg:maven/org.x/y").unwrap();
        assert_eq!(m.name(), "org.x:y");
        assert_eq!("pkg:pypi/Django_x".parse::<Package>().unwrap().purl(), "pkg:pypi/django-x");
    }

    #[test]
    fn refuses_with_the_reason() {
        assert!(matches!("lodash".parse::<Package>(), Err(MalformedPackage::NotAPurl(_))));
        assert!(matches!("pkg:npm/lodash@1".parse::<Package>(), Err(MalformedPackage::HasVersion(_))));
        assert!(matches!(
            "pkg:swid/x".parse::<Package>(),
            Err(MalformedPackage::UnknownType(_) | MalformedPackage::NotAPurl(_))
        ));
        for odd in ["pkg:npm/../../../../fast-loops", "pkg:npm/..%2F..%2Fetc", "pkg:npm/a%E2%80%AEb", "pkg:npm/a%20b"] {
            assert!(matches!(odd.parse::<Package>(), Err(MalformedPackage::NotAPurl(_))), "{odd}");
        }
        assert!(matches!(format!("pkg:npm/{}", "a".repeat(600)).parse::<Package>(), Err(MalformedPackage::TooLong)));
    }
}
