//! What the preload says from inside a box: read, authenticated by the one-time key, and never believed without it.
//!
//! Must not decide a verdict. Lines that do not carry a valid HMAC are counted and dropped: the program can write to
//! the same channel.

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The key of one run, known to the harness and to nobody else.
pub struct RunKey([u8; 32]);

impl RunKey {
    /// A fresh key.
    ///
    /// # Errors
    /// Where the system has no random bytes.
    pub fn fresh() -> std::io::Result<Self> {
        let mut raw = [0u8; 32];
        getrandom::fill(&mut raw).map_err(|e| std::io::Error::other(e.to_string()))?;
        Ok(Self(raw))
    }

    /// The key in hexadecimal, for the orders given on descriptor 3.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.0)
    }

    fn hmac(&self, message: &[u8]) -> [u8; 32] {
        let pad = |byte: u8| {
            let mut block = [byte; 64];
            for (b, k) in block.iter_mut().zip(self.0) {
                *b ^= k;
            }
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
        Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().into()
    }
}

/// The last word of a process on itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Which report of this process it is, from 1.
    pub seq: u32,
    /// At which end it was written: `exit`, `really-exit`, `abort`.
    pub how: String,
    /// Exit code as the process saw it.
    pub code: Option<i64>,
    /// How often text was compiled under a package's file name that is not that file's.
    pub disguised: u32,
    /// How often native code of a package was loaded. It shares the harness's memory, so its word on what happened
    /// inside the process is worth no more than the program's.
    pub native: u32,
    /// What is not as before on the shared prototypes.
    pub changes: Vec<Change>,
    /// What was seen through the hooks.
    pub events: Vec<Event>,
    /// The exception nobody caught.
    pub error: Option<Failure>,
}

/// A key of a shared prototype that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Which object, such as `Object.prototype`.
    pub on: String,
    /// The key.
    pub key: String,
    /// Whether the key is a symbol.
    pub symbol: bool,
    /// `added`, `changed` or `removed`.
    pub what: String,
    /// `typeof` of the new value, `accessor` or `none`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The new value, where it is short and plain.
    pub value: String,
}

/// Something seen through a hook, with the stack at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// `pollution`, `read`, `write`, `command` or `code`.
    pub kind: String,
    /// What exactly.
    pub detail: String,
    /// Innermost first; `None` where the program made it impossible to take the stack.
    pub frames: Option<Vec<Frame>>,
}

/// One frame of a stack, as the runtime names it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frame {
    /// File; empty for native and evaluated code.
    pub file: String,
    /// Function; empty for anonymous ones and top-level code.
    pub function: String,
    /// Class or constructor of the receiver; empty for none.
    #[serde(rename = "type")]
    pub receiver: String,
    /// Where evaluated code was made.
    pub origin: Option<String>,
}

/// An exception that nobody caught.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// `TypeError` and the like.
    pub name: String,
    /// Its message, cut.
    pub message: String,
    /// Its code, such as `MODULE_NOT_FOUND`.
    pub code: String,
    /// Its stack as text, cut.
    pub stack: String,
}

/// The last authentic report on a channel, and how many lines on it were not authentic.
#[must_use]
pub fn channel_read(channel: &[u8], key: &RunKey) -> (Option<Report>, u32) {
    let mut last: Option<Report> = None;
    let mut forged = 0;
    for line in channel.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
        match line_read(line, key) {
            Some(report) if last.as_ref().is_none_or(|l| report.seq > l.seq) => last = Some(report),
            Some(_) => {}
            None => forged += 1,
        }
    }
    (last, forged)
}

fn line_read(line: &[u8], key: &RunKey) -> Option<Report> {
    let rest = line.strip_prefix(b"PROOF1 ")?;
    let (mac, body) = rest.split_at_checked(64)?;
    let body = body.strip_prefix(b" ")?;
    let mac = hex::decode(mac).ok()?;
    let right = key.hmac(body);
    let differ = mac.iter().zip(right).fold(mac.len() ^ right.len(), |acc, (a, b)| acc | usize::from(a ^ b));
    if differ != 0 {
        return None;
    }
    serde_json::from_slice(body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(key: &RunKey, body: &str) -> String {
        format!("PROOF1 {} {body}\n", hex::encode(key.hmac(body.as_bytes())))
    }

    const BODY: &str =
        r#"{"seq":1,"how":"exit","code":0,"disguised":0,"native":0,"changes":[],"events":[],"error":null}"#;

    #[test]
    fn the_mac_is_hmac_sha256() {
        // RFC 4231, test case 1, its 20-byte key padded with zeros as HMAC does itself.
        let mut raw = [0u8; 32];
        raw[..20].fill(0x0b);
        let mac = RunKey(raw).hmac(b"Hi There");
        assert_eq!(hex::encode(mac), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    }

    #[test]
    fn only_authentic_lines_count_and_the_latest_wins() {
        let key = RunKey([9; 32]);
        let other = RunKey([8; 32]);
        let later = BODY.replace("\"seq\":1", "\"seq\":2").replace("exit", "abort");
        let channel = format!("fired\n{}{}{}{}", line(&other, BODY), line(&key, &later), line(&key, BODY), "PROOF1 zz");
        let (report, forged) = channel_read(channel.as_bytes(), &key);
        assert_eq!(report.unwrap().how, "abort");
        assert_eq!(forged, 3);
        assert_eq!(channel_read(b"", &key), (None, 0));
    }
}
