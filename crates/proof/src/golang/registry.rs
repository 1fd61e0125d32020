//! Go's module proxy: version lists, and archives that are kept as they came, with what the sum database says of them.
//!
//! Must not unpack or interpret an archive: `go` does, in a box, and compares it with the sums given here.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::config::GoConfig;
use super::{escaped, path_is_valid, version_read};
use crate::digest::Sha256Hex;
use crate::source::SourceError;
use crate::source::client::{Answer, Client, Reach};
use crate::store::{PackageStore, Stored};

/// The part of the store with Go's modules.
pub const STORE_PART: &str = "go";
/// Largest list or sum read, in bytes.
pub const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Largest `go.mod` read, in bytes.
pub const GOMOD_BYTES_MAX: u64 = 4 << 20;
/// Largest archive of a module read, in bytes. A toolchain has 70 MiB.
pub const ZIP_BYTES_MAX: u64 = 256 << 20;

/// One file of a module as the proxy serves it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ModuleFile {
    /// The module.
    pub module: String,
    /// Its version.
    pub version: String,
    /// `mod` or `zip`.
    pub kind: &'static str,
}

impl ModuleFile {
    /// Of a module's version.
    #[must_use]
    pub fn of(module: &str, version: &str, kind: &'static str) -> Self {
        Self { module: module.into(), version: version.into(), kind }
    }

    /// Where it is below a proxy.
    #[must_use]
    pub fn path(&self) -> String {
        format!("{}/@v/{}.{}", escaped(&self.module), escaped(&self.version), self.kind)
    }

    /// What it is found by in the store.
    fn key(&self) -> String {
        format!("go-{}", Sha256Hex::of(self.path().as_bytes()))
    }
}

/// A client of the proxies of Go's configuration.
pub struct Registry {
    client: Client,
    config: GoConfig,
}

impl Registry {
    /// A client that keeps lists and sums below `cache`.
    #[must_use]
    pub fn new(config: GoConfig, cache: PathBuf) -> Self {
        let reach = Reach { proxy: config.https_proxy().map(ToOwned::to_owned), ..Reach::default() };
        Self { client: Client::new(&reach, cache), config }
    }

