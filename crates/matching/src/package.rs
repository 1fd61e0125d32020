//! When do two names mean one package? Each ecosystem has rules of its own. Knows no versions.

/// Whether an inventory's name is an advisory's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// It is.
    Yes,
    /// They differ in case only, where case counts: a tool may have lowered it, or they are two packages.
    CaseDiffers,
    /// It is not.
    No,
}

/// `Debian:12` in its two parts.
pub(crate) fn ecosystem_split(ecosystem: &str) -> (&str, Option<&str>) {
    ecosystem.split_once(':').map_or((ecosystem, None), |(base, release)| (base, Some(release)))
}

/// What packages are looked up by: equal for all names that could be one package.
pub(crate) fn key(ecosystem: &str, name: &str) -> (String, String) {
    let (base, _) = ecosystem_split(ecosystem);
    (base.to_owned(), folded(base, name))
}

pub(crate) fn same(ecosystem: &str, one: &str, other: &str) -> Same {
    let (base, _) = ecosystem_split(ecosystem);
    if one == other {
        Same::Yes
    } else if folded(base, one) != folded(base, other) {
        Same::No
    } else if matches!(base, "PyPI" | "crates.io" | "NuGet" | "Packagist" | "Hex" | "Pub") {
        Same::Yes
    } else {
        Same::CaseDiffers
    }
}

fn folded(base: &str, name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    match base {
        // PEP 503: runs of -, _ and . are one -.
        "PyPI" => lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-"),
        "crates.io" => lower.replace('_', "-"),
        _ => lower,
    }
}
