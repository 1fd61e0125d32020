//! `proofhouse relay`: hands one of our cases to another TAP intake, keeps the receipt, and asks how it stands.
//!
//! Must not send twice: what is sent, and under which key, is on disk before the first byte goes out, and the receipt as soon as it
//! is there. Killed at any moment and run again, it goes on where it was.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use formats::provenance::{AiUse, AiWord, Hop};
use intake::Given;
use serde_json::{Value, json};
use ureq::tls::RootCerts;

use crate::answer::{fields, show, verdict_lines};
use crate::api::{Api, ApiError, Posted, Server, items, text};
use crate::nouns::submit::submission_wait;
use crate::output::{self, EXIT_ENVIRONMENT, EXIT_INPUT};

/// Times that one call tries; the next call goes on.
const TRIES_COUNT_MAX: u32 = 20;
/// Pause after a broken connection, and after a refusal that names no time, in milliseconds; twice as long each time.
const PAUSE_MS: u64 = 500;
/// Longest such pause, in milliseconds.
const PAUSE_MS_MAX: u64 = 60_000;
/// Reports of a case whose provenance goes along.
const REPORTS_COUNT_MAX: usize = 16;

/// Hands a case to another clearinghouse that speaks the TAP intake, and asks how it stands there.
///
/// A server that answers 429 or 503 is asked again when it says. What was sent and the receipt are kept in the data folder: run again,
/// the same call sends nothing twice. Exit codes: 0 taken there, 2 bad input or refused there, 3 not reachable or not now.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse relay case_… --to https://other.example --as 'Our Desk'\n  proofhouse relay case_… --to https://other.example --wait"
)]
pub struct Relay {
    #[command(flatten)]
    server: Server,
    /// The case
    case: String,
    /// The other clearinghouse
    #[arg(long, value_name = "URL")]
    to: String,
    /// Bearer token of the other; better given in the environment
    #[arg(long, env = "PROOFHOUSE_RELAY_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    to_token: Option<String>,
    /// Certificates (PEM) that vouch for the other, in place of the system's
    #[arg(long, value_name = "FILE", value_parser = crate::api::authorities)]
    to_ca: Option<RootCerts>,
    /// Who relays it, as it stands in the chain [default: the URL of our clearinghouse]
    #[arg(long = "as", value_name = "PARTY")]
    relayed_by: Option<String>,
    /// What a machine that writes had to do with coordinating it: none, assisted or autonomous
    #[arg(long, value_name = "WORD", value_parser = ["none", "assisted", "autonomous"])]
    ai: Option<String>,
    /// Longest time the other may ask to be left alone within this call, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    patience: u64,
    /// Send the case as it is now, though it was sent before
    #[arg(long)]
    again: bool,
    /// Wait until the other has done all it can
    #[arg(long)]
    wait: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Relay {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.answer(home).unwrap_or_else(|code| code)
    }

