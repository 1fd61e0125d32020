//! The distributions: how they are seen, and by which of a package's two names, the source's or its own, their advisories call it.
//! Must not guess: where the distribution is not told, the package is not compared.

use super::draft::shown;
use super::{Component, PackageVersion, Unmatchable, is_plain};
use crate::purl::purl_in;

/// Which packages advisories name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Named {
    /// Those that were built from.
    Source,
    /// Those that are installed.
    Installed,
}

/// One distribution.
pub(crate) struct Distribution {
    /// As OSV spells it.
    pub(crate) ecosystem: &'static str,
    purl_type: &'static str,
    /// The namespace of its purls.
    pub(crate) namespace: &'static str,
    named: Named,
    /// How an RPM's vendor begins, in lower case.
    vendor: Option<&'static str>,
    /// How its `distro` qualifiers and os-release ids begin, where not as its namespace.
    id: &'static str,
}

const fn row(
    ecosystem: &'static str,
    purl_type: &'static str,
    namespace: &'static str,
    named: Named,
    vendor: Option<&'static str>,
    id: &'static str,
) -> Distribution {
    Distribution { ecosystem, purl_type, namespace, named, vendor, id }
}

const DISTRIBUTIONS: [Distribution; 20] = [
    row("Debian", "deb", "debian", Named::Source, None, "debian"),
    row("Ubuntu", "deb", "ubuntu", Named::Source, None, "ubuntu"),
    row("Echo", "deb", "echo", Named::Source, None, "echo"),
    row("Alpine", "apk", "alpine", Named::Source, None, "alpine"),
    row("Wolfi", "apk", "wolfi", Named::Source, None, "wolfi"),
    row("Chainguard", "apk", "chainguard", Named::Source, None, "chainguard"),
    row("MinimOS", "apk", "minimos", Named::Source, None, "minimos"),
    row("Red Hat", "rpm", "redhat", Named::Installed, Some("red hat"), "rhel"),
    row("AlmaLinux", "rpm", "almalinux", Named::Installed, Some("almalinux"), "almalinux"),
    row("Rocky Linux", "rpm", "rocky-linux", Named::Source, Some("rocky"), "rocky"),
    row("SUSE", "rpm", "suse", Named::Source, Some("suse"), "sles"),
    row("openSUSE", "rpm", "opensuse", Named::Source, Some("opensuse"), "opensuse"),
    row("openEuler", "rpm", "openeuler", Named::Source, Some("openeuler"), "openeuler"),
    row("Azure Linux", "rpm", "azure-linux", Named::Source, Some("microsoft"), "azurelinux"),
    row("Mageia", "rpm", "mageia", Named::Source, Some("mageia"), "mageia"),
    row("Photon OS", "rpm", "photon", Named::Source, Some("vmware"), "photon"),
    row("Fedora", "rpm", "fedora", Named::Source, Some("fedora"), "fedora"),
    row("Amazon Linux", "rpm", "amzn", Named::Source, Some("amazon"), "amzn"),
    row("Oracle Linux", "rpm", "oracle", Named::Installed, Some("oracle"), "ol"),
    row("Alpaquita", "apk", "alpaquita", Named::Source, None, "alpaquita"),
];

impl Distribution {
    /// By the ecosystem's name.
    pub(crate) fn named(ecosystem: &str) -> Option<&'static Self> {
        DISTRIBUTIONS.iter().find(|d| d.ecosystem == ecosystem)
    }

    /// By a purl's type and namespace.
    pub(crate) fn of_purl(purl_type: &str, namespace: &str) -> Option<&'static Self> {
        let same = |name: &str| name.eq_ignore_ascii_case(namespace);
        DISTRIBUTIONS.iter().find(|d| d.purl_type == purl_type && (same(d.namespace) || same(d.id)))
    }

    /// By an RPM's vendor.
    pub(crate) fn of_vendor(vendor: &str) -> Option<&'static Self> {
        let vendor = vendor.trim().to_ascii_lowercase();
        DISTRIBUTIONS.iter().find(|d| d.vendor.is_some_and(|begins| vendor.starts_with(begins)))
    }

    /// Its ecosystem with the release, as OSV writes it: `debian-12` gives `Debian:12`, `alpine-3.19.1` `Alpine:v3.19`.
    pub(crate) fn ecosystem_of(&self, distro: Option<&str>) -> String {
        let release = distro.and_then(|distro| self.release_of(distro));
        release.map_or_else(|| self.ecosystem.to_owned(), |release| format!("{}:{release}", self.ecosystem))
    }

    fn release_of(&self, distro: &str) -> Option<String> {
        let lower = distro.to_ascii_lowercase();
        let behind = [self.namespace, self.id].into_iter().find_map(|begins| lower.strip_prefix(begins))?;
        let number = behind.trim_start_matches('-');
        let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let mut parts = number.split('.');
        let major = parts.next().filter(|_| digits)?;
        match self.ecosystem {
            "Debian" | "AlmaLinux" | "Rocky Linux" | "Mageia" => Some(major.to_owned()),
            "Ubuntu" => Some(number.to_owned()),
            "Alpine" | "Alpaquita" => parts.next().map(|minor| format!("v{major}.{minor}")),
            _ => None,
        }
    }

    fn name<'a>(&self, installed: &'a Installed<'_>) -> &'a str {
        match self.named {
            Named::Source => installed.source.unwrap_or(installed.name),
            Named::Installed => installed.name,
        }
    }

    fn version<'a>(&self, installed: &'a Installed<'_>) -> Option<&'a str> {
        match self.named {
            Named::Source => installed.source_version.or(installed.version),
            Named::Installed => installed.version,
        }
    }
}

/// A package as a distribution's own list has it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Installed<'a> {
    pub(crate) name: &'a str,
    pub(crate) version: Option<&'a str>,
    /// What it was built from, where that is not called the same.
    pub(crate) source: Option<&'a str>,
    /// That one's version, where it is not the same.
    pub(crate) source_version: Option<&'a str>,
}

/// The package by which advisories know it.
pub(crate) fn matchable(
    distribution: Option<&Distribution>,
    distro: Option<&str>,
    installed: &Installed<'_>,
) -> Result<PackageVersion, Unmatchable> {
    let distribution = distribution.ok_or(Unmatchable::UnknownDistribution)?;
    let version = distribution.version(installed).ok_or(Unmatchable::NoVersion)?;
    let name = distribution.name(installed);
    if !is_plain(name) || !is_plain(version) {
        return Err(Unmatchable::MalformedText);
    }
    let ecosystem = distribution.ecosystem_of(distro);
    Ok(PackageVersion { ecosystem: ecosystem.into(), name: name.to_owned(), version: version.to_owned() })
}

/// A component of a distribution's list; its purl names what advisories name.
pub(super) fn component(
    distribution: Option<&Distribution>,
    distro: Option<&str>,
    installed: &Installed<'_>,
    path: String,
) -> Component {
    let matchable = matchable(distribution, distro, installed);
    let purl = distribution
        .zip(matchable.as_ref().ok())
        .and_then(|(d, package)| purl_in(d.purl_type, d.namespace, &package.name));
    Component {
        name: if is_plain(installed.name) { installed.name.to_owned() } else { shown(installed.name) },
        version: installed.version.filter(|version| is_plain(version)).map(str::to_owned),
        purl,
        bom_ref: None,
        path,
        matchable,
    }
}
