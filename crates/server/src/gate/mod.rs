//! What stands before every handler: rate limits, load shedding, the cross-origin wall, request ids,
//! the log line and the metrics of each request.
//!
//! Must not know a resource, and must never log a body, a query or a secret.

pub mod load;
pub mod observe;
pub mod origin;
pub mod panics;
pub mod rate;
pub mod request_id;

use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::config::Limits;
use crate::http::problem::Problem;
use crate::limits::RATE_ENTRIES_MAX;
use rate::{AddressKey, RateTable, TokenKey};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// The address of the client's end of the connection, put into each request by the listener.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// Every rate limit of one server.
#[derive(Debug)]
pub struct Gates {
    token: RateTable<TokenKey>,
    reports: RateTable<TokenKey>,
    address: RateTable<AddressKey>,
    refusals: RateTable<AddressKey>,
    registrations: RateTable<AddressKey>,
}

impl Gates {
    /// Tables with these limits, all empty.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            token: RateTable::new(limits.token_requests_per_minute, MINUTE, RATE_ENTRIES_MAX),
            reports: RateTable::new(limits.token_reports_per_hour, HOUR, RATE_ENTRIES_MAX),
            address: RateTable::new(limits.address_requests_per_minute, MINUTE, RATE_ENTRIES_MAX),
            refusals: RateTable::new(limits.address_refusals_per_minute, MINUTE, RATE_ENTRIES_MAX),
            registrations: RateTable::new(limits.address_registrations_per_hour, HOUR, RATE_ENTRIES_MAX),
        }
    }

    /// Counts a request of a token that was accepted.
    ///
    /// # Errors
    /// 429.
    pub fn token(&self, secret: &str) -> Result<(), Problem> {
        let limited = |e: rate::Exceeded| {
            Problem::rate_limited("this token's requests of the minute are used up", e.retry_after_s)
        };
        self.token.take(token_key(secret), Instant::now()).map_err(limited)
    }

    /// Counts a report of a token (TAP: a fixed hour window).
    ///
    /// # Errors
    /// 429.
    pub fn report(&self, secret: &str) -> Result<(), Problem> {
        let limited =
            |e: rate::Exceeded| Problem::rate_limited("this token's reports of the hour are used up", e.retry_after_s);
        self.reports.take(token_key(secret), Instant::now()).map_err(limited)
    }

    /// Counts a request without a token.
    ///
    /// # Errors
    /// 429.
    pub fn anonymous(&self, address: IpAddr) -> Result<(), Problem> {
        let limited = |e: rate::Exceeded| {
            Problem::rate_limited("this address's requests of the minute are used up", e.retry_after_s)
        };
        self.address.take(address.into(), Instant::now()).map_err(limited)
    }

    /// Counts a new registration of an address.
    ///
    /// # Errors
    /// 429.
    pub fn registration(&self, address: IpAddr) -> Result<(), Problem> {
        let limited = |e: rate::Exceeded| {
            Problem::rate_limited("this address's registrations of the hour are used up", e.retry_after_s)
        };
        self.registrations.take(address.into(), Instant::now()).map_err(limited)
    }

    /// Whether an address may still try tokens.
    ///
    /// # Errors
    /// 429 after too many refused ones.
    pub fn may_try(&self, address: IpAddr) -> Result<(), Problem> {
        let limited =
            |e: rate::Exceeded| Problem::rate_limited("too many refused tokens from this address", e.retry_after_s);
        self.refusals.check(address.into(), Instant::now()).map_err(limited)
    }

    /// Counts a refused token.
    pub fn refused(&self, address: IpAddr) {
        let _ = self.refusals.take(address.into(), Instant::now());
    }
}

fn token_key(secret: &str) -> TokenKey {
    let digest = Sha256::digest(secret.as_bytes());
    let mut key = [0; 16];
    key.copy_from_slice(&digest[..16]);
    TokenKey(key)
}
