//! `proofhouse demo`: a clearinghouse of its own, real packages, real proofs, and the whole life of
//! a finding from the claim to the closed notice.
//!
//! Everything goes through the HTTP API, as any client would. Must not fake a step: what is printed
//! was answered by the server.

mod cast;
mod script;
mod story;
mod summary;

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use proof::sandbox::{Sandbox, SandboxConfig};
use server::ServerConfig;
use service::Service;
use tokio::sync::oneshot;

use crate::api::{Api, Server};
use crate::output::{EXIT_ENVIRONMENT, EXIT_INPUT, EXIT_NEGATIVE};
use crate::serve::{runtime, service_config, service_failed, stop_asked};

/// The database of the demo, inside the data folder. Only ever this one is deleted.
const DEMO_STORE: &str = "demo.sqlite";
/// The tokens of the demo's cast, so that one can look at the pages afterwards.
const DEMO_TOKENS: &str = "demo-tokens.txt";

/// Carries real vulnerabilities through claim, report, proof, case, fix, advisory and notice.
///
/// Starts from an empty clearinghouse each time; packages that were fetched and receipts that were
/// signed are kept in the data folder, so a second run is faster.
/// Exit codes: 0 everything went as it should, 1 a step did not, 2 bad use, 3 this machine or its network.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse demo\n  proofhouse demo --stay          # and look at the pages until Ctrl-C\n  proofhouse demo --look          # only look at what the last run left"
)]
pub struct Demo {
    /// The folder with the example bundles
    #[arg(long, default_value = "examples", value_name = "DIR")]
    examples: PathBuf,
    /// Where to listen [default: a free port of this machine]
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDR")]
    listen: SocketAddr,
    /// Go on serving afterwards, until Ctrl-C
    #[arg(long)]
    stay: bool,
    /// Serve what the last run left, and run nothing
    #[arg(long, conflicts_with = "stay")]
    look: bool,
    /// Print one JSON document: the summary
    #[arg(long)]
    json: bool,
}

/// Why the demo ended early.
pub enum Halt {
    /// The clearinghouse refused or could not be reached.
    Api(crate::api::ApiError),
    /// A step did not come out as it must.
    Unexpected(String),
}

impl From<crate::api::ApiError> for Halt {
    fn from(error: crate::api::ApiError) -> Self {
        Self::Api(error)
    }
}

impl Halt {
    fn exit(&self) -> ExitCode {
        match self {
            Self::Api(error) => error.exit(),
            Self::Unexpected(what) => {
                eprintln!("error: {what}");
                ExitCode::from(EXIT_NEGATIVE)
            }
        }
    }
}

impl Demo {
    /// Runs the subcommand. The data folder is `demo-data` unless one is given.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.play(home.unwrap_or_else(|| PathBuf::from("demo-data"))).unwrap_or_else(|code| code)
    }

    fn play(self, home: PathBuf) -> Result<ExitCode, ExitCode> {
        if !self.look && !self.examples.join("lodash-zipobjectdeep/proof.toml").is_file() {
            eprintln!(
                "error: no example bundles in {}: run this in the repository, or give --examples DIR",
                self.examples.display()
            );
            return Err(ExitCode::from(EXIT_INPUT));
        }
        if !self.look {
            sandbox_there()?;
        }
        let home = folder_made(&home)?;
        if !self.look {
            store_removed(&home)?;
        }
        runtime()?.block_on(self.host(home))
    }

    async fn host(self, home: PathBuf) -> Result<ExitCode, ExitCode> {
        let store = StoreAt(home.join(DEMO_STORE));
        let public = format!("http://{}", self.listen);
        let mut config = service_config(home.clone(), None, public, "Proofhouse demo".to_owned());
        config.store = store.config();
        let service = Service::open(config).await.map_err(|e| service_failed(&e))?;
        let (bound, address) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let mut server_config = ServerConfig { workers: 2, ..ServerConfig::new(self.listen) };
        // The demo is one busy client: it looks several times a second.
        server_config.limits.token_requests_per_minute = 60_000;
        server_config.limits.address_requests_per_minute = 60_000;
        let served = tokio::spawn(server::serve(server_config, service.clone(), bound, async {
            let _ = stopped.await;
        }));
        let Ok(address) = address.await else {
            eprintln!("error: the server did not start on {}", self.listen);
            return Err(ExitCode::from(EXIT_ENVIRONMENT));
        };
        let code = self.act(&home, service, address).await;
        let stays = self.look || ((self.stay || std::io::stdin().is_terminal()) && code == ExitCode::SUCCESS);
        if stays && !self.json {
            eprintln!("serving at http://{address} until you press Ctrl-C");
            stop_asked().await;
        }
        let _ = stop.send(());
        match served.await {
            Ok(Ok(())) => Ok(code),
            Ok(Err(error)) => {
                eprintln!("error: {error}");
                Err(ExitCode::from(EXIT_ENVIRONMENT))
            }
            Err(error) => {
                eprintln!("error: the server ended: {error}");
                Err(ExitCode::from(EXIT_ENVIRONMENT))
            }
        }
    }

    async fn act(&self, home: &Path, service: Service, address: SocketAddr) -> ExitCode {
        let base = format!("http://{address}");
        if self.look {
            match std::fs::read_to_string(home.join(DEMO_TOKENS)) {
                Ok(tokens) => eprint!("log in at {base}/login with one of these:\n{tokens}"),
                Err(_) => eprintln!("no demo has run in {} yet", home.display()),
            }
            return ExitCode::SUCCESS;
        }
        let admin = match service.admin_bootstrap("Coordination desk", "Dana Whitfield").await {
            Ok(issued) => issued.secret.unwrap_or_default(),
            Err(error) => return service_failed(&error),
        };
        let desk = Api::new(&Server { url: base.clone(), token: Some(admin), authorities: None });
        let examples = self.examples.clone();
        let tokens = home.join(DEMO_TOKENS);
        let key = service.public_key();
        let played = tokio::task::spawn_blocking(move || story::play(&desk, &examples, &tokens, &key)).await;
        match played {
            Ok(Ok(outcome)) => summary::print(&outcome, &base, home, self.json),
            Ok(Err(halt)) => halt.exit(),
            Err(error) => {
                eprintln!("error: the demo ended: {error}");
                ExitCode::from(EXIT_NEGATIVE)
            }
        }
    }
}

struct StoreAt(PathBuf);

impl StoreAt {
    fn config(&self) -> store::StoreConfig {
        store::StoreConfig::Sqlite { path: self.0.clone() }
    }
}

/// Where no box can be made nothing can be proved: that is said before anything else, and at once.
fn sandbox_there() -> Result<(), ExitCode> {
    Sandbox::new(SandboxConfig::default()).map(drop).map_err(|e| {
        eprintln!("error: {e}");
        ExitCode::from(EXIT_ENVIRONMENT)
    })
}

fn folder_made(home: &Path) -> Result<PathBuf, ExitCode> {
    std::fs::create_dir_all(home).and_then(|()| home.canonicalize()).map_err(|e| {
        eprintln!("error: make the demo's data folder {}: {e}", home.display());
        ExitCode::from(EXIT_ENVIRONMENT)
    })
}

/// Removes the last run's database, so that the story starts from nothing.
fn store_removed(home: &Path) -> Result<(), ExitCode> {
    for suffix in ["", "-wal", "-shm"] {
        let path = home.join(format!("{DEMO_STORE}{suffix}"));
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                eprintln!("error: remove {}: {e}; is a demo running there?", path.display());
                return Err(ExitCode::from(EXIT_ENVIRONMENT));
            }
            _ => {}
        }
    }
    Ok(())
}
