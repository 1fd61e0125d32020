//! What the registry says about a package: its versions, what each needs, and where its bytes are.
//!
//! Twenty years of hand-written documents: whatever does not have the shape it should is taken as absent, never as an
//! error, but a version without a digest cannot be used.

use std::collections::BTreeMap;

use nodejs_semver::Version;
use serde_json::Value;

/// A package as the registry describes it.
#[derive(Debug, Clone)]
pub struct Packument {
    /// Its name.
    pub name: String,
    /// Every listed version that has an exact semver, ascending.
    pub versions: Vec<VersionDoc>,
    /// When each version was published, where the registry says: only its full records do.
    pub times: BTreeMap<String, String>,
    /// Tags, such as `latest`.
    pub tags: BTreeMap<String, String>,
}

/// One version as the registry describes it.
#[derive(Debug, Clone)]
pub struct VersionDoc {
    /// The version.
    pub version: Version,
    /// Where its tarball is.
    pub tarball: String,
    /// What its tarball's digest must be.
    pub integrity: Integrity,
    /// Names and ranges it needs.
    pub dependencies: BTreeMap<String, String>,
    /// Names and ranges it can do without.
    pub optional: BTreeMap<String, String>,
    /// Names and ranges it wants beside it.
    pub peers: BTreeMap<String, String>,
    /// Names that its own tarball brings.
    pub bundled: Vec<String>,
    /// Systems it is for; empty means all. `!x` excludes.
    pub os: Vec<String>,
    /// Processors it is for; empty means all.
    pub cpu: Vec<String>,
    /// Whether its maintainers warn against it.
    pub deprecated: bool,
}

/// The digest of a tarball as the registry records it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Integrity {
    /// SHA-512, 64 bytes.
    Sha512(Vec<u8>),
    /// SHA-1, 20 bytes: all that very old versions have.
    Sha1(Vec<u8>),
    /// None that can be checked.
    None,
}

impl Integrity {
    /// A file name for it; `None` where there is none.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        match self {
            Self::Sha512(raw) => Some(format!("sha512-{}", hex::encode(raw))),
            Self::Sha1(raw) => Some(format!("sha1-{}", hex::encode(raw))),
            Self::None => None,
        }
    }
}

impl Packument {
    /// Reads a packument, full or abbreviated.
    ///
    /// # Errors
    /// Where it is no JSON object at all.
    pub fn read(name: &str, json: &[u8]) -> Result<Self, String> {
        let root: Value = serde_json::from_slice(json).map_err(|e| format!("no JSON: {e}"))?;
        let root = root.as_object().ok_or("no JSON object")?;
        let mut versions: Vec<VersionDoc> = root
            .get("versions")
            .and_then(Value::as_object)
            .map(|listed| listed.iter().filter_map(|(version, doc)| version_read(version, doc)).collect())
            .unwrap_or_default();
        versions.sort_by(|a, b| a.version.cmp(&b.version));
        versions.dedup_by(|a, b| a.version.to_string() == b.version.to_string());
        Ok(Self { name: name.to_owned(), versions, times: words(root.get("time")), tags: words(root.get("dist-tags")) })
    }

    /// The version with exactly this text.
    #[must_use]
    pub fn version(&self, version: &Version) -> Option<&VersionDoc> {
        let text = version.to_string();
        self.versions.iter().find(|doc| doc.version.to_string() == text)
    }
}

fn version_read(version: &str, doc: &Value) -> Option<VersionDoc> {
    let version = Version::parse(version).ok()?;
    let dist = doc.get("dist")?;
    let optional = words(doc.get("optionalDependencies"));
    let mut dependencies = words(doc.get("dependencies"));
    // npm writes optional ones into both lists.
    dependencies.retain(|name, _| !optional.contains_key(name));
    let mut peers = words(doc.get("peerDependencies"));
    if let Some(about) = doc.get("peerDependenciesMeta").and_then(Value::as_object) {
        peers.retain(|name, _| about.get(name).and_then(|m| m.get("optional")) != Some(&Value::Bool(true)));
    }
    let bundled = ["bundleDependencies", "bundledDependencies"].iter().find_map(|key| doc.get(*key)).map_or_else(
        Vec::new,
        |value| match value {
            Value::Bool(true) => dependencies.keys().chain(optional.keys()).cloned().collect(),
            other => texts(Some(other)),
        },
    );
    Some(VersionDoc {
        version,
        tarball: dist.get("tarball").and_then(Value::as_str)?.to_owned(),
        integrity: integrity_read(dist),
        dependencies,
        optional,
        peers,
        bundled,
        os: texts(doc.get("os")),
        cpu: texts(doc.get("cpu")),
        deprecated: doc.get("deprecated").is_some_and(|d| d.as_str().is_some_and(|s| !s.is_empty())),
    })
}

fn integrity_read(dist: &Value) -> Integrity {
    use base64::Engine as _;
    let listed = dist.get("integrity").and_then(Value::as_str).unwrap_or_default();
    let sha512 = listed
        .split_ascii_whitespace()
        .filter_map(|one| one.strip_prefix("sha512-"))
        .filter_map(|b64| base64::engine::general_purpose::STANDARD.decode(b64).ok())
        .find(|raw| raw.len() == 64);
    if let Some(raw) = sha512 {
        return Integrity::Sha512(raw);
    }
    let sha1 = dist.get("shasum").and_then(Value::as_str).and_then(|text| hex::decode(text).ok());
    match sha1 {
        Some(raw) if raw.len() == 20 => Integrity::Sha1(raw),
        _ => Integrity::None,
    }
}

fn words(value: Option<&Value>) -> BTreeMap<String, String> {
    let Some(object) = value.and_then(Value::as_object) else { return BTreeMap::new() };
    object.iter().filter_map(|(k, v)| Some((k.clone(), v.as_str()?.to_owned()))).collect()
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(one)) => vec![one.clone()],
        Some(Value::Array(many)) => many.iter().filter_map(|v| v.as_str().map(ToOwned::to_owned)).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_documents_are_read_as_far_as_they_go() {
        let json = br#"{"dist-tags":{"latest":"1.10.0"},"versions":{
            "1.10.0":{"dist":{"tarball":"t","shasum":"0000000000000000000000000000000000000000"},"dependencies":[],"os":"linux",
                      "engines":["node"],"deprecated":false},
            "1.9.0":{"dist":{"tarball":"t"},"dependencies":{"a":"1","b":2,"c":"*"},"optionalDependencies":{"a":"1"},"bundledDependencies":true},
            "not a version":{"dist":{"tarball":"t"}},
            "2.0.0":{}}}"#;
        let read = Packument::read("x", json).unwrap();
        let listed: Vec<String> = read.versions.iter().map(|v| v.version.to_string()).collect();
        assert_eq!(listed, ["1.9.0", "1.10.0"]);
        assert_eq!(read.versions[0].dependencies.keys().collect::<Vec<_>>(), ["c"]);
        assert_eq!(read.versions[0].bundled, ["c", "a"]);
        assert_eq!(read.versions[0].integrity, Integrity::None);
        assert_eq!(read.versions[1].os, ["linux"]);
        assert!(Packument::read("x", b"[]").is_err());
    }
}
