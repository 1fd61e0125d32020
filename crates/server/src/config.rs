//! How one server is set up: where it listens, what it holds its clients to, how many workers it runs.
//!
//! Must not read the environment: the program that starts the server does.

use std::net::SocketAddr;

use crate::limits;

/// How one server is set up.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// The address under which clients reach it, such as `https://clearing.example`. With `https`,
    /// cookies are `Secure` and browsers are told to stay with TLS. `None`: plain, on loopback.
    pub public_url: Option<String>,
    /// A secret that may read `/metrics` and nothing else. Without it only a coordinator's token may.
    pub metrics_token: Option<String>,
    /// Worker tasks in this process; 0 for a server that runs no proofs.
    pub workers: usize,
    /// Tasks for the jobs that run no proof, beside the workers, which do those as well.
    pub clerks: usize,
    /// What clients are held to.
    pub limits: Limits,
}

impl ServerConfig {
    /// A server on this address with every limit at its default and one worker.
    #[must_use]
    pub fn new(listen: SocketAddr) -> Self {
        Self { listen, public_url: None, metrics_token: None, workers: 1, clerks: 0, limits: Limits::default() }
    }

    /// Whether browsers reach this server over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }
}

/// The limits an operator may set; the others are constants of [`crate::limits`].
#[derive(Debug, Clone)]
pub struct Limits {
    /// Requests of one token in a minute.
    pub token_requests_per_minute: u32,
    /// Reports of one token in an hour.
    pub token_reports_per_hour: u32,
    /// Requests without a token from one address in a minute.
    pub address_requests_per_minute: u32,
    /// Refused tokens from one address in a minute.
    pub address_refusals_per_minute: u32,
    /// Registrations from one address in an hour.
    pub address_registrations_per_hour: u32,
    /// Requests at work at once.
    pub requests_at_once: usize,
    /// Connections open at once.
    pub connections: usize,
    /// Bytes of request bodies held in memory at once.
    pub bodies_bytes: usize,
    /// Time for a body to arrive, in milliseconds.
    pub body_arrival_ms: u64,
    /// Time for the head of a request to arrive, in milliseconds.
    pub head_arrival_ms: u64,
    /// Time for an answer to be made, in milliseconds.
    pub answer_ms: u64,
    /// Time to finish what is open when told to stop, in milliseconds.
    pub drain_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            token_requests_per_minute: limits::TOKEN_REQUESTS_PER_MINUTE_MAX,
            token_reports_per_hour: limits::TOKEN_REPORTS_PER_HOUR_MAX,
            address_requests_per_minute: limits::ADDRESS_REQUESTS_PER_MINUTE_MAX,
            address_refusals_per_minute: limits::ADDRESS_REFUSALS_PER_MINUTE_MAX,
            address_registrations_per_hour: limits::ADDRESS_REGISTRATIONS_PER_HOUR_MAX,
            requests_at_once: limits::REQUESTS_AT_ONCE_MAX,
            connections: limits::CONNECTIONS_MAX,
            bodies_bytes: limits::BODIES_BYTES_MAX,
            body_arrival_ms: limits::BODY_ARRIVAL_MS_MAX,
            head_arrival_ms: limits::HEAD_ARRIVAL_MS_MAX,
            answer_ms: limits::ANSWER_MS_MAX,
            drain_ms: limits::DRAIN_MS_MAX,
        }
    }
}
