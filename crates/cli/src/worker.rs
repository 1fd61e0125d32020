//! `proofhouse worker`: takes proof jobs from a clearinghouse on another machine, runs them here, and posts what they
//! showed. Must not decide: the work is the same as a worker of the server does.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use clap::Args;
use proof::bundle::manifest::RuntimeKind;
use proof::{Engine, EngineConfig};
use serde_json::{Value, json};
use service::ServiceError;
use service::work::{self, Material, Outcome, Progressing, WorkKind};
use ureq::tls::RootCerts;

use crate::api::{Api, ApiError, Server, authorities, items, text};
use crate::output::{self, EXIT_INPUT, STORE_BYTES_DEFAULT};
use crate::serve::{runtime, stop_asked};

/// Pause before an idle worker asks again, in milliseconds.
const IDLE_MS: u64 = 1_000;
/// Longest pause while the clearinghouse does not answer, in milliseconds.
const PAUSE_MS_MAX: u64 = 30_000;
/// How often a pause looks whether the worker is to stop, in milliseconds.
const SLICE_MS: u64 = 100;
/// Tries to post an outcome, with pauses that grow to [`PAUSE_MS_MAX`]: some minutes.
const OUTCOME_TRIES_MAX: u32 = 12;
/// Largest token file, in bytes.
const TOKEN_BYTES_MAX: u64 = 4_096;
/// Longest reason of a failure that is sent, in bytes.
const FAILURE_BYTES_MAX: usize = 2_000;

/// Takes proof jobs from a clearinghouse and runs them on this machine.
///
/// It may be killed at any time: its job is given to another when its lease ends. On SIGTERM or Ctrl-C it ends after
/// its job; on the second, at once. Several workers of one machine may share one data folder.
/// Exit codes: 0 stopped when told to, 2 bad use, token or key, 3 this machine.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse worker --show-key      # a coordinator registers it: proofhouse party worker-key MEMBER --key FILE\n  proofhouse worker --server https://clearing.example --token-file token\n  proofhouse worker --server https://clearing.example --token-file token --label runtime=node --zone enclave --store-bytes-max 50GiB"
)]
pub struct Worker {
    /// Where the clearinghouse is
    #[arg(long, env = "PROOFHOUSE_URL", value_name = "URL", required_unless_present = "show_key")]
    server: Option<String>,
    /// A file with the worker's token
    #[arg(long, value_name = "FILE", required_unless_present = "show_key")]
    token_file: Option<PathBuf>,
    /// Certificates (PEM) that vouch for the clearinghouse, in place of the system's
    #[arg(long = "ca", env = "PROOFHOUSE_CA", value_name = "FILE", value_parser = authorities)]
    authorities: Option<RootCerts>,
    /// What this worker has, such as runtime=node; may be given several times [default: every runtime]
    #[arg(long = "label", value_name = "LABEL", value_parser = label)]
    labels: Vec<String>,
    /// The zone it stands in: the same as --label zone=ZONE
    #[arg(long, value_name = "ZONE")]
    zone: Option<String>,
    /// What it is called [default: the machine's name and the process]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What packages, runtimes and builds kept in the data folder may take on disk beside what is in use
    #[arg(long, env = "PROOFHOUSE_STORE_BYTES_MAX", value_name = "SIZE", default_value = STORE_BYTES_DEFAULT, value_parser = output::size)]
    store_bytes_max: u64,
    /// Send token and bundles over plain HTTP to another machine, where everybody on the way can read them
    #[arg(long)]
    plain_http: bool,
    /// Print the public key with which this worker signs receipts, and end
    #[arg(long)]
    show_key: bool,
    /// Print a line of JSON for each job
    #[arg(long)]
    json: bool,
}

/// Reads a label.
///
/// # Errors
/// What one looks like.
pub fn label(text: &str) -> Result<String, String> {
    if service::worker::label_is_valid(text) { Ok(text.to_owned()) } else { Err("a label is like runtime=node".into()) }
}

