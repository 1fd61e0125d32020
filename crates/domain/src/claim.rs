//! Claim: a party's lease on a scope, by a method, for a time. Overlap is told at once, with only
//! what the holder chose to show.
//!
//! Version ranges are compared by the caller (crate `versions` knows orders); here two package
//! scopes overlap unless their paths are disjoint. Must not grant a claim: it never refuses one.

use std::net::IpAddr;

use thiserror::Error;

use crate::package::Package;
use crate::words;

/// Longest lease, in seconds (30 days; a claim can be renewed).
pub const CLAIM_LEASE_S_MAX: i64 = 30 * 86_400;
/// Shortest lease, in seconds.
pub const CLAIM_LEASE_S_MIN: i64 = 60;
/// Longest path, range, commit or URL of a scope, in bytes.
pub const CLAIM_SCOPE_PART_BYTES_MAX: usize = 512;
/// Longest coverage text, in bytes.
pub const COVERAGE_BYTES_MAX: usize = 16 * 1_024;

words! {
    /// How the holder looks.
    pub enum Method {
        /// Static analysis.
        Static = "static",
        /// Fuzzing.
        Fuzzing = "fuzzing",
        /// An AI agent.
        Agent = "agent",
        /// A person reading and trying.
        Manual = "manual",
        /// Scanning hosts.
        Network = "network",
    }
}

words! {
    /// What a holder lets an overlapping party see of its claim.
    pub enum Shown {
        /// Only that somebody holds an overlapping claim, and until when.
        Existence = "existence",
        /// Also the method.
        Method = "method",
        /// Also the party's name, so that they may talk.
        Party = "party",
    }
}

words! {
    /// The life of a claim.
    pub enum ClaimState {
        /// Held until its lease ends.
        Held = "held",
        /// Given back, with a coverage report.
        Released = "released",
        /// The lease ended.
        Expired = "expired",
    }
}

/// What a claim is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// A package, optionally a range of its versions (VERS text) and a path inside it.
    Package {
        /// The package.
        package: Package,
        /// A version range, as VERS text.
        versions: Option<String>,
        /// A path inside the package.
        path: Option<String>,
    },
    /// A repository, optionally a commit range and a path.
    Repository {
        /// Absolute http(s) URL, normalised.
        url: String,
        /// `from..to` in hex.
        commits: Option<String>,
        /// A path inside the repository.
        path: Option<String>,
    },
    /// A network range.
    Network {
        /// First address of the range.
        address: IpAddr,
        /// Length of the prefix, in bits.
        prefix_bits: u8,
    },
}

/// Why a scope is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MalformedScope {
    /// Not a CIDR range.
    #[error("`{0}` is not a network range such as 192.0.2.0/24")]
    Network(String),
    /// Not an absolute http(s) URL.
    #[error("`{0}` is not an absolute http(s) URL of a repository")]
    Repository(String),
    /// A part that is too long or has control characters.
    #[error("`{0}` has at most {CLAIM_SCOPE_PART_BYTES_MAX} bytes and no control characters")]
    Part(&'static str),
}

fn part_check(name: &'static str, part: Option<&str>) -> Result<(), MalformedScope> {
    match part {
        Some(text) if text.len() > CLAIM_SCOPE_PART_BYTES_MAX || text.chars().any(char::is_control) => {
            Err(MalformedScope::Part(name))
        }
        _ => Ok(()),
    }
}

impl Scope {
    /// A package scope.
    ///
    /// # Errors
    /// [`MalformedScope::Part`] when a part is too long.
    pub fn package(package: Package, versions: Option<String>, path: Option<String>) -> Result<Self, MalformedScope> {
        part_check("versions", versions.as_deref())?;
        part_check("path", path.as_deref())?;
        Ok(Self::Package { package, versions, path })
    }

