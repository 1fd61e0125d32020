//! The client of a clearinghouse's HTTP API: one request, one JSON answer, errors as people read them.
//!
//! Must not know a noun, and must never print a token. Every request that writes carries an
//! idempotency key, so that a try again after a broken connection has its effect once.

use std::io::Read;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use proof::source::client::root_certs_of_system;
use serde_json::Value;
use ureq::http::{Request, StatusCode};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};

use crate::output::{EXIT_ENVIRONMENT, EXIT_INPUT};

/// Largest answer that is read, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// Time for one request, in seconds.
const REQUEST_S_MAX: u64 = 120;
/// Largest file of certificates, in bytes.
const CA_BYTES_MAX: u64 = 4 << 20;
/// Tries of a request whose connection broke or that was answered 503.
const TRIES_MAX: u32 = 3;

/// Which clearinghouse, and as whom.
#[derive(Args, Debug, Clone)]
pub struct Server {
    /// Where the clearinghouse is
    #[arg(long, alias = "server", env = "PROOFHOUSE_URL", default_value = "http://127.0.0.1:8080", value_name = "URL")]
    pub url: String,
    /// Bearer token; better given in the environment, where other users cannot see it
    #[arg(long, env = "PROOFHOUSE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Certificates (PEM) that vouch for the clearinghouse, in place of the system's
    #[arg(long = "ca", env = "PROOFHOUSE_CA", value_name = "FILE", value_parser = authorities)]
    pub authorities: Option<RootCerts>,
}

/// Reads a file of certificates.
///
/// # Errors
/// In words: a file that cannot be read or names nobody is refused, so that nobody else is trusted by mistake.
pub fn authorities(path: &str) -> Result<RootCerts, String> {
    let bytes = std::fs::metadata(path).map_err(|e| e.to_string())?.len();
    if bytes > CA_BYTES_MAX {
        return Err(format!("{bytes} bytes; certificates have at most {CA_BYTES_MAX}"));
    }
    let pem = std::fs::read(Path::new(path)).map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    for item in parse_pem(&pem) {
        if let PemItem::Certificate(certificate) = item.map_err(|e| e.to_string())? {
            found.push(certificate);
        }
    }
    if found.is_empty() { Err("no certificate in PEM".to_owned()) } else { Ok(RootCerts::from(found)) }
}

/// Why a request did not give what was asked.
#[derive(Debug)]
pub enum ApiError {
    /// Nobody answered, or not in HTTP.
    Unreachable(String),
    /// The clearinghouse refused, with its reasons.
    Refused {
        /// The HTTP status.
        status: u16,
        /// One line for each reason.
        lines: Vec<String>,
    },
}

impl ApiError {
    /// Prints it and gives the exit code.
    pub fn exit(&self) -> ExitCode {
        match self {
            Self::Unreachable(what) => {
                eprintln!("error [unreachable]: {what}");
                ExitCode::from(EXIT_ENVIRONMENT)
            }
            Self::Refused { status, lines } => {
                for line in lines {
                    eprintln!("error [{status}]: {line}");
                }
                // Nothing is wrong with what was sent where it is only to be sent later.
                let later = *status == StatusCode::TOO_MANY_REQUESTS.as_u16();
                ExitCode::from(if *status >= 500 || later { EXIT_ENVIRONMENT } else { EXIT_INPUT })
            }
        }
    }
}

/// What came back.
struct Answer {
    status: StatusCode,
    bytes: Vec<u8>,
    /// `Retry-After`, in seconds; a date is not read.
    retry_after: Option<u64>,
}

/// What became of one request.
#[derive(Debug)]
pub enum Posted {
    /// It was taken.
    Taken(Value),
    /// Not now.
    Later {
        /// 429 or 503.
        status: u16,
        /// When to come back, in seconds, where it was told.
        after_s: Option<u64>,
        /// What it says of that.
        why: ApiError,
    },
}

/// One clearinghouse, with a token.
#[derive(Clone)]
pub struct Api {
    base: String,
    token: Option<String>,
    agent: ureq::Agent,
}

impl Api {
    /// A client; nothing is sent yet.
    pub fn new(server: &Server) -> Self {
        let roots = server.authorities.clone().unwrap_or_else(root_certs_of_system);
        let config = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_global(Some(Duration::from_secs(REQUEST_S_MAX)))
            .http_status_as_error(false)
            .max_redirects(0)
            .build();
        Self { base: server.url.trim_end_matches('/').to_owned(), token: server.token.clone(), agent: config.into() }
    }

    /// The same clearinghouse as somebody else.
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same clearinghouse as nobody.
    pub fn without_token(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// Reads a resource.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.send("GET", path, None, &[])
    }