/// What is asked of a worker from outside.
#[derive(Clone, Default)]
struct Orders {
    /// End after the job.
    stop: Arc<AtomicBool>,
    /// End now.
    cancel: Arc<AtomicBool>,
}

impl Orders {
    fn listen() -> Result<Self, ExitCode> {
        let (orders, runtime) = (Self::default(), runtime()?);
        let told = orders.clone();
        thread::spawn(move || {
            for order in [&told.stop, &told.cancel] {
                runtime.block_on(stop_asked());
                order.store(true, Ordering::Relaxed);
            }
        });
        Ok(orders)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn pause(&self, ms: u64) {
        for _ in 0..ms.div_ceil(SLICE_MS) {
            if self.stopped() {
                return;
            }
            thread::sleep(Duration::from_millis(SLICE_MS));
        }
    }
}

/// A worker at work.
struct Hand {
    api: Api,
    engine: Engine,
    name: String,
    labels: Vec<String>,
    json: bool,
}

/// A leased job.
struct Leased {
    id: String,
    lease: String,
    heartbeat: Duration,
    material: Material,
}

impl Worker {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.work(home).unwrap_or_else(|code| code)
    }

    fn work(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let home = output::home_required(home)?;
        // Bundles are the clearinghouse's secrets: none is left here in the clear.
        let store_bytes_max = Some(self.store_bytes_max);
        let config = EngineConfig { home, without_bundles: true, store_bytes_max, ..EngineConfig::default() };
        let engine = Engine::open(config).map_err(|e| output::failed(&e))?;
        if self.show_key {
            let pem = engine.receipt_key().to_pem().map_err(|e| output::failed(&e.into()))?;
            output::lines_print(&[pem.trim_end().to_owned()])?;
            return Ok(ExitCode::SUCCESS);
        }
        let hand = self.hand(engine)?;
        let orders = Orders::listen()?;
        hand.say("started", &json!({"worker": hand.name, "labels": hand.labels}));
        let mut pause_ms = IDLE_MS;
        while !orders.stopped() {
            match hand.step(&orders) {
                Ok(true) => pause_ms = IDLE_MS,
                Ok(false) => {
                    pause_ms = IDLE_MS;
                    orders.pause(pause_ms);
                }
                Err(error) if is_for_good(&error) => return Err(error.exit()),
                Err(error) => {
                    let _ = error.exit();
                    orders.pause(pause_ms);
                    pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
                }
            }
        }
        hand.say("stopped", &json!({}));
        Ok(ExitCode::SUCCESS)
    }

    fn hand(self, engine: Engine) -> Result<Hand, ExitCode> {
        let url = self.server.unwrap_or_default();
        if !(url.starts_with("https://") || is_loopback(&url) || self.plain_http) {
            eprintln!("error: {url} is not https: token and bundles would be readable on the way (see --plain-http)");
            return Err(ExitCode::from(EXIT_INPUT));
        }
        let token = token_read(&self.token_file.unwrap_or_default())?;
        let mut labels = self.labels;
        if !labels.iter().any(|l| l.starts_with("runtime=")) {
            labels.extend(RuntimeKind::ALL.iter().map(|kind| format!("runtime={kind}")));
        }
        if let Some(zone) = self.zone {
            labels.push(label(&format!("zone={zone}")).map_err(|why| {
                eprintln!("error: --zone {zone}: {why}");
                ExitCode::from(EXIT_INPUT)
            })?);
        }
        let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let plain = |c: &char| c.is_ascii_alphanumeric() || "-._".contains(*c);
        let machine: String = machine.chars().filter(plain).take(40).collect();
        let name = self.name.unwrap_or_else(|| format!("{machine}-{}", std::process::id()));
        let api = Api::new(&Server { url, token: Some(token), authorities: self.authorities });
        Ok(Hand { api, engine, name, labels, json: self.json })
    }
}

/// What no waiting mends: the token, its scope, the key, or the way this worker asks.
fn is_for_good(error: &ApiError) -> bool {
    matches!(error, ApiError::Refused { status: 400..=407 | 409..=428, .. })
}

