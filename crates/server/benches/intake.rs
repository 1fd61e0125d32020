//! How many reports a second a whole server takes in, each answered after its commit, sealed at rest, on SQLite and on a
//! PostgreSQL that syncs; how long the slowest hundredth waits; and what becomes of twice as many at once: whatever got
//! a receipt must be there. The server is a process of its own; its clients share the cores with it. Prints; judges
//! nothing but that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use domain::deadline::MissingPoints;
use domain::party::{Role, TokenScope};
use serde_json::json;
use server::ServerConfig;
use service::ctx::Ctx;
use service::party::{PartyInput, TokenInput};
use service::{Service, ServiceConfig};
use store::StoreConfig;
use testkit::{postgres, sqlite_store};
use tokio::sync::oneshot;

/// What the bench says to a copy of itself that is to be the server.
const SERVER_VARIABLE: &str = "PROOFHOUSE_BENCH_INTAKE_SERVER";
/// How long each load lasts unless said otherwise, in seconds.
const LOAD_S: u64 = 20;
/// Clients of a load that is to be borne, each with one request at a time.
const CLIENTS: usize = 64;
/// Finders whom the clients work for, in a load of several.
const FINDERS: usize = 16;
/// Clients of a load that is to be shed: more than may be at work at once.
const CLIENTS_TOO_MANY: usize = 512;
/// Size of a report, in bytes.
const REPORT_BYTES: usize = 4_096;
/// The bars: reports a second on each store, and what the slowest hundredth may wait, in milliseconds.
const BARS: [(&str, f64); 2] = [("sqlite", 2_000.0), ("postgres", 1_000.0)];
const P99_MS_MAX: f64 = 250.0;

fn main() {
    if let Ok(store) = std::env::var(SERVER_VARIABLE) {
        serve(&store);
        return;
    }
    // Under `cargo test` a bench is only built.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let load_s = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(LOAD_S);
    for (store, bar) in BARS {
        let mut server = Server::start(store);
        println!("-- {store}, {load_s} s, reports of {REPORT_BYTES} bytes");
        let mut accepted = 0;
        for finders in [FINDERS, 1] {
            let before = server.cpu_s();
            let borne = load(&server, CLIENTS, finders, load_s);
            let cpu_ms = (server.cpu_s() - before) * 1e3 / borne.accepted as f64;
            println!(
                "{CLIENTS} clients of {finders}: {borne}; {cpu_ms:.2} ms of the server's CPU for each; {:.2} x the bar of {bar}/s, \
                 p99 at most {P99_MS_MAX} ms",
                borne.rate() / bar
            );
            accepted += borne.accepted;
        }
        let shed = load(&server, CLIENTS_TOO_MANY, FINDERS, load_s);
        println!("{CLIENTS_TOO_MANY} clients of {FINDERS}: {shed}");
        accepted += shed.accepted;
        let (there, drawn) = server.reports();
        println!("receipts given {accepted}, reports in the store {there}, of those with their finding drawn {drawn}");
        assert_eq!(there, accepted, "what got a receipt is in the store, and nothing twice");
    }
}

/// The server in a process of its own.
struct Server {
    process: Child,
    address: SocketAddr,
    /// One of each finder.
    tokens: Vec<String>,
    said: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(store: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(SERVER_VARIABLE, store).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut said = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace();
        let address = words.next().expect("the server says where it is").parse().unwrap();
        Self { address, tokens: words.map(str::to_owned).collect(), process, said }
    }

    /// CPU time that its process took so far, in seconds; that of PostgreSQL is not in it.
    fn cpu_s(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    /// How many reports it holds, and from how many of them a finding was drawn.
    fn reports(&mut self) -> (u64, u64) {
        self.process.stdin.as_mut().unwrap().write_all(b"count\n").unwrap();
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        let (all, drawn) = line.trim().split_once(' ').unwrap();
        (all.parse().unwrap(), drawn.parse().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // End of its input ends it.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// What came of a load.
struct Load {
    accepted: u64,
    refused: u64,
    seconds: f64,
    waits_ms: Vec<f64>,
}

impl Load {
    fn rate(&self) -> f64 {
        self.accepted as f64 / self.seconds
    }

    fn wait_ms(&self, part: f64) -> f64 {
        let at = ((self.waits_ms.len() as f64 * part) as usize).min(self.waits_ms.len().saturating_sub(1));
        self.waits_ms.get(at).copied().unwrap_or(0.0)
    }
}

impl std::fmt::Display for Load {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:.0} accepted a second ({} in all), {} shed; answers p50 {:.1} ms, p99 {:.1} ms, longest {:.1} ms",
            self.rate(),
            self.accepted,
            self.refused,
            self.wait_ms(0.5),
            self.wait_ms(0.99),
            self.wait_ms(1.0)
        )
    }
}

/// Number of the next report: no two are alike.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn load(server: &Server, clients: usize, finders: usize, load_s: u64) -> Load {
    let begun = Instant::now();
    let until = begun + Duration::from_secs(load_s);
    let address = server.address;
    let clients: Vec<_> = (0..clients)
        .map(|at| {
            let token = server.tokens[at % finders].clone();
            let client = thread::Builder::new().stack_size(256 << 10);
            client.spawn(move || client_run(address, &token, until)).unwrap()
        })
        .collect();
    let mut all = Load { accepted: 0, refused: 0, seconds: 0.0, waits_ms: Vec::new() };
    let mut receipts = HashSet::new();
    for client in clients {
        let (given, refused, waits_ms) = client.join().unwrap();
        all.accepted += given.len() as u64;
        all.refused += refused;
        all.waits_ms.extend(waits_ms);
        receipts.extend(given);
    }
    assert_eq!(receipts.len() as u64, all.accepted, "no receipt was given twice");
    all.seconds = begun.elapsed().as_secs_f64();
    all.waits_ms.sort_by(f64::total_cmp);
    all
}

