//! What is looked up elsewhere to verify a registration: one small file over HTTPS, one TXT record.
//!
//! Where is a stranger's choice, so: addresses of this machine and of its networks are never connected to, and the address
//! that was judged is the one that is used. Must not say more of what was found there than whether it was right.
//!
//! Sources: the IANA registries of special-purpose addresses for IPv4 and IPv6 (RFC 6890).

use std::collections::HashSet;
use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use domain::id::RegistrationId;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::proto::rr::RData;
use proof::source::client::root_certs_of_system;
use thiserror::Error;
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

use crate::error::{Result, ServiceError};

/// Largest file, in bytes.
pub const CHALLENGE_FILE_BYTES_MAX: u64 = 4_096;
/// Time for one look-up, in milliseconds.
const LOOKUP_MS_MAX: u64 = 8_000;
/// Time until a server that is connected to begins to answer, in milliseconds.
const ANSWER_MS_MAX: u64 = 4_000;
/// Look-ups at once in one process, one for each registration: strangers ask for them, and each is little more than a wait.
const LOOKUPS_AT_ONCE_COUNT_MAX: usize = 32;
/// Records of one name that are looked at.
const RECORDS_COUNT_MAX: usize = 64;

/// How look-ups are made.
#[derive(Debug, Clone, Default)]
pub struct OutwardConfig {
    /// For tests and demos only: plain HTTP, and this machine's own addresses.
    pub is_loopback_allowed: bool,
    /// The name server that is asked for TXT records; the system's when absent.
    pub name_server: Option<SocketAddr>,
}

/// Why something could not be looked up. The same for what refuses, does not exist, or must not be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Unseen {
    #[error("nothing could be read there over HTTPS at a public address, within {LOOKUP_MS_MAX} ms")]
    Unreachable,
    #[error("it is not there: the answer was not 200, and redirects are not followed")]
    NotThere,
    #[error("what is there is longer than {CHALLENGE_FILE_BYTES_MAX} bytes, or no UTF-8")]
    NotText,
    #[error("no name server gave TXT records for it")]
    NoRecords,
}

/// Looks things up.
pub(crate) struct Outward {
    config: OutwardConfig,
    /// For whom something is looked up now.
    looking: Arc<Mutex<HashSet<RegistrationId>>>,
}

/// The right to look something up for one registration, until it is dropped.
pub(crate) struct Look {
    looking: Arc<Mutex<HashSet<RegistrationId>>>,
    of: RegistrationId,
}

impl Drop for Look {
    fn drop(&mut self) {
        self.looking.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.of);
    }
}

impl Outward {
    pub(crate) fn new(config: OutwardConfig) -> Self {
        Self { config, looking: Arc::default() }
    }

    /// Whether a file may be looked for at addresses of this machine, in the open.
    pub(crate) fn is_loopback_allowed(&self) -> bool {
        self.config.is_loopback_allowed
    }

    /// Begins to look something up for a registration.
    ///
    /// # Errors
    /// `Unavailable` when something is looked up for it already, or for too many others.
    pub(crate) fn look(&self, of: RegistrationId) -> Result<Look> {
        let mut looking = self.looking.lock().unwrap_or_else(PoisonError::into_inner);
        if looking.len() >= LOOKUPS_AT_ONCE_COUNT_MAX || !looking.insert(of) {
            let reason = "something is looked up for this registration already, or for too many others: come again in ten seconds";
            return Err(ServiceError::Unavailable(reason.to_owned()));
        }
        drop(looking);
        Ok(Look { looking: Arc::clone(&self.looking), of })
    }

    /// The text of a small file.
    ///
    /// # Errors
    /// The inner one when there is no such file.
    pub(crate) async fn file(&self, look: Look, url: &str) -> Result<std::result::Result<String, Unseen>> {
        let (url, is_loopback_allowed) = (url.to_owned(), self.config.is_loopback_allowed);
        let fetched = tokio::task::spawn_blocking(move || {
            // Until the end of the look-up, also when nobody waits for it any more.
            let _look = look;
            fetch(&url, is_loopback_allowed)
        });
        fetched.await.map_err(|e| crate::error::internal("look for a file", e))
    }

    /// The TXT records of a name, each as one text.
    ///
    /// # Errors
    /// `Unavailable` when look-ups cannot be set up; the inner one when there are no records.
    pub(crate) async fn records(&self, _look: Look, name: &str) -> Result<std::result::Result<Vec<String>, Unseen>> {
        let resolver = self.resolver().map_err(|e| ServiceError::Unavailable(format!("set up name look-ups: {e}")))?;
        let asked = tokio::time::timeout(Duration::from_millis(LOOKUP_MS_MAX), resolver.txt_lookup(name)).await;
        let Ok(Ok(lookup)) = asked else { return Ok(Err(Unseen::NoRecords)) };
        let text = |data: &RData| match data {
            RData::TXT(txt) => Some(txt.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect::<String>()),
            _ => None,
        };
        Ok(Ok(lookup.answers().iter().take(RECORDS_COUNT_MAX).filter_map(|record| text(&record.data)).collect()))
    }

