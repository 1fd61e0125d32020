//! The index of packages: which files a version has, and bytes whose digest is checked before anyone sees them. Speaks
//! the JSON form of the simple API (PEP 691, 700). Must not unpack or interpret an archive.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use pep440_rs::{Version, VersionSpecifiers};
use serde::Deserialize;

use super::config::PipConfig;
use super::interpreter::Tags;
use super::{name_is_valid, name_normal};
use crate::digest::Sha256Hex;
use crate::sandbox::Format;
use crate::source::SourceError;
use crate::source::client::{Answer, Client, DOCUMENT_FRESH_MS, Reach, now_ms};

/// Largest page of a package read, in bytes.
const PAGE_BYTES_MAX: u64 = 64 << 20;
/// Largest file read, in bytes.
const FILE_BYTES_MAX: u64 = 128 << 20;
const PAGE_TYPE: &str = "application/vnd.pypi.simple.v1+json";

/// One file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexFile {
    /// Its name, which says what it is.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// What it is.
    pub sha256: Sha256Hex,
    /// Which interpreters it is for.
    pub requires_python: Option<String>,
    /// When it was published, RFC 3339.
    pub published: Option<String>,
    /// Whether it was taken back.
    pub yanked: bool,
    /// Wheel or source.
    pub kind: FileKind,
}

/// What a file of the index is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// A built package, with the tags it fits.
    Wheel {
        /// Interpreters, `.` between them.
        python: String,
        /// Binary interfaces.
        abi: String,
        /// Machines.
        platform: String,
    },
    /// The source.
    Source(Format),
}

/// A package of the index.
#[derive(Debug, Default)]
pub struct Project {
    /// Its files by version.
    pub versions: BTreeMap<Version, Vec<IndexFile>>,
}

#[derive(Deserialize)]
struct Page {
    files: Vec<PageFile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PageFile {
    filename: String,
    url: String,
    hashes: BTreeMap<String, String>,
    requires_python: Option<String>,
    upload_time: Option<String>,
    #[serde(default)]
    yanked: serde_json::Value,
}

impl Project {
    /// Reads a page. Files that no known rule names, or that have no SHA-256, are left out.
    ///
    /// # Errors
    /// What is wrong with the page.
    pub fn read(name: &str, page: &[u8], base: &str) -> Result<Self, String> {
        let page: Page = serde_json::from_slice(page).map_err(|e| format!("not a page of the simple API: {e}"))?;
        let mut project = Self::default();
        for file in page.files {
            let Some(sha256) = file.hashes.get("sha256").and_then(|hex| hex.parse().ok()) else { continue };
            let Some((version, kind)) = file_name_read(name, &file.filename) else { continue };
            let yanked = !matches!(file.yanked, serde_json::Value::Null | serde_json::Value::Bool(false));
            project.versions.entry(version).or_default().push(IndexFile {
                url: absolute(base, &file.url),
                name: file.filename,
                sha256,
                requires_python: file.requires_python,
                published: file.upload_time,
                yanked,
                kind,
            });
        }
        Ok(project)
    }
}

impl IndexFile {
    /// How well an interpreter can take it, small is better; `None` where it cannot.
    #[must_use]
    pub fn rank(&self, tags: &Tags) -> Option<u8> {
        let python = self.requires_python.as_deref().and_then(|text| text.parse::<VersionSpecifiers>().ok());
        if python.is_some_and(|wanted| !wanted.contains(&tags.version)) {
            return None;
        }
        match &self.kind {
            FileKind::Wheel { python, abi, platform } => tags.wheel_rank(python, abi, platform),
            FileKind::Source(_) => Some(9),
        }
    }
}

/// The file of a version that is best for an interpreter.
#[must_use]
pub fn best<'f>(files: &'f [IndexFile], tags: &Tags) -> Option<&'f IndexFile> {
    let ranked = files.iter().filter_map(|file| Some((file.rank(tags)?, &file.name, file)));
    ranked.min_by_key(|(rank, name, _)| (*rank, (*name).clone())).map(|(_, _, file)| file)
}

fn absolute(base: &str, url: &str) -> String {
    if url.contains("://") {
        return url.to_owned();
    }
    let host_end = base.find("://").and_then(|at| base[at + 3..].find('/').map(|slash| at + 3 + slash));
    match (url.starts_with('/'), host_end) {
        (true, Some(end)) => format!("{}{url}", &base[..end]),
        // Relative to the page of the package.
        _ => format!("{base}{}", url.trim_start_matches("../")),
    }
}

/// Version and kind of a file, by its name.
fn file_name_read(project: &str, name: &str) -> Option<(Version, FileKind)> {
    if let Some(stem) = name.strip_suffix(".whl") {
        let parts: Vec<_> = stem.split('-').collect();
        let [_, version, .., python, abi, platform] = parts.as_slice() else { return None };
        let kind =
            FileKind::Wheel { python: (*python).to_owned(), abi: (*abi).to_owned(), platform: (*platform).to_owned() };
        return Some((version.replace('_', "+").parse().ok()?, kind));
    }
    let endings = [(".tar.gz", Format::TarGz), (".tgz", Format::TarGz), (".zip", Format::Zip)];
    let (stem, format) = endings.iter().find_map(|(end, format)| Some((name.strip_suffix(end)?, *format)))?;
    // The name of the package may have dashes of its own.
    let dashes = stem.match_indices('-').map(|(at, _)| at);
    let split = dashes.into_iter().find(|at| name_normal(&stem[..*at]) == name_normal(project))?;
    Some((stem[split + 1..].parse().ok()?, FileKind::Source(format)))
}

