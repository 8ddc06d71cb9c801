//! A road network: nodes, directed edges, lengths and travel times by day type and hour.

mod column;
mod connected;
mod error;
mod file;
mod graph;
mod parts;
pub mod sample;
mod segment;

pub use error::{FileError, NetworkError};
pub use graph::{EdgeId, Network, NodeId, Position, WeightsVersion};
pub use parts::Parts;

pub(crate) use connected::starts;
pub(crate) use graph::MAX_TIME_MS;
pub(crate) use parts::Columns;
