//! The registry's sparse index, and archives whose digest is checked before anyone sees them. Must not unpack or
//! interpret an archive.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use semver::{Version, VersionReq};
use serde::Deserialize;

use super::config::CargoConfig;
use super::name_is_valid;
use crate::digest::Sha256Hex;
use crate::parallel;
use crate::source::SourceError;
use crate::source::client::{Answer, Client, DOCUMENT_FRESH_MS, DOWNLOADS_COUNT_MAX, Reach, now_ms};

/// Largest document of the index read, in bytes.
pub const INDEX_BYTES_MAX: u64 = 64 << 20;
/// Largest archive read, in bytes.
pub const CRATE_BYTES_MAX: u64 = 128 << 20;
/// Newest shape of an index entry that is understood: the second one brought `features2`.
const ENTRY_SHAPE_NEWEST: u32 = 2;

/// A crate as the index describes it.
#[derive(Debug, Clone)]
pub struct CrateDoc {
    /// Its name, as the registry spells it.
    pub name: String,
    /// Every version that could be read, ascending.
    pub versions: Vec<Arc<VersionDoc>>,
}

/// One version as the index describes it.
#[derive(Debug, Clone)]
pub struct VersionDoc {
    /// Its crate.
    pub name: String,
    /// The version.
    pub version: Version,
    /// What its archive's digest must be.
    pub sha256: Sha256Hex,
    /// What it needs, for building and for testing.
    pub dependencies: Vec<Dependency>,
    /// Its features, and what each switches on.
    pub features: BTreeMap<String, Vec<String>>,
    /// Whether its maintainers took it back.
    pub yanked: bool,
    /// The oldest compiler it says it builds with.
    pub rust_version: Option<Version>,
    /// When it was published, where the index says.
    pub published: Option<String>,
}

/// A dependency of a version.
#[derive(Debug, Clone)]
pub struct Dependency {
    /// What features of the dependent call it.
    pub alias: String,
    /// The crate it is.
    pub package: String,
    /// Which of its versions.
    pub range: VersionReq,
    /// Features asked for.
    pub features: Vec<String>,
    /// Whether it is there only if a feature switches it on.
    pub optional: bool,
    /// Whether its default features are asked for.
    pub default_features: bool,
    /// The platform it is for.
    pub target: Option<String>,
    /// For tests, examples and benchmarks only.
    pub development: bool,
}

#[derive(Deserialize)]
struct Line {
    name: String,
    vers: String,
    #[serde(default)]
    deps: Vec<LineDependency>,
    cksum: String,
    #[serde(default)]
    features: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    features2: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default)]
    yanked: Option<bool>,
    #[serde(default)]
    rust_version: Option<String>,
    #[serde(default)]
    pubtime: Option<String>,
    #[serde(default)]
    v: Option<u32>,
}

#[derive(Deserialize)]
struct LineDependency {
    name: String,
    req: String,
    #[serde(default)]
    features: Vec<String>,
    #[serde(default)]
    optional: bool,
    #[serde(default = "yes")]
    default_features: bool,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    package: Option<String>,
}

fn yes() -> bool {
    true
}

