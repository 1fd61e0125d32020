//! Which ecosystem orders its versions in which way. Names only: the orders themselves are in `order`.

use std::fmt;

/// A way to read and order version strings. Several ecosystems may share one: [`ECOSYSTEMS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Scheme {
    /// npm: semantic versions; a leading `v` or `=` is dropped, numbers end at 2^53 - 1 (node-semver's own limits).
    Npm,
    /// crates.io: Semantic Versioning to the letter.
    Cargo,
    /// Go modules and toolchains: a leading `v` or `go` is dropped, missing numbers read as zero (`go1.20`).
    Go,
    /// Hex: Semantic Versioning to the letter, with numbers of any size.
    Hex,
    /// Pub: semantic versions whose build metadata counts.
    Pub,
    /// Julia: the same, and missing numbers read as zero.
    Julia,
    /// Semantic versions that are tags of a repository: `v4`, `v1.2.3` (GitHub Actions, Swift, Kubernetes).
    Tag,
    /// Bitnami: semantic versions with a revision behind the hyphen that lies above.
    Bitnami,
    /// PyPI: PEP 440.
    PyPI,
    /// Maven: `ComparableVersion`.
    Maven,
    /// RubyGems: `Gem::Version`.
    RubyGems,
    /// NuGet.
    NuGet,
    /// Packagist: Composer's.
    Packagist,
    /// Debian, Ubuntu and their heirs: deb-version(7).
    Debian,
    /// Alpine and its relatives: apk-tools.
    Apk,
    /// The distributions that use RPM: `rpmvercmp` on epoch, version and release.
    Rpm,
    /// CRAN and Bioconductor: lists of numbers.
    Cran,
    /// Hackage and GHC: lists of numbers.
    Hackage,
    /// conda.
    Conda,
    /// The Linux kernel's own releases.
    Kernel,
    /// ConanCenter.
    Conan,
    /// vcpkg.
    Vcpkg,
    /// opam.
    Opam,
    /// No order is stated: numbers by size, words by letters (Android, OSS-Fuzz).
    Natural,
}

/// Every ecosystem that the OSV schema names, as it spells it, and some that others name, with its scheme. The first of a
/// scheme names that scheme.
pub const ECOSYSTEMS: [(&str, Scheme); 55] = [
    ("npm", Scheme::Npm),
    ("crates.io", Scheme::Cargo),
    ("Go", Scheme::Go),
    ("Hex", Scheme::Hex),
    ("Pub", Scheme::Pub),
    ("Julia", Scheme::Julia),
    ("GitHub Actions", Scheme::Tag),
    ("SwiftURL", Scheme::Tag),
    ("VSCode", Scheme::Tag),
    ("Kubernetes", Scheme::Tag),
    ("Bitnami", Scheme::Bitnami),
    ("PyPI", Scheme::PyPI),
    ("Maven", Scheme::Maven),
    ("RubyGems", Scheme::RubyGems),
    ("NuGet", Scheme::NuGet),
    ("Packagist", Scheme::Packagist),
    ("Debian", Scheme::Debian),
    ("Ubuntu", Scheme::Debian),
    ("Echo", Scheme::Debian),
    ("Alpine", Scheme::Apk),
    ("Alpaquita", Scheme::Apk),
    ("BellSoft Hardened Containers", Scheme::Apk),
    ("Chainguard", Scheme::Apk),
    ("CleanStart", Scheme::Apk),
    ("MinimOS", Scheme::Apk),
    ("Wolfi", Scheme::Apk),
    ("wolfi", Scheme::Apk),
    ("Red Hat", Scheme::Rpm),
    ("AlmaLinux", Scheme::Rpm),
    ("Amazon Linux", Scheme::Rpm),
    ("Azure Linux", Scheme::Rpm),
    ("Fedora", Scheme::Rpm),
    ("Mageia", Scheme::Rpm),
    ("openEuler", Scheme::Rpm),
    ("openSUSE", Scheme::Rpm),
    ("Oracle Linux", Scheme::Rpm),
    ("Photon OS", Scheme::Rpm),
    ("Rocky Linux", Scheme::Rpm),
    ("SUSE", Scheme::Rpm),
    ("CRAN", Scheme::Cran),
    ("Bioconductor", Scheme::Cran),
    ("Hackage", Scheme::Hackage),
    ("GHC", Scheme::Hackage),
    ("conda", Scheme::Conda),
    ("Linux", Scheme::Kernel),
    ("ConanCenter", Scheme::Conan),
    ("vcpkg", Scheme::Vcpkg),
    ("opam", Scheme::Opam),
    ("generic", Scheme::Natural),
    ("Android", Scheme::Natural),
    ("OSS-Fuzz", Scheme::Natural),
    ("FreeBSD", Scheme::Natural),
    ("Hardware", Scheme::Natural),
    ("UVI", Scheme::Natural),
    ("GSD", Scheme::Natural),
];