    /// Reads a document byte for byte.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn get_bytes(&self, path: &str) -> Result<Vec<u8>, ApiError> {
        let Answer { status, bytes, .. } = self.exchange("GET", path, None, &[], None)?;
        if status.is_success() { Ok(bytes) } else { Err(refused(status, &bytes)) }
    }

    /// Reads a text.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn get_text(&self, path: &str) -> Result<String, ApiError> {
        String::from_utf8(self.get_bytes(path)?)
            .map_err(|_| ApiError::Unreachable(format!("{path}: the answer is not UTF-8")))
    }

    /// Writes: sends a JSON body.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.send("POST", path, Some("application/json"), body.to_string().as_bytes())
    }

    /// Writes: sends bytes of another kind.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn post_bytes(&self, path: &str, media_type: &str, body: &[u8]) -> Result<Value, ApiError> {
        self.send("POST", path, Some(media_type), body)
    }

    /// Sends JSON under a key of the caller's, by which it has its effect once however often it is sent. Without a second try of its
    /// own: a server that asks to come back later is not pressed.
    ///
    /// # Errors
    /// [`ApiError`], but not for 429 and 503.
    pub fn post_once(&self, path: &str, body: &[u8], key: &str) -> Result<Posted, ApiError> {
        let answer = self.exchange("POST", path, Some("application/json"), body, Some(key))?;
        if matches!(answer.status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            let why = refused(answer.status, &answer.bytes);
            return Ok(Posted::Later { status: answer.status.as_u16(), after_s: answer.retry_after, why });
        }
        if !answer.status.is_success() {
            return Err(refused(answer.status, &answer.bytes));
        }
        let odd = |e| ApiError::Unreachable(format!("{}{path}: the answer is not JSON: {e}", self.base));
        serde_json::from_slice(&answer.bytes).map(Posted::Taken).map_err(odd)
    }

    /// Replaces a document.
    ///
    /// # Errors
    /// [`ApiError`]
    pub fn put(&self, path: &str, media_type: &str, body: &[u8]) -> Result<Value, ApiError> {
        self.send("PUT", path, Some(media_type), body)
    }

    fn send(&self, method: &str, path: &str, media_type: Option<&str>, body: &[u8]) -> Result<Value, ApiError> {
        let key = if method == "GET" { None } else { Some(idempotency_key()?) };
        let mut tries = 0;
        loop {
            tries += 1;
            let answer = self.exchange(method, path, media_type, body, key.as_deref());
            match answer {
                Err(ApiError::Unreachable(_)) if tries < TRIES_MAX => {}
                Ok(Answer { status: StatusCode::SERVICE_UNAVAILABLE, .. }) if tries < TRIES_MAX => {}
                Ok(Answer { status, bytes, .. }) if status.is_success() => {
                    return serde_json::from_slice(&bytes).map_err(|e| {
                        ApiError::Unreachable(format!("{}{path}: the answer is not JSON: {e}", self.base))
                    });
                }
                Ok(Answer { status, bytes, .. }) => return Err(refused(status, &bytes)),
                Err(error) => return Err(error),
            }
            std::thread::sleep(Duration::from_millis(300 * u64::from(tries)));
        }
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        media_type: Option<&str>,
        body: &[u8],
        key: Option<&str>,
    ) -> Result<Answer, ApiError> {
        let unreachable = |e: &dyn std::fmt::Display| ApiError::Unreachable(format!("{}{path}: {e}", self.base));
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(media_type) = media_type {
            request = request.header("content-type", media_type);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let answer = if method == "GET" {
            self.agent.run(request.body(()).map_err(|e| unreachable(&e))?)
        } else {
            self.agent.run(request.body(body).map_err(|e| unreachable(&e))?)
        };
        let answer = answer.map_err(|e| unreachable(&e))?;
        let status = answer.status();
        let retry_after =
            answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let mut bytes = Vec::new();
        let mut reader = answer.into_body().into_reader().take(ANSWER_BYTES_MAX);
        reader.read_to_end(&mut bytes).map_err(|e| unreachable(&e))?;
        Ok(Answer { status, bytes, retry_after })
    }
}

fn idempotency_key() -> Result<String, ApiError> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).map_err(|e| ApiError::Unreachable(format!("no randomness from the system: {e}")))?;
    Ok(random.iter().map(|b| format!("{b:02x}")).collect())
}

/// The reasons of a problem document, each on a line.
fn refused(status: StatusCode, bytes: &[u8]) -> ApiError {
    let problem: Value = serde_json::from_slice(bytes).unwrap_or(Value::Null);
    let text = |v: &Value, field: &str| v.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = Vec::new();
    for error in problem.get("errors").and_then(Value::as_array).into_iter().flatten() {
        lines.push(format!("{}: {} [{}]", text(error, "field"), text(error, "reason"), text(error, "code")));
    }
    if lines.is_empty() {
        let detail = text(&problem, "detail");
        let title = text(&problem, "title");
        let what = if detail.is_empty() { title } else { detail };
        let fallback = status.canonical_reason().unwrap_or("refused");
        lines.push(if what.is_empty() { fallback.to_owned() } else { what });
    }
    ApiError::Refused { status: status.as_u16(), lines }
}

/// One text field of an answer, empty where there is none.
pub fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// The items of a page or of a list field.
pub fn items<'a>(value: &'a Value, field: &str) -> &'a [Value] {
    value.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