impl CrateDoc {
    /// Reads a document of the index. Entries without the right shape are taken as absent, as cargo does.
    #[must_use]
    pub fn read(name: &str, text: &[u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
        let mut versions: Vec<Arc<VersionDoc>> = lines.filter_map(|line| line_read(name, line)).map(Arc::new).collect();
        versions.sort_by(|a, b| a.version.cmp(&b.version));
        versions.dedup_by(|a, b| a.version == b.version);
        let name = versions.first().map_or_else(|| name.to_owned(), |doc| doc.name.clone());
        Self { name, versions }
    }

    /// The version with exactly this number.
    #[must_use]
    pub fn version(&self, version: &Version) -> Option<&Arc<VersionDoc>> {
        self.versions.iter().find(|doc| doc.version == *version)
    }
}

fn line_read(name: &str, line: &[u8]) -> Option<VersionDoc> {
    let line: Line = serde_json::from_slice(line).ok()?;
    // The index is asked in lower case; a document about another crate is none about this one.
    if !same_name(&line.name, name) || !name_is_valid(&line.name) || line.v.is_some_and(|v| v > ENTRY_SHAPE_NEWEST) {
        return None;
    }
    let mut features = line.features;
    features.extend(line.features2.unwrap_or_default());
    let dependencies = line.deps.into_iter().map(|dependency| {
        let package = dependency.package.unwrap_or_else(|| dependency.name.clone());
        name_is_valid(&package).then_some(())?;
        Some(Dependency {
            alias: dependency.name,
            package,
            range: VersionReq::parse(&dependency.req).ok()?,
            features: dependency.features,
            optional: dependency.optional,
            default_features: dependency.default_features,
            target: dependency.target,
            development: dependency.kind.as_deref() == Some("dev"),
        })
    });
    Some(VersionDoc {
        name: line.name,
        version: Version::parse(&line.vers).ok()?,
        sha256: line.cksum.parse().ok()?,
        dependencies: dependencies.collect::<Option<_>>()?,
        features,
        yanked: line.yanked.unwrap_or(false),
        rust_version: line.rust_version.as_deref().and_then(rust_version_read),
        published: line.pubtime,
    })
}

/// `1.70` means `1.70.0`.
fn rust_version_read(text: &str) -> Option<Version> {
    let missing = 2usize.checked_sub(text.matches('.').count())?;
    Version::parse(&format!("{text}{}", ".0".repeat(missing))).ok()
}

/// Whether two names are one crate to the registry.
fn same_name(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

#[derive(Deserialize)]
struct RegistryDoc {
    dl: String,
}

type Remembered = HashMap<String, (u64, Arc<CrateDoc>)>;

/// A client of the registry of cargo's configuration.
pub struct Registry {
    client: Client,
    index: Result<String, String>,
    memory: Mutex<Remembered>,
}

impl Registry {
    /// A client that keeps documents below `cache`.
    #[must_use]
    pub fn new(config: &CargoConfig, cache: PathBuf) -> Self {
        let index = config.index();
        let token = config.token().zip(index.as_ref().ok()).map(|(token, index)| (index.clone(), token.to_owned()));
        let reach =
            Reach { proxy: config.proxy().map(ToOwned::to_owned), cafile: config.cafile().map(Into::into), token };
        Self { client: Client::new(&reach, cache), index, memory: Mutex::default() }
    }

    fn index(&self) -> Result<&str, SourceError> {
        let refused = |why: &String| SourceError::Unreachable { url: "the index of crates".into(), why: why.clone() };
        self.index.as_deref().map_err(|_| match &self.index {
            Err(why) => refused(why),
            Ok(_) => refused(&String::new()),
        })
    }

    /// What the index says about a crate; asked again when older than [`DOCUMENT_FRESH_MS`].
    ///
    /// # Errors
    /// [`SourceError::NoSuchPackage`], or why it could not be had.
    pub fn doc(&self, name: &str) -> Result<Arc<CrateDoc>, SourceError> {
        if !name_is_valid(name) {
            return Err(SourceError::NoSuchPackage { name: name.chars().take(64).collect() });
        }
        let key = name.to_ascii_lowercase();
        if let Some((at, known)) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(&key)
            && now_ms().saturating_sub(*at) < DOCUMENT_FRESH_MS
        {
            return Ok(known.clone());
        }
        let url = format!("{}{}", self.index()?, place_of(&key));
        let absent = || SourceError::NoSuchPackage { name: name.to_owned() };
        let document = self.client.document(&url, "text/plain", INDEX_BYTES_MAX)?.ok_or_else(absent)?;
        let read = Arc::new(CrateDoc::read(name, &document.bytes));
        if read.versions.is_empty() {
            return Err(SourceError::BadAnswer { url, why: "no version in it can be read".into() });
        }
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(key, (document.fetched_ms, read.clone()));
        Ok(read)
    }

    /// Has these documents in memory, several at once. Errors are left for whoever asks for one of them.
    pub fn docs_ahead(&self, names: &[&str]) {
        let memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let missing: Vec<&str> =
            names.iter().filter(|name| !memory.contains_key(&name.to_ascii_lowercase())).copied().collect();
        drop(memory);
        parallel::each(&missing, DOWNLOADS_COUNT_MAX, |name| self.doc(name).is_ok());
    }

    /// One version's record.
    ///
    /// # Errors
    /// [`SourceError::NoSuchVersion`], and those of [`Registry::doc`].
    pub fn version(&self, name: &str, version: &Version) -> Result<Arc<VersionDoc>, SourceError> {
        let absent = || SourceError::NoSuchVersion { name: name.to_owned(), version: version.to_string() };
        self.doc(name)?.version(version).cloned().ok_or_else(absent)
    }

    /// The bytes of a version's archive, checked against the index.
    ///
    /// # Errors
    /// [`SourceError::NoTarball`] where it is not served, [`SourceError::WrongDigest`] where it is another one.
    pub fn archive(&self, doc: &VersionDoc) -> Result<Vec<u8>, SourceError> {
        let config = format!("{}config.json", self.index()?);
        let told = self.client.document(&config, "application/json", INDEX_BYTES_MAX)?;
        let bad = |why: String| SourceError::BadAnswer { url: config.clone(), why };
        let told = told.ok_or_else(|| bad("the registry does not say where archives are".into()))?;
        let told: RegistryDoc = serde_json::from_slice(&told.bytes).map_err(|e| bad(e.to_string()))?;
        let (name, version) = (doc.name.clone(), doc.version.to_string());
        match self.client.get(&download_url(&told.dl, doc), "*/*", None, CRATE_BYTES_MAX)? {
            Answer::Body { bytes, .. } => {
                let found = Sha256Hex::of(&bytes);
                if found == doc.sha256 {
                    return Ok(bytes);
                }
                let (found, wanted) = (format!("sha256 {found}"), doc.sha256.to_string());
                Err(SourceError::WrongDigest { name, version, found, wanted })
            }
            Answer::Status(status) => Err(SourceError::NoTarball { name, version, status }),
            Answer::NotModified => Err(SourceError::NoTarball { name, version, status: 304 }),
        }
    }
}

/// Where in an index a crate's document is, of its name in lower case.
fn place_of(name: &str) -> String {
    match name.len() {
        1 => format!("1/{name}"),
        2 => format!("2/{name}"),
        3 => format!("3/{}/{name}", &name[..1]),
        _ => format!("{}/{}/{name}", &name[..2], &name[2..4]),
    }
}

/// As cargo fills in a registry's template.
fn download_url(template: &str, doc: &VersionDoc) -> String {
    const MARKS: [&str; 5] = ["{crate}", "{version}", "{prefix}", "{lowerprefix}", "{sha256-checksum}"];
    let version = doc.version.to_string();
    if !MARKS.iter().any(|mark| template.contains(mark)) {
        return format!("{template}/{}/{version}/download", doc.name);
    }
    let prefix = |name: &str| place_of(name).rsplit_once('/').map(|(prefix, _)| prefix.to_owned()).unwrap_or_default();
    template
        .replace("{crate}", &doc.name)
        .replace("{version}", &version)
        .replace("{prefix}", &prefix(&doc.name))
        .replace("{lowerprefix}", &prefix(&doc.name.to_ascii_lowercase()))
        .replace("{sha256-checksum}", doc.sha256.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn line(version: &str, more: &str) -> String {
        format!(r#"{{"name":"Abc-d","vers":"{version}","deps":[],"cksum":"{DIGEST}","features":{{}}{more}}}"#)
    }

    #[test]
    fn entries_are_sorted_and_the_unreadable_left_out() {
        let text = [
            line("1.10.0", r#","yanked":true,"pubtime":"2021-01-01T00:00:00Z""#),
            line("1.9.0", r#","rust_version":"1.36","features2":{"x":["dep:y"]}"#),
            line("1.9", ""),
            line("2.0.0", r#","v":3"#),
            line("3.0.0", "").replace("Abc-d", "other"),
            line("4.0.0", "").replace(DIGEST, "12"),
            "no json".to_owned(),
        ];
        let doc = CrateDoc::read("abc-d", text.join("\n").as_bytes());
        let found: Vec<String> = doc.versions.iter().map(|doc| doc.version.to_string()).collect();
        assert_eq!((found, doc.name.as_str()), (vec!["1.9.0".to_owned(), "1.10.0".to_owned()], "Abc-d"));
        assert!(doc.versions[1].yanked && doc.versions[1].published.is_some());
        assert_eq!(doc.versions[0].rust_version, Some(Version::new(1, 36, 0)));
        assert_eq!(doc.versions[0].features["x"], ["dep:y"]);
    }

    #[test]
    fn places_and_addresses() {
        let places = [("a", "1/a"), ("ab", "2/ab"), ("abc", "3/a/abc"), ("abcd", "ab/cd/abcd")];
        for (name, wanted) in places {
            assert_eq!(place_of(name), wanted);
        }
        let doc = CrateDoc::read("abc-d", line("1.0.0", "").as_bytes()).versions[0].clone();
        assert_eq!(download_url("https://m.example/dl", &doc), "https://m.example/dl/Abc-d/1.0.0/download");
        let filled = download_url("https://m.example/{lowerprefix}/{crate}-{version}.crate", &doc);
        assert_eq!(filled, "https://m.example/ab/c-/Abc-d-1.0.0.crate");
    }
}
