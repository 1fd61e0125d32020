//! Talks to the registry: packuments with a disk cache and ETags, tarballs whose digest is checked before anyone sees
//! them. Must not unpack or interpret a tarball.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha1::Sha1;
use sha2::{Digest as _, Sha512};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::config::NpmConfig;
use super::packument::{Integrity, Packument, VersionDoc};
use super::{NpmError, name_is_valid};
use crate::digest::Sha256Hex;
use crate::file;
use crate::parallel;

/// Largest packument read, in bytes.
pub const PACKUMENT_BYTES_MAX: u64 = 128 << 20;
/// Largest tarball read, in bytes. The runtime itself has 50 MiB.
pub const TARBALL_BYTES_MAX: u64 = 128 << 20;
/// Downloads at once.
pub const DOWNLOADS_COUNT_MAX: usize = 8;
/// How long a packument is used without asking again, in milliseconds.
pub const PACKUMENT_FRESH_MS: u64 = 300_000;
/// How often one request is tried.
pub const TRIES_MAX: u32 = 4;
/// Wait before the second try, in milliseconds; doubled for each further one.
pub const RETRY_WAIT_MS: u64 = 250;
/// How long a connection may take to be made, in milliseconds.
pub const CONNECT_MS_MAX: u64 = 15_000;
/// How long one request may take in all, in milliseconds.
pub const REQUEST_MS_MAX: u64 = 300_000;

/// A client of the registries of npm's configuration.
pub struct Registry {
    agent: ureq::Agent,
    config: NpmConfig,
    cache: PathBuf,
    memory: Mutex<HashMap<String, (u64, Arc<Packument>)>>,
}

/// First line of a cached packument.
#[derive(Serialize, Deserialize)]
struct CacheHead {
    url: String,
    etag: Option<String>,
    fetched_ms: u64,
}

enum Answer {
    Body { bytes: Vec<u8>, etag: Option<String> },
    NotModified,
    Status(u16),
}