    fn answer(&self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let folder = output::home_required(home)?.join("relay");
        let kept = folder.join(format!("{}.json", self.name()?));
        if self.again {
            match fs::remove_file(&kept) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(unkept(&kept, &e)),
                _ => {}
            }
        }
        let mut state = match state_read(&kept)? {
            Some(state) => state,
            None => state_begin(&folder, &kept, &self.state()?)?,
        };
        let url = Server { url: self.to.clone(), token: self.to_token.clone(), authorities: self.to_ca.clone() };
        let other = Api::new(&url);
        if text(&state, "receipt").is_empty() {
            let taken = self.send(&other, &state)?;
            for field in ["receipt", "message", "warnings"] {
                put(&mut state, field, taken.get(field).cloned().unwrap_or_default());
            }
            state_write(&folder, &kept, &state).map_err(|e| unkept(&kept, &e))?;
        }
        let receipt = text(&state, "receipt").to_owned();
        let status = match self.wait {
            true => submission_wait(&other, &receipt),
            false => other.get(&format!("/v1/submissions/{receipt}")),
        };
        let status = status.map_err(|error| error.exit())?;
        for field in ["status", "at", "verdicts"] {
            put(&mut state, field, status.get(field).cloned().unwrap_or_default());
        }
        state_write(&folder, &kept, &state).map_err(|e| unkept(&kept, &e))?;
        if let Some(state) = state.as_object_mut() {
            state.remove("body");
        }
        Ok(show(Ok(state), self.json, |v| {
            let mut lines = fields(v, &["case", "to", "receipt", "status", "at", "warnings"]);
            lines.extend(verdict_lines(v));
            lines
        }))
    }

    /// A file's name of this case and that place.
    fn name(&self) -> Result<String, ExitCode> {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if self.case.is_empty() || self.case.len() > 64 || !self.case.chars().all(plain) {
            eprintln!("error [input]: a case's id looks like case_…");
            return Err(ExitCode::from(EXIT_INPUT));
        }
        let place = intake::digest_hex(self.to.trim_end_matches('/').as_bytes());
        Ok(format!("{}-{}", self.case, place.get(..16).unwrap_or_default()))
    }

    /// What is to be sent, and under which key.
    fn state(&self) -> Result<Value, ExitCode> {
        let own = Api::new(&self.server);
        let case = own.get(&format!("/v1/cases/{}", self.case)).map_err(|error| error.exit())?;
        let mut reports = Vec::new();
        for finding in items(&case, "findings").iter().take(REPORTS_COUNT_MAX) {
            // What is not ours to see stays out.
            match own.get(&format!("/v1/reports/{}", text(finding, "report"))) {
                Ok(report) => reports.push(report.to_string()),
                Err(ApiError::Refused { .. }) => {}
                Err(error) => return Err(error.exit()),
            }
        }
        let party = self.relayed_by.clone().unwrap_or_else(|| self.server.url.clone());
        let ai = self.ai.as_deref().and_then(AiWord::of_word).map(|word| AiUse { word, tooling: None });
        let given = Given {
            chain: vec![Hop { party, handling_id: Some(self.case.clone()) }],
            ai_coordinator: ai,
            ..Given::default()
        };
        let made = intake::of_case(&case.to_string(), &reports, &given).ok_or_else(|| {
            eprintln!("error [input]: {}: you do not see enough of the case to relay it", self.case);
            ExitCode::from(EXIT_INPUT)
        })?;
        if let Some(problem) = &made.problem {
            eprintln!("error [input]: {}: another intake would refuse this: {problem}", self.case);
            return Err(ExitCode::from(EXIT_INPUT));
        }
        for warning in &made.warnings {
            eprintln!("note: {}: {}", warning.at, warning.text);
        }
        let body = String::from_utf8_lossy(&made.body);
        Ok(
            json!({"case": self.case, "to": self.to, "key": made.digest(), "body": body, "receipt": "", "status": "not sent"}),
        )
    }

    /// Sends until it is taken, at the other's pace.
    fn send(&self, other: &Api, state: &Value) -> Result<Value, ExitCode> {
        let (body, key) = (text(state, "body").as_bytes(), text(state, "key"));
        let mut pause_ms = PAUSE_MS;
        for _ in 0..TRIES_COUNT_MAX {
            let wait_ms = match other.post_once("/v1/reports", body, key) {
                Ok(Posted::Taken(taken)) if !text(&taken, "receipt").is_empty() => return Ok(taken),
                Ok(Posted::Taken(_)) => {
                    eprintln!("error [unreachable]: {}: an answer without a receipt", self.to);
                    return Err(ExitCode::from(EXIT_ENVIRONMENT));
                }
                Ok(Posted::Later { status, after_s, .. }) => {
                    if after_s.is_some_and(|after_s| after_s > self.patience) {
                        let after_s = after_s.unwrap_or_default();
                        eprintln!(
                            "error [{status}]: {} asks to come back in {after_s} s: run this again then",
                            self.to
                        );
                        return Err(ExitCode::from(EXIT_ENVIRONMENT));
                    }
                    eprintln!("note: {} answered {status}; waiting as it asks", self.to);
                    after_s.map_or(pause_ms, |after_s| after_s * 1_000)
                }
                Err(ApiError::Unreachable(why)) => {
                    eprintln!("note: {why}; trying again");
                    pause_ms
                }
                Err(refused) => return Err(refused.exit()),
            };
            std::thread::sleep(Duration::from_millis(wait_ms));
            pause_ms = (pause_ms * 2).min(PAUSE_MS_MAX);
        }
        eprintln!("error [unreachable]: {} did not take it in {TRIES_COUNT_MAX} tries: run this again later", self.to);
        Err(ExitCode::from(EXIT_ENVIRONMENT))
    }
}

fn put(state: &mut Value, field: &str, value: Value) {
    if let Some(state) = state.as_object_mut() {
        state.insert(field.to_owned(), value);
    }
}

fn unkept(path: &Path, e: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("error [home]: keep {}: {e}", path.display());
    ExitCode::from(EXIT_ENVIRONMENT)
}

fn state_read(path: &Path) -> Result<Option<Value>, ExitCode> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| unkept(path, &e)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(unkept(path, &e)),
    }
}

/// Keeps the first state; where another call was first, its state counts.
fn state_begin(folder: &Path, path: &Path, state: &Value) -> Result<Value, ExitCode> {
    let kept = fs::create_dir_all(folder).and_then(|()| {
        let new = beside(path, state)?;
        let linked = fs::hard_link(&new, path);
        fs::remove_file(&new)?;
        match linked {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => File::open(folder)?.sync_all(),
        }
    });
    kept.map_err(|e| unkept(path, &e))?;
    Ok(state_read(path)?.unwrap_or_else(|| state.clone()))
}

fn state_write(folder: &Path, path: &Path, state: &Value) -> io::Result<()> {
    fs::rename(beside(path, state)?, path)?;
    File::open(folder)?.sync_all()
}

/// Writes a state into a file of its own, readable by its owner alone, and to the disk.
fn beside(path: &Path, state: &Value) -> io::Result<PathBuf> {
    let new = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(state.to_string().as_bytes())?;
    file.sync_all()?;
    Ok(new)
}
