//! THE MARKET AT WORK: plain structs over small seams.
//!
//! A [`Market`] is the one writer of a city: it stamps commands, has the engine answer, and appends the turns to its
//! [`log`]; [`replay`] reads them back. No actor, no runtime, no wall clock: whoever drives the market brings the time with
//! each command.

mod audit;
pub mod follower;
pub mod ingest;
mod latency;
pub mod log;
mod planning;
pub mod quarantine;
pub mod recovery;
pub mod replay;
pub mod seam;
pub mod snapshot;
mod streets;
mod writer;

pub use audit::Violations;
pub use latency::Latencies;
pub use planning::Told;
pub use streets::Streets;
pub use writer::{Closed, Market, MarketError, Wakeup};