/// One client: a report after the other over one connection. Where it is shed it comes again soon: far sooner than it is
/// asked to. Gives receipts, refusals, and how long each accepted report waited, in milliseconds.
fn client_run(address: SocketAddr, token: &str, until: Instant) -> (Vec<String>, u64, Vec<f64>) {
    let (mut receipts, mut refused, mut waits) = (Vec::new(), 0, Vec::new());
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    stream.get_ref().set_nodelay(true).unwrap();
    while Instant::now() < until {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let body = report(number);
        let head = format!(
            "POST /v1/reports HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        let asked = Instant::now();
        stream.get_mut().write_all(&[head.as_bytes(), body.as_bytes()].concat()).unwrap();
        let (status, answer) = answer(&mut stream);
        match status {
            202 => {
                waits.push(asked.elapsed().as_secs_f64() * 1e3);
                let receipt: serde_json::Value = serde_json::from_slice(&answer).unwrap();
                receipts.push(receipt["receipt"].as_str().unwrap().to_owned());
            }
            429 | 503 => {
                refused += 1;
                thread::sleep(Duration::from_millis(20));
            }
            other => panic!("{other}: {}", String::from_utf8_lossy(&answer)),
        }
    }
    (receipts, refused, waits)
}

fn answer(stream: &mut BufReader<TcpStream>) -> (u16, Vec<u8>) {
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).unwrap();
        let line = line.trim_end().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest[..3].parse().unwrap();
        } else if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().unwrap();
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (status, body)
}

fn report(number: u64) -> String {
    let report = |data: &str| {
        json!({
            "purl": format!("pkg:npm/package-{}@1.{}.0", number % 1_000, number % 10),
            "code_path": format!("lib/file{}.js", number % 50),
            "discovery_method": "fuzzing",
            "attachments": [{"filename": "report.txt", "data": data, "description": "what happens"}],
        })
        .to_string()
    };
    let empty = report("").len();
    let line = format!("report {number}: reads past the end of the buffer when the length is wrong. ");
    report(&line.repeat(REPORT_BYTES / line.len() + 1)[..REPORT_BYTES - empty])
}

/// Serves until the input ends; answers each line of it with the number of reports and of findings.
#[tokio::main]
async fn serve(store: &str) {
    let (temp, server);
    let config = if store == "postgres" {
        server = postgres::start_durable().unwrap();
        StoreConfig::Postgres { url: server.database().await, connections_max: 16 }
    } else {
        temp = sqlite_store();
        temp.config.clone()
    };
    let home = tempfile::tempdir().unwrap();
    let service = Service::open(ServiceConfig {
        home: home.path().to_owned(),
        store: config,
        init_exe: None,
        lease_s: service::job::JOB_LEASE_S,
        proof_needs: Vec::new(),
        store_bytes_max: None,
        waiting_max: u32::MAX,
        missing_points: MissingPoints::Safer,
        publisher: "Bench".to_owned(),
        public_url: "https://clearing.example".to_owned(),
        mail: None,
        outward: service::outward::OutwardConfig::default(),
    })
    .await
    .unwrap();
    let admin = service.admin_bootstrap("Clearinghouse", "Ada Admin").await.unwrap();
    let desk = Ctx::of(service.authenticate(&admin.secret.unwrap()).await.unwrap());
    let mut tokens = Vec::new();
    for at in 0..FINDERS {
        let input = PartyInput {
            name: format!("Finder {at}"),
            accountable: "Fay Finder".to_owned(),
            roles: vec![Role::Finder],
            contact: String::new(),
            packages: Vec::new(),
        };
        let finder = service.party_create(&desk, input).await.unwrap();
        let scopes = vec![TokenScope::Write];
        let input = TokenInput { label: "bench".to_owned(), scopes, life_days: 1 };
        tokens.push(service.token_issue(&desk, finder.members[0].id, input).await.unwrap().secret.unwrap());
    }
    let mut config = ServerConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    config.clerks = 1;
    config.limits.token_requests_per_minute = u32::MAX;
    config.limits.token_reports_per_hour = u32::MAX;
    let (bound, told) = oneshot::channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let counting = service.clone();
    let served = tokio::spawn(async move {
        server::serve(config, service, bound, async {
            let _ = stopped.await;
        })
        .await
    });
    println!("{} {}", told.await.unwrap(), tokens.join(" "));
    let line_read = || tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()).unwrap_or(0));
    while line_read().await.unwrap() > 0 {
        let counts = counting.job_counts().await.unwrap();
        let reports = counts.iter().filter(|count| count.kind == "report-process");
        let (mut all, mut done) = (0, 0);
        for count in reports {
            all += count.jobs;
            done += if count.state == store::job::JobState::Done { count.jobs } else { 0 };
        }
        println!("{all} {done}");
    }
    drop(stop);
    let _ = served.await;
}