fn is_loopback(url: &str) -> bool {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let host = rest.split('/').next().unwrap_or_default();
    let host = if host.starts_with('[') { host } else { host.split(':').next().unwrap_or_default() };
    host == "localhost"
        || host.starts_with("[::1]")
        || host.parse::<std::net::Ipv4Addr>().is_ok_and(|address| address.is_loopback())
}

fn token_read(path: &std::path::Path) -> Result<String, ExitCode> {
    let fits = std::fs::metadata(path).map(|about| about.len() <= TOKEN_BYTES_MAX);
    let read = match fits {
        Ok(true) => std::fs::read_to_string(path).map_err(|e| e.to_string()),
        Ok(false) => Err(format!("larger than {TOKEN_BYTES_MAX} bytes")),
        Err(e) => Err(e.to_string()),
    };
    read.map(|token| token.trim().to_owned()).map_err(|why| {
        eprintln!("error: read the token from {}: {why}", path.display());
        ExitCode::from(EXIT_INPUT)
    })
}

impl Hand {
    fn say(&self, event: &str, about: &Value) {
        if self.json {
            let mut line = about.clone();
            line["event"] = json!(event);
            let _ = output::lines_print(&[line.to_string()]);
        } else {
            let members = about.as_object().into_iter().flatten();
            let members: Vec<String> = members
                .map(|(k, v)| format!("{k} {}", v.as_str().map_or_else(|| v.to_string(), str::to_owned)))
                .collect();
            eprintln!("{event} {}", members.join(", "));
        }
    }

    /// Asks for a job and does it. False when there is none now.
    fn step(&self, orders: &Orders) -> Result<bool, ApiError> {
        let key = self.engine.receipt_key().id().to_string();
        let asked = json!({"name": self.name, "labels": self.labels, "key": key});
        let answer = self.api.post("/v1/jobs/lease", &asked)?;
        if answer["job"].is_null() {
            return Ok(false);
        }
        match self.fetch(&answer["job"]) {
            Ok(leased) => self.job(&leased, orders),
            // Without its lease the job is another's; anything else is tried again by whoever gets it next.
            Err(error) => {
                self.say("lost", &json!({"job": text(&answer["job"], "id")}));
                let _ = error.exit();
            }
        }
        Ok(true)
    }

    fn fetch(&self, job: &Value) -> Result<Leased, ApiError> {
        let (id, lease) = (text(job, "id").to_owned(), text(job, "lease").to_owned());
        let kind: WorkKind =
            text(job, "kind").parse().map_err(|e| ApiError::Unreachable(format!("a job of another kind: {e}")))?;
        let mut bundles: Vec<(String, Arc<Vec<u8>>)> = Vec::new();
        let get =
            |digest: &str| self.api.get_bytes(&format!("/v1/jobs/{id}/bundles/{digest}?lease={lease}")).map(Arc::new);
        for digest in items(job, "bundles").iter().filter_map(Value::as_str) {
            let known = bundles.iter().find(|(known, _)| known == digest).map(|(_, bytes)| bytes.clone());
            let bytes = known.map_or_else(|| get(digest), Ok)?;
            bundles.push((digest.to_owned(), bytes));
        }
        let patch = job["patch"].as_str().map(get).transpose()?;
        let version = job["version"].as_str().map(ToOwned::to_owned);
        let heartbeat = Duration::from_secs(job["heartbeat_s"].as_u64().unwrap_or(1).max(1));
        self.say("leased", &json!({"job": id, "kind": kind.as_str(), "bundles": bundles.len()}));
        Ok(Leased { id, lease, heartbeat, material: Material { kind, version, bundles, patch } })
    }

