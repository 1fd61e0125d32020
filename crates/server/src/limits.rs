//! Every number the doors hold a client to, with its unit. The API description and the errors quote
//! these constants; [`crate::config::Limits`] lets an operator set some of them otherwise.
//!
//! Must not hold a rule: who applies a number is said where it is applied.

/// Body of a JSON request that carries no document, in bytes.
pub const JSON_BODY_BYTES_MAX: usize = 256 * 1_024;
/// Body of a report, in bytes (TAP: 3 MiB).
pub const REPORT_BODY_BYTES_MAX: usize = formats::tap::limits::REPORT_BODY_BYTES_MAX;
/// Body of a proof bundle, in bytes.
pub const BUNDLE_BODY_BYTES_MAX: usize = service::proof::BUNDLE_BYTES_MAX;
/// Body of an inventory with its envelope, in bytes: room for the largest document in base64.
pub const INVENTORY_BODY_BYTES_MAX: usize =
    service::inventory::INVENTORY_DOCUMENT_BYTES_MAX.div_ceil(3) * 4 + JSON_BODY_BYTES_MAX;
/// Body of a feed, in bytes.
pub const FEED_BODY_BYTES_MAX: usize = 32 * 1_024 * 1_024;
/// Body of a page's form, in bytes.
pub const FORM_BODY_BYTES_MAX: usize = 4 * 1_024;
/// Nesting of a JSON body, in levels of arrays and objects; checked before the body is parsed.
pub const JSON_LEVELS_MAX: usize = 64;
/// Violations listed in one answer.
pub const VIOLATIONS_LISTED_MAX: usize = 64;
/// Time for a body to arrive in full, in milliseconds.
pub const BODY_ARRIVAL_MS_MAX: u64 = 30_000;
/// Time for the head of a request to arrive, in milliseconds.
pub const HEAD_ARRIVAL_MS_MAX: u64 = 10_000;
/// Time for an answer to be made, in milliseconds.
pub const ANSWER_MS_MAX: u64 = 60_000;
/// Time that open requests get to finish when the server is told to stop, in milliseconds.
pub const DRAIN_MS_MAX: u64 = 20_000;
/// Requests at work at once; more are answered 503.
pub const REQUESTS_AT_ONCE_MAX: usize = 256;
/// Connections open at once; more wait to be accepted.
pub const CONNECTIONS_MAX: usize = 1_024;
/// Bytes of bodies held in memory at once by all requests; more are answered 503.
pub const BODIES_BYTES_MAX: usize = 512 * 1_024 * 1_024;
/// Requests of one token in a minute.
pub const TOKEN_REQUESTS_PER_MINUTE_MAX: u32 = 1_200;
/// Reports of one token in an hour.
pub const TOKEN_REPORTS_PER_HOUR_MAX: u32 = 1_000;
/// Requests without a token from one address (IPv6: one /64) in a minute.
pub const ADDRESS_REQUESTS_PER_MINUTE_MAX: u32 = 600;
/// Refused tokens from one address (IPv6: one /64) in a minute.
pub const ADDRESS_REFUSALS_PER_MINUTE_MAX: u32 = 60;
/// Registrations from one address (IPv6: one /64) in an hour.
pub const ADDRESS_REGISTRATIONS_PER_HOUR_MAX: u32 = 10;
/// Entries in each table of rate windows; the oldest windows go first.
pub const RATE_ENTRIES_MAX: usize = 65_536;
/// Seconds after which a client that was shed may come again.
pub const SHED_RETRY_S: u64 = 2;
/// Longest query string, in bytes.
pub const QUERY_BYTES_MAX: usize = 2_048;
/// Longest request id taken over from a client, in bytes.
pub const REQUEST_ID_BYTES_MAX: usize = 64;
/// How often an idle worker looks for a job that nothing woke it for, in milliseconds.
pub const WORKER_IDLE_MS: u64 = 3_000;
/// First pause of a worker after an error, in milliseconds; doubles with each further one.
pub const WORKER_PAUSE_MS_MIN: u64 = 250;
/// Longest pause of a worker after errors, in milliseconds.
pub const WORKER_PAUSE_MS_MAX: u64 = 30_000;
