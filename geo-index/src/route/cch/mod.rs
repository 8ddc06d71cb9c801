//! A customisable contraction hierarchy: what of a network's shortest paths does not depend on its travel times.
//!
//! Dibbelt, Strasser and Wagner, "Customizable Contraction Hierarchies", Journal of Experimental Algorithmics 21, 2016.
//! Nodes are known by *rank*, their place in the order of contraction; an *arc* joins a node to one of higher rank and
//! stands for the ways between the two over nodes of lower rank, upward and downward.

mod contract;
mod customize;
mod label;
mod order;
mod sweep;

pub(super) use contract::Hierarchy;
pub(super) use customize::Metric;
pub(super) use label::{Labels, Leave, Reach};
pub use order::node_order;
pub(super) use sweep::{Cost, LANES, Sweep};
