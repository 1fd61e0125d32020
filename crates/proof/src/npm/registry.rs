//! npm's registry: packuments, and tarballs whose digest is checked before anyone sees them. Must not unpack or
//! interpret a tarball.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use sha1::Sha1;
use sha2::{Digest as _, Sha512};

use super::config::NpmConfig;
use super::name_is_valid;
use super::packument::{Integrity, Packument, VersionDoc};
use crate::parallel;
use crate::source::SourceError;
use crate::source::client::{Answer, Client, DOCUMENT_FRESH_MS, DOWNLOADS_COUNT_MAX, Reach, now_ms};

/// Largest packument read, in bytes.
pub const PACKUMENT_BYTES_MAX: u64 = 128 << 20;
/// Largest tarball read, in bytes. The runtime itself has 50 MiB.
pub const TARBALL_BYTES_MAX: u64 = 128 << 20;

/// A client of the registries of npm's configuration.
pub struct Registry {
    client: Client,
    config: NpmConfig,
    memory: Mutex<HashMap<String, (u64, Arc<Packument>)>>,
}

impl Registry {
    /// A client that keeps packuments below `cache`.
    #[must_use]
    pub fn new(config: NpmConfig, cache: PathBuf) -> Self {
        let registry = config.registry_of("");
        let token = config.token_of(&registry).map(|token| (registry.clone(), token.to_owned()));
        let reach =
            Reach { proxy: config.proxy().map(ToOwned::to_owned), cafile: config.cafile().map(Into::into), token };
        Self { client: Client::new(&reach, cache), config, memory: Mutex::default() }
    }

    /// What the registry says about a package; asked again when older than [`DOCUMENT_FRESH_MS`].
    ///
    /// # Errors
    /// [`SourceError::NoSuchPackage`], or why it could not be had.
    pub fn packument(&self, name: &str) -> Result<Arc<Packument>, SourceError> {
        if !name_is_valid(name) {
            return Err(SourceError::NoSuchPackage { name: name.chars().take(64).collect() });
        }
        if let Some((at, known)) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(name)
            && now_ms().saturating_sub(*at) < DOCUMENT_FRESH_MS
        {
            return Ok(known.clone());
        }
        let url = self.packument_url(name);
        let Some(document) = self.client.document(&url, "application/json", PACKUMENT_BYTES_MAX)? else {
            return Err(SourceError::NoSuchPackage { name: name.to_owned() });
        };
        let read = Packument::read(name, &document.bytes).map_err(|why| SourceError::BadAnswer { url, why })?;
        let read = Arc::new(read);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(name.to_owned(), (document.fetched_ms, read.clone()));
        Ok(read)
    }

    /// Has these packuments in memory, several at once. Errors are left for whoever asks for one of them.
    pub fn packuments_ahead(&self, names: &[&str]) {
        let known = |name: &&&str| self.memory.lock().unwrap_or_else(PoisonError::into_inner).contains_key(**name);
        let missing: Vec<&str> = names.iter().filter(|name| !known(name)).copied().collect();
        parallel::each(&missing, DOWNLOADS_COUNT_MAX, |name| self.packument(name).is_ok());
    }

    /// The bytes of a version's tarball, checked against the registry's record.
    ///
    /// # Errors
    /// [`SourceError::NoTarball`] where it is not served, [`SourceError::WrongDigest`] where it is another one.
    pub fn tarball(&self, name: &str, doc: &VersionDoc) -> Result<Vec<u8>, SourceError> {
        let version = doc.version.to_string();
        let url = self.tarball_url(name, &doc.tarball);
        let refused = |status| SourceError::NoTarball { name: name.to_owned(), version: version.clone(), status };
        if doc.integrity == Integrity::None {
            let why = format!("{name}@{version} has no digest in the registry's record and cannot be checked");
            return Err(SourceError::BadAnswer { url, why });
        }
        match self.client.get(&url, "*/*", None, TARBALL_BYTES_MAX)? {
            Answer::Body { bytes, .. } => {
                integrity_check(name, &version, &doc.integrity, &bytes)?;
                Ok(bytes)
            }
            Answer::Status(status) => Err(refused(status)),
            Answer::NotModified => Err(refused(304)),
        }
    }

    fn packument_url(&self, name: &str) -> String {
        format!("{}{}", self.config.registry_of(name), name.replace('/', "%2f"))
    }

    /// Records name the public registry even on a mirror, which serves the same paths: the configured one is asked.
    fn tarball_url(&self, name: &str, recorded: &str) -> String {
        let configured = self.config.registry_of(name);
        let public = NpmConfig::public_registry();
        let plain = public.replacen("https://", "http://", 1);
        match recorded.strip_prefix(&public).or_else(|| recorded.strip_prefix(&plain)) {
            Some(path) => format!("{configured}{path}"),
            None => recorded.to_owned(),
        }
    }
}

fn integrity_check(name: &str, version: &str, wanted: &Integrity, bytes: &[u8]) -> Result<(), SourceError> {
    let (found, matches) = match wanted {
        Integrity::Sha512(raw) => {
            let digest = Sha512::digest(bytes);
            (format!("sha512 {}", hex::encode(digest)), digest.as_slice() == raw.as_slice())
        }
        Integrity::Sha1(raw) => {
            let digest = Sha1::digest(bytes);
            (format!("sha1 {}", hex::encode(digest)), digest.as_slice() == raw.as_slice())
        }
        Integrity::None => ("unknown".into(), false),
    };
    if matches {
        return Ok(());
    }
    let wanted = wanted.file_name().unwrap_or_default();
    Err(SourceError::WrongDigest { name: name.into(), version: version.into(), found, wanted })
}
