//! Listens, answers, runs the workers, and stops without losing what is open.
//!
//! Must not know a route: the router comes from `http` and `web`.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use service::Service;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};
use tower::ServiceExt;

use crate::config::ServerConfig;
use crate::gate::Peer;
use crate::http::door::Door;
use crate::{http, worker};

/// Pause after the system refused to accept a connection, in milliseconds.
const ACCEPT_PAUSE_MS: u64 = 100;

/// Why a server could not run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// The address is taken, or not ours.
    #[error("listen on {address}: {error}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The API description cannot be written.
    #[error("write the API description: {0}")]
    Description(String),
}

/// Runs a server until `shutdown` ends, then lets open requests and worker steps finish within
/// `limits.drain_ms`. The address it listens on goes to `bound` as soon as it does.
///
/// # Errors
/// [`ServeError`] before anything is answered; afterwards it only returns when told to stop.
pub async fn serve(
    config: ServerConfig,
    service: Service,
    bound: oneshot::Sender<SocketAddr>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let (router, door) = http::router(service.clone(), config)?;
    let address = door.config.listen;
    let failed = |error| ServeError::Listen { address, error };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let local = listener.local_addr().map_err(failed)?;
    // Nobody has to want to know.
    let _ = bound.send(local);
    tracing::info!(%local, "listening");
    let (stop, stopped) = watch::channel(false);
    let workers = worker::start(&door, stopped);
    let graceful = GracefulShutdown::new();
    tokio::select! {
        () = accept(listener, &router, &door, &graceful) => {}
        () = shutdown => {}
    }
    door.stopping.store(true, Ordering::Relaxed);
    // The workers may be gone already; then nobody listens.
    let _ = stop.send(true);
    let drain = Duration::from_millis(door.config.limits.drain_ms);
    tracing::info!("stopping: open requests and worker steps finish first");
    let finished = tokio::time::timeout(drain, async {
        graceful.shutdown().await;
        workers.finish().await;
    });
    if finished.await.is_err() {
        tracing::warn!("what was still open was cut off; its jobs run again when their leases end");
    }
    Ok(())
}

async fn accept(listener: TcpListener, router: &Router, door: &Door, graceful: &GracefulShutdown) {
    let room = Arc::new(Semaphore::new(door.config.limits.connections));
    loop {
        // Room first: a connection that cannot be served waits in the system's queue.
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, peer)) => connection(stream, peer, permit, router.clone(), door, graceful),
            Err(error) => {
                tracing::warn!(%error, "accept a connection");
                tokio::time::sleep(Duration::from_millis(ACCEPT_PAUSE_MS)).await;
            }
        }
    }
}

fn connection(
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    router: Router,
    door: &Door,
    graceful: &GracefulShutdown,
) {
    // A small answer must not wait for more; a socket that refuses the option works all the same.
    let _ = stream.set_nodelay(true);
    let answer = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(Peer(peer));
        router.clone().oneshot(request)
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(door.config.limits.head_arrival_ms))
        .serve_connection(TokioIo::new(stream), answer);
    let watched = graceful.watch(served);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            // A client that went away, or no HTTP: nothing to answer.
            tracing::debug!(%error, "a connection ended");
        }
        drop(permit);
    });
}
