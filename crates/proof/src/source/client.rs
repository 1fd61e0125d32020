//! The HTTP client of every registry: bounded answers, retries, and documents kept on disk with their ETags. Must not
//! know what a registry's documents mean.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use super::SourceError;
use crate::digest::Sha256Hex;
use crate::file;

/// Downloads at once.
pub const DOWNLOADS_COUNT_MAX: usize = 8;
/// How long a document is used without asking again, in milliseconds.
pub const DOCUMENT_FRESH_MS: u64 = 300_000;
/// How often one request is tried.
pub const TRIES_MAX: u32 = 4;
/// Wait before the second try, in milliseconds; doubled for each further one.
pub const RETRY_WAIT_MS: u64 = 250;
/// How long a connection may take to be made, in milliseconds.
pub const CONNECT_MS_MAX: u64 = 15_000;
/// How long one request may take in all, in milliseconds.
pub const REQUEST_MS_MAX: u64 = 300_000;

/// How a registry is reached, besides its address.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// A proxy's address.
    pub proxy: Option<String>,
    /// A file of certificates to trust instead of the system's.
    pub cafile: Option<PathBuf>,
    /// A token, and the beginning of the addresses it is for.
    pub token: Option<(String, String)>,
}

/// What a registry answered.
#[derive(Debug)]
pub enum Answer {
    /// 200.
    Body {
        /// What came.
        bytes: Vec<u8>,
        /// Its ETag.
        etag: Option<String>,
    },
    /// 304.
    NotModified,
    /// Any other status.
    Status(u16),
}

/// A document, and when it was fetched, in milliseconds since 1970.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// When it was fetched or confirmed.
    pub fetched_ms: u64,
}

/// First line of a cached document.
#[derive(Serialize, Deserialize)]
struct CacheHead {
    url: String,
    etag: Option<String>,
    fetched_ms: u64,
}

/// A client of one ecosystem's registries.
pub struct Client {
    agent: ureq::Agent,
    token: Option<(String, String)>,
    cache: PathBuf,
}

