//! `proofhouse serve`: runs the clearinghouse. Must not have a rule of its own: it opens and serves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use domain::deadline::MissingPoints;
use domain::standing::STANDING_WAITING_COUNT;
use server::ServerConfig;
use service::job::{JOB_LEASE_S, JOB_LEASE_S_MAX, JOB_LEASE_S_MIN};
use service::mail::MailError;
use service::outward::OutwardConfig;
use service::{Service, ServiceConfig, ServiceError};
use store::StoreConfig;
use tokio::sync::oneshot;

use crate::mail_options::MailOptions;
use crate::output::{self, EXIT_ENVIRONMENT, EXIT_INPUT};

/// Connections to PostgreSQL of one process.
const POSTGRES_CONNECTIONS_MAX: usize = 16;

/// Answers the API and the web pages, and works off what they leave to be done.
///
/// The first start makes the keys and prints an admin token, once.
/// Exit codes: 0 stopped when told to, 2 bad use, 3 this machine, its network or its database.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  proofhouse serve\n  proofhouse serve --listen 0.0.0.0:8080 --public-url https://clearing.example\n  proofhouse serve --store postgres://proofhouse@db.example/proofhouse"
)]
pub struct Serve {
    /// Where to listen
    #[arg(long, env = "PROOFHOUSE_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDR")]
    listen: SocketAddr,
    /// PostgreSQL URL [default: an SQLite file in the data folder]
    #[arg(long, env = "PROOFHOUSE_STORE", hide_env_values = true, value_name = "URL")]
    store: Option<String>,
    /// The address under which clients reach this server [default: http:// and the address it listens on]
    #[arg(long, env = "PROOFHOUSE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// The name that stands on advisories
    #[arg(long, env = "PROOFHOUSE_PUBLISHER", default_value = "Proofhouse", value_name = "NAME")]
    publisher: String,
    /// Proofs and other jobs worked on at once in this process; 0 leaves proofs to `proofhouse worker`
    #[arg(long, default_value_t = 2, value_name = "N")]
    workers: usize,
    /// How long a job whose worker was killed waits for the next one, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = JOB_LEASE_S, value_parser = clap::value_parser!(i64).range(JOB_LEASE_S_MIN..=JOB_LEASE_S_MAX))]
    lease_seconds: i64,
    /// A label that every proof needs of its worker, such as zone=enclave; may be given several times
    #[arg(long = "proof-needs", value_name = "LABEL", value_parser = crate::worker::label)]
    proof_needs: Vec<String>,
    /// What packages, runtimes and builds kept for proofs may take on disk beside what is in use
    #[arg(long, env = "PROOFHOUSE_STORE_BYTES_MAX", value_name = "SIZE", default_value = output::STORE_BYTES_DEFAULT, value_parser = output::size)]
    store_bytes_max: u64,
    /// Reports of a finder without a record that may wait unvalidated; who has one may have more or fewer waiting
    #[arg(long, env = "PROOFHOUSE_WAITING_REPORTS_MAX", value_name = "N", default_value_t = STANDING_WAITING_COUNT, value_parser = clap::value_parser!(u32).range(1..))]
    waiting_reports_max: u32,
    /// Deadline where CISA gave no SSVC points: safer, automatable-no-impact-total or sixty-days
    #[arg(long, env = "PROOFHOUSE_MISSING_POINTS", default_value = "safer", value_name = "POLICY")]
    missing_points: MissingPoints,
    /// A secret that may read /metrics and nothing else
    #[arg(long, env = "PROOFHOUSE_METRICS_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    metrics_token: Option<String>,
    #[command(flatten)]
    mail: MailOptions,
    /// The name server that is asked for the TXT records of registrations [default: the system's]
    #[arg(long, env = "PROOFHOUSE_NAME_SERVER", value_name = "ADDR")]
    name_server: Option<SocketAddr>,
    /// For tests and demos only: look for the files of registrations on this machine as well, and in plain HTTP
    #[arg(long)]
    registration_loopback: bool,
}

/// How a command that works on the data folder itself opens the service.
pub fn service_config(home: PathBuf, store: Option<&str>, public_url: String, publisher: String) -> ServiceConfig {
    let store = match store {
        Some(url) => StoreConfig::Postgres { url: url.to_owned(), connections_max: POSTGRES_CONNECTIONS_MAX },
        None => StoreConfig::Sqlite { path: home.join("proofhouse.sqlite") },
    };
    ServiceConfig {
        home,
        store,
        init_exe: None,
        lease_s: service::job::JOB_LEASE_S,
        proof_needs: Vec::new(),
        store_bytes_max: None,
        waiting_max: STANDING_WAITING_COUNT,
        missing_points: MissingPoints::Safer,
        publisher,
        public_url,
        mail: None,
        outward: OutwardConfig::default(),
    }
}