    /// A repository scope; the URL loses `.git`, a trailing slash and letter case of its host.
    ///
    /// # Errors
    /// [`MalformedScope`] when the URL is not absolute http(s) or a part is too long.
    pub fn repository(url: &str, commits: Option<String>, path: Option<String>) -> Result<Self, MalformedScope> {
        part_check("repository", Some(url))?;
        part_check("commits", commits.as_deref())?;
        part_check("path", path.as_deref())?;
        let refused = || MalformedScope::Repository(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(refused)?;
        let scheme = scheme.to_ascii_lowercase();
        let (host, tail) = rest.split_once('/').unwrap_or((rest, ""));
        if !matches!(scheme.as_str(), "http" | "https") || host.is_empty() {
            return Err(refused());
        }
        let tail = tail.trim_end_matches('/').trim_end_matches(".git");
        // http and https name the same repository.
        Ok(Self::Repository { url: format!("https://{}/{tail}", host.to_ascii_lowercase()), commits, path })
    }

    /// A network scope from CIDR text; host bits are cleared.
    ///
    /// # Errors
    /// [`MalformedScope::Network`] when it is no CIDR range.
    pub fn network(cidr: &str) -> Result<Self, MalformedScope> {
        let refused = || MalformedScope::Network(cidr.chars().take(64).collect());
        let (address, bits) = cidr.split_once('/').ok_or_else(refused)?;
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let prefix_bits: u8 = bits.parse().map_err(|_| refused())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        if prefix_bits > width {
            return Err(refused());
        }
        let address = match address {
            IpAddr::V4(a) => IpAddr::V4(
                u32::from_be_bytes(a.octets())
                    .checked_shr(u32::from(32 - prefix_bits))
                    .map_or(0, |v| v << (32 - prefix_bits))
                    .into(),
            ),
            IpAddr::V6(a) => IpAddr::V6(
                u128::from_be_bytes(a.octets())
                    .checked_shr(u32::from(128 - prefix_bits))
                    .map_or(0, |v| v << (128 - prefix_bits))
                    .into(),
            ),
        };
        Ok(Self::Network { address, prefix_bits })
    }

    /// The key under which overlapping claims are found: scopes that can overlap share it,
    /// except networks, which are compared one by one.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Package { package, .. } => package.purl().to_owned(),
            Self::Repository { url, .. } => url.clone(),
            Self::Network { address, .. } => {
                if address.is_ipv4() {
                    "net4".to_owned()
                } else {
                    "net6".to_owned()
                }
            }
        }
    }

    /// Whether two scopes share anything. Version and commit ranges count as shared here.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Package { package: a, path: p, .. }, Self::Package { package: b, path: q, .. }) => {
                a == b && paths_overlap(p.as_deref(), q.as_deref())
            }
            (Self::Repository { url: a, path: p, .. }, Self::Repository { url: b, path: q, .. }) => {
                a == b && paths_overlap(p.as_deref(), q.as_deref())
            }
            (Self::Network { address: a, prefix_bits: m }, Self::Network { address: b, prefix_bits: n }) => {
                networks_overlap(*a, *m, *b, *n)
            }
            _ => false,
        }
    }
}

fn paths_overlap(a: Option<&str>, b: Option<&str>) -> bool {
    fn segments(path: &str) -> Vec<&str> {
        path.split('/').filter(|s| !s.is_empty() && *s != ".").collect()
    }
    match (a, b) {
        (Some(a), Some(b)) => {
            let (a, b) = (segments(a), segments(b));
            let shared = a.len().min(b.len());
            a[..shared] == b[..shared]
        }
        _ => true,
    }
}

fn networks_overlap(a: IpAddr, m: u8, b: IpAddr, n: u8) -> bool {
    let shorter = u32::from(m.min(n));
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= shorter,
        (IpAddr::V6(a), IpAddr::V6(b)) => (a.to_bits() ^ b.to_bits()).leading_zeros() >= shorter,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(path: Option<&str>) -> Scope {
        Scope::package("pkg:npm/lodash".parse().unwrap(), None, path.map(ToOwned::to_owned)).unwrap()
    }

    #[test]
    fn paths_overlap_by_whole_segments() {
        assert!(package(None).overlaps(&package(Some("fp"))));
        assert!(package(Some("/fp/")).overlaps(&package(Some("fp/convert.js"))));
        assert!(!package(Some("fp")).overlaps(&package(Some("fpx"))));
    }

    #[test]
    fn networks_and_repositories_are_normalised() {
        let wide = Scope::network("192.0.2.7/24").unwrap();
        assert_eq!(wide, Scope::network("192.0.2.0/24").unwrap());
        assert!(wide.overlaps(&Scope::network("192.0.2.128/25").unwrap()));
        assert!(!wide.overlaps(&Scope::network("192.0.3.0/24").unwrap()));
        assert!(Scope::network("0.0.0.0/0").unwrap().overlaps(&wide));
        assert!(!Scope::network("::/0").unwrap().overlaps(&wide));
        assert!(Scope::network("192.0.2.0/33").is_err());
        let a = Scope::repository("HTTPS://Example.org/x/y.git", None, None).unwrap();
        assert!(a.overlaps(&Scope::repository("http://example.org/x/y/", None, None).unwrap()));
        assert!(Scope::repository("git@example.org:x", None, None).is_err());
    }
}
