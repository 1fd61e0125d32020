//! When do two names mean one package? Each ecosystem has rules of its own. Knows no versions.

/// Whether an inventory's package is an advisory's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Same {
    /// It is.
    Yes,
    /// They differ in case only, where case counts, and the inventory's is lower case throughout: a tool may have lowered it.
    CaseDiffers,
    /// The advisory is about one release of a distribution, and the inventory does not say which it holds.
    ReleaseUnnamed,
    /// It is not.
    No,
}

/// `Debian:12` in its two parts.
pub(crate) fn ecosystem_split(ecosystem: &str) -> (&str, Option<&str>) {
    ecosystem.split_once(':').map_or((ecosystem, None), |(base, release)| (base, Some(release)))
}

/// Ecosystems whose packages belong to a distribution: its own order, its own fixes.
pub(crate) fn is_distribution(base: &str) -> bool {
    const DISTRIBUTIONS: [&str; 22] = [
        "AlmaLinux",
        "Alpaquita",
        "Alpine",
        "Azure Linux",
        "BellSoft Hardened Containers",
        "Chainguard",
        "Debian",
        "Echo",
        "Mageia",
        "MinimOS",
        "Photon OS",
        "Red Hat",
        "Rocky Linux",
        "SUSE",
        "Ubuntu",
        "Wolfi",
        "openEuler",
        "openSUSE",
        "Amazon Linux",
        "Oracle Linux",
        "Fedora",
        "Arch Linux",
    ];
    DISTRIBUTIONS.contains(&base)
}

/// How an ecosystem makes one name of several spellings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Folding {
    /// PEP 503: runs of `-`, `_` and `.` are one `-`, and case does not count.
    Python,
    /// Case does not count, `_` is `-`.
    Cargo,
    /// Case does not count.
    Lower,
    /// Case counts; names are looked up without it all the same, so that one that a tool has lowered is found.
    #[default]
    Exact,
}

pub(crate) fn folding(base: &str) -> Folding {
    match base {
        "PyPI" => Folding::Python,
        "crates.io" => Folding::Cargo,
        "NuGet" | "Packagist" | "Hex" | "Pub" | "GitHub Actions" | "SwiftURL" | "VSCode" => Folding::Lower,
        _ => Folding::Exact,
    }
}

/// Appends what packages are looked up by: equal for all names that could be one package.
pub(crate) fn fold_into(base: &str, name: &str, out: &mut Vec<u8>) {
    fold_by(folding(base), name, out);
}

/// The same, where the ecosystem's way is known.
#[inline]
pub(crate) fn fold_by(folding: Folding, name: &str, out: &mut Vec<u8>) {
    match folding {
        Folding::Lower | Folding::Exact => {
            let start = out.len();
            out.extend_from_slice(name.as_bytes());
            out.get_mut(start..).unwrap_or_default().make_ascii_lowercase();
        }
        Folding::Cargo => {
            out.extend(name.bytes().map(|b| if b == b'_' { b'-' } else { b.to_ascii_lowercase() }));
        }
        Folding::Python => {
            let start = out.len();
            let mut joint = false;
            for byte in name.bytes() {
                if matches!(byte, b'-' | b'_' | b'.') {
                    joint = true;
                    continue;
                }
                if joint && out.len() > start {
                    out.push(b'-');
                }
                joint = false;
                out.push(byte.to_ascii_lowercase());
            }
        }
    }
}

/// `stated` is the advisory's package, `held` the inventory's; both fold to the same.
pub(crate) fn same(stated: (&str, &str), held: (&str, &str)) -> Same {
    let (base, stated_release) = ecosystem_split(stated.0);
    let (_, held_release) = ecosystem_split(held.0);
    if stated.1 != held.1 && folding(base) == Folding::Exact {
        // No tool raises case: a name with capitals is as it was published.
        let lowered = !held.1.bytes().any(|b| b.is_ascii_uppercase());
        return if lowered { Same::CaseDiffers } else { Same::No };
    }
    match (stated_release, held_release) {
        (None, _) => Same::Yes,
        (Some(_), None) => Same::ReleaseUnnamed,
        (Some(stated), Some(held)) if release(base, stated) == release(base, held) => Same::Yes,
        (Some(_), Some(_)) => Same::No,
    }
}

/// Ubuntu's long-term releases are written with and without `LTS`, Alpine's with and without `v`.
fn release<'a>(base: &str, text: &'a str) -> &'a str {
    match base {
        "Ubuntu" => text.strip_suffix(":LTS").unwrap_or(text),
        "Alpine" | "Alpaquita" => text.strip_prefix('v').unwrap_or(text),
        _ => text,
    }
}
