//! What the server counts, in the Prometheus text form.
//!
//! Must not count anything by case, party or package: `/metrics` tells nobody what is embargoed.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use axum::http::Method;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Counted {
    kind: String,
    state: String,
}

type Seconds = Family<Vec<(String, String)>, Histogram, fn() -> Histogram>;

/// The metrics of one server.
pub struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    seconds: Seconds,
    open: Gauge,
    jobs: Family<Counted, Gauge>,
    worker_steps: Counter,
    worker_errors: Counter<u64, AtomicU64>,
}

/// One request that is being answered.
#[derive(Debug)]
pub struct OpenRequest(Gauge);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.001, 2.5, 12))
}

impl Metrics {
    /// Registers every metric, all at zero.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("proofhouse");
        let answered = Family::<Answered, Counter>::default();
        let seconds: Seconds = Family::new_with_constructor(buckets);
        let (open, jobs) = (Gauge::default(), Family::<Counted, Gauge>::default());
        let (worker_steps, worker_errors) = (Counter::default(), Counter::default());
        registry.register("http_requests", "Requests answered", answered.clone());
        registry.register("http_request_seconds", "Time to answer, in seconds", seconds.clone());
        registry.register("http_requests_open", "Requests being answered", open.clone());
        registry.register("jobs", "Jobs by kind and state", jobs.clone());
        registry.register("worker_steps", "Jobs that this process's workers ran", worker_steps.clone());
        registry.register("worker_errors", "Steps of this process's workers that failed", worker_errors.clone());
        Self { registry, answered, seconds, open, jobs, worker_steps, worker_errors }
    }

    /// Counts a request as open until the answer is dropped.
    #[must_use]
    pub fn open(&self) -> OpenRequest {
        self.open.inc();
        OpenRequest(self.open.clone())
    }

    /// Counts an answer. `route` is a template, never a path.
    pub fn answered(&self, method: &Method, route: &str, status: u16, elapsed: Duration) {
        // Methods are free text on the wire; only known ones become labels.
        let method = match *method {
            Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::DELETE => method.as_str(),
            _ => "other",
        };
        let labels = Answered { method: method.to_owned(), route: route.to_owned(), status };
        self.answered.get_or_create(&labels).inc();
        let route = vec![("route".to_owned(), route.to_owned())];
        self.seconds.get_or_create(&route).observe(elapsed.as_secs_f64());
    }

    /// Counts a worker's step.
    pub fn worker_step(&self, is_error: bool) {
        if is_error {
            self.worker_errors.inc();
        } else {
            self.worker_steps.inc();
        }
    }

    /// Sets how many jobs of a kind are in a state.
    pub fn jobs(&self, kind: &str, state: &str, number: i64) {
        let labels = Counted { kind: kind.to_owned(), state: state.to_owned() };
        self.jobs.get_or_create(&labels).set(number);
    }

    /// Everything, in the OpenMetrics text form.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail; an empty answer would show if it did.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}
