//! The HTTP server.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server as Running, ServerHandle};
use actix_web::web::{self, Data, QueryConfig};
use actix_web::{App, HttpServer};
use hansom_dispatcher::Dispatcher;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::fault::RequestFault;
use crate::markets::Markets;
use crate::read::ReadModels;
use crate::{commands, events, health, locations};

/// Threads that serve requests: they read lines and write answers, the markets have threads of their own.
const WORKERS: usize = 2;
/// The head of a request has to arrive within this time.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// So many connections at once, for each thread, if there are as many files.
const CONNECTIONS: usize = 4096;
/// So many files are left to the markets and the server itself: a log that cannot open its next one fails.
const FILES: u64 = 256;
/// Requests under way may take so long to end when the server stops, in seconds.
const STOP_S: u64 = 10;

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Anybody could give orders.
    #[error("{address} is not a loopback address, and requests are not authenticated yet")]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// The routes of this process, open on an address.
pub struct Server {
    running: Running,
    address: SocketAddr,
}

impl Server {
    /// Opens `address`, of which port 0 is a free one, for the markets of `dispatcher` and their read models.
    pub fn open(address: SocketAddr, dispatcher: Arc<Dispatcher>, models: Arc<ReadModels>) -> Result<Self, ServeError> {
        if !address.ip().is_loopback() {
            return Err(ServeError::Open { address });
        }
        let failed = |source| ServeError::Listen { address, source };
        let listener = TcpListener::bind(address).map_err(failed)?;
        let open = listener.local_addr().map_err(failed)?;
        let (markets, models) = (Data::new(Markets(dispatcher)), Data::from(models));
        let app = move || App::new().app_data(markets.clone()).app_data(models.clone()).configure(routes);
        let server = HttpServer::new(app)
            .workers(WORKERS)
            .max_connections(connections())
            .client_request_timeout(HEAD_WITHIN)
            .shutdown_timeout(STOP_S)
            .disable_signals()
            .listen(listener)
            .map_err(failed)?;
        Ok(Self { running: server.run(), address: open })
    }

    /// Where it can be reached.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What stops it.
    pub fn handle(&self) -> ServerHandle {
        self.running.handle()
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
        .route("/healthz", web::get().to(health::healthz))
        .route("/readyz", web::get().to(health::readyz))
        .route("/metrics", web::get().to(health::metrics));
}
