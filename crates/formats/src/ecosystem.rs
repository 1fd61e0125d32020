//! The ecosystems as OSV names them, and the purl types they stand for. A table: facts only.

/// One ecosystem.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ecosystem {
    /// As OSV spells it.
    pub name: &'static str,
    /// The purl type, where there is one.
    pub purl_type: Option<&'static str>,
    /// What joins a purl's namespace and name to the package name; `None` where the namespace is not part of it.
    pub joined_by: Option<char>,
}

const fn row(name: &'static str, purl_type: &'static str, joined_by: Option<char>) -> Ecosystem {
    Ecosystem { name, purl_type: Some(purl_type), joined_by }
}

const fn row_without_purl(name: &'static str) -> Ecosystem {
    Ecosystem { name, purl_type: None, joined_by: None }
}

/// Every ecosystem that is known. The distributions share purl types; the first row of a type names it.
pub const ECOSYSTEMS: [Ecosystem; 42] = [
    row("npm", "npm", Some('/')),
    row("crates.io", "cargo", Some('/')),
    row("Go", "golang", Some('/')),
    row("PyPI", "pypi", Some('/')),
    row("Maven", "maven", Some(':')),
    row("NuGet", "nuget", Some('/')),
    row("RubyGems", "gem", Some('/')),
    row("Packagist", "composer", Some('/')),
    row("Pub", "pub", Some('/')),
    row("Hex", "hex", Some('/')),
    row("Hackage", "hackage", Some('/')),
    row("CRAN", "cran", Some('/')),
    row("Julia", "julia", Some('/')),
    row("opam", "opam", Some('/')),
    row("VSCode", "vscode", Some('/')),
    row("ConanCenter", "conan", None),
    row("SwiftURL", "swift", Some('/')),
    row("Bitnami", "bitnami", Some('/')),
    row("Bioconductor", "bioconductor", Some('/')),
    row("Debian", "deb", None),
    row("Ubuntu", "deb", None),
    row("Echo", "deb", None),
    row("Alpine", "apk", None),
    row("Alpaquita", "apk", None),
    row("BellSoft Hardened Containers", "apk", None),
    row("Chainguard", "apk", None),
    row("Wolfi", "apk", None),
    row("MinimOS", "apk", None),
    row("Red Hat", "rpm", None),
    row("AlmaLinux", "rpm", None),
    row("Rocky Linux", "rpm", None),
    row("SUSE", "rpm", None),
    row("openSUSE", "rpm", None),
    row("openEuler", "rpm", None),
    row("Azure Linux", "rpm", None),
    row("Mageia", "rpm", None),
    row("Photon OS", "rpm", None),
    row_without_purl("Linux"),
    row_without_purl("OSS-Fuzz"),
    row_without_purl("Android"),
    row_without_purl("GitHub Actions"),
    row_without_purl("Hardware"),
];

impl Ecosystem {
    /// Finds an ecosystem by name, without regard to case; a `:release` behind it is allowed.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Ecosystem> {
        let base = name.split_once(':').map_or(name, |(base, _)| base);
        ECOSYSTEMS.iter().find(|e| e.name.eq_ignore_ascii_case(base))
    }

    /// The first ecosystem of a purl type.
    #[must_use]
    pub fn of_purl_type(purl_type: &str) -> Option<&'static Ecosystem> {
        ECOSYSTEMS.iter().find(|e| e.purl_type == Some(purl_type))
    }
}