impl Client {
    /// A client that keeps documents below `cache`.
    #[must_use]
    pub fn new(reach: &Reach, cache: PathBuf) -> Self {
        let tls = TlsConfig::builder().root_certs(root_certs(reach.cafile.as_deref())).build();
        let mut builder = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .user_agent(concat!("proofhouse/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(Duration::from_millis(CONNECT_MS_MAX)))
            .timeout_global(Some(Duration::from_millis(REQUEST_MS_MAX)))
            .max_idle_connections_per_host(16);
        if let Some(proxy) = reach.proxy.as_deref().and_then(|url| ureq::Proxy::new(url).ok()) {
            builder = builder.proxy(Some(proxy));
        }
        Self { agent: builder.build().new_agent(), token: reach.token.clone(), cache }
    }

    /// A document that changes with time; asked for again when older than [`DOCUMENT_FRESH_MS`]. `None` where the
    /// registry does not have it (404 or 410).
    ///
    /// # Errors
    /// Why it could not be had.
    pub fn document(&self, url: &str, accept: &str, bytes_max: u64) -> Result<Option<Document>, SourceError> {
        let now = now_ms();
        let path = self.cache.join(format!("{}.document", Sha256Hex::of(url.as_bytes())));
        let cached = cache_read(&path).filter(|(head, _)| head.url == url);
        if let Some((head, body)) = &cached
            && now.saturating_sub(head.fetched_ms) < DOCUMENT_FRESH_MS
        {
            return Ok(Some(Document { bytes: body.clone(), fetched_ms: head.fetched_ms }));
        }
        let etag = cached.as_ref().and_then(|(head, _)| head.etag.clone());
        let answer = match self.get(url, accept, etag.as_deref(), bytes_max) {
            Ok(answer) => answer,
            Err(e @ SourceError::Unreachable { .. }) => {
                // Offline, what was known is better than nothing: exact bytes are still checked by digest.
                let Some((head, body)) = cached else { return Err(e) };
                tracing::warn!("a registry cannot be reached; using its last known answer");
                return Ok(Some(Document { bytes: body, fetched_ms: head.fetched_ms }));
            }
            Err(e) => return Err(e),
        };
        let bad = |why: String| SourceError::BadAnswer { url: url.to_owned(), why };
        let (bytes, etag) = match answer {
            Answer::Body { bytes, etag } => (bytes, etag),
            Answer::NotModified => match cached {
                Some((head, body)) => (body, head.etag),
                None => return Err(bad("304 without a cached answer".into())),
            },
            Answer::Status(404 | 410) => return Ok(None),
            Answer::Status(status) => return Err(bad(format!("status {status}"))),
        };
        let head = CacheHead { url: url.to_owned(), etag, fetched_ms: now };
        if let Err(e) = cache_write(&path, &head, &bytes) {
            tracing::warn!(error = %e, "a registry's document could not be kept");
        }
        Ok(Some(Document { bytes, fetched_ms: now }))
    }

    /// One answer, tried again where that may help.
    ///
    /// # Errors
    /// Why there is none.
    pub fn get(&self, url: &str, accept: &str, etag: Option<&str>, bytes_max: u64) -> Result<Answer, SourceError> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(SourceError::BadAnswer { url: url.into(), why: "not an http address".into() });
        }
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = self.get_once(url, accept, etag, bytes_max);
            let again = match &outcome {
                Ok(Answer::Status(status)) => *status == 429 || *status >= 500,
                Err(SourceError::Unreachable { .. }) => true,
                _ => false,
            };
            if !again || tries >= TRIES_MAX {
                return match outcome {
                    Ok(Answer::Status(status)) if status == 429 || status >= 500 => {
                        Err(SourceError::Unreachable { url: url.into(), why: format!("status {status}") })
                    }
                    other => other,
                };
            }
            thread::sleep(Duration::from_millis(RETRY_WAIT_MS << (tries - 1)));
        }
    }

    fn get_once(&self, url: &str, accept: &str, etag: Option<&str>, bytes_max: u64) -> Result<Answer, SourceError> {
        let mut request = self.agent.get(url).header("accept", accept);
        if accept == "*/*" {
            request = request.header("accept-encoding", "identity");
        }
        if let Some(etag) = etag {
            request = request.header("if-none-match", etag);
        }
        if let Some(token) = self.token_for(url) {
            let kind = if token.starts_with("Basic ") { "" } else { "Bearer " };
            request = request.header("authorization", format!("{kind}{token}"));
        }
        let unreachable = |e: &ureq::Error| SourceError::Unreachable { url: url.into(), why: e.to_string() };
        let mut response = request.call().map_err(|e| unreachable(&e))?;
        match response.status().as_u16() {
            200 => {}
            304 => return Ok(Answer::NotModified),
            other => return Ok(Answer::Status(other)),
        }
        let etag = response.headers().get("etag").and_then(|v| v.to_str().ok()).map(ToOwned::to_owned);
        match response.body_mut().with_config().limit(bytes_max).read_to_vec() {
            Ok(bytes) => Ok(Answer::Body { bytes, etag }),
            Err(ureq::Error::BodyExceedsLimit(_)) => Err(SourceError::TooLarge { url: url.into(), max: bytes_max }),
            Err(e) => Err(unreachable(&e)),
        }
    }

    /// A token goes to the registry it was configured for and nowhere else.
    fn token_for(&self, url: &str) -> Option<&str> {
        let (start, token) = self.token.as_ref()?;
        url.starts_with(start.as_str()).then_some(token.as_str())
    }
}

/// The certificates to trust: a client's own `cafile`, else the system's, else the ones of Mozilla that this program brings.
fn root_certs(cafile: Option<&Path>) -> RootCerts {
    if let Some(path) = cafile
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
    root_certs_of_system()
}

/// The system's certificates, else the ones of Mozilla that this program brings.
#[must_use]
pub fn root_certs_of_system() -> RootCerts {
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
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
