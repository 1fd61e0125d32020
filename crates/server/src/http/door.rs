//! What every handler is given: the service, the limits, the metrics. Cheap to clone.
//!
//! Must not hold anything of one request.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use service::Service;
use tokio::sync::Semaphore;

use super::body::BodyRoom;
use crate::config::ServerConfig;
use crate::gate::Gates;
use crate::metrics::Metrics;

/// One server's shared state.
#[derive(Clone)]
pub struct Door(Arc<Inner>);

/// Behind [`Door`].
pub struct Inner {
    /// The use cases.
    pub service: Service,
    /// How the server is set up.
    pub config: ServerConfig,
    /// Its rate limits.
    pub gates: Gates,
    /// Room for bodies.
    pub room: BodyRoom,
    /// Room for requests.
    pub requests: Semaphore,
    /// What is counted.
    pub metrics: Metrics,
    /// The API description, as JSON text.
    pub description: String,
    /// Set when the server was told to stop: `/readyz` says so, so that no new work is sent here.
    pub stopping: AtomicBool,
}

impl Door {
    /// The state of a new server.
    #[must_use]
    pub fn new(service: Service, config: ServerConfig, description: String) -> Self {
        Self(Arc::new(Inner {
            gates: Gates::new(&config.limits),
            room: BodyRoom::new(config.limits.bodies_bytes),
            requests: Semaphore::new(config.limits.requests_at_once),
            metrics: Metrics::new(),
            stopping: AtomicBool::new(false),
            service,
            config,
            description,
        }))
    }
}

impl Deref for Door {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
