//! TRACES: which requests leave one, where it begins, and its way to a collector.
//!
//! A request that comes with a `traceparent` (W3C Trace Context) goes on in that trace; of the others a share begins one. Each has a
//! span for the request ([`RequestTrace`]), below which its orders leave theirs (`hansom_dispatcher::trace`). The answer says in
//! `traceresponse` which trace it is. Spans go to a collector by OTLP over HTTP (`export.rs`), by a thread of its own that nobody
//! waits for. Spans name routes, markets, turns and rides by number, never a rider, a driver or a place.

mod export;
mod request;

pub use export::{Collector, CollectorError, Tracing};
pub use request::{RequestTrace, follow};
