//! What a Maven repository lists and serves: versions, `.pom` files and `.jar` files, each checked against the digest
//! that is served beside it. Must not resolve anything.

use std::path::PathBuf;

use roxmltree::Document;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::config::{MavenConfig, NamedAny as _};
use super::pom::POM_BYTES_MAX;
use super::{Coordinates, name_is_valid, version_is_exact};
use crate::digest::Sha256Hex;
use crate::source::SourceError;
use crate::source::client::{Answer, Client, Reach};
use crate::store::{PackageStore, Stored};

/// The part of the store with artefacts.
pub const STORE_PART: &str = "maven";
/// Largest list of versions, in bytes.
pub const METADATA_BYTES_MAX: u64 = 4 << 20;
/// Largest `.jar`, in bytes.
pub const JAR_BYTES_MAX: u64 = 256 << 20;
/// Largest file with a digest, in bytes.
pub const DIGEST_BYTES_MAX: u64 = 4 << 10;

/// A file that a repository serves of an artefact.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ArtifactFile {
    /// Of which.
    pub of: Coordinates,
    /// Empty, or which of several, such as `jdk15`.
    pub classifier: String,
    /// `pom` or `jar`.
    pub ending: &'static str,
}

impl ArtifactFile {
    /// The `.pom` of an artefact.
    #[must_use]
    pub fn pom(of: &Coordinates) -> Self {
        Self { of: of.clone(), classifier: String::new(), ending: "pom" }
    }

    /// The `.jar` of an artefact.
    #[must_use]
    pub fn jar(of: &Coordinates) -> Self {
        Self { of: of.clone(), classifier: String::new(), ending: "jar" }
    }

    /// Its name, such as `snakeyaml-1.32.jar`.
    #[must_use]
    pub fn name(&self) -> String {
        let parting = if self.classifier.is_empty() { "" } else { "-" };
        format!("{}-{}{parting}{}.{}", self.of.artifact, self.of.version, self.classifier, self.ending)
    }

    fn path(&self) -> String {
        format!("{}/{}/{}/{}", self.of.group.replace('.', "/"), self.of.artifact, self.of.version, self.name())
    }

    /// What it is found by in the store.
    fn key(&self) -> String {
        format!("maven-{}", Sha256Hex::of(self.path().as_bytes()))
    }
}

/// A client of the repository of Maven's configuration.
pub struct Registry {
    client: Client,
    repository: String,
}

impl Registry {
    /// A client that keeps lists below `cache`.
    #[must_use]
    pub fn new(config: &MavenConfig, cache: PathBuf) -> Self {
        let repository = config.repository();
        let token = config.authorisation().map(|word| (format!("{repository}/"), word.to_owned()));
        let reach = Reach { proxy: config.proxy().map(ToOwned::to_owned), token, ..Reach::default() };
        Self { client: Client::new(&reach, cache), repository }
    }

    /// The versions that the repository lists, in no order.
    ///
    /// # Errors
    /// [`SourceError::NoSuchPackage`], or why the list could not be had.
    pub fn versions(&self, name: &str) -> Result<Vec<String>, SourceError> {
        let absent = || SourceError::NoSuchPackage { name: name.chars().take(200).collect() };
        let (group, artifact) = name.split_once(':').filter(|_| name_is_valid(name)).ok_or_else(absent)?;
        let url = format!("{}/{}/{artifact}/maven-metadata.xml", self.repository, group.replace('.', "/"));
        let document = self.client.document(&url, "*/*", METADATA_BYTES_MAX)?.ok_or_else(absent)?;
        let bad = |why: String| SourceError::BadAnswer { url: url.clone(), why };
        let text = std::str::from_utf8(&document.bytes).map_err(|e| bad(e.to_string()))?;
        let document = Document::parse(text).map_err(|e| bad(e.to_string()))?;
        let lists = document.descendants().filter(|node| node.has_tag_name_any("versions"));
        let listed = lists.flat_map(|list| list.children()).filter(|node| node.has_tag_name_any("version"));
        let texts = listed.filter_map(|node| node.text()).map(str::trim);
        Ok(texts.filter(|text| version_is_exact(text)).map(ToOwned::to_owned).collect())
    }

