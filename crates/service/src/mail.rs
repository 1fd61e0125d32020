//! The mail server: sends one message, over TLS unless the server is on this machine.
//!
//! Must not let a word of a message or of a server's answer into an error: a server may repeat what it was sent. An error names
//! the step and the three digits of the answer, nothing else.
//!
//! Sources: RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 8314 (TLS from the first byte), RFC 4954 (AUTH).

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use lettre::address::{Address, Envelope};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, CertificateStore, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::error::{Result, ServiceError};
use crate::pace::is_address;

/// Time for one message, from the connection to the last answer, in milliseconds.
const MAIL_MS_MAX: u64 = 60_000;
/// Time for the connection, in milliseconds.
const CONNECT_MS_MAX: u64 = 10_000;
/// How long nobody connects after that failed, in milliseconds: a server that is away costs one wait, not one for each letter.
const AWAY_MS: u64 = 60_000;
/// Where mail servers take messages from programs (RFC 6409), and the same with TLS from the first byte (RFC 8314).
const PORT_SUBMISSION: u16 = 587;
const PORT_SUBMISSIONS: u16 = 465;

/// A mail server: `smtp://host:port`, or `smtps://host:port` for TLS from the first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailServer {
    host: String,
    port: u16,
    is_tls_first: bool,
}

/// Why a text names no mail server.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("smtp://HOST:PORT, or smtps://HOST:PORT for TLS from the first byte; without user, password or path")]
pub struct MalformedMailServer;

impl FromStr for MailServer {
    type Err = MalformedMailServer;

    fn from_str(text: &str) -> std::result::Result<Self, MalformedMailServer> {
        let (scheme, rest) = text.split_once("://").ok_or(MalformedMailServer)?;
        let (is_tls_first, usual) = match scheme {
            "smtp" => (false, PORT_SUBMISSION),
            "smtps" => (true, PORT_SUBMISSIONS),
            _ => return Err(MalformedMailServer),
        };
        let rest = rest.trim_end_matches('/');
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| MalformedMailServer)?),
            _ => (rest, usual),
        };
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let named = !host.is_empty() && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
        if !named && host.parse::<IpAddr>().is_err() {
            return Err(MalformedMailServer);
        }
        Ok(Self { host: host.to_owned(), port, is_tls_first })
    }
}

impl MailServer {
    /// Whether it is on this machine, where nobody listens in between.
    fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|a| a.is_loopback())
    }
}

/// How letters are sent.
#[derive(Clone)]
pub struct MailConfig {
    /// Through which server.
    pub server: MailServer,
    /// From which address.
    pub from: String,
    /// As which user, with which password.
    pub login: Option<(String, Zeroizing<String>)>,
    /// Certificates (PEM) that vouch for the server in place of the system's. With them TLS is needed on this machine as well.
    pub authorities: Option<Vec<u8>>,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailConfig({:?}, from {})", self.server, self.from)
    }
}

/// Why a message was not sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MailError {
    /// The server speaks plainly only, and is not on this machine.
    #[error("the mail server offers no TLS")]
    NoTls,
    /// It may go another time.
    #[error("{0}")]
    NotNow(String),
    /// The server will not take this message for this address.
    #[error("the mail server refused the letter ({0})")]
    Refused(String),
}

/// Sends messages.
pub struct Mailer {
    server: MailServer,
    from: String,
    login: Option<Credentials>,
    tls: TlsParameters,
    is_tls_needed: bool,
    hello: ClientId,
    /// Until when the server is taken to be away.
    away_until: Mutex<Option<Instant>>,
}