/// An async runtime for the whole program.
///
/// # Errors
/// Exit code 3 when the system gives no threads.
pub fn runtime() -> Result<tokio::runtime::Runtime, ExitCode> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| {
        eprintln!("error [runtime]: {e}");
        ExitCode::from(EXIT_ENVIRONMENT)
    })
}

/// Prints why a use case was refused, and gives the exit code.
pub fn service_failed(error: &ServiceError) -> ExitCode {
    eprintln!("error: {error}");
    ExitCode::from(match error {
        ServiceError::Unavailable(_) | ServiceError::Internal(_) => EXIT_ENVIRONMENT,
        _ => EXIT_INPUT,
    })
}

impl Serve {
    /// Runs the subcommand.
    pub fn run(self, home: Option<PathBuf>) -> ExitCode {
        self.serve(home).unwrap_or_else(|code| code)
    }

    fn serve(self, home: Option<PathBuf>) -> Result<ExitCode, ExitCode> {
        let home = output::home_required(home)?;
        runtime()?.block_on(async {
            let public_url = self.public_url.clone().unwrap_or_else(|| format!("http://{}", self.listen));
            let config = service_config(home, self.store.as_deref(), public_url, self.publisher.clone());
            let mail = self.mail.config().map_err(|line| {
                eprintln!("error [mail]: {line}");
                ExitCode::from(EXIT_INPUT)
            })?;
            if self.registration_loopback {
                eprintln!("warning: --registration-loopback lets strangers have this machine's own addresses read: for tests and demos only");
            }
            let config = ServiceConfig {
                mail,
                outward: OutwardConfig {
                    is_loopback_allowed: self.registration_loopback,
                    name_server: self.name_server,
                },
                missing_points: self.missing_points,
                lease_s: self.lease_seconds,
                proof_needs: self.proof_needs.clone(),
                store_bytes_max: Some(self.store_bytes_max),
                waiting_max: self.waiting_reports_max,
                ..config
            };
            let service = Service::open(config).await.map_err(|e| service_failed(&e))?;
            mail_check(&service).await?;
            first_start(&service).await?;
            let (bound, address) = oneshot::channel();
            let config = ServerConfig {
                public_url: self.public_url.clone(),
                metrics_token: self.metrics_token.clone(),
                workers: self.workers,
                // Somebody for everything that runs no proof: reports do not wait for a long one.
                clerks: 1,
                ..ServerConfig::new(self.listen)
            };
            tokio::spawn(async move {
                if let Ok(address) = address.await {
                    eprintln!("proofhouse listens on http://{address} (stop it with Ctrl-C)");
                }
            });
            match server::serve(config, service, bound, stop_asked()).await {
                Ok(()) => Ok(ExitCode::SUCCESS),
                Err(error) => {
                    eprintln!("error: {error}");
                    Err(ExitCode::from(EXIT_ENVIRONMENT))
                }
            }
        })
    }
}

/// A mail server that would have letters sent in the open is refused; one that is away now may come back.
async fn mail_check(service: &Service) -> Result<(), ExitCode> {
    match service.mail_probe().await {
        Ok(_) => Ok(()),
        Err(error @ MailError::NoTls) => {
            eprintln!("error [mail]: {error}; letters go through one on this machine, or over TLS");
            Err(ExitCode::from(EXIT_ENVIRONMENT))
        }
        Err(error) => {
            eprintln!("warning [mail]: no letter can be sent now: {error}; each is tried again");
            Ok(())
        }
    }
}

async fn first_start(service: &Service) -> Result<(), ExitCode> {
    match service.admin_bootstrap("Coordination desk", "Administrator").await {
        Ok(issued) => {
            if let Some(secret) = issued.secret {
                eprintln!("first start: this admin token is shown once, keep it:");
                println!("{secret}");
            }
            Ok(())
        }
        Err(ServiceError::Conflict { code: "already_started", .. }) => Ok(()),
        Err(error) => Err(service_failed(&error)),
    }
}

/// Ends at Ctrl-C or SIGTERM.
pub async fn stop_asked() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => {
            // Without a handler SIGTERM ends the process at once, which loses nothing that was accepted.
            let _ = interrupt.await;
        }
    }
}