impl Registry {
    /// A client that keeps packuments below `cache`.
    #[must_use]
    pub fn new(config: NpmConfig, cache: PathBuf) -> Self {
        let tls = TlsConfig::builder().root_certs(root_certs(&config)).build();
        let mut builder = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .user_agent(concat!("proofhouse/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_millis(CONNECT_MS_MAX)))
            .timeout_global(Some(Duration::from_millis(REQUEST_MS_MAX)))
            .max_idle_connections_per_host(16);
        if let Some(proxy) = config.proxy().and_then(|url| ureq::Proxy::new(url).ok()) {
            builder = builder.proxy(Some(proxy));
        }
        Self { agent: builder.build().new_agent(), config, cache, memory: Mutex::default() }
    }

    /// What the registry says about a package; asked again when older than [`PACKUMENT_FRESH_MS`].
    ///
    /// # Errors
    /// [`NpmError::NoSuchPackage`], or why it could not be had.
    pub fn packument(&self, name: &str) -> Result<Arc<Packument>, NpmError> {
        if !name_is_valid(name) {
            return Err(NpmError::NoSuchPackage { name: name.chars().take(64).collect() });
        }
        let now = now_ms();
        if let Some((at, known)) = self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(name)
            && now.saturating_sub(*at) < PACKUMENT_FRESH_MS
        {
            return Ok(known.clone());
        }
        let (fetched_ms, bytes) = self.packument_bytes(name, now)?;
        let url = self.packument_url(name);
        let read = Packument::read(name, &bytes).map_err(|why| NpmError::BadAnswer { url, why })?;
        let read = Arc::new(read);
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.insert(name.to_owned(), (fetched_ms, read.clone()));
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
    /// [`NpmError::NoTarball`] where it is not served, [`NpmError::WrongDigest`] where it is another one.
    pub fn tarball(&self, name: &str, doc: &VersionDoc) -> Result<Vec<u8>, NpmError> {
        let version = doc.version.to_string();
        let url = self.tarball_url(name, &doc.tarball);
        let refused = |status| NpmError::NoTarball { name: name.to_owned(), version: version.clone(), status };
        if doc.integrity == Integrity::None {
            let why = format!("{name}@{version} has no digest in the registry's record and cannot be checked");
            return Err(NpmError::BadAnswer { url, why });
        }
        match self.get(&url, "*/*", None, TARBALL_BYTES_MAX)? {
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

    fn packument_bytes(&self, name: &str, now: u64) -> Result<(u64, Vec<u8>), NpmError> {
        let url = self.packument_url(name);
        let path = self.cache.join(format!("{}.packument", Sha256Hex::of(url.as_bytes())));
        let cached = cache_read(&path).filter(|(head, _)| head.url == url);
        if let Some((head, body)) = &cached
            && now.saturating_sub(head.fetched_ms) < PACKUMENT_FRESH_MS
        {
            return Ok((head.fetched_ms, body.clone()));
        }
        let etag = cached.as_ref().and_then(|(head, _)| head.etag.clone());
        let answer = match self.get(&url, "application/json", etag.as_deref(), PACKUMENT_BYTES_MAX) {
            Ok(answer) => answer,
            Err(e @ NpmError::Unreachable { .. }) => {
                // Offline, what was known is better than nothing: exact bytes are still checked by digest.
                let Some((head, body)) = cached else { return Err(e) };
                tracing::warn!(package = name, "the registry cannot be reached; using its last known answer");
                return Ok((head.fetched_ms, body));
            }
            Err(e) => return Err(e),
        };
        let (bytes, etag) = match answer {
            Answer::Body { bytes, etag } => (bytes, etag),
            Answer::NotModified => match cached {
                Some((head, body)) => (body, head.etag),
                None => return Err(NpmError::BadAnswer { url, why: "304 without a cached answer".into() }),
            },
            Answer::Status(404 | 410) => return Err(NpmError::NoSuchPackage { name: name.to_owned() }),
            Answer::Status(status) => return Err(NpmError::BadAnswer { url, why: format!("status {status}") }),
        };
        let head = CacheHead { url, etag, fetched_ms: now };
        if let Err(e) = cache_write(&path, &head, &bytes) {
            tracing::warn!(error = %e, "a packument could not be kept");
        }
        Ok((now, bytes))
    }

    fn get(&self, url: &str, accept: &str, etag: Option<&str>, bytes_max: u64) -> Result<Answer, NpmError> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(NpmError::BadAnswer { url: url.into(), why: "not an http address".into() });
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.get_once(url, accept, etag, bytes_max);
            let again = match &outcome {
                Ok(Answer::Status(status)) => *status == 429 || *status >= 500,
                Err(NpmError::Unreachable { .. }) => true,
                _ => false,
            };
            if !again || tries >= TRIES_MAX {
                return match outcome {
                    Ok(Answer::Status(status)) if status == 429 || status >= 500 => {
                        Err(NpmError::Unreachable { url: url.into(), why: format!("status {status}") })
                    }
                    other => other,
                };
            }
            thread::sleep(Duration::from_millis(RETRY_WAIT_MS << (tries - 1)));
        }
    }

    fn get_once(&self, url: &str, accept: &str, etag: Option<&str>, bytes_max: u64) -> Result<Answer, NpmError> {
        let mut request = self.agent.get(url).header("accept", accept);
        if accept == "*/*" {
            request = request.header("accept-encoding", "identity");
        }
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        if let Some(token) = self.token_for(url) {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let unreachable = |e: &ureq::Error| NpmError::Unreachable { url: url.into(), why: e.to_string() };
        let mut response = request.call().map_err(|e| unreachable(&e))?;
        match response.status().as_u16() {
            200 => {}
            304 => return Ok(Answer::NotModified),
            other => return Ok(Answer::Status(other)),
        }
        let etag = response.headers().get("etag").and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        match response.body_mut().with_config().limit(bytes_max).read_to_vec() {
            Ok(bytes) => Ok(Answer::Body { bytes, etag }),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(NpmError::TooLarge { url: url.into(), max: bytes_max }),
            Err(e) => Err(unreachable(&e)),
        }
    }

    /// A token goes to the registry it was configured for and nowhere else.
    fn token_for(&self, url: &str) -> Option<&str> {
        let registry = self.config.registry_of("");
        url.starts_with(&registry).then(|| self.config.token_of(&registry)).flatten()
    }
}

fn integrity_check(name: &str, version: &str, wanted: &Integrity, bytes: &[u8]) -> Result<(), NpmError> {
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
    Err(NpmError::WrongDigest { name: name.into(), version: version.into(), found, wanted })
}

/// The certificates to trust: npm's `cafile`, else the system's, else the ones of Mozilla that this program brings.
fn root_certs(config: &NpmConfig) -> RootCerts {
    if let Some(path) = config.cafile()
        && let Ok(pem) = fs::read(path)
    {
        let certs: Vec<_> = parse_pem(&pem)
            .filter_map(|item| match item {
                Ok(PemItem::Certificate(cert)) => Some(cert),
                _ => None,
            })
            .collect();
        if !certs.is_empty() {
            return RootCerts::from(certs);
        }
    }
    const SYSTEM: [&str; 5] = [
        "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
        "/etc/ssl/ca-bundle.pem",
        "/etc/ssl/cert.pem",
    ];
    let named = ["SSL_CERT_FILE", "SSL_CERT_DIR"].iter().any(|key| std::env::var_os(key).is_some());
    if named || SYSTEM.iter().any(|path| Path::new(path).exists()) {
        RootCerts::PlatformVerifier
    } else {
        RootCerts::WebPki
    }
}

fn cache_read(path: &Path) -> Option<(CacheHead, Vec<u8>)> {
    let raw = fs::read(path).ok()?;
    let end = raw.iter().position(|b| *b == b'\n')?;
    let head = serde_json::from_slice(&raw[..end]).ok()?;
    Some((head, raw[end + 1..].to_vec()))
}

fn cache_write(path: &Path, head: &CacheHead, body: &[u8]) -> io::Result<()> {
    let mut raw = serde_json::to_vec(head)?;
    raw.push(b'\n');
    raw.extend_from_slice(body);
    file::write_whole(path, &raw)
}

/// Milliseconds since 1970.
fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
