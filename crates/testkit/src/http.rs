//! A small HTTP client for tests: it sends exactly the bytes it is told to and keeps exactly the
//! bytes that come back, which a polite client would not.
//!
//! Must not retry, follow, decode or add anything.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a test waits for an answer before it fails, in seconds.
const ANSWER_S_MAX: u64 = 60;

/// A request in the making.
#[derive(Debug, Clone)]
pub struct Ask {
    address: SocketAddr,
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

/// An answer, as it came.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers in the order they came, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Ask {
    /// A request to a server.
    #[must_use]
    pub fn new(address: SocketAddr, method: &str, target: &str) -> Self {
        Self { address, method: method.to_owned(), target: target.to_owned(), headers: Vec::new(), body: None }
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With a bearer token.
    #[must_use]
    pub fn token(self, secret: &str) -> Self {
        self.header("authorization", &format!("Bearer {secret}"))
    }

    /// With an idempotency key.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    /// With a JSON body.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string().as_bytes())
    }

    /// With a body of this media type.
    #[must_use]
    pub fn body(mut self, media_type: &str, body: &[u8]) -> Self {
        self.body = Some(body.to_vec());
        self.header("content-type", media_type)
    }

    /// The head of the request as it is sent, with the length of the body.
    #[must_use]
    pub fn head(&self) -> String {
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.method, self.target, self.address);
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        let is_said = self.headers.iter().any(|(name, _)| name == "content-length" || name == "transfer-encoding");
        if !is_said && (self.body.is_some() || self.method == "POST" || self.method == "PUT") {
            head.push_str(&format!("content-length: {}\r\n", self.body.as_ref().map_or(0, Vec::len)));
        }
        head.push_str("\r\n");
        head
    }

    /// Sends it and reads the answer.
    ///
    /// # Panics
    /// When the server does not answer.
    pub async fn send(self) -> Reply {
        let head = self.head();
        let mut stream = connect(self.address).await;
        // A server that refuses early may close before everything was sent; its answer counts.
        let _ = stream.write_all(head.as_bytes()).await;
        if let Some(body) = &self.body {
            let _ = stream.write_all(body).await;
        }
        read(stream).await
    }

    /// Sends it and checks the status.
    ///
    /// # Panics
    /// When the status is another one.
    pub async fn expect(self, status: u16) -> Reply {
        let what = format!("{} {}", self.method, self.target);
        let reply = self.send().await;
        assert_eq!(reply.status, status, "{what}: {}", reply.text());
        reply
    }
}

/// Opens a connection.
///
/// # Panics
/// When nobody listens.
pub async fn connect(address: SocketAddr) -> TcpStream {
    match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(e) => panic!("connect to {address}: {e}"),
    }
}

/// Reads one answer to its end.
///
/// # Panics
/// When none comes.
pub async fn read(mut stream: TcpStream) -> Reply {
    let mut bytes = Vec::new();
    let all = tokio::time::timeout(Duration::from_secs(ANSWER_S_MAX), stream.read_to_end(&mut bytes));
    match all.await {
        Err(_) => panic!("no answer within {ANSWER_S_MAX} s"),
        Ok(Err(e)) if bytes.is_empty() => panic!("read an answer: {e}"),
        // A connection that is cut after the answer still gave the answer.
        Ok(_) => parse(&bytes),
    }
}

fn parse(bytes: &[u8]) -> Reply {
    let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else {
        panic!("not an HTTP answer: {:?}", String::from_utf8_lossy(&bytes[..bytes.len().min(200)]));
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|l| l.split(' ').nth(1)).and_then(|s| s.parse().ok());
    let Some(status) = status else { panic!("no status in {head}") };
    let pair = |line: &str| line.split_once(": ").map(|(n, v)| (n.to_ascii_lowercase(), v.to_owned()));
    Reply { status, headers: lines.filter_map(pair).collect(), body: bytes[end + 4..].to_vec() }
}

impl Reply {
    /// A header's value.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        match serde_json::from_slice(&self.body) {
            Ok(value) => value,
            Err(e) => panic!("{} is not JSON: {e}", self.text()),
        }
    }

    /// The `code` of a refusal.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The violations of a refusal, as `field code`.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        let word = |e: &Value, name: &str| e[name].as_str().unwrap_or_default().to_owned();
        let json = self.json();
        let errors = json["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| format!("{} {}", word(e, "field"), word(e, "code"))).collect()
    }

    /// Everything of the answer but its request id and date: what two answers are compared by.
    #[must_use]
    pub fn comparable(&self) -> (u16, Vec<(String, String)>, String) {
        let kept = |(name, _): &&(String, String)| name != "x-request-id" && name != "date";
        (self.status, self.headers.iter().filter(kept).cloned().collect(), self.text())
    }
}
