//! THE WINDOW: the markets of this process over HTTP.
//!
//! Lines of JSON come in, each gets one answer line; what markets tell goes out as server-sent events. The same and more goes
//! by GraphQL. [`Server`] has the routes: `/v1/commands`, `/v1/locations`, `/v1/events`, `/graphql`, `/graphiql`, `/healthz`,
//! `/readyz`, `/metrics`. Who may do what is in [`auth`]. Knows HTTP, TLS, bodies and limits; refuses to know what a line means
//! (`hansom_market::ingest` does) or how a market works.

mod answers;
pub mod auth;
pub mod body;
mod commands;
mod events;
mod fault;
mod fetch;
mod follow;
mod graphiql;
pub mod graphql;
mod health;
mod locations;
mod markets;
mod origin;
pub mod read;
mod server;
mod stamp;
mod stream;
mod tls;
mod trace;

pub use origin::Origins;
pub use server::{Edge, Patience, ServeError, Server, Stop};
pub use tls::{Certificate, CertificateError};
pub use trace::{Collector, CollectorError};
