//! A running clearinghouse in a temporary folder: real TCP, a real store, no worker of its own unless
//! asked for, so that a test decides when jobs run.
//!
//! Must not reach around the API except to lay down what only the proof engine makes (a measured
//! case); every other row comes through a use case.

use std::net::{Ipv4Addr, SocketAddr};

use domain::deadline::MissingPoints;
use domain::party::Role;
use domain::standing::STANDING_WAITING_COUNT;
use serde_json::{Value, json};
use server::ServerConfig;
use service::{Service, ServiceConfig};
use store::{Store, StoreConfig};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::http::Ask;
use crate::{TempStore, postgres, postgres_store, sqlite_store};

/// A running clearinghouse.
pub struct Clearinghouse {
    /// Where it listens.
    pub address: SocketAddr,
    /// The first coordinator's token, with every scope.
    pub admin: String,
    /// Its use cases.
    pub service: Service,
    /// Its store.
    pub store: Store,
    /// Its data folder.
    pub home: TempDir,
    /// `SQLite` or `PostgreSQL`.
    pub store_name: &'static str,
    stop: Option<oneshot::Sender<()>>,
    served: Option<JoinHandle<Result<(), server::ServeError>>>,
    temp: TempStore,
}

/// A party with one member and a token of it.
#[derive(Debug, Clone)]
pub struct Participant {
    /// The party's id.
    pub party: String,
    /// The member's id.
    pub member: String,
    /// The member's secret.
    pub token: String,
}

impl Clearinghouse {
    /// Starts one on this store, with every limit at its default and no worker.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(temp: TempStore) -> Self {
        Self::start_with(temp, |_| {}).await
    }

    /// Starts one whose server is set up otherwise.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_with(temp: TempStore, change: impl FnOnce(&mut ServerConfig)) -> Self {
        Self::start_as(temp, change, |_| {}).await
    }

    /// Starts one whose server and use cases are set up otherwise.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start_as(
        temp: TempStore,
        change: impl FnOnce(&mut ServerConfig),
        change_service: impl FnOnce(&mut ServiceConfig),
    ) -> Self {
        let home = match tempfile::tempdir() {
            Ok(home) => home,
            Err(e) => panic!("make a folder for the tests: {e}"),
        };
        let mut config = ServiceConfig {
            home: home.path().to_owned(),
            store: temp.config.clone(),
            init_exe: None,
            lease_s: service::job::JOB_LEASE_S,
            proof_needs: Vec::new(),
            store_bytes_max: None,
            waiting_max: STANDING_WAITING_COUNT,
            missing_points: MissingPoints::Safer,
            publisher: "Test Clearinghouse".to_owned(),
            public_url: "https://clearing.example".to_owned(),
            mail: None,
            outward: service::outward::OutwardConfig::default(),
        };
        change_service(&mut config);
        let service = must("open the clearinghouse", Service::open(config).await);
        let issued = must("make the first admin", service.admin_bootstrap("Clearinghouse", "Ada Admin").await);
        let store = temp.open().await;
        let mut server = ServerConfig::new(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        server.workers = 0;
        change(&mut server);
        let (bound, told) = oneshot::channel();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = service.clone();
        let served = tokio::spawn(async move {
            server::serve(server, running, bound, async {
                // A dropped sender stops it too.
                let _ = stopped.await;
            })
            .await
        });
        let address = must("start the server", told.await);
        let store_name = temp.name;
        let admin = issued.secret.unwrap_or_default();
        Self { address, admin, service, store, home, store_name, stop: Some(stop), served: Some(served), temp }
    }

    /// A request to it.
    #[must_use]
    pub fn ask(&self, method: &str, target: &str) -> Ask {
        Ask::new(self.address, method, target)
    }

    /// A `GET` with a token.
    #[must_use]
    pub fn get(&self, target: &str, token: &str) -> Ask {
        self.ask("GET", target).token(token)
    }

    /// A `POST` of JSON with a token.
    #[must_use]
    pub fn post(&self, target: &str, token: &str, body: &Value) -> Ask {
        self.ask("POST", target).token(token).json(body)
    }

    /// Makes a party with these roles, and a token of its first member with scopes read and write.
    ///
    /// # Panics
    /// When the API refuses.
    pub async fn participant(&self, name: &str, roles: &[Role], packages: &[&str]) -> Participant {
        let roles: Vec<&str> = roles.iter().map(|r| r.as_str()).collect();
        let body =
            json!({"name": name, "accountable": format!("Head of {name}"), "roles": roles, "packages": packages});
        let party = self.post("/v1/parties", &self.admin, &body).expect(201).await.json();
        let member = party["members"][0]["id"].as_str().unwrap_or_default().to_owned();
        let token = self.token(&member, &["read", "write"]).await;
        Participant { party: party["id"].as_str().unwrap_or_default().to_owned(), member, token }
    }

    /// Makes a token of a member.
    ///
    /// # Panics
    /// When the API refuses.
    pub async fn token(&self, member: &str, scopes: &[&str]) -> String {
        let body = json!({"label": "test", "scopes": scopes});
        let issued = self.post(&format!("/v1/members/{member}/tokens"), &self.admin, &body).expect(201).await.json();
        issued["secret"].as_str().unwrap_or_default().to_owned()
    }

    /// Runs jobs until none is ready.
    ///
    /// # Panics
    /// When the queue does not answer.
    pub async fn work(&self) {
        while must("run a job", self.service.worker_step("test").await) {}
    }

    /// Tells it to stop and waits until it has.
    ///
    /// # Panics
    /// When it did not stop by itself.
    pub async fn stop(mut self) {
        self.stop.take();
        if let Some(served) = self.served.take() {
            must("stop the server", must("join the server", served.await));
        }
        if let StoreConfig::Postgres { url, .. } = &self.temp.config {
            let url = url.clone();
            drop(self);
            postgres::server().forget(&url).await;
        }
    }
}

fn must<T, E: std::fmt::Display>(what: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{what}: {e}"),
    }
}

/// Runs a test body against a clearinghouse on SQLite, then against one on PostgreSQL.
///
/// # Panics
/// When the body does, or one cannot be started. What was printed says on which store.
pub async fn both_clearinghouses(body: impl AsyncFn(&Clearinghouse)) {
    both_clearinghouses_with(|_| {}, body).await;
}

/// The same, with servers that are set up otherwise.
///
/// # Panics
/// As [`both_clearinghouses`].
pub async fn both_clearinghouses_with(change: impl Fn(&mut ServerConfig), body: impl AsyncFn(&Clearinghouse)) {
    for temp in [sqlite_store(), postgres_store().await] {
        eprintln!("on {}:", temp.name);
        let house = Clearinghouse::start_with(temp, &change).await;
        body(&house).await;
        house.stop().await;
    }
}