    fn resolver(&self) -> std::result::Result<TokioResolver, hickory_resolver::net::NetError> {
        let mut builder = match self.config.name_server {
            None => TokioResolver::builder_tokio()?,
            Some(address) => {
                let (mut udp, mut tcp) = (ConnectionConfig::udp(), ConnectionConfig::tcp());
                (udp.port, tcp.port) = (address.port(), address.port());
                let server = NameServerConfig::new(address.ip(), true, vec![udp, tcp]);
                let config = ResolverConfig::from_name_servers(vec![server]);
                TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
            }
        };
        // A record that was just put there must be seen.
        builder.options_mut().cache_size = 0;
        builder.build()
    }
}

fn fetch(url: &str, is_loopback_allowed: bool) -> std::result::Result<String, Unseen> {
    let config = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(root_certs_of_system()).build())
        .https_only(!is_loopback_allowed)
        // What is verified is this address: what it leads to is somebody else's to say.
        .max_redirects(0)
        .timeout_recv_response(Some(Duration::from_millis(ANSWER_MS_MAX)))
        // A proxy would resolve the name itself.
        .proxy(None)
        .http_status_as_error(false)
        .user_agent(concat!("proofhouse/", env!("CARGO_PKG_VERSION")))
        .timeout_global(Some(Duration::from_millis(LOOKUP_MS_MAX)))
        .build();
    let resolver = PublicResolver { is_loopback_allowed, inner: DefaultResolver::default() };
    let agent = ureq::Agent::with_parts(config, DefaultConnector::default(), resolver);
    let answer = agent.get(url).call().map_err(|_| Unseen::Unreachable)?;
    if answer.status() != 200 {
        return Err(Unseen::NotThere);
    }
    let mut bytes = Vec::new();
    let mut reader = answer.into_body().into_reader().take(CHALLENGE_FILE_BYTES_MAX + 1);
    reader.read_to_end(&mut bytes).map_err(|_| Unseen::Unreachable)?;
    if bytes.len() as u64 > CHALLENGE_FILE_BYTES_MAX {
        return Err(Unseen::NotText);
    }
    String::from_utf8(bytes).map_err(|_| Unseen::NotText)
}

/// Gives public addresses only. A name with one address that is not public is refused as a whole. What it gives is what is
/// connected to: nobody resolves the name again.
#[derive(Debug)]
struct PublicResolver {
    is_loopback_allowed: bool,
    inner: DefaultResolver,
}

impl Resolver for PublicResolver {
    fn resolve(
        &self,
        uri: &ureq::http::Uri,
        config: &ureq::config::Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, ureq::Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let may = |ip: IpAddr| is_public(ip) || (self.is_loopback_allowed && ip.is_loopback());
        if found.iter().all(|address| may(address.ip())) { Ok(found) } else { Err(ureq::Error::HostNotFound) }
    }
}

/// Whether an address is one of the public internet.
pub(crate) fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127 | 224..=255, _, _)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// Global unicast without what stands for an IPv4 address, is kept for documents, or is used inside one site.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [a, b, ..] = ip.segments();
    let global = a & 0xe000 == 0x2000;
    // 2001::/23 are protocols' own (Teredo, ORCHID); 2002::/16 is 6to4; 2001:db8::/32 and 3fff::/20 are for documents.
    let special = (a == 0x2001 && (b < 0x200 || b == 0xdb8)) || a == 0x2002 || (a == 0x3fff && b < 0x1000);
    global && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for good in
            ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "198.20.0.1", "2606:4700::1111", "2a00:1450::1"]
        {
            assert!(is_public(good.parse().unwrap()), "{good}");
        }
        let bad = "0.0.0.0 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.254 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8 \
                   192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.0.1 198.51.100.7 203.0.113.9 224.0.0.1 240.0.0.1 \
                   255.255.255.255 :: ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 fc00::1 fd00:ec2::254 fe80::1 \
                   ff02::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 fec0::1 100::1";
        for bad in bad.split_whitespace() {
            assert!(!is_public(bad.parse().unwrap()), "{bad}");
        }
    }

    #[test]
    fn no_hop_leads_to_this_machine() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        listener.set_nonblocking(true).unwrap();
        for host in ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "2130706433", "0x7f.1", "127.1"] {
            for scheme in ["http", "https"] {
                let url = format!("{scheme}://{host}:{port}/proofhouse-challenge.txt");
                assert_eq!(fetch(&url, false), Err(Unseen::Unreachable), "{url}");
            }
        }
        assert!(listener.accept().is_err(), "somebody connected");
    }
}
