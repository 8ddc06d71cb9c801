//! The HTTP server.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server as Running, ServerHandle};
use actix_web::middleware::{Condition, from_fn};
use actix_web::rt::task::spawn_blocking;
use actix_web::web::{self, Data, QueryConfig};
use actix_web::{App, HttpServer};
use hansom_dispatcher::Dispatcher;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::watch;
use tracing::warn;

use crate::auth::Gate;
use crate::fault::RequestFault;
use crate::markets::Markets;
use crate::origin::{self, Origins};
use crate::read::ReadModels;
use crate::tls::{Certificate, CertificateError};
use crate::trace::{self, Collector, CollectorError, Tracing};
use crate::{commands, events, graphiql, graphql, health, locations};

/// Threads that serve requests: they read lines and write answers, the markets have threads of their own.
const WORKERS: usize = 2;
/// So many connections at once, for each thread, if there are as many files.
const CONNECTIONS: usize = 4096;
/// So many connections may wait until a thread takes them, if the system allows it: when all phones come back at once, say after
/// an outage, one that finds no room here is not told so, and tries again after a whole second.
const BACKLOG: u32 = 4096;
/// So many files are left to the markets and the server itself: a log that cannot open its next one fails.
const FILES: u64 = 256;
/// Requests under way may take so long to end when the server stops, in seconds.
const STOP_S: u64 = 10;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Anybody could give orders.
    #[error("{address} is not a loopback address, and whoever reaches it could do everything")]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// TLS cannot be spoken.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Traces cannot be sent.
    #[error(transparent)]
    Collector(#[from] CollectorError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// How long the server waits for what a client sends. Who is slower is told so (408), and holds up nobody else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// The head of a connection's first request has to arrive within this time from the opening on.
    pub head: Duration,
    /// The body of a request has to arrive within this time.
    pub body: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { head: Duration::from_secs(10), body: Duration::from_secs(30) }
    }
}

/// Where requests are taken, and from whom.
#[derive(Debug)]
pub struct Edge {
    /// The address; port 0 is a free one.
    pub address: SocketAddr,
    /// Who is let in.
    pub gate: Gate,
    /// What TLS is spoken with; `None`: plain HTTP.
    pub certificate: Option<Certificate>,
    /// Which sites' pages may use the routes from a browser.
    pub origins: Origins,
    /// Where requests leave traces; `None`: nowhere.
    pub collector: Option<Collector>,
    /// How long it waits for what clients send.
    pub patience: Patience,
}

/// The routes of this process, open on an address.
pub struct Server {
    running: Running,
    address: SocketAddr,
    is_encrypted: bool,
    closing: watch::Sender<bool>,
    tracing: Option<Tracing>,
}

/// What stops a server.
#[derive(Debug, Clone)]
pub struct Stop {
    handle: ServerHandle,
    closing: watch::Sender<bool>,
    tracing: Option<Tracing>,
}

impl Stop {
    /// Stops it; `graceful`: requests under way may end. Sockets, which never end of themselves, are told to come back later.
    pub async fn stop(&self, graceful: bool) {
        self.closing.send_replace(true);
        self.handle.stop(graceful).await;
        if let Some(tracing) = self.tracing.clone() {
            // If it fails, spans are lost, and nothing else.
            let _ = spawn_blocking(move || tracing.end()).await;
        }
    }
}

impl Server {
    /// Opens an edge for the markets of `dispatcher`, whose questions `models` answer. One at which anybody may do everything is on
    /// loopback only.
    pub fn open(edge: Edge, dispatcher: Arc<Dispatcher>, models: Arc<ReadModels>) -> Result<Self, ServeError> {
        let Edge { address, gate, certificate, origins, collector, patience } = edge;
        match (address.ip().is_loopback(), gate.is_open(), &certificate) {
            (false, true, _) => return Err(ServeError::Open { address }),
            (_, true, _) => {
                warn!(%address, "INSECURE: requests are not authenticated, whoever reaches this address may do everything");
            }
            (false, false, None) => {
                warn!(%address, "requests are not encrypted: tokens can be read on the way, unless TLS ends in front of this");
            }
            _ => {}
        }
        let tls = certificate.map(Certificate::config).transpose()?;
        let spans = dispatcher.figures().spans();
        let tracing = collector.map(|collector| Tracing::start(&collector, spans)).transpose()?;
        let markets = Markets(dispatcher);
        let schema = Data::new(graphql::schema(Some((markets.clone(), models.clone()))));
        let (markets, gate, origins) = (Data::new(markets), Data::new(gate), Data::new(origins));
        let models = Data::from(models);
        let traces = Data::new(tracing.clone());
        let (closing, told) = watch::channel(false);
        let told = Data::new(graphql::Closing(told));
        let server = HttpServer::new(move || {
            App::new()
                .wrap(from_fn(origin::guard))
                .wrap(Condition::new(!origins.0.is_empty(), origin::cors(&origins)))
                .wrap(Condition::new(traces.is_some(), from_fn(trace::follow)))
                .app_data(traces.clone())
                .app_data(markets.clone())
                .app_data(models.clone())
                .app_data(schema.clone())
                .app_data(told.clone())
                .app_data(gate.clone())
                .app_data(origins.clone())
                .app_data(patience)
                .configure(routes)
        });
        let server = server
            .workers(WORKERS)
            // What is told in many small pieces would wait for each to be acknowledged: a round trip, or a client's delay.
            .tcp_nodelay(true)
            .backlog(BACKLOG)
            .max_connections(connections())
            .client_request_timeout(patience.head)
            .shutdown_timeout(STOP_S)
            .disable_signals();
        let is_encrypted = tls.is_some();
        let server = match tls {
            Some(tls) => server.bind_rustls_0_23(address, tls),
            None => server.bind(address),
        };
        let server = server.map_err(|source| ServeError::Listen { address, source })?;
        let address = *server.addrs().first().expect("one address was bound");
        Ok(Self { running: server.run(), address, is_encrypted, closing, tracing })
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_encrypted { "https" } else { "http" }, self.address)
    }

    /// Where it can be reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it.
    pub fn handle(&self) -> Stop {
        Stop { handle: self.running.handle(), closing: self.closing.clone(), tracing: self.tracing.clone() }
    }

    /// Serves until it is stopped.
    pub async fn serve(self) -> io::Result<()> {
        self.running.await
    }
}

/// How many connections a thread takes. A reader of old events has a file open beside his connection.
fn connections() -> usize {
    let given = getrlimit(Resource::Nofile);
    // The lower limit is there for programs that keep files in a table of fixed size. If it cannot be raised, it counts.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: given.maximum, ..given });
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let for_clients = files - FILES.min(files / 2);
    usize::try_from(for_clients / (2 * WORKERS as u64)).map_or(CONNECTIONS, |most| most.clamp(1, CONNECTIONS))
}

fn routes(app: &mut web::ServiceConfig) {
    let query = QueryConfig::default()
        .error_handler(|cause, _| RequestFault::Query { what: format!("the query is not understood: {cause}") }.into());
    app.app_data(query)
        .route("/v1/commands", web::post().to(commands::post))
        .route("/v1/locations", web::post().to(locations::post))
        .route("/v1/events", web::get().to(events::get))
        .route("/graphql", web::post().to(graphql::post))
        .route("/graphql", web::get().to(graphql::get))
        .route("/graphiql", web::get().to(graphiql::page))
        .route("/graphiql/{file}", web::get().to(graphiql::file))
        .route("/healthz", web::get().to(health::healthz))
        .route("/readyz", web::get().to(health::readyz))
        .route("/metrics", web::get().to(health::metrics));
}