/// A client of the index of pip's configuration.
pub struct Index {
    client: Client,
    base: String,
    memory: Mutex<HashMap<String, (u64, Arc<Project>)>>,
}

impl Index {
    /// A client that keeps pages below `cache`.
    #[must_use]
    pub fn new(config: &PipConfig, cache: PathBuf) -> Self {
        let (base, user) = config.index();
        let token = user.map(|user| {
            let basic = base64::engine::general_purpose::STANDARD.encode(user);
            (base.clone(), format!("Basic {basic}"))
        });
        let owned = |text: Option<&str>| text.map(ToOwned::to_owned);
        let reach = Reach { proxy: owned(config.proxy()), cafile: config.cafile().map(Into::into), token };
        Self { client: Client::new(&reach, cache), base, memory: Mutex::default() }
    }

    /// What the index has of a package.
    ///
    /// # Errors
    /// [`SourceError::NoSuchPackage`], or why it could not be had.
    pub fn project(&self, name: &str) -> Result<Arc<Project>, SourceError> {
        let absent = || SourceError::NoSuchPackage { name: name.chars().take(64).collect() };
        if !name_is_valid(name) {
            return Err(absent());
        }
        let name = name_normal(name);
        if let Some((at, known)) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(&name)
            && now_ms().saturating_sub(*at) < DOCUMENT_FRESH_MS
        {
            return Ok(known.clone());
        }
        let url = format!("{}{name}/", self.base);
        let document = self.client.document(&url, PAGE_TYPE, PAGE_BYTES_MAX)?.ok_or_else(absent)?;
        let read = Project::read(&name, &document.bytes, &url).map_err(|why| SourceError::BadAnswer { url, why })?;
        let read = Arc::new(read);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(name, (document.fetched_ms, read.clone()));
        Ok(read)
    }

    /// The bytes of a file, checked against the index's record.
    ///
    /// # Errors
    /// [`SourceError::NoTarball`] where it is not served, [`SourceError::WrongDigest`] where it is another one.
    pub fn bytes(&self, name: &str, version: &str, file: &IndexFile) -> Result<Vec<u8>, SourceError> {
        let (name, version) = (name.to_owned(), version.to_owned());
        match self.client.get(&file.url, "*/*", None, FILE_BYTES_MAX)? {
            Answer::Body { bytes, .. } => {
                let found = Sha256Hex::of(&bytes);
                if found == file.sha256 {
                    return Ok(bytes);
                }
                let (found, wanted) = (format!("sha256 {found}"), format!("sha256 {}", file.sha256));
                Err(SourceError::WrongDigest { name, version, found, wanted })
            }
            Answer::Status(status) => Err(SourceError::NoTarball { name, version, status }),
            Answer::NotModified => Err(SourceError::NoTarball { name, version, status: 304 }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags() -> Tags {
        Tags { version: "3.11.2".parse().unwrap(), machine: "x86_64".into() }
    }

    #[test]
    fn file_names_say_version_and_kind() {
        for (project, name, expected) in [
            ("pyyaml", "PyYAML-5.3.1.tar.gz", Some("5.3.1")),
            ("python-multipart", "python_multipart-0.0.6-py3-none-any.whl", Some("0.0.6")),
            ("a-b", "a-b-1.0rc1.zip", Some("1.0rc1")),
            ("a-b", "a-b-1.0.exe", None),
            ("a", "a-1.0.win32.zip", None),
            ("a", "a-1.0-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", Some("1.0")),
        ] {
            let found = file_name_read(project, name).map(|(version, _)| version.to_string());
            assert_eq!(found.as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn the_best_file_is_a_pure_wheel_then_a_native_one_then_the_source() {
        let page = |names: &[&str]| {
            let file = |name: &&str| {
                let hash = "0".repeat(64);
                format!(
                    r#"{{"filename":"{name}","url":"x/{name}","hashes":{{"sha256":"{hash}"}},"requires-python":null}}"#
                )
            };
            let files: Vec<_> = names.iter().map(file).collect();
            let text = format!(r#"{{"files":[{}]}}"#, files.join(","));
            let project = Project::read("a", text.as_bytes(), "https://i.example/simple/a/").unwrap();
            let files = project.versions.into_values().next().unwrap_or_default();
            best(&files, &tags()).map(|file| file.url.clone())
        };
        let all = [
            "a-1.tar.gz",
            "a-1-cp311-cp311-win_amd64.whl",
            "a-1-cp310-cp310-manylinux_2_17_x86_64.whl",
            "a-1-cp311-cp311-manylinux_2_17_x86_64.whl",
            "a-1-py2.py3-none-any.whl",
        ];
        assert_eq!(page(&all).unwrap(), "https://i.example/simple/a/x/a-1-py2.py3-none-any.whl");
        assert!(page(&all[..4]).unwrap().contains("cp311-manylinux"));
        assert!(page(&all[..3]).unwrap().ends_with("a-1.tar.gz"));
        assert_eq!(page(&all[1..3]), None);
        assert_eq!(page(&["a-1-py2-none-any.whl"]), None);
    }
}
