//! A road network: nodes, directed edges, lengths and travel times by day type and hour.

mod graph;

pub use graph::{EdgeId, Network, NodeId, Parts, Position, WeightsVersion};