/// purl types whose versions a scheme orders.
const PURL_TYPES: [(&str, Scheme); 26] = [
    ("npm", Scheme::Npm),
    ("cargo", Scheme::Cargo),
    ("golang", Scheme::Go),
    ("hex", Scheme::Hex),
    ("pub", Scheme::Pub),
    ("julia", Scheme::Julia),
    ("githubactions", Scheme::Tag),
    ("swift", Scheme::Tag),
    ("vscode-extension", Scheme::Tag),
    ("bitnami", Scheme::Bitnami),
    ("pypi", Scheme::PyPI),
    ("maven", Scheme::Maven),
    ("gem", Scheme::RubyGems),
    ("nuget", Scheme::NuGet),
    ("composer", Scheme::Packagist),
    ("deb", Scheme::Debian),
    ("apk", Scheme::Apk),
    ("rpm", Scheme::Rpm),
    ("cran", Scheme::Cran),
    ("bioconductor", Scheme::Cran),
    ("hackage", Scheme::Hackage),
    ("conda", Scheme::Conda),
    ("conan", Scheme::Conan),
    ("vcpkg", Scheme::Vcpkg),
    ("opam", Scheme::Opam),
    ("generic", Scheme::Natural),
];

/// Rebuilds of other ecosystems' packages, with those ecosystems' orders: `Root:Debian:12`.
const REBUILDS: [&str; 1] = ["Root"];

impl Scheme {
    /// Every scheme there is.
    pub const ALL: [Scheme; 24] = [
        Scheme::Npm,
        Scheme::Cargo,
        Scheme::Go,
        Scheme::Hex,
        Scheme::Pub,
        Scheme::Julia,
        Scheme::Tag,
        Scheme::Bitnami,
        Scheme::PyPI,
        Scheme::Maven,
        Scheme::RubyGems,
        Scheme::NuGet,
        Scheme::Packagist,
        Scheme::Debian,
        Scheme::Apk,
        Scheme::Rpm,
        Scheme::Cran,
        Scheme::Hackage,
        Scheme::Conda,
        Scheme::Kernel,
        Scheme::Conan,
        Scheme::Vcpkg,
        Scheme::Opam,
        Scheme::Natural,
    ];

    /// The scheme of an ecosystem as OSV spells it (`npm`, `Debian:12`, `Rocky Linux:9`); `None` when it is not known.
    #[must_use]
    pub fn of_ecosystem(ecosystem: &str) -> Option<Self> {
        let (base, release) = ecosystem.split_once(':').unwrap_or((ecosystem, ""));
        if REBUILDS.contains(&base) {
            let (base, _) = release.split_once(':').unwrap_or((release, ""));
            return of_base(base);
        }
        of_base(base)
    }

    /// The scheme of a purl type (`npm`, `cargo`, `deb`); `None` when it is not known.
    #[must_use]
    pub fn of_purl_type(purl_type: &str) -> Option<Self> {
        PURL_TYPES.iter().find(|(name, _)| *name == purl_type).map(|(_, scheme)| *scheme)
    }

    /// The first ecosystem that is ordered so, as OSV spells it.
    #[must_use]
    pub fn ecosystem(self) -> &'static str {
        ECOSYSTEMS.iter().find(|(_, scheme)| *scheme == self).map_or("generic", |(name, _)| name)
    }

    /// The first purl type whose versions are ordered so.
    #[must_use]
    pub fn purl_type(self) -> &'static str {
        PURL_TYPES.iter().find(|(_, scheme)| *scheme == self).map_or("generic", |(name, _)| name)
    }

    /// White space around a version does not count.
    pub(crate) fn trims(self) -> bool {
        matches!(self, Scheme::Npm | Scheme::PyPI | Scheme::RubyGems | Scheme::NuGet | Scheme::Packagist)
    }

    /// A breaking change sits in the first number that is not zero.
    pub(crate) fn is_semantic(self) -> bool {
        self <= Scheme::Bitnami
    }
}

fn of_base(base: &str) -> Option<Scheme> {
    ECOSYSTEMS.iter().find(|(name, _)| *name == base).map(|(_, scheme)| *scheme)
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.ecosystem())
    }
}