impl Mailer {
    /// Checks how messages are to be sent; connects to nobody yet. `host` is this clearinghouse's own name.
    ///
    /// # Errors
    /// `Unavailable` with one plain line.
    pub(crate) fn new(config: MailConfig, host: &str) -> Result<Self> {
        let plain = |what: &str| ServiceError::Unavailable(what.to_owned());
        if !is_address(&config.from) {
            return Err(plain("the address that letters come from is none: security@clearing.example is one"));
        }
        let mut tls = TlsParameters::builder(config.server.host.clone());
        if let Some(pem) = &config.authorities {
            let trusted = Certificate::from_pem(pem).map_err(|_| plain("the mail server's certificates are no PEM"))?;
            tls = tls.certificate_store(CertificateStore::None).add_root_certificate(trusted);
        }
        let tls = tls.build().map_err(|_| plain("the mail server's certificates cannot be used"))?;
        let is_tls_needed = config.authorities.is_some() || !config.server.is_loopback();
        let login = config.login.map(|(user, password)| Credentials::new(user, password.as_str().to_owned()));
        let hello = match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(v4)) => ClientId::Ipv4(v4),
            Ok(IpAddr::V6(v6)) => ClientId::Ipv6(v6),
            Err(_) => ClientId::Domain(host.to_owned()),
        };
        Ok(Self {
            server: config.server,
            from: config.from,
            login,
            tls,
            is_tls_needed,
            hello,
            away_until: Mutex::new(None),
        })
    }

    /// The address that letters come from.
    pub(crate) fn from(&self) -> &str {
        &self.from
    }

    /// Connects, logs in and leaves: whether letters can be sent.
    ///
    /// # Errors
    /// [`MailError`]
    pub(crate) async fn probe(&self) -> std::result::Result<(), MailError> {
        in_time(async {
            let mut connection = self.connect().await?;
            // It answered all that was asked; how it says goodbye does not matter.
            let _ = connection.quit().await;
            Ok(())
        })
        .await
    }

    /// Sends a message of plain ASCII to one address. After `Ok` the server has it.
    ///
    /// # Errors
    /// [`MailError`]. A message may have arrived although the answer did not.
    pub(crate) async fn send(&self, to: &str, message: &[u8]) -> std::result::Result<(), MailError> {
        let address = |text: &str| text.parse::<Address>().map_err(|_| MailError::Refused("no address".to_owned()));
        let envelope = Envelope::new(Some(address(&self.from)?), vec![address(to)?]);
        let envelope = envelope.map_err(|_| MailError::Refused("no address".to_owned()))?;
        in_time(async {
            let mut connection = self.connect_unless_away().await?;
            connection.send(&envelope, message).await.map_err(|e| match e.status() {
                Some(code) if e.is_permanent() => MailError::Refused(code.to_string()),
                _ => not_now("sending", &e),
            })?;
            let _ = connection.quit().await;
            Ok(())
        })
        .await
    }

    /// Connects, unless that failed a moment ago.
    async fn connect_unless_away(&self) -> std::result::Result<AsyncSmtpConnection, MailError> {
        let away = || self.away_until.lock().unwrap_or_else(PoisonError::into_inner);
        if away().is_some_and(|until| Instant::now() < until) {
            return Err(MailError::NotNow("the mail server could not be reached a moment ago".to_owned()));
        }
        let time = Duration::from_millis(CONNECT_MS_MAX);
        let late = || MailError::NotNow("the mail server did not answer in time".to_owned());
        let connected = tokio::time::timeout(time, self.connect()).await.unwrap_or_else(|_| Err(late()));
        *away() = connected.is_err().then(|| Instant::now() + Duration::from_millis(AWAY_MS));
        connected
    }

    async fn connect(&self) -> std::result::Result<AsyncSmtpConnection, MailError> {
        let address = (self.server.host.as_str(), self.server.port);
        let first = self.server.is_tls_first.then(|| self.tls.clone());
        let time = Some(Duration::from_millis(MAIL_MS_MAX));
        let connected = AsyncSmtpConnection::connect_tokio1(address, time, &self.hello, first, None).await;
        let mut connection = connected.map_err(|e| not_now("connecting", &e))?;
        if !self.server.is_tls_first && self.is_tls_needed {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(MailError::NoTls);
            }
            connection.starttls(self.tls.clone(), &self.hello).await.map_err(|e| not_now("beginning TLS", &e))?;
        }
        if let Some(login) = &self.login {
            let ways = [Mechanism::Plain, Mechanism::Login];
            connection.auth(&ways, login).await.map_err(|e| not_now("logging in", &e))?;
        }
        Ok(connection)
    }
}

async fn in_time<T>(
    work: impl Future<Output = std::result::Result<T, MailError>>,
) -> std::result::Result<T, MailError> {
    let late = || MailError::NotNow("the mail server did not answer in time".to_owned());
    tokio::time::timeout(Duration::from_millis(MAIL_MS_MAX), work).await.map_err(|_| late())?
}

/// What went wrong, in our words alone.
fn not_now(doing: &str, error: &lettre::transport::smtp::Error) -> MailError {
    let what = match error.status() {
        Some(code) => format!("it answered {code}"),
        None if error.is_tls() || is_tls_broken(error) => {
            "its certificate is not trusted, or it speaks no TLS".to_owned()
        }
        None if error.is_timeout() => "it did not answer in time".to_owned(),
        None if error.is_client() => "it does not offer what is needed".to_owned(),
        None => "the connection failed".to_owned(),
    };
    MailError::NotNow(format!("{doing} at the mail server: {what}"))
}

/// Whether what came was no TLS that we trust: then the system's error holds one of rustls's.
fn is_tls_broken(error: &lettre::transport::smtp::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if inner.downcast_ref::<io::Error>().is_some_and(|e| e.kind() == io::ErrorKind::InvalidData) {
            return true;
        }
        source = inner.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str) -> Option<(String, u16, bool, bool)> {
        text.parse::<MailServer>().ok().map(|s| (s.host.clone(), s.port, s.is_tls_first, s.is_loopback()))
    }

    #[test]
    fn a_mail_server_is_named_by_a_short_url() {
        let some = |host: &str, port, tls, near| Some((host.to_owned(), port, tls, near));
        assert_eq!(check("smtp://mail.example"), some("mail.example", 587, false, false));
        assert_eq!(check("smtps://mail.example/"), some("mail.example", 465, true, false));
        assert_eq!(check("smtp://127.0.0.1:2525"), some("127.0.0.1", 2525, false, true));
        assert_eq!(check("smtp://[::1]:25"), some("::1", 25, false, true));
        assert_eq!(check("smtp://[::1]"), some("::1", 587, false, true));
        assert_eq!(check("smtp://localhost:25"), some("localhost", 25, false, true));
        for bad in
            ["mail.example", "http://mail.example", "smtp://", "smtp://a:b@mail.example", "smtp://mail.example:x"]
        {
            assert_eq!(check(bad), None, "{bad}");
        }
    }
}