    /// The versions that the proxies list, in no order, and the one that it calls the latest where it lists none.
    ///
    /// # Errors
    /// [`SourceError::NoSuchPackage`], or why the list could not be had.
    pub fn versions(&self, module: &str) -> Result<Vec<String>, SourceError> {
        let absent = || SourceError::NoSuchPackage { name: module.chars().take(200).collect() };
        if !path_is_valid(module) {
            return Err(absent());
        }
        let list = self.document(&format!("{}/@v/list", escaped(module)))?;
        let text = String::from_utf8_lossy(list.as_deref().unwrap_or_default()).into_owned();
        let mut found: Vec<String> = text
            .lines()
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| version_read(word).is_some())
            .map(ToOwned::to_owned)
            .collect();
        if found.is_empty() {
            let latest = self.document(&format!("{}/@latest", escaped(module)))?;
            if list.is_none() && latest.is_none() {
                return Err(absent());
            }
            found.extend(latest.as_deref().and_then(|info| info_field(info, "Version")));
        }
        Ok(found)
    }

    /// When a version was made, RFC 3339; `None` where the proxy does not have it.
    ///
    /// # Errors
    /// Why it could not be asked.
    pub fn time(&self, module: &str, version: &str) -> Result<Option<String>, SourceError> {
        if !path_is_valid(module) || version_read(version).is_none() {
            return Ok(None);
        }
        let info = self.document(&format!("{}/@v/{}.info", escaped(module), escaped(version)))?;
        Ok(info.map(|info| info_field(&info, "Time").unwrap_or_default()))
    }

    /// The file in the store, fetched if it is not here yet. The first bytes that came stay the ones that count.
    ///
    /// # Errors
    /// [`SourceError::NoTarball`] where no proxy serves it.
    pub fn obtain(&self, store: &PackageStore, file: &ModuleFile) -> Result<Stored, SourceError> {
        store.archive_obtain(STORE_PART, &file.key(), || self.fetch(file))
    }

    /// The file, if it is in the store.
    #[must_use]
    pub fn find(&self, store: &PackageStore, file: &ModuleFile) -> Option<Stored> {
        store.find(STORE_PART, &file.key())
    }

    /// The lines of `go.sum` that the sum database has for a version; `None` where it does not speak of it, is not
    /// reached through the proxies, or is not to be asked.
    ///
    /// # Errors
    /// Never where the database is silent; only where the proxy itself cannot be asked.
    pub fn sums(&self, module: &str, version: &str) -> Result<Option<String>, SourceError> {
        let Some(database) = self.config.sum_database(module) else { return Ok(None) };
        let path = format!("sumdb/{database}/lookup/{}@{}", escaped(module), escaped(version));
        let Ok(Some(answer)) = self.document(&path) else { return Ok(None) };
        let text = String::from_utf8_lossy(&answer).into_owned();
        let plain = format!("{module} {version} h1:");
        let of_mod = format!("{module} {version}/go.mod h1:");
        let lines: Vec<&str> =
            text.lines().filter(|line| line.starts_with(&plain) || line.starts_with(&of_mod)).collect();
        Ok((lines.len() == 2).then(|| lines.join("\n") + "\n"))
    }

    fn fetch(&self, file: &ModuleFile) -> Result<Vec<u8>, SourceError> {
        let (name, version) = (file.module.clone(), file.version.clone());
        if !path_is_valid(&name) || version_read(&version).is_none() {
            return Err(SourceError::NoSuchVersion { name, version });
        }
        let bytes_max = if file.kind == "zip" { ZIP_BYTES_MAX } else { GOMOD_BYTES_MAX };
        let mut refused = 404;
        for proxy in self.config.proxies() {
            match self.client.get(&format!("{proxy}/{}", file.path()), "*/*", None, bytes_max)? {
                Answer::Body { bytes, .. } => {
                    if file.kind == "mod" {
                        self.gomod_check(file, &bytes)?;
                    }
                    return Ok(bytes);
                }
                Answer::Status(status) => refused = status,
                Answer::NotModified => refused = 304,
            }
        }
        Err(SourceError::NoTarball { name, version, status: refused })
    }

    /// A `go.mod` is compared with the sum database at once; an archive by `go`, in the box that unpacks it.
    fn gomod_check(&self, file: &ModuleFile, bytes: &[u8]) -> Result<(), SourceError> {
        let Some(sums) = self.sums(&file.module, &file.version)? else { return Ok(()) };
        let found = gomod_h1(bytes);
        let wanted = sums.lines().find(|line| line.contains("/go.mod h1:"));
        let wanted = wanted.and_then(|line| line.rsplit(' ').next()).unwrap_or_default();
        if wanted == found {
            return Ok(());
        }
        let (name, version) = (file.module.clone(), file.version.clone());
        Err(SourceError::WrongDigest { name, version, found, wanted: wanted.to_owned() })
    }

    /// The first proxy's answer that is one.
    fn document(&self, path: &str) -> Result<Option<Vec<u8>>, SourceError> {
        for proxy in self.config.proxies() {
            if let Some(document) = self.client.document(&format!("{proxy}/{path}"), "*/*", DOCUMENT_BYTES_MAX)? {
                return Ok(Some(document.bytes));
            }
        }
        Ok(None)
    }
}

/// Go's hash of a `go.mod`: over the one line that a listing of it is.
fn gomod_h1(bytes: &[u8]) -> String {
    let listing = format!("{}  go.mod\n", Sha256Hex::of(bytes));
    format!("h1:{}", STANDARD.encode(Sha256::digest(listing.as_bytes())))
}

fn info_field(info: &[u8], field: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(info).ok()?;
    value.get(field)?.as_str().map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_a_gomod_is_gos() {
        // As `go mod download -json` prints it.
        let text =
            "module golang.org/x/text\n\nrequire golang.org/x/tools v0.0.0-20180917221912-90fa682c2a6e\n\ngo 1.11\n";
        assert_eq!(gomod_h1(text.as_bytes()), "h1:5Zoc/QRtKVWzQhOtBMvqHzDpF6irO9z98xDceosuGiQ=");
    }

    #[test]
    fn files_have_their_place_below_a_proxy() {
        let file = ModuleFile::of("github.com/Azure/x", "v1.0.0", "mod");
        assert_eq!(file.path(), "github.com/!azure/x/@v/v1.0.0.mod");
    }
}