    /// The file in the store, fetched and checked if it is not here yet.
    ///
    /// # Errors
    /// [`SourceError::NoTarball`] where the repository does not serve it.
    pub fn obtain(&self, store: &PackageStore, file: &ArtifactFile) -> Result<Stored, SourceError> {
        store.archive_obtain(STORE_PART, &file.key(), || self.fetch(file))
    }

    /// The file, if it is in the store.
    #[must_use]
    pub fn find(&self, store: &PackageStore, file: &ArtifactFile) -> Option<Stored> {
        store.find(STORE_PART, &file.key())
    }

    fn fetch(&self, file: &ArtifactFile) -> Result<Vec<u8>, SourceError> {
        let (name, version) = (file.of.name(), file.of.version.clone());
        if !file.of.is_plain() || !(file.classifier.is_empty() || super::word_is_plain(&file.classifier)) {
            return Err(SourceError::NoSuchVersion { name: name.chars().take(200).collect(), version });
        }
        let url = format!("{}/{}", self.repository, file.path());
        let bytes_max = if file.ending == "jar" { JAR_BYTES_MAX } else { POM_BYTES_MAX };
        let bytes = match self.client.get(&url, "*/*", None, bytes_max)? {
            Answer::Body { bytes, .. } => bytes,
            Answer::Status(status) => return Err(SourceError::NoTarball { name, version, status }),
            Answer::NotModified => return Err(SourceError::NoTarball { name, version, status: 304 }),
        };
        for (ending, digest) in DIGESTS {
            let Answer::Body { bytes: said, .. } =
                self.client.get(&format!("{url}.{ending}"), "*/*", None, DIGEST_BYTES_MAX)?
            else {
                continue;
            };
            let found = digest(&bytes);
            let Some(wanted) = digest_said(&said, found.len()) else { continue };
            if wanted != found {
                return Err(SourceError::WrongDigest { name, version, found, wanted });
            }
            return Ok(bytes);
        }
        Err(SourceError::BadAnswer { url, why: "no digest is served beside it, so nothing vouches for it".into() })
    }
}

/// A digest as it is written beside a file.
type DigestText = fn(&[u8]) -> String;

/// Digests that may be served beside a file, the strongest first.
const DIGESTS: [(&str, DigestText); 3] = [
    ("sha512", |bytes| hex::encode(Sha512::digest(bytes))),
    ("sha256", |bytes| hex::encode(Sha256::digest(bytes))),
    ("sha1", |bytes| hex::encode(Sha1::digest(bytes))),
];

/// The digest in such a file: some tools write the file's name before or after it.
fn digest_said(said: &[u8], digits: usize) -> Option<String> {
    let text = String::from_utf8_lossy(said).to_lowercase();
    let is_digest = |word: &&str| word.len() == digits && word.bytes().all(|b| b.is_ascii_hexdigit());
    text.split_whitespace().find(is_digest).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_have_their_place_and_digests_are_found() {
        let of = Coordinates::of("org.yaml:snakeyaml", "1.32").unwrap();
        assert_eq!(ArtifactFile::jar(&of).path(), "org/yaml/snakeyaml/1.32/snakeyaml-1.32.jar");
        let file = ArtifactFile { classifier: "jdk15".into(), ..ArtifactFile::jar(&of) };
        assert_eq!(file.name(), "snakeyaml-1.32-jdk15.jar");
        let sha1 = "815893df5f31da2ece4040fe0a12fd44b577afaf";
        for said in [sha1.to_owned(), format!("{sha1}  x.jar\n"), format!("x.jar = {}\n", sha1.to_uppercase())] {
            assert_eq!(digest_said(said.as_bytes(), 40).as_deref(), Some(sha1));
        }
        assert_eq!(digest_said(b"<html>", 40), None);
    }
}