    fn job(&self, leased: &Leased, orders: &Orders) {
        let (progress, ended, lost) = (Progressing::default(), AtomicBool::new(false), AtomicBool::new(false));
        let cancel = AtomicBool::new(false);
        let worked = thread::scope(|scope| {
            let beats = scope.spawn(|| {
                while !ended.load(Ordering::Relaxed) {
                    if self.heartbeat(leased, &progress).is_err_and(|e| is_for_good(&e)) {
                        lost.store(true, Ordering::Relaxed);
                    }
                    let slices = leased.heartbeat.as_millis() / u128::from(SLICE_MS);
                    for _ in 0..slices {
                        let stop = lost.load(Ordering::Relaxed) || orders.cancel.load(Ordering::Relaxed);
                        cancel.fetch_or(stop, Ordering::Relaxed);
                        if ended.load(Ordering::Relaxed) {
                            break;
                        }
                        thread::park_timeout(Duration::from_millis(SLICE_MS));
                    }
                }
            });
            let worked = work::work(&self.engine, &leased.material, &progress, &cancel);
            ended.store(true, Ordering::Relaxed);
            beats.thread().unpark();
            worked
        });
        if lost.load(Ordering::Relaxed) {
            return self.say("lost", &json!({"job": leased.id}));
        }
        match worked {
            Ok(outcome) => self.post(leased, &outcome, &progress, orders),
            Err(error) => self.fail(leased, &error),
        }
    }

    fn heartbeat(&self, leased: &Leased, progress: &Progressing) -> Result<(), ApiError> {
        let (stage, done, total) = progress.now();
        let body = json!({"lease": leased.lease, "stage": stage.as_str(), "done": done, "total": total});
        self.api.post(&format!("/v1/jobs/{}/heartbeat", leased.id), &body).map(drop)
    }

    /// Posts what was seen; while the clearinghouse does not answer, again.
    fn post(&self, leased: &Leased, outcome: &Outcome, progress: &Progressing, orders: &Orders) {
        let path = format!("/v1/jobs/{}/outcome?lease={}", leased.id, leased.lease);
        let body = serde_json::to_vec(outcome).unwrap_or_default();
        let mut pause_ms = IDLE_MS;
        for _ in 0..OUTCOME_TRIES_MAX {
            match self.api.post_bytes(&path, "application/json", &body) {
                Ok(_) => return self.say("done", &json!({"job": leased.id})),
                Err(ApiError::Refused { status: 409, .. }) => return self.say("lost", &json!({"job": leased.id})),
                Err(error) if is_for_good(&error) => {
                    let _ = error.exit();
                    return self.fail(leased, &ServiceError::Unavailable("the outcome was refused".to_owned()));
                }
                Err(error) => drop(error.exit()),
            }
            if orders.cancel.load(Ordering::Relaxed) {
                break;
            }
            thread::sleep(Duration::from_millis(pause_ms));
            pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
            let _ = self.heartbeat(leased, progress);
        }
        self.say("lost", &json!({"job": leased.id}));
    }

    fn fail(&self, leased: &Leased, error: &ServiceError) {
        let fault = if matches!(error, ServiceError::Invalid(_)) { "bundle" } else { "machine" };
        let reason = error.to_string();
        let reason = &reason[..reason.floor_char_boundary(FAILURE_BYTES_MAX)];
        let plain: String = reason.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let body = json!({"lease": leased.lease, "reason": plain, "fault": fault});
        self.say("failed", &json!({"job": leased.id, "reason": plain}));
        if let Err(error) = self.api.post(&format!("/v1/jobs/{}/failure", leased.id), &body) {
            let _ = error.exit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_is_for_this_machine() {
        for own in ["http://127.0.0.1:8080", "http://localhost", "http://[::1]:80/"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["http://10.0.0.1", "http://localhost.example", "http://127.0.0.1.example", "ftp://127.0.0.1", ""]
        {
            assert!(!is_loopback(other), "{other}");
        }
    }

    #[test]
    fn a_label_is_two_words() {
        assert!(label("runtime=node").is_ok() && label("zone=enclave-1.b").is_ok());
        for bad in ["node", "=x", "x=", "A=b", "a=b c", "a=b=c", &format!("a={}", "b".repeat(63))] {
            assert!(label(bad).is_err(), "{bad}");
        }
    }
}
