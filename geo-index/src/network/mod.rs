//! A road network: nodes, directed edges, lengths and travel times by day type and hour.

mod connected;
mod error;
mod graph;
mod parts;
pub mod sample;
mod segment;

pub use error::NetworkError;
pub use graph::{EdgeId, Network, NodeId, Position, WeightsVersion};
pub use parts::Parts;
