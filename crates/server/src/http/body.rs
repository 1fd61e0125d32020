//! Reads a request's body: checked for its media type before the first byte, bounded in bytes and
//! in time, and counted against the memory that all bodies may hold together.
//!
//! Must not parse, log or store what it reads.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::problem::Problem;

const PERMIT_BYTES: usize = 1_024;

/// The memory that bodies may hold together.
#[derive(Debug, Clone)]
pub struct BodyRoom(Arc<Semaphore>);

impl BodyRoom {
    /// Room for this many bytes.
    #[must_use]
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / PERMIT_BYTES).clamp(1, Semaphore::MAX_PERMITS))))
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Problem> {
        let permits = u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX);
        let full = |_| Problem::unavailable("too many large bodies at once; nothing was stored");
        Arc::clone(&self.0).try_acquire_many_owned(permits).map_err(full)
    }
}

/// A body in memory; its room is given back when it is dropped.
#[derive(Debug)]
pub struct Received {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// What parts them, where they came as `multipart/mixed`.
    pub boundary: Option<String>,
    _room: Option<OwnedSemaphorePermit>,
}

/// The one media type that a request names.
fn only_type(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (value, None) = (values.next()?, values.next()) else { return None };
    value.to_str().ok()
}

/// What a resource takes.
#[derive(Debug, Clone, Copy)]
pub struct BodyRule {
    /// Media type, without parameters.
    pub media_type: &'static str,
    /// Whether `multipart/mixed` is taken besides.
    pub or_multipart: bool,
    /// Largest body, in bytes.
    pub bytes_max: usize,
    /// Whether a request without any body is taken for an empty one.
    pub may_be_absent: bool,
}

impl BodyRule {
    /// Checks the head of a request: media type and declared length. The body is not read.
    ///
    /// # Errors
    /// 415 or 413.
    pub fn check_head(&self, headers: &HeaderMap) -> Result<(), Problem> {
        let declared = headers.get(header::CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let is_empty = declared.unwrap_or(0) == 0 && !headers.contains_key(header::TRANSFER_ENCODING);
        let needs_type = !(self.may_be_absent && is_empty);
        if needs_type && !self.is_taken(headers) {
            return Err(Problem::media_type(self.media_types()));
        }
        match declared {
            Some(bytes) if bytes > self.bytes_max as u64 => Err(Problem::body_too_large(self.bytes_max)),
            _ => Ok(()),
        }
    }

    fn media_types(&self) -> &'static str {
        if self.or_multipart { "application/json, multipart/mixed" } else { self.media_type }
    }

    /// What parts the body, where it is `multipart/mixed` and that is taken.
    #[must_use]
    pub fn boundary(&self, headers: &HeaderMap) -> Option<String> {
        let text =
            only_type(headers).filter(|_| self.or_multipart && !headers.contains_key(header::CONTENT_ENCODING))?;
        formats::tap::multipart_boundary(text)
    }

    fn is_taken(&self, headers: &HeaderMap) -> bool {
        let Some(text) = only_type(headers) else { return false };
        if self.boundary(headers).is_some() {
            return true;
        }
        let (essence, parameters) = text.split_once(';').unwrap_or((text, ""));
        let parameters = parameters.trim();
        // JSON is UTF-8 by its own standard; saying so is harmless, anything else is not.
        let plain = parameters.is_empty() || parameters.eq_ignore_ascii_case("charset=utf-8");
        essence.trim().eq_ignore_ascii_case(self.media_type) && plain && !headers.contains_key(header::CONTENT_ENCODING)
    }

    /// Reads the body.
    ///
    /// # Errors
    /// 408 when it does not arrive within `arrival_ms`, 413 when it is too large, 503 when there is
    /// no room for it, 400 when it breaks off.
    pub async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        arrival_ms: u64,
        room: &BodyRoom,
    ) -> Result<Received, Problem> {
        match tokio::time::timeout(Duration::from_millis(arrival_ms), self.collect(body, room)).await {
            Ok(received) => Ok(Received { boundary: self.boundary(headers), ..received? }),
            Err(_) => Err(Problem::body_late(arrival_ms)),
        }
    }

    async fn collect(&self, mut body: Body, room: &BodyRoom) -> Result<Received, Problem> {
        let mut bytes = Vec::new();
        let mut held: Option<OwnedSemaphorePermit> = None;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| Problem::body_broken())?;
            let Ok(data) = frame.into_data() else { continue };
            if bytes.len() + data.len() > self.bytes_max {
                return Err(Problem::body_too_large(self.bytes_max));
            }
            let more = room.take(data.len())?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
            bytes.extend_from_slice(&data);
        }
        Ok(Received { bytes, boundary: None, _room: held })
    }
}
